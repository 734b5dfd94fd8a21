"""Ordinary Python calls, run lazily, in parallel, and visibly.

The way through the house::

    call --capture--> Task in a Graph --passes--> Graph --plan--> Plan --scheduler--> results

Rooms, lower floors first: `errors`, `shorten`, `leaf_rules`, `containers`, `keys`, `options`,
`task`, `fused`, `classic`, `ordering`, `interop`, `graph`, `plan`, `nodes`, `packing`,
`protocols`, `config`, `passes`, `schedulers`, `observers`, `viz`, `pipeline`, `lazy`, `capture`. `CONTRIBUTING.md` says what each
turns into what.
"""

from lazygraph import config, errors, observers, passes, schedulers
from lazygraph.capture import DelayedFunction, delayed, is_delayed
from lazygraph.containers import literal
from lazygraph.graph import Graph
from lazygraph.lazy import Delayed
from lazygraph.one_by_one import acompute, as_completed, iterate
from lazygraph.options import Options
from lazygraph.outcomes import Failed, Skipped
from lazygraph.pipeline import compute, get, optimize, persist, visualize
from lazygraph.randomness import rng
from lazygraph.schedulers.failed_call import replay
from lazygraph.task import Ref, Task

__version__ = "0.1.0"

__all__ = [
    "Delayed",
    "DelayedFunction",
    "Failed",
    "Graph",
    "Options",
    "Ref",
    "Skipped",
    "Task",
    "acompute",
    "as_completed",
    "compute",
    "config",
    "delayed",
    "errors",
    "get",
    "is_delayed",
    "iterate",
    "literal",
    "observers",
    "optimize",
    "passes",
    "persist",
    "replay",
    "rng",
    "schedulers",
    "visualize",
]

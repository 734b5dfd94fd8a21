"""Ordinary Python calls, run lazily, in parallel, and visibly.

`delayed` makes calls lazy, `compute` runs them; exceptions live in `lazygraph.errors`.

The way through the house::

    call --capture--> Task in a Graph --passes--> Graph --plan--> Plan --scheduler--> results

Layers, the lowest first: `errors` and `files`, `config` and `randomness`, `transport`,
`tasks`, `interop`, `graphs`, `protocols`, `passes`, `schedulers`, `observers` and `viz`, `run`,
`autodiff`, `api`, `demo`, `train` and `migrate`, `cli` and `__main__`. `CONTRIBUTING.md` says what
each turns into what.
"""

from typing import TYPE_CHECKING, Any

from lazygraph import config, errors, observers, passes, schedulers
from lazygraph.api.capture import DelayedFunction, delayed, is_delayed
from lazygraph.api.compute import compute, get, optimize, persist
from lazygraph.api.graph_function import GraphFunction, function
from lazygraph.api.input_values import inputs
from lazygraph.api.lazy import Delayed
from lazygraph.api.streaming import acompute, as_completed, iterate
from lazygraph.api.visualize import visualize
from lazygraph.graphs.graph import Graph
from lazygraph.randomness import rng
from lazygraph.schedulers.failures import failures
from lazygraph.schedulers.outcomes import Failed, Skipped, forget
from lazygraph.schedulers.replay import replay
from lazygraph.tasks.options import Options
from lazygraph.tasks.pytree import literal
from lazygraph.tasks.registration import register_container
from lazygraph.tasks.task import Ref, Task

if TYPE_CHECKING:
    from lazygraph import autodiff as autodiff
    from lazygraph import train as train
    from lazygraph.autodiff import backward as backward
    from lazygraph.autodiff import check_grads as check_grads
    from lazygraph.autodiff import grad as grad
    from lazygraph.autodiff import hessian as hessian
    from lazygraph.autodiff import hvp as hvp
    from lazygraph.autodiff import jacobian as jacobian
    from lazygraph.autodiff import jvp as jvp
    from lazygraph.autodiff import stop_gradient as stop_gradient
    from lazygraph.autodiff import value_and_grad as value_and_grad
    from lazygraph.autodiff import vjp as vjp

__version__ = "0.1.0"

__all__ = [
    "Delayed",
    "DelayedFunction",
    "Failed",
    "Graph",
    "GraphFunction",
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
    "failures",
    "forget",
    "function",
    "get",
    "inputs",
    "is_delayed",
    "iterate",
    "literal",
    "observers",
    "optimize",
    "passes",
    "persist",
    "register_container",
    "replay",
    "rng",
    "schedulers",
    "visualize",
]

#: Names that come with numpy, when first asked for, by module; not part of ``import *``.
_LATE = {
    "autodiff": (
        "backward",
        "check_grads",
        "grad",
        "hessian",
        "hvp",
        "jacobian",
        "jvp",
        "stop_gradient",
        "value_and_grad",
        "vjp",
    ),
    "train": (),
}
_HOME = {name: module for module, names in _LATE.items() for name in (module, *names)}


def __getattr__(name: str) -> Any:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # what gradients are made with takes 100 ms to import

    try:
        module = import_module(f"lazygraph.{home}")
    except ImportError as error:
        if error.name != "numpy":
            raise
        message = f"lazygraph.{name} needs numpy: pip install 'lazygraph[grad]'"
        raise ImportError(message, name="numpy") from None
    return module if name == home else getattr(module, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME})

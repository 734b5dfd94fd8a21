"""Plan and terms in, results out, with control over every task: retries, limits, time limits.

`state` decides and `active` settles attempts. A `team` of threads, or the caller alone (`solo`),
takes steps by itself; processes are handed them by a `controller`, which their executor reports to.
"""

from lazygraph.schedulers.controlled.active import is_simple
from lazygraph.schedulers.controlled.controller import Controller
from lazygraph.schedulers.controlled.executors import Executor
from lazygraph.schedulers.controlled.host import enter_task, is_on_loop
from lazygraph.schedulers.controlled.local import LocalExecutor
from lazygraph.schedulers.controlled.solo import run_here, stream_here
from lazygraph.schedulers.controlled.streams import InlineStream, PumpedStream, Stream, Streaming
from lazygraph.schedulers.controlled.team import Team, stays_here
from lazygraph.schedulers.controlled.teamrun import TeamRun

__all__ = [
    "Controller",
    "Executor",
    "InlineStream",
    "LocalExecutor",
    "PumpedStream",
    "Stream",
    "Streaming",
    "Team",
    "TeamRun",
    "enter_task",
    "is_on_loop",
    "is_simple",
    "run_here",
    "stays_here",
    "stream_here",
]

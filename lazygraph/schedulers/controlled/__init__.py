"""Plan and terms in, results out, with control over every task: retries, limits, time limits.

`state` decides, `lanes` run tasks, the `controller` stands between them. Runs of which nothing
of this is asked take the shorter ways of `synchronous` and `threads`.
"""

from lazygraph.schedulers.controlled.controller import Controller
from lazygraph.schedulers.controlled.lanes import (
    InlineLane,
    ThreadLane,
    is_inside_lane,
    is_on_loop,
    settle_in,
)
from lazygraph.schedulers.controlled.streams import InlineStream, PumpedStream, Stream, Streaming

__all__ = [
    "Controller",
    "InlineLane",
    "InlineStream",
    "PumpedStream",
    "Stream",
    "Streaming",
    "ThreadLane",
    "is_inside_lane",
    "is_on_loop",
    "settle_in",
]

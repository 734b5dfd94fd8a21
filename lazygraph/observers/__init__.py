"""Events in, something to look at out."""

from lazygraph.observers.recorder import Recorder
from lazygraph.protocols import (
    Event,
    Observer,
    Released,
    RunEnded,
    RunStarted,
    TaskEnded,
    TaskFailed,
    TaskRetried,
    TaskSkipped,
    TaskStarted,
)

__all__ = [
    "Event",
    "Observer",
    "Recorder",
    "Released",
    "RunEnded",
    "RunStarted",
    "TaskEnded",
    "TaskFailed",
    "TaskRetried",
    "TaskSkipped",
    "TaskStarted",
]

"""The interfaces to implement, to read first: a pass, a scheduler, an observer; and the events.

Events are frozen, so that watching changes nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Protocol, TypeVar, runtime_checkable

from lazygraph.graphs.graph import Graph
from lazygraph.graphs.plan import Plan
from lazygraph.tasks.keys import Key
from lazygraph.tasks.options import NO_TERMS, Terms
from lazygraph.tasks.records import Record

__all__ = [
    "Event",
    "Lazy",
    "Observer",
    "Pass",
    "Released",
    "RunEnded",
    "RunStarted",
    "Scheduler",
    "TaskEnded",
    "TaskFailed",
    "TaskRetried",
    "TaskSkipped",
    "TaskStarted",
]


T_co = TypeVar("T_co", covariant=True)


class Lazy(Protocol[T_co]):
    """A value that is not computed yet: what `compute` takes, to type checkers."""

    def compute(self) -> T_co:
        """Return the value itself; keywords are optional."""


class Pass(Protocol):
    """Graph in, graph out; what the outputs evaluate to stays the same."""

    def __call__(self, graph: Graph, outputs: Collection[Key], /) -> Graph:
        """Return a better graph; `graph` is left alone."""


@runtime_checkable
class Scheduler(Protocol):
    """Runs plans."""

    @property
    def name(self) -> str:
        """What messages call it."""

    @property
    def honours(self) -> frozenset[str]:
        """The task options and the terms it acts on; a run with any other is refused."""

    def run(
        self, plan: Plan, observers: Sequence[Observer] = (), terms: Terms = NO_TERMS, /
    ) -> list[Any]:
        """Return the values of ``plan.outputs``, in that order.

        Raises what the first task to fail raised, with a note that names the task. `terms`
        asks for nothing that `honours` does not name.
        """


@runtime_checkable
class Observer(Protocol):
    """Is told what happens, in the order in which it happens, and cannot change it.

    Events come one at a time, from whichever thread; an observer that raises is reported
    as a warning and told nothing more of that run.
    """

    def notify(self, event: Event, /) -> None:
        """Take note of one event; to be quick, since workers wait."""


class RunStarted(Record):
    """A scheduler begins with a plan. `seconds`, here and below: of `time.perf_counter`."""

    seconds: float
    plan: Plan
    scheduler: str
    workers: int


class RunEnded(Record):
    """The run is over; `error` is what it raises, or None."""

    seconds: float
    error: BaseException | None


class TaskStarted(Record):
    """A worker begins with a task."""

    seconds: float
    key: Key
    step: int
    worker: str


class TaskEnded(Record):
    """A task has returned; `nbytes` is the size of its result, as far as that is easily told."""

    seconds: float
    key: Key
    step: int
    worker: str
    nbytes: int | None = None


class TaskFailed(Record):
    """A task has raised."""

    seconds: float
    key: Key
    step: int
    worker: str
    error: BaseException


class TaskRetried(Record):
    """A task has failed, or its worker died, and it is to run again."""

    seconds: float
    key: Key
    step: int
    worker: str
    error: BaseException


class TaskSkipped(Record):
    """A task will not run, since one that it needs has failed and errors are collected."""

    seconds: float
    key: Key
    step: int


class Released(Record):
    """A result was forgotten: nothing needs it any more."""

    seconds: float
    key: Key
    step: int


Event = (
    RunStarted
    | RunEnded
    | TaskStarted
    | TaskEnded
    | TaskFailed
    | TaskRetried
    | TaskSkipped
    | Released
)

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
    """Graph in, graph out; what the outputs evaluate to stays the same.

    `run_passes` calls passes in turn, on the caller's thread, `optimize` and
    ``visualize(optimize_graph=True)`` those of `passes.DEFAULT`; `compute` calls none. What a pass
    raises reaches the caller: MissingKeyError or CycleError for a graph that cannot run.

    Examples
    --------
    >>> from lazygraph import Task
    >>> def fold(graph, outputs):
    ...     better = graph.copy()
    ...     for key, task in graph.items():
    ...         if task.func is abs and not task.dependencies:
    ...             better.replace(key, Task(int, (abs(*task.args),)))
    ...     return better
    >>> from lazygraph.passes import run_passes
    >>> run_passes(Graph.from_dict({"x": (abs, -3), "y": (abs, "x")}), ["y"], [fold])["x"]
    Task(int(3))
    """

    def __call__(self, graph: Graph, outputs: Collection[Key], /) -> Graph:
        """Return a better graph; `graph` is left alone."""


@runtime_checkable
class Scheduler(Protocol):
    """Runs plans.

    `run` is called on the thread that computes, and from several at once if several compute. A
    plan is not to be changed. Before, a run that asks for what `honours` does not name is refused.

    Examples
    --------
    >>> class InOrder:
    ...     name, honours = "in order", frozenset()
    ...     def run(self, plan, observers=(), terms=NO_TERMS, /):
    ...         values = plan.blank_values()
    ...         for step, (func, slots) in enumerate(zip(plan.funcs, plan.slots)):
    ...             values[step] = func(*[values[slot] for slot in slots])
    ...         return [values[step] for step in plan.outputs]
    >>> from lazygraph import delayed
    >>> delayed(max)(delayed(abs)(-3), 2).compute(scheduler=InOrder())
    3
    """

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
    as a warning and told nothing more of that run. `RunStarted` is first, `RunEnded` last; of each
    step `TaskStarted`, then `TaskEnded`, `TaskFailed` or, before it starts again, `TaskRetried`.

    Examples
    --------
    >>> class Names:
    ...     def __init__(self):
    ...         self.seen = []
    ...     def notify(self, event):
    ...         self.seen.append(type(event).__name__)
    >>> from lazygraph import delayed
    >>> names = Names()
    >>> delayed(abs)(-3).compute(scheduler="synchronous", observers=[names])
    3
    >>> names.seen
    ['RunStarted', 'TaskStarted', 'TaskEnded', 'RunEnded']
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

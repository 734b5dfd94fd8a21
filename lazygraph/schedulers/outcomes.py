"""What a failed run leaves: `Failed`, `Skipped`, the failed call, and the results at hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from types import FrameType, NoneType
from typing import Any

from lazygraph.errors import OptionError
from lazygraph.graphs.plan import PENDING, Plan
from lazygraph.randomness import Seed
from lazygraph.tasks.keys import Key
from lazygraph.tasks.records import Record
from lazygraph.tasks.reprs import counted
from lazygraph.tasks.task import Call

__all__ = [
    "Absent",
    "Failed",
    "FailedCall",
    "Partial",
    "Skipped",
    "failed_call",
    "forget",
    "keep_partial",
    "remember",
]

_ATTRIBUTE = "_lazygraph_call"


class FailedCall:
    """The call that an exception comes from: as text, and as long as they are kept, its arguments.

    Attributes
    ----------
    key : Key
        The task's.
    shown : str
        The call with its arguments in short form: ``fit(0.01)``.
    site : str, optional
        ``file:line`` where it was captured.
    attempts : int
        How many were made.
    call : Call, optional
        The task; None in a copy that was pickled, and for a call made on a cluster.
    leaves : tuple
        The values of its arguments, flat.
    seed : Seed, optional
        Where it drew random numbers from.
    run : int
        Tells runs apart.
    """

    def __init__(
        self,
        key: Key,
        shown: str,
        site: str | None,
        attempts: int = 1,
        call: Call | None = None,
        leaves: tuple[Any, ...] = (),
        seed: Seed | None = None,
        run: int = 0,
    ) -> None:
        self.key, self.shown, self.site, self.attempts = key, shown, site, attempts
        self.call, self.leaves, self.seed, self.run = call, leaves, seed, run

    @property
    def arguments(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Positional and keyword arguments; none where they are not kept."""
        return ((), {}) if self.call is None else self.call._arguments(self.leaves)

    def __reduce__(self) -> tuple[Any, ...]:
        # Arguments do not travel with a pickled exception.
        return FailedCall, (self.key, self.shown, self.site, self.attempts)


def remember(error: BaseException, failed: FailedCall) -> None:
    """Let the exception lead to the call. One that has been remembered leads to the new one."""
    object.__setattr__(error, _ATTRIBUTE, failed)


def failed_call(error: BaseException) -> FailedCall | None:
    """Return the call that an exception comes from; None for those that no task raised."""
    failed = _own(error, _ATTRIBUTE)
    return failed if isinstance(failed, FailedCall) else None


def _own(error: BaseException, name: str) -> Any:
    """Return an attribute of an exception, whose class may do anything with attributes."""
    try:
        return object.__getattribute__(error, name)
    except AttributeError:
        return None


class Failed(Record):
    """In place of the result of a task that raised, where a run collects errors.

    It keeps the task's arguments, for `lazygraph.replay` and debuggers, as long as it lives
    itself; `lazygraph.forget` lets go of them.

    Attributes
    ----------
    error : BaseException
        What the task raised, with a note that names it.
    key : Key
        The task's.

    Examples
    --------
    >>> from lazygraph import compute, delayed
    >>> failed, two = compute(delayed(int)("one"), delayed(int)("2"), on_error="collect")
    >>> failed.args, type(failed.error).__name__, two
    (('one',), 'ValueError', 2)
    """

    error: BaseException
    key: Key

    @property
    def args(self) -> tuple[Any, ...]:
        """The task's positional arguments; empty once they are forgotten, and after a pickle."""
        failed = failed_call(self.error)
        return () if failed is None else failed.arguments[0]

    @property
    def kwargs(self) -> dict[str, Any]:
        """The task's keyword arguments, likewise."""
        failed = failed_call(self.error)
        return {} if failed is None else failed.arguments[1]


class Skipped(Record):
    """In place of the result of a task that needs one that failed, and so did not run.

    Attributes
    ----------
    because : Key
        The key of the task that failed.
    error : BaseException, optional
        What that task raised, with a note that names it, its arguments and its place.
    """

    because: Key
    error: BaseException | None = None


class Absent(Record):
    """Stands, in notes, for a value that never left the process where it was made.

    Attributes
    ----------
    text : str
        What to show.
    """

    text: str

    def __repr__(self) -> str:
        return self.text


class Partial(Mapping[Key, Any]):
    """The results that a failed run had finished and not yet released, by key.

    Keys are made when first asked for. A pickled copy is empty. They live as long as the
    exception, unless ``del error.partial``, or `lazygraph.forget`, lets go of them.
    """

    def __init__(
        self, plan: Plan, values: Mapping[int, Any], read: Callable[[Any], Any] | None = None
    ) -> None:
        self._plan, self._values, self._read = plan, values, read

    @cached_property
    def _steps(self) -> dict[Key, int]:
        return {self._plan.key(step): step for step in self._values}

    def __getitem__(self, key: Key) -> Any:
        value = self._values[self._steps[key]]
        return value if self._read is None else self._read(value)

    def __iter__(self) -> Iterator[Key]:
        return iter(self._steps)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Partial({len(self)} of {counted(len(self._plan), 'result')})"

    def __reduce__(self) -> tuple[Any, ...]:
        return dict, ()  # results do not travel with a pickled exception


def keep_partial(
    error: BaseException,
    plan: Plan,
    values: Sequence[Any],
    read: Callable[[Any], Any] | None = None,
) -> None:
    """Give an exception the attribute ``partial``: what is left of the run's results.

    Parameters
    ----------
    values
        By slot; `PENDING` where there is no result.
    read
        Makes a result from such a value; None if it is one.
    """
    steps = range(len(plan)) if values else ()
    alive = {step: values[step] for step in steps if _is_here(values[step])}
    with suppress(Exception):
        # `http.client.IncompleteRead` has bytes by that name.
        if type(_own(error, "partial")) in (Partial, NoneType):
            object.__setattr__(error, "partial", Partial(plan, alive, read))


def forget(failure: BaseException | Failed | Skipped) -> None:
    """Let go of what a failure keeps alive: arguments, partial results, local variables.

    The exception keeps its type, message, traceback lines and notes, and can be raised; it
    can no longer be replayed, and debuggers find its frames empty.

    Parameters
    ----------
    failure : BaseException, Failed, Skipped or Failure
        What a compute raised, or put in a result's place, or a row of `failures`.

    Raises
    ------
    OptionError
        For anything else; of a table of failures, forget each row.

    Examples
    --------
    >>> from lazygraph import compute, delayed
    >>> (failed,) = compute(delayed(int)("one"), on_error="collect")
    >>> forget(failed)
    >>> failed.args
    ()
    """
    error = failure if isinstance(failure, BaseException) else getattr(failure, "error", failure)
    if error is None:
        return
    if not isinstance(error, BaseException):
        raise OptionError(
            f"forget wants one failure, not {type(failure).__name__}: "
            "for each in failures(results): forget(each)"
        )
    failed = failed_call(error)
    if failed is not None:
        failed.call, failed.leaves = None, ()
    if type(_own(error, "partial")) is Partial:
        object.__delattr__(error, "partial")
    trace = error.__traceback__
    while trace is not None:
        frame: FrameType | None = trace.tb_frame
        # What called it too: the frames of the run, which the traceback does not show.
        while frame is not None:
            with suppress(RuntimeError):  # it is still running
                frame.clear()
            frame = frame.f_back
        trace = trace.tb_next


def _is_here(value: Any) -> bool:
    return value is not PENDING and type(value) is not Absent

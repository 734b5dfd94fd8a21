"""From lazy values to results as they come: `as_completed`, `iterate`; or awaited: `acompute`."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, SupportsIndex, TypeAlias, TypeVar, Unpack

from lazygraph.config import whole_number
from lazygraph.errors import CaptureError, OptionError
from lazygraph.graphs.nodes import Node, node_type
from lazygraph.protocols import Lazy
from lazygraph.run import Lazies, Run
from lazygraph.schedulers.controlled import Stream
from lazygraph.schedulers.explain import copy_notes, short_traceback, shortened, throw
from lazygraph.tasks.options import RunOptions
from lazygraph.tasks.reprs import short_repr

if TYPE_CHECKING:
    from asyncio import Future

__all__ = ["acompute", "as_completed", "iterate"]

L = TypeVar("L", bound=Lazy[Any])


@short_traceback
def as_completed(
    delayeds: Iterable[L], *, lookahead: SupportsIndex | None = None, **options: Unpack[RunOptions]
) -> Iterator[tuple[L, Any]]:
    """Run lazy values, and yield each with its result as soon as it has one.

    Parameters
    ----------
    delayeds : iterable of Delayed
        What to run; read to its end at once.
    lookahead : int, optional
        How many of them may be on their way, or wait to be taken, at one time; four per
        worker by default. It bounds memory, whatever the consumer's pace.
    **options
        As for `compute`: ``scheduler``, ``num_workers``, ``observers``, ``on_error``,
        ``limits``, ``seed``, ``inputs``, ``check_finite``, ``optimize_graph``.

    Yields
    ------
    (Delayed, result)
        With ``on_error="collect"``, the result may be a `Failed` or `Skipped`: `failures` of
        the list of pairs tells of them.

    Raises
    ------
    Exception, OptionError, InputError
        As `compute`; but for a task's, at the call.
    CaptureError
        If an item is not lazy.
    RuntimeError
        If a task raised StopIteration, which would end the loop; its notes name the task.

    Notes
    -----
    The run begins with the first item asked for. Leaving the loop ends it: tasks that wait
    are not run. (After an exception in the loop's body, that is when the traceback is gone;
    `contextlib.closing` ends it at once.) A result that was yielded is kept by nobody but the
    caller.

    Examples
    --------
    >>> from lazygraph import delayed
    >>> sorted(value for _, value in as_completed([delayed(abs)(-1), delayed(abs)(-2)]))
    [1, 2]
    """
    return _pairs("as_completed", delayeds, lookahead, options, _whichever)


@short_traceback
def iterate(
    delayeds: Iterable[L], *, lookahead: SupportsIndex | None = None, **options: Unpack[RunOptions]
) -> Iterator[tuple[L, Any]]:
    """Run lazy values, and yield each with its result, in the order given.

    Parameters
    ----------
    delayeds : iterable of Delayed
        What to run; read to its end at once.
    lookahead : int, optional
        How many of them may be on their way, or wait to be taken, at one time; four per
        worker by default. While the next one in order is slow, so many others wait for it.
    **options
        As for `compute`: ``scheduler``, ``num_workers``, ``observers``, ``on_error``,
        ``limits``, ``seed``, ``inputs``, ``check_finite``, ``optimize_graph``.

    Yields
    ------
    (Delayed, result)
        As `as_completed`.

    Raises
    ------
    Exception, OptionError, InputError, CaptureError, RuntimeError
        As `as_completed`.

    Examples
    --------
    >>> from lazygraph import delayed
    >>> [value for _, value in iterate([delayed(abs)(-1), delayed(abs)(-2)])]
    [1, 2]
    """
    return _pairs("iterate", delayeds, lookahead, options, _InOrder())


#: Says which place is next, of those whose results have arrived; None if that has not.
_Turn: TypeAlias = Callable[[dict[int, Any]], int | None]


def _pairs(
    where: str,
    delayeds: Iterable[Any],
    lookahead: SupportsIndex | None,
    options: Mapping[str, Any],
    turn: _Turn,
) -> Iterator[tuple[Any, Any]]:
    """Check everything, and make what gives lazy values with their results."""
    ahead = whole_number(lookahead)
    if lookahead is not None and (ahead is None or ahead < 1):
        raise OptionError(f"lookahead is a number of results, 1 or more, not {lookahead!r}")
    run = Run(where, options)
    nodes = _checked(where, delayeds)
    if not nodes:
        return iter(())
    plan = run.plan(nodes)
    run.refuse_to_block(plan)
    return _go_on(nodes, run.stream(plan, ahead), turn)


def _go_on(
    nodes: Sequence[Node], start: Callable[[], Stream], turn: _Turn
) -> Iterator[tuple[Any, Any]]:
    stream = start()
    arrived: dict[int, Any] = {}
    with shortened:
        try:
            for place, value in stream:
                arrived[place] = value
                del value
                while (ready := turn(arrived)) is not None:
                    # In no name of this function: it is the user's alone.
                    yield nodes[ready], arrived.pop(ready)
                    stream.consume()
        except BaseException as error:  # GeneratorExit too: the user has left the loop
            stream.close(error)
            _name_stop(error)
            raise


def _name_stop(error: BaseException) -> None:
    """Let what Python makes of a task's StopIteration in a generator name the task."""
    if isinstance(error, RuntimeError) and isinstance(error.__cause__, StopIteration):
        copy_notes(error.__cause__, error)


def _whichever(arrived: dict[int, Any]) -> int | None:
    return next(iter(arrived), None)


class _InOrder:
    """Each place after the one before."""

    def __init__(self) -> None:
        self._next = 0

    def __call__(self, arrived: dict[int, Any]) -> int | None:
        place = self._next
        if place not in arrived:
            return None
        self._next += 1
        return place


def _checked(where: str, delayeds: Any) -> list[Node]:
    kind = node_type()
    if isinstance(delayeds, kind) or not isinstance(delayeds, Iterable):
        raise CaptureError(f"{where} runs a list of lazy values, not {short_repr(delayeds)}")
    nodes = list(delayeds)
    for item in nodes:
        if not isinstance(item, kind):
            raise CaptureError(
                f"{where} runs lazy values, and {short_repr(item)} is none; delayed(...) makes one"
            )
    return nodes


async def acompute(*args: Any, **options: Unpack[RunOptions]) -> tuple[Any, ...]:
    """Run what the arguments stand for, as `compute` does, while the event loop goes on.

    Parameters
    ----------
    *args
        As for `compute`.
    **options
        As for `compute`: ``scheduler``, ``num_workers``, ``observers``, ``on_error``,
        ``limits``, ``seed``, ``inputs``, ``check_finite``, ``traverse``, ``optimize_graph``.

    Returns
    -------
    tuple
        One result per argument.

    Raises
    ------
    Exception, OptionError, InputError
        As `compute`.
    asyncio.CancelledError
        If it is cancelled, or ``asyncio.timeout`` is left, which ends the run.
    RuntimeError
        If a task raised StopIteration, which no coroutine can; its notes name the task.

    Notes
    -----
    Takes a thread of its own for the wait. ``async def`` tasks run on an event loop of the
    run's own, not on the caller's. All tasks may be on their way at once.

    Examples
    --------
    >>> import asyncio
    >>> from lazygraph import delayed
    >>> asyncio.run(acompute(delayed(abs)(-1), 2))
    (1, 2)
    """
    with shortened:
        run = Run("acompute", options)
        lazies = Lazies(args, run.traverse)
        nodes = lazies.nodes
        if not nodes:
            return lazies.fill(())
        return lazies.fill(await _awaited(run.stream(run.plan(nodes), len(nodes)), len(nodes)))


async def _awaited(start: Callable[[], Stream], count: int) -> list[Any]:
    """Return the results, collected by a thread meanwhile."""
    import asyncio  # late: 30 ms to import

    loop = asyncio.get_running_loop()
    is_over = loop.create_future()
    collector = _Collector(start(), count)
    collector.start(lambda: loop.call_soon_threadsafe(_set, is_over))
    try:
        await is_over
    except BaseException:  # cancelled
        collector.stream.cancel()
        raise
    return collector.results()


def _set(future: Future[None]) -> None:
    if not future.done():
        future.set_result(None)


class _Collector:
    """Takes a stream's results on a thread of its own."""

    def __init__(self, stream: Stream, count: int) -> None:
        self.stream = stream
        self._values: list[Any] = [None] * count
        self._error: BaseException | None = None

    def start(self, tell: Callable[[], object]) -> None:
        """Begin, with the caller's context variables; `tell` is called at the end."""
        # A daemon: a task that outlives the run must not keep the interpreter from leaving.
        threading.Thread(
            target=copy_context().run,
            args=(self._collect, tell),
            name="lazygraph-acompute",
            daemon=True,
        ).start()

    def _collect(self, tell: Callable[[], object]) -> None:
        try:
            for place, value in self.stream:
                self._values[place] = value
                self.stream.consume()
        except BaseException as raised:
            _name_stop(raised)
            self._error = raised
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            tell()

    def results(self) -> list[Any]:
        """Return what has come, or raise the error that did."""
        error, self._error = self._error, None
        if error is None:
            return self._values
        try:
            throw(error)
        finally:
            del error

"""Turns what a task raised into what the user sees: same type, short traceback, one note."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import wraps
from threading import current_thread, main_thread
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn, ParamSpec, TypeVar

from lazygraph.errors import LazygraphError, TaskExited, TaskTimeout, WorkerDied
from lazygraph.graphs.plan import Plan
from lazygraph.randomness import Seed
from lazygraph.schedulers.outcomes import FailedCall, failed_call, remember
from lazygraph.tasks.fused import MemberFailed
from lazygraph.tasks.keys import Key
from lazygraph.tasks.reprs import short_call, short_repr

if TYPE_CHECKING:
    from traceback import FrameSummary

__all__ = [
    "Attempt",
    "add_note",
    "annotate",
    "copy_notes",
    "exited",
    "explain",
    "is_interrupt",
    "short_traceback",
    "shortened",
    "stack_of",
    "stack_text",
    "throw",
    "throw_if",
]

P = ParamSpec("P")
T = TypeVar("T")

_MOST_DEPENDENTS = 5
# By way of the base class: an exception's own may forbid or redefine getting and setting.
_TRACEBACK: Any = BaseException.__dict__["__traceback__"]
_CONTEXT: Any = BaseException.__dict__["__context__"]
_PREFIX = "lazygraph: "
_HOUSE = os.path.dirname(os.path.dirname(__file__)) + os.sep  # noqa: PTH120  # pathlib is slow to import


class Attempt(NamedTuple):
    """A call of a step that failed: what it raised, as text, and how long it took."""

    text: str
    seconds: float


def explain(
    error: BaseException,
    plan: Plan,
    step: int,
    values: Sequence[Any] | Mapping[int, Any],
    *,
    seed: Seed | None = None,
    attempts: Sequence[Attempt] = (),
) -> BaseException:
    """Return the user's exception, its traceback begun at its own frames, with a note on the task.

    What is no `Exception`, as SystemExit, comes as the cause of a `TaskExited`: it is to end a
    task, not the program.

    Parameters
    ----------
    error
        What calling the step raised.
    values
        By slot, the plan's values when it did, for the arguments' short forms.
    seed
        The run's.
    attempts
        How the step failed, each time; the last is `error`.
    """
    key, call = plan.key(step), plan.origins.call(step)
    leaves: tuple[Any, ...] | None = None
    run = id(plan)
    seed = seed and seed.at(step)
    while isinstance(error, MemberFailed):
        key, call, leaves, seed = error.member.key, error.member.task, error.leaves, error.seed
        error = error.error
    error = _own(error, key, run)
    _TRACEBACK.__set__(error, _from_user(_TRACEBACK.__get__(error)))
    error = exited(error, key, call._function.name)
    # Whatever the arguments' own code does while they are shown: the user's error matters more.
    with suppress(Exception):
        if leaves is None:
            leaves = tuple(values[slot] for slot in plan.slots[step])
        shown = short_call(call._function.name, *call._arguments(leaves))
        site, made = call._site(), max(1, len(attempts))
        note = _note(key, shown, site, _wanted_by(plan, step))
        add_note(error, "\n".join([note, *_listed(attempts), *_stack_lines(error)]))
        remember(error, FailedCall(key, shown, site, made, call, leaves, seed, run))
    return error


def _own(error: BaseException, key: Key, run: int) -> BaseException:
    """Return the exception, or a copy if another task of the run has raised the very same object.

    Else its notes, and what it leads to, would be those of both.
    """
    before = failed_call(error)
    if before is None or before.run != run or before.key == key:
        return error
    try:
        # Not copy.copy, for which tblib may have registered a way of its own.
        reduced: Any = error.__reduce__()
        made: BaseException = reduced[0](*reduced[1])
        vars(made).update(vars(error))
        made.__notes__ = [note for note in _notes(error) if not _is_note_of_ours(note)]
        made.__cause__, made.__context__ = error.__cause__, error.__context__
        made.__suppress_context__ = error.__suppress_context__
    except Exception:  # it cannot be copied
        return error
    _TRACEBACK.__set__(made, _TRACEBACK.__get__(error))
    return made if type(made) is type(error) else error


def exited(error: BaseException, key: Key, name: str) -> BaseException:
    """Return the error, or a `TaskExited` with it as the cause if it would end the program."""
    if isinstance(error, Exception):
        return error
    made = TaskExited(key, name, short_repr(error))
    made.__cause__ = error
    return made


def _stack_lines(error: BaseException) -> Iterator[str]:
    if isinstance(error, TaskTimeout | WorkerDied) and error.stack:
        yield "  it was at:"
        yield error.stack.rstrip("\n")


def stack_of(thread: int) -> str:
    """Return where a thread is, as a traceback's lines, from the first frame of the user's."""
    from traceback import extract_stack  # late: only errors need it

    frame = sys._current_frames().get(thread)
    return "" if frame is None else stack_text(extract_stack(frame))


def stack_text(found: list[FrameSummary]) -> str:
    """Return a stack's lines, outermost first, from the first frame of the user's."""
    from traceback import format_list  # late: only errors need it

    ours = [entry.filename.startswith(_HOUSE) for entry in found]
    first = len(ours) - ours[::-1].index(True) if True in ours else 0
    return "".join(format_list(found[first:]))


def is_interrupt(error: BaseException) -> bool:
    """Whether an exception is Ctrl-C, and not a KeyboardInterrupt that the task itself raised.

    A ``raise`` in the innermost frame is the task's, unless a handler of the signal is on the way.
    """
    if type(error) is not KeyboardInterrupt or current_thread() is not main_thread():
        return False
    from opcode import opmap  # late: only errors need them
    from signal import SIGINT, getsignal

    trace: TracebackType | None = _TRACEBACK.__get__(error)
    handler = getattr(getsignal(SIGINT), "__code__", None)
    last = trace
    while trace is not None:
        if trace.tb_frame.f_code is handler:
            return True
        trace, last = trace.tb_next, trace
    return last is None or _opcode(last) != opmap["RAISE_VARARGS"]


def _opcode(trace: TracebackType) -> int:
    return trace.tb_frame.f_code.co_code[trace.tb_lasti]


def annotate(
    error: BaseException, plan: Plan, step: int | None, key: Key, shown: str, site: str | None
) -> BaseException:
    """As `explain`, for a call that was made elsewhere: `shown` is all that is known of it.

    `step` is None where the plan only needs what another run has left behind.
    """
    _TRACEBACK.__set__(error, _from_user(_TRACEBACK.__get__(error)))
    error = exited(error, key, shown.partition("(")[0])
    wanted_by = [] if step is None else _wanted_by(plan, step)
    add_note(error, _note(key, shown, site, wanted_by))
    with suppress(Exception):  # its class may allow no attributes
        remember(error, FailedCall(key, shown, site))
    return error


def _listed(attempts: Sequence[Attempt]) -> Iterator[str]:
    if len(attempts) > 1:
        for number, attempt in enumerate(attempts, 1):
            yield f"  attempt {number}, after {attempt.seconds:.3g} s: {attempt.text}"


def throw(error: BaseException) -> NoReturn:
    """Raise `error` with the context it has: raising it anew would put another in its place."""
    context = _CONTEXT.__get__(error)
    try:
        raise error
    finally:
        _CONTEXT.__set__(error, context)
        del error  # or this frame and the traceback would keep each other alive


def throw_if(error: BaseException | None) -> None:
    """Raise `error` as `throw` does, unless it is None."""
    try:
        if error is not None:
            throw(error)
    finally:
        del error


def _note(key: Key, shown: str, site: str | None, wanted_by: list[Key]) -> str:
    lines = [f"while running task {key!r}: {shown}"]
    if site is not None:
        lines.append(f"  captured at {site}")
    if wanted_by:
        lines.append("  wanted by " + " <- ".join(repr(other) for other in wanted_by))
    return "\n".join(lines)


def _wanted_by(plan: Plan, step: int) -> list[Key]:
    """Return a way from the step to an output, as keys; the middle of a long one is left out."""
    chain: list[int] = []
    while plan.dependents[step]:
        step = plan.dependents[step][0]
        chain.append(step)
    if len(chain) > _MOST_DEPENDENTS:
        head = [plan.key(s) for s in chain[: _MOST_DEPENDENTS - 2]]
        return [*head, f"... {len(chain) - _MOST_DEPENDENTS + 1} more", plan.key(chain[-1])]
    return [plan.key(s) for s in chain]


def add_note(error: BaseException, note: str) -> None:
    """Give an exception a note, once; one that cannot take notes stays as it is."""
    text = _PREFIX + note
    with suppress(Exception):
        if text not in _notes(error):
            error.add_note(text)


def copy_notes(source: BaseException, target: BaseException) -> None:
    """Give an exception this library's notes on another."""
    for note in _notes(source):
        if _is_note_of_ours(note):
            add_note(target, note.removeprefix(_PREFIX))


def _notes(error: BaseException) -> Sequence[Any]:
    """Return the notes of an exception, whose class may do anything with attributes."""
    try:
        return list(getattr(error, "__notes__", ()))
    except Exception:
        return ()


def _is_ours(frame: TracebackType) -> bool:
    return frame.tb_frame.f_code.co_filename.startswith(_HOUSE)


def _from_user(trace: TracebackType | None) -> TracebackType | None:
    """Return the traceback from the first frame that is not this library's."""
    while trace is not None and _is_ours(trace):
        trace = trace.tb_next
    return trace


def _is_meant_for_user(error: BaseException) -> bool:
    """Not a fault of the library itself, whose frames one would want to see."""
    return isinstance(error, LazygraphError) or any(map(_is_note_of_ours, _notes(error)))


def _is_note_of_ours(note: Any) -> bool:
    return isinstance(note, str) and note.startswith(_PREFIX)


def short_traceback(func: Callable[P, T]) -> Callable[P, T]:
    """Let exceptions leave `func` without the library's frames, the wrapper's own included."""

    @wraps(func)
    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        with shortened:
            return func(*args, **kwargs)

    return call


class _Shortened:
    """Takes the library's frames off the front of a traceback, if the error is the user's.

    Leaving the block by an exception adds no frame of the function it stands in.
    """

    __slots__ = ()

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: object
    ) -> None:
        if error is not None and _is_meant_for_user(error):
            _TRACEBACK.__set__(error, _from_user(_TRACEBACK.__get__(error)))


#: ``with shortened:`` lets exceptions leave without the library's frames.
shortened = _Shortened()

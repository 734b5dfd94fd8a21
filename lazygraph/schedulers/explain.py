"""Turns what a task raised into what the user sees: same type, short traceback, one note."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import wraps
from types import TracebackType
from typing import Any, NamedTuple, NoReturn, ParamSpec, TypeVar

from lazygraph.errors import LazygraphError
from lazygraph.graphs.plan import Plan
from lazygraph.randomness import Seed
from lazygraph.schedulers.replay import FailedCall, remember
from lazygraph.tasks.fused import MemberFailed
from lazygraph.tasks.keys import Key
from lazygraph.tasks.reprs import short_call

__all__ = [
    "Attempt",
    "add_note",
    "annotate",
    "copy_notes",
    "explain",
    "short_traceback",
    "shorten",
    "throw",
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
    """The user's exception, its traceback begun at the user's frames, with a note on the task.

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
    seed = seed and seed.at(step)
    while isinstance(error, MemberFailed):
        key, call, leaves, seed = error.member.key, error.member.task, error.leaves, error.seed
        error = error.error
    _TRACEBACK.__set__(error, _from_user(_TRACEBACK.__get__(error)))
    # Whatever the arguments' own code does while they are shown: the user's error matters more.
    with suppress(Exception):
        if leaves is None:
            leaves = tuple(values[slot] for slot in plan.slots[step])
        remember(error, FailedCall(key, call, leaves, seed))
        shown = short_call(call._function.name, *call._arguments(leaves))
        note = _note(key, shown, call._site(), _wanted_by(plan, step))
        add_note(error, "\n".join([note, *_listed(attempts)]))
    return error


def annotate(
    error: BaseException, plan: Plan, step: int | None, key: Key, shown: str, site: str | None
) -> BaseException:
    """As `explain`, for a call that was made elsewhere: `shown` is all that is known of it.

    `step` is None where the plan only needs what another run has left behind.
    """
    _TRACEBACK.__set__(error, _from_user(_TRACEBACK.__get__(error)))
    wanted_by = [] if step is None else _wanted_by(plan, step)
    add_note(error, _note(key, shown, site, wanted_by))
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


def _note(key: Key, shown: str, site: str | None, wanted_by: list[Key]) -> str:
    lines = [f"while running task {key!r}: {shown}"]
    if site is not None:
        lines.append(f"  captured at {site}")
    if wanted_by:
        lines.append("  wanted by " + " <- ".join(repr(other) for other in wanted_by))
    return "\n".join(lines)


def _wanted_by(plan: Plan, step: int) -> list[Key]:
    """A way from the step to an output, as keys; the middle of a long one is left out."""
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
        if isinstance(note, str) and note.startswith(_PREFIX):
            add_note(target, note.removeprefix(_PREFIX))


def _notes(error: BaseException) -> Sequence[Any]:
    """The notes of an exception, whose class may do anything with attributes."""
    try:
        return list(getattr(error, "__notes__", ()))
    except Exception:
        return ()


def _is_ours(frame: TracebackType) -> bool:
    return frame.tb_frame.f_code.co_filename.startswith(_HOUSE)


def _from_user(trace: TracebackType | None) -> TracebackType | None:
    """The traceback from the first frame that is not this library's."""
    while trace is not None and _is_ours(trace):
        trace = trace.tb_next
    return trace


def _is_meant_for_user(error: BaseException) -> bool:
    """Not a fault of the library itself, whose frames one would want to see."""
    ours = (isinstance(note, str) and note.startswith(_PREFIX) for note in _notes(error))
    return isinstance(error, LazygraphError) or any(ours)


def short_traceback(func: Callable[P, T]) -> Callable[P, T]:
    """Let exceptions leave `func` without the library's frames, the wrapper's own included."""

    @wraps(func)
    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return func(*args, **kwargs)
        except BaseException as error:
            shorten(error)
            raise  # re-raising adds no frame of this function

    return call


def shorten(error: BaseException) -> None:
    """Take the library's frames off the front of a traceback, if the error is the user's."""
    if _is_meant_for_user(error):
        _TRACEBACK.__set__(error, _from_user(_TRACEBACK.__get__(error)))

"""What parent and worker say to each other: small tuples, cheap to pickle."""

from __future__ import annotations

from typing import Any, NamedTuple

from lazygraph.randomness import Seed
from lazygraph.schedulers.processes.arena import Handle
from lazygraph.schedulers.processes.settings import Settings

__all__ = [
    "Acknowledge",
    "Back",
    "Done",
    "Ended",
    "Failed",
    "Forget",
    "Hello",
    "Logged",
    "Printed",
    "Quit",
    "Return",
    "Setting",
    "Warned",
    "Work",
]


# ------------------------------------------------------------ parent -> worker
class Setting(NamedTuple):
    """The parent's settings, to be in force from here on; None for those told last."""

    wanted: Settings | None


class Work(NamedTuple):
    """Units to run, and what they need that the worker has not got.

    Attributes
    ----------
    functions : dict of int to Any
        New functions, packed, by number.
    values : dict of int to Any
        New values, packed, by slot.
    units : list
        Each a list of members ``(step, function, arguments)``; an argument is the int of a
        slot, a 1-tuple that holds a plain value, or None for the result of the member before.
    seed : Seed or None
        Where tasks draw random numbers from.
    """

    functions: dict[int, Any]
    values: dict[int, Any]
    units: list[list[tuple[int, int, tuple[Any, ...]]]]
    seed: Seed | None


class Return(NamedTuple):
    """Give back up to so many units that have not begun, the last first."""

    most: int


class Forget(NamedTuple):
    """Values that nobody needs any more, blocks to look at no more, own blocks to use again."""

    slots: list[int]
    dropped: list[Handle]
    freed: list[Handle]


class Ended(NamedTuple):
    """The run is over: forget all of it."""


class Quit(NamedTuple):
    """Leave, in peace."""


# ------------------------------------------------------------ worker -> parent
class Hello(NamedTuple):
    """The worker is ready; or it cannot be, for that reason."""

    error: bytes | None


class Done(NamedTuple):
    """Units that have ended, or got that far.

    Each is ``(first step, members ended, [started, ended, ...] in seconds, packed result)``.
    """

    units: list[tuple[int, int, list[float], Any]]


class Failed(NamedTuple):
    """A member has raised.

    Attributes
    ----------
    first : int
        The unit's first step.
    member : int
        Which of its members.
    times : list of float
        As in `Done`, of the members up to this one.
    error : bytes
        The exception, as `remote.to_wire` has it.
    path : str or None
        For what could not be pickled: where it is; `error` then is what pickling raised.
    given : Any
        The packed result of the member before, which is this one's argument.
    """

    first: int
    member: int
    times: list[float]
    error: bytes
    path: str | None
    given: Any


class Back(NamedTuple):
    """The first steps of units that have not begun and will not."""

    firsts: list[int]


class Acknowledge(NamedTuple):
    """Blocks that nothing in this worker looks at any more."""

    handles: list[Handle]


class Printed(NamedTuple):
    """Text that a task wrote to ``sys.stdout`` or ``sys.stderr``."""

    stream: str
    text: str


class Warned(NamedTuple):
    """A warning: pickled, with where it is from, and as text."""

    packed: bytes
    text: str


class Logged(NamedTuple):
    """A pickled log record, and the step that was running."""

    record: bytes
    step: int

"""What parent and worker say to each other: small tuples, cheap to pickle.

Messages are named. What comes once a step inside them (`Member`, `Ending`) is a plain tuple: as a
named one it took four times as long to pickle and read (28 us instead of 6.5 on the same machine),
a tenth of a small step. Who reads one takes it apart into names at once.
"""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

from lazygraph.randomness import Seed
from lazygraph.schedulers.processes.arena import Handle
from lazygraph.schedulers.processes.settings import Settings

__all__ = [
    "Acknowledge",
    "Back",
    "Begun",
    "Done",
    "Ended",
    "Ending",
    "Failed",
    "Forget",
    "Hello",
    "Logged",
    "Member",
    "Printed",
    "Quit",
    "Return",
    "Setting",
    "Warned",
    "Work",
]


#: A call: the step, the number of its function, and its arguments, each the int of a slot, a
#: 1-tuple that holds a plain value, or None for the result of the member before.
Member: TypeAlias = tuple[int, int, tuple[Any, ...]]
#: How far a unit is: its first step, how many of its members have ended, when each of them started
#: and ended in seconds, one after the other, and the packed result of the last of them.
Ending: TypeAlias = tuple[int, int, list[float], Any]


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
    units : list of list of Member
    seed : Seed or None
        Where tasks draw random numbers from.
    """

    functions: dict[int, Any]
    values: dict[int, Any]
    units: list[list[Member]]
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
class Begun(NamedTuple):
    """The interpreter has started; what its initializer does may take long."""


class Hello(NamedTuple):
    """The worker is ready; or it cannot be, for that reason."""

    error: bytes | None


class Done(NamedTuple):
    """Units that have ended, or got that far."""

    units: list[Ending]


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

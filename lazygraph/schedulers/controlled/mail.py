"""What reaches a controller from its lanes and from the user, and the box it arrives in."""

from __future__ import annotations

import queue
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from lazygraph.errors import RunStopped

if TYPE_CHECKING:
    from lazygraph.schedulers.controlled.controller import Controller
    from lazygraph.schedulers.controlled.lanes import Lane

__all__ = ["Cancelled", "Consumed", "Mail", "Mailbox", "Outcome"]

# The wait is cut into pieces, since on Windows it is not left for Ctrl-C.
_POLL_SECONDS = 0.2


class Outcome(NamedTuple):
    """An attempt at a step has ended: with a result or, if `error` is one, without.

    `started` and `ended` are of `time.perf_counter`; `worker` names who ran it.
    """

    lane: Lane
    step: int
    worker: str
    value: Any
    error: BaseException | None
    started: float
    ended: float

    def arrive(self, run: Controller) -> None:
        """Let the run have it, unless the attempt was given up before."""
        if self.lane.accept(self):
            run.settle(self)


class Consumed(NamedTuple):
    """The user has taken so many outputs."""

    how_many: int

    def arrive(self, run: Controller) -> None:
        """Let more be worked on."""
        run.state.consume(self.how_many)


class Cancelled(NamedTuple):
    """The user wants nothing more."""

    def arrive(self, _: Controller) -> None:
        """End the run."""
        raise RunStopped("the rest of the run is not asked for")


class Mail(Protocol):
    """What a controller can be told."""

    def arrive(self, run: Controller, /) -> None:
        """Take effect on the run, on its own thread."""


class Mailbox:
    """Mail from whichever thread, read by one."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[Mail] = queue.SimpleQueue()

    def post(self, mail: Mail) -> None:
        """Put mail into the box; wakes who waits."""
        self._queue.put(mail)

    def wait(self, seconds: float | None) -> Sequence[Mail]:
        """All mail there is; waits so long for the first of it, at most a moment."""
        longest = _POLL_SECONDS if seconds is None else min(_POLL_SECONDS, max(0.0, seconds))
        found: list[Mail] = []
        try:
            found.append(self._queue.get(timeout=longest))
            while True:
                found.append(self._queue.get_nowait())
        except queue.Empty:
            return found

    @property
    def is_empty(self) -> bool:
        """Whether there is no mail."""
        return self._queue.empty()

"""What reaches a controller from its executors and from the user, and the box it arrives in."""

from __future__ import annotations

import queue
from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias

__all__ = ["Cancelled", "Consumed", "Left", "Mailbox", "Message", "Outcome"]

# The wait is cut into pieces, since on Windows it is not left for Ctrl-C.
_POLL_SECONDS = 0.2


class Outcome(NamedTuple):
    """An attempt at a step has ended: with a result or, if `error` is one, without.

    The death of a worker is an outcome like any other, whose error is a `WorkerDied`.
    `started` and `ended` are of `time.perf_counter`; `worker` names who ran it. `is_left` says
    that it was given up but goes on: what it uses is free only when it is `Left`.
    """

    step: int
    worker: str
    value: Any
    error: BaseException | None
    started: float
    ended: float
    is_left: bool = False


class Left(NamedTuple):
    """An attempt that had been given up has ended at last."""

    step: int


class Consumed(NamedTuple):
    """The user has taken so many outputs: there is room for others."""

    how_many: int


class Cancelled(NamedTuple):
    """The user wants nothing more."""


#: What a controller can be told; an executor may have messages of its own, which it is handed.
Message: TypeAlias = Any


class Mailbox:
    """Messages from whichever thread, read by one."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[Message] = queue.SimpleQueue()

    def post(self, message: Message) -> None:
        """Put a message into the box; wakes who waits."""
        self._queue.put(message)

    def wait(self, seconds: float | None) -> Sequence[Message]:
        """Return all messages there are; wait so long for the first, at most a moment."""
        longest = _POLL_SECONDS if seconds is None else min(_POLL_SECONDS, max(0.0, seconds))
        found: list[Message] = []
        try:
            found.append(self._queue.get(timeout=longest))
            while True:
                found.append(self._queue.get_nowait())
        except queue.Empty:
            return found

    @property
    def is_empty(self) -> bool:
        """Whether there is no message."""
        return self._queue.empty()

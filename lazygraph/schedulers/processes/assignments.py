"""What the parent knows of a worker's work: what waits in its queue, what it has been sent."""

from __future__ import annotations

import math
from collections.abc import Sequence
from time import perf_counter

from lazygraph.schedulers.processes.messages import Forget
from lazygraph.schedulers.processes.pool import Worker

__all__ = ["Assignments", "Unit"]

_MOST_FORGOTTEN = 256


class Unit:
    """Steps that travel together, each but the first needing the one before and nothing else.

    Attributes
    ----------
    steps : list of int
    done : int
        How many of them have ended.
    seconds : float or None
        How long it is likely to take; None if nobody knows.
    is_solo : bool
        It is sent to an idle worker only, and nothing with it.
    timeout : float or None
        Seconds that it may take.
    is_told : bool
        Whether observers know that it runs.
    """

    __slots__ = ("done", "is_solo", "is_told", "seconds", "steps", "timeout")

    def __init__(
        self, steps: list[int], seconds: float | None, is_solo: bool, timeout: float | None
    ) -> None:
        self.steps, self.seconds, self.is_solo, self.timeout = steps, seconds, is_solo, timeout
        self.done = 0
        self.is_told = False

    @property
    def is_short(self) -> bool:
        """Whether it may travel with others."""
        return self.seconds is not None and not self.is_solo

    @property
    def left(self) -> list[int]:
        """The steps that have not ended."""
        return self.steps[self.done :]


class Assignments:
    """One worker's work in one run: what waits in its queue, what it has been sent."""

    def __init__(self, worker: Worker) -> None:
        self.worker = worker
        self.queue: dict[int, Unit] = {}  # by first step, in the order in which they run
        self.known: set[int] = set()  # slots whose values it has
        self.functions: set[int] = set()  # numbers of the functions that it has
        self.counted_from = perf_counter()  # when it last got on, or was given work
        self.was_asked = False  # for units to take back
        self._forgotten: list[int] = []
        self.load = 0.0  # for how many seconds it likely has work; infinite if nobody knows

    @property
    def is_idle(self) -> bool:
        """Whether it has nothing to do."""
        return not self.queue

    @property
    def head(self) -> Unit | None:
        """The unit that it runs."""
        return next(iter(self.queue.values()), None)

    def is_free_in(self, seconds: float) -> bool:
        """Whether it is likely to run out of work so soon."""
        return self.load < seconds and not self.was_asked

    def is_overdue(self, unit: Unit, now: float) -> bool:
        """Whether its unit has a time limit that may be over."""
        return unit.timeout is not None and self.counted_from + unit.timeout <= now

    @property
    def has_spare(self) -> bool:
        """Whether units wait in its queue that it has not been asked for."""
        return len(self.queue) > 1 and not self.was_asked

    def add(self, unit: Unit) -> None:
        """Note a unit that is sent to the worker."""
        if not self.queue:
            self.counted_from = perf_counter()
        self.queue[unit.steps[0]] = unit
        self.load += unit.seconds if unit.is_short and unit.seconds is not None else math.inf

    def advance(self, unit: Unit, done: int) -> None:
        """Note that so many members of a unit have ended."""
        unit.done = done
        if done == len(unit.steps):
            self.remove(unit)

    def remove(self, unit: Unit) -> None:
        """Forget a unit that the worker has no more."""
        del self.queue[unit.steps[0]]
        if not self.queue:
            self.load = 0.0
        elif math.isfinite(self.load):
            self.load -= unit.seconds or 0.0

    def release(self, steps: Sequence[int]) -> None:
        """Let it forget these results, with the next message."""
        known = self.known
        for step in steps:
            if step in known:
                known.discard(step)
                self._forgotten.append(step)
        if len(self._forgotten) > _MOST_FORGOTTEN:
            self.send_forgotten()

    def send_forgotten(self) -> None:
        """Let it forget now."""
        if self._forgotten:
            self.worker.send(Forget(self._forgotten, [], []))
            self._forgotten = []

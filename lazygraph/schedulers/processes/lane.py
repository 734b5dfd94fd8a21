"""The lane of a run on a pool: leases it, feeds it, hears it, and leaves it in order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from time import perf_counter
from typing import Any, NamedTuple

from lazygraph.errors import RunStopped
from lazygraph.schedulers.controlled.controller import Controller
from lazygraph.schedulers.controlled.executors import Executor
from lazygraph.schedulers.controlled.messages import Mailbox, Message, Outcome
from lazygraph.schedulers.processes import messages
from lazygraph.schedulers.processes.arena import Arena
from lazygraph.schedulers.processes.desk import Desk
from lazygraph.schedulers.processes.dispatch import Dispatch
from lazygraph.schedulers.processes.parcels import Parcel, unpack
from lazygraph.schedulers.processes.pool import Pool, Worker
from lazygraph.schedulers.processes.reports import Reports

__all__ = ["PoolMailbox", "ProcessLane"]

_GRACE_SECONDS = 0.2  # for tasks in hand, when a run has failed
_LONGEST_SECONDS = 3600.0  # which the system can wait for; then it asks again


class _Said(NamedTuple):
    """What a worker has said, or None: it is gone."""

    reports: Reports
    worker: Worker
    message: Any


class PoolMailbox(Mailbox):
    """Mail of a run on a pool: from threads as usual, and what workers say."""

    def __init__(self, lane: ProcessLane) -> None:
        super().__init__()
        self._lane = lane

    def post(self, mail: Message) -> None:
        """Put mail into the box; wakes who waits."""
        super().post(mail)
        self._lane.wake()

    def wait(self, seconds: float | None) -> Sequence[Message]:
        """All mail there is."""
        said = self._lane.listen(seconds if self.is_empty else 0)
        return said if self.is_empty else [*said, *super().wait(0)]


class ProcessLane(Executor):
    """The workers of a pool, for one run.

    Parameters
    ----------
    lease : callable
        Gives the pool, when the run begins.
    give_back : callable
        Takes the pool, when the run is over.
    """

    def __init__(self, lease: Callable[[], Pool], give_back: Callable[[Pool], None]) -> None:
        self._lease, self._give_back = lease, give_back
        self._pool: Pool | None = None
        self._dispatch: Dispatch | None = None
        self._reports: Reports | None = None

    def _begin(self, run: Controller) -> Dispatch:
        self._pool = self._lease()
        self._dispatch = Dispatch(run, self._pool)
        self._reports = Reports(self._dispatch)
        return self._dispatch

    def feed(self, run: Controller, /) -> None:
        """Give ready steps to workers that have little to do."""
        dispatch = self._dispatch or self._begin(run)
        if dispatch.pool.is_wanted_closed:
            raise RunStopped("its worker processes were closed")
        dispatch.feed()
        dispatch.tidy()

    def wake(self) -> None:
        """End the current `listen`; from any thread."""
        if self._pool is not None:
            self._pool.wake()

    def listen(self, seconds: float | None) -> list[Message]:
        """Return what workers have to say; wait so long for the first word."""
        if self._pool is None or self._reports is None:
            return []
        patience = None if seconds is None else min(max(0.0, seconds), _LONGEST_SECONDS)
        return [_Said(self._reports, *said) for said in self._pool.wait(patience)]

    def hear(self, message: Message, /) -> None:
        """Act on what a worker has said."""
        message.reports.hear(message.worker, message.message)

    def expire(self, now: float, /) -> Sequence[Outcome]:
        """End the workers whose tasks have taken too long."""
        return () if self._reports is None else list(self._reports.overdue(now))

    @property
    def deadline(self) -> float | None:
        """When something is to be done though no worker has said anything."""
        return None if self._dispatch is None else self._dispatch.deadline

    @property
    def running(self) -> Sequence[int]:
        """The steps being run, as far as the workers have noted."""
        if self._dispatch is None or self._pool is None or self._pool.is_closed:
            return ()
        busy = [desk for desk in self._dispatch.desks.values() if not desk.is_idle]
        notes = [self._pool.status(desk.worker).step for desk in busy]
        return [step for step in notes if step >= 0]

    def release(self, steps: Sequence[int], /) -> None:
        """Let workers forget results, with some message to come."""
        if self._dispatch is not None:
            self._dispatch.release(steps)

    def read(self, value: Any, /) -> Any:
        """Return the result of a parcel; big arrays in memory of this process alone."""
        return value if self._pool is None else _read(self._pool.arena, value)

    def lasting_read(self) -> Callable[[Any], Any]:
        """Return a `read` that outlives the pool."""
        if self._pool is None or self._pool.is_closed:  # its workers could not start
            return self.read
        return partial(_read, self._pool.arena.lasting())

    # -------------------------------------------------------------------- end
    def close(self) -> None:
        """Stop what runs, and give the pool back."""
        pool, dispatch = self._pool, self._dispatch
        # Here ends the ring that would keep what was packed until the next garbage collection.
        self._dispatch = self._reports = None
        if pool is None:
            return
        try:
            if dispatch is not None and not pool.is_closed:
                _wind_up(pool, dispatch)
        except BaseException:  # a second Ctrl-C
            pool.abandon()
            raise
        finally:
            self._give_back(pool)


def _read(arena: Arena, value: Any) -> Any:
    if type(value) is not Parcel:
        return value
    return unpack(value, lambda block: arena.private(block.handle, block))


def _wind_up(pool: Pool, dispatch: Dispatch) -> None:
    desks, was_interrupted = dispatch.desks, dispatch.run.was_interrupted
    if not was_interrupted:
        _calm_down(pool, desks)
    for worker, desk in desks.items():
        # An interrupt may have come in the middle of a message: no worker is spared.
        if (was_interrupted or not desk.is_idle) and not pool.is_closed:
            pool.kill(worker)
    dispatch.luggage.clear()  # whoever still refers to it
    pool.end_run()


def _calm_down(pool: Pool, desks: dict[Worker, Desk]) -> None:
    """Give tasks in hand a moment to end, so that their workers need not be killed."""
    for desk in desks.values():
        if not desk.is_idle:
            desk.worker.send(messages.Return(len(desk.queue)))
    end = perf_counter() + _GRACE_SECONDS
    while (
        not pool.is_closed
        and (left := end - perf_counter()) > 0
        and any(not d.is_idle for d in desks.values())
    ):
        for worker, message in pool.wait(left):
            if worker in desks:
                _hear_out(pool, desks, desks[worker], message)


def _hear_out(pool: Pool, desks: dict[Worker, Desk], desk: Desk, message: Any) -> None:
    """Take what a worker says when nobody wants its results any more."""
    match message:
        case None:
            pool.reap(desk.worker)
            del desks[desk.worker]
        case messages.Done():
            for first, ended, _, _ in message.units:
                desk.advance(desk.queue[first], ended)
        case messages.Failed():
            desk.remove(desk.queue[message.first])
        case messages.Back():
            for first in message.firsts:
                desk.remove(desk.queue[first])
        case _:
            pool.handle_idle(desk.worker, message)

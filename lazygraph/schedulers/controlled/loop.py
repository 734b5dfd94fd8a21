"""Runs the ``async def`` steps of a run, all of them on one event loop in a thread of its own."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Sequence
from time import perf_counter
from typing import TYPE_CHECKING, Any

from lazygraph.randomness import seeded
from lazygraph.schedulers.controlled.lanes import RAN_TO_ITS_END, Lane, settle_in
from lazygraph.schedulers.controlled.mail import Outcome

if TYPE_CHECKING:
    from lazygraph.schedulers.controlled.controller import Controller
    from lazygraph.schedulers.controlled.lanes import Job

__all__ = ["LoopLane"]

_JOIN_SECONDS = 0.2
_WORKER = "event-loop"


class LoopLane(Lane):
    """One thread with one event loop; a step that awaits holds no worker."""

    def __init__(self) -> None:
        self.is_dismissed = False
        self._running: set[int] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def _open(self) -> asyncio.AbstractEventLoop:
        """The loop; it begins with the first step, so that who never runs leaves nothing."""
        if self._loop is None:
            self._loop = loop = asyncio.new_event_loop()
            self._thread = threading.Thread(
                target=contextvars.copy_context().run,
                args=(self._live, loop),
                name=f"lazygraph-{_WORKER}",
                daemon=True,
            )
            self._thread.start()
        return self._loop

    def _live(self, loop: asyncio.AbstractEventLoop) -> None:
        asyncio.set_event_loop(loop)
        loop.run_forever()
        loop.run_until_complete(_wind_up(loop))
        loop.close()

    def feed(self, run: Controller, /) -> None:
        """Begin with every ready step."""
        while (step := run.state.take("loop")) is not None:
            loop = self._open()
            self._running.add(step)
            run.began(step, _WORKER)
            loop.call_soon_threadsafe(self._start, loop, run, run.job(step))

    def _start(self, loop: asyncio.AbstractEventLoop, run: Controller, job: Job) -> None:
        task = loop.create_task(self._run(run, job))
        self._tasks.add(task)  # the loop itself holds no reference
        task.add_done_callback(self._tasks.discard)

    async def _run(self, run: Controller, job: Job) -> None:
        settle_in(self, is_loop=True)  # the context is this asyncio task's own
        outcome = await self._outcome(run, job)
        if not self.is_dismissed:
            run.mailbox.post(outcome)

    async def _outcome(self, run: Controller, job: Job) -> Outcome:
        started = perf_counter()
        value, error = None, None
        limit = asyncio.timeout(job.timeout)
        try:
            async with limit:
                with seeded(job.seed):
                    value = await job.call(*job.arguments())
        except BaseException as raised:  # kept by no name of this frame: it leads here
            if not limit.expired():
                return Outcome(self, job.step, _WORKER, None, raised, started, perf_counter())
        ended = perf_counter()
        if limit.expired():
            value, error = None, run.timed_out(job.step, "it was cancelled")
        elif job.timeout is not None and ended - started > job.timeout:  # it never awaited
            value, error = None, run.timed_out(job.step, RAN_TO_ITS_END)
        return Outcome(self, job.step, _WORKER, value, error, started, ended)

    def accept(self, outcome: Outcome, /) -> bool:
        """Every attempt counts."""
        self._running.discard(outcome.step)
        return True

    @property
    def running(self) -> Sequence[int]:
        """The steps being run."""
        return list(self._running)

    def close(self) -> None:
        """Cancel what runs, and end the loop."""
        self.is_dismissed = True
        if self._loop is not None and self._thread is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(_JOIN_SECONDS)


async def _wind_up(loop: asyncio.AbstractEventLoop) -> None:
    tasks: list[asyncio.Task[Any]] = [*(asyncio.all_tasks() - {asyncio.current_task()})]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await loop.shutdown_asyncgens()

"""Runs the ``async def`` steps of a run, all of them on one event loop in a thread of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from time import perf_counter
from typing import TYPE_CHECKING, Any

from lazygraph.randomness import seeded
from lazygraph.schedulers.controlled.executors import RAN_TO_ITS_END, Executor
from lazygraph.schedulers.controlled.host import enter_task
from lazygraph.schedulers.controlled.messages import Left, Outcome

if TYPE_CHECKING:
    from lazygraph.schedulers.controlled.executors import Run

__all__ = ["LoopExecutor"]

_JOIN_SECONDS = 0.2
#: For what an overdue step does when it is cancelled; then it is left behind.
_GRACE_SECONDS = 2.0
_WORKER = "event-loop"


class LoopExecutor(Executor):
    """One thread with one event loop; a step that awaits holds no worker."""

    def __init__(self) -> None:
        self.is_dismissed = False
        self._running: dict[asyncio.Task[None], int] = {}
        self._left: set[asyncio.Task[None]] = set()  # overdue, and cancelled to no avail
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def _open(self) -> asyncio.AbstractEventLoop:
        """Return the loop; it begins with the first step, so that a run of none leaves nothing."""
        if self._loop is None:
            self._loop = loop = asyncio.new_event_loop()
            self._thread = threading.Thread(
                target=self._live, args=(loop,), name=f"lazygraph-{_WORKER}", daemon=True
            )
            self._thread.start()
        return self._loop

    def _live(self, loop: asyncio.AbstractEventLoop) -> None:
        asyncio.set_event_loop(loop)
        loop.run_forever()
        loop.run_until_complete(_wind_up(loop))
        loop.close()

    def feed(self, run: Run, /) -> None:
        """Begin with every ready step."""
        while True:
            with run.lock:
                step = None if self.is_dismissed else run.state.take("loop")
                loop = None if step is None else self._open()
            if step is None or loop is None:
                return
            run.began(step, _WORKER)
            loop.call_soon_threadsafe(self._start, loop, run, step, context=run.context.copy())

    def _start(self, loop: asyncio.AbstractEventLoop, run: Run, step: int) -> None:
        task = loop.create_task(self._run(run, step))
        self._running[task] = step  # the loop itself holds no reference
        timeout = run.timeout(step)
        if timeout is not None:
            loop.call_later(timeout + _GRACE_SECONDS, self._leave, run, task)

    async def _run(self, run: Run, step: int) -> None:
        enter_task(self, is_loop=True)  # the context is this asyncio task's own
        outcome = await self._outcome(run, step)
        task: Any = asyncio.current_task()
        message = Left(step) if self._running.pop(task, None) is None else outcome
        self._left.discard(task)
        del outcome
        if not self.is_dismissed:
            run.report(message)

    async def _outcome(self, run: Run, step: int) -> Outcome:
        started = perf_counter()
        value, error, timeout = None, None, run.timeout(step)
        limit = asyncio.timeout(timeout)
        try:
            async with limit:
                with seeded(run.seed(step)):
                    value = await run.plan.funcs[step](*run.arguments(step))
        except BaseException as raised:  # kept by no name of this frame: it leads here
            if not limit.expired():
                return Outcome(step, _WORKER, None, raised, started, perf_counter())
        ended = perf_counter()
        if limit.expired():
            value, error = None, run.timed_out(step, "it was cancelled")
        elif timeout is not None and ended - started > timeout:  # it never awaited
            value, error = None, run.timed_out(step, RAN_TO_ITS_END)
        return Outcome(step, _WORKER, value, error, started, ended)

    def _leave(self, run: Run, task: asyncio.Task[None]) -> None:
        """Give up a step that was cancelled and does not end: its clean-up awaits too long."""
        step = self._running.pop(task, None)
        if step is None or self.is_dismissed:
            return
        self._left.add(task)
        fate = f"it was cancelled, and left behind when it went on for {_GRACE_SECONDS:g} s"
        error, now = run.timed_out(step, fate), perf_counter()
        started = now - error.seconds - _GRACE_SECONDS
        run.report(Outcome(step, _WORKER, None, error, started, now, is_left=True))

    @property
    def running(self) -> Sequence[int]:
        """The steps being run."""
        return list(self._running.values())

    def close(self) -> None:
        """Cancel what runs, and end the loop."""
        self.is_dismissed = True
        if self._loop is not None and self._thread is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)
            if self._thread is not threading.current_thread():
                self._thread.join(_JOIN_SECONDS)


async def _wind_up(loop: asyncio.AbstractEventLoop) -> None:
    """Cancel what is left; what does not end in time is dropped where it stands."""
    tasks: list[asyncio.Task[Any]] = [*(asyncio.all_tasks() - {asyncio.current_task()})]
    for task in tasks:
        task.cancel()
    if tasks:
        _, pending = await asyncio.wait(tasks, timeout=_GRACE_SECONDS)
        for stuck in pending:
            stuck._log_destroy_pending = False  # type: ignore[attr-defined]  # it was told
    await loop.shutdown_asyncgens()

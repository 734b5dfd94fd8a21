"""Where the steps of a controlled run are called: on this thread, or on threads of a run's own."""

from __future__ import annotations

import contextvars
import queue
import threading
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from lazygraph.errors import RunStopped
from lazygraph.randomness import Seed, seeded
from lazygraph.schedulers.controlled.mail import Outcome

if TYPE_CHECKING:
    from lazygraph.schedulers.controlled.controller import Controller

__all__ = [
    "RAN_TO_ITS_END",
    "Host",
    "InlineLane",
    "Job",
    "Lane",
    "ThreadLane",
    "is_inside_lane",
    "is_on_loop",
    "settle_in",
]

_JOIN_SECONDS = 0.1


class Host(Protocol):
    """Whoever runs a task, on a thread that a run has for it."""

    @property
    def is_dismissed(self) -> bool:
        """Whether nobody wants the task's result any more: a run inside it may end."""


#: Who runs the current task.
_host: contextvars.ContextVar[Host | None] = contextvars.ContextVar("lazygraph_host", default=None)
#: Whether it is a worker of a controlled run: a compute in there stays on its thread.
_inside_lane: contextvars.ContextVar[bool] = contextvars.ContextVar("lazygraph_lane", default=False)
#: The thread whose event loop runs the current task, if it is an ``async def`` one.
_loop_thread: contextvars.ContextVar[int] = contextvars.ContextVar("lazygraph_loop", default=-1)


def is_inside_lane() -> bool:
    """Whether the caller is a task of a controlled run that has threads of its own."""
    return _inside_lane.get()


def is_on_loop() -> bool:
    """Whether the caller is an ``async def`` task: what blocks here blocks all of them."""
    return _loop_thread.get() == threading.get_ident()


def settle_in(host: Host, *, is_lane: bool = True, is_loop: bool = False) -> None:
    """Let the tasks of this context know who runs them."""
    _host.set(host)
    _inside_lane.set(is_lane)
    _loop_thread.set(threading.get_ident() if is_loop else -1)


class Job(NamedTuple):
    """A step's call, ready to be made."""

    step: int
    call: Callable[..., Any]
    values: list[Any]
    read: Callable[[Any], Any]
    seed: Seed | None
    timeout: float | None

    def arguments(self) -> list[Any]:
        """What the call is made with; that it cannot be read is the task's error."""
        return [self.read(value) for value in self.values]

    def run(self) -> Any:
        """The result."""
        with seeded(self.seed) if self.seed is not None else nullcontext():
            return self.call(*self.arguments())


class Lane:
    """Runs steps for a controller, which alone calls these methods; here, as most lanes do it."""

    def feed(self, run: Controller, /) -> None:
        """Begin with as many ready steps as there is room for."""
        raise NotImplementedError

    def accept(self, _: Outcome, /) -> bool:
        """Note that an attempt has ended; False if it was given up before."""
        return True

    def expire(self, _: Controller, _now: float, /) -> Sequence[Outcome]:
        """End the attempts that have taken too long."""
        return ()

    @property
    def deadline(self) -> float | None:
        """When the next attempt may have taken too long; None where something else watches."""
        return None

    @property
    def running(self) -> Sequence[int]:
        """The steps being run, as far as the lane knows."""
        return ()

    def release(self, steps: Sequence[int], /) -> None:
        """Nobody needs the results of these steps any more."""

    def read(self, value: Any, /) -> Any:
        """The result for what the state keeps in its place."""
        return value

    def lasting_read(self) -> Callable[[Any], Any]:
        """A `read` that may be called when the run is long over."""
        return self.read

    def close(self) -> None:
        """Stop everything; called once, however the run ends."""


class InlineLane(Lane):
    """The caller's own thread, one step after the other."""

    def __init__(self) -> None:
        self._host = _host.get()

    def feed(self, run: Controller, /) -> None:
        """Run one step, unless the end of the last is still to be heard of."""
        if self._host is not None and self._host.is_dismissed:
            raise RunStopped("the run around this compute has ended")
        step = run.state.take() if run.mailbox.is_empty else None
        if step is not None:
            run.began(step, "main")
            run.mailbox.post(self._outcome(run, run.job(step)))

    def _outcome(self, run: Controller, job: Job) -> Outcome:
        started = perf_counter()
        try:
            value = _run_in_time(run, job)
        except BaseException as raised:  # kept by no name of this frame: it leads here
            return Outcome(self, job.step, "main", None, raised, started, perf_counter())
        ended = perf_counter()
        error = None
        if job.timeout is not None and ended - started > job.timeout:
            value, error = None, run.timed_out(job.step, RAN_TO_ITS_END)
        return Outcome(self, job.step, "main", value, error, started, ended)


#: What becomes of an overdue task that nothing could interrupt.
RAN_TO_ITS_END = "it ran to its end, and its result was dropped"


def _run_in_time(run: Controller, job: Job) -> Any:
    """The job's result, or TaskTimeout raised inside it if that can be done."""
    if job.timeout is None:
        return job.run()
    from lazygraph.schedulers.controlled.alarm import Alarm, can_interrupt  # late: signal

    if not can_interrupt():
        return job.run()
    return Alarm(job.timeout, lambda: run.timed_out(job.step, "it was interrupted")).watch(job.run)


class _Worker:
    """A thread that runs one job at a time."""

    def __init__(self, lane: ThreadLane, run: Controller, name: str) -> None:
        self.lane, self.run, self.name = lane, run, name
        self.jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self.step = -1
        self.deadline: float | None = None
        self.is_dismissed = False
        context = contextvars.copy_context()
        # A daemon: a task that outlives its run must not keep the interpreter from leaving.
        self.thread = threading.Thread(
            target=context.run, args=(self._live,), name=f"lazygraph-{name}", daemon=True
        )
        self.thread.start()

    def dismiss(self) -> None:
        """Send it home, after the task in hand."""
        self.is_dismissed = True
        self.jobs.put(None)

    def give(self, job: Job) -> None:
        self.step = job.step
        self.deadline = None if job.timeout is None else perf_counter() + job.timeout
        self.jobs.put(job)

    def _live(self) -> None:
        settle_in(self)
        while (job := self.jobs.get()) is not None:
            self.run.mailbox.post(self._outcome(job))
            del job  # or an idle worker would hold the arguments

    def _outcome(self, job: Job) -> Outcome:
        started = perf_counter()
        try:
            value = job.run()
        except BaseException as raised:  # kept by no name of this frame: it leads here
            return Outcome(self.lane, job.step, self.name, None, raised, started, perf_counter())
        return Outcome(self.lane, job.step, self.name, value, None, started, perf_counter())


class ThreadLane(Lane):
    """Threads of one run's own.

    Parameters
    ----------
    num_workers : int
        How many steps run at once.
    lane : str
        Which steps it takes.
    """

    def __init__(self, num_workers: int, lane: str = "main") -> None:
        self._num_workers, self._lane = num_workers, lane
        self._idle: list[_Worker] = []
        self._busy: dict[str, _Worker] = {}  # by name
        self._started = 0

    def feed(self, run: Controller, /) -> None:
        """Give each free worker a step."""
        while len(self._busy) < self._num_workers:
            step = run.state.take(self._lane)
            if step is None:
                return
            worker = self._idle.pop() if self._idle else self._hire(run)
            if worker is None:
                run.state.put_back(step)
                return
            self._busy[worker.name] = worker
            run.began(step, worker.name)
            worker.give(run.job(step))

    def _hire(self, run: Controller) -> _Worker | None:
        try:
            worker = _Worker(self, run, f"thread-{self._started}")
        except RuntimeError:  # the system has no more threads: those there are will do
            if not self._busy:
                raise
            return None
        self._started += 1
        return worker

    def accept(self, outcome: Outcome, /) -> bool:
        """Let the worker take another step; one that was given up leaves."""
        worker = self._busy.pop(outcome.worker, None)
        if worker is None:
            return False
        worker.step, worker.deadline = -1, None
        self._idle.append(worker)
        return True

    @property
    def deadline(self) -> float | None:
        """When the first of the running steps will have taken too long."""
        return min((w.deadline for w in self._busy.values() if w.deadline), default=None)

    @property
    def running(self) -> Sequence[int]:
        """The steps being run."""
        return [worker.step for worker in self._busy.values()]

    def expire(self, run: Controller, now: float, /) -> Sequence[Outcome]:
        """Give up the steps that have taken too long; their threads leave when they can."""
        ended = []
        for name, worker in list(self._busy.items()):
            if worker.deadline is not None and worker.deadline <= now:
                del self._busy[name]
                worker.dismiss()
                fate = f"thread {worker.thread.name!r} still runs it, and drops its result"
                error = run.timed_out(worker.step, fate)
                began = worker.deadline - error.seconds
                ended.append(Outcome(self, worker.step, name, None, error, began, now))
        return ended

    def close(self) -> None:
        """Send everyone home, after the task in hand."""
        for worker in [*self._idle, *self._busy.values()]:
            worker.dismiss()
        for worker in self._idle:
            worker.thread.join(_JOIN_SECONDS)
        self._idle.clear()

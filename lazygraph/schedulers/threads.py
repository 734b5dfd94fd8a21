"""Runs a plan on a crew of threads that share one list of ready steps."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from lazygraph.errors import RunStopped
from lazygraph.graphs.plan import Plan
from lazygraph.protocols import Observer
from lazygraph.schedulers.controlled import (
    Controller,
    InlineLane,
    InlineStream,
    PumpedStream,
    Stream,
    ThreadLane,
    is_inside_lane,
    settle_in,
)
from lazygraph.schedulers.explain import add_note, explain, throw
from lazygraph.schedulers.notify import Watch, watched
from lazygraph.schedulers.outcomes import keep_partial
from lazygraph.schedulers.runstate import RunState, StepFailed
from lazygraph.schedulers.workers import check_num_workers
from lazygraph.tasks.options import CONTROLS
from lazygraph.tasks.terms import NO_TERMS, TERMS, Terms

__all__ = ["Threads"]

# The wait for a run is cut into pieces, since on Windows a lock is not left for Ctrl-C.
_POLL_SECONDS = 0.2
_JOIN_SECONDS = 0.1

#: The crew whose worker runs the current task: a compute in there joins it.
_current_crew: contextvars.ContextVar[_Crew | None] = contextvars.ContextVar(
    "lazygraph_crew", default=None
)


def _is_nested() -> bool:
    """Whether the caller is a task of a run that has threads already: then it has this one."""
    return _current_crew.get() is not None or is_inside_lane()


class Threads:
    """Threads in this process: for tasks that release the GIL (numpy, files, the network).

    Parameters
    ----------
    num_workers : int, optional
        How many tasks run at once; the number of usable cores by default.

    Notes
    -----
    Threads live for one run. A compute inside a task joins the crew that runs the task:
    the thread that waits for it works on it, so that nothing deadlocks and there are never
    more threads. Ctrl-C and the first error give control back at once; what other threads
    are in the middle of they finish, and the result is dropped.
    """

    name = "threads"
    honours = CONTROLS | TERMS

    def __init__(self, num_workers: int | None = None) -> None:
        self.num_workers = check_num_workers(num_workers)

    def __repr__(self) -> str:
        return f"Threads(num_workers={self.num_workers})"

    def stream(
        self, plan: Plan, observers: Sequence[Observer], terms: Terms, lookahead: int | None
    ) -> Stream:
        """The plan's outputs, one by one."""
        n = 4 * self.num_workers if lookahead is None else lookahead
        controller = self._controller(plan, observers, terms, n)
        return InlineStream(controller) if _is_nested() else PumpedStream(controller)

    def _controller(
        self,
        plan: Plan,
        observers: Sequence[Observer],
        terms: Terms,
        lookahead: int | None = None,
    ) -> Controller:
        lane = InlineLane() if _is_nested() else ThreadLane(self.num_workers)
        return Controller(
            plan, observers, terms, self.name, self.num_workers, lane, lookahead=lookahead
        )

    def run(
        self, plan: Plan, observers: Sequence[Observer] = (), terms: Terms = NO_TERMS, /
    ) -> list[Any]:
        """The values of the plan's outputs."""
        if plan.is_controlled or terms is not NO_TERMS or is_inside_lane():
            return self._controller(plan, observers, terms).run()
        job = _Job(plan, observers)
        crew = _current_crew.get()
        with suppress(StepFailed):  # the job knows its error
            if crew is not None and threading.current_thread() in crew.members:
                crew.run_nested(job)
            else:
                _Crew(self.num_workers).run(job)
        error, job.state.error = job.state.error, None
        if error is None:
            return job.state.results()
        try:
            throw(error)
        finally:
            del error


class _Job:
    """A plan being run by a crew."""

    __slots__ = ("is_over", "plan", "state", "watch")

    def __init__(self, plan: Plan, observers: Sequence[Observer]) -> None:
        self.plan = plan
        self.state = RunState(plan)
        self.watch = Watch(plan, observers) if observers else None
        self.is_over = threading.Event()
        if self.state.is_over:  # nothing to do
            self.is_over.set()


class _Crew:
    """Some threads, the jobs they share, and who of them sleeps."""

    def __init__(self, num_workers: int) -> None:
        self.num_workers = num_workers
        # Guards everything here and the states of the jobs; never held while a task runs.
        self.lock = threading.Lock()
        self.jobs: list[_Job] = []  # the newest, most deeply nested, last
        self.sleepers: list[_Worker] = []
        self.is_closed = False
        self.workers: list[_Worker] = []
        self.threads: list[threading.Thread] = []
        self.members: dict[threading.Thread, _Worker] = {}

    @property
    def is_dismissed(self) -> bool:
        """Whether nobody wants the results of its tasks any more."""
        return self.is_closed

    def run(self, job: _Job) -> None:
        """Run a job to its end, or to its first error, or to Ctrl-C."""
        with watched(job.watch, Threads.name, self.num_workers):
            self.jobs.append(job)
            try:
                with self.lock:
                    self.grow(len(job.plan))
                while not job.is_over.wait(_POLL_SECONDS):
                    pass
            except BaseException as interrupt:
                add_note(interrupt, self._stopped_note(job))
                with self.lock:
                    keep_partial(interrupt, job.plan, job.state.values)
                raise
            finally:
                self.close()
            if job.state.error is not None:
                raise StepFailed(-1, [], job.state.error)
        # Idle by now, but for tasks of a nested compute that failed and was given up.
        for thread in self.threads:
            thread.join(_JOIN_SECONDS)

    def grow(self, n_steps: int) -> None:
        """Start threads for so many steps more, as far as the crew may. Called with the lock."""
        for _ in range(min(n_steps, self.num_workers - len(self.workers))):
            worker = _Worker(self, f"thread-{len(self.workers)}")
            try:
                thread = worker.start()
            except RuntimeError:  # the system has no more: those there are will do
                if not self.workers:
                    raise
                return
            self.workers.append(worker)
            self.threads.append(thread)

    def close(self) -> None:
        """Send everyone home after the task in hand."""
        with self.lock:
            self.is_closed = True
            self.jobs.clear()  # the results are the user's now: nothing here keeps them alive
            self.wake(len(self.sleepers))

    def run_nested(self, job: _Job) -> None:
        """Run a job from inside a task: the worker that waits for it works on it."""
        me = self.members[threading.current_thread()]
        outer = me.job, me.step
        with watched(job.watch, Threads.name, self.num_workers):
            with self.lock:
                self.jobs.append(job)
                self.wake(len(job.state.ready) - 1, job)
                if not self.is_closed:
                    self.grow(len(job.plan) - 1)
            try:
                me.work(only=job)
            finally:
                me.job, me.step = outer
                with self.lock:
                    if job in self.jobs:
                        self.jobs.remove(job)
            if job.state.error is not None:
                raise StepFailed(-1, [], job.state.error)
            if not job.state.is_over:
                raise RunStopped("the run around this compute has ended")

    def take(self, only: _Job | None) -> tuple[_Job, int] | None:
        """A ready step of `only`, or of the newest job that has one. Called with the lock."""
        for job in (only,) if only is not None else reversed(self.jobs):
            step = job.state.take()
            if step is not None:
                return job, step
        return None

    def wake(self, count: int, job: _Job | None = None) -> None:
        """Wake up to `count` sleepers that may work on `job`. Called with the lock."""
        for sleeper in self.sleepers[::-1]:
            if count <= 0:
                return
            if job is None or sleeper.only is None or sleeper.only is job:
                self.sleepers.remove(sleeper)
                sleeper.alarm.release()
                count -= 1

    def end(self, job: _Job) -> None:
        """Tell whoever waits for a job that it is over. Called with the lock."""
        job.is_over.set()
        for sleeper in self.sleepers[:]:
            if sleeper.only is job:
                self.sleepers.remove(sleeper)
                sleeper.alarm.release()

    def _stopped_note(self, job: _Job) -> str:
        # Workers go on meanwhile: what each ran is read once.
        seen = [(worker.job, worker.step) for worker in self.workers]
        running = [repr(j.plan.key(step)) for j, step in seen if j and 0 <= step < len(j.plan)]
        done = len(job.plan) - job.state.left
        note = f"stopped: {done} of {len(job.plan)} tasks done"
        if running:
            note += f", {len(running)} still running in threads: {', '.join(running[:8])}"
        return note


class _Worker:
    """One thread of a crew."""

    __slots__ = ("alarm", "crew", "job", "name", "only", "step")

    def __init__(self, crew: _Crew, name: str) -> None:
        self.crew, self.name = crew, name
        self.job: _Job | None = None
        self.step = -1  # what it runs, -1 between tasks
        self.only: _Job | None = None  # the job it sleeps for; None: any
        self.alarm = threading.Lock()
        self.alarm.acquire()

    def start(self) -> threading.Thread:
        """Begin in a thread of its own, with the caller's context variables."""
        context = contextvars.copy_context()
        # A daemon: a task that outlives Ctrl-C must not keep the interpreter from leaving.
        thread = threading.Thread(
            target=context.run, args=(self._live,), name=f"lazygraph-{self.name}", daemon=True
        )
        thread.start()
        return thread

    def _live(self) -> None:
        self.crew.members[threading.current_thread()] = self
        _current_crew.set(self.crew)
        settle_in(self.crew, is_lane=False)
        try:
            self.work(None)
        except BaseException as fault:  # of the library's own: nobody may wait for ever
            with self.crew.lock:
                for job in self.crew.jobs:
                    job.state.stop(fault)
                    self.crew.end(job)

    def work(self, only: _Job | None) -> None:
        """Run ready steps until the crew closes or, if given, the one job is over."""
        crew = self.crew
        while True:
            with crew.lock:
                if crew.is_closed or (only is not None and only.state.is_over):
                    return
                taken = crew.take(only)
                if taken is None:
                    self.only = only
                    crew.sleepers.append(self)
            if taken is None:
                self.alarm.acquire()
            else:
                self._run_from(*taken)

    def _run_from(self, job: _Job, step: int | None) -> None:
        """Run a step, then what it and others made ready, while there is more of the job."""
        crew, state, lock = self.crew, job.state, self.crew.lock
        sleepers, watch = crew.sleepers, job.watch
        self.job = job
        while step is not None:
            self.step = step
            if watch is not None:
                watch.started(step, self.name)
            try:
                value = state.call(step)
            except BaseException as error:
                self._fail(job, step, error)
                break
            if watch is not None:
                watch.ended(step, self.name, value)
            with lock:
                state.finish(step, value)
                released = state.released[:] if watch is not None else ()
                is_last = not state.left
                step = None if crew.is_closed else state.take()
                if sleepers and state.ready:
                    crew.wake(len(state.ready), job)
            del value  # or it would outlive its release by one step
            if watch is not None:
                watch.released(released)
            if is_last:
                with lock:
                    crew.end(job)
        self.job, self.step = None, -1

    def _fail(self, job: _Job, step: int, error: BaseException) -> None:
        if job.state.is_stopped:  # not the first: nobody asks for it any more
            return
        values = job.state.values[:]  # another's failure empties the list
        explained = explain(error, job.plan, step, values)
        if job.watch is not None:
            job.watch.failed(step, self.name, explained)
        with self.crew.lock:
            if not job.state.is_stopped:
                keep_partial(explained, job.plan, job.state.values)
            job.state.stop(explained)
            self.crew.end(job)

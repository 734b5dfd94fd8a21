"""A team of threads that share the ready steps of a run, and of the runs inside its tasks.

Whoever finishes a step takes the next one, under the team's lock, whatever is asked of the run.
The thread that waits for the run is the clock: it starts threads where steps wait for one,
wakes steps that are to be tried again, and gives up those that take too long.
"""

from __future__ import annotations

import queue
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from time import perf_counter
from typing import Any

from lazygraph.errors import RunError, RunStopped
from lazygraph.graphs.plan import Plan
from lazygraph.protocols import Observer
from lazygraph.schedulers.controlled.host import current_host
from lazygraph.schedulers.controlled.teamrun import TeamRun
from lazygraph.schedulers.controlled.worker import Attempt, Worker, left
from lazygraph.tasks.options import Terms

__all__ = ["Team", "stays_here"]

# The wait for a run is cut into pieces, since on Windows it is not left for Ctrl-C.
_POLL_SECONDS = 0.2
_JOIN_SECONDS = 0.1
#: For how long steps may wait for nothing but resources that such threads still use.
_STUCK_SECONDS = 60.0


def stays_here() -> bool:
    """Whether a compute of the caller's stays on its thread.

    So inside tasks of other than a team, and while the interpreter exits: threads that start
    then never run.
    """
    host = current_host()
    return sys.is_finalizing() or (host is not None and not isinstance(host, Team))


class Team:
    """Some threads, the runs they share, and who of them sleeps.

    Parameters
    ----------
    num_workers : int
        How many steps run at once. Threads are started as steps wait for one.
    """

    def __init__(self, num_workers: int) -> None:
        # Guards everything here and the states of the runs; never held while the user's code
        # runs. Reentrant, since the garbage collector may run a finaliser anywhere.
        self.lock: Any = threading.RLock()
        self.runs: list[TeamRun] = []  # the newest, most deeply nested, last
        self.sleepers: list[Worker] = []
        self.workers: list[Worker] = []
        self.members: dict[int, Worker] = {}  # by the thread's identity
        self.n_missing = num_workers  # how many threads may yet be started
        self.timed: set[Attempt] = set()
        self.is_closed = False
        self._n_started = 0
        self._n_coming = 0  # threads that were started and have yet to look for a step
        self._deputies: list[TeamRun] = []  # runs that want a thread instead of the one that waits
        self._bell: queue.SimpleQueue[None] = queue.SimpleQueue()
        self.is_rung = False
        self._wakes_at = 0.0
        self._stuck_since: float | None = None

    @property
    def is_dismissed(self) -> bool:
        """Whether nobody wants the results of the task on this thread any more."""
        worker = self.members.get(threading.get_ident())
        return self.is_closed or (worker is not None and worker.is_left)

    @staticmethod
    def joined() -> Team | None:
        """Return the team whose worker runs the caller; None elsewhere.

        Also where a finaliser has broken into the team's own work, and must not wait for it.
        """
        team = current_host()
        if not isinstance(team, Team) or threading.get_ident() not in team.members:
            return None
        return None if team.lock._is_owned() else team

    def new_run(
        self,
        plan: Plan,
        observers: Sequence[Observer],
        terms: Terms,
        name: str,
        num_workers: int,
        lookahead: int | None = None,
    ) -> TeamRun:
        """Return a run of a plan, for `run` or `run_nested`."""
        run = TeamRun(
            plan,
            observers,
            terms,
            name,
            num_workers,
            self.lock,
            self.attend,
            host=self,
            lookahead=lookahead,
        )
        run.where_running = "still running in threads"
        run.steps_of = self._steps_of
        return run

    # ------------------------------------------------------------------- runs
    def run(self, run: TeamRun) -> None:
        """Do a run to its end, or to its first error, or to Ctrl-C."""
        try:
            with run.under_way():
                with self.lock:
                    self.runs.append(run)
                self.attend(run)
                while self._is_wanted(run):
                    self._oversee()
        finally:
            self.close()
            run.close()
        if run.state.error is None:
            self.join()

    def join(self) -> None:
        """Wait a moment for threads that were sent home; some may be in the middle of a task."""
        for worker in self.workers[:]:
            worker.thread.join(_JOIN_SECONDS)

    def _is_wanted(self, run: TeamRun) -> bool:
        with self.lock:
            return not run.is_done

    def run_nested(self, run: TeamRun) -> None:
        """Do a run from inside a task: the thread that waits for it works on it."""
        for _ in self.stream_nested(run):
            pass

    def stream_nested(self, run: TeamRun) -> Iterator[Any]:
        """Do a run from inside a task, and give its outputs as they come."""
        me = self.members[threading.get_ident()]
        try:
            with run.under_way():
                self._begin_nested(run)
                while not self.is_dismissed and (not run.is_done or run.wants_back):
                    self._work_nested(me, run)
                    yield from run.arrivals()
                if not run.state.is_over:
                    raise RunStopped("the run around this compute has ended")
        finally:
            self._end_nested(run)

    def _begin_nested(self, run: TeamRun) -> None:
        with self.lock:
            self.runs.append(run)
            if run.is_timed:  # a step that takes too long cannot be left by whoever waits
                self._deputies.append(run)
                self.ring()
        self.attend(run)

    def _work_nested(self, me: Worker, run: TeamRun) -> None:
        outer = me.run, me.step
        try:
            me.work(run, takes=not run.is_timed)
        finally:
            me.run, me.step = outer

    def _end_nested(self, run: TeamRun) -> None:
        with self.lock:
            self.end(run)
            if run in self.runs:
                self.runs.remove(run)
        run.close()

    def close(self) -> None:
        """Send everyone home after the task in hand."""
        with self.lock:
            self.is_closed = True
            self.runs.clear()  # the results are the user's now: nothing here keeps them alive
            self._rouse(self.sleepers[:])

    # ------------------------------------------------------------------ steps
    def take(self, only: TeamRun | None) -> tuple[TeamRun, int | None] | None:
        """Return a ready step of `only`, or of the newest run that has one. With the lock.

        Or a run and None, where the run has other news than steps.
        """
        for run in (only,) if only is not None else reversed(self.runs):
            step = run.state.take()
            if step is not None or run.state.has_news:
                return run, step
        return None

    def attend(self, run: TeamRun) -> None:
        """See to what a settled attempt has led to: outputs, skips, steps for others, the end."""
        while run.state.has_news:
            run.publish()
        with self.lock:
            if run.state.is_over:
                self.end(run)
            elif n_ready := run.state.n_ready:
                self.call_help(n_ready, run)
            if run.wants_back:
                self._rouse([sleeper for sleeper in self.sleepers if sleeper.only is run])
            if run.state.next_due is not None:
                self.ring()

    def call_help(self, count: int, run: TeamRun) -> None:
        """Wake up to `count` sleepers that may work on `run`, or ask for threads. With the lock."""
        awake = [s for s in self.sleepers if s.takes and (s.only is None or s.only is run)]
        awake = awake[: -count - 1 : -1]
        self._rouse(awake)
        if len(awake) < count and self.n_missing:
            self.ring()

    def end(self, run: TeamRun) -> None:
        """Tell whoever waits for a run, or works on it alone, that it is over. With the lock."""
        run.is_done = True
        self._rouse([sleeper for sleeper in self.sleepers if sleeper.only is run])
        self.ring()

    def _rouse(self, sleepers: Sequence[Worker]) -> None:
        for sleeper in sleepers:
            self.sleepers.remove(sleeper)
            sleeper.alarm.release()

    def came(self) -> None:
        """Note that a thread that was started looks for its first step. With the lock."""
        self._n_coming -= 1

    # ------------------------------------------------------------------- clock
    def ring(self) -> None:
        """Let the clock look at once. With the lock."""
        if not self.is_rung:
            self.is_rung = True
            self._bell.put(None)

    def _oversee(self) -> None:
        """Start threads for steps that wait for one; wait for what is due, and see to it."""
        self.enlist()
        with self.lock:
            patience = self.patience()
        with suppress(queue.Empty):
            self._bell.get(timeout=max(0.0, patience))
        with self.lock:
            self.is_rung = False
        self.tick()

    def enlist(self) -> None:
        """Start threads while steps wait for one."""
        while True:
            with self.lock:
                worker = self._recruit()
            if worker is None:
                return
            self._start(worker)

    def patience(self) -> float:
        """Return the seconds, at most a moment, until something is due. With the lock."""
        moments = [attempt.deadline for attempt in self.timed]
        moments += [due for run in self.runs if (due := run.state.next_due) is not None]
        now = perf_counter()
        self._wakes_at = min([*moments, now + _POLL_SECONDS])
        return self._wakes_at - now

    def begin(self, attempt: Attempt) -> None:
        """Note an attempt with a time limit."""
        with self.lock:
            self.timed.add(attempt)
            if attempt.deadline < self._wakes_at:
                self.ring()

    def finish(self, attempt: Attempt) -> bool:
        """Note that an attempt has ended; return false if it was given up before."""
        with self.lock:
            is_wanted = attempt in self.timed
            self.timed.discard(attempt)
        return is_wanted

    def tick(self) -> None:
        """Wake the steps that are to be tried again, and give up those that take too long."""
        with self.lock:
            woken = [run for run in self.runs if run.wake()]
            now = perf_counter()
            overdue = [attempt for attempt in self.timed if attempt.deadline <= now]
            for attempt in overdue:
                self._leave(attempt)
            stuck = self._stuck(now)
        for run in woken:
            self.attend(run)
        for attempt in overdue:
            attempt.give_up(now)
        for run in stuck:
            run.stop(_stuck_error())
            self.attend(run)

    def _leave(self, attempt: Attempt) -> None:
        """Do without the worker of an attempt, whose thread leaves when it can. With the lock."""
        worker = attempt.worker
        self.timed.discard(attempt)
        worker.is_left = True
        left.add(worker)
        self.workers.remove(worker)
        if worker.home is None:
            self.n_missing += 1
        else:
            self._deputies.append(worker.home)
        self._rouse([worker] if worker in self.sleepers else [])

    def _stuck(self, now: float) -> list[TeamRun]:
        """Return the runs that wait in vain for resources of threads left behind. With the lock."""
        waiting = [run for run in self.runs if run.lacks_resources]
        is_idle = len(self.sleepers) == len(self.workers) and waiting and left
        if not is_idle:
            self._stuck_since = None
        elif self._stuck_since is None:
            self._stuck_since = now
        elif now - self._stuck_since > _STUCK_SECONDS:
            return waiting
        return []

    # ----------------------------------------------------------------- threads
    def _recruit(self) -> Worker | None:
        """Return a new worker if a step or a run waits for one. With the lock."""
        home = None
        if self._deputies:
            home = self._deputies.pop()
        elif not self.n_missing or sum(run.state.n_ready for run in self.runs) <= self._n_coming:
            return None
        else:
            self.n_missing -= 1
        worker = Worker(self, f"thread-{self._n_started}", home)
        self._n_started += 1
        self._n_coming += 1
        self.workers.append(worker)
        return worker

    def _start(self, worker: Worker) -> None:
        try:
            worker.start()
        except RuntimeError as error:  # the system has no more: those there are will do
            with self.lock:
                self.workers.remove(worker)
                self._n_coming -= 1
                self.n_missing = 0
                if not self.workers or worker.home is not None:
                    run = worker.home or self.runs[0]
                    run.stop(error)
                    self.end(run)

    def stop_all(self, fault: BaseException) -> None:
        """End all runs by a fault of the library's own: nobody may wait for ever."""
        for run in self.runs[:]:
            run.stop(fault)
            self.attend(run)

    def _steps_of(self, run: TeamRun) -> list[int]:
        # Workers go on meanwhile: what each runs is read once.
        seen = [(worker.run, worker.step) for worker in self.workers[:]]
        return [step for found, step in seen if found is run and 0 <= step < len(run.plan)]


def _stuck_error() -> RunError:
    names = ", ".join(sorted(repr(worker.thread.name) for worker in list(left))[:8])
    return RunError(
        f"tasks have waited {_STUCK_SECONDS:g} s for resources of tasks that were given up for "
        f"their time limit and still run, in {names}; scheduler='processes' can end them"
    )

"""One thread of a team: it takes ready steps, calls them, and sees to what comes of that."""

from __future__ import annotations

import threading
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, Any

from lazygraph.errors import RunError
from lazygraph.graphs.plan import PENDING
from lazygraph.schedulers.controlled.host import Host
from lazygraph.schedulers.controlled.messages import Left, Outcome
from lazygraph.schedulers.controlled.teamrun import TeamRun
from lazygraph.schedulers.explain import stack_of

if TYPE_CHECKING:
    from lazygraph.schedulers.controlled.team import Team

__all__ = ["Attempt", "Worker", "left"]

#: How many threads of this process may go on with tasks given up for their time limit.
_MOST_LEFT = 100

#: The workers whose threads go on with tasks given up for their time limit.
left: set[Worker] = set()


class _LeftBehindError(Exception):
    """The attempt that has ended now was given up before: its result is nobody's."""


class Attempt:
    """A step with a time limit that a worker runs."""

    __slots__ = ("deadline", "run", "seconds", "step", "worker")

    def __init__(self, worker: Worker, run: TeamRun, step: int, seconds: float) -> None:
        self.worker, self.run, self.step, self.seconds = worker, run, step, seconds
        self.deadline = perf_counter() + seconds

    def give_up(self, now: float) -> None:
        """Settle it as a time-out."""
        run, worker = self.run, self.worker
        fate = f"thread {worker.thread.name!r} still runs it, and drops its result"
        error = run.overdue(self.step, fate, stack_of(worker.ident))
        began = self.deadline - self.seconds
        run.report(Outcome(self.step, worker.name, None, error, began, now, is_left=True))
        if len(left) > _MOST_LEFT:
            run.stop(_too_many_error())
            worker.team.attend(run)


def _too_many_error() -> RunError:
    return RunError(
        f"{len(left)} threads of this process still run tasks that were given up for their time "
        "limit: threads cannot be ended, so no more are started; scheduler='processes' can end them"
    )


class Worker:
    """One thread of a team, or the caller's own.

    Parameters
    ----------
    home : TeamRun, optional
        The only run that it works on.
    """

    def __init__(self, team: Team, name: str, home: TeamRun | None = None) -> None:
        self.team, self.name, self.home = team, name, home
        self.host: Host | None = None  # of the task around, where the thread is not the team's
        self.run: TeamRun | None = None
        self.step = -1  # what it runs, -1 between tasks
        self.only: TeamRun | None = None  # the run it sleeps for; None: any
        self.takes = True  # whether it works when it is woken
        self.is_coming = True  # until it looks for its first step
        self.is_left = False  # its task was given up: it leaves when it can
        self.ident = 0
        self.alarm = threading.Lock()
        self.alarm.acquire()
        self.thread = threading.current_thread()  # until it begins in its own

    def start(self) -> None:
        """Begin in a thread of its own."""
        try:
            # A daemon: a task that outlives Ctrl-C must not keep the interpreter from leaving.
            self._begin(daemon=True)
        except RuntimeError as error:
            if "daemon" not in str(error):
                raise
            self._begin(daemon=False)  # subinterpreters have no daemons

    def _begin(self, *, daemon: bool) -> None:
        self.thread = threading.Thread(
            target=self._live, name=f"lazygraph-{self.name}", daemon=daemon
        )
        self.thread.start()

    def _live(self) -> None:
        self.ident = threading.get_ident()
        team = self.team
        with team.lock:
            team.members[self.ident] = self
        try:
            self.work(self.home)
        except BaseException as fault:
            team.stop_all(fault)
        finally:
            left.discard(self)
            with team.lock:
                team.members.pop(self.ident, None)
                if self in team.workers:
                    team.workers.remove(self)

    def work(self, only: TeamRun | None, *, takes: bool = True) -> None:
        """Run ready steps until the team closes or, if given, the one run is done.

        With `takes` false, wait for that without running any.
        """
        team = self.team
        while True:
            with team.lock:
                if self.is_coming:
                    self.is_coming = False
                    team.came()
                if self._may_go(only):
                    return
                taken = team.take(only) if takes else None
                if taken is None:
                    self.only, self.takes = only, takes
                    team.sleepers.append(self)
            if taken is None:
                self._sleep()
            else:
                self.run_from(*taken)

    def _may_go(self, only: TeamRun | None) -> bool:
        is_unwanted = self.team.is_closed or self.is_left
        return is_unwanted or (only is not None and (only.is_done or only.wants_back))

    def _sleep(self) -> None:
        self.alarm.acquire()

    def run_from(self, run: TeamRun, step: int | None) -> None:
        """Run a step, then what it and others made ready, while there is more of the run."""
        team, state, watch, host = self.team, run.state, run.watch, self.host
        sleepers, is_controlled = team.sleepers, run.is_controlled
        call = partial(self._call_in_time, run) if run.is_timed else run.call
        # Names of this frame: quicker than attributes. A lock's methods, half a `with` block.
        acquire, release, values = team.lock.acquire, team.lock.release, state.values
        advance, take, queue = state.advance, state.taker(), state.queue
        began = 0.0
        self.run = run
        while step is not None:
            self.step = step
            if watch is not None:
                watch.started(step, self.name)
            if is_controlled:
                began = perf_counter()
            try:
                value = call(step)
            except BaseException as error:
                self._fail(run, step, error, began)
                break
            if watch is not None:
                watch.ended(step, self.name, value)
            acquire()
            try:
                released = advance(step, value)
                is_wanted = not (
                    state.has_news or team.is_closed or (host is not None and host.is_dismissed)
                )
                step = take() if queue and is_wanted else None
                if queue and (sleepers or (team.n_missing and not team.is_rung)):
                    team.call_help(len(queue), run)
            finally:
                release()
            del value  # or it would outlive its release by one step
            if watch is not None:
                run.release(released)
                continue
            try:
                for slot in released:  # as `RunState.forget`
                    values[slot] = PENDING
            except IndexError:  # the run was stopped meanwhile, and has no values
                break
        self.run, self.step = None, -1
        team.attend(run)

    def _fail(self, run: TeamRun, step: int, error: BaseException, began: float) -> None:
        if type(error) is _LeftBehindError:
            run.report(Left(step))
        else:
            run.settle(Outcome(step, self.name, None, error, began, perf_counter()))

    def _call_in_time(self, run: TeamRun, step: int) -> Any:
        """Return the step's result, if it ends before somebody gives it up."""
        seconds = run.timeout(step)
        if seconds is None:
            return run.call(step)
        attempt = Attempt(self, run, step, seconds)
        self.team.begin(attempt)
        try:
            value = run.call(step)
        except BaseException:
            if self.team.finish(attempt):
                raise
        else:
            if self.team.finish(attempt):
                return value
        raise _LeftBehindError

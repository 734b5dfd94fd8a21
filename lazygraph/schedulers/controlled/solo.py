"""A run on the caller's own thread: the same loop as a team's worker, with nobody beside it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from time import perf_counter
from typing import Any

from lazygraph.errors import RunStopped
from lazygraph.graphs.plan import Plan
from lazygraph.protocols import Observer
from lazygraph.schedulers.controlled.executors import RAN_TO_ITS_END
from lazygraph.schedulers.controlled.host import current_host
from lazygraph.schedulers.controlled.team import Team
from lazygraph.schedulers.controlled.teamrun import TeamRun, is_timed
from lazygraph.schedulers.controlled.worker import Worker
from lazygraph.schedulers.explain import is_interrupt
from lazygraph.tasks.options import Terms

__all__ = ["run_here", "stream_here"]


def run_here(plan: Plan, observers: Sequence[Observer], terms: Terms, name: str, /) -> list[Any]:
    """Run a plan on this thread, and return the values of its outputs.

    Steps with time limits are run by another thread where this one cannot be interrupted.
    """
    if _needs_thread(plan):
        team = Team(1)
        run = team.new_run(plan, observers, terms, name, 1)
        team.run(run)
    else:
        solo = Solo()
        run = solo.new_run(plan, observers, terms, name, 1)
        for _ in solo.stream(run):
            pass
    return run.results()


def stream_here(
    plan: Plan, observers: Sequence[Observer], terms: Terms, name: str, lookahead: int, /
) -> tuple[TeamRun, Iterator[Any]]:
    """Return a run on this thread, and what gives its outputs as it goes on."""
    solo = Solo()
    run = solo.new_run(plan, observers, terms, name, 1, lookahead)
    return run, solo.stream(run)


def _needs_thread(plan: Plan) -> bool:
    if not is_timed(plan):
        return False
    from lazygraph.schedulers.controlled.alarm import can_interrupt  # late: signal

    return not can_interrupt()


class Solo(Team):
    """The caller's thread alone."""

    def __init__(self) -> None:
        super().__init__(0)

    def new_run(
        self,
        plan: Plan,
        observers: Sequence[Observer],
        terms: Terms,
        name: str,
        num_workers: int,
        lookahead: int | None = None,
    ) -> TeamRun:
        """Return a run of a plan, for `stream`."""
        run = TeamRun(
            plan,
            observers,
            terms,
            name,
            num_workers,
            self.lock,
            self.attend,
            lookahead=lookahead,
        )
        run.goes_back = lookahead is not None
        run.steps_of = self._steps_of
        return run

    def stream(self, run: TeamRun) -> Iterator[Any]:
        """Do a run, and give its outputs as they come."""
        me = _Caller(self)
        try:
            with run.under_way():
                self.workers.append(me)
                self.runs.append(run)
                self.attend(run)
                while not run.is_done or run.wants_back:
                    me.work(run)
                    yield from run.arrivals()
        finally:
            while self.lock._is_owned():  # Ctrl-C came right after a worker had taken it
                self.lock.release()
            self.close()
            self.workers.clear()
            run.close()


class _Caller(Worker):
    """The caller's thread, at work for itself."""

    def __init__(self, team: Team) -> None:
        super().__init__(team, "main")
        self.is_coming = False
        self.host = current_host()

    def _may_go(self, only: TeamRun | None) -> bool:
        if self.host is not None and self.host.is_dismissed:
            raise RunStopped("the run around this compute has ended")
        return super()._may_go(only)

    def _sleep(self) -> None:
        """Wait until the event loop has news, or a step is to be tried again."""
        with self.team.lock:
            patience = self.team.patience()
        if not self.alarm.acquire(timeout=max(0.0, patience)):
            with self.team.lock:
                if self in self.team.sleepers:
                    self.team.sleepers.remove(self)
                else:  # woken in the meantime
                    self.alarm.acquire()
        self.team.tick()

    def _fail(self, run: TeamRun, step: int, error: BaseException, began: float) -> None:
        if is_interrupt(error):
            raise error
        super()._fail(run, step, error, began)

    def _call_in_time(self, run: TeamRun, step: int) -> Any:
        """Return the step's result, or let the alarm clock raise TaskTimeout inside it."""
        seconds = run.timeout(step)
        if seconds is None:
            return run.call(step)
        from lazygraph.schedulers.controlled.alarm import Alarm  # late: signal

        began = perf_counter()
        alarm = Alarm(seconds, lambda: run.timed_out(step, "it was interrupted"))
        value = alarm.watch(lambda: run.call(step))
        if perf_counter() - began > seconds:
            raise run.timed_out(step, RAN_TO_ITS_END)
        return value

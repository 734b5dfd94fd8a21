"""Runs a plan on a team of threads that share one list of ready steps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lazygraph.graphs.plan import Plan
from lazygraph.protocols import Observer
from lazygraph.schedulers.controlled import (
    InlineStream,
    PumpedStream,
    Stream,
    Team,
    TeamRun,
    run_here,
    stays_here,
    stream_here,
)
from lazygraph.schedulers.workers import check_num_workers
from lazygraph.tasks.options import CONTROLS, NO_TERMS, TERMS, Terms

__all__ = ["Threads"]


class Threads:
    """Threads in this process: for tasks that release the GIL (numpy, files, the network).

    Parameters
    ----------
    num_workers : int, optional
        How many tasks run at once; the number of usable cores by default.

    Notes
    -----
    Threads live for one run, and are started as tasks wait for one. A compute inside a task
    joins the team that runs the task: the thread that waits for it works on it, idle ones help,
    so that nothing deadlocks and there are never more threads at work. Each task runs in a copy
    of the caller's context: what it sets in a ContextVar no other sees. Ctrl-C and the first
    error give control back at once; what other threads are in the middle of they finish, and
    the result is dropped. 3 to 4 us a task, whatever is asked of it; up to twice that with time
    limits or resources.
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
        """Return the plan's outputs, one by one."""
        n = 4 * self.num_workers if lookahead is None else lookahead
        around = Team.joined()
        if around is None and stays_here():
            return InlineStream(*stream_here(plan, observers, terms, self.name, n))
        team = around or Team(self.num_workers)
        run = team.new_run(plan, observers, terms, self.name, self.num_workers, n)
        if around is not None:
            run.goes_back = True
            return InlineStream(run, team.stream_nested(run))
        return PumpedStream(run, lambda _: _pump(team, run), run.arrived)

    def run(
        self, plan: Plan, observers: Sequence[Observer] = (), terms: Terms = NO_TERMS, /
    ) -> list[Any]:
        """Return the values of the plan's outputs."""
        around = Team.joined()
        if around is None and stays_here():
            return run_here(plan, observers, terms, self.name)
        team = around or Team(self.num_workers)
        run = team.new_run(plan, observers, terms, self.name, self.num_workers)
        if around is None:
            team.run(run)
        else:
            team.run_nested(run)
        return run.results()


def _pump(team: Team, run: TeamRun) -> None:
    team.run(run)
    run.raise_error()

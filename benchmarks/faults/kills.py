"""Workers that are killed from outside: one, or all."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from random import Random
from threading import Timer
from time import perf_counter
from typing import Any

from benchmarks.faults.graphs import CASES, Case, compare
from benchmarks.faults.leftovers import n_strays
from benchmarks.faults.runs import Run
from lazygraph import compute
from lazygraph.schedulers import Processes

__all__ = ["all_killed", "one_killed"]

_N_WORKERS = 2
_N_RUNS_PER_POOL = 20
# Some blows fall after the last result: the next run then begins with a dead worker.
_LATEST = 1.1

Choose = Callable[[Random, Sequence[int]], Sequence[int]]


def one_killed(dice: Random, n: int) -> Iterator[Run]:
    """A worker, whichever, at any moment of a run."""
    return _killed(dice, n, lambda dice, pids: [dice.choice(pids)] if pids else [])


def all_killed(dice: Random, n: int) -> Iterator[Run]:
    """All workers in one moment."""
    return _killed(dice, n, lambda _dice, pids: pids)


def _killed(dice: Random, n: int, choose: Choose) -> Iterator[Run]:
    usual: dict[Case, float] = {}
    for done in range(0, n, _N_RUNS_PER_POOL):
        with Processes(num_workers=_N_WORKERS) as pool:
            trials = _Trials(pool, dice, choose, usual)
            for _ in range(done + 1, min(done + _N_RUNS_PER_POOL, n)):
                yield trials.run(dice.choice(CASES))
            final = trials.run(dice.choice(CASES))
        yield final._replace(processes=final.processes + n_strays())


class _Trials:
    """Runs on one pool, each struck by a blow."""

    def __init__(
        self, pool: Processes, dice: Random, choose: Choose, usual: dict[Case, float]
    ) -> None:
        self._pool, self._dice, self._choose, self._usual = pool, dice, choose, usual
        self._before: tuple[Sequence[Any], Sequence[Any]] = (), ()

    def run(self, case: Case) -> Run:
        """One run; its results are looked at again after the next: shared memory is reused."""
        seconds = self._usual_seconds(case)
        blow = _Blow(self._strike, self._dice.uniform(0, _LATEST * seconds))
        run, values = self._try(case, blow)
        blow.fall()
        wrong = compare(*self._before)[1]
        self._before = values, case.expected()[: len(values)]
        run = run._replace(struck=blow.fell_before, wrong=run.wrong + wrong)
        # Who is killed after the run need not be missed before the next.
        return run._replace(processes=n_strays(lambda: self._pool.pids) if run.struck else 0)

    def _usual_seconds(self, case: Case) -> float:
        """How long a run takes that nothing happens to; the quicker of two, as workers start."""
        if case not in self._usual:
            self._usual[case] = min(self._seconds(case), self._seconds(case))
        return self._usual[case]

    def _seconds(self, case: Case) -> float:
        lazies = case.lazies()
        start = perf_counter()
        compute(*lazies, scheduler=self._pool)
        return perf_counter() - start

    def _strike(self) -> bool:
        """Kill, and say whether there was anyone."""
        hits = [_kill(pid) for pid in self._choose(self._dice, self._pool.pids)]
        return any(hits)

    def _try(self, case: Case, blow: _Blow) -> tuple[Run, Sequence[Any]]:
        try:
            values = compute(*case.lazies(), scheduler=self._pool)
        except Exception as error:
            n_lost = len(case.expected())
            return Run(lost=n_lost, problem=f"{case}: {type(error).__name__}: {error}"), ()
        finally:
            blow.end_of_run()
        lost, wrong = compare(values, case.expected())
        return Run(lost=lost, wrong=wrong), values


class _Blow:
    """Falls once, some seconds from now."""

    def __init__(self, strike: Callable[[], bool], seconds: float) -> None:
        self._strike = strike
        self._is_over = False
        self.fell_before = False  # the end of the run, on a worker
        self._timer = Timer(seconds, self._on_time)
        self._timer.start()

    def _on_time(self) -> None:
        was_over = self._is_over
        self.fell_before = self._strike() and not was_over

    def end_of_run(self) -> None:
        """Whatever falls from now on is late."""
        self._is_over = True

    def fall(self) -> None:
        """Return when it has fallen."""
        self._timer.join()


def _kill(pid: int) -> bool:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True

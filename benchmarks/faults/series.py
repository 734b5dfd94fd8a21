"""A series of computes, on the workers that stay between them."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path
from random import Random
from typing import NamedTuple

from benchmarks.faults.graphs import CASES, Case, compare
from benchmarks.faults.leftovers import descendants, n_strays
from benchmarks.faults.runs import Run
from lazygraph import compute
from lazygraph.schedulers.processes import warm

__all__ = ["Holding", "many_computes"]

_N_WORKERS = 2
_N_WARM = 50
_MOST_MB = 8.0  # per process: what an allocator may keep by the way, or 9 KB a compute


class Holding(NamedTuple):
    """What this process and its workers hold at one moment."""

    processes: int
    threads: int
    files: int
    megabytes: float

    def grown(self, now: Holding) -> list[str]:
        """In what `now` is more than this; in megabytes, more than is tolerated."""
        most = (0, 0, 0, _MOST_MB * self.processes)
        both = zip(self._fields, self, now, most, strict=True)
        return [f"{name} {a:g} -> {b:g}" for name, a, b, more in both if b > a + more]


def _holding() -> Holding:
    gc.collect()
    pids = ["self", *map(str, descendants())]
    status = [_status(pid) for pid in pids]
    return Holding(
        len(pids),
        sum(s["Threads"] for s in status),
        sum(len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in pids),
        sum(s["VmRSS"] for s in status) / 1000,
    )


def _status(pid: str) -> dict[str, int]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    pairs = (line.split(":", 1) for line in lines)
    return {name: int(rest.split()[0]) for name, rest in pairs if name in {"Threads", "VmRSS"}}


def many_computes(_dice: Random, n: int) -> Iterator[Run]:
    """One compute after the other on the pool that stays; nothing grows once it is warm."""
    runs = (_computed(case) for case in cycle(CASES))
    n_warm = min(_N_WARM, n - 1)
    seen: list[Holding] = []
    for run in islice(runs, n - 1):
        yield run
        seen.append(_holding())
    final = next(runs)
    # What a compute leaves mapped depends on its arrays: over one round of all the cases, the
    # most at the beginning against the least at the end.
    n_round = len(CASES)
    before = Holding(*map(max, *seen[max(0, n_warm - n_round) : n_warm]))
    after = Holding(*map(min, *seen[-n_round:]))
    warm.close()
    yield final._replace(
        processes=n_strays(),
        problem=", ".join(before.grown(after)),
        figures=(("more_rss_mb", after.megabytes - before.megabytes),),
    )


def _computed(case: Case) -> Run:
    values = compute(*case.lazies(), scheduler="processes", num_workers=_N_WORKERS)
    lost, wrong = compare(values, case.expected())
    return Run(lost=lost, wrong=wrong)

"""METG(50 %): the smallest tasks on which an engine still keeps the cores half busy.

The measure of Slaughter et al., SC20 (arXiv 1908.05790), section on minimum effective task
granularity. A task is the SHA-256 of a buffer, which releases the GIL; the buffer's size sets
how long it takes.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from functools import partial
from hashlib import sha256
from itertools import pairwise
from math import exp, log
from threading import Thread
from time import perf_counter
from typing import Any, NamedTuple

from benchmarks.engines import ENGINES, N_WORKERS
from benchmarks.jobs import Figures, Job, Withheld
from benchmarks.workloads import WORKLOADS

__all__ = ["Point", "Work", "metg", "metg_of"]

_LARGEST = 1 << 22  # some 2.5 ms
# A message to a process and back takes a millisecond of the slower engine.
_LARGEST_FOR_PROCESSES = 1 << 25
_SMALLEST = 1 << 11  # some 2 us; hashlib holds the GIL below
_SECONDS = 0.3
_FEWEST, _MOST = 2, 9
_HALF = 0.5
_FAR_BELOW = 0.35
_TRIES = 3
_PATIENCE_SECONDS = 3.0
_LEAST_FULL, _MOST_FULL = 0.85, 1.10


class Point(NamedTuple):
    """A size of task: the cores' time that one takes, and the part of it that is useful."""

    grain_us: float
    efficiency: float


_BUFFER = memoryview(bytes(_LARGEST_FOR_PROCESSES))


class Work:
    """A task that hashes `size` bytes and returns its first argument.

    Never resized: a worker may keep the function that it was sent.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._part = _BUFFER[:size]

    def __reduce__(self) -> tuple[type[Work], tuple[int]]:
        """By its size alone: the buffer is everywhere."""
        return Work, (self.size,)

    def __call__(self, value: Any, *_others: Any) -> Any:
        """The first argument, after the work."""
        sha256(self._part).digest()
        return value


def metg(job: Job) -> Figures:
    """Microseconds of the smallest grain with an efficiency of one half; capture not counted.

    Raises
    ------
    Withheld
        Unless the coarsest tasks keep the cores 85 to 110 % busy, before and after.
    """
    engine = ENGINES[job.engine]()
    prepared = WORKLOADS[job.workload](job.n)

    def point(size: int) -> Point:
        work = Work(size)
        outputs = prepared.build(lambda _func: engine.lift(work))
        return _point(work, lambda: engine.compute(outputs), prepared.n_tasks)

    largest = _LARGEST_FOR_PROCESSES if "processes" in job.engine else _LARGEST
    points = [_coarsest(point, largest)]
    size = largest // 2
    while size >= _SMALLEST and not _is_far_below(points):
        points.append(point(size))
        size //= 2
    _coarsest(point, largest)  # as before: the machine has not grown busy meanwhile
    return metg_of(points)


def _is_far_below(points: list[Point]) -> bool:
    """Whether smaller tasks cannot do any better: one bad point may be the machine's doing."""
    return len(points) > 1 and max(p.efficiency for p in points[-2:]) < _FAR_BELOW


def _coarsest(point: Callable[[int], Point], largest: int) -> Point:
    """The point of the largest tasks, which must keep the cores busy."""
    for _ in range(_TRIES):
        found = point(largest)
        if _LEAST_FULL <= found.efficiency <= _MOST_FULL:
            return found
    busy = f"{found.efficiency:.0%}"
    raise Withheld(f"the coarsest tasks kept the cores {busy} busy, not 85 to 110 %")


def _point(work: Work, compute: Callable[[], Any], n_tasks: int) -> Point:
    """The best of some runs, each beside the same work alone: what disturbs only slows."""
    alone: list[float] = []
    together: list[float] = []
    end = perf_counter() + _SECONDS
    while len(alone) < _FEWEST or (perf_counter() < end and len(alone) < _MOST):
        _wait_for_cores()
        alone.append(_seconds(partial(work, 0), n_tasks // 8))
        gc.collect()
        together.append(N_WORKERS * _seconds(compute) / n_tasks)
    return Point(1e6 * min(together), min(alone) / min(together))


def _wait_for_cores() -> None:
    """Return when bare threads keep all the cores busy: then no other process is in the way."""
    work = Work(_LARGEST)
    end = perf_counter() + _PATIENCE_SECONDS
    while _seconds(partial(work, 0)) < _LEAST_FULL * _seconds(partial(_in_threads, work)):
        if perf_counter() > end:
            raise Withheld(f"other processes leave no {N_WORKERS} cores to this one")


def _in_threads(work: Work) -> None:
    threads = [Thread(target=work, args=(0,)) for _ in range(N_WORKERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _seconds(func: Callable[[], Any], times: int = 1) -> float:
    """How long one call takes, of some."""
    start = perf_counter()
    for _ in range(times):
        func()
    return (perf_counter() - start) / times


def metg_of(points: list[Point]) -> Figures:
    """The finest place where efficiency falls through one half, given points of falling grain.

    If even the finest tasks are run at more than half, their grain, which is then an upper
    bound: ``is_bound`` is 1.

    Examples
    --------
    >>> metg_of([Point(100.0, 0.9), Point(10.0, 0.5), Point(5.0, 0.1)])["metg_us"]
    10.0
    """
    for coarse, fine in reversed(list(pairwise(points))):
        if fine.efficiency <= _HALF < coarse.efficiency:
            part = (coarse.efficiency - _HALF) / (coarse.efficiency - fine.efficiency)
            grain = log(coarse.grain_us) + part * log(fine.grain_us / coarse.grain_us)
            return {"metg_us": round(exp(grain), 9), "is_bound": 0, "full": points[0].efficiency}
    return {"metg_us": points[-1].grain_us, "is_bound": 1, "full": points[0].efficiency}

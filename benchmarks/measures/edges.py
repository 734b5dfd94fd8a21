"""Arrays that go from task to task: what a gigabyte takes."""

from __future__ import annotations

from statistics import median
from time import perf_counter
from typing import Any

from benchmarks.engines import ENGINES, LazyEngine
from benchmarks.jobs import Figures, Job
from benchmarks.measures.repeat import repeated

__all__ = ["array_edges"]

_N_STAGES = 6
# The array of the source and of every stage goes to a reader, and all but the last to a stage.
_N_EDGES = 2 * _N_STAGES + 1
_EXPECTED = 2.0 * (_N_STAGES + 1)


def _make(nbytes: int) -> Any:
    import numpy as np  # optional, and heavy for the measures that do without

    return np.ones(nbytes // 8)


def _stage(array: Any) -> Any:
    return array.copy()


def _ends(array: Any) -> float:
    return float(array[0] + array[-1])


def _total(*numbers: float) -> float:
    return sum(numbers)


def _pipeline(engine: LazyEngine, nbytes: int) -> Any:
    """Stages that cannot be joined to one task: each result has two dependents."""
    make, stage, ends, total = map(engine.lift, (_make, _stage, _ends, _total))
    arrays = [make(nbytes)]
    for _ in range(_N_STAGES):
        arrays.append(stage(arrays[-1]))
    return total(*map(ends, arrays))


def _seconds(engine: LazyEngine, nbytes: int) -> float:
    output = _pipeline(engine, nbytes)
    start = perf_counter()
    values = engine.compute([output])
    seconds = perf_counter() - start
    if values != [_EXPECTED]:
        raise ValueError(f"{values} is not {_EXPECTED}")
    return seconds


def array_edges(job: Job) -> Figures:
    """Seconds per gigabyte that goes along an edge, arrays of `n` megabytes; after one trial.

    Whether an array really moves is the engine's business: one that runs a task where its
    argument lies has moved it, too.
    """
    engine = ENGINES[job.engine]()
    nbytes = job.n * 1_000_000
    _seconds(engine, nbytes)
    seconds = median(repeated(lambda: _seconds(engine, nbytes)))
    gigabytes = _N_EDGES * nbytes / 1e9
    return {"s_per_gb": seconds / gigabytes, "mb_per_s": 1e3 * gigabytes / seconds}

"""Calls known by their content: one large array among the arguments of many."""

from __future__ import annotations

from time import perf_counter
from typing import Any

from benchmarks.jobs import Figures, Job
from benchmarks.workloads import first

__all__ = ["pure_calls"]

_N_NUMBERS = 1_000_000  # of 8 bytes


def _library(name: str) -> Any:
    if name == "lazygraph":
        import lazygraph

        return lazygraph
    import dask

    return dask


def pure_calls(job: Job) -> Figures:
    """Milliseconds to capture and compute `n` calls with ``pure=True`` on one array of 8 MB.

    Measured once per process: an array that is seen again may be known already.
    """
    import numpy as np

    library = _library(job.engine)
    func = library.delayed(first, pure=True)

    def run(array: Any, n: int) -> None:
        library.compute(*[func(array, i) for i in range(n)], scheduler="sync")

    run(np.ones(10), 2)
    array = np.arange(float(_N_NUMBERS))
    start = perf_counter()
    run(array, job.n)
    return {"whole_ms": 1e3 * (perf_counter() - start)}

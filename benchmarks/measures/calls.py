"""Functions of graphs: what a call costs, beside Dask's compute and beside plain calls."""

from __future__ import annotations

from collections.abc import Callable
from operator import add
from statistics import median
from time import perf_counter
from typing import Any

from benchmarks.jobs import Figures, Job
from benchmarks.measures.repeat import repeated

__all__ = ["function_calls"]

_TASKS_A_TRIAL = 100_000


def _chain(x: Any, y: Any, n: int, plus: Callable[[Any, Any], Any]) -> Any:
    """Sums, each of the one before and an input."""
    for _ in range(n):
        x = plus(x, y)
    return x


def function_calls(job: Job) -> Figures:
    """Microseconds per task of a call, on one thread; graphs of `n` tasks.

    ``overhead_us`` is without what the same sums take when they are called directly.
    """
    call, plain = _ENGINES[job.engine](job.n), _plain(job.n)
    if call(0, 1) != job.n:
        raise ValueError(f"{call(0, 1)} is not {job.n}")
    taken, directly = _call_us(job, call), _call_us(job, plain)
    return {"call_us": taken, "overhead_us": taken - directly}


def _call_us(job: Job, call: Callable[[int, int], Any]) -> float:
    calls = max(1, _TASKS_A_TRIAL // job.n)

    def trial() -> float:
        start = perf_counter()
        for _ in range(calls):
            call(0, 1)
        return (perf_counter() - start) / (calls * job.n)

    return 1e6 * median(repeated(trial))


def _lazygraph(n: int) -> Callable[[int, int], Any]:
    from lazygraph import function, inputs

    x, y = inputs("x y")
    return function([x, y], _chain(x, y, n, add), scheduler="synchronous")


def _dask(n: int) -> Callable[[int, int], Any]:
    """The same graph as data, its inputs put in anew for each call."""
    import dask

    names = ["x", *[f"s{i}" for i in range(n)]]
    tasks = {f"s{i}": (add, names[i], "y") for i in range(n)}

    def call(x: int, y: int) -> Any:
        return dask.get({"x": x, "y": y, **tasks}, names[-1])

    return call


def _plain(n: int) -> Callable[[int, int], Any]:
    return lambda x, y: _chain(x, y, n, add)


_ENGINES: dict[str, Callable[[int], Callable[[int, int], Any]]] = {
    "lazygraph-sync": _lazygraph,
    "dask-sync": _dask,
    "plain": _plain,
}

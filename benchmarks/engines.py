"""Who runs the workloads. Each engine imports its library only when it is made."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial
from hashlib import sha256
from multiprocessing import get_context
from time import monotonic, perf_counter
from typing import Any, Protocol

from benchmarks.programs import bare_steps, record, run_bare
from benchmarks.workloads import Prepared

__all__ = ["ENGINES", "N_WORKERS", "Clock", "Engine", "close_pools"]

#: Threads or processes that each engine with such workers is given.
N_WORKERS = 2
_START_SECONDS = 30.0
_BUFFER = bytes(1 << 20)


class Clock:
    """Times the stages of one trial, in seconds."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def __call__(self, stage: str, func: Callable[..., Any], *args: Any) -> Any:
        """The function's value; the time it took goes by the stage's name."""
        start = perf_counter()
        value = func(*args)
        self.seconds[stage] = perf_counter() - start
        return value


class Engine(Protocol):
    """Runs a workload once, stage by stage."""

    def trial(self, prepared: Prepared, clock: Clock) -> list[Any]:
        """The values of the workload's outputs."""


class LazyEngine(Engine, Protocol):
    """An engine that captures first and computes later."""

    def lift(self, func: Callable[..., Any], /) -> Any:
        """The function whose calls are captured."""

    def compute(self, outputs: list[Any]) -> list[Any]:
        """The values of captured calls."""


class Plain:
    """The same calls written directly in Python: no graph, the results in variables."""

    def trial(self, prepared: Prepared, clock: Clock) -> list[Any]:
        """The values of the workload's outputs."""
        values: list[Any] = clock("compute", prepared.build, lambda func: func)
        return values


class Bare:
    """The graph as data, run by the simplest loop there is."""

    def trial(self, prepared: Prepared, clock: Clock) -> list[Any]:
        """The values of the workload's outputs."""
        program = record(prepared.build)
        results = clock("compute", run_bare, *bare_steps(program))
        return [results[step] for step in program.outputs]


class Lazygraph:
    """Lazygraph's capture, and one of its schedulers."""

    def __init__(self, scheduler: str) -> None:
        import lazygraph
        from lazygraph.schedulers import choose

        self.lift = cache(lazygraph.delayed)
        options = {} if scheduler == "sync" else {"num_workers": N_WORKERS}
        self._scheduler = choose(scheduler, **options)
        self._compute = partial(lazygraph.compute, scheduler=scheduler, **options)

    def compute(self, outputs: list[Any]) -> list[Any]:
        """The values of captured calls."""
        return list(self._compute(*outputs))

    def _plan(self, outputs: list[Any]) -> Any:
        """The plan, as `lazygraph.compute` makes it."""
        from lazygraph.graphs.compile import plan_of

        return plan_of(outputs)

    def trial(self, prepared: Prepared, clock: Clock) -> list[Any]:
        """The values of the workload's outputs; then plan and run once more, apart."""
        outputs = clock("capture", prepared.build, self.lift)
        values: list[Any] = clock("compute", self.compute, outputs)
        plan = clock("plan", self._plan, outputs)
        clock("run", self._scheduler.run, plan)
        return values


class Dask:
    """Dask's capture, and one of its local schedulers."""

    def __init__(self, scheduler: str) -> None:
        import dask

        self.lift = cache(dask.delayed)
        options = {} if scheduler == "sync" else {"num_workers": N_WORKERS}
        self._compute = partial(dask.compute, scheduler=scheduler, **options)

    def compute(self, outputs: list[Any]) -> list[Any]:
        """The values of captured calls."""
        return list(self._compute(*outputs))

    def trial(self, prepared: Prepared, clock: Clock) -> list[Any]:
        """The values of the workload's outputs."""
        outputs = clock("capture", prepared.build, self.lift)
        values: list[Any] = clock("compute", self.compute, outputs)
        return values


class LazygraphProcesses(Lazygraph):
    """Lazygraph's processes, of the pool that stays between computes: warm."""

    def __init__(self) -> None:
        super().__init__("processes")
        _wait_for_workers(lambda func, numbers: self.compute(list(map(self.lift(func), numbers))))


class DaskProcesses(Dask):
    """Dask's processes, with a warm pool; `chunksize` tasks to a message, or Dask's own six.

    The pool is made as Dask makes its own for each compute: fresh interpreters.
    """

    def __init__(self, chunksize: int | None = None) -> None:
        super().__init__("processes")
        self._compute = partial(self._compute, pool=_dasks_pool(), chunksize=chunksize)


@cache
def _dasks_pool() -> ProcessPoolExecutor:
    from dask.multiprocessing import initialize_worker_process

    spawn = get_context("spawn")
    pool = ProcessPoolExecutor(N_WORKERS, spawn, initializer=initialize_worker_process)
    _wait_for_workers(pool.map)
    return pool


def close_pools() -> None:
    """End the processes that engines have left warm."""
    if _dasks_pool.cache_info().currsize:
        _dasks_pool().shutdown()
        _dasks_pool.cache_clear()
    from lazygraph.schedulers.processes import warm

    warm.close()


def _wait_for_workers(run: Callable[[Callable[[int], int], range], Iterable[int]]) -> None:
    """Return when every worker has run a task: starting them is no part of a warm figure."""
    end = monotonic() + _START_SECONDS
    seen: set[int] = set()
    while len(seen) < N_WORKERS:
        if monotonic() > end:
            raise RuntimeError(f"{len(seen)} of {N_WORKERS} workers ran any of the tasks")
        seen.update(run(_who, range(16 * N_WORKERS)))


def _who(_number: int) -> int:
    """The process that runs this, after half a millisecond: time for another to take part."""
    sha256(_BUFFER).digest()
    return os.getpid()


#: name -> what makes it
ENGINES: dict[str, Callable[[], Any]] = {
    "plain": Plain,
    "bare": Bare,
    "lazygraph-sync": partial(Lazygraph, "sync"),
    "dask-sync": partial(Dask, "sync"),
    "lazygraph-threads": partial(Lazygraph, "threads"),
    "dask-threads": partial(Dask, "threads"),
    "lazygraph-processes": LazygraphProcesses,
    "dask-processes": DaskProcesses,
    "dask-processes-1": partial(DaskProcesses, 1),
    "dask-processes-8": partial(DaskProcesses, 8),
    "dask-processes-500": partial(DaskProcesses, 500),
}

"""Who runs the workloads. Each engine imports its library only when it is made."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from time import perf_counter
from typing import Any, Protocol

from benchmarks.programs import bare_steps, record, run_bare
from benchmarks.workloads import Prepared

__all__ = ["ENGINES", "N_WORKERS", "Clock", "Engine"]

#: Threads that each engine with threads is given.
N_WORKERS = 2


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
        self._scheduler = choose(scheduler, N_WORKERS)
        self._compute = partial(lazygraph.compute, scheduler=scheduler, num_workers=N_WORKERS)

    def compute(self, outputs: list[Any]) -> list[Any]:
        """The values of captured calls."""
        return list(self._compute(*outputs))

    def _plan(self, outputs: list[Any]) -> Any:
        """Passes and plan, as `lazygraph.compute` makes them."""
        from lazygraph.nodes import graph_of, plan_of
        from lazygraph.passes import run_passes
        from lazygraph.plan import make_plan

        if not self._scheduler.passes:
            return plan_of(outputs)
        graph, keys = graph_of(outputs), [output.key for output in outputs]
        return make_plan(run_passes(graph, keys, self._scheduler.passes), keys)

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


#: name -> what makes it
ENGINES: dict[str, Callable[[], Any]] = {
    "plain": Plain,
    "bare": Bare,
    "lazygraph-sync": partial(Lazygraph, "sync"),
    "dask-sync": partial(Dask, "sync"),
    "lazygraph-threads": partial(Lazygraph, "threads"),
    "dask-threads": partial(Dask, "threads"),
}

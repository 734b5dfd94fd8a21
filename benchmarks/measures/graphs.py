"""Graphs that exist already: the time passes take, and the results an order keeps alive."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from statistics import median
from time import perf_counter
from typing import Any

from benchmarks.engines import Lazygraph
from benchmarks.jobs import Figures, Job
from benchmarks.measures.repeat import repeated
from benchmarks.programs import raw_graph, record
from benchmarks.workloads import WORKLOADS

__all__ = ["alive_in_order", "most_alive", "passes"]

_N_WARM = 50


def _our_passes(raw: dict[Any, Any], outputs: list[Any]) -> Callable[[], object]:
    from lazygraph import Graph
    from lazygraph.graphs.order import post_order
    from lazygraph.passes import cull, fuse

    graph = Graph.from_dict(raw)
    return lambda: post_order(fuse(cull(graph, outputs), outputs), outputs)


def _dasks_passes(raw: dict[Any, Any], outputs: list[Any]) -> Callable[[], object]:
    from dask.optimization import cull, fuse_linear
    from dask.order import order

    def run() -> object:
        culled, dependencies = cull(raw, outputs)
        return order(fuse_linear(culled, outputs, dependencies)[0])

    return run


_PASSES = {"lazygraph": _our_passes, "dask": _dasks_passes}


def passes(job: Job) -> Figures:
    """Microseconds per task of cull, linear fuse and order, one on the other's result."""
    prepare = _PASSES[job.engine]
    prepare(*raw_graph(record(WORKLOADS[job.workload](_N_WARM).build)))()
    prepared = WORKLOADS[job.workload](job.n)
    run = prepare(*raw_graph(record(prepared.build)))

    def seconds() -> float:
        start = perf_counter()
        run()
        return perf_counter() - start

    return {"passes_us": 1e6 * median(repeated(seconds)) / prepared.n_tasks}


def alive_in_order(
    order: Iterable[Any], dependencies: Mapping[Any, Iterable[Any]], outputs: Iterable[Any]
) -> int:
    """The most results held at one time by tasks that run one by one in `order`.

    Each result goes when the last task that needs it has returned; outputs stay.
    """
    steps = list(order)
    last_user = {needed: user for user in steps for needed in dependencies[user]}
    kept = set(outputs)
    alive = most = 0
    for step in steps:
        alive += 1
        most = max(most, alive)
        alive -= sum(
            1 for dep in set(dependencies[step]) if last_user[dep] == step and dep not in kept
        )
    return most


def _ours_alive(job: Job) -> Figures:
    from lazygraph import compute
    from lazygraph.graphs.compile import plan_of
    from lazygraph.observers import Recorder

    outputs = WORKLOADS[job.workload](job.n).build(Lazygraph("sync").lift)
    recorder = Recorder()
    compute(*outputs, scheduler="sync", observers=[recorder])
    plan = plan_of(outputs)
    dependencies = dict(enumerate(plan.dependencies))
    planned = alive_in_order(range(len(plan)), dependencies, plan.outputs)
    return {"watched": recorder.most_alive, "planned": planned}


def _dasks_alive(job: Job) -> Figures:
    from dask.core import get_dependencies
    from dask.order import order

    raw, outputs = raw_graph(record(WORKLOADS[job.workload](job.n).build))
    priority = order(raw)
    dependencies = {key: get_dependencies(raw, key) for key in raw}
    alive = alive_in_order(sorted(raw, key=priority.__getitem__), dependencies, outputs)
    return {"watched": alive, "planned": alive}


_ALIVE = {"lazygraph": _ours_alive, "dask": _dasks_alive}


def most_alive(job: Job) -> Figures:
    """The most results held at one time by one worker.

    Returns
    -------
    Figures
        ``watched``, as an observer of a run sees it; ``planned``, in the order of the plan,
        which is that of a run that nobody watches. Dask's order is the same for both.
    """
    return _ALIVE[job.engine](job)

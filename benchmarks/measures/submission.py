"""How long a graph takes to reach a cluster, and to be done there."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from functools import cache
from time import perf_counter
from typing import Any

from benchmarks.engines import N_WORKERS
from benchmarks.jobs import Figures, Job
from benchmarks.workloads import WORKLOADS, Prepared

__all__ = ["submission"]

_N_WARM = 50
_POLL_SECONDS = 0.001
#: Graphs up to this size are also waited for.
_MOST_DONE = 10_000

#: Outputs to what keeps them on the cluster.
Submit = Callable[[list[Any], Any], list[Any]]


def _our_submit(outputs: list[Any], client: Any) -> list[Any]:
    from lazygraph import persist

    return [held._function.func.future for held in persist(*outputs, scheduler=client)]


def _dasks_submit(outputs: list[Any], client: Any) -> list[Any]:
    futures: list[Any] = client.compute(outputs)
    return futures


def _lift(engine: str) -> Callable[[Any], Any]:
    if engine == "lazygraph":
        from lazygraph import delayed
    else:
        from dask import delayed
    return cache(delayed)


_SUBMIT: dict[str, Submit] = {"lazygraph": _our_submit, "dask": _dasks_submit}


def submission(job: Job) -> Figures:
    """Seconds until a cluster of two worker processes knows a graph, its capture included.

    Returns
    -------
    Figures
        ``submit_s``: from the first call captured to the last task known to Dask's scheduler,
        which runs in this process, as it does for whoever makes a cluster on one machine.
        ``done_s``: until all results are there, for graphs of up to 10,000 tasks.
    """
    from distributed import Client, LocalCluster

    with (
        LocalCluster(
            n_workers=N_WORKERS,
            threads_per_worker=1,
            dashboard_address=":0",
            silence_logs=logging.CRITICAL,
        ) as cluster,
        Client(cluster) as client,
    ):
        _once(job, WORKLOADS[job.workload](_N_WARM), cluster, client)
        while cluster.scheduler.tasks:  # those of the trial
            time.sleep(_POLL_SECONDS)
        return _once(job, WORKLOADS[job.workload](job.n), cluster, client)


def _once(job: Job, prepared: Prepared, cluster: Any, client: Any) -> Figures:
    from distributed import wait

    lift, submit = _lift(job.engine), _SUBMIT[job.engine]
    start = perf_counter()
    futures = submit(prepared.build(lift), client)
    while len(cluster.scheduler.tasks) < prepared.n_tasks:
        time.sleep(_POLL_SECONDS)
    figures = {"submit_s": perf_counter() - start}
    if prepared.n_tasks <= _MOST_DONE:
        wait(futures)
        figures["done_s"] = perf_counter() - start
    return figures

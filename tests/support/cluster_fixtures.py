"""Dask's schedulers that own something: a pool, a cluster; each made once for all tests."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any

import pytest

from lazygraph.schedulers import choose
from lazygraph.schedulers.dask import DaskGet, DaskProcesses

if TYPE_CHECKING:
    from lazygraph.schedulers.dask.cluster import Cluster

__all__ = ["cluster_of", "dask_processes", "far_cluster", "near_cluster"]


@pytest.fixture(scope="session")
def dask_processes() -> Iterator[DaskGet]:
    """Dask's processes, two that stay."""
    from dask.multiprocessing import initialize_worker_process

    spawn = get_context("spawn")
    with ProcessPoolExecutor(2, spawn, initializer=initialize_worker_process) as pool:
        yield DaskProcesses(pool=pool)


def cluster_of(**options: Any) -> Any:
    """A context manager: a cluster of this machine, without a dashboard."""
    from distributed import LocalCluster

    # What fails on a worker is logged there too: these tests let much fail.
    return LocalCluster(dashboard_address=":0", silence_logs=logging.CRITICAL, **options)


def _scheduler_of(**options: Any) -> Iterator[Cluster]:
    from distributed import Client

    with cluster_of(**options) as cluster, Client(cluster, set_as_default=False) as client:
        yield choose(client)  # type: ignore[misc]  # a client's is a Cluster


@pytest.fixture(scope="session")
def near_cluster() -> Iterator[Cluster]:
    """Two workers that are threads of this process."""
    yield from _scheduler_of(n_workers=2, threads_per_worker=1, processes=False)


@pytest.fixture(scope="session")
def far_cluster() -> Iterator[Cluster]:
    """Two workers that are processes."""
    yield from _scheduler_of(n_workers=2, threads_per_worker=1, processes=True)

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import dask
import hypothesis
import pytest
from hypothesis import HealthCheck, settings

from lazygraph.protocols import Scheduler
from lazygraph.schedulers import DaskGet, Processes, Synchronous, Threads, choose

# A busy machine is slow, and nothing is wrong with that.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")

sys.path.insert(0, str(Path(__file__).parent / "support"))
pytest.register_assert_rewrite("pictures", "browser_fixtures")

from browser_fixtures import browser, show, show_fan  # noqa: E402  # found by the path above
from cluster_fixtures import (  # noqa: E402  # likewise
    dask_processes,
    far_cluster,
    near_cluster,
)

__all__ = ["browser", "dask_processes", "far_cluster", "near_cluster", "show", "show_fan"]

# A busy machine is no fault of the code: no test depends on how long it takes.
settings.register_profile("steady", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("steady")

#: Every scheduler; the conformance suite and the property tests run on each.
SCHEDULERS = {
    "synchronous": Synchronous(),
    "one thread": Threads(1),
    "two threads": Threads(2),
    "many threads": Threads(8),
    "two processes": Processes(2),
    "dask.get": DaskGet(dask.get),
    "dask": choose("dask"),
    "dask-sync": choose("dask-sync"),
    "dask-threads": choose("dask-threads", 2),
    "dask-processes": "dask_processes",
    "cluster in this process": "near_cluster",
    "cluster of processes": "far_cluster",
}


@pytest.fixture(params=SCHEDULERS.values(), ids=SCHEDULERS)
def scheduler(request: pytest.FixtureRequest) -> Scheduler:
    """Each scheduler; a name among them is that of the fixture that owns it."""
    given = request.param
    return request.getfixturevalue(given) if isinstance(given, str) else given


TELLING = {n: made for n, made in SCHEDULERS.items() if "cluster" not in n}


@pytest.fixture(params=TELLING.values(), ids=TELLING)
def telling_scheduler(request: pytest.FixtureRequest) -> Scheduler:
    """One that tells observers."""
    given = request.param
    return request.getfixturevalue(given) if isinstance(given, str) else given


OURS = {n: made for n, made in SCHEDULERS.items() if not isinstance(made, (DaskGet, str))}


@pytest.fixture(params=OURS.values(), ids=OURS)
def own_scheduler(request: pytest.FixtureRequest) -> Scheduler:
    """A scheduler of this library's, which knows when results are released."""
    return request.param


IN_PROCESS = {name: made for name, made in OURS.items() if not isinstance(made, Processes)}


@pytest.fixture(params=IN_PROCESS.values(), ids=IN_PROCESS)
def in_process_scheduler(request: pytest.FixtureRequest) -> Scheduler:
    """One of ours whose tasks share the caller's memory and context variables."""
    return request.param


@pytest.fixture
def processes() -> Processes:
    """Two warm workers, for tests that leave them alive."""
    return Processes(2)


@pytest.fixture
def own_processes() -> Iterator[Processes]:
    """Two workers of the test's own."""
    with Processes(2) as made:
        yield made


@pytest.fixture
def mortal_processes() -> Iterator[Scheduler]:
    """Workers that are killed at random, at most two in a run."""
    from mortal import MortalProcesses

    with MortalProcesses() as made:
        yield made


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    from sources import SOURCES, write

    return write(tmp_path / "tree", SOURCES)

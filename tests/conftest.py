from __future__ import annotations

import shutil
import sys
from pathlib import Path

import dask
import pytest

from lazygraph.protocols import Scheduler
from lazygraph.schedulers import DaskGet, Synchronous, Threads

sys.path.insert(0, str(Path(__file__).parent))
pytest.register_assert_rewrite("pictures")

#: Every scheduler; the conformance suite and the property tests run on each.
SCHEDULERS = {
    "synchronous": Synchronous(),
    "one thread": Threads(1),
    "two threads": Threads(2),
    "many threads": Threads(8),
    "dask.get": DaskGet(dask.get),
}


@pytest.fixture(params=SCHEDULERS.values(), ids=SCHEDULERS)
def scheduler(request: pytest.FixtureRequest) -> Scheduler:
    return request.param


OURS = {name: made for name, made in SCHEDULERS.items() if not isinstance(made, DaskGet)}


@pytest.fixture(params=OURS.values(), ids=OURS)
def own_scheduler(request: pytest.FixtureRequest) -> Scheduler:
    """A scheduler of this library's, which knows when results are released."""
    return request.param


@pytest.fixture(params=["own layout", "dot's layout"])
def layout(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The program ``dot`` cannot be found, or it can."""
    if request.param == "own layout":
        monkeypatch.setenv("PATH", "")
    elif shutil.which("dot") is None:
        pytest.skip("Graphviz's program dot is not installed: its layout is not tried")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    from sources import SOURCES, write

    return write(tmp_path / "tree", SOURCES)

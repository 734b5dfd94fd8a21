"""How much shared memory there is after a run, and what is done where there is too little."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from children import run_script

from lazygraph import compute, delayed
from lazygraph.schedulers import Processes
from lazygraph.schedulers.processes import arena as arena_module
from lazygraph.schedulers.processes.memory import available_bytes
from lazygraph.schedulers.processes.warm import WarmPools

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
_MB = 1 << 20


@pytest.fixture
def no_gc() -> Iterator[None]:
    gc.disable()
    yield
    gc.enable()


def fill(nbytes: int, *_: Any) -> Any:
    return np.ones(nbytes, "u1")


def refuse(*_: Any) -> None:
    raise ValueError


def test_what_a_run_packed_is_free_at_its_end(own_processes: Processes, no_gc: None) -> None:
    delayed(len)(np.ones(1 << 20)).compute(scheduler=own_processes)
    pool = own_processes._own
    assert pool is not None
    for _ in range(5):
        compute(delayed(len)(np.ones(1 << 20)), scheduler=own_processes)
        with pytest.raises(ValueError):  # it has no message
            delayed(refuse)(np.ones(1 << 20)).compute(scheduler=own_processes)
    pool.settle()
    gc.enable()
    # Of the last run a worker may not have said yet that it looks at nothing any more.
    assert pool.ledger.nbytes <= 2 * 8 * _MB


def test_arguments_go_with_the_last_task_that_needs_them(own_processes: Processes) -> None:
    """Fifty arguments of a megabyte, one of which every task shares."""
    most = [0]

    class Watch:
        def notify(self, _: object) -> None:
            pool = own_processes._own
            assert pool is not None
            most[0] = max(most[0], pool.ledger.nbytes)

    shared = np.ones(_MB, "u1")
    add = delayed(lambda x, y: int(x.sum()) + int(y.sum()))
    values = [add(np.ones(_MB, "u1"), shared) for _ in range(50)]
    assert compute(*values, scheduler=own_processes, observers=[Watch()]) == (2 * _MB,) * 50
    assert most[0] < 25 * _MB


def test_the_argument_of_a_member_that_failed_is_let_go_of() -> None:
    """The first of the two takes longer than results wait for company."""

    def first() -> Any:
        import time

        time.sleep(0.3)
        return np.ones(4 * _MB, "u1")

    with Processes(1) as processes:
        for _ in range(3):
            value = delayed(refuse)(delayed(first)())
            compute(value, scheduler=processes, on_error="collect")
        pool = processes._own
        assert pool is not None
        pool.settle()
        assert pool.ledger.nbytes == 0


def test_one_kept_result_does_not_keep_the_memory_of_others(tmp_path: Path) -> None:
    out = run_script(
        tmp_path,
        """
        import numpy as np
        from lazygraph import compute, delayed
        from lazygraph.schedulers import Processes
        ones = delayed(np.ones)
        with Processes(2) as processes:
            keep = compute(*[ones(1 << 18) for _ in range(2)], scheduler=processes)
            compute(*[ones(1 << 23) for _ in range(2)], scheduler=processes)
            arena = processes._own.arena.lasting()
        print(arena.nbytes_used >> 20, all((x == 1).all() for x in keep))
        del keep
        print(arena.nbytes_used >> 20)
        """,
    )
    assert out == "4 True\n0\n"


def test_what_does_not_fit_into_memory_is_a_memory_error(
    own_processes: Processes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arena_module, "available_bytes", lambda: 100 * _MB)
    big = np.ones(40 * _MB, "u1")
    with pytest.raises(MemoryError, match="41943040 bytes are to be shared"):
        delayed(len)(big).compute(scheduler=own_processes)
    assert delayed(len)(big[: 30 * _MB]).compute(scheduler=own_processes) == 30 * _MB


def fill_where_little_is_left(nbytes: int) -> Any:
    from lazygraph.schedulers.processes import arena

    before, arena.available_bytes = arena.available_bytes, lambda: 80 * _MB
    fill_where_little_is_left.undo = lambda: setattr(arena, "available_bytes", before)
    return np.ones(nbytes, "u1")


def test_a_result_that_does_not_fit_is_a_memory_error_of_its_task() -> None:
    with Processes(1) as processes, pytest.raises(MemoryError, match="bytes are left"):
        delayed(fill_where_little_is_left)(40 * _MB).compute(scheduler=processes)


GROUP_V2 = {
    "proc/meminfo": "MemTotal: 1000 kB\nMemAvailable: 800 kB\n",
    "proc/self/cgroup": "0::/outer/inner\n",
    "sys/fs/cgroup/outer/memory.max": "500000\n",
    "sys/fs/cgroup/outer/memory.current": "300000\n",
    "sys/fs/cgroup/outer/memory.stat": "anon 5\ninactive_file 100000\n",
    "sys/fs/cgroup/outer/inner/memory.max": "max\n",
    "sys/fs/cgroup/outer/inner/memory.current": "300000\n",
}
GROUP_V1 = {
    "proc/meminfo": "MemAvailable: 800 kB\n",
    "proc/self/cgroup": "4:memory:/a\n1:cpu:/b\n",
    "sys/fs/cgroup/memory/a/memory.limit_in_bytes": "400000\n",
    "sys/fs/cgroup/memory/a/memory.usage_in_bytes": "500000\n",
    "sys/fs/cgroup/memory/memory.limit_in_bytes": f"{(1 << 63) - 4096}\n",
}
NO_GROUP = {"proc/meminfo": "MemAvailable: 800 kB\n"}


@pytest.mark.parametrize(
    ("files", "expected"),
    [(GROUP_V2, 300_000), (GROUP_V1, 0), (NO_GROUP, 800 * 1024), ({}, None)],
    ids=["v2", "v1", "none", "nothing known"],
)
def test_the_memory_there_is_is_the_least_of_all_limits(
    tmp_path: Path, files: dict[str, str], expected: int | None
) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert available_bytes(str(tmp_path)) == expected


def test_pools_of_other_sizes_do_not_pile_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each has as many workers as it may: 1, 2, ... 5, of which at most 8 may wait."""
    from lazygraph.schedulers.processes import warm
    from lazygraph.schedulers.processes.pool import Recipe

    monkeypatch.setattr(warm, "usable_cores", lambda: 1)
    pools = WarmPools()
    try:
        for size in range(1, 6):
            pool = pools.lease(Recipe(size))
            for _ in range(size):
                pool.start()
            pools.give_back(pool)
            waiting = [len(pool.workers) for _, pool in pools._waiting]
            assert waiting[-1] == size
            assert sum(waiting) <= 8
    finally:
        pools.close()

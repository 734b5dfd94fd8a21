"""How many cores a process may use: by its control groups, its affinity, and the user's word."""

from __future__ import annotations

import math
import os
from pathlib import Path

import pytest

from lazygraph import delayed
from lazygraph.protocols import Scheduler
from lazygraph.schedulers import Threads
from lazygraph.schedulers.workers import quota, usable_cores

CPU = "sys/fs/cgroup/cpu"
V2 = "0::/pod/box\n"
V1 = "5:memory:/pod\n4:cpu,cpuacct:/pod/box\n1:name=systemd:/\n"


def tree(root: Path, groups: str, files: dict[str, str]) -> Path:
    """Write what the system says of a process's control groups under a root."""
    for name, text in {"proc/self/cgroup": groups, **files}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


@pytest.mark.parametrize(
    ("groups", "files", "cores"),
    [
        (V2, {"sys/fs/cgroup/pod/box/cpu.max": "200000 100000\n"}, 2),
        (V2, {"sys/fs/cgroup/pod/box/cpu.max": "150000 100000\n"}, 2),
        (V2, {"sys/fs/cgroup/pod/box/cpu.max": "5000 100000\n"}, 1),
        (V2, {"sys/fs/cgroup/pod/box/cpu.max": "max 100000\n"}, math.inf),
        (V2, {"sys/fs/cgroup/cpu.max": "300000 100000\n"}, 3),
        (
            V2,
            {
                "sys/fs/cgroup/pod/cpu.max": "100000 50000\n",
                "sys/fs/cgroup/pod/box/cpu.max": "700000 100000\n",
            },
            2,
        ),
        (
            V1,
            {
                f"{CPU}/pod/box/cpu.cfs_quota_us": "250000",
                f"{CPU}/pod/box/cpu.cfs_period_us": "100000",
            },
            3,
        ),
        (V1, {f"{CPU}/cpu.cfs_quota_us": "400000", f"{CPU}/cpu.cfs_period_us": "100000"}, 4),
        (
            V1,
            {f"{CPU}/pod/box/cpu.cfs_quota_us": "-1", f"{CPU}/pod/box/cpu.cfs_period_us": "100000"},
            math.inf,
        ),
        (
            V1,
            {f"{CPU}/pod/box/cpu.cfs_quota_us": "1", f"{CPU}/pod/box/cpu.cfs_period_us": "0"},
            math.inf,
        ),
        (V2, {"sys/fs/cgroup/pod/box/cpu.max": "what is this"}, math.inf),
        (V2, {"cpu.max": "100000 100000\n"}, math.inf),
        ("no colons", {}, math.inf),
        ("0::/../../other\n", {"sys/fs/cgroup/cpu.max": "200000 100000\n"}, 2),
    ],
)
def test_the_quota_is_the_least_of_the_groups(
    tmp_path: Path, groups: str, files: dict[str, str], cores: float
) -> None:
    assert quota(tree(tmp_path, groups, files)) == cores


def test_a_system_without_control_groups_has_no_quota(tmp_path: Path) -> None:
    assert quota(tmp_path) == math.inf


def test_what_the_user_says_counts_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHON_CPU_COUNT", "7")
    assert usable_cores() == Threads().num_workers == 7
    monkeypatch.setenv("PYTHON_CPU_COUNT", "default")
    assert usable_cores() <= (os.cpu_count() or 1)


def test_a_process_bound_to_one_core_uses_one(own_processes: Scheduler) -> None:
    if not hasattr(os, "sched_setaffinity"):
        pytest.skip("no affinity here")

    def bound() -> int:
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        from lazygraph.schedulers import workers

        workers.share_cores(1)
        return workers.usable_cores()

    assert delayed(bound)().compute(scheduler=own_processes) == 1

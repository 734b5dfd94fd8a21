"""How many cores there are for whoever computes here."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from math import ceil
from pathlib import Path
from typing import Any

from lazygraph.config import read_num_workers

__all__ = ["check_num_workers", "quota", "share_cores", "usable_cores"]

#: How many processes of one pool share the cores: more than one in a pool's workers.
_sharers = 1


def usable_cores() -> int:
    """Return how many cores this process may use.

    What the user says (``PYTHON_CPU_COUNT``) counts first; then the least of the cores there
    are, those that the process is bound to, and the CPU quota of its container.
    """
    said = os.environ.get("PYTHON_CPU_COUNT", "")
    cores = int(said) if said.isdigit() else int(min(_cores(), quota()))
    return max(1, cores // _sharers)


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@cache
def quota(root: Path = Path("/")) -> float:
    """Return the cores' worth of time that control groups leave a process, rounded up.

    Infinity without a limit. `root` is where the system's files are.
    """
    groups = root / "sys/fs/cgroup"
    found = float("inf")
    for folder, name in _groups(root):
        for place in (folder, *folder.parents):
            if not place.is_relative_to(groups):
                break
            with suppress(OSError, ValueError, ZeroDivisionError):
                found = min(found, _share(place, name))
    return found


def _groups(root: Path) -> Iterator[tuple[Path, str]]:
    """Give the folders of the process's control groups, and the version of each."""
    with suppress(OSError, ValueError):
        for line in (root / "proc/self/cgroup").read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            if not controllers:
                yield root / "sys/fs/cgroup" / path.lstrip("/"), "v2"
            elif "cpu" in controllers.split(","):
                yield root / "sys/fs/cgroup/cpu" / path.lstrip("/"), "v1"


def _share(folder: Path, version: str) -> float:
    """Return the cores' worth of time that one control group may use, rounded up."""
    if version == "v2":
        allowed, period = (folder / "cpu.max").read_text().split()
    else:
        allowed = (folder / "cpu.cfs_quota_us").read_text()
        period = (folder / "cpu.cfs_period_us").read_text()
    if allowed == "max" or int(allowed) < 0:
        return float("inf")
    return max(1, ceil(int(allowed) / int(period)))


def share_cores(sharers: int) -> None:
    """Say that this process is one of so many that share the cores."""
    global _sharers  # noqa: PLW0603  # of this process
    _sharers = sharers


def check_num_workers(given: Any) -> int:
    """Return `given` if it is a sensible number of workers; the number of cores for None."""
    number = read_num_workers(given)
    return usable_cores() if number is None else number

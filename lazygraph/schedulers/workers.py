"""How many cores there are for whoever computes here."""

from __future__ import annotations

import os
from typing import Any

from lazygraph.config import read_num_workers

__all__ = ["check_num_workers", "share_cores", "usable_cores"]

#: How many processes of one pool share the cores: more than one in a pool's workers.
_sharers = 1


def usable_cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    return max(1, cores // _sharers)


def share_cores(sharers: int) -> None:
    """Say that this process is one of so many that share the cores."""
    global _sharers  # noqa: PLW0603  # of this process
    _sharers = sharers


def check_num_workers(given: Any) -> int:
    """`given` if it is a sensible number of workers; the number of cores for None."""
    number = read_num_workers(given)
    return usable_cores() if number is None else number

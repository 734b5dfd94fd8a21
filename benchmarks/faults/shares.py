"""Shared memory that is full: large results have to find another way."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from benchmarks.faults.graphs import CASES, Case, compare
from benchmarks.faults.runs import Run
from benchmarks.faults.tasks import fill_shared_memory
from lazygraph import compute
from lazygraph.schedulers import Processes

__all__ = ["shared_memory_full"]

_N_WORKERS = 2
_SHARED = 3_000_000
_LARGE = tuple(case for case in CASES if case.kind == "arrays")


def shared_memory_full(dice: Random, n: int) -> Iterator[Run]:
    """No more memory can be shared after some megabytes: results find another way."""
    with TemporaryDirectory() as folder:
        for number in range(n):
            witness = Path(folder) / str(number)
            initializer = partial(fill_shared_memory, _SHARED, str(witness))
            with Processes(num_workers=_N_WORKERS, initializer=initializer) as pool:
                run = _computed(pool, dice.choice(_LARGE))
            yield run._replace(struck=witness.exists())


def _computed(pool: Processes, case: Case) -> Run:
    try:
        values = compute(*case.lazies(), scheduler=pool)
    except Exception as error:
        n_lost = len(case.expected())
        return Run(lost=n_lost, problem=f"{case}: {type(error).__name__}: {error}")
    lost, wrong = compare(values, case.expected())
    return Run(lost=lost, wrong=wrong)

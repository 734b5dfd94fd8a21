"""Tasks that ask for more memory than their worker may have."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import cycle, islice, product
from random import Random
from typing import Any

from benchmarks.faults.graphs import SMALL, compare
from benchmarks.faults.runs import Run
from benchmarks.faults.tasks import allocate, hoard, limit_memory
from lazygraph import Failed, compute, delayed
from lazygraph.schedulers import Processes

__all__ = ["out_of_memory"]

_N_WORKERS = 2
_ROOM = 256_000_000
_TOO_MUCH = 2_000_000_000
_KEY = "glutton"


def out_of_memory(_dice: Random, n: int) -> Iterator[Run]:
    """A task asks for more than its worker may have; the pool goes on."""
    ways = product((allocate, hoard), (_raised, _collected))
    with Processes(num_workers=_N_WORKERS, initializer=partial(limit_memory, _ROOM)) as pool:
        for func, way in islice(cycle(ways), n):
            yield way(pool, delayed(func)(_TOO_MUCH, dask_key_name=_KEY), func.__name__)


def _raised(pool: Processes, glutton: Any, name: str) -> Run:
    """The error comes; then the others are computed, on the same workers."""
    try:
        compute(glutton, scheduler=pool)
    except Exception as error:
        run = _judged(error, name)
    else:
        run = Run(problem=f"{name}: no error, though it asks for too much")
    values = compute(*_others(), scheduler=pool)
    return _with_others(run, values)


def _collected(pool: Processes, glutton: Any, name: str) -> Run:
    """The others are computed beside it."""
    *values, failed = compute(*_others(), glutton, scheduler=pool, on_error="collect")
    if not isinstance(failed, Failed):
        return _with_others(Run(problem=f"{name}: {failed!r} instead of Failed"), values)
    return _with_others(_judged(failed.error, name), values)


def _others() -> list[Any]:
    return [lazy for case in SMALL for lazy in case.lazies()]


def _with_others(run: Run, values: Any) -> Run:
    lost, wrong = compare(values, [value for case in SMALL for value in case.expected()])
    return run._replace(lost=lost, wrong=wrong)


def _judged(error: BaseException, name: str) -> Run:
    if type(error) is not MemoryError:
        return Run(problem=f"{type(error).__name__} instead of MemoryError: {error}")
    notes = "\n".join(getattr(error, "__notes__", ()))
    if _KEY not in notes or name not in notes:
        return Run(problem=f"MemoryError does not name the task: {notes!r}")
    return Run(error="MemoryError")

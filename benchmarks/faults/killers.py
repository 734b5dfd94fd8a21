"""Tasks that kill every worker they run on."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from itertools import cycle, islice, product
from random import Random
from typing import Any

from benchmarks.faults.graphs import SMALL, compare
from benchmarks.faults.leftovers import n_strays
from benchmarks.faults.runs import Run
from benchmarks.faults.tasks import SIGNALS, end_worker
from lazygraph import Failed, Skipped, compute, delayed
from lazygraph.errors import WorkerDied
from lazygraph.schedulers import Processes

__all__ = ["by_own_task"]

_N_WORKERS = 2
_KEY = "doomed"


def by_own_task(_dice: Random, n: int) -> Iterator[Run]:
    """A task kills every worker it runs on; the others are none the worse."""
    ways = product(SIGNALS, (_raised, _collected))
    with Processes(num_workers=_N_WORKERS) as pool:
        for number, way in islice(cycle(ways), n):
            run = way(pool, number)
            yield run._replace(processes=n_strays(lambda: pool.pids))


def _doomed(number: signal.Signals) -> Any:
    return delayed(end_worker)(int(number), dask_key_name=_KEY)


def _raised(pool: Processes, number: signal.Signals) -> Run:
    others = [lazy for case in SMALL for lazy in case.lazies()]
    try:
        compute(*others, _doomed(number), scheduler=pool)
    except WorkerDied as error:
        return _judged(error, number)
    except Exception as error:
        return Run(problem=f"{type(error).__name__} instead of WorkerDied: {error}")
    return Run(problem="no error, though a task always kills its worker")


def _collected(pool: Processes, number: signal.Signals) -> Run:
    others = [lazy for case in SMALL for lazy in case.lazies()]
    doomed = _doomed(number)
    dependent = delayed(abs)(doomed)
    *values, failed, skipped = compute(
        *others, doomed, dependent, scheduler=pool, on_error="collect"
    )
    lost, wrong = compare(values, [value for case in SMALL for value in case.expected()])
    if not (isinstance(failed, Failed) and isinstance(failed.error, WorkerDied)):
        return Run(lost=lost, wrong=wrong, problem=f"{failed!r} instead of Failed(WorkerDied)")
    if skipped != Skipped(_KEY, failed.error):
        return Run(lost=lost, wrong=wrong, problem=f"{skipped!r} instead of Skipped({_KEY!r})")
    return _judged(failed.error, number)._replace(lost=lost, wrong=wrong)


def _judged(error: WorkerDied, number: signal.Signals) -> Run:
    """Whether the error says what it has to."""
    text = "\n".join([str(error), *getattr(error, "__notes__", ())])
    words = [_KEY, end_worker.__name__, number.name]
    missing = [word for word in words if word not in text]
    if ("likely out of memory" in text) is not (number is signal.SIGKILL):
        missing.append("the guess about memory for SIGKILL, and for no other")
    if missing:
        return Run(problem=f"WorkerDied lacks {', '.join(missing)}: {text}")
    return Run(error="WorkerDied")

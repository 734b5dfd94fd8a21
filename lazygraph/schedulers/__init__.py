"""Plan in, results out: the schedulers, and how a user's word chooses one."""

from __future__ import annotations

import functools  # whole: `partial` is a room of this floor
import sys
from collections.abc import Callable
from typing import Any

from lazygraph.errors import (
    ImpossibleDemandError,
    UnknownSchedulerError,
    UnsupportedOptionError,
    nearest,
)
from lazygraph.graphs.plan import Plan
from lazygraph.protocols import Scheduler
from lazygraph.schedulers.dask import LOCAL_NAMES, DaskGet, local
from lazygraph.schedulers.synchronous import Synchronous
from lazygraph.schedulers.threads import Threads
from lazygraph.schedulers.workers import check_num_workers
from lazygraph.tasks.options import PASS_OPTIONS, Options
from lazygraph.tasks.terms import NO_TERMS, Terms

__all__ = [
    "DaskGet",
    "Processes",
    "Synchronous",
    "Threads",
    "choose",
    "names",
    "refuse_unsupported",
]


def _synchronous(num_workers: int | None) -> Scheduler:
    check_num_workers(num_workers)
    return Synchronous()


def _processes(num_workers: int | None) -> Scheduler:
    from lazygraph.schedulers.processes.scheduler import Processes  # late: sockets, logging

    return Processes(num_workers)


def _distributed(num_workers: int | None) -> Scheduler:
    if num_workers is not None:  # as many as the cluster has
        raise UnsupportedOptionError("num_workers", "distributed", None)
    try:
        import distributed  # noqa: F401  # late: it takes a second; to see whether it is there
    except ModuleNotFoundError as error:
        raise UnknownSchedulerError(
            'scheduler="distributed" needs the package distributed: '
            "pip install lazygraph[distributed]"
        ) from error
    from lazygraph.schedulers.dask.cluster import current_cluster  # late, as above

    return current_cluster()


def _of_client(scheduler: Any, num_workers: int | None) -> Scheduler | None:
    """The scheduler that a `distributed.Client` stands for, or its method `get`; None for others."""
    client = getattr(scheduler, "__self__", scheduler)
    distributed = sys.modules.get("distributed")  # not imported: nobody can have a client
    if distributed is None or not isinstance(client, distributed.Client):
        return None
    if num_workers is not None:
        raise UnsupportedOptionError("num_workers", "distributed", None)
    from lazygraph.schedulers.dask.cluster import Cluster  # late, as above

    return Cluster(client)


def __getattr__(name: str) -> Any:
    if name == "Processes":
        from lazygraph.schedulers.processes.scheduler import Processes  # late, as above

        return Processes
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


#: name -> what makes the scheduler from a number of workers
_BY_NAME: dict[str, Callable[[int | None], Scheduler]] = {
    "synchronous": _synchronous,
    "sync": _synchronous,
    "single-threaded": _synchronous,
    "threads": Threads,
    "threading": Threads,
    "processes": _processes,
    "multiprocessing": _processes,
    **{name: functools.partial(local, name) for name in LOCAL_NAMES},
    "distributed": _distributed,
}


def names() -> list[str]:
    """The names that `scheduler=` takes, one per scheduler."""
    ours = ["synchronous", "threads", "processes"]
    return [*ours, *LOCAL_NAMES, "distributed"]


def choose(scheduler: Any, num_workers: int | None = None) -> Scheduler:
    """The scheduler that a user means.

    Parameters
    ----------
    scheduler : str, Scheduler, distributed.Client or callable
        A name; an object that runs plans; what leads to a cluster, or "distributed" for the
        current one; a function of Dask's ``get(dsk, keys)`` form.
    num_workers : int, optional
        How many tasks run at once, where the scheduler is made here.

    Raises
    ------
    UnknownSchedulerError
        For anything else; the message lists the names.
    UnsupportedOptionError
        For a number of workers where a cluster has its own.
    RunError
        For "distributed" where there is no current client.
    """
    if isinstance(scheduler, str):
        make = _BY_NAME.get(scheduler.lower())
        if make is not None:
            return make(num_workers)
    elif (cluster := _of_client(scheduler, num_workers)) is not None:
        return cluster
    elif isinstance(scheduler, type):
        pass  # a class has the methods, but is no scheduler: it wants calling
    elif isinstance(scheduler, Scheduler):
        return scheduler
    elif callable(scheduler):
        return DaskGet(scheduler, num_workers)
    raise _unknown(scheduler)


def _unknown(scheduler: Any) -> UnknownSchedulerError:
    near = nearest(scheduler, _BY_NAME) if isinstance(scheduler, str) else None
    hint = f"; did you mean {near!r}?" if near is not None else ""
    return UnknownSchedulerError(
        f"scheduler {scheduler!r} is not known{hint} (known: {', '.join(_BY_NAME)}; "
        "or a Scheduler object, a distributed.Client, or a function get(dsk, keys))"
    )


def refuse_unsupported(scheduler: Scheduler, plan: Plan, terms: Terms = NO_TERMS) -> None:
    """Raise UnsupportedOptionError for an option or a term that the scheduler would ignore.

    Or ImpossibleDemandError, for a task that could never run.
    """
    known = scheduler.honours | PASS_OPTIONS
    for name in terms.named:
        if name not in known:
            raise UnsupportedOptionError(name, scheduler.name, None)
    if plan.options:
        step_of: dict[Options, int] = {}
        for step, options in plan.options.items():
            step_of.setdefault(options, step)
        for options, step in step_of.items():
            for name in options.changed():
                if name not in known:
                    shown = "async def" if name == "is_async" else name
                    raise UnsupportedOptionError(shown, scheduler.name, plan.key(step))
    if "limits" in known:  # a cluster has its own: its workers' resources
        _refuse_impossible(plan, terms)


def _refuse_impossible(plan: Plan, terms: Terms) -> None:
    """Raise ImpossibleDemandError if a task uses more of a resource than there is."""
    checked = set()
    for step, options in plan.options.items():
        if options.uses and options not in checked:
            checked.add(options)
            for resource, amount in options.uses:
                if amount > terms.limits.get(resource, 0):
                    raise ImpossibleDemandError(
                        plan.key(step), resource, amount, terms.limits.get(resource)
                    )

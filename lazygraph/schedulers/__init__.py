"""Plan in, results out: the schedulers, and how a user's word chooses one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lazygraph.errors import UnknownSchedulerError, UnsupportedOptionError, nearest
from lazygraph.options import PASS_OPTIONS, Options
from lazygraph.plan import Plan
from lazygraph.protocols import Scheduler
from lazygraph.schedulers.cores import check_num_workers
from lazygraph.schedulers.dask_get import DaskGet
from lazygraph.schedulers.synchronous import Synchronous
from lazygraph.schedulers.threads import Threads
from lazygraph.terms import NO_TERMS, Terms

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
    from lazygraph.schedulers.processes import Processes  # late: it brings sockets and logging

    return Processes(num_workers)


def __getattr__(name: str) -> Any:
    if name == "Processes":
        from lazygraph.schedulers.processes import Processes  # late, as above

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
}


def names() -> list[str]:
    """The names that `scheduler=` takes, one per scheduler."""
    return ["synchronous", "threads", "processes"]


def choose(scheduler: Any, num_workers: int | None = None) -> Scheduler:
    """The scheduler that a user means.

    Parameters
    ----------
    scheduler : str, Scheduler or callable
        A name; an object that runs plans; a function of Dask's ``get(dsk, keys)`` form.
    num_workers : int, optional
        How many tasks run at once, where the scheduler is made here.

    Raises
    ------
    UnknownSchedulerError
        For anything else; the message lists the names.
    """
    if isinstance(scheduler, str):
        make = _BY_NAME.get(scheduler.lower())
        if make is not None:
            return make(num_workers)
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
        "or a Scheduler object, or a function get(dsk, keys))"
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
    terms.check(plan)

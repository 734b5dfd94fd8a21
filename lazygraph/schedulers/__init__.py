"""Plan in, results out: the schedulers, and how a user's word chooses one."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from typing import Any

from lazygraph import config
from lazygraph.errors import UnknownSchedulerError
from lazygraph.protocols import Scheduler
from lazygraph.schedulers.dask import LOCAL_NAMES, DaskGet, chosen_in_dask, local
from lazygraph.schedulers.refusals import refuse_unsupported, unsupported
from lazygraph.schedulers.synchronous import Synchronous
from lazygraph.schedulers.threads import Threads

__all__ = [
    "DaskGet",
    "Processes",
    "Synchronous",
    "Threads",
    "choose",
    "names",
    "refuse_unsupported",
]


def _synchronous(_: int | None) -> Scheduler:
    return Synchronous()


def _processes(num_workers: int | None) -> Scheduler:
    from lazygraph.schedulers.processes.scheduler import Processes  # late: sockets, logging

    return Processes(num_workers)


def _distributed(_: int | None) -> Scheduler:
    try:
        import distributed  # noqa: F401  # late: it takes a second; to see whether it is there
    except ModuleNotFoundError as error:
        raise UnknownSchedulerError(
            'scheduler="distributed" needs the package distributed: '
            "pip install lazygraph[distributed]"
        ) from error
    from lazygraph.schedulers.dask.cluster import current_cluster  # late, as above

    return current_cluster()


def _of_client(scheduler: Any) -> Scheduler | None:
    """Return the scheduler that a `distributed.Client`, or its `get`, stands for; None for others."""
    client = getattr(scheduler, "__self__", scheduler)
    distributed = sys.modules.get("distributed")  # not imported: nobody can have a client
    if distributed is None or not isinstance(client, distributed.Client):
        return None
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
    **{name: partial(local, name) for name in LOCAL_NAMES},
    "distributed": _distributed,
}
#: Those that run as many tasks at once as they do, and how many that is, if it is known.
_FIXED: dict[str, int | None] = {
    "synchronous": 1,
    "sync": 1,
    "single-threaded": 1,
    "dask-sync": 1,
    "distributed": None,
}


def names() -> list[str]:
    """Return the names that `scheduler=` takes, one per scheduler."""
    ours = ["synchronous", "threads", "processes"]
    return [*ours, *LOCAL_NAMES, "distributed"]


def choose(scheduler: Any, num_workers: int | None = None, default: int | None = None) -> Scheduler:
    """Return the scheduler that a user means.

    Parameters
    ----------
    scheduler : str, Scheduler, distributed.Client or callable
        A name; an object that runs plans; what leads to a cluster, or "distributed" for the
        current one; a function of Dask's ``get(dsk, keys)`` form.
    num_workers : int, optional
        How many tasks run at once, where the scheduler is made here.
    default : int, optional
        The same where nothing is said; objects and clusters have numbers of their own.

    Raises
    ------
    UnknownSchedulerError
        For anything else; the message lists the names.
    UnsupportedOptionError
        For a number of workers where the scheduler has its own.
    RunError
        For "distributed" where there is no current client.
    """
    given = config.read_scheduler(scheduler)
    wanted = default if num_workers is None else num_workers
    if isinstance(given, str):
        name = given.lower()
        own = chosen_in_dask() if name == "dask" else name
        if own in _FIXED:
            _refuse_number(num_workers, name, _FIXED[own])
            wanted = None
        return _BY_NAME[name](wanted)
    cluster = _of_client(given)
    if cluster is not None:
        _refuse_number(num_workers, cluster.name, None)
        return cluster
    if isinstance(given, Scheduler):
        _refuse_number(num_workers, given.name, getattr(given, "num_workers", None))
        return given
    if callable(given):
        return DaskGet(given, wanted)
    lacking = [n for n in ("name", "honours", "run") if not hasattr(given, n)]
    raise UnknownSchedulerError(
        f"scheduler {given!r} is no Scheduler: it lacks {', '.join(lacking)}"
    )


def _refuse_number(asked: int | None, name: str, own: int | None) -> None:
    if asked is not None and asked != own:
        raise unsupported("num_workers", name)

"""Runs a plan by a function of Dask's ``get(dsk, keys)`` form, such as its local schedulers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from lazygraph.graphs.plan import Plan
from lazygraph.protocols import Observer
from lazygraph.schedulers.dask.failing import explain_far, find_step
from lazygraph.schedulers.dask.raised import task_raised_in
from lazygraph.schedulers.dask.steps import NearStep, Packer
from lazygraph.schedulers.explain import explain, throw
from lazygraph.schedulers.notify import Watch, watched
from lazygraph.schedulers.runstate import StepFailed
from lazygraph.schedulers.workers import check_num_workers
from lazygraph.tasks.keys import Key
from lazygraph.tasks.options import NO_TERMS, Terms

__all__ = ["LOCAL_NAMES", "DaskGet", "DaskProcesses", "chosen_in_dask", "local"]

_POOL = "pool"  # for a worker that is not known yet

LOCAL_NAMES = ("dask", "dask-sync", "dask-threads", "dask-processes")

Get = Callable[..., Any]


class DaskGet:
    """Hands a plan to Dask, or to whatever else takes a dict of tuples.

    Parameters
    ----------
    get : callable
        ``get(dsk, keys, **kwargs)`` gives the values of `keys`: `dask.get`,
        `dask.threaded.get`, or one's own. If it runs tasks in other processes, functions and
        arguments travel by pickle. Observers are told of the starts and ends of tasks in this
        process; when results are released, only `get` knows.
    num_workers : int, optional
        Handed on when given.
    name : str, optional
        What messages call it; the function's name by default.
    **kwargs
        Handed on.
    """

    honours: frozenset[str] = frozenset({"observers", "seed"})

    def __init__(
        self, get: Get, num_workers: int | None = None, *, name: str | None = None, **kwargs: Any
    ) -> None:
        self._get, self._name = get, name
        self._kwargs = kwargs if num_workers is None else {"num_workers": num_workers, **kwargs}

    @property
    def name(self) -> str:
        """What messages call it."""
        if self._name is not None:
            return self._name
        module = getattr(self._get, "__module__", "")
        return f"{module}.{getattr(self._get, '__name__', type(self._get).__name__)}"

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name})"

    def run(
        self, plan: Plan, observers: Sequence[Observer] = (), terms: Terms = NO_TERMS, /
    ) -> list[Any]:
        """Return the values of the plan's outputs."""
        watch = Watch(plan, observers) if observers else None
        try:
            with watched(watch, self.name, self._kwargs.get("num_workers", 0)):
                return self._run(plan, watch, terms)
        except StepFailed as stopped:
            values = dict(zip(plan.slots[stopped.step], stopped.values, strict=True))
            failure = explain(stopped.error, plan, stopped.step, values, seed=terms.seed)
            stopped.values.clear()
        try:
            throw(failure)
        finally:
            del failure

    def _run(self, plan: Plan, watch: Watch | None, terms: Terms) -> list[Any]:
        keys = [plan.key(step) for step in range(len(plan))]
        asked = [keys[step] for step in plan.outputs]
        try:
            with self._telling(watch, plan):
                return list(self._get(self._graph(plan, keys, watch, terms), asked, **self._kwargs))
        except StepFailed:
            raise
        except Exception as error:
            failure = self._meant(error, plan, watch)
        try:
            throw(failure)
        finally:
            del failure

    def _telling(self, _watch: Watch | None, _plan: Plan) -> AbstractContextManager[None]:
        """Tell observers what happens: here, steps do that."""
        return nullcontext()

    def _meant(self, error: Exception, plan: Plan, _watch: Watch | None) -> BaseException:
        """Return what the user is to see of an error."""
        carrier = task_raised_in(error)
        return error if carrier is None else explain_far(carrier, plan)

    def _graph(
        self, plan: Plan, keys: list[Key], watch: Watch | None, terms: Terms
    ) -> dict[Key, Any]:
        """Return the plan as Dask's classic form."""
        packer = Packer(plan)
        return {
            key: (
                NearStep(packer, step, watch, terms.seed),
                *[keys[slot] for slot in plan.slots[step] if slot >= 0],
            )
            for step, key in enumerate(keys)
        }


class DaskProcesses(DaskGet):
    """Dask's scheduler of processes.

    Observers are told that a task has started when it is handed to the pool, since what goes on
    in there is known only afterwards.

    Parameters
    ----------
    num_workers : int, optional
        How many tasks run at once.
    name : str
        What messages call it.
    **kwargs
        Handed on to `dask.multiprocessing.get`: ``pool=``, ``chunksize=``, ``initializer=``.
    """

    def __init__(
        self, num_workers: int | None = None, *, name: str = "dask-processes", **kwargs: Any
    ) -> None:
        from dask import multiprocessing  # late: Dask is imported when it is asked for

        # Its own fusing of tasks would hide keys.
        kwargs = {"optimize_graph": False, **kwargs}
        super().__init__(multiprocessing.get, num_workers, name=name, **kwargs)

    def _graph(self, plan: Plan, keys: list[Key], _: Watch | None, terms: Terms) -> dict[Key, Any]:
        return super()._graph(plan, keys, None, terms)

    def _telling(self, watch: Watch | None, plan: Plan) -> AbstractContextManager[None]:
        return nullcontext() if watch is None else _told(watch, plan)

    def _meant(self, error: Exception, plan: Plan, watch: Watch | None) -> BaseException:
        from concurrent.futures import BrokenExecutor  # late: few runs fail

        carrier = task_raised_in(error)
        if isinstance(error, BrokenExecutor):
            error.add_note(_GUARD)
        if carrier is None:
            blamed = Packer(plan).blame()
            if blamed is not None:
                blamed.__cause__ = error
            return blamed or error
        failure = explain_far(carrier, plan)
        step = find_step(plan, carrier.outer_key)
        if watch is not None and step is not None:
            watch.failed(step, _POOL, failure)
        return failure


_GUARD = (
    "lazygraph: a worker of Dask's has died, by itself or since it imports the script that started "
    'it: let the script compute under if __name__ == "__main__": alone, or use '
    'scheduler="processes", which does not import it'
)


@contextmanager
def _told(watch: Watch, plan: Plan) -> Iterator[None]:
    """Tell observers what Dask tells of a run's tasks."""
    from dask.callbacks import Callback  # late, as above

    step_of = {plan.key(step): step for step in range(len(plan))}

    def pretask(key: Key, *_: Any) -> None:
        watch.started(step_of[key], _POOL)

    def posttask(key: Key, value: Any, _dsk: Any, _state: Any, worker: Any) -> None:
        watch.ended(step_of[key], f"process-{worker}", value)

    with Callback(pretask=pretask, posttask=posttask):
        yield


def local(name: str, num_workers: int | None) -> DaskGet:
    """Return one of Dask's local schedulers, by one of `LOCAL_NAMES`; messages call it so."""
    if num_workers is not None:
        check_num_workers(num_workers)
    chosen = chosen_in_dask() if name == "dask" else name
    if chosen == "dask-processes":
        return DaskProcesses(num_workers, name=name)
    if chosen == "dask-sync":
        from dask.local import get_sync  # late, as above

        return DaskGet(get_sync, name=name)
    from dask import threaded  # late, as above

    return DaskGet(threaded.get, num_workers, name=name)


#: What Dask's own settings call its local schedulers.
_LOCAL = {
    "sync": "dask-sync",
    "synchronous": "dask-sync",
    "single-threaded": "dask-sync",
    "processes": "dask-processes",
    "multiprocessing": "dask-processes",
}


def chosen_in_dask() -> str:
    """Return what `dask.config` says of local schedulers; threads are its default for `delayed`."""
    import dask  # late, as above

    chosen = dask.config.get("scheduler", None)
    return _LOCAL.get(chosen, "dask-threads") if isinstance(chosen, str) else "dask-threads"

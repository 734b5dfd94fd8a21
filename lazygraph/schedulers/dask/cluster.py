"""Runs a plan on a cluster, by a client of `distributed`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from distributed import Client, get_client, rejoin, secede
from distributed.worker import thread_state  # type: ignore[attr-defined]

from lazygraph.errors import NoSuchWorkerError, RunError
from lazygraph.graphs.plan import Plan
from lazygraph.protocols import Observer
from lazygraph.schedulers.controlled import Stream
from lazygraph.schedulers.dask.futures import Futures
from lazygraph.schedulers.dask.held import OnCluster
from lazygraph.schedulers.dask.streams import ClusterStream
from lazygraph.tasks.keys import Key
from lazygraph.tasks.options import NO_TERMS, Options, Terms

__all__ = ["Cluster", "current_cluster"]


class Cluster:
    """The workers of a cluster of `distributed`.

    Parameters
    ----------
    client : distributed.Client
        What leads there.

    Notes
    -----
    Tasks bear lazygraph's keys there. `retries`, `priority`, `uses` (the workers' resources),
    `workers` and `allow_other_workers` are handed on; ``async def`` functions run on a worker's
    event loop. A compute inside a task stays on the task's thread.
    """

    name = "distributed"
    honours = frozenset(
        {"retries", "priority", "uses", "workers", "allow_other_workers", "is_async", "seed"}
    )

    def __init__(self, client: Any) -> None:
        self.client = client

    def __repr__(self) -> str:
        return f"Cluster({self.client!r})"

    def run(self, plan: Plan, _: Sequence[Observer] = (), terms: Terms = NO_TERMS, /) -> list[Any]:
        """Return the values of the plan's outputs."""
        self._check(plan)
        with _seceded(), Futures(self.client, plan, terms) as futures:
            futures.send(len(plan))
            return futures.gather()

    def stream(
        self, plan: Plan, _: Sequence[Observer], terms: Terms, lookahead: int | None
    ) -> Stream:
        """Return the plan's outputs, one by one."""
        self._check(plan)
        n_threads = sum(self.client.nthreads().values()) if lookahead is None else 0
        return ClusterStream(Futures(self.client, plan, terms), lookahead or 4 * max(1, n_threads))

    def hold(self, plan: Plan, _: Sequence[Observer], terms: Terms) -> list[OnCluster]:
        """Begin to run the plan; what stands for its outputs, which stay on the cluster."""
        self._check(plan)
        futures = Futures(self.client, plan, terms)
        futures.send(len(plan))
        return [OnCluster(plan.key(step), futures.of(step)) for step in plan.outputs]

    def _check(self, plan: Plan) -> None:
        if self.client.status not in ("running", "connecting"):
            raise RunError(f"the client is {self.client.status}: {self.client!r} runs nothing")
        if self.client.asynchronous:
            raise RunError(
                "an asynchronous client, or one whose event loop runs this code, cannot be "
                "waited for: use a Client(..., asynchronous=False) from another thread"
            )
        self._check_demands(plan)

    def _check_demands(self, plan: Plan) -> None:
        """Raise NoSuchWorkerError for a task that no worker there is could run.

        Where there is none yet, all must wait anyhow.
        """
        asking = {o: step for step, o in plan.options.items() if o.uses or o.workers}
        known = self.client.scheduler_info(**_ALL_WORKERS)["workers"] if asking else {}
        for options, step in asking.items() if known else ():
            for resource, amount in options.uses:
                most = max(w.get("resources", {}).get(resource, 0) for w in known.values())
                if amount > most:
                    raise _lacking_resource(plan.key(step), resource, amount, most)
            names = {*known, *(worker.get("name") for worker in known.values())}
            if options.workers and not _has_any(options, names):
                raise _lacking_worker(plan.key(step), options.workers, sorted(known))


def _has_any(options: Options, names: set[str | int]) -> bool:
    """Whether a task's workers may be among those of such addresses and names."""
    wanted = options.workers
    if any(isinstance(worker, int) and worker not in names for worker in wanted):
        return False  # Dask takes no number that it does not know
    if options.allow_other_workers:
        return True
    # A text that is no address may be the name of a host.
    return any(worker in names or "://" not in str(worker) for worker in wanted)


def _lacking_resource(key: Key, resource: str, amount: float, most: float) -> NoSuchWorkerError:
    return NoSuchWorkerError(
        key,
        f"uses {amount:g} of {resource!r}, and no worker of the cluster has more than {most:g}",
        f'start one that has, as dask worker ... --resources "{resource}={amount:g}"',
    )


def _lacking_worker(key: Key, wanted: tuple[str | int, ...], known: list[str]) -> NoSuchWorkerError:
    shown = ", ".join(known[:5]) + (", ..." if len(known) > 5 else "")
    return NoSuchWorkerError(
        key,
        f"may run on workers {list(wanted)!r} only, and the cluster has none of them",
        f"it has {shown}; for an address, allow_other_workers=True would let those do it",
    )


def _all_workers() -> dict[str, Any]:
    """Return what makes `scheduler_info` tell of all workers: newer releases tell of five."""
    from inspect import signature

    return {"n_workers": -1} if "n_workers" in signature(Client.scheduler_info).parameters else {}


_ALL_WORKERS = _all_workers()


@contextmanager
def _seceded() -> Iterator[None]:
    """Leave a worker's place to another task while a task there waits."""
    is_task = bool(getattr(thread_state, "key", False))
    if is_task:
        try:
            secede()
        except Exception:
            is_task = False
    try:
        yield
    finally:
        if is_task:
            rejoin()


def current_cluster() -> Cluster:
    """Return the cluster of the current client: the newest in this process, or the worker's."""
    with suppress(ValueError):
        return Cluster(get_client())
    raise RunError(
        'scheduler="distributed" means the current distributed.Client, and there is none: '
        "make one, as client = distributed.Client(), or give it itself, as scheduler=client"
    )

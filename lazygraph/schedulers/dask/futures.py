"""A plan's steps on a cluster of `distributed`, as futures: sent, waited for, cancelled."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from types import TracebackType
from typing import Any, Self
from uuid import uuid4
from weakref import WeakKeyDictionary

from distributed import KilledWorker
from distributed.spans import SpanMetadata

from lazygraph.graphs.plan import Plan
from lazygraph.schedulers.dask.failing import explain_far, explain_killed
from lazygraph.schedulers.dask.held import OnCluster
from lazygraph.schedulers.dask.raised import task_raised_in
from lazygraph.schedulers.dask.shipment import ship
from lazygraph.schedulers.dask.steps import Packer, cannot_travel
from lazygraph.schedulers.explain import add_note, throw
from lazygraph.tasks.keys import Key
from lazygraph.tasks.options import Terms

__all__ = ["Futures"]

_FIFO = "60s"  # as Dask's own computes: those within it are served in turn


class Futures:
    """A plan's steps on a cluster, and the futures that keep some of their results there.

    As a context manager it cancels what is left when the block ends by an exception, and lets go
    of the futures in any case.
    """

    def __init__(self, client: Any, plan: Plan, terms: Terms) -> None:
        self.client, self.plan, self.terms = client, plan, terms
        self.sent = 0  # the steps up to here are on the cluster
        self._packer = Packer(plan)
        self._futures: dict[int, Any] = {}  # by step
        self._held = self._find_held()
        self._renamed = _renamed(client, plan, self._held)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None:
            self.cancel()
        self._futures.clear()

    # -------------------------------------------------------------- sending
    def _find_held(self) -> dict[int, OnCluster]:
        """Return the steps whose results are on the cluster already."""
        return {
            step: call
            for step, call in enumerate(self.plan.funcs)
            if type(call) is OnCluster and self._is_here(call)
        }

    def _is_here(self, call: OnCluster) -> bool:
        call.check()
        mine, other = self.client, call.future.client
        return mine is other or _identity(mine) == _identity(other)

    def send(self, until: int) -> list[int]:
        """Submit the steps before `until`, once each; the outputs among them."""
        first, self.sent = self.sent, max(self.sent, until)
        plan, held = self.plan, self._held
        steps = [step for step in range(first, self.sent) if step not in held]
        outputs = [step for step in dict.fromkeys(plan.outputs) if first <= step < self.sent]
        for step in held:
            if first <= step < self.sent:
                self._futures[step] = held[step].future
        if steps:
            self._submit(steps, [*outputs, *self._needed_later(first)])
        self._release()
        return outputs

    def _submit(self, steps: list[int], kept: list[int]) -> None:
        graph = ship(self._packer, steps, self._name, self.terms.seed)
        names = {self._name(step): step for step in kept if step not in self._held}
        made = self.client._graph_to_futures(
            graph,
            list(names),
            SpanMetadata(collections=[{"type": "lazygraph"}]),
            internal_priority={self._name(step): step for step in steps},
            fifo_timeout=_FIFO,
        )
        for key, future in made.items():
            self._futures[names[key]] = future

    def _name(self, step: int) -> Key:
        held = self._held.get(step)
        if held is not None:
            key: Key = held.future.key
            return key
        return self._renamed.get(step) or self.plan.key(step)

    def _needed_later(self, first: int) -> list[int]:
        """Return steps just submitted that steps not yet submitted need."""
        if self.sent >= len(self.plan):
            return []
        last = self.plan.last_use
        return [step for step in range(first, self.sent) if last[step] >= self.sent]

    def _release(self) -> None:
        """Let go of results that only steps already submitted need."""
        outputs, last = set(self.plan.outputs), self.plan.last_use
        for step in [s for s in self._futures if s not in outputs and last[s] < self.sent]:
            del self._futures[step]

    # ------------------------------------------------------------ receiving
    def of(self, step: int) -> Any:
        """Return the future of an output."""
        return self._futures[step]

    def drop(self, step: int) -> None:
        """Let go of an output; its result may be needed there yet."""
        if self.plan.dependents and self.plan.dependents[step] and self.sent < len(self.plan):
            return
        self._futures.pop(step, None)

    def gather(self) -> list[Any]:
        """Return the values of all outputs."""
        futures = [self._futures[step] for step in self.plan.outputs]
        return list(self.explained(self.client.gather, futures))

    def value(self, step: int) -> Any:
        """Return the value of one output."""
        return self.explained(self._futures[step].result)

    def explained(self, wait: Callable[..., Any], *args: Any) -> Any:
        """Return what `wait` returns; its errors become the user's."""
        try:
            return wait(*args)
        except KeyboardInterrupt as interrupt:
            add_note(interrupt, f"stopped: the run's tasks on {self._where} are cancelled")
            raise
        except Exception as error:
            failure = self._explain(error)
        try:
            throw(failure)
        finally:
            del failure

    def _explain(self, error: Exception) -> BaseException:
        carrier = task_raised_in(error)
        if carrier is not None:
            return explain_far(carrier.renamed(self._original), self.plan)
        if isinstance(error, KilledWorker):
            return explain_killed(error, self.plan)
        return self._unpicklable(error) if _is_of_pickling(error) else error

    def _unpicklable(self, error: Exception) -> BaseException:
        """Return the error of the output that cannot be brought here."""
        for step in dict.fromkeys(self.plan.outputs):
            try:
                self._futures[step].result()
            except Exception as each:
                if _is_of_pickling(each):
                    path = f"its result: {str(each).partition(chr(10))[0]}"
                    found = cannot_travel(self.plan, step, path)
                    found.__cause__ = error
                    return found
        return error

    @property
    def _original(self) -> dict[Key, Key]:
        return {name: self.plan.key(step) for step, name in self._renamed.items()}

    @property
    def _where(self) -> str:
        return str(getattr(self.client.scheduler, "address", "the cluster"))

    def cancel(self) -> None:
        """Stop what has been submitted and has not ended, but for what others wait for too."""
        held = self._held
        mine = [future for step, future in self._futures.items() if step not in held]
        stale = _stale.setdefault(self.client, set())
        stale.update(self._name(step) for step in range(self.sent) if step not in held)
        if len(stale) > _MOST_STALE:
            _stale[self.client] = _Every()
        if mine and self.client.status == "running":
            with suppress(Exception):  # whatever has come of the cluster: the error matters more
                self.client.cancel(mine)


def _is_of_pickling(error: Exception) -> bool:
    return isinstance(error, TypeError) and str(error).startswith("Could not serialize object")


class _Every(set[Key]):
    """Stands for more keys than are kept: any may be among them."""

    def __contains__(self, _key: object) -> bool:
        return True

    def __bool__(self) -> bool:
        return True

    def update(self, *_: Iterable[Key]) -> None:
        """Keep no more keys."""


_MOST_STALE = 10_000
#: By client: keys of runs that were stopped. A worker may be at their tasks yet, and would take
#: another task of such a key for the same.
_stale: WeakKeyDictionary[Any, set[Key]] = WeakKeyDictionary()


def _renamed(client: Any, plan: Plan, held: Mapping[int, OnCluster]) -> dict[int, Key]:
    """Return other keys for steps whose own ones may mean something on the cluster already.

    There a key that is known is not run again, and a different task of that key not at all.
    """
    if client.futures:
        client.sync(_nothing)  # what has been let go of is gone after this
    known, stale, mark = client.futures, _stale.get(client, set()), uuid4().hex
    if not (known or stale):
        return {}
    keys = ((step, plan.key(step)) for step in range(len(plan)) if step not in held)
    return {step: _like(key, mark) for step, key in keys if key in known or key in stale}


async def _nothing() -> None:
    """Wait for one's turn on the event loop."""


def _like(key: Key, mark: str) -> Key:
    """Return a new key that Dask counts with `key` in its groups."""
    if isinstance(key, tuple):
        return (*key, mark)
    return f"{key}-{mark}"


def _identity(client: Any) -> Any:
    with suppress(Exception):
        return client.scheduler_info()["id"]
    return id(client)

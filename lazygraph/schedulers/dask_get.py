"""Runs a plan by a function of Dask's ``get(dsk, keys)`` form."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

from lazygraph.plan import Plan
from lazygraph.protocols import Observer, Pass
from lazygraph.schedulers.failure import explain, throw
from lazygraph.schedulers.runstate import StepFailed
from lazygraph.schedulers.watch import Watch, watched
from lazygraph.terms import NO_TERMS, Terms

__all__ = ["DaskGet"]

Get = Callable[..., Any]


class _Step:
    """A step with its literals inside: nothing of it but results' keys is left to read."""

    __slots__ = ("call", "literals", "plan_step", "slots", "watch")

    def __init__(self, plan: Plan, step: int, watch: Watch | None) -> None:
        self.call, self.slots, self.plan_step = plan.calls[step], plan.slots[step], step
        self.literals = [plan.constants[-1 - slot] for slot in self.slots if slot < 0]
        self.watch = watch

    def __call__(self, /, *results: Any) -> Any:
        literals, arrived = iter(self.literals), iter(results)
        values = [next(arrived if slot >= 0 else literals) for slot in self.slots]
        step, watch, worker = self.plan_step, self.watch, threading.current_thread().name
        if watch is not None:
            watch.started(step, worker)
        try:
            value = self.call(*values)
        except BaseException as error:
            if watch is not None:
                watch.failed(step, worker, error)
            raise StepFailed(step, values, error) from None
        if watch is not None:
            watch.ended(step, worker, value)
        return value


class DaskGet:
    """Hands a plan to Dask, or to whatever else takes a dict of tuples.

    Parameters
    ----------
    get : callable
        ``get(dsk, keys, **kwargs)`` gives the values of `keys`: `dask.get`,
        `dask.threaded.get`, or one's own. It must run tasks in this process. Observers are
        told of tasks' starts and ends; when results are released, only `get` knows.
    num_workers : int, optional
        Handed on when given.
    """

    honours: frozenset[str] = frozenset()
    passes: tuple[Pass, ...] = ()

    def __init__(self, get: Get, num_workers: int | None = None) -> None:
        self._get = get
        self._kwargs = {} if num_workers is None else {"num_workers": num_workers}

    @property
    def name(self) -> str:
        """The function's name."""
        module = getattr(self._get, "__module__", "")
        return f"{module}.{getattr(self._get, '__name__', type(self._get).__name__)}"

    def __repr__(self) -> str:
        return f"DaskGet({self.name})"

    def run(
        self, plan: Plan, observers: Sequence[Observer] = (), _terms: Terms = NO_TERMS, /
    ) -> list[Any]:
        """The values of the plan's outputs."""
        watch = Watch(plan, observers) if observers else None
        keys = [plan.key(step) for step in range(len(plan))]
        dsk = {
            key: (_Step(plan, step, watch), *[keys[slot] for slot in plan.slots[step] if slot >= 0])
            for step, key in enumerate(keys)
        }
        try:
            with watched(watch, self.name, self._kwargs.get("num_workers", 0)):
                asked = [keys[step] for step in plan.outputs]
                return list(self._get(dsk, asked, **self._kwargs))
        except StepFailed as stopped:
            values = dict(zip(plan.slots[stopped.step], stopped.values, strict=True))
            failure = explain(stopped.error, plan, stopped.step, values)
            stopped.values.clear()
        try:
            throw(failure)
        finally:
            del failure

"""Tells observers what a run does; with none, nothing is made and nothing is called."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterable, Sequence
from time import perf_counter

from lazygraph.plan import Plan
from lazygraph.protocols import (
    Event,
    Observer,
    Released,
    RunEnded,
    RunStarted,
    TaskEnded,
    TaskFailed,
    TaskStarted,
)

__all__ = ["Watch"]


class Watch:
    """The observers of one run; events reach them one at a time."""

    def __init__(self, plan: Plan, observers: Sequence[Observer]) -> None:
        self._plan = plan
        self._observers = list(observers)
        self._lock = threading.RLock()

    def run_started(self, scheduler: str, workers: int) -> None:
        """The run begins."""
        self._tell(RunStarted(perf_counter(), self._plan, scheduler, workers))

    def run_ended(self, error: BaseException | None) -> None:
        """The run is over; nothing is told after it."""
        self._tell(RunEnded(perf_counter(), error))
        self._observers.clear()  # a task that outlives its run is no longer news

    def started(self, step: int, worker: str) -> None:
        """A worker begins with a step."""
        self._tell(TaskStarted(perf_counter(), self._plan.key(step), step, worker))

    def ended(self, step: int, worker: str) -> None:
        """A step has returned."""
        self._tell(TaskEnded(perf_counter(), self._plan.key(step), step, worker))

    def failed(self, step: int, worker: str, error: BaseException) -> None:
        """A step has raised."""
        self._tell(TaskFailed(perf_counter(), self._plan.key(step), step, worker, error))

    def released(self, steps: Iterable[int]) -> None:
        """The results of steps are forgotten."""
        for step in steps:
            self._tell(Released(perf_counter(), self._plan.key(step), step))

    def _tell(self, event: Event) -> None:
        with self._lock:
            for observer in list(self._observers):
                try:
                    observer.notify(event)
                except Exception as error:  # an observer's fault is not the run's
                    self._observers.remove(observer)
                    message = f"observer {observer!r} raised {error!r} and is told no more"
                    warnings.warn(message, RuntimeWarning, stacklevel=2)

"""Tell observers what a run does; with none, nothing is made and nothing is called."""

from __future__ import annotations

import sys
import threading
import types
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from time import perf_counter
from typing import Any

from lazygraph.graphs.plan import Plan
from lazygraph.protocols import (
    Event,
    Observer,
    Released,
    RunEnded,
    RunStarted,
    TaskEnded,
    TaskFailed,
    TaskRetried,
    TaskSkipped,
    TaskStarted,
)
from lazygraph.schedulers.runstate import StepFailed
from lazygraph.tasks.reprs import short_repr

__all__ = ["Told", "Watch", "watched"]


class Told:
    """What observers are told at the end of a run: the error that ended it, or None."""

    error: BaseException | None = None


class Watch:
    """The observers of one run; events reach them one at a time."""

    def __init__(self, plan: Plan, observers: Sequence[Observer]) -> None:
        self._plan = plan
        self._observers = list(observers)
        self._site = _call_from_outside()
        self._lock = threading.RLock()

    @contextmanager
    def run(self, scheduler: str, workers: int) -> Iterator[Told]:
        """Tell of a run's start and end, whatever ends it; nothing is told after it."""
        self._tell(RunStarted(perf_counter(), self._plan, scheduler, workers))
        told = Told()
        try:
            yield told
        except StepFailed as stopped:
            told.error = stopped.error
            raise
        except BaseException as other:
            told.error = other
            raise
        finally:
            self._tell(RunEnded(perf_counter(), told.error))
            self._observers.clear()  # a task that outlives its run is no longer news
            del told

    def started(self, step: int, worker: str, seconds: float | None = None) -> None:
        """Tell that a worker begins with a step; `seconds`, if not now, says when."""
        self._tell(TaskStarted(seconds or perf_counter(), self._plan.key(step), step, worker))

    def ended(self, step: int, worker: str, value: Any, seconds: float | None = None) -> None:
        """Tell that a step has returned a value; `seconds`, if not now, says when."""
        key, nbytes = self._plan.key(step), _size_of(value)
        self._tell(TaskEnded(seconds or perf_counter(), key, step, worker, nbytes))

    def failed(self, step: int, worker: str, error: BaseException) -> None:
        """Tell that a step has failed for good."""
        self._tell(TaskFailed(perf_counter(), self._plan.key(step), step, worker, error))

    def retried(self, step: int, worker: str, error: BaseException) -> None:
        """Tell that a step has failed and is to run again."""
        self._tell(TaskRetried(perf_counter(), self._plan.key(step), step, worker, error))

    def skipped(self, step: int) -> None:
        """Tell that a step will not run."""
        self._tell(TaskSkipped(perf_counter(), self._plan.key(step), step))

    def released(self, steps: Iterable[int], seconds: float | None = None) -> None:
        """Tell that the results of steps are forgotten; `seconds`, if not now, says when."""
        for step in steps:
            self._tell(Released(seconds or perf_counter(), self._plan.key(step), step))

    def _tell(self, event: Event) -> None:
        with self._lock:
            for observer in list(self._observers):
                try:
                    observer.notify(event)
                except Exception as error:  # an observer's fault is not the run's
                    self._observers.remove(observer)
                    shown = short_repr(observer), short_repr(error)
                    message = f"observer {shown[0]} raised {shown[1]} and is told no more"
                    with suppress(RuntimeWarning):  # where warnings are errors: not the run's
                        warnings.warn_explicit(message, RuntimeWarning, *self._site)


def _call_from_outside() -> tuple[str, int]:
    """Return file and line of the innermost call that no code of the library makes."""
    frame: types.FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_globals.get("__name__", "").startswith("lazygraph."):
        frame = frame.f_back
    return ("<unknown>", 0) if frame is None else (frame.f_code.co_filename, frame.f_lineno)


def _size_of(value: Any) -> int | None:
    """Return the bytes of an array's or a packed value's data; for others, of the object alone."""
    try:
        nbytes = getattr(value, "nbytes", None)
        return nbytes if type(nbytes) is int else sys.getsizeof(value)
    except Exception:  # a value's class may answer such questions as it likes
        return None


def watched(watch: Watch | None, scheduler: str, workers: int) -> AbstractContextManager[Told]:
    """Tell of a run's start and end, if there is anybody to be told."""
    return nullcontext(Told()) if watch is None else watch.run(scheduler, workers)

"""A run under way: what it was asked for, how far it is, and what becomes of each attempt."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from contextvars import copy_context
from threading import RLock
from time import perf_counter
from typing import Any

from lazygraph.errors import RunStopped, TaskTimeout
from lazygraph.graphs.plan import PENDING, Plan
from lazygraph.protocols import Observer
from lazygraph.randomness import Seed
from lazygraph.schedulers.controlled.messages import Outcome
from lazygraph.schedulers.controlled.state import ControlledState
from lazygraph.schedulers.explain import add_note, explain, throw_if
from lazygraph.schedulers.notify import Watch, watched
from lazygraph.schedulers.outcomes import keep_partial
from lazygraph.schedulers.runstate import RunState
from lazygraph.tasks.options import NO_OPTIONS, NO_TERMS, Terms

__all__ = ["ActiveRun", "executors_of", "is_simple"]

_MOST_SHOWN = 8


def is_simple(plan: Plan, terms: Terms) -> bool:
    """Whether nothing is asked of a run but results, and perhaps random numbers."""
    return not plan.is_controlled and (
        terms is NO_TERMS or (terms.on_error == "raise" and not terms.limits)
    )


def executors_of(plan: Plan, *, has_local: bool = False) -> dict[int, str]:
    """Return the executors of the steps that run elsewhere than the rest."""
    found = {}
    for step, options in plan.options.items():
        if options.is_async:
            found[step] = "loop"
        elif options.local and has_local:
            found[step] = "local"
    return found


class ActiveRun:
    """One run of a plan under terms.

    Attempts at steps are settled here and nowhere else, whatever ran them, deaths of workers
    included: results are kept, steps tried again, errors raised or collected. The user's code
    (observers, destructors, ``__repr__`` of arguments) is never run under the lock.

    Parameters
    ----------
    name : str
        The scheduler's.
    state : RunState
        How far the run is.
    lock : RLock
        Held for each look at the state, where several threads settle attempts.
    """

    def __init__(
        self,
        plan: Plan,
        observers: Sequence[Observer],
        terms: Terms,
        name: str,
        num_workers: int,
        state: RunState,
        lock: AbstractContextManager[Any] | None = None,
    ) -> None:
        self.plan, self.terms, self.name, self.num_workers = plan, terms, name, num_workers
        self.state = state
        self.watch = Watch(plan, observers) if observers else None
        self.lock = RLock() if lock is None else lock
        self.context = copy_context()  # of whoever computes: tasks run in copies of it
        self.read: Callable[[Any], Any] = _as_it_is  # what stands in the state -> the value
        self.was_interrupted = False  # from outside, wherever it was: Ctrl-C

    # ------------------------------------------------- what executors may ask
    def began(self, step: int, worker: str, seconds: float | None = None) -> None:
        """Tell observers that an executor begins with a step."""
        if self.watch is not None:
            self.watch.started(step, worker, seconds)

    def arguments(self, step: int) -> list[Any]:
        """Return what the step's function is called with; that it cannot be read may raise."""
        values, read = self.state.values, self.read
        return [read(values[slot]) for slot in self.plan.slots[step]]

    def seed(self, step: int) -> Seed | None:
        """Return where the step draws random numbers from; None without a seed."""
        return None if self.terms.seed is None else self.terms.seed.at(step)

    def timeout(self, step: int) -> float | None:
        """Return the step's time limit in seconds."""
        return self.plan.options.get(step, NO_OPTIONS).timeout

    def timed_out(self, step: int, fate: str) -> TaskTimeout:
        """Return the error of a step that takes too long."""
        plan = self.plan
        name = plan.origins.call(step)._function.name
        return TaskTimeout(plan.key(step), name, plan.options[step].timeout or 0.0, fate)

    # ---------------------------------------------------------------- attempts
    def settle(self, outcome: Outcome) -> None:
        """Keep the result of an attempt that has ended, or try again, or give up."""
        if self.state.is_stopped:
            return
        if outcome.is_left and isinstance(self.state, ControlledState):
            with self.lock:
                self.state.hold_over(outcome.step)
        if outcome.error is not None:
            self._settle_error(outcome, outcome.error)
            return
        if self.watch is not None:
            self.watch.ended(outcome.step, outcome.worker, outcome.value, outcome.ended)
        with self.lock:
            released = self.state.advance(outcome.step, outcome.value)
        self.release(released, outcome.ended)

    def _settle_error(self, outcome: Outcome, error: BaseException) -> None:
        state, step = self.state, outcome.step
        if isinstance(state, ControlledState):
            seconds = outcome.ended - outcome.started
            when = state.retry_at(step, error, seconds, perf_counter())
            if when is not None:
                if self.watch is not None:
                    self.watch.retried(step, outcome.worker, error)
                with self.lock:
                    state.try_again(step, when)
                return
        self._give_up(step, outcome.worker, error)

    def settle_lost(self, outcome: Outcome) -> None:
        """Count a failed attempt at a step whose arguments were lost with it, and are made anew."""
        error = outcome.error
        if error is not None and isinstance(self.state, ControlledState):
            self.state.note(outcome.step, error, outcome.ended - outcome.started)
            if self.watch is not None:
                self.watch.retried(outcome.step, outcome.worker, error)

    def _give_up(self, step: int, worker: str, error: BaseException) -> None:
        """Let a step have failed for good: the run with it, or the steps that need it."""
        state, terms = self.state, self.terms
        is_collected = isinstance(state, ControlledState) and terms.on_error == "collect"
        attempts = state.attempts[step] if isinstance(state, ControlledState) else ()
        values = {slot: self._readable(slot) for slot in self.plan.slots[step]}
        error = explain(error, self.plan, step, values, seed=terms.seed, attempts=attempts)
        del values
        if not is_collected or not isinstance(error, Exception):
            self.stop(error, lambda: self._tell_failed(step, worker, error))
        elif isinstance(state, ControlledState):
            self._tell_failed(step, worker, error)
            with self.lock:
                released = state.give_up(step, error)
            self.release(released)

    def _tell_failed(self, step: int, worker: str, error: BaseException) -> None:
        if self.watch is not None:
            self.watch.failed(step, worker, error)

    def stop(self, error: BaseException, tell: Callable[[], None] | None = None) -> None:
        """End the run by an error, unless another has; `tell` is called if it is this one."""
        with self.lock:
            if self.state.is_stopped:
                return
            values = self._partial_values()
            dropped = self.state.stop(error)
        keep_partial(error, self.plan, values, self.lasting_read())
        if tell is not None:
            tell()
        del values, dropped  # here, where no lock is held, the user's destructors run

    def release(self, steps: Sequence[int], seconds: float | None = None) -> None:
        """Let go of results that nobody needs any more."""
        self.state.forget(steps)
        if self.watch is not None and steps:
            self.watch.released(filter(self.state.has_result, steps), seconds)

    def _tell_skipped(self, skipped: Iterable[tuple[int, list[int]]]) -> None:
        for step, released in skipped:
            if self.watch is not None:
                self.watch.skipped(step)
            self.release(released)

    # ----------------------------------------------------------------- results
    def lasting_read(self) -> Callable[[Any], Any]:
        """Return a `read` that may be called when the run is long over."""
        return _as_it_is

    def _readable(self, slot: int) -> Any:
        """Return the value of a slot; what cannot be read must not hide the error."""
        try:
            return self.read(self.state.values[slot])
        except Exception as error:
            return error

    def _partial_values(self) -> list[Any]:
        state = self.state
        return [v if state.has_result(n) else PENDING for n, v in enumerate(state.values)]

    def raise_error(self) -> None:
        """Raise what the run failed with, if it did."""
        # Called outside of `under_way`, a generator, where StopIteration means something else.
        throw_if(self.state.take_error())

    # -------------------------------------------------------------------- time
    @contextmanager
    def under_way(self) -> Iterator[None]:
        """Tell observers of the run's begin and end, whatever ends it.

        A step's error is left in the state; what interrupts the run gains a note and is raised.
        """
        with watched(self.watch, self.name, self.num_workers) as told:
            try:
                yield
            except BaseException as interrupt:
                self.was_interrupted = not isinstance(interrupt, RunStopped)
                add_note(interrupt, self.stopped_note())
                self.stop(interrupt)
                self.state.take_error()  # it is raised here, and leads to the state
                raise
            told.error = self.state.error

    @property
    def running(self) -> Sequence[int]:
        """The steps being run, as far as is known."""
        return ()

    def stopped_note(self) -> str:
        """Return how far the run is, for a note on what stops it."""
        plan = self.plan
        note = f"stopped: {len(plan) - self.state.left} of {len(plan)} tasks done"
        keys = [repr(plan.key(step)) for step in self.running]
        if keys:
            note += f", {len(keys)} {self.where_running}: {', '.join(keys[:_MOST_SHOWN])}"
        return note

    where_running = "running"


def _as_it_is(value: Any) -> Any:
    return value

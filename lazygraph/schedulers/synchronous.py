"""Runs a plan on the calling thread, one step after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from lazygraph.graphs.plan import PENDING, Plan
from lazygraph.protocols import Observer
from lazygraph.randomness import Seed, draw_from, seeded
from lazygraph.schedulers.controlled import InlineStream, Stream, is_simple, run_here, stream_here
from lazygraph.schedulers.explain import add_note, explain, is_interrupt, throw
from lazygraph.schedulers.outcomes import keep_partial
from lazygraph.schedulers.runstate import StepFailed, run_in_order
from lazygraph.tasks.options import CONTROLS, NO_TERMS, TERMS, Terms

__all__ = ["Synchronous"]


class Synchronous:
    """One thread, the caller's own: for debuggers, small tasks, and as the plain reference.

    Notes
    -----
    A microsecond a task; three with options or observers. Tasks run in the caller's context: a
    ContextVar that one sets keeps its value. Where the caller's thread cannot be interrupted
    (other threads than the main one, and Windows), tasks with time limits run on one of their own.
    """

    name = "synchronous"
    honours = CONTROLS | TERMS

    def __repr__(self) -> str:
        return "Synchronous()"

    def stream(
        self, plan: Plan, observers: Sequence[Observer], terms: Terms, lookahead: int | None
    ) -> Stream:
        """Return the plan's outputs, one by one."""
        return InlineStream(*stream_here(plan, observers, terms, self.name, lookahead or 4))

    def run(
        self, plan: Plan, observers: Sequence[Observer] = (), terms: Terms = NO_TERMS, /
    ) -> list[Any]:
        """Return the values of the plan's outputs."""
        if observers or not is_simple(plan, terms):
            return run_here(plan, observers, terms, self.name)
        return self.run_values(plan, seed=terms.seed)

    @staticmethod
    def run_values(
        plan: Plan, values: list[Any] | None = None, seed: Seed | None = None
    ) -> list[Any]:
        """Return the values of the outputs of a plan of which nothing else is asked.

        `values`, if given, are its blank values with some of the constants replaced.
        """
        try:
            if seed is None:
                return run_in_order(plan, values)
            with seeded(seed):
                return run_in_order(plan, values, _seeded_calls(plan, seed))
        except StepFailed as stopped:
            failure = [_explained(plan, stopped, seed)]
        return throw(failure.pop())  # outside the handler: it gains no context


def _seeded_calls(plan: Plan, seed: Seed) -> Iterator[Callable[..., Any]]:
    """Give the plan's calls, and let `rng` draw from each one's seed until the next is asked for."""
    for step, call in enumerate(plan.funcs):
        draw_from(seed.at(step))
        yield call


def _stopped_note(plan: Plan, stopped: StepFailed) -> str:
    done = stopped.values[stopped.step] is not PENDING
    note = f"stopped: {stopped.step + done} of {len(plan)} tasks done"
    return note if done else f"{note}, in the middle of {plan.key(stopped.step)!r}"


def _explained(plan: Plan, stopped: StepFailed, seed: Seed | None) -> BaseException:
    failure = stopped.error
    if is_interrupt(failure):
        add_note(failure, _stopped_note(plan, stopped))
    else:
        failure = explain(failure, plan, stopped.step, stopped.values, seed=seed)
    keep_partial(failure, plan, stopped.values)
    stopped.values.clear()  # the failed function's frame leads here: it keeps no results
    return failure

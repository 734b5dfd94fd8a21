"""Runs a plan on the calling thread, one step after the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lazygraph.graphs.plan import Plan
from lazygraph.protocols import Observer
from lazygraph.schedulers.controlled import Controller, InlineLane, InlineStream, Stream
from lazygraph.schedulers.explain import explain, throw
from lazygraph.schedulers.notify import Watch
from lazygraph.schedulers.outcomes import keep_partial
from lazygraph.schedulers.runstate import RunState, StepFailed, run_in_order
from lazygraph.tasks.options import CONTROLS
from lazygraph.tasks.terms import NO_TERMS, TERMS, Terms

__all__ = ["Synchronous"]

_WORKER = "main"


class Synchronous:
    """One thread, the caller's own: for debuggers, small tasks, and as the plain reference."""

    name = "synchronous"
    honours = CONTROLS | TERMS

    def __repr__(self) -> str:
        return "Synchronous()"

    def stream(
        self, plan: Plan, observers: Sequence[Observer], terms: Terms, lookahead: int | None
    ) -> Stream:
        """The plan's outputs, one by one."""
        return InlineStream(self._controller(plan, observers, terms, lookahead or 4))

    def _controller(
        self,
        plan: Plan,
        observers: Sequence[Observer],
        terms: Terms,
        lookahead: int | None = None,
    ) -> Controller:
        lane = InlineLane()
        return Controller(plan, observers, terms, self.name, 1, lane, lookahead=lookahead)

    def run(
        self, plan: Plan, observers: Sequence[Observer] = (), terms: Terms = NO_TERMS, /
    ) -> list[Any]:
        """The values of the plan's outputs."""
        if plan.is_controlled or terms is not NO_TERMS:
            return self._controller(plan, observers, terms).run()
        if observers:
            return _run_watched(plan, Watch(plan, observers))
        return self.run_values(plan)

    @staticmethod
    def run_values(plan: Plan, values: list[Any] | None = None) -> list[Any]:
        """The values of the outputs of a plan of which nothing else is asked.

        `values`, if given, are its blank values with some of the constants replaced.
        """
        try:
            return run_in_order(plan, values)
        except StepFailed as stopped:
            failure = _explained(plan, stopped)
        try:
            return throw(failure)  # outside the handler: it gains no context
        finally:
            del failure  # or this frame and the traceback would keep each other alive


def _explained(plan: Plan, stopped: StepFailed) -> BaseException:
    failure = explain(stopped.error, plan, stopped.step, stopped.values)
    keep_partial(failure, plan, stopped.values)
    stopped.values.clear()  # the failed function's frame leads here: it keeps no results
    return failure


def _run_watched(plan: Plan, watch: Watch) -> list[Any]:
    """The same, step by step, telling observers."""
    try:
        return _stepped(plan, watch)
    except StepFailed as stopped:
        failure = _explained(plan, stopped)
    try:
        return throw(failure)
    finally:
        del failure


def _stepped(plan: Plan, watch: Watch) -> list[Any]:
    state = RunState(plan)
    with watch.run(Synchronous.name, 1):
        while (step := state.take()) is not None:
            watch.started(step, _WORKER)
            try:
                value = state.call(step)
            except BaseException as error:
                watch.failed(step, _WORKER, error)
                raise StepFailed(step, state.values, error) from None
            watch.ended(step, _WORKER, value)
            state.finish(step, value)
            del value  # or it would outlive its release by one step
            watch.released(state.released)
    return state.results()

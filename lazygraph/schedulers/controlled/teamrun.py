"""A run whose steps are taken by the threads of a team, or by the one thread that asks for it."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from contextvars import Context
from time import perf_counter
from typing import TYPE_CHECKING, Any

from lazygraph.errors import RunStopped, TaskTimeout
from lazygraph.graphs.plan import Plan
from lazygraph.protocols import Observer
from lazygraph.randomness import draw_from, seeded
from lazygraph.schedulers.controlled.active import ActiveRun, executors_of, is_simple
from lazygraph.schedulers.controlled.host import Host, enter_task
from lazygraph.schedulers.controlled.messages import Left, Message
from lazygraph.schedulers.controlled.state import ControlledState
from lazygraph.schedulers.explain import add_note
from lazygraph.schedulers.runstate import RunState
from lazygraph.tasks.options import Terms

if TYPE_CHECKING:
    from lazygraph.schedulers.controlled.loop import LoopExecutor

__all__ = ["TeamRun", "is_timed"]


def is_timed(plan: Plan) -> bool:
    """Whether a step that a thread runs has a time limit."""
    return bool(plan.options) and any(
        options.timeout is not None and not options.is_async
        for options in set(plan.options.values())
    )


class TeamRun(ActiveRun):
    """One run of a plan, whose attempts are settled by whoever made them.

    Parameters
    ----------
    attend : callable
        Is told that an attempt was settled by another than a worker of the team.
    host : Host, optional
        Who runs the tasks; each then runs in a copy of its own of the caller's context. Without
        one, tasks run in the caller's context itself.
    lookahead : int, optional
        How many outputs may be on their way; given, they come one by one, in `arrived`.

    Attributes
    ----------
    is_done : bool
        Whether nobody is to work on it any more.
    arrived : SimpleQueue, optional
        The outputs, each as its place among the outputs and its value.
    goes_back : bool
        Whether whoever works on the run is to be let go when an output has arrived.
    """

    def __init__(
        self,
        plan: Plan,
        observers: Sequence[Observer],
        terms: Terms,
        name: str,
        num_workers: int,
        lock: AbstractContextManager[Any],
        attend: Callable[[TeamRun], None],
        *,
        host: Host | None = None,
        lookahead: int | None = None,
        state: RunState | None = None,
    ) -> None:
        state = _state(plan, terms, lookahead) if state is None else state
        super().__init__(plan, observers, terms, name, num_workers, state, lock)
        self._attend = attend
        self.call = _calls_here(state, terms) if host is None else self._calls_apart(host)
        self.is_done = self.goes_back = False
        self.is_timed = is_timed(plan)
        self.is_controlled = not is_simple(plan, terms)  # when attempts began matters
        self.arrived: queue.SimpleQueue[Any] | None = None
        if lookahead is not None:
            self.arrived = queue.SimpleQueue()
        self.steps_of: Callable[[TeamRun], list[int]] = _none
        self._loop: LoopExecutor | None = None

    def _calls_apart(self, host: Host) -> Callable[[int], Any]:
        """Return what runs a step in a copy of the caller's context.

        So no task sees what another has set. It leads to no run, and so keeps none alive.
        """
        self.context.run(enter_task, host)
        copy, run, seed = self.context.copy, Context.run, self.terms.seed
        funcs, slots, values = self.plan.funcs, self.plan.slots, self.state.values

        def call(step: int) -> Any:
            args = slots[step]
            if len(args) == 1:
                return run(copy(), funcs[step], values[args[0]])
            if len(args) == 2:
                return run(copy(), funcs[step], values[args[0]], values[args[1]])
            return run(copy(), funcs[step], *[values[slot] for slot in args])

        if seed is None:
            return call
        seed_at = seed.at

        def call_seeded(step: int) -> Any:
            context = copy()
            context.run(draw_from, seed_at(step))
            return context.run(funcs[step], *[values[slot] for slot in slots[step]])

        return call_seeded

    # ---------------------------------------------------------------- news
    def report(self, message: Message) -> None:
        """Settle an attempt that was not made by a worker; from any thread."""
        if type(message) is Left:
            if isinstance(self.state, ControlledState):
                with self.lock:
                    self.state.give_back(message.step)
        else:
            self.settle(message)
        self._attend(self)

    def publish(self) -> None:
        """See to what the state has besides ready steps: outputs, skips, steps for the loop."""
        state = self.state
        if not isinstance(state, ControlledState):
            return
        with self.lock:
            state.has_news = False
            while state.delivered and self.arrived is not None:
                self.arrived.put(state.delivered.pop(0))  # in no name: it is the user's alone
            skipped, state.skipped = state.skipped, []
            is_for_loop = state.has_ready("loop") and not self.is_done
        self._tell_skipped(skipped)
        if is_for_loop:
            self._open_loop().feed(self)

    @property
    def wants_back(self) -> bool:
        """Whether an output has arrived for whoever works on the run."""
        return self.goes_back and self.arrived is not None and not self.arrived.empty()

    def arrivals(self) -> Iterator[Any]:
        """Give the outputs that have arrived."""
        while self.arrived is not None and not self.arrived.empty():
            yield self.arrived.get()

    @property
    def lacks_resources(self) -> bool:
        """Whether some step waits for nothing but resources."""
        return isinstance(self.state, ControlledState) and self.state.lacks_resources

    def _open_loop(self) -> LoopExecutor:
        from lazygraph.schedulers.controlled.loop import LoopExecutor  # late: asyncio takes 30 ms

        with self.lock:
            if self._loop is None:
                self._loop = LoopExecutor()
            return self._loop

    # ---------------------------------------------------------------- the user
    def consume(self) -> None:
        """Make room for another output."""
        if isinstance(self.state, ControlledState):
            with self.lock:
                self.state.consume()
            self._attend(self)

    def cancel(self) -> None:
        """End the run, since nobody wants the rest of it; from any thread."""
        error = RunStopped("the rest of the run is not asked for")
        add_note(error, self.stopped_note())
        self.stop(error)
        self._attend(self)

    def results(self) -> list[Any]:
        """Return the values of the outputs, or raise what the run failed with."""
        self.raise_error()
        results = self.state.results()
        # Errors that were collected lead to the state: they are not to keep results.
        self.state.values.clear()
        return results

    def close(self) -> None:
        """Let go of what the run has opened."""
        self.is_done = True
        if isinstance(self.state, ControlledState):
            self.state.forget_failures()  # which lead, by their frames, to the state
        if self._loop is not None:
            self._loop.close()

    # -------------------------------------------------------------------- time
    @property
    def running(self) -> Sequence[int]:
        """The steps being run."""
        loop = () if self._loop is None else self._loop.running
        return [*self.steps_of(self), *loop]

    def wake(self) -> bool:
        """Let the steps run whose time has come; return whether there are any. With the lock."""
        due, now = self.state.next_due, perf_counter()
        if due is None or due > now or not isinstance(self.state, ControlledState):
            return False
        self.state.wake(now)
        return True

    def overdue(self, step: int, fate: str, stack: str = "") -> TaskTimeout:
        """Return the error of a step that takes too long, with where it is."""
        error = self.timed_out(step, fate)
        error.stack = stack
        return error


def _state(plan: Plan, terms: Terms, lookahead: int | None) -> RunState:
    if lookahead is None and is_simple(plan, terms):
        return RunState(plan)
    return ControlledState(plan, terms, executors_of(plan) or None, lookahead)


def _calls_here(state: RunState, terms: Terms) -> Callable[[int], Any]:
    """Return what runs a step in the context of whoever calls it."""
    seed = terms.seed
    if seed is None:
        return state.call

    def call(step: int) -> Any:
        with seeded(seed.at(step)):
            return state.call(step)

    return call


def _none(_: TeamRun) -> list[int]:
    return []

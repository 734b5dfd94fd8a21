"""Stands between a run's state and its lanes: what is ready goes out, what has ended comes in."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from time import perf_counter
from typing import Any

from lazygraph.errors import RunStopped, TaskTimeout
from lazygraph.graphs.plan import PENDING, Plan
from lazygraph.protocols import Observer
from lazygraph.schedulers.controlled.lanes import Job, Lane
from lazygraph.schedulers.controlled.mail import Mailbox, Outcome
from lazygraph.schedulers.controlled.state import ControlledState
from lazygraph.schedulers.explain import add_note, explain, throw
from lazygraph.schedulers.notify import Watch, watched
from lazygraph.schedulers.outcomes import keep_partial
from lazygraph.schedulers.runstate import StepFailed
from lazygraph.tasks.options import NO_OPTIONS
from lazygraph.tasks.terms import Terms

__all__ = ["Controller"]

_MOST_SHOWN = 8


class Controller:
    """One run of a plan under terms.

    Parameters
    ----------
    name : str
        The scheduler's.
    lane : Lane
        Where steps run, but for ``async def`` ones.
    lookahead : int, optional
        How many outputs may be on their way; given, they come from `stream` one by one.
    mailbox : Mailbox, optional
        Where mail arrives.
    local : callable, optional
        Makes the lane of steps that must run in this process, where others do not.
    """

    def __init__(
        self,
        plan: Plan,
        observers: Sequence[Observer],
        terms: Terms,
        name: str,
        num_workers: int,
        lane: Lane,
        *,
        lookahead: int | None = None,
        mailbox: Mailbox | None = None,
        local: Callable[[], Lane] | None = None,
    ) -> None:
        self.plan, self.terms, self.name, self.num_workers = plan, terms, name, num_workers
        self.watch = Watch(plan, observers) if observers else None
        self.mailbox = Mailbox() if mailbox is None else mailbox
        self.was_interrupted = False  # from outside, wherever it was: Ctrl-C
        self.lanes: list[Lane] = []  # in the order in which they are given steps
        self._main = lane
        self.read = lane.read  # what stands among the state's values -> the value
        lane_of = _lanes_of(plan, local is not None)
        if "loop" in lane_of.values():
            from lazygraph.schedulers.controlled.loop import LoopLane  # late: asyncio takes 30 ms

            self.lanes.append(LoopLane())
        self.lanes.append(lane)  # after the loop: it may run its step here and now
        if local is not None and "local" in lane_of.values():
            self.lanes.append(local())
        self.state = ControlledState(plan, terms, lane_of, lookahead)

    # ------------------------------------------------------- what lanes ask
    def began(self, step: int, worker: str, seconds: float | None = None) -> None:
        """A lane begins with a step."""
        if self.watch is not None:
            self.watch.started(step, worker, seconds)

    def job(self, step: int) -> Job:
        """The step's call."""
        plan, values = self.plan, self.state.values
        arguments = [values[slot] for slot in plan.slots[step]]
        timeout = plan.options.get(step, NO_OPTIONS).timeout
        return Job(step, plan.funcs[step], arguments, self.read, self.seed(step), timeout)

    def seed(self, step: int) -> Any:
        """Where the step draws random numbers from; None without a seed."""
        return None if self.terms.seed is None else self.terms.seed.at(step)

    def timed_out(self, step: int, fate: str) -> TaskTimeout:
        """The error of a step that takes too long."""
        plan = self.plan
        name = plan.origins.call(step)._function.name
        return TaskTimeout(plan.key(step), name, plan.options[step].timeout or 0.0, fate)

    # ---------------------------------------------------------------- the run
    def run(self) -> list[Any]:
        """The values of the plan's outputs."""
        with suppress(StepFailed), self._under_way():
            while not self.state.is_over:
                self._turn()
            self.read = self._main.lasting_read()  # others may close what the lane gives back
        self._raise_error()
        return self._results()

    def _results(self) -> list[Any]:
        # Errors that were collected lead to the frame of `run` and to the state: neither is to
        # keep results.
        results = self.state.results()
        self.state.values.clear()
        read = {step: self._read(step, results[n]) for n, step in enumerate(self.plan.outputs)}
        self.read = self._main.read
        return [read[step] for step in self.plan.outputs]

    def stream(self) -> Iterator[tuple[int, Any]]:
        """Outputs as they finish, each as its place among the outputs and its value.

        With `lookahead` only. The user says `consume` of each, when there is room for another.
        """
        state = self.state
        with suppress(StepFailed), self._under_way():
            while not state.is_over:
                self._turn()
                while state.delivered:
                    yield self._delivery()
        self._raise_error()

    def _delivery(self) -> tuple[int, Any]:
        """The next output, in no name of `stream`: it is the user's alone."""
        place, value = self.state.delivered.pop(0)
        return place, self._read(self.plan.outputs[place], value)

    def _read(self, step: int, value: Any) -> Any:
        """The result of an output; that it cannot be read is told with its task."""
        try:
            return self.read(value)
        except Exception as error:
            add_note(error, f"while unpickling the result of task {self.plan.key(step)!r}")
            raise

    @contextmanager
    def _under_way(self) -> Iterator[None]:
        """The time of the run, whatever ends it; a step's error is left in the state."""
        try:
            with watched(self.watch, self.name, self.num_workers):
                try:
                    yield
                except BaseException as interrupt:
                    self.was_interrupted = not isinstance(interrupt, RunStopped)
                    add_note(interrupt, self._stopped_note())
                    self._keep_partial(interrupt)
                    self.state.stop(interrupt)
                    self.state.error = None  # it is raised here, and leads to the state
                    raise
                if self.state.error is not None:
                    raise StepFailed(-1, [], self.state.error)
        finally:
            self.state.forget_failures()  # which lead, by their frames, to the state
            with ExitStack() as stack:  # all are closed, whatever closing one raises
                for lane in self.lanes:
                    stack.callback(lane.close)

    def _raise_error(self) -> None:
        # Not inside `_under_way`, a generator, where StopIteration means something else.
        error, self.state.error = self.state.error, None
        if error is not None:
            try:
                throw(error)
            finally:
                del error

    def _keep_partial(self, error: BaseException) -> None:
        state = self.state
        values = [v if state.has_result(n) else PENDING for n, v in enumerate(state.values)]
        keep_partial(error, self.plan, values, self._main.lasting_read())

    def _turn(self) -> None:
        """Send out what is ready, wait for something to happen, see to it."""
        for lane in self.lanes:
            lane.feed(self)
        if self.state.skipped:  # which may have made ready what lanes that were fed before run
            self._tell_skipped()
            return
        if self.state.is_over or self.state.delivered:
            return
        self._read_mail()
        now = perf_counter()
        for lane in self.lanes:
            for outcome in lane.expire(self, now):
                self.settle(outcome)
        self.state.wake(now)

    def _read_mail(self) -> None:
        # Not in `_turn`, to whose frame the errors of tasks lead: `mail` may hold such an error.
        for mail in self.mailbox.wait(self._patience()):
            mail.arrive(self)

    def _patience(self) -> float | None:
        """For how many seconds nothing will have to be done unless mail comes."""
        moments = [lane.deadline for lane in self.lanes]
        moments.append(self.state.next_due)
        known = [moment for moment in moments if moment is not None]
        return min(known) - perf_counter() if known else None

    def _tell_skipped(self) -> None:
        skipped, self.state.skipped = self.state.skipped, []
        for step, released in skipped:
            if self.watch is not None:
                self.watch.skipped(step)
            self._release(released)

    def _release(self, steps: Sequence[int], seconds: float | None = None) -> None:
        for lane in self.lanes:
            lane.release(steps)
        if self.watch is not None:
            has_result = self.state.has_result
            self.watch.released(filter(has_result, steps), seconds)

    def settle(self, outcome: Outcome) -> None:
        """An attempt has ended: keep the result, or try again, or give up."""
        step, state = outcome.step, self.state
        if state.is_stopped:
            return
        if outcome.error is not None:
            self._settle_error(outcome, outcome.error)
            return
        if self.watch is not None:
            self.watch.ended(step, outcome.worker, outcome.value, outcome.ended)
        state.finish(step, outcome.value)
        if state.released:
            self._release(state.released, outcome.ended)

    def _settle_error(self, outcome: Outcome, error: BaseException) -> None:
        step, state, watch = outcome.step, self.state, self.watch
        seconds = outcome.ended - outcome.started
        when = state.retry_at(step, error, seconds, perf_counter())
        if when is not None:
            if watch is not None:
                watch.retried(step, outcome.worker, error)
            state.try_again(step, when)
            return
        self.give_up(step, outcome.worker, error)

    def give_up(self, step: int, worker: str, error: BaseException) -> None:
        """A step has failed for good."""
        attempts, seed = self.state.attempts[step], self.terms.seed
        values = {slot: self._readable(slot) for slot in self.plan.slots[step]}
        error = explain(error, self.plan, step, values, seed=seed, attempts=attempts)
        if self.watch is not None:
            self.watch.failed(step, worker, error)
        if not isinstance(error, Exception) or self.terms.on_error == "raise":
            self._keep_partial(error)
            self.state.stop(error)
        else:
            self.state.give_up(step, error)
            self._release(self.state.released)

    def _readable(self, slot: int) -> Any:
        """The value of a slot; what cannot be read must not hide the error."""
        try:
            return self.read(self.state.values[slot])
        except Exception as error:
            return error

    def _stopped_note(self) -> str:
        plan, state = self.plan, self.state
        note = f"stopped: {len(plan) - state.left} of {len(plan)} tasks done"
        running = [repr(plan.key(step)) for lane in self.lanes for step in lane.running]
        if running:
            note += f", {len(running)} running: {', '.join(running[:_MOST_SHOWN])}"
        return note


def _lanes_of(plan: Plan, has_local: bool) -> dict[int, str]:
    """The lanes of the steps that run elsewhere than the rest."""
    found = {}
    for step, options in plan.options.items():
        if options.is_async:
            found[step] = "loop"
        elif options.local and has_local:
            found[step] = "local"
    return found

"""Runs a plan by executors that are handed steps and post what became of them: processes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from time import perf_counter
from typing import Any

from lazygraph.errors import RunStopped
from lazygraph.graphs.plan import Plan
from lazygraph.protocols import Observer
from lazygraph.schedulers.controlled.active import ActiveRun, executors_of
from lazygraph.schedulers.controlled.executors import Executor
from lazygraph.schedulers.controlled.messages import (
    Cancelled,
    Consumed,
    Left,
    Mailbox,
    Message,
    Outcome,
)
from lazygraph.schedulers.controlled.state import ControlledState
from lazygraph.schedulers.explain import add_note
from lazygraph.tasks.options import Terms

__all__ = ["Controller"]


class Controller(ActiveRun):
    """One run of a plan under terms, all of whose state belongs to one thread.

    Parameters
    ----------
    name : str
        The scheduler's.
    executor : Executor
        Where steps run, but for ``async def`` ones.
    lookahead : int, optional
        How many outputs may be on their way; given, they come from `stream` one by one.
    mailbox : Mailbox, optional
        Where messages arrive.
    local : callable, optional
        Makes the executor of steps that must run in this process, where others do not.
    """

    state: ControlledState

    def __init__(
        self,
        plan: Plan,
        observers: Sequence[Observer],
        terms: Terms,
        name: str,
        num_workers: int,
        executor: Executor,
        *,
        lookahead: int | None = None,
        mailbox: Mailbox | None = None,
        local: Callable[[Controller], Executor] | None = None,
    ) -> None:
        executor_of = executors_of(plan, has_local=local is not None)
        state = ControlledState(plan, terms, executor_of, lookahead)
        super().__init__(plan, observers, terms, name, num_workers, state)
        self.mailbox = Mailbox() if mailbox is None else mailbox
        self.executors: list[Executor] = []  # in the order in which they are given steps
        self._main = executor
        self.read = executor.read
        names = set(executor_of.values())
        if "loop" in names:
            from lazygraph.schedulers.controlled.loop import LoopExecutor  # late: 30 ms

            self.executors.append(LoopExecutor())
        self.executors.append(executor)
        if local is not None and "local" in names:
            self.executors.append(local(self))

    def report(self, message: Message) -> None:
        """Take note of what has happened, when it is its turn; from any thread."""
        self.mailbox.post(message)

    def lasting_read(self) -> Callable[[Any], Any]:
        """Return a `read` that may be called when the run is long over."""
        return self._main.lasting_read()

    @property
    def running(self) -> Sequence[int]:
        """The steps being run, as far as the executors know."""
        return [step for executor in self.executors for step in executor.running]

    # ---------------------------------------------------------------- the run
    def run(self) -> list[Any]:
        """Return the values of the plan's outputs."""
        with self._open():
            while not self.state.is_over:
                self._turn()
            self.read = self._main.lasting_read()  # others may close what it gives back
        self.raise_error()
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
        """Give outputs as they finish, each as its place among the outputs and its value.

        With `lookahead` only. The user says `consume` of each, when there is room for another.
        """
        state = self.state
        with self._open():
            while not state.is_over:
                self._turn()
                while state.delivered:
                    yield self._delivery()
        self.raise_error()

    def _delivery(self) -> tuple[int, Any]:
        """Return the next output, in no name of `stream`: it is the user's alone."""
        place, value = self.state.delivered.pop(0)
        return place, self._read(self.plan.outputs[place], value)

    def _read(self, step: int, value: Any) -> Any:
        """Return the result of an output; that it cannot be read is told with its task."""
        try:
            return self.read(value)
        except Exception as error:
            add_note(error, f"while unpickling the result of task {self.plan.key(step)!r}")
            raise

    @contextmanager
    def _open(self) -> Iterator[None]:
        try:
            with self.under_way():
                yield
        finally:
            self.state.forget_failures()  # which lead, by their frames, to the state
            with ExitStack() as stack:  # all are closed, whatever closing one raises
                for executor in self.executors:
                    stack.callback(executor.close)

    def _turn(self) -> None:
        """Hand out what is ready; if nothing came of that at once, take in what has happened."""
        for executor in self.executors:
            executor.feed(self)
        if self.state.skipped:  # which may have made ready what executors fed before run
            skipped, self.state.skipped = self.state.skipped, []
            self._tell_skipped(skipped)
        elif not (self.state.is_over or self.state.delivered):
            self._take_in()

    def _take_in(self) -> None:
        self._read_mail()
        now = perf_counter()
        for executor in self.executors:
            for outcome in executor.expire(now):
                self.settle(outcome)
        self.state.wake(now)

    def _read_mail(self) -> None:
        # A frame of its own, to which the errors of tasks do not lead: a message may hold one.
        for message in self.mailbox.wait(self._patience()):
            self._act_on(message)

    def _act_on(self, message: Message) -> None:
        """Do what a message says; all that can happen to a run is here."""
        match message:
            case Outcome():
                self.settle(message)
            case Left():
                self.state.give_back(message.step)
            case Consumed():
                self.state.consume(message.how_many)
            case Cancelled():
                raise RunStopped("the rest of the run is not asked for")
            case _:  # of the executor's own
                self._main.hear(message)

    def consume(self) -> None:
        """Make room for another output; from any thread."""
        self.mailbox.post(Consumed(1))

    def cancel(self) -> None:
        """End the run, since nobody wants the rest of it; from any thread."""
        self.mailbox.post(Cancelled())

    def _patience(self) -> float | None:
        """Return for how many seconds nothing will have to be done unless a message comes."""
        moments = [executor.deadline for executor in self.executors]
        moments.append(self.state.next_due)
        known = [moment for moment in moments if moment is not None]
        return min(known) - perf_counter() if known else None

    def release(self, steps: Sequence[int], seconds: float | None = None) -> None:
        """Let go of results that nobody needs any more, here and where they are."""
        for executor in self.executors:
            executor.release(steps)
        super().release(steps, seconds)

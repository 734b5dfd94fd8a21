"""Where the steps of a controlled run are called, as the controller sees it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from contextvars import Context
from typing import Any, Protocol

from lazygraph.errors import TaskTimeout
from lazygraph.graphs.plan import Plan
from lazygraph.randomness import Seed
from lazygraph.schedulers.controlled.messages import Message, Outcome

__all__ = ["RAN_TO_ITS_END", "Executor", "Run"]

#: What becomes of an overdue task that nothing could interrupt.
RAN_TO_ITS_END = "it ran to its end, and its result was dropped"


class Run(Protocol):
    """What an executor asks of the run whose steps it calls."""

    plan: Plan
    state: Any  # a ControlledState
    lock: AbstractContextManager[Any]
    context: Context

    def began(self, step: int, worker: str, seconds: float | None = None) -> None:
        """Tell observers that the executor begins with a step."""

    def arguments(self, step: int) -> list[Any]:
        """Return what the step's function is called with."""

    def seed(self, step: int) -> Seed | None:
        """Return where the step draws random numbers from."""

    def timeout(self, step: int) -> float | None:
        """Return the step's time limit in seconds."""

    def timed_out(self, step: int, fate: str) -> TaskTimeout:
        """Return the error of a step that takes too long."""

    def report(self, message: Message) -> None:
        """Take note of what has happened; from any thread."""


class Executor:
    """Runs steps for a run, which alone calls these methods; here, as most executors do it."""

    def feed(self, run: Any, /) -> None:
        """Begin with as many ready steps as there is room for."""
        raise NotImplementedError

    def expire(self, now: float, /) -> Sequence[Outcome]:  # noqa: ARG002
        """End the attempts that have taken too long."""
        return ()

    @property
    def deadline(self) -> float | None:
        """When the next attempt may have taken too long; None where something else watches."""
        return None

    @property
    def running(self) -> Sequence[int]:
        """The steps being run, as far as the executor knows."""
        return ()

    def hear(self, message: Message, /) -> None:
        """Act on a message of the executor's own."""
        raise NotImplementedError

    def read(self, value: Any, /) -> Any:
        """Return the result for what the state keeps in its place."""
        return value

    def lasting_read(self) -> Callable[[Any], Any]:
        """Return a `read` that may be called when the run is long over."""
        return self.read

    def release(self, steps: Sequence[int], /) -> None:
        """Note that nobody needs the results of these steps any more."""

    def close(self) -> None:
        """Stop everything; called once, however the run ends."""

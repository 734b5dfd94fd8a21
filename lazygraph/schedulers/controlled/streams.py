"""Results one by one, on the user's thread, while workers go on."""

from __future__ import annotations

import contextvars
import queue
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any, Protocol, runtime_checkable

from lazygraph.errors import RunStopped
from lazygraph.graphs.plan import Plan
from lazygraph.protocols import Observer
from lazygraph.schedulers.controlled.teamrun import TeamRun
from lazygraph.schedulers.explain import copy_notes, throw_if
from lazygraph.tasks.options import Terms

__all__ = ["InlineStream", "PumpedStream", "Stream", "Streaming"]

_POLL_SECONDS = 0.2
_JOIN_SECONDS = 5.0


class Stream(Protocol):
    """Outputs of a run as they finish: each as its place among the outputs and its value."""

    def __iter__(self) -> Iterator[tuple[int, Any]]:
        """Begin; to be called once."""

    def consume(self) -> None:
        """Say that the user has taken one: there is room for another."""

    def cancel(self) -> None:
        """Let the run end soon; from whichever thread."""

    def close(self, error: BaseException | None = None) -> None:
        """End the run, wherever it is; from the thread that iterates, which has met `error`."""


@runtime_checkable
class Streaming(Protocol):
    """A scheduler that can hand out results one by one."""

    def stream(
        self, plan: Plan, observers: Sequence[Observer], terms: Terms, lookahead: int | None
    ) -> Stream:
        """Return the plan's outputs, of which so many may be on their way at once."""


class InlineStream:
    """A run on the user's own thread: it goes on while the next output is waited for."""

    def __init__(self, run: TeamRun, outputs: Iterator[tuple[int, Any]]) -> None:
        self._run, self._outputs = run, outputs

    def __iter__(self) -> Iterator[tuple[int, Any]]:
        # In no name of this frame, an output is the user's alone. (And `yield from` would let
        # whoever leaves the loop end the run as if it had failed.)
        with suppress(StopIteration):
            while True:
                yield next(self._outputs)
        self._run.raise_error()

    def consume(self) -> None:
        """Make room for another."""
        self._run.consume()

    def cancel(self) -> None:
        """Let the run end after the step in hand."""
        self._run.cancel()

    def close(self, _: BaseException | None = None) -> None:
        """End the run."""
        outputs: Any = self._outputs  # it is a generator
        with suppress(RunStopped):
            outputs.throw(RunStopped("the rest of the run is not asked for"))


class Pumped(Protocol):
    """What a pumped stream asks of its run."""

    def consume(self) -> None:
        """Make room for another output; from any thread."""

    def cancel(self) -> None:
        """End the run; from any thread."""


class _End:
    """After the last output: what the run raised, if it did."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error

    def take_error(self) -> BaseException | None:
        """Return the error, which is then kept here no longer."""
        error, self.error = self.error, None
        return error


class PumpedStream:
    """A run in a thread of its own, so that it goes on while the user works on an output."""

    def __init__(
        self,
        run: Pumped,
        pump: Callable[[queue.SimpleQueue[Any]], None],
        arrived: queue.SimpleQueue[Any] | None = None,
    ) -> None:
        self._run, self._begin = run, pump
        self._arrived: queue.SimpleQueue[Any] = arrived or queue.SimpleQueue()
        self._thread = threading.Thread(
            target=contextvars.copy_context().run,
            args=(self._pump,),
            name="lazygraph-run",
            daemon=True,
        )

    def _pump(self) -> None:
        try:
            self._begin(self._arrived)
        except BaseException as raised:
            self._arrived.put(_End(raised))
        else:
            self._arrived.put(_End())

    def __iter__(self) -> Iterator[tuple[int, Any]]:
        self._thread.start()
        # No name here holds an output: it is the user's alone.
        held = [self._next()]
        while not isinstance(held[0], _End):
            yield held.pop()
            held.append(self._next())
        throw_if(held[0].take_error())

    def _next(self) -> Any:
        while True:
            with suppress(queue.Empty):
                return self._arrived.get(timeout=_POLL_SECONDS)

    def consume(self) -> None:
        """Make room for another."""
        self._run.consume()

    def cancel(self) -> None:
        """Let the run end at once, but for tasks in hand."""
        self._run.cancel()

    def close(self, error: BaseException | None = None) -> None:
        """End the run, and wait until its workers are told; `error` gains a note of how far it was."""
        # At the interpreter's exit threads stand still: nobody is there to be waited for.
        if sys.is_finalizing() or not self._thread.is_alive():
            return
        self.cancel()
        self._thread.join(_JOIN_SECONDS)
        while error is not None and not self._arrived.empty():
            item = self._arrived.get()
            if isinstance(item, _End) and isinstance(item.error, RunStopped):
                copy_notes(item.error, error)

"""What a recorder heard of a finished run to what a picture says of each task."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from lazygraph.errors import DrawingError
from lazygraph.protocols import (
    Event,
    TaskEnded,
    TaskFailed,
    TaskRetried,
    TaskSkipped,
    TaskStarted,
)
from lazygraph.tasks.keys import Key
from lazygraph.tasks.reprs import short_repr
from lazygraph.viz.model import Mark

__all__ = ["Outcome", "bytes_text", "outcomes_of", "seconds_text"]

# A task is slow that took so many times what the middle one took, and so much of the whole.
_SLOW_TIMES, _SLOW_SHARE = 4, 0.1


@dataclass(slots=True)
class Outcome:
    """What became of one task; None for what is not known."""

    place: int | None = None  # among the tasks, by when they began
    seconds: float | None = None
    nbytes: int | None = None
    worker: str = ""
    retries: int = 0
    error: BaseException | None = None
    marks: set[Mark] = field(default_factory=set)

    def lines(self) -> list[str]:
        """What a tooltip says of it."""
        parts = [f"took {seconds_text(self.seconds)}"] if self.seconds is not None else []
        parts += [f"gave {bytes_text(self.nbytes)}"] if self.nbytes is not None else []
        parts += [f"on {self.worker}"] if self.worker else []
        lines = [", ".join(parts)] if parts else []
        if self.retries:
            lines.append(f"tried again {self.retries} time{'' if self.retries == 1 else 's'}")
        if self.error is not None:
            lines.append(f"failed: {short_repr(self.error)}")
        said = {"skipped": "skipped: what it needs failed", "pending": "did not run"}
        return lines + [said[mark] for mark in sorted(self.marks & said.keys())]


def outcomes_of(events: Iterable[Event], keys: Iterable[Key]) -> Mapping[Key, Outcome]:
    """What became of the tasks of `keys`; of several runs, the last.

    Raises
    ------
    DrawingError
        If the run had none of the tasks.
    """
    reader = _Reader()
    for event in events:
        reader.read(event)
    found = {key: reader.outcomes[key] for key in keys if key in reader.outcomes}
    if not found:
        raise DrawingError("run= has none of the graph's tasks: it is another graph's")
    _mark_slow(found.values())
    return {key: found.get(key) or Outcome(marks={"pending"}) for key in keys}


class _Reader:
    def __init__(self) -> None:
        self.outcomes: dict[Key, Outcome] = {}
        self._began: dict[Key, float] = {}
        self._n_begun = 0

    def read(self, event: Any) -> None:
        if isinstance(event, TaskStarted):
            self._start(event)
        elif isinstance(event, TaskEnded):
            outcome = self._end(event)
            outcome.nbytes = getattr(event, "nbytes", None)
        elif isinstance(event, TaskFailed):
            outcome = self._end(event)
            outcome.error = event.error
            outcome.marks.add("failed")
        elif isinstance(event, TaskRetried):
            self._of(event.key).retries += 1
        elif isinstance(event, TaskSkipped):
            self.outcomes[event.key] = Outcome(marks={"skipped"})

    def _start(self, event: TaskStarted) -> None:
        retries = self._of(event.key).retries
        self.outcomes[event.key] = Outcome(
            place=self._n_begun, worker=event.worker, retries=retries, marks={"running"}
        )
        self._began[event.key] = event.seconds
        self._n_begun += 1

    def _end(self, event: TaskEnded | TaskFailed) -> Outcome:
        outcome = self._of(event.key)
        outcome.marks.discard("running")
        outcome.worker = event.worker
        began = self._began.get(event.key)
        outcome.seconds = None if began is None else event.seconds - began
        return outcome

    def _of(self, key: Key) -> Outcome:
        return self.outcomes.setdefault(key, Outcome())


def _mark_slow(outcomes: Iterable[Outcome]) -> None:
    known = [outcome for outcome in outcomes if outcome.seconds is not None]
    seconds = [outcome.seconds or 0.0 for outcome in known]
    if not seconds:
        return
    least = max(_SLOW_TIMES * median(seconds), _SLOW_SHARE * sum(seconds))
    for outcome, its_seconds in zip(known, seconds, strict=True):
        if its_seconds > least:
            outcome.marks.add("slow")


def seconds_text(seconds: float) -> str:
    """A time in three digits.

    Examples
    --------
    >>> seconds_text(0.000123), seconds_text(0.0456), seconds_text(7.891), seconds_text(600)
    ('123 µs', '45.6 ms', '7.89 s', '600 s')
    """
    for factor, unit in ((1, "s"), (1_000, "ms")):
        if seconds * factor >= 1:
            return f"{_three_digits(seconds * factor)} {unit}"
    return f"{_three_digits(seconds * 1e6)} µs"


def bytes_text(nbytes: float) -> str:
    """A size in three digits.

    Examples
    --------
    >>> bytes_text(512), bytes_text(2_500_000)
    ('512 B', '2.5 MB')
    """
    for factor, unit in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if nbytes >= factor:
            return f"{_three_digits(nbytes / factor)} {unit}"
    return f"{nbytes:.0f} B"


def _three_digits(value: float) -> str:
    return f"{value:,.0f}" if value >= 99.95 else f"{value:.3g}"

"""What a recorder heard of a finished run to what a picture says of each task."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import fsum, inf
from typing import Any, NamedTuple

from lazygraph.errors import DrawingError
from lazygraph.protocols import (
    Event,
    RunStarted,
    TaskEnded,
    TaskFailed,
    TaskRetried,
    TaskSkipped,
    TaskStarted,
)
from lazygraph.tasks.keys import Key
from lazygraph.tasks.reprs import short_repr
from lazygraph.viz.model import Mark

__all__ = ["SLOW", "Outcome", "Run", "bytes_text", "read_run", "seconds_text"]

# So at most a quarter of the tasks are slow, and those are felt.
_SLOW_TIMES, _SLOW_SHARE, _MOST = 4, 0.1, 0.75
#: When a task is called slow, and not said to have failed.
SLOW = "4 times what three in four took at most and a tenth of the whole"


@dataclass(slots=True)
class Outcome:
    """What became of one task; None for what is not known."""

    place: int | None = None  # among the tasks, by when they began
    seconds: float | None = None  # of all attempts together
    nbytes: int | None = None
    worker: str = ""
    retries: int = 0
    error: BaseException | None = None
    marks: set[Mark] = field(default_factory=set)

    @property
    def fate(self) -> str:
        """What a box says of a task that failed: how long it took in all, and how often."""
        if "failed" not in self.marks:
            return ""
        said = [seconds_text(self.seconds)] if self.seconds is not None else []
        return ", ".join(said + ([f"{self.retries + 1} attempts"] if self.retries else []))

    def lines(self) -> list[str]:
        """Return what a tooltip says of it."""
        parts = [f"took {seconds_text(self.seconds)}"] if self.seconds is not None else []
        parts += [f"gave {bytes_text(self.nbytes)}"] if self.nbytes is not None else []
        parts += [f"on {self.worker}"] if self.worker else []
        lines = [", ".join(parts)] if parts else []
        if self.retries:
            lines.append(f"{self.retries + 1} attempts")
        if self.error is not None:
            lines.append(f"failed: {short_repr(self.error)}")
        said = {"skipped": "skipped: what it needs failed", "pending": "did not run"}
        return lines + [said[mark] for mark in sorted(self.marks & said.keys())]


class Run(NamedTuple):
    """What became of each task, and from how many seconds on a task was slow."""

    outcomes: Mapping[Key, Outcome]
    slow_seconds: float


def read_run(events: Iterable[Event], keys: Sequence[Key]) -> Run:
    """Return what became of the tasks of `keys`; of several runs, the last.

    Raises
    ------
    DrawingError
        If the run had none of the tasks.
    """
    reader = _Reader()
    for event in events:
        reader.read(event)
    found = {key: reader.outcomes[key] for key in keys if key in reader.outcomes}
    for place, outcome in enumerate(sorted(found.values(), key=_began)):
        outcome.place = None if outcome.place is None else place
    if not found:
        raise DrawingError("run= has none of the graph's tasks: it is another graph's")
    slow_seconds = _slow_seconds(found.values())
    for outcome in found.values():
        if "failed" not in outcome.marks and (outcome.seconds or 0.0) > slow_seconds:
            outcome.marks.add("slow")
    return Run({key: found.get(key) or Outcome(marks={"pending"}) for key in keys}, slow_seconds)


class _Reader:
    def __init__(self) -> None:
        self.outcomes: dict[Key, Outcome] = {}
        self._began: dict[Key, float] = {}
        self._spent: dict[Key, float] = {}  # by attempts that failed
        self._n_begun = 0

    def read(self, event: Any) -> None:
        if isinstance(event, RunStarted):  # of its tasks, what an earlier run did is no more
            for step in range(len(event.plan)):
                self.outcomes.pop(event.plan.key(step), None)
        elif isinstance(event, TaskStarted):
            self._start(event)
        elif isinstance(event, TaskEnded):
            outcome = self._end(event)
            outcome.nbytes = getattr(event, "nbytes", None)
        elif isinstance(event, TaskFailed):
            outcome = self._end(event)
            outcome.error = event.error
            outcome.marks.add("failed")
        elif isinstance(event, TaskRetried):
            outcome = self._of(event.key)
            outcome.retries += 1
            outcome.marks.add("running")  # it will again
            self._spent[event.key] = self._seconds(event) or 0.0
        elif isinstance(event, TaskSkipped):
            self.outcomes[event.key] = Outcome(marks={"skipped"})

    def _start(self, event: TaskStarted) -> None:
        before = self._of(event.key)
        if "running" not in before.marks:  # the first attempt, perhaps of a further run
            before = Outcome()
            self._spent.pop(event.key, None)
        self.outcomes[event.key] = Outcome(
            place=self._n_begun, worker=event.worker, retries=before.retries, marks={"running"}
        )
        self._began[event.key] = event.seconds
        self._n_begun += 1

    def _end(self, event: TaskEnded | TaskFailed) -> Outcome:
        outcome = self._of(event.key)
        outcome.marks.discard("running")
        outcome.worker = event.worker
        outcome.seconds = self._seconds(event)
        return outcome

    def _seconds(self, event: TaskEnded | TaskFailed | TaskRetried) -> float | None:
        began = self._began.get(event.key)
        return None if began is None else event.seconds - began + self._spent.get(event.key, 0.0)

    def _of(self, key: Key) -> Outcome:
        return self.outcomes.setdefault(key, Outcome())


def _began(outcome: Outcome) -> float:
    return inf if outcome.place is None else outcome.place


def _slow_seconds(outcomes: Iterable[Outcome]) -> float:
    """Return how long a task takes at least that is called slow."""
    known = sorted([outcome.seconds for outcome in outcomes if outcome.seconds is not None])
    if not known:
        return inf
    most = known[int(_MOST * (len(known) - 1))]
    return max(_SLOW_TIMES * most, _SLOW_SHARE * fsum(known))


def seconds_text(seconds: float) -> str:
    """Return a time in three digits.

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
    """Return a size in three digits.

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

"""What a colour can stand for: a number for each task, from the plan's order or from a run."""

from __future__ import annotations

from collections.abc import Sequence
from math import log
from typing import NamedTuple

from lazygraph.viz.look import Colour
from lazygraph.viz.scenes.runs import Outcome, bytes_text, seconds_text

__all__ = ["Lifetimes", "Ramp", "quantities", "ramp_of", "value_text"]

# Where so many of the values share so little of the range, colours follow their logarithms.
_MOST, _LITTLE = 0.75, 0.05


class Lifetimes:
    """How long results are held when tasks run in a given order.

    Parameters
    ----------
    dependencies : sequence of sequence of int
        Per task, earlier tasks.
    outputs : collection of int
        Tasks whose results are kept to the end.

    Attributes
    ----------
    last_use : list of int
        Per task, the last that needs its result; itself if none does.
    alive : list of int
        How many results are held when it has run, its own included, before any is forgotten.
    """

    def __init__(self, dependencies: Sequence[Sequence[int]], outputs: frozenset[int]) -> None:
        n = len(dependencies)
        self.last_use = list(range(n))
        for task, needed in enumerate(dependencies):
            for dependency in needed:
                self.last_use[dependency] = task
        for task in outputs:
            self.last_use[task] = n - 1
        self.frees = [0] * n
        for task, last in enumerate(self.last_use):
            if task not in outputs:
                self.frees[last] += 1
        self.alive, held = [], 0
        for frees in self.frees:
            self.alive.append(held + 1)
            held += 1 - frees

    def of(self, color: Colour) -> list[float]:
        """By the names that Dask has for them."""
        tasks = range(len(self.last_use))
        grown = [self.alive[self.last_use[n]] - self.alive[n] for n in tasks]
        known: dict[str, Sequence[float]] = {
            "order": tasks,
            "ages": [self.last_use[n] - n for n in tasks],
            "freed": self.frees,
            "memorypressure": self.alive,
            "memoryincreases": [max(0, change) for change in grown],
            "memorydecreases": [max(0, -change) for change in grown],
        }
        return [float(value) for value in known[color]]


def quantities(
    color: Colour, lifetimes: Lifetimes, outcomes: Sequence[Outcome] | None
) -> list[float | None]:
    """Per task; None for what is not known of it."""
    if color in {"seconds", "bytes"} or (color == "order" and outcomes):
        name = {"seconds": "seconds", "bytes": "nbytes", "order": "place"}[color]
        return [getattr(outcome, name) for outcome in outcomes or ()]
    return list(lifetimes.of(color))


class Ramp(NamedTuple):
    """The way from the least value to the greatest, in equal steps or in equal factors."""

    low: float
    high: float
    is_logarithmic: bool = False

    def share(self, value: float) -> float:
        """Return 0 for the least value, 1 for the greatest; one half where all are equal."""
        if self.low == self.high:
            return 0.5
        if self.is_logarithmic:
            return log(max(value, self.low) / self.low) / log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)


def ramp_of(values: Sequence[float | None]) -> Ramp:
    """Return the ramp on which values are told apart, an outlier among them or not.

    Examples
    --------
    >>> ramp = ramp_of([1.0, 2.0, 4.0, 4096.0])
    >>> ramp.is_logarithmic, ramp.share(64.0)
    (True, 0.5)
    """
    known = sorted([value for value in values if value is not None]) or [0.0]
    low, high, most = known[0], known[-1], known[int(_MOST * (len(known) - 1))]
    least = next((value for value in known if value > 0), high)
    if low >= 0 and least < most and most - low < _LITTLE * (high - low):
        return Ramp(least, high, is_logarithmic=True)
    return Ramp(low, high)


def value_text(color: Colour | None, value: float) -> str:
    """Return a value in short, as boxes and the ends of the scale show it."""
    if color == "seconds":
        return seconds_text(value)
    return bytes_text(value) if color == "bytes" else f"{value:,.0f}"

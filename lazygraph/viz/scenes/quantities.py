"""What a colour can stand for: a number for each task, from the plan's order or from a run."""

from __future__ import annotations

from collections.abc import Sequence

from lazygraph.viz.look import Colour
from lazygraph.viz.scenes.runs import Outcome, bytes_text, seconds_text

__all__ = ["Lifetimes", "quantities", "shares", "value_text"]

Values = Sequence[float | None]


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


def shares(values: Values) -> list[float | None]:
    """From 0 for the lowest to 1 for the highest; one half where all are equal."""
    known = [value for value in values if value is not None]
    low, high = min(known, default=0.0), max(known, default=0.0)
    if low == high:
        return [None if value is None else 0.5 for value in values]
    return [None if value is None else (value - low) / (high - low) for value in values]


def value_text(color: Colour | None, value: float) -> str:
    """A value in short, as boxes and the ends of the scale show it."""
    if color == "seconds":
        return seconds_text(value)
    return bytes_text(value) if color == "bytes" else f"{value:,.0f}"

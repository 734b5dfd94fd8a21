"""A job: what one fresh process measures, and what it brings home."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Figures", "Job", "Outcome", "Withheld"]

#: name of a figure, unit last -> its value
Figures = dict[str, float]


class Job(NamedTuple):
    """One measure of one engine on one workload of one size."""

    measure: str
    engine: str
    workload: str = ""
    n: int = 0

    def __str__(self) -> str:
        return " ".join(str(part) for part in self if part)


class Outcome(NamedTuple):
    """What came of a job: figures, or the reason why there are none.

    ``is_withheld`` tells a figure that would not be fair to print from a run that failed.
    """

    figures: Figures
    problem: str = ""
    is_withheld: bool = False
    seconds: float = 0.0


class Withheld(Exception):  # noqa: N818  # nothing has gone wrong
    """A measure finds that the machine was too busy for its figure to mean anything."""

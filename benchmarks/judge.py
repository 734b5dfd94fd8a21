"""Figures to verdicts: reached, below reach, MISSED, withheld, skipped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from statistics import median

from benchmarks.jobs import Job, Outcome
from benchmarks.rows import Case, Figure, jobs_of

__all__ = ["Finding", "Verdict", "judge", "values_of"]


class Verdict(Enum):
    """What is said of a case."""

    REACHED = "reached"
    BELOW_REACH = "below reach"
    MISSED = "MISSED"
    WITHHELD = "withheld"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Finding:
    """A case with its value in each round, and what follows."""

    case: Case
    values: tuple[float, ...]
    verdict: Verdict
    reason: str = ""


Rounds = Sequence[Outcome | None]


def values_of(
    ours: Figure, theirs: Figure | None, outcomes: Mapping[Job, Rounds]
) -> tuple[float, ...]:
    """The ratio of two figures, or the one, in every round that has what it takes."""
    mine = _column(ours, outcomes)
    if theirs is None:
        return tuple(value for value in mine if value is not None)
    pairs = zip(mine, _column(theirs, outcomes), strict=True)
    return tuple(a / b for a, b in pairs if a is not None and b)


def _column(figure: Figure, outcomes: Mapping[Job, Rounds]) -> list[float | None]:
    rounds = outcomes[figure.job]
    return [None if outcome is None else outcome.figures.get(figure.name) for outcome in rounds]


def judge(case: Case, outcomes: Mapping[Job, Rounds]) -> Finding:
    """Hold a case's median against its gate and its reach.

    A failure of ours misses the gate. What is missing for another reason (Dask took too long,
    the machine was too busy) is withheld.
    """
    if any(job not in outcomes for job in jobs_of(case)):
        return Finding(case, (), Verdict.SKIPPED, "not run")
    for problem in _problems(outcomes[case.ours.job]):
        if not problem.is_withheld:
            return Finding(case, (), Verdict.MISSED, f"{case.ours.job}: {problem.problem}")
    values = values_of(case.ours, case.theirs, outcomes)
    if not values:
        reasons = [f"{job}: {p.problem}" for job in jobs_of(case) for p in _problems(outcomes[job])]
        return Finding(case, (), Verdict.WITHHELD, next(iter(reasons), "no round has both figures"))
    return Finding(case, values, _verdict(median(values), case))


def _problems(rounds: Rounds) -> list[Outcome]:
    return [outcome for outcome in rounds if outcome is not None and outcome.problem]


def _verdict(value: float, case: Case) -> Verdict:
    if value > case.gate:
        return Verdict.MISSED
    return Verdict.REACHED if value <= case.reach else Verdict.BELOW_REACH

"""What all runs under a fault come to, and whether that is good."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.faults.runs import Run

__all__ = ["Tally", "blemishes", "is_bad", "verdict_text"]


@dataclass(frozen=True)
class Tally:
    """The runs under a fault, and what their process left behind when it was over.

    Attributes
    ----------
    asked : int
        How many runs there should have been.
    processes, memory : int
        Left behind at the end, beside what single runs left.
    problem : str
        Why the process did not end as it should; empty if it did.
    """

    fault: str
    asked: int
    runs: tuple[Run, ...]
    processes: int = 0
    memory: int = 0
    problem: str = ""

    @property
    def struck(self) -> int:
        """Runs in which the fault did happen."""
        return sum(run.struck for run in self.runs)

    @property
    def lost(self) -> int:
        """Results that did not come."""
        return sum(run.lost for run in self.runs)

    @property
    def wrong(self) -> int:
        """Results unlike the oracle's."""
        return sum(run.wrong for run in self.runs)

    @property
    def all_processes(self) -> int:
        """Processes left behind, by runs and at the end."""
        return self.processes + sum(run.processes for run in self.runs)

    @property
    def all_memory(self) -> int:
        """Pieces of shared memory left behind, likewise."""
        return self.memory + sum(run.memory for run in self.runs)

    @property
    def errors(self) -> Counter[str]:
        """The errors that were due and clear, and how often they came."""
        return Counter(run.error for run in self.runs if run.error)

    @property
    def worst(self) -> dict[str, float]:
        """The largest of each figure that was measured."""
        pairs = [pair for run in self.runs for pair in run.figures]
        return {name: max(v for n, v in pairs if n == name) for name, _ in pairs}


def blemishes(tally: Tally) -> Iterator[str]:
    """Whatever is not as it should be, the gravest first."""
    if tally.problem:
        yield tally.problem
    if len(tally.runs) < tally.asked:
        yield f"{len(tally.runs)} of {tally.asked} runs came to an end"
    counted = {
        "results lost": tally.lost,
        "results wrong": tally.wrong,
        "processes left behind": tally.all_processes,
        "pieces of shared memory left behind": tally.all_memory,
    }
    yield from (f"{count} {what}" for what, count in counted.items() if count)
    yield from _problems(tally)
    # What did not happen was not withstood. A blow may miss a run that is over early.
    if 2 * tally.struck < len(tally.runs):
        yield f"the fault happened in {tally.struck} of {len(tally.runs)} runs only"


def _problems(tally: Tally) -> Iterator[str]:
    counts = Counter(run.problem for run in tally.runs if run.problem)
    yield from (f"{count} x {problem}" for problem, count in counts.items())


def is_bad(tally: Tally) -> bool:
    """Whether anything is amiss."""
    return any(True for _ in blemishes(tally))


def verdict_text(tally: Tally) -> str:
    """One line: good, with what was measured, or BAD, with the gravest blemish and how many more."""
    first, *others = [*blemishes(tally), ""]
    if not first:
        worst = ", ".join(f"{name} {value:.2g}" for name, value in tally.worst.items())
        return f"good ({worst} at most)" if worst else "good"
    more = len(others) - 1
    return f"BAD: {first}" + (f" (and {more} more)" if more else "")

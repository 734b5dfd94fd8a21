"""Tallies to text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from benchmarks.faults.verdict import Tally, blemishes, is_bad, verdict_text
from benchmarks.table import columns

__all__ = ["LEGEND", "blemish_list", "fault_table"]

LEGEND = """\
Each fault is done for real, to processes on this machine, and every result is held against the
same calls made directly in Python.
  runs       attempted                 struck   of them, those that the fault fell into: some
                                                blows come when the last result is there
  lost       results that did not come, though nothing that they are made of failed
  wrong      results unlike those of plain Python, when they came or after another run
  processes  left behind, dead ones that nobody waited for included
  memory     pieces of shared memory left behind: open or mapped in a process, or in /dev/shm
  errors     those that were due, came, and named what they have to
After Ctrl-C control is due back in 1 s, and the process over in 3 s. What is on its way out has
2 s to go. Of many computes the first 50 only warm up; from then on there may be no more
processes, threads or open files, and 8 MB of resident memory per process."""

_HEAD = ("fault", "what", "runs", "struck", "lost", "wrong", "processes", "memory")


def fault_table(tallies: Iterable[tuple[str, Tally]]) -> str:
    """One line for each fault, given what it is and what came of it."""
    head = (*_HEAD, "errors", "verdict")
    return columns([head, *(_line(text, tally) for text, tally in tallies)])


def _line(text: str, tally: Tally) -> Sequence[str]:
    counts = (
        *(len(tally.runs), tally.struck, tally.lost, tally.wrong),
        *(tally.all_processes, tally.all_memory),
    )
    errors = ", ".join(f"{count} {name}" for name, count in tally.errors.items())
    return (tally.fault, text, *map(str, counts), errors or "-", verdict_text(tally))


def blemish_list(tallies: Iterable[Tally]) -> str:
    """Everything that is amiss, under the fault's name; empty if nothing is."""
    lines = [[t.fault, *(f"  {text}" for text in blemishes(t))] for t in tallies if is_bad(t)]
    return "\n".join(line for group in lines for line in group)

"""A fault, and what one run under it showed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random
from typing import NamedTuple

__all__ = ["Fault", "Run"]


class Run(NamedTuple):
    """What one run showed; by default, that all went well.

    Attributes
    ----------
    struck : bool
        The fault did happen, and while the run was under way.
    lost, wrong : int
        Results that did not come, and results unlike the oracle's.
    processes, memory : int
        Left behind: processes, pieces of shared memory.
    error : str
        The class of the error that was due, came, and said what it has to.
    problem : str
        What else was amiss.
    figures : tuple of (str, float)
        Whatever was measured, by name.
    """

    struck: bool = True
    lost: int = 0
    wrong: int = 0
    processes: int = 0
    memory: int = 0
    error: str = ""
    problem: str = ""
    figures: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong, and how to make it.

    Attributes
    ----------
    run : callable
        A seeded generator of chances and a number of runs -> the runs, one by one.
    n_runs, n_quick : int
        How many, and how many of them with ``--quick``.
    seconds : float
        After so long, what is not over hangs.
    """

    name: str
    text: str
    run: Callable[[Random, int], Iterator[Run]]
    n_runs: int
    n_quick: int
    seconds: float = 100.0

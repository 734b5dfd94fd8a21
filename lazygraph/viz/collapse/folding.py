"""Levels that repeat, folded: the first and the last of them shown, and how many between."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from typing import NamedTuple

from lazygraph.viz.collapse.classes import Partition, Summary, numbered

__all__ = ["Fold", "fold"]

_MOST_PERIOD = 12
_LEAST_STEPS = 4


class _Run(NamedTuple):
    """`steps` times the same `period` levels, beginning at `start`."""

    start: int
    period: int
    steps: int

    @property
    def end(self) -> int:
        """The level after the last step."""
        return self.start + self.period * self.steps

    @property
    def middle(self) -> range:
        """The levels of all steps but the first and the last."""
        return range(self.start + self.period, self.end - self.period)


class Fold(NamedTuple):
    """A partition by function and level in which some classes hold whole steps.

    Attributes
    ----------
    partition : Partition
        The class of each unit.
    steps : dict of int to int
        How many steps a class holds, of those that hold any.
    """

    partition: Partition
    steps: dict[int, int]


class _Level(NamedTuple):
    """Numbers that are equal for levels with the same functions; with the same wiring too."""

    functions: int
    wiring: int


def fold(
    names: Sequence[str],
    dependencies: Sequence[Sequence[int]],
    levels: Sequence[int],
    rule: tuple[Summary, int],
) -> Fold | None:
    """Return function and level, with levels that repeat at least four times folded.

    Levels are alike if they hold the same functions that need the same functions: as often, or
    at all, as the `rule`'s summary says. Whole neighbouring levels are folded: so no two
    classes wait for each other.

    Returns
    -------
    Fold or None
        None if there are more classes than the rule permits.

    Notes
    -----
    O(tasks + dependencies).
    """
    summary, most = rule
    runs = list(_runs(_read(names, dependencies, levels, summary)))
    band_of = list(range(max(levels) + 1))
    for run in runs:
        for level in run.middle:
            band_of[level] = run.middle.start
    folded = {run.middle.start: run.steps - 2 for run in runs}
    bands = [band_of[level] for level in levels]
    roles = ["" if band in folded else name for band, name in zip(bands, names, strict=True)]
    partition = numbered(zip(bands, roles, strict=True), most)
    if partition is None:
        return None
    pairs = zip(partition, bands, strict=True)
    return Fold(partition, {cls: folded[band] for cls, band in pairs if band in folded})


def _read(
    names: Sequence[str],
    dependencies: Sequence[Sequence[int]],
    levels: Sequence[int],
    summary: Summary,
) -> list[_Level]:
    number = {name: n for n, name in enumerate(dict.fromkeys(names), 1)}
    functions = [number[name] for name in names]
    units: list[list[int]] = [[] for _ in range(max(levels) + 1)]
    for unit, level in enumerate(levels):
        units[level].append(unit)
    ids: dict[Hashable, int] = {}
    made = []
    for members in units:
        held = summary([functions[unit] for unit in members])
        wiring = summary(
            [
                functions[unit] * len(number) + functions[dep]
                for unit in members
                for dep in dependencies[unit]
            ]
        )
        alike = ids.setdefault(held, len(ids)), ids.setdefault((held, wiring), len(ids))
        made.append(_Level(*alike))
    return made


def _runs(levels: Sequence[_Level]) -> Iterator[_Run]:
    """Yield what repeats, from the lowest level up, each time what covers most levels."""
    start = done = 0
    while start < len(levels):
        periods = range(1, min(_MOST_PERIOD, len(levels) - start) + 1)
        found = [_run(levels, start, done, period) for period in periods]
        run = max(found, key=lambda run: len(run.middle))
        if run.steps >= _LEAST_STEPS:
            yield run
            start = done = run.end
        else:
            start += 1


def _run(levels: Sequence[_Level], start: int, done: int, period: int) -> _Run:
    """Return what repeats with this period from `start` on, and perhaps from before.

    The first step is often wired otherwise, to the inputs: so its functions will do.
    """
    end = start
    while end + period < len(levels) and levels[end].wiring == levels[end + period].wiring:
        end += 1
    first = max(start - period, done)
    while start > first and levels[start - 1].functions == levels[start - 1 + period].functions:
        start -= 1
    return _Run(start, period, (end - start) // period + 1)

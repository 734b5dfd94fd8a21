"""Units to a partition: the first rung from fine to coarse that gives few classes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from lazygraph.tasks.reprs import counted
from lazygraph.viz.collapse.classes import (
    Partition,
    Summary,
    crossed,
    from_above,
    from_below,
    multiset,
    numbered,
)
from lazygraph.viz.collapse.cycles import by_function
from lazygraph.viz.collapse.folding import fold
from lazygraph.viz.collapse.levels import band_text, bands_of, levels_of
from lazygraph.viz.collapse.units import Units

__all__ = ["MOST_GROUPS", "Rung", "climb"]

#: No picture of a large graph has more.
MOST_GROUPS = 60
_FEW = 16


@dataclass(frozen=True, slots=True)
class Rung:
    """A way to group, and the classes of units that it gives.

    Attributes
    ----------
    note : str
        What is equal within a class.
    partition : Partition or None
        None where there would be more than `MOST_GROUPS`.
    labels : mapping of int to str
        Of the classes that hold whole levels: they are not named by a function.
    is_profile : bool
        Whether the classes are mere bands of levels.
    """

    note: str
    partition: Partition | None
    labels: Mapping[int, str] = field(default_factory=dict)
    is_profile: bool = False

    @property
    def n_groups(self) -> int:
        """How many classes; more than `MOST_GROUPS` where there is no partition."""
        return MOST_GROUPS + 1 if self.partition is None else max(self.partition, default=-1) + 1


def climb(units: Units) -> Rung:
    """Return the first rung with few classes; else the one with fewest; bands where all have too many.

    Notes
    -----
    O(tasks + dependencies): a rung is left as soon as it has too many classes.
    """
    tried = []
    for rung in _ladder(units):
        if rung.n_groups <= _FEW and not rung.is_profile:
            return rung
        tried.append(rung)
    return min(
        tried, key=lambda rung: (rung.n_groups > MOST_GROUPS, rung.is_profile, rung.n_groups)
    )


def _ladder(units: Units) -> Iterator[Rung]:
    roles = [(name, unit in units.outputs) for unit, name in enumerate(units.names)]
    note = "identical structure"
    below = from_below(units.names, units.dependencies, multiset, MOST_GROUPS)
    above = from_above(roles, units.dependents, multiset, MOST_GROUPS)
    yield Rung(note, crossed(below, above, MOST_GROUPS))
    sides = [Rung(f"{note} of what they need", below), Rung(f"{note} of what needs them", above)]
    yield min(sides, key=lambda rung: rung.n_groups)
    below = from_below(units.names, units.dependencies, frozenset, MOST_GROUPS)
    above = from_above(units.names, units.dependents, frozenset, MOST_GROUPS)
    yield Rung("similar structure", crossed(below, above, MOST_GROUPS))
    yield Rung("similar structure of what they need", below)
    levels = levels_of(units.dependencies)
    by_level = numbered(zip(levels, units.names, strict=True), MOST_GROUPS)
    yield Rung("function and level", by_level)
    yield _folded("repeated levels folded", units, levels, multiset)
    yield _folded("similar levels folded", units, levels, frozenset)
    yield from _coarsest(units, levels)


def _folded(note: str, units: Units, levels: Sequence[int], summary: Summary) -> Rung:
    note = f"function and level, {note}"
    made = fold(units.names, units.dependencies, levels, (summary, MOST_GROUPS))
    if made is None:
        return Rung(note, None)
    labels = {cls: f"… {counted(steps, 'more step')}" for cls, steps in made.steps.items()}
    return Rung(note, made.partition, labels)


def _coarsest(units: Units, levels: Sequence[int]) -> Iterator[Rung]:
    """By function, unless that says nothing; then what is always possible."""
    merged = Rung("function", by_function(units.names, units.dependencies))
    if merged.n_groups > 2:
        yield merged
    bands = bands_of(max(levels) + 1)
    band_of = [n for n, band in enumerate(bands) for _ in band]
    labels = {n: band_text(band) for n, band in enumerate(bands)}
    yield Rung("bands of levels", [band_of[level] for level in levels], labels, is_profile=True)

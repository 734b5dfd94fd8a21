"""Units to classes of equals: one walk along the dependencies, or against them.

What is needed is in lower levels than what needs it, and a class never spans two levels: so
classes never wait for each other in a circle. Source: the colour refinement of Weisfeiler &
Leman (1968), which on an acyclic graph is done after one round.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence

__all__ = ["Partition", "Summary", "crossed", "from_above", "from_below", "multiset", "numbered"]

#: Per unit, the number of its class, from 0.
Partition = list[int]
#: What counts of the classes that a unit needs, or that need it: `multiset` or `frozenset`.
Summary = Callable[[list[int]], Hashable]

_FEW = 8


def multiset(classes: list[int]) -> Hashable:
    """Which classes, and how often each. O(classes), however long the list."""
    if len(classes) <= _FEW:
        classes.sort()
        return tuple(classes)
    return frozenset(Counter(classes).items())


def numbered(keys: Iterable[Hashable], most: int) -> Partition | None:
    """Equal keys to equal numbers; None as soon as there are more than `most`."""
    ids: dict[Hashable, int] = {}
    made: Partition = []
    for key in keys:
        made.append(ids.setdefault(key, len(ids)))
        if len(ids) > most:
            return None
    return made


def crossed(one: Partition | None, other: Partition | None, most: int) -> Partition | None:
    """Equal where both are equal; None if either is, or if there are more than `most`."""
    if one is None or other is None:
        return None
    return numbered(zip(one, other, strict=True), most)


def from_below(
    roles: Sequence[Hashable],
    dependencies: Sequence[Sequence[int]],
    summary: Summary,
    most: int,
) -> Partition | None:
    """Equal role and equal classes needed; None if there are more than `most`."""
    made: Partition = [0] * len(roles)
    return made if _refine(range(len(roles)), roles, dependencies, (summary, most), made) else None


def from_above(
    roles: Sequence[Hashable],
    dependents: Sequence[Sequence[int]],
    summary: Summary,
    most: int,
) -> Partition | None:
    """Equal role and needed by equal classes; None if there are more than `most`."""
    made: Partition = [0] * len(roles)
    order = range(len(roles) - 1, -1, -1)
    return made if _refine(order, roles, dependents, (summary, most), made) else None


def _refine(
    order: Iterable[int],
    roles: Sequence[Hashable],
    neighbours: Sequence[Sequence[int]],
    rule: tuple[Summary, int],
    made: Partition,
) -> bool:
    """Fill `made`; False as soon as there are too many: going on only adds classes."""
    summary, most = rule
    ids: dict[Hashable, int] = {}
    for unit in order:
        key = roles[unit], summary([made[near] for near in neighbours[unit]])
        made[unit] = ids.setdefault(key, len(ids))
        if len(ids) > most:
            return False
    return True

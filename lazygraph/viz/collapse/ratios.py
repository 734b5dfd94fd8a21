"""Groups to the edges between them, each with a label that says how its tasks are wired."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

__all__ = ["Fan", "edges_of", "fans_of"]

#: (group, other group) -> what the members of the first have to do with the other
Fans = dict[tuple[int, int], "Fan"]


@dataclass(slots=True)
class Fan:
    """How many neighbours in another group the members of a group have.

    Attributes
    ----------
    least, most : int
        Of those that have any.
    members : int
        How many have any.
    total : int
        All neighbours of all of them.
    """

    least: int
    most: int
    members: int = 0
    total: int = 0

    def add(self, each: int, members: int) -> None:
        """Take in `members` that have `each`."""
        self.least, self.most = min(self.least, each), max(self.most, each)
        self.members += members
        self.total += each * members


def fans_of(group_of: Sequence[int], neighbours: Sequence[Sequence[int]]) -> Fans:
    """Return the fans from every group to every group, its own too. O(tasks + neighbours)."""
    made: Fans = {}
    for group, counts, members in _patterns(group_of, neighbours):
        for other, each in counts.items():
            fan = made.get((group, other))
            if fan is None:
                fan = made[group, other] = Fan(each, each)
            fan.add(each, members)
    return made


def _patterns(
    group_of: Sequence[int], neighbours: Sequence[Sequence[int]]
) -> Iterator[tuple[int, Mapping[int, int], int]]:
    """Yield what members of groups have beside them, and how many have just that."""
    beside = (tuple([group_of[near] for near in nears]) for nears in neighbours)
    for (group, others), members in Counter(zip(group_of, beside, strict=True)).items():
        yield group, Counter(others), members


def edges_of(sizes: Sequence[int], down: Fans, up: Fans) -> list[tuple[int, int, int, str]]:
    """From group, to group, number of dependencies, label; sorted by the second.

    Parameters
    ----------
    sizes
        How many members each group has.
    down, up
        The fans along dependencies and dependents.

    Notes
    -----
    Labels read "this many of the first go to one of the second : one of the first goes to this
    many of the second". That holds for every member; only of a group whose members need each
    other, such as several steps or a tree, it is those that have anything to do with the other
    group. No label says one-to-one, where not all need to take part.
    """
    wiring = _Wiring(sizes, down, up)
    pairs = sorted((end, start) for end, start in down if end != start)
    return [(start, end, down[end, start].total, wiring.label(start, end)) for end, start in pairs]


@dataclass(frozen=True, slots=True)
class _Wiring:
    sizes: Sequence[int]
    down: Fans
    up: Fans

    def label(self, start: int, end: int) -> str:
        needed, used = self.down[end, start], self.up[start, end]
        sizes = self.sizes[start], self.sizes[end]
        if min(sizes) > 1 and needed.total == sizes[0] * sizes[1]:
            return "all : all"
        to_one = self._side(start, used)
        if to_one == "1" and (shape := self._reduction(end, needed)):
            return shape
        if needed.most == used.most == 1:
            return ""
        return f"{self._side(end, needed)} : {to_one}"

    def _reduction(self, end: int, needed: Fan) -> str:
        """Return what the tasks of `end` form among themselves, if each is needed by one at most."""
        inside, outside = self.down.get((end, end)), self.up.get((end, end))
        if inside is None or outside is None or outside.most > 1:
            return ""
        if inside.most > 1:
            return "tree"
        return "in turn" if needed.members == self.sizes[end] else ""

    def _side(self, group: int, fan: Fan) -> str:
        is_whole = fan.members == self.sizes[group] or (group, group) in self.down
        return f"{fan.most:,}" if is_whole and fan.least == fan.most else f"≤ {fan.most:,}"

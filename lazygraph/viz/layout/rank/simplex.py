"""Ranks to ranks whose edges are shortest in total: the network simplex method.

Source: Gansner, Koutsofios, North & Vo (1993), "A technique for drawing directed graphs", 2.3.
All edges weigh one here. So what would be won by moving a subtree is the surplus of its edges
upwards over those downwards, and that is the sum of the same over its boxes.
"""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heappop, heappush
from itertools import chain

from lazygraph.viz.layout.parts import Links

__all__ = ["shortest_ranks", "tight_tree"]

Edge = tuple[int, int]

# Boxes looked at in all pivots together, about half a second. Ranks are sound at any time, only
# longer than they could be.
_MOST_STEPS = 1_000_000
# How many boxes that would win something are compared, and the best taken.
_SEARCH = 30


def shortest_ranks(links: Links, ranks: Sequence[int]) -> list[int]:
    """Ranks of connected boxes with the least total length, from any that are feasible."""
    if _is_short(links, ranks):
        return list(ranks)
    tree = _Tree(links, list(ranks))
    while (box := tree.leaving()) is not None and tree.steps < _MOST_STEPS:
        tree.pivot(box)
    return tree.ranks


def _is_short(links: Links, ranks: Sequence[int]) -> bool:
    """Whether every edge has length one, so that nothing can be won."""
    pairs = zip(ranks, links.dependencies, strict=True)
    return all(rank - ranks[box] == 1 for rank, needed in pairs for box in needed)


class _Tree:
    """A spanning tree of edges of length one, numbered in preorder from its root.

    The subtree of `box` is ``at[first[box] : last[box]]``; `surplus` is summed over it.
    """

    def __init__(self, links: Links, ranks: list[int]) -> None:
        n = len(ranks)
        self.ranks = ranks
        self.steps = 0
        self._links = links
        self._near: list[set[int]] = [set() for _ in range(n)]  # the tree, both ways
        for start, end in tight_tree(links, ranks):
            self._near[start].add(end)
            self._near[end].add(start)
        self._own = [len(up) - len(down) for down, up in zip(*links, strict=True)]
        self._surplus, self._parent = [0] * n, [-1] * n
        self._at, self._first, self._last = [0] * n, [0] * n, [0] * n
        self._next = 0  # where the search for the next box to leave goes on
        self._number(0)

    def _number(self, root: int) -> None:
        """Give the subtree of `root` new numbers, in the places that it has, and sum it up."""
        at, first, parent = self._at, self._first, self._parent
        place = start = first[root]
        stack = [root]
        while stack:
            box = stack.pop()
            at[place], first[box] = box, place
            place += 1
            for other in sorted(self._near[box]):
                if other != parent[box]:
                    parent[other] = box
                    stack.append(other)
        self._sum(start, place)
        self.steps += place - start

    def _sum(self, start: int, end: int) -> None:
        surplus, last, parent = self._surplus, self._last, self._parent
        subtree = self._at[start:end]
        for box in subtree:
            surplus[box], last[box] = self._own[box], self._first[box] + 1
        for box in reversed(subtree[1:]):
            above = parent[box]
            surplus[above] += surplus[box]
            last[above] = max(last[above], last[box])

    def leaving(self) -> int | None:
        """Return a box whose subtree, moved away from its parent, shortens the whole; None if none does.

        Starts where the last search ended and takes the best of some.
        """
        n, best, most, n_seen = len(self.ranks), None, 0, 0
        for box in chain(range(self._next, n), range(self._next)):
            gain = self._gain(box)
            if gain > 0:
                n_seen += 1
                if gain > most:
                    best, most = box, gain
                if n_seen == _SEARCH:
                    self._next = box
                    break
        return best

    def _gain(self, box: int) -> int:
        above = self._parent[box]
        if above < 0:
            return 0
        is_higher = self.ranks[box] > self.ranks[above]
        return self._surplus[box] if is_higher else -self._surplus[box]

    def pivot(self, box: int) -> None:
        """Move the subtree of `box` away from its parent until another edge has length one."""
        above = self._parent[box]
        sign = 1 if self.ranks[box] > self.ranks[above] else -1
        slack, inner, outer = self._entering(box, sign)
        members = self._at[self._first[box] : self._last[box]]
        for member in members:
            self.ranks[member] += sign * slack
        self._near[box].remove(above)
        self._near[above].remove(box)
        root = self._common(above, outer)
        self._near[inner].add(outer)
        self._near[outer].add(inner)
        self._number(root)

    def _entering(self, box: int, sign: int) -> tuple[int, int, int]:
        """Return the edge with least slack on the side to which the subtree moves: slack and ends."""
        ranks, first = self.ranks, self._first
        start, end = first[box], self._last[box]
        neighbours = self._links.dependents if sign > 0 else self._links.dependencies
        best = (len(ranks), 0, 0)
        for inner in self._at[start:end]:
            rank = ranks[inner]
            for outer in neighbours[inner]:
                slack = abs(ranks[outer] - rank) - 1
                if slack < best[0] and not start <= first[outer] < end:
                    best = (slack, inner, outer)
        self.steps += end - start
        return best

    def _common(self, one: int, other: int) -> int:
        """Return the lowest box whose subtree holds both."""
        place = self._first[other]
        while not self._first[one] <= place < self._last[one]:
            one = self._parent[one]
        return one


def tight_tree(links: Links, ranks: list[int]) -> list[Edge]:
    """Return a spanning tree of connected boxes; `ranks` are shifted until its edges have length one.

    Grows by whichever edge has the least slack. O(edges log edges).
    """
    growth = _Growth(links, ranks)
    while len(growth.tree) < len(ranks) - 1:
        growth.grow()
    for box in range(len(ranks)):
        ranks[box] += growth.shift
    return growth.tree


class _Growth:
    """The tree so far, and the edges between it and the rest, least slack first.

    What is joined moves as a whole: its ranks are kept less the `shift` they have in common. So
    an edge's slack is that in its heap less the shift for those that leave the tree, and plus
    the shift for those that enter it.
    """

    def __init__(self, links: Links, ranks: list[int]) -> None:
        self.tree: list[Edge] = []
        self.shift = 0
        self._links, self._ranks = links, ranks
        self._is_joined = bytearray(len(ranks))
        self._leaving: list[tuple[int, int, int]] = []
        self._entering: list[tuple[int, int, int]] = []
        self._join(0)

    def grow(self) -> None:
        """Join one more box."""
        leaving = self._least(self._leaving, 2)
        entering = self._least(self._entering, 1)
        if entering is None or (leaving and leaving[0] - self.shift <= entering[0] + self.shift):
            slack, start, end = heappop(self._leaving)
            self.shift = slack
            self._join(end)
        else:
            slack, start, end = heappop(self._entering)
            self.shift = -slack
            self._join(start)
        self.tree.append((start, end))

    def _least(self, heap: list[tuple[int, int, int]], outer: int) -> tuple[int, int, int] | None:
        """Return the first whose outer end is still outside."""
        while heap and self._is_joined[heap[0][outer]]:
            heappop(heap)
        return heap[0] if heap else None

    def _join(self, box: int) -> None:
        self._is_joined[box] = True
        ranks, joined = self._ranks, self._is_joined
        rank = ranks[box] = ranks[box] - self.shift
        for end in self._links.dependents[box]:
            if not joined[end]:
                heappush(self._leaving, (ranks[end] - rank - 1, box, end))
        for start in self._links.dependencies[box]:
            if not joined[start]:
                heappush(self._entering, (rank - ranks[start] - 1, start, box))

"""Ranks to a tree of edges of length one that joins all boxes: where the simplex starts."""

from __future__ import annotations

from heapq import heappop, heappush

from lazygraph.viz.layout.links import Links

__all__ = ["tight_tree"]

Edge = tuple[int, int]


def tight_tree(links: Links, ranks: list[int]) -> list[Edge]:
    """A spanning tree of connected boxes; `ranks` are shifted until its edges have length one.

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
        """The first whose outer end is still outside."""
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

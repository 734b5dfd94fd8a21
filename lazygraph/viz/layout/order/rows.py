"""A net's layers as rows: the order from left to right, which the search for less crossings turns.

What changes a row keeps `place` true; the rest of the state is the net's and stays as it is.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Sequence

from lazygraph.viz.layout.order.net import Net

__all__ = ["Budget", "Rows"]


class Budget:
    """Links that may still be looked at: how much work a search may do, on any machine."""

    def __init__(self, links: int) -> None:
        self.left = links

    def spend(self, links: int) -> bool:
        """Take as many away; whether there were any left."""
        self.left -= links
        return self.left >= 0


class Rows:
    """Rows of items, and the place of each item in its row."""

    def __init__(self, net: Net) -> None:
        self.rows = [list(layer) for layer in net.layers]
        self.n_boxes, self.below, self.above = net.n_boxes, net.below, net.above
        self.place = [0] * len(net.below)
        self.renumber()
        # What a look at every link of a row costs, in links.
        self.costs = [
            sum([len(self.below[i]) + len(self.above[i]) + 1 for i in row]) for row in self.rows
        ]
        self.cost = sum(self.costs)

    def renumber(self) -> None:
        """Say where items are once rows have been changed."""
        for row in self.rows:
            self.number(row)

    def number(self, row: Sequence[int]) -> None:
        """Say where the items of one row are."""
        place = self.place
        for n, item in enumerate(row):
            place[item] = n

    def copied(self) -> list[list[int]]:
        """Return the rows as they are now, to come back to."""
        return [row[:] for row in self.rows]

    def restore(self, rows: Sequence[Sequence[int]]) -> None:
        """Come back to rows that were copied."""
        self.rows[:] = [list(row) for row in rows]
        self.renumber()

    def crossings(self) -> int:
        """How many pairs of links cross. O(links log links)."""
        return sum([self._below(row) for row in self.rows[1:]])

    def _below(self, row: Sequence[int]) -> int:
        """Crossings between a row and the one below: pairs of links out of order."""
        place, below = self.place, self.below
        n_crossings = 0
        seen: list[int] = []
        for item in row:
            ends = [place[other] for other in below[item]]
            if seen and ends:
                n_seen = len(seen)
                for end in ends:
                    if end < seen[-1]:
                        n_crossings += n_seen - bisect_right(seen, end)
            for end in ends:
                insort(seen, end)
        return n_crossings

"""Bends of long edges put below each other, as far as what stands beside them leaves room."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import inf
from typing import NamedTuple

from lazygraph.viz.layout.order.net import Net

__all__ = ["straighten"]


class _Run(NamedTuple):
    """Bends that follow each other along an edge, and where all of them may stand."""

    bends: Sequence[int]
    low: float
    high: float


def straighten(net: Net, x: list[float], steps: Sequence[Sequence[float]]) -> None:
    """Give the bends of each edge as few different places as possible, one edge after the other.

    Boxes stay, and so do the distances that `steps` says rows must keep. O(items).
    """
    bounds = _Bounds(net, x, steps)
    for chain in net.chains:
        place = 1
        while place < len(chain) - 1:
            run = bounds.longest_run(chain, place)
            target = _target(run, x, chain)
            for bend in run.bends:
                x[bend] = target
            place += len(run.bends)


def _target(run: _Run, x: Sequence[float], chain: Sequence[int]) -> float:
    """Straight below or above a box at the edge's end, if possible; else where bends are now."""
    ends = [chain[0]] * (run.bends[0] == chain[1]) + [chain[-1]] * (run.bends[-1] == chain[-2])
    for box in ends:
        if run.low <= x[box] <= run.high:
            return x[box]
    middle = 0.0
    for bend in run.bends:
        middle += x[bend]
    return max(run.low, min(run.high, middle / len(run.bends)))


class _Bounds:
    """Between which places an item may move, what stands beside it being where it is."""

    def __init__(self, net: Net, x: Sequence[float], steps: Sequence[Sequence[float]]) -> None:
        self._x = x
        self._left, self._right = [-1] * len(x), [-1] * len(x)
        self._room = [0.0] * len(x)  # at least, to the item on the left
        for row, its in zip(net.layers, steps, strict=True):
            for (left, right), (low, high) in zip(pairwise(row), pairwise(its), strict=True):
                self._left[right], self._right[left] = left, right
                self._room[right] = high - low

    def _of(self, item: int) -> tuple[float, float]:
        left, right = self._left[item], self._right[item]
        low = self._x[left] + self._room[item] if left >= 0 else -inf
        return low, self._x[right] - self._room[right] if right >= 0 else inf

    def longest_run(self, chain: Sequence[int], place: int) -> _Run:
        """The bends from a place in a chain on that can stand below each other."""
        low, high = -inf, inf
        for n in range(place, len(chain) - 1):
            its_low, its_high = self._of(chain[n])
            if n > place and max(low, its_low) > min(high, its_high):
                return _Run(chain[place:n], low, high)
            low, high = max(low, its_low), min(high, its_high)
        return _Run(chain[place:-1], low, high)

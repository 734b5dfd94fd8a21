"""Rows to x coordinates: each row by isotonic regression, one after the other, over and over.

First every link pulls as a spring does (least squares), which spreads rows evenly; then long
edges and links between two boxes that have no others pull alike at any distance (least absolute
values, by weights made anew each round), which makes them straight.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import inf
from typing import NamedTuple

from lazygraph.viz.layout.order.net import Net

__all__ = ["BEND_GAP_PX", "BOX_GAP_PX", "columns", "spread", "straighten"]

BOX_GAP_PX, BEND_GAP_PX = 18.0, 9.0
# Of links with no bend, one, or two, if they are to be straight. As dot has it, nearly.
_WEIGHTS = (2.0, 2.0, 8.0)
# At least and at most, and the last of the latter.
_EVEN_ROUNDS, _STRAIGHT_ROUNDS, _LAST_ROUNDS = (3, 8), (3, 24), 4
_ROUNDS_TIMES_ITEMS = 20_000
# When boxes are put over the middle of others: what is linked there too, and what is not.
_STAYING, _YIELDING = 3.0, 0.1
# What holds an item where it is if nothing pulls.
_INERTIA = 1e-4


class _Stage(NamedTuple):
    """How links pull in a round.

    A straight link's weight is divided by its length and `soft_px`; a fan's is multiplied.
    """

    soft_px: float
    fan_weight: float


_SOFT, _HARD = _Stage(8.0, 1 / 20), _Stage(1.0, 1 / 200)


#: Shared by all items that have none: most bends and boxes lack one kind.
_NO_LINKS: list[tuple[int, float]] = []


class _Pulls(NamedTuple):
    """Of each item: (neighbour, weight) of links to be straight, and of those that fan out."""

    straight: list[list[tuple[int, float]]]
    fans: list[list[tuple[int, float]]]


def columns(net: Net, widths: Sequence[float]) -> list[float]:
    """Return the x of every item's middle, in px; bends have the width 0.

    Nothing in a row overlaps or changes places.

    Notes
    -----
    O(rounds * (items + links)), with 10 to 48 rounds.
    """
    field = _Field(net, widths)
    field.unfold()
    for n in range(_rounds(_EVEN_ROUNDS, len(widths))):
        field.round(n, None)
    n_straight = _rounds(_STRAIGHT_ROUNDS, len(widths))
    for n in range(n_straight):
        field.round(n, _SOFT if n < n_straight - _LAST_ROUNDS else _HARD)
    field.centre_fans()
    straighten(net, field.x, field.steps)
    return field.x


def _rounds(limits: tuple[int, int], n_items: int) -> int:
    """Return fewer rounds for more items, between two limits."""
    least, most = limits
    return min(max(_ROUNDS_TIMES_ITEMS // n_items, least), most)


class _Field:
    """Rows with the least distances in them, and where their items are now."""

    def __init__(self, net: Net, widths: Sequence[float]) -> None:
        self._net = net
        self.steps = [_steps(row, widths) for row in net.layers]
        self._pulls = _pulls(net)
        self.x = [0.0] * len(widths)
        for row, steps in zip(net.layers, self.steps, strict=True):
            for item, step in zip(row, steps, strict=True):
                self.x[item] = step - steps[-1] / 2

    def _place(self, n: int, wanted: Sequence[float], weights: Sequence[float]) -> None:
        row, x = self._net.layers[n], self.x
        for item, place in zip(row, spread(wanted, weights, self.steps[n]), strict=True):
            x[item] = place

    def unfold(self) -> None:
        """Put each row under the middle of its neighbours, from the widest row outwards."""
        n_rows = len(self.steps)
        widest = max(range(n_rows), key=lambda n: self.steps[n][-1])
        for n in range(widest + 1, n_rows):
            self._follow(n, self._net.below)
        for n in reversed(range(widest)):
            self._follow(n, self._net.above)

    def _follow(self, n: int, neighbours: Sequence[Sequence[int]]) -> None:
        row, x = self._net.layers[n], self.x
        wanted = [_middle(x, neighbours[item]) if neighbours[item] else x[item] for item in row]
        self._place(n, wanted, [1.0 if neighbours[item] else 1e-3 for item in row])

    def round(self, number: int, stage: _Stage | None) -> None:
        """All rows once: upwards in even rounds, downwards in odd ones."""
        n_rows = len(self.steps)
        for n in range(n_rows) if number % 2 == 0 else reversed(range(n_rows)):
            pulled = self._even(n) if stage is None else self._straight(n, stage)
            self._place(n, *pulled)

    def _even(self, n: int) -> tuple[list[float], list[float]]:
        """Where links as springs would have the items of a row, and how strongly."""
        x, (straight, fans) = self.x, self._pulls
        wanted, weights = [], []
        for item in self._net.layers[n]:
            total, moment = _INERTIA, _INERTIA * x[item]
            for other, weight in straight[item]:
                total += weight
                moment += weight * x[other]
            for other, weight in fans[item]:
                total += weight
                moment += weight * x[other]
            wanted.append(moment / total)
            weights.append(total)
        return wanted, weights

    def _straight(self, n: int, stage: _Stage) -> tuple[list[float], list[float]]:
        """Return the same with straight links that pull alike at any distance."""
        x, (straight, fans), (soft_px, fan_weight) = self.x, self._pulls, stage
        wanted, weights = [], []
        for item in self._net.layers[n]:
            place = x[item]
            total, moment = _INERTIA, _INERTIA * place
            for other, weight in straight[item]:
                pull = weight / (abs(x[other] - place) + soft_px)
                total += pull
                moment += pull * x[other]
            for other, weight in fans[item]:
                pull = weight * fan_weight
                total += pull
                moment += pull * x[other]
            wanted.append(moment / total)
            weights.append(total)
        return wanted, weights

    def centre_fans(self) -> None:
        """Put a box exactly over what only it needs, then under what needs only it."""
        below, above = self._net.below, self._net.above
        for n in range(len(self.steps)):
            self._centre(n, below, above)
        for n in reversed(range(len(self.steps))):
            self._centre(n, above, below)

    def _centre(self, n: int, ends: Sequence[Sequence[int]], back: Sequence[Sequence[int]]) -> None:
        row, x, n_boxes = self._net.layers[n], self.x, self._net.n_boxes
        wanted = [x[item] for item in row]
        weights = [_STAYING if ends[item] else _YIELDING for item in row]
        for k, item in enumerate(row):
            its = ends[item]
            if item < n_boxes and len(its) > 1 and all(len(back[end]) == 1 for end in its):
                wanted[k], weights[k] = _middle(x, its), 1.0
        self._place(n, wanted, weights)


def _middle(x: Sequence[float], items: Sequence[int]) -> float:
    total = 0.0  # not `sum`, which rounds differently from one version of Python to the next
    for item in items:
        total += x[item]
    return total / len(items)


def _steps(row: Sequence[int], widths: Sequence[float]) -> list[float]:
    """How far right of the first item each item is when all stand as close as they may."""
    steps = [0.0]
    for left, right in pairwise(row):
        one, other = widths[left], widths[right]
        gap = BOX_GAP_PX if one and other else BEND_GAP_PX
        steps.append(steps[-1] + (one + other) / 2 + gap)
    return steps


def _pulls(net: Net) -> _Pulls:
    pulls = _Pulls([[] for _ in net.below], [_NO_LINKS] * len(net.below))
    for high, lows in enumerate(net.below):
        for low in lows:
            n_bends = (low >= net.n_boxes) + (high >= net.n_boxes)
            n_fan = 1 if n_bends else max(len(net.above[low]), len(lows))
            if n_fan == 1:
                weight = _WEIGHTS[n_bends]
                pulls.straight[low].append((high, weight))
                pulls.straight[high].append((low, weight))
            else:
                for item, link in ((low, (high, 1 / n_fan)), (high, (low, 1 / n_fan))):
                    if pulls.fans[item] is _NO_LINKS:
                        pulls.fans[item] = []
                    pulls.fans[item].append(link)
    return pulls


def spread(
    wanted: Sequence[float], weights: Sequence[float], steps: Sequence[float]
) -> list[float]:
    """Positions nearest to `wanted` (weighted squares) that keep order and distances.

    Positions less `steps` must not decrease: solved by pooling adjacent violators. Source: Ayer,
    Brunk, Ewing, Reid & Silverman (1955). O(items).

    Examples
    --------
    >>> spread([5.0, 5.0, 40.0], [1.0, 1.0, 1.0], [0.0, 10.0, 20.0])
    [0.0, 10.0, 40.0]
    """
    means: list[float] = []
    totals: list[float] = []
    counts: list[int] = []
    for value, weight, step in zip(wanted, weights, steps, strict=True):
        mean, total, n = value - step, weight, 1
        while means and means[-1] >= mean:
            its_total = totals.pop()
            mean = (means.pop() * its_total + mean * total) / (its_total + total)
            total += its_total
            n += counts.pop()
        means.append(mean)
        totals.append(total)
        counts.append(n)
    bases = [mean for mean, n in zip(means, counts, strict=True) for _ in range(n)]
    return [base + step for base, step in zip(bases, steps, strict=True)]


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
        """Return the bends from a place in a chain on that can stand below each other."""
        low, high = -inf, inf
        for n in range(place, len(chain) - 1):
            its_low, its_high = self._of(chain[n])
            if n > place and max(low, its_low) > min(high, its_high):
                return _Run(chain[place:n], low, high)
            low, high = max(low, its_low), min(high, its_high)
        return _Run(chain[place:-1], low, high)

"""A net to rows in which few links cross: a search, limited by a count of links looked at.

Some orders to start from are improved a little, the best of them further: by sweeps that sort
rows by where neighbours are, each followed by swaps of neighbours; at last by sifting.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise
from typing import NamedTuple

from lazygraph.viz.layout.order.net import Net
from lazygraph.viz.layout.order.rows import Budget, Rows
from lazygraph.viz.layout.order.sifting import sift
from lazygraph.viz.layout.order.starts import downwards, shuffled, upwards
from lazygraph.viz.layout.order.swaps import swap
from lazygraph.viz.layout.order.sweeps import mean, median, sweep

__all__ = ["order"]

_START_ROUNDS, _MORE_ROUNDS, _MOST_STALLS = 4, 12, 6
_SWAP_ROUNDS, _SIFT_ROUNDS, _KICK_ROUNDS, _KICKS = 10, 8, 2, 6
_MOST_SHUFFLES = 30
# The budget: half a second; less for small nets; up to twice as much for large ones, whose links
# want to be looked at some times, and always enough for some sweeps.
_MOST_LOOKS, _LOOKS_PER_ITEM, _LARGE_ROUNDS, _LEAST_ROUNDS = 2_500_000, 1_200, 40, 12
# Of the budget: what no further start is tried with.
_AFTER_STARTS = 0.3
# A budget of fewer looks at all links is spent on two starts, on one, and on its sweeps alone.
_POOR, _VERY_POOR, _MISERABLE = 100, 30, 15
# The order that tasks were made in is shown if it is as good as that beside the best.
_GOOD = 1.02


class _Found(NamedTuple):
    """An order and its crossings; of equals, that of the earliest start comes first."""

    n_crossings: int
    start: int
    rows: list[list[int]]


def order(net: Net, share: float = 1.0) -> None:
    """Put the items of each layer of a net into an order in which few links cross.

    Notes
    -----
    O(items + links log links), but up to a size at which that takes a `share` of half a second:
    some 0.2 ms an item.
    """
    search = _search(Rows(net), share)
    search.run()
    given, best = search.given, search.best
    is_given_good = given.n_crossings <= _GOOD * best.n_crossings
    net.layers[:] = given.rows if is_given_good else _readable(best.rows, net.n_boxes)


def _search(rows: Rows, share: float) -> _Search:
    """Return a search with the budget that suits the rows' size."""
    small = min(share * _MOST_LOOKS, _LOOKS_PER_ITEM * len(rows.place))
    large = min(2 * share * _MOST_LOOKS, _LARGE_ROUNDS * rows.cost)
    return _Search(rows, Budget(int(max(small, large, _LEAST_ROUNDS * rows.cost))))


def _readable(rows: list[list[int]], n_boxes: int) -> list[list[int]]:
    """Return the rows, or all of them turned round if more boxes read from left to right then."""
    rising = 0
    for row in rows:
        boxes = [item for item in row if item < n_boxes]
        rising += sum([1 if left < right else -1 for left, right in pairwise(boxes)])
    return rows if rising >= 0 else [row[::-1] for row in rows]


class _Search:
    """Rows that are turned over and over, and the best orders found on the way."""

    def __init__(self, rows: Rows, budget: Budget) -> None:
        self._rows, self._budget, self._total = rows, budget, budget.left
        self.given = self.best = _Found(rows.crossings(), 0, rows.copied())

    def run(self) -> None:
        """Search in the way that the budget allows."""
        n_looks = self._total / self._rows.cost
        if n_looks < _VERY_POOR:
            self._begin(upwards)
            self._rounds(1, _MORE_ROUNDS, _SWAP_ROUNDS if n_looks > _MISERABLE else 0)
        elif n_looks < _POOR:
            self._try_two()
        else:
            self._try_many()

    def _try_two(self) -> None:
        """Sweeps from one start, none from another, and swaps in the better of both."""
        self._begin(upwards)
        self._rounds(1, _START_ROUNDS)
        self._begin(downwards)
        self._keep(2)
        self._rows.restore(self.best.rows)
        for n in range(_MORE_ROUNDS):
            if self._is_done():
                return
            swap(self._rows, self._budget, _SWAP_ROUNDS, equals=n % 2 == 0)
            self._keep(0)

    def _try_many(self) -> None:
        for number, start in enumerate(self._starts()):
            self._begin(start)
            self._keep(number)
            self._rounds(number, _START_ROUNDS)
        self._rows.restore(self.best.rows)
        self._rounds(self.best.start + 1, _MORE_ROUNDS)  # with the other way to wish than before
        self._rows.restore(self.best.rows)
        self._polish()

    def _starts(self) -> Iterator[Callable[[Rows], None]]:
        yield lambda _: None  # tasks are mostly made in a sensible order
        yield upwards
        yield downwards
        for seed in range(_MOST_SHUFFLES):
            is_given_good = self.given.n_crossings <= _GOOD * self.best.n_crossings
            if is_given_good or self._budget.left < _AFTER_STARTS * self._total:
                return
            yield partial(shuffled, seed=seed)

    def _begin(self, start: Callable[[Rows], None]) -> None:
        self._rows.restore(self.given.rows)
        start(self._rows)

    def _is_done(self) -> bool:
        return self._budget.left <= 0 or not self.best.n_crossings

    def _keep(self, start: int) -> bool:
        """Remember the rows as they are if that is the best so far; whether it is."""
        self._budget.spend(self._rows.cost)
        n_crossings = self._rows.crossings()
        if (n_crossings, start) >= self.best[:2]:
            return False
        self.best = _Found(n_crossings, start, self._rows.copied())
        return True

    def _rounds(self, start: int, n_rounds: int, n_swaps: int = _SWAP_ROUNDS) -> None:
        """Sweeps upwards and downwards in turn, until they have been in vain for a while."""
        wish = median if start % 2 else mean
        n_stalls = 0
        for n in range(n_rounds):
            if self._is_done() or n_stalls == _MOST_STALLS:
                return
            reverse = n % 4 < 2
            sweep(self._rows, wish, upward=n % 2 == 0, reverse=reverse)
            self._budget.spend(self._rows.cost)
            swap(self._rows, self._budget, n_swaps, equals=not reverse)
            n_stalls = 0 if self._keep(start) else n_stalls + 1

    def _polish(self) -> None:
        """Sift the best, and again after going over to other orders with as many crossings."""
        for n in range(_KICKS):
            if self._is_done():
                return
            if n:
                swap(self._rows, self._budget, _KICK_ROUNDS, equals=True)
            sift(self._rows, self._budget, _SIFT_ROUNDS)
            self._keep(0)

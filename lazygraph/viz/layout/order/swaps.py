"""Rows improved by swapping neighbours."""

from __future__ import annotations

from bisect import bisect_left, bisect_right

from lazygraph.viz.layout.order.rows import Budget, Rows

__all__ = ["swap"]

_LOOK_COST = 3  # in links, of a pair of neighbours
_FEW = 16  # pairs, which are counted faster one by one


def swap(rows: Rows, budget: Budget, n_rounds: int, *, equals: bool) -> None:
    """Swap neighbours in a row where fewer links cross then.

    With `equals` also where as many do, which leads over plateaus. At most `n_rounds` times
    through all rows; after the first, only around what has changed.
    """
    swaps = _Swaps(rows, equals)
    for _ in range(n_rounds):
        won = 0
        for row in rows.rows:
            won += swaps.pass_through(row)
            if not budget.spend(len(row) + swaps.take_looks() * _LOOK_COST):
                return
        if not won:
            return
        swaps.number += 1


class _Swaps:
    """Passes through rows, by number."""

    def __init__(self, rows: Rows, equals: bool) -> None:
        self.number = 0
        self._rows, self._equals = rows, equals
        # The last pass in which an item is looked at: the one after it or a neighbour moved.
        self._until = [0] * len(rows.place)
        self._looks = 0

    def take_looks(self) -> int:
        """How many pairs have been looked at since the last time this was asked."""
        looks, self._looks = self._looks, 0
        return looks

    def pass_through(self, row: list[int]) -> int:
        """Once from left to right: how many crossings are won."""
        number, until, equals = self.number, self._until, self._equals
        won = looks = 0
        for n in range(len(row) - 1):
            left, right = row[n], row[n + 1]
            if until[left] >= number or until[right] >= number:
                now, then = self._crossings(left, right)
                looks += 1
                if now and (then < now or (equals and then == now)):
                    self._swap(row, n)
                    won += now - then
        self._looks += looks
        return won

    def _crossings(self, left: int, right: int) -> tuple[int, int]:
        """How many links of two neighbours cross now, and how many would once they are swapped."""
        rows = self._rows
        below, above, place = rows.below, rows.above, rows.place
        if (
            left >= rows.n_boxes and right >= rows.n_boxes
        ):  # bends: most items, and one link each way
            a, b = place[below[left][0]], place[below[right][0]]
            c, d = place[above[left][0]], place[above[right][0]]
            return (a > b) + (c > d), (a < b) + (c < d)
        now, then = _pairs([place[i] for i in below[left]], [place[i] for i in below[right]])
        more, fewer = _pairs([place[i] for i in above[left]], [place[i] for i in above[right]])
        return now + more, then + fewer

    def _swap(self, row: list[int], n: int) -> None:
        rows, until, last = self._rows, self._until, self.number + 1
        left, right = row[n], row[n + 1]
        row[n], row[n + 1] = right, left
        rows.place[right], rows.place[left] = n, n + 1
        for item in (left, right):
            until[item] = last
            for other in rows.below[item]:
                until[other] = last
            for other in rows.above[item]:
                until[other] = last


def _pairs(left: list[int], right: list[int]) -> tuple[int, int]:
    """How many pairs of places are in the wrong order, and how many in the right one."""
    if len(left) * len(right) > _FEW:
        right.sort()
        n_right = len(right)
        wrong = sum([bisect_left(right, place) for place in left])
        return wrong, sum([n_right - bisect_right(right, place) for place in left])
    wrong = right_order = 0
    for place in left:
        for other in right:
            if place > other:
                wrong += 1
            elif place < other:
                right_order += 1
    return wrong, right_order

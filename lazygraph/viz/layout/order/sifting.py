"""Rows improved by moving one item at a time to the best place in its row.

Source: Matuszewski, Schoenfeld & Molitor (1999), "Using sifting for k-layer straightline crossing
minimization".
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right

from lazygraph.viz.layout.order.rows import Budget, Rows

__all__ = ["sift"]

#: Places of an item's neighbours, ascending, in the row below and in that above.
_Ends = tuple[list[int], list[int]]


def sift(rows: Rows, budget: Budget, n_rounds: int) -> None:
    """Sift every item of every row, those with most links first, until nothing is won."""
    for _ in range(n_rounds):
        won = 0
        for row, cost in zip(rows.rows, rows.costs, strict=True):
            if len(row) > 1:
                if not budget.spend(len(row) * cost):
                    return
                won += _sift_row(rows, row)
        if not won:
            return


def _sift_row(rows: Rows, row: list[int]) -> int:
    ends = dict(zip(row, _ends_of(rows, row), strict=True))
    links = {item: len(low) + len(high) for item, (low, high) in ends.items()}
    won = 0
    for item in sorted(row, key=lambda item: -links[item]):
        place = rows.place[item]
        gain, target = _best_place(row, ends, place)
        if gain:
            row.insert(target, row.pop(place))
            rows.number(row)
            won += gain
    return won


def _best_place(row: list[int], ends: dict[int, _Ends], place: int) -> tuple[int, int]:
    """How many crossings are won at the place in a row where an item has fewest, and that."""
    own = ends[row[place]]
    best, target, won = 0, place, 0
    for n in range(place + 1, len(row)):
        won += _excess(own, ends[row[n]])
        if won > best:
            best, target = won, n
    won = 0
    for n in reversed(range(place)):
        won -= _excess(own, ends[row[n]])
        if won > best:
            best, target = won, n
    return best, target


def _excess(own: _Ends, other: _Ends) -> int:
    """How many more crossings there are when the item stands left of the other than right of it."""
    excess = 0
    for places, its in zip(own, other, strict=True):
        if places and its:
            n = len(places)
            for place in its:
                excess += n - bisect_left(places, place) - bisect_right(places, place)
    return excess


def _ends_of(rows: Rows, row: list[int]) -> list[_Ends]:
    """Where the links of each item of a row end."""
    place, below, above = rows.place, rows.below, rows.above
    return [
        (
            sorted([place[other] for other in below[item]]),
            sorted([place[other] for other in above[item]]),
        )
        for item in row
    ]

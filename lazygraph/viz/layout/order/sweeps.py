"""Rows sorted by where their neighbours are: the barycentric method and the weighted median.

Sources: Sugiyama, Tagawa & Toda (1981), "Methods for visual understanding of hierarchical system
structures"; Gansner, Koutsofios, North & Vo (1993), "A technique for drawing directed graphs", 3.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lazygraph.viz.layout.order.rows import Rows

__all__ = ["Wish", "mean", "median", "sweep"]

#: Sorted or unsorted places of neighbours, one or more -> where an item would like to be.
Wish = Callable[[list[int]], float]


def mean(places: list[int]) -> float:
    """Return the barycentre."""
    return sum(places) / len(places)


def median(places: list[int]) -> float:
    """Return the middle; of an even number, between the two, nearer to the side more crowded."""
    half, is_odd = divmod(len(places), 2)
    places.sort()
    if is_odd:
        return places[half]
    left, right = places[half - 1] - places[0], places[-1] - places[half]
    if left + right == 0:
        return (places[half - 1] + places[half]) / 2
    return (places[half - 1] * right + places[half] * left) / (left + right)


def sweep(rows: Rows, wish: Wish, *, upward: bool, reverse: bool) -> None:
    """Sort row after row by the wishes that the row before it gives rise to.

    `reverse` turns round the order of items that wish for the same. Those without neighbours
    there keep their places.
    """
    if upward:
        for row in rows.rows[1:]:
            _sort(rows, row, rows.below, wish, reverse)
    else:
        for row in rows.rows[-2::-1]:
            _sort(rows, row, rows.above, wish, reverse)


def _sort(
    rows: Rows, row: list[int], neighbours: Sequence[Sequence[int]], wish: Wish, reverse: bool
) -> None:
    place = rows.place
    wishes: dict[int, float] = {}
    for item in row:
        linked = neighbours[item]
        if len(linked) == 1:
            wishes[item] = place[linked[0]]
        elif linked:
            wishes[item] = wish([place[other] for other in linked])
    moving = [item for item in row if item in wishes]
    if reverse:
        moving.reverse()
    moving.sort(key=wishes.__getitem__)
    if len(moving) < len(row):
        sorted_items = iter(moving)
        moving = [next(sorted_items) if item in wishes else item for item in row]
    row[:] = moving
    rows.number(row)

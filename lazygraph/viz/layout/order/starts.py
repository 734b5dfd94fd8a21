"""Orders to start from: walks through the net that keep together what is linked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random

from lazygraph.viz.layout.order.rows import Rows

__all__ = ["downwards", "shuffled", "upwards"]


def upwards(rows: Rows) -> None:
    """Order items as a walk, depth first, along the data meets them."""
    _take(rows, _walk(_ends(rows, rows.below), rows.above))


def downwards(rows: Rows) -> None:
    """Order items as a walk, depth first, against the data meets them."""
    _take(rows, _walk(_ends(rows, rows.above), rows.below))


def _ends(rows: Rows, neighbours: Sequence[Sequence[int]]) -> Iterator[int]:
    return (item for row in rows.rows for item in row if not neighbours[item])


def _walk(roots: Iterator[int], neighbours: Sequence[Sequence[int]]) -> Iterator[int]:
    is_seen = bytearray(len(neighbours))
    for root in roots:
        stack = [root]
        while stack:
            item = stack.pop()
            if not is_seen[item]:
                is_seen[item] = True
                yield item
                stack.extend(reversed(neighbours[item]))


def shuffled(rows: Rows, seed: int) -> None:
    """Order items as a walk meets them that takes links in a random order, up and down alike.

    Even seeds walk depth first, odd ones breadth first; a seed always gives the same order.
    """
    random = Random(seed)  # noqa: S311  # no secrets here
    roots = list(range(len(rows.place)))
    random.shuffle(roots)
    _take(rows, _random_walk(rows, roots, random, -1 if seed % 2 else 0))


def _random_walk(rows: Rows, roots: Sequence[int], random: Random, end: int) -> Iterator[int]:
    is_seen = bytearray(len(roots))
    for root in roots:
        waiting = [root]
        while waiting:
            item = waiting.pop(end)
            if not is_seen[item]:
                is_seen[item] = True
                yield item
                linked = rows.below[item] + rows.above[item]
                random.shuffle(linked)
                waiting += linked


def _take(rows: Rows, items: Iterator[int]) -> None:
    row_of = [0] * len(rows.place)
    for n, row in enumerate(rows.rows):
        for item in row:
            row_of[item] = n
    ordered: list[list[int]] = [[] for _ in rows.rows]
    for item in items:
        ordered[row_of[item]].append(item)
    rows.restore(ordered)

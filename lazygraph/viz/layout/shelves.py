"""Sizes to places side by side and above each other: parts packed on shelves."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

from lazygraph.viz.model import Point

__all__ = ["on_shelves"]

_GAP_PX = 24.0
# Of a picture of many parts: as a screen has it.
_WIDTH_TO_HEIGHT = 1.6

Size = tuple[float, float]


def on_shelves(sizes: Sequence[Size], *, upright: bool) -> tuple[list[Point], Size]:
    """The top left corners of parts, and the size of the whole.

    Parts keep their order, along a shelf and from shelf to shelf. They hang from the top of
    their shelf, or stand on it if `upright`. O(parts).
    """
    corners: list[Point] = []
    top = width = 0.0
    for shelf in _shelves(sizes):
        x, depth = 0.0, max([height for _, height in shelf])
        for part_width, height in shelf:
            corners.append((x, top + depth - height if upright else top))
            x += part_width + _GAP_PX
        width = max(width, x - _GAP_PX)
        top += depth + _GAP_PX
    return corners, (width, max(0.0, top - _GAP_PX))


def _shelves(sizes: Sequence[Size]) -> list[list[Size]]:
    room = _room(sizes)
    shelves: list[list[Size]] = []
    x = 0.0
    for size in sizes:
        if not shelves or x + size[0] > room:
            shelves.append([])
            x = 0.0
        shelves[-1].append(size)
        x += size[0] + _GAP_PX
    return shelves


def _room(sizes: Sequence[Size]) -> float:
    """How long shelves are: so that the whole looks like a screen, if no part is longer."""
    area = 0.0
    for width, height in sizes:
        area += (width + _GAP_PX) * (height + _GAP_PX)
    return max([sqrt(_WIDTH_TO_HEIGHT * area), *[width for width, _ in sizes]])

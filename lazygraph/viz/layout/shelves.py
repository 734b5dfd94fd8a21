"""Sizes to places: parts side by side across the data's way, on shelves where they are many."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

from lazygraph.viz.layout.directions import Size
from lazygraph.viz.model import Point

__all__ = ["on_shelves"]

_GAP_PX = 24.0
# Between shelves: more than between a box and what it feeds, or it would seem to.
_SHELF_GAP_PX = 60.0
# A shelf as long as a screen holds what is above it where else data would seem to flow.
_SHELF_PX = 1_200.0


def on_shelves(sizes: Sequence[Size], shape: float, *, at_end: bool) -> tuple[list[Point], Size]:
    """Return the corners of parts, and the size of the whole, both across and along the data.

    Parts keep their order, along a shelf and from shelf to shelf. They begin where their shelf
    begins, or end where it ends if `at_end`: data comes from there. O(parts).

    Parameters
    ----------
    sizes : sequence of (across, along)
        Of the parts, in px.
    shape : float
        How many times as far across as along the whole is to be, if it has several shelves.
    """
    corners: list[Point] = []
    top = width = 0.0
    for shelf in _shelves(sizes, shape):
        x, depth = 0.0, max([height for _, height in shelf])
        for part_width, height in shelf:
            corners.append((x, top + depth - height if at_end else top))
            x += part_width + _GAP_PX
        width = max(width, x - _GAP_PX)
        top += depth + _SHELF_GAP_PX
    return corners, (width, max(0.0, top - _SHELF_GAP_PX))


def _shelves(sizes: Sequence[Size], shape: float) -> list[list[Size]]:
    room = _room(sizes, shape)
    shelves: list[list[Size]] = []
    x = 0.0
    for size in sizes:
        if not shelves or x + size[0] > room:
            shelves.append([])
            x = 0.0
        shelves[-1].append(size)
        x += size[0] + _GAP_PX
    return shelves


def _room(sizes: Sequence[Size], shape: float) -> float:
    """Return how long shelves are, if no part is longer."""
    area = 0.0
    for width, height in sizes:
        area += (width + _GAP_PX) * (height + _SHELF_GAP_PX)
    return max([sqrt(shape * area), _SHELF_PX, *[width for width, _ in sizes]])

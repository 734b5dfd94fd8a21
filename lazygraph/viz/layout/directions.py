"""Places across and along the data to places on the screen."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from lazygraph.errors import DrawingError
from lazygraph.viz.model import Point

__all__ = ["MARGIN_PX", "Direction", "Size", "direction_of"]

Size = tuple[float, float]

MARGIN_PX = 10.0  # around a picture


class Direction(NamedTuple):
    """Which way the data flows. Layouts are made as if it flowed down."""

    is_sideways: bool
    is_backwards: bool  # up or left

    def size(self, size: Size) -> Size:
        """Return a size on the screen as one across and along the data, and back."""
        width, height = size
        return (height, width) if self.is_sideways else size

    def points(self, points: Iterable[Point], length: float, corner: Point) -> tuple[Point, ...]:
        """Where points stand on the screen whose part is `length` long, its top left at `corner`."""
        left, top = corner
        across, along = (top, left) if self.is_sideways else (left, top)
        sign, first = (-1, along + length) if self.is_backwards else (1, along)
        if self.is_sideways:
            return tuple([(first + sign * y, across + x) for x, y in points])
        return tuple([(across + x, first + sign * y) for x, y in points])


_BY_NAME = {
    "BT": Direction(is_sideways=False, is_backwards=True),
    "TB": Direction(is_sideways=False, is_backwards=False),
    "LR": Direction(is_sideways=True, is_backwards=False),
    "RL": Direction(is_sideways=True, is_backwards=True),
}


def direction_of(rankdir: str) -> Direction:
    """Return the direction with one of Graphviz's names."""
    if rankdir not in _BY_NAME:
        known = ", ".join(_BY_NAME)
        raise DrawingError(f"rankdir {rankdir!r} is not known (known: {known})")
    return _BY_NAME[rankdir]

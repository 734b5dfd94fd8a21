"""Edges along which something flows forward and something back: two lines, a note on either side.

As on a blackboard: the value stands left of its edge or above it, the derivative right of it or
below.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lazygraph.viz.items import Words, middle_words
from lazygraph.viz.model import Edge, Point
from lazygraph.viz.text import DETAIL_PX, text_width_px
from lazygraph.viz.themes import Theme

__all__ = ["both_ways", "notes_beside", "notes_size"]

_APART_PX = 2.8  # a line from the middle between the two
_BESIDE_PX = 5.0  # a note from its line
_LINE_PX = 13.0

Route = Sequence[Point]


def both_ways(route: Route, rankdir: str) -> tuple[Route, Route]:
    """The line forward and the line back, beside each other all the way."""
    dx, dy = (0.0, _APART_PX) if _is_sideways(rankdir) else (_APART_PX, 0.0)
    there = [(x - dx, y - dy) for x, y in route]
    return there, [(x + dx, y + dy) for x, y in reversed(route)]


def notes_size(edge: Edge, rankdir: str) -> tuple[float, float]:
    """Width and height in px of both notes and the lines between them."""
    width = max(text_width_px(text, DETAIL_PX) for text in (edge.label, edge.back))
    if _is_sideways(rankdir):
        return width + 2 * _BESIDE_PX, 2 * (_LINE_PX + _APART_PX)
    return 2 * (width + _APART_PX + _BESIDE_PX), _LINE_PX


def notes_beside(edge: Edge, middle: Point, rankdir: str, theme: Theme) -> Iterator[Words]:
    """The notes of an edge that goes straight on through `middle`."""
    x, y = middle
    notes = (-1, edge.label, theme.text), (1, edge.back, theme.back)
    for side, text, colour in notes:
        if not text:
            continue
        if _is_sideways(rankdir):
            away = side * (_APART_PX + _LINE_PX / 2)
            yield middle_words((x, y + away), text, DETAIL_PX, colour)
        else:
            away = side * (_APART_PX + _BESIDE_PX)
            words = middle_words((x + away, y), text, DETAIL_PX, colour)
            yield words._replace(anchor="end" if side < 0 else "start")


def _is_sideways(rankdir: str) -> bool:
    return rankdir in {"LR", "RL"}

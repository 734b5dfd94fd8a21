"""Marks to badges: what has failed is told by a shape, not by colour alone."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from lazygraph.viz.model import Mark, Point
from lazygraph.viz.paint.items import Item, Paint, Path, circle, polygon, strokes
from lazygraph.viz.paint.measures import (
    BADGE_PX,
    BADGE_STEP_PX,
    MARKED,
    SIGN_LINE_PX,
    SIGNS,
    TRIANGLE,
)
from lazygraph.viz.paint.themes import Theme

__all__ = ["badge", "badges"]


def badges(marks: Collection[Mark], corner: Point, theme: Theme) -> Iterator[Item]:
    """Those of a box, from its upper right corner leftwards."""
    x, y = corner
    for n, mark in enumerate([mark for mark in MARKED if mark in marks]):
        yield from badge(mark, (x - n * BADGE_STEP_PX, y), theme)


def badge(mark: Mark, middle: Point, theme: Theme) -> Iterator[Item]:
    """Yield a disc with the mark's sign in it."""
    ink = theme.background
    yield circle(middle, BADGE_PX, Paint(theme.marks[mark], ink, 1))
    if mark in SIGNS:
        yield Path(strokes(SIGNS[mark], middle), Paint(stroke=ink, width_px=SIGN_LINE_PX))
    else:
        yield Path(polygon(TRIANGLE, middle), Paint(fill=ink))

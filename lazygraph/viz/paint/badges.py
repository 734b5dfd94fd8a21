"""Marks to badges: what has failed is told by a shape, not by colour alone."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from lazygraph.viz.model import Mark, Point
from lazygraph.viz.paint.items import Item, Paint, Path, circle, polygon, strokes
from lazygraph.viz.paint.themes import Theme

__all__ = ["BADGE_PX", "MARKED", "badge", "badges"]

#: A badge's radius; it stands out of its box by so much at most.
BADGE_PX = 6.5
_STEP_PX = 15.0
_LINE_PX = 1.6
# Strokes around the badge's middle.
_SIGNS: dict[Mark, tuple[tuple[Point, ...], ...]] = {
    "failed": (((-2.4, -2.4), (2.4, 2.4)), ((2.4, -2.4), (-2.4, 2.4))),
    "skipped": (((-3.0, 0.0), (3.0, 0.0)),),
    "pending": (((-3.3, 0), (-2.3, 0)), ((-0.5, 0), (0.5, 0)), ((2.3, 0), (3.3, 0))),
    "cached": (((-2.8, -1.4), (2.8, -1.4)), ((-2.8, 1.4), (2.8, 1.4))),
    "slow": (((0.0, -3.6), (0.0, 0.0), (2.6, 1.5)),),
}
_TRIANGLE = ((-1.7, -3.0), (3.1, 0.0), (-1.7, 3.0))
#: The marks that have a badge, the most urgent first.
MARKED: tuple[Mark, ...] = ("failed", "skipped", "pending", "running", "slow", "cached")


def badges(marks: Collection[Mark], corner: Point, theme: Theme) -> Iterator[Item]:
    """Those of a box, from its upper right corner leftwards."""
    x, y = corner
    for n, mark in enumerate([mark for mark in MARKED if mark in marks]):
        yield from badge(mark, (x - n * _STEP_PX, y), theme)


def badge(mark: Mark, middle: Point, theme: Theme) -> Iterator[Item]:
    """A disc with the mark's sign in it."""
    ink = theme.background
    yield circle(middle, BADGE_PX, Paint(theme.marks[mark], ink, 1))
    if mark in _SIGNS:
        yield Path(strokes(_SIGNS[mark], middle), Paint(stroke=ink, width_px=_LINE_PX))
    else:
        yield Path(polygon(_TRIANGLE, middle), Paint(fill=ink))

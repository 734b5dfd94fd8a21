"""Sizes in px, outlines and signs: what both painters, that of files and that of pages, go by."""

from __future__ import annotations

from lazygraph.viz.model import Mark, Point

__all__ = [
    "APART_PX",
    "ARROW_GROWTH",
    "ARROW_PX",
    "ARROW_SLIMNESS",
    "BADGE_PX",
    "BADGE_STEP_PX",
    "BESIDE_PX",
    "CARD_PX",
    "CORNER_PX",
    "DATA_CORNER_PX",
    "DETAIL_DOWN_PX",
    "EDGE_GROWTH_PX",
    "EDGE_MOST_PX",
    "EDGE_PX",
    "FAINT_DASH",
    "LABEL_UP_PX",
    "MARKED",
    "NOTE_LINE_PX",
    "OUTLINES",
    "RING_PX",
    "ROWS_TOP_PX",
    "ROW_PX",
    "SIGNS",
    "SIGN_LINE_PX",
    "SPLIT_PX",
    "TRIANGLE",
]

#: Of a box, and of one that holds data.
CORNER_PX, DATA_CORNER_PX = 8.0, 2.0
#: An output has a second outline, so far inside.
RING_PX = 3.0
#: A box's first line stands above its middle, if there is a second one below it.
LABEL_UP_PX, DETAIL_DOWN_PX = 6.0, 9.0
#: On a second line, what flows back from what flows forward.
SPLIT_PX = 8.0
#: A member of a fused task takes such a strip of its box; the first begins so far down.
ROW_PX, ROWS_TOP_PX = 20.0, 4.0
#: The cards behind a group's first stand out so much, to the right and upward.
CARD_PX = 4.0
#: A badge's radius, the way to the next, and the line of its sign.
BADGE_PX, BADGE_STEP_PX, SIGN_LINE_PX = 6.5, 15.0, 1.6
#: The line of an edge, what it grows by for ten times as many dependencies, and at most.
EDGE_PX, EDGE_GROWTH_PX, EDGE_MOST_PX = 1.2, 0.9, 4.0
#: Of an edge along which nothing came.
FAINT_DASH = (3.0, 3.0)
#: A head's length on a line of no width, what each px of that adds, and its half width by length.
ARROW_PX, ARROW_GROWTH, ARROW_SLIMNESS = 5.0, 1.1, 0.45
#: Where a derivative flows back: each line from the middle between both, a note from its line,
#: and the height of a note.
APART_PX, BESIDE_PX, NOTE_LINE_PX = 2.8, 5.0, 13.0

#: The first of a box's marks gives its outline: width and dashes.
OUTLINES: tuple[tuple[Mark, float, tuple[float, ...]], ...] = (
    ("failed", 2.6, ()),
    ("skipped", 1.4, (2, 3)),
    ("pending", 1.4, (1, 3)),
    ("running", 2.6, ()),
    ("slow", 2.6, ()),
    ("cached", 1.4, (5, 3)),
    ("focus", 2.6, ()),
)
#: Strokes around a badge's middle; the mark that has none is a triangle.
SIGNS: dict[Mark, tuple[tuple[Point, ...], ...]] = {
    "failed": (((-2.4, -2.4), (2.4, 2.4)), ((2.4, -2.4), (-2.4, 2.4))),
    "skipped": (((-3.0, 0.0), (3.0, 0.0)),),
    "pending": (((-3.3, 0), (-2.3, 0)), ((-0.5, 0), (0.5, 0)), ((2.3, 0), (3.3, 0))),
    "cached": (((-2.8, -1.4), (2.8, -1.4)), ((-2.8, 1.4), (2.8, 1.4))),
    "slow": (((0.0, -3.6), (0.0, 0.0), (2.6, 1.5)),),
}
TRIANGLE: tuple[Point, ...] = ((-1.7, -3.0), (3.1, 0.0), (-1.7, 3.0))
#: The marks that have a badge, the most urgent first.
MARKED: tuple[Mark, ...] = ("failed", "skipped", "pending", "running", "slow", "cached")

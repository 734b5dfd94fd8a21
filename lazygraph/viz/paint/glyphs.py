"""Boxes to items: the visual language of calls, data, groups and fused tasks."""

from __future__ import annotations

from collections.abc import Iterator

from lazygraph.viz.model import Box, Colours, Point
from lazygraph.viz.paint.badges import badges
from lazygraph.viz.paint.items import Group, Item, Paint, Path, Rect, Words, middle_words, strokes
from lazygraph.viz.paint.measures import (
    CARD_PX,
    CORNER_PX,
    DATA_CORNER_PX,
    DETAIL_DOWN_PX,
    LABEL_UP_PX,
    OUTLINES,
    RING_PX,
    ROW_PX,
    ROWS_TOP_PX,
    SPLIT_PX,
)
from lazygraph.viz.paint.sizes import rows_of
from lazygraph.viz.paint.themes import Theme
from lazygraph.viz.text import DETAIL_PX, LABEL_PX, text_width_px

__all__ = ["box_group"]

_N_CARDS = 3
_CELL_PX = 8.0  # what is no larger, and has no label, is a cell
_SEPARATOR_PX = 0.6


def box_group(box: Box, centre: Point, colours: Colours, theme: Theme, *, is_upward: bool) -> Group:
    """All of a box; `is_upward` says that a fused task's first member is its lowest."""
    if not box.label and box.width_px <= _CELL_PX:
        return Group("", (_cell(box, centre, colours, theme),))
    cards = list(_cards(box, centre, _paint(box, colours, theme)))
    items: list[Item] = [*cards]
    if "output" in box.marks:
        items.append(_ring(cards[-1], colours.stroke))
    front = cards[-1]
    if box.shape == "fused":
        items += _rows(box, front, colours, theme, is_upward=is_upward)
    else:
        items += _label(box, front, colours, theme)
    corner = (front.left + front.width - 2, cards[0].top + 2)
    return Group(box.tooltip, (*items, *badges(box.marks, corner, theme)))


def _cell(box: Box, centre: Point, colours: Colours, theme: Theme) -> Rect:
    """One of many tasks, too small for words and badges: a failed one is all its mark's."""
    x, y = centre[0] - box.width_px / 2, centre[1] - box.height_px / 2
    paint = _paint(box, colours, theme)
    if "failed" in box.marks:
        paint = Paint(theme.marks["failed"], theme.marks["failed"])
    return Rect(x, y, box.width_px, box.height_px, 1, 1, paint._replace(width_px=0.6, dash=()))


def _paint(box: Box, colours: Colours, theme: Theme) -> Paint:
    for mark, width_px, dash in OUTLINES:
        if mark in box.marks:
            return Paint(colours.fill, theme.marks[mark], width_px, dash)
    return Paint(colours.fill, colours.stroke)


def _cards(box: Box, centre: Point, paint: Paint) -> Iterator[Rect]:
    """Yield the outline; of a group, those behind it first."""
    n = _N_CARDS if box.shape == "group" else 1
    spread = CARD_PX * (n - 1)
    width, height = box.width_px - spread, box.height_px - spread
    left, top = centre[0] - box.width_px / 2, centre[1] - box.height_px / 2
    rx, ry = _corners(box, width, height)
    for place in range(n):
        behind = spread - CARD_PX * place
        yield Rect(left + behind, top + spread - behind, width, height, rx, ry, paint)


def _corners(box: Box, width: float, height: float) -> Point:
    if box.shape == "function":
        return width / 2, height / 2
    is_plain = not box.label or box.shape == "data"
    radius = DATA_CORNER_PX if is_plain else CORNER_PX
    return radius, radius


def _ring(front: Rect, colour: str) -> Rect:
    return Rect(
        front.left + RING_PX,
        front.top + RING_PX,
        front.width - 2 * RING_PX,
        front.height - 2 * RING_PX,
        max(front.rx - RING_PX, 1),
        max(front.ry - RING_PX, 1),
        Paint(stroke=colour, width_px=1),
    )


def _label(box: Box, front: Rect, colours: Colours, theme: Theme) -> Iterator[Words]:
    x, y = front.left + front.width / 2, front.top + front.height / 2
    if not box.second_line:
        if box.label:
            yield middle_words((x, y), box.label, LABEL_PX, colours.text)
        return
    yield middle_words((x, y - LABEL_UP_PX), box.label, LABEL_PX, colours.text)
    yield from _second_line(box, (x, y + DETAIL_DOWN_PX), colours, theme)


def _second_line(box: Box, middle: Point, colours: Colours, theme: Theme) -> Iterator[Words]:
    """Yield the detail, and beside it what flows back."""
    x, y = middle
    if not box.back or not box.detail:
        colour = theme.back if box.back else colours.text
        yield middle_words(middle, box.second_line, DETAIL_PX, colour)
        return
    widths = [text_width_px(text, DETAIL_PX) for text in (box.detail, box.back)]
    split, y = x + (widths[0] - widths[1]) / 2, y + 0.35 * DETAIL_PX
    yield Words(split - SPLIT_PX / 2, y, box.detail, DETAIL_PX, colours.text, "end")
    yield Words(split + SPLIT_PX / 2, y, box.back, DETAIL_PX, theme.back, "start")


def _rows(
    box: Box, front: Rect, colours: Colours, theme: Theme, *, is_upward: bool
) -> Iterator[Item]:
    """Yield the members, one above the other, with lines between them."""
    rows = rows_of(box.members)
    x, right = front.left + front.width / 2, front.left + front.width
    for n, row in enumerate(reversed(rows) if is_upward else rows):
        top = front.top + ROWS_TOP_PX + n * ROW_PX
        yield middle_words((x, top + ROW_PX / 2), row, LABEL_PX, colours.text)
        if n:
            line = strokes([[(front.left, top), (right, top)]])
            yield Path(line, Paint(stroke=colours.stroke, width_px=_SEPARATOR_PX))
    if box.second_line:
        y = front.top + front.height - DETAIL_DOWN_PX
        yield from _second_line(box, (x, y), colours, theme)

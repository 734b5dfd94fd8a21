"""A legend to items: swatches with names, a scale, badges with words; in lines that fit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from lazygraph.viz.model import Mark, Point, Scene
from lazygraph.viz.paint.badges import BADGE_PX, badge
from lazygraph.viz.paint.colours import scale_colours
from lazygraph.viz.paint.items import Item, Paint, Path, Rect, Words, polygon, strokes
from lazygraph.viz.paint.text import DETAIL_PX, one_line, text_width_px, truncated
from lazygraph.viz.paint.themes import Theme

__all__ = ["legend_items", "legend_size"]

_LEAST_WIDTH_PX = 420.0
_LINE_PX, _TOP_PX, _BOTTOM_PX = 18.0, 4.0, 2.0
_SIGN_PX, _GAP_PX, _SPACE_PX = 13.0, 5.0, 14.0
_SCALE_PX, _SCALE_STEPS = 90.0, 30
_HEAD_PX = 6.0
_MOST_NAMES = 24
_SAID: dict[Mark, str] = {"pending": "did not run"}


class _Entry(NamedTuple):
    """A sign and words for it."""

    text: str
    name: str = ""  # a function's or worker's
    mark: Mark | None = None
    low: str = ""  # before a scale
    way: int = 0  # of an arrow: 1 for what flows forward, -1 for what flows back

    @property
    def sign_px(self) -> float:
        if self.mark or self.name or self.way:
            return _SIGN_PX + _GAP_PX
        if not self.low:
            return 0.0
        return text_width_px(self.low, DETAIL_PX) + _SCALE_PX + 2 * _GAP_PX

    @property
    def width_px(self) -> float:
        return self.sign_px + text_width_px(self.text, DETAIL_PX) + _SPACE_PX


def legend_size(scene: Scene, width_px: float) -> Point:
    """The width and height that `legend_items` will take."""
    lines = _lines(scene, width_px)
    if not lines:
        return 0.0, 0.0
    widths = [sum([entry.width_px for entry in line]) for line in lines]
    return max(widths), len(lines) * _LINE_PX + _TOP_PX + _BOTTOM_PX


def legend_items(scene: Scene, corner: Point, width_px: float, theme: Theme) -> Iterator[Item]:
    """The legend from its upper left corner on, wrapped to the width of the picture."""
    y = corner[1] + _TOP_PX + _LINE_PX / 2
    for line in _lines(scene, width_px):
        x = corner[0]
        for entry in line:
            yield from _sign(scene, entry, (x, y), theme)
            place = (x + entry.sign_px, y + 0.35 * DETAIL_PX)
            colour = theme.back if entry.way < 0 else theme.muted
            yield Words(*place, entry.text, DETAIL_PX, colour, "start")
            x += entry.width_px
        y += _LINE_PX


def _lines(scene: Scene, width_px: float) -> list[list[_Entry]]:
    room = max(width_px, _LEAST_WIDTH_PX)
    lines: list[list[_Entry]] = []
    left = 0.0
    for entry in _entries(scene):
        if not lines or left < entry.width_px:
            lines.append([])
            left = room
        lines[-1].append(entry)
        left -= entry.width_px
    return lines


def _entries(scene: Scene) -> Iterator[_Entry]:
    legend = scene.legend
    if legend is None:
        return
    if legend.title:
        yield _Entry(legend.title)
    if legend.low:
        yield _Entry(legend.high, low=legend.low)
    for name in legend.names[:_MOST_NAMES]:
        yield _Entry(truncated(one_line(name)), name=name)
    if len(legend.names) > _MOST_NAMES:
        yield _Entry(f"and {len(legend.names) - _MOST_NAMES} more")
    if legend.forward:
        yield _Entry(legend.forward, way=1)
    if legend.back:
        yield _Entry(legend.back, way=-1)
    for mark in legend.marks:
        yield _Entry(_SAID.get(mark, mark), mark=mark)


def _sign(scene: Scene, entry: _Entry, start: Point, theme: Theme) -> Iterator[Item]:
    x, y = start
    if entry.mark:
        yield from badge(entry.mark, (x + BADGE_PX, y), theme)
    elif entry.name:
        colours = theme.of_hue(scene.hues[entry.name])
        paint = Paint(colours.fill, colours.stroke)
        yield Rect(x, y - 5, _SIGN_PX, 10, 3, 3, paint)
    elif entry.way:
        yield from _arrow(entry.way, (x + _SIGN_PX / 2, y), theme)
    elif entry.low:
        yield Words(x, y + 0.35 * DETAIL_PX, entry.low, DETAIL_PX, theme.muted, "start")
        yield from _scale((x + text_width_px(entry.low, DETAIL_PX) + _GAP_PX, y - 4))


def _arrow(way: int, middle: Point, theme: Theme) -> Iterator[Item]:
    colour = theme.back if way < 0 else theme.edge
    half = way * _SIGN_PX / 2
    yield Path(strokes([[(-half, 0), (half * 0.6, 0)]], middle), Paint(stroke=colour))
    head = [(half, 0), (half - way * _HEAD_PX, 2.7), (half - way * _HEAD_PX, -2.7)]
    yield Path(polygon(head, middle), Paint(fill=colour))


def _scale(corner: Point) -> Iterator[Item]:
    width = _SCALE_PX / _SCALE_STEPS
    for n in range(_SCALE_STEPS):
        paint = Paint(scale_colours(n / (_SCALE_STEPS - 1)).fill)
        yield Rect(corner[0] + n * width, corner[1], width + 0.3, 8, 0, 0, paint)

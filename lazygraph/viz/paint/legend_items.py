"""A legend to items: swatches with names, a scale, badges with words; in lines that fit."""

from __future__ import annotations

from collections.abc import Iterator
from functools import singledispatch
from math import fsum

from lazygraph.viz.model import Flow, Heading, Hue, LegendEntry, Point, Scale, Scene, Sign
from lazygraph.viz.paint.badges import badge
from lazygraph.viz.paint.colours import scale_colours
from lazygraph.viz.paint.items import Item, Paint, Path, Rect, Words, polygon, strokes
from lazygraph.viz.paint.measures import BADGE_PX, RING_PX
from lazygraph.viz.paint.themes import Theme
from lazygraph.viz.text import DETAIL_PX, one_line, text_width_px, truncated

__all__ = ["legend_items", "legend_size"]

_LEAST_WIDTH_PX = 420.0
_LINE_PX, _TOP_PX, _BOTTOM_PX = 18.0, 4.0, 2.0
_SIGN_PX, _GAP_PX, _SPACE_PX = 13.0, 5.0, 14.0
_SCALE_PX, _SCALE_STEPS = 90.0, 30
_HEAD_PX = 6.0


def legend_size(scene: Scene, width_px: float) -> Point:
    """Return the width and height that `legend_items` will take."""
    lines = _lines(scene, width_px)
    if not lines:
        return 0.0, 0.0
    widths = [fsum([_width_px(entry) for entry in line]) for line in lines]
    return max(widths), len(lines) * _LINE_PX + _TOP_PX + _BOTTOM_PX


def legend_items(scene: Scene, corner: Point, width_px: float, theme: Theme) -> Iterator[Item]:
    """Yield the legend from its upper left corner on, wrapped to the width of the picture."""
    y = corner[1] + _TOP_PX + _LINE_PX / 2
    for line in _lines(scene, width_px):
        x = corner[0]
        for entry in line:
            yield from _sign(entry, (x, y), scene, theme)
            place = (x + _sign_px(entry), y + 0.35 * DETAIL_PX)
            colour = theme.back if isinstance(entry, Flow) and entry.is_back else theme.muted
            yield Words(*place, _said(entry), DETAIL_PX, colour, "start")
            x += _width_px(entry)
        y += _LINE_PX


def _lines(scene: Scene, width_px: float) -> list[list[LegendEntry]]:
    room = max(width_px, _LEAST_WIDTH_PX)
    lines: list[list[LegendEntry]] = []
    left = 0.0
    for entry in scene.legend:
        width = _width_px(entry)
        if not lines or left < width:
            lines.append([])
            left = room
        lines[-1].append(entry)
        left -= width
    return lines


def _width_px(entry: LegendEntry) -> float:
    return _sign_px(entry) + text_width_px(_said(entry), DETAIL_PX) + _SPACE_PX


def _said(entry: LegendEntry) -> str:
    if isinstance(entry, Hue):
        return truncated(one_line(entry.name))
    return entry.high if isinstance(entry, Scale) else entry.text


def _sign_px(entry: LegendEntry) -> float:
    """Return the width of what stands before an entry's words."""
    if isinstance(entry, Heading):
        return 0.0
    if isinstance(entry, Scale):
        return text_width_px(entry.low, DETAIL_PX) + _SCALE_PX + 2 * _GAP_PX
    return _SIGN_PX + _GAP_PX


@singledispatch
def _sign(_entry: LegendEntry, _start: Point, _scene: Scene, _theme: Theme) -> Iterator[Item]:
    return iter(())


@_sign.register
def _(entry: Sign, start: Point, _scene: Scene, theme: Theme) -> Iterator[Item]:
    x, y = start
    if entry.mark != "output":
        yield from badge(entry.mark, (x + BADGE_PX, y), theme)
        return
    paint = Paint(stroke=theme.edge, width_px=1)
    for inset in (0.0, RING_PX - 0.5):
        width, height = _SIGN_PX - 2 * inset, 11 - 2 * inset
        yield Rect(x + inset, y - 5.5 + inset, width, height, 3 - inset, 3 - inset, paint)


@_sign.register
def _(entry: Hue, start: Point, scene: Scene, theme: Theme) -> Iterator[Item]:
    colours = theme.of_hue(scene.hues[entry.name])
    paint = Paint(colours.fill, colours.stroke)
    yield Rect(start[0], start[1] - 5, _SIGN_PX, 10, 3, 3, paint)


@_sign.register
def _(entry: Flow, start: Point, _scene: Scene, theme: Theme) -> Iterator[Item]:
    colour, way = (theme.back, -1) if entry.is_back else (theme.edge, 1)
    middle, half = (start[0] + _SIGN_PX / 2, start[1]), way * _SIGN_PX / 2
    yield Path(strokes([[(-half, 0), (half * 0.6, 0)]], middle), Paint(stroke=colour))
    head = [(half, 0), (half - way * _HEAD_PX, 2.7), (half - way * _HEAD_PX, -2.7)]
    yield Path(polygon(head, middle), Paint(fill=colour))


@_sign.register
def _(entry: Scale, start: Point, _scene: Scene, theme: Theme) -> Iterator[Item]:
    x, y = start
    yield Words(x, y + 0.35 * DETAIL_PX, entry.low, DETAIL_PX, theme.muted, "start")
    left, width = x + text_width_px(entry.low, DETAIL_PX) + _GAP_PX, _SCALE_PX / _SCALE_STEPS
    for n in range(_SCALE_STEPS):
        paint = Paint(scale_colours(n / (_SCALE_STEPS - 1)).fill)
        yield Rect(left + n * width, y - 4, width + 0.3, 8, 0, 0, paint)

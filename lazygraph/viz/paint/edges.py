"""Edges to items: curves with arrowheads, as thick as what they stand for, and labels on them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import hypot, log10

from lazygraph.viz.model import Edge, Layout, Point, Scene
from lazygraph.viz.paint.flows import both_ways, notes_beside
from lazygraph.viz.paint.items import (
    Curves,
    Item,
    Paint,
    Path,
    Rect,
    Step,
    curve_steps,
    middle_words,
    polygon,
)
from lazygraph.viz.paint.measures import (
    ARROW_GROWTH,
    ARROW_PX,
    ARROW_SLIMNESS,
    EDGE_GROWTH_PX,
    EDGE_MOST_PX,
    EDGE_PX,
    FAINT_DASH,
)
from lazygraph.viz.paint.themes import Theme
from lazygraph.viz.text import DETAIL_PX, text_width_px

__all__ = ["edge_items", "label_items"]

_LABEL_PADDING_PX, _LABEL_HEIGHT_PX = 3.0, 13.0
_LABEL_PLACES = (0.5, 0.4, 0.6, 0.3, 0.7)
_SHORT_PX = 12.0

Route = Sequence[Point]
Hull = tuple[float, float, float, float]  # left, top, right, bottom


def edge_items(scene: Scene, layout: Layout, theme: Theme) -> Iterator[Item]:
    """All edges, those in one paint together, then their heads. O(control points)."""
    by_paint: dict[Paint, list[Route]] = {}
    for edge, route in zip(scene.edges, layout.routes, strict=True):
        for paint, line in _lines(scene, edge, route, theme):
            by_paint.setdefault(paint, []).append(line)
    for paint, routes in by_paint.items():
        yield Curves(tuple([curve_steps(_shortened(route, paint)) for route in routes]), paint)
        heads = tuple([step for route in routes for step in _head(route, paint)])
        yield Path(heads, Paint(fill=paint.stroke))


def _lines(scene: Scene, edge: Edge, route: Route, theme: Theme) -> Iterator[tuple[Paint, Route]]:
    paint = _paint(scene, edge, theme)
    if not edge.back:
        yield paint, route
        return
    there, back = both_ways(route, scene.rankdir)
    yield paint, there
    yield Paint(stroke=theme.back, width_px=EDGE_PX), back


def _paint(scene: Scene, edge: Edge, theme: Theme) -> Paint:
    width_px = EDGE_PX + min(EDGE_GROWTH_PX * log10(edge.count), EDGE_MOST_PX)
    if scene.boxes[edge.end].marks & {"skipped", "pending"}:
        return Paint(stroke=theme.faint.stroke, width_px=width_px, dash=FAINT_DASH)
    return Paint(stroke=theme.edge, width_px=width_px)


def _length_px(paint: Paint) -> float:
    return ARROW_PX + ARROW_GROWTH * paint.width_px


def _shortened(route: Route, paint: Paint) -> Route:
    """Return the route but for what its head covers, so that a thick line does not show beside it."""
    (x, y), (ux, uy) = route[-1], _direction(route)
    back = _length_px(paint) * 0.6
    *before, (cx, cy), _ = route
    return [*before, (cx - ux * back, cy - uy * back), (x - ux * back, y - uy * back)]


def _head(route: Route, paint: Paint) -> tuple[Step, ...]:
    """Return a triangle whose tip is the end of the route."""
    (x, y), (ux, uy) = route[-1], _direction(route)
    length = _length_px(paint)
    half = length * ARROW_SLIMNESS
    corners = [(0.0, 0.0), (-ux * length - uy * half, -uy * length + ux * half)]
    corners.append((-ux * length + uy * half, -uy * length - ux * half))
    return polygon(corners, (x, y))


def _direction(route: Route) -> Point:
    """Where the route goes at its end, as a unit vector."""
    x, y = route[-1]
    before = next((point for point in reversed(route) if point != (x, y)), (x, y + 1))
    dx, dy = x - before[0], y - before[1]
    length = hypot(dx, dy)
    return dx / length, dy / length


def label_items(scene: Scene, layout: Layout, theme: Theme) -> Iterator[Item]:
    """Yield the labels of edges, each on its edge where it covers no box and no other label."""
    if not any(edge.text for edge in scene.edges):
        return
    taken = [
        _hull(centre, box.width_px, box.height_px)
        for box, centre in zip(scene.boxes, layout.centres, strict=True)
    ]
    places = layout.labels or (None,) * len(scene.edges)
    for edge, route, place in zip(scene.edges, layout.routes, places, strict=True):
        if place:
            yield from notes_beside(edge, place, scene.rankdir, theme)
        elif edge.label:
            width = text_width_px(edge.label, DETAIL_PX) + 2 * _LABEL_PADDING_PX
            x, y = _place(route, width, taken)
            hull = _hull((x, y), width, _LABEL_HEIGHT_PX)
            taken.append(hull)
            paint = Paint(theme.background)
            yield Rect(hull[0], hull[1], width, _LABEL_HEIGHT_PX, 3, 3, paint)
            yield middle_words((x, y), edge.label, DETAIL_PX, theme.muted)


def _place(route: Route, width: float, taken: Sequence[Hull]) -> Point:
    """Return the first good point on a route, from its start on."""
    places = list(_points(route))
    for place in places:
        hull = _hull(place, width, _LABEL_HEIGHT_PX)
        if not any(_overlap(hull, other) for other in taken):
            return place
    return places[0]


def _points(route: Route) -> Iterator[Point]:
    curves = [route[n : n + 4] for n in range(0, len(route) - 1, 3)]
    long = [curve for curve in curves if _span(curve) > _SHORT_PX]
    for curve in long or curves:
        for t in _LABEL_PLACES:
            weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3)
            x = y = 0.0  # not `sum`, which rounds differently from one Python to the next
            for weight, point in zip(weights, curve, strict=True):
                x += weight * point[0]
                y += weight * point[1]
            yield x, y


def _span(curve: Route) -> float:
    return hypot(curve[-1][0] - curve[0][0], curve[-1][1] - curve[0][1])


def _hull(middle: Point, width: float, height: float) -> Hull:
    x, y = middle
    return x - width / 2, y - height / 2, x + width / 2, y + height / 2


def _overlap(one: Hull, other: Hull) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]

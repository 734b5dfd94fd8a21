"""A scene and its layout to SVG text: presentation attributes only, so any viewer shows it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from html import escape
from math import hypot

from lazygraph.viz.colours import DETAIL_TEXT, EDGE, TEXT, Colours
from lazygraph.viz.scene import DETAIL_PX, LABEL_PX, Box, Layout, Point, Scene

__all__ = ["svg_text"]

_ARROW_LENGTH_PX, _ARROW_HALF_PX = 7.0, 3.0
_CORNER_PX = 7
_MOST_NAMES = 10


def svg_text(scene: Scene, layout: Layout) -> str:
    """The picture as a whole file; the same bytes for the same input. O(boxes + curves)."""
    return "\n".join(_lines(scene, layout)) + "\n"


def _lines(scene: Scene, layout: Layout) -> Iterator[str]:
    width, height = _number(layout.width_px), _number(layout.height_px)
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" role="img" text-anchor="middle" '
        'font-family="Helvetica, Arial, Liberation Sans, sans-serif">'
    )
    yield f"<title>Task graph: {_count(len(scene.boxes), 'task')}</title>"
    yield f"<desc>{_escaped(_description(scene))}</desc>"
    yield f'<g fill="none" stroke="{EDGE}" stroke-width="1.2">'
    for route in layout.routes:
        yield f'<path d="{_curve(route)}"/>'
    yield "</g>"
    if layout.routes:
        yield f'<path fill="{EDGE}" d="{"".join(map(_arrow, layout.routes))}"/>'
    for box, centre in zip(scene.boxes, layout.centres, strict=True):
        yield _box(box, centre, scene.colours[box.function])
    yield "</svg>"


def _description(scene: Scene) -> str:
    counts = Counter(box.function or "data" for box in scene.boxes)
    names = [f"{name} ({n})" for name, n in list(counts.items())[:_MOST_NAMES]]
    if len(counts) > _MOST_NAMES:
        names.append(f"{len(counts) - _MOST_NAMES} more")
    edges = _count(len(scene.edges), "dependency", "dependencies")
    return f"Data flows upward along {edges}. Boxes: {', '.join(names)}."


def _box(box: Box, centre: Point, colours: Colours) -> str:
    x, y = centre
    left, top = x - box.width_px / 2, y - box.height_px / 2
    label_y = y - 7 if box.detail else y
    rect = (
        f'<rect x="{_number(left)}" y="{_number(top)}" width="{_number(box.width_px)}" '
        f'height="{_number(box.height_px)}" rx="{_CORNER_PX}" fill="{colours.fill}" '
        f'stroke="{colours.stroke}" stroke-width="{3 if box.is_output else 1.2}"/>'
    )
    parts = [
        f"<g><title>{_escaped(box.tooltip)}</title>",
        rect,
        _text(box.label, (x, label_y), LABEL_PX, TEXT),
    ]
    if box.detail:
        parts.append(_text(box.detail, (x, y + 10), DETAIL_PX, DETAIL_TEXT))
    return "".join(parts) + "</g>"


def _text(text: str, middle: Point, size_px: int, colour: str) -> str:
    # Few viewers know how to centre text vertically: the baseline is 0.35 em below the middle.
    x, y = _number(middle[0]), _number(middle[1] + 0.35 * size_px)
    return f'<text x="{x}" y="{y}" font-size="{size_px}" fill="{colour}">{_escaped(text)}</text>'


def _curve(route: Sequence[Point]) -> str:
    start, *rest = map(_pair, route)
    curves = [" ".join(rest[n : n + 3]) for n in range(0, len(rest), 3)]
    return f"M{start}C" + " ".join(curves)


def _arrow(route: Sequence[Point]) -> str:
    """A head whose tip is the end of the route."""
    tip = x, y = route[-1]
    before = next((point for point in reversed(route) if point != tip), (x, y + 1))
    dx, dy = x - before[0], y - before[1]
    length = hypot(dx, dy)
    ux, uy = dx / length, dy / length
    base_x, base_y = x - ux * _ARROW_LENGTH_PX, y - uy * _ARROW_LENGTH_PX
    side_x, side_y = -uy * _ARROW_HALF_PX, ux * _ARROW_HALF_PX
    corners = [tip, (base_x + side_x, base_y + side_y), (base_x - side_x, base_y - side_y)]
    return "M" + "L".join(map(_pair, corners)) + "Z"


def _pair(point: Point) -> str:
    return f"{_number(point[0])},{_number(point[1])}"


def _number(value: float) -> str:
    return f"{round(value, 1) + 0.0:.1f}".removesuffix(".0")


def _count(n: int, one: str, many: str | None = None) -> str:
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def _escaped(text: str) -> str:
    return escape(text, quote=False)  # the user's text stands between tags, never in an attribute

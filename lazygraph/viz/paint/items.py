"""What every renderer can draw: rectangles, paths, words, and groups of them with a tooltip."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import hypot
from typing import Literal, NamedTuple

from lazygraph.viz.model import Point
from lazygraph.viz.paint.themes import Theme

__all__ = [
    "Curves",
    "Group",
    "Item",
    "Paint",
    "Path",
    "Picture",
    "Rect",
    "Step",
    "Words",
    "circle",
    "curve_steps",
    "middle_words",
    "polygon",
    "strokes",
]

_FLAT_PX = 0.1  # what is bent less is drawn straight

#: One of "M", "L", "C" with its points, or "Z" with none, as in SVG.
Step = tuple[str, tuple[Point, ...]]


class Paint(NamedTuple):
    """Colours as ``#rrggbb``; an empty one paints nothing."""

    fill: str = ""
    stroke: str = ""
    width_px: float = 1.2
    dash: tuple[float, ...] = ()


class Rect(NamedTuple):
    """A rectangle, its corners rounded by `rx` and `ry`; with half its size, an ellipse."""

    left: float
    top: float
    width: float
    height: float
    rx: float
    ry: float
    paint: Paint


class Path(NamedTuple):
    """Lines and curves."""

    steps: tuple[Step, ...]
    paint: Paint


class Curves(NamedTuple):
    """Several paths in one paint."""

    paths: tuple[tuple[Step, ...], ...]
    paint: Paint


class Words(NamedTuple):
    """A line of text; `y` is its baseline, `x` its start, middle or end."""

    x: float
    y: float
    text: str
    size_px: float
    colour: str
    anchor: Literal["start", "middle", "end"] = "middle"
    is_bold: bool = False


class Group(NamedTuple):
    """Items that belong together, and what is told of them when pointed at."""

    tooltip: str
    items: tuple[Item, ...]


Item = Rect | Path | Curves | Words | Group


@dataclass(frozen=True, slots=True)
class Picture:
    """All there is to be drawn, back to front, in px from the top left."""

    width_px: float
    height_px: float
    theme: Theme
    title: str
    description: str
    items: tuple[Item, ...]


def circle(middle: Point, radius: float, paint: Paint) -> Rect:
    """Return a circle as a rectangle that is all corners."""
    x, y = middle
    return Rect(x - radius, y - radius, 2 * radius, 2 * radius, radius, radius, paint)


def curve_steps(route: Sequence[Point]) -> tuple[Step, ...]:
    """Return a route, ``1 + 3 n`` control points, as steps; what is straight as one line."""
    steps: list[Step] = [("M", (route[0],))]
    corner = route[0]  # where the last line began
    for n in range(0, len(route) - 1, 3):
        curve = route[n : n + 4]
        if not _is_straight(curve):
            steps.append(("C", tuple(curve[1:])))
            corner = curve[3]
        elif steps[-1][0] == "L" and _is_straight((corner, curve[0], curve[3])):
            steps[-1] = ("L", (curve[3],))
        else:
            steps.append(("L", (curve[3],)))
            corner = curve[0]
    return tuple(steps)


def _is_straight(points: Sequence[Point]) -> bool:
    """Whether all points are near the line through the first and the last."""
    (x, y), *between, (end_x, end_y) = points
    dx, dy = end_x - x, end_y - y
    most = _FLAT_PX * hypot(dx, dy)
    return all(abs((px - x) * dy - (py - y) * dx) <= most for px, py in between)


def strokes(lines: Iterable[Sequence[Point]], middle: Point = (0, 0)) -> tuple[Step, ...]:
    """Lines from point to point, shifted to `middle`."""
    x, y = middle
    steps: list[Step] = []
    for line in lines:
        moved = [(x + dx, y + dy) for dx, dy in line]
        steps += [("M", (moved[0],)), *[("L", (point,)) for point in moved[1:]]]
    return tuple(steps)


def polygon(corners: Sequence[Point], middle: Point = (0, 0)) -> tuple[Step, ...]:
    """Return a closed line."""
    return (*strokes([corners], middle), ("Z", ()))


def middle_words(middle: Point, text: str, size_px: float, colour: str) -> Words:
    """Text around a point: few viewers know how to centre it vertically, so by the baseline."""
    return Words(middle[0], middle[1] + 0.35 * size_px, text, size_px, colour)

"""Edges and their routes to columns of small numbers.

What can be told from the boxes is not said again: an end is given from its box's centre. A
curve's inner control points are hundredths of the way, the same all over a picture; in a coarse
one they are left out, and the page draws smooth curves through the same joints.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from math import dist

from lazygraph.viz.model import Layout, Point, Scene
from lazygraph.viz.write.html.box_columns import differences, folded

__all__ = ["edge_columns"]

Segment = tuple[Point, Point, Point, Point]


def edge_columns(
    scene: Scene, layout: Layout, unit: float, *, is_coarse: bool = False
) -> dict[str, object]:
    """Per edge its ends, label and count; per curve of its route its inner control points and,
    but for the last, where it ends.
    """
    routes = _Routes(unit, is_coarse)
    places = layout.labels or (None,) * len(scene.edges)
    for edge, route, place in zip(scene.edges, layout.routes, places, strict=True):
        routes.add(route, layout.centres[edge.start], layout.centres[edge.end], place)
    return {
        "m": len(scene.edges),
        "end": differences(edge.end for edge in scene.edges),
        "start": folded([edge.end - edge.start for edge in scene.edges]),
        "label": folded([edge.label for edge in scene.edges]),
        "back": folded([edge.back for edge in scene.edges]),
        "count": folded([edge.count for edge in scene.edges]),
        "at": folded(routes.at),
        **{name: folded(column) for name, column in routes.columns.items()},
    }


class _Routes:
    """Columns that grow by a route at a time.

    ``curves``: how many an edge has. ``sx, sy, ex, ey``: its ends, from the centres of its
    boxes. ``kx, ky``: between two curves, where they join, from the start or the joint before.
    ``ax, ay, bx, by``: a curve's inner control points, in hundredths of the way to its end.
    `at` tells in the middle of which curve a label stands; -1 where that is not given.
    """

    def __init__(self, unit: float, is_coarse: bool) -> None:
        self._unit, self._is_coarse = unit, is_coarse
        names = ["curves", "sx", "sy", "ex", "ey", "kx", "ky"]
        names += [] if is_coarse else ["ax", "ay", "bx", "by"]
        self.columns: dict[str, list[int]] = {name: [] for name in names}
        self.at: list[int] = []

    def add(self, route: Sequence[Point], start: Point, end: Point, label: Point | None) -> None:
        segments = list(_segments(route) if label else _merged(_segments(route)))
        self.at.append(_nearest(segments, label) if label else -1)
        self.columns["curves"].append(len(segments))
        self._add_point("s", start, route[0])
        self._add_point("e", end, route[-1])
        for segment in segments[:-1]:
            self._add_point("k", segment[0], segment[3])
        if not self._is_coarse:
            for segment in segments:
                self._add_shape(*segment)

    def _add_shape(self, start: Point, one: Point, other: Point, end: Point) -> None:
        for name, point in (("a", one), ("b", other)):
            self.columns[f"{name}x"].append(_hundredths(start[0], point[0], end[0]))
            self.columns[f"{name}y"].append(_hundredths(start[1], point[1], end[1]))

    def _add_point(self, name: str, before: Point, point: Point) -> None:
        # Each is rounded by itself, so that differences add up to no more than one rounding.
        for axis, n in (("x", 0), ("y", 1)):
            step = round(point[n] / self._unit) - round(before[n] / self._unit)
            self.columns[name + axis].append(step)


def _segments(route: Sequence[Point]) -> Iterator[Segment]:
    for n in range(0, len(route) - 1, 3):
        yield route[n], route[n + 1], route[n + 2], route[n + 3]


def _nearest(segments: Sequence[Segment], place: Point) -> int:
    """Return the segment whose middle is nearest to a place."""
    middles = [((a[0] + b[0]) / 2, (a[1] + b[1]) / 2) for a, *_, b in segments]
    return min(range(len(segments)), key=lambda n: dist(middles[n], place))


def _merged(segments: Iterator[Segment]) -> Iterator[Segment]:
    """Straight runs, up or across, that follow each other are one."""
    held: Segment | None = None
    for segment in segments:
        if held is not None and _is_one_line(held, segment):
            held = (held[0], held[0], segment[3], segment[3])
            continue
        if held is not None:
            yield held
        held = segment
    if held is not None:
        yield held


def _is_one_line(one: Segment, other: Segment) -> bool:
    points = (*one, *other)
    return any(all(a[n] == b[n] for a, b in pairwise(points)) for n in (0, 1))


def _hundredths(low: float, value: float, high: float) -> int:
    """Where `value` is on the way from `low` to `high`; 0 where there is no way to speak of."""
    way = high - low
    return round(100 * (value - low) / way) if abs(way) >= 0.5 else 0

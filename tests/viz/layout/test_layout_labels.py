"""Labels of edges have places of their own, and their edges go through them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import dist

import pytest
from pictures import overlaps

from lazygraph.viz.layout import layered_layout, layout_with_labels
from lazygraph.viz.model import Point


@pytest.mark.parametrize("rankdir", ["BT", "TB", "LR", "RL"])
def test_labels_of_edges_have_room_of_their_own(rankdir: str) -> None:
    sizes = [(60.0, 40.0)] * 12
    edges = [(i, j) for j in range(12) for i in range(max(0, j - 3), j)]
    labels = [(70.0, 13.0) if n % 3 else None for n in range(len(edges))]

    layout = layout_with_labels(layered_layout, sizes, edges, labels, rankdir)

    boxes = [(*centre, *size) for centre, size in zip(layout.centres, sizes, strict=True)]
    places = zip(layout.labels, labels, strict=True)
    boxes += [(*place, *size) for place, size in places if place and size]
    assert overlaps(boxes) == 0
    assert [place is None for place in layout.labels] == [label is None for label in labels]
    for (start, end), route in zip(edges, layout.routes, strict=True):
        assert len(route) % 3 == 1
        for box, (x, y) in ((start, route[0]), (end, route[-1])):
            u, v = layout.centres[box]
            assert abs(x - u) <= 30.5
            assert abs(y - v) <= 20.5


@pytest.mark.parametrize("rankdir", ["BT", "TB", "LR", "RL"])
def test_an_edge_goes_straight_through_the_middle_of_its_label(rankdir: str) -> None:
    sizes = [(60.0, 40.0)] * 9
    edges = [(i, j) for j in range(9) for i in range(max(0, j - 4), j)]
    labels = [(70.0, 13.0) if n % 4 else None for n in range(len(edges))]

    layout = layout_with_labels(layered_layout, sizes, edges, labels, rankdir)

    axis = 1 if rankdir in {"LR", "RL"} else 0
    for route, place in zip(layout.routes, layout.labels, strict=True):
        pieces = [route[n : n + 4] for n in range(0, len(route) - 1, 3)]
        middles = [[(a + b) / 2 for a, b in zip(p[0], p[3], strict=True)] for p in pieces]
        if place is not None:
            (n,) = [n for n, middle in enumerate(middles) if middle == pytest.approx(place)]
            points = [pieces[n - 1][2], *pieces[n], pieces[n + 1][1]]  # with the handles beside it
            assert {point[axis] for point in points} == {place[axis]}


def _bend(before: Sequence[Point], after: Sequence[Point]) -> float:
    """The sine of the angle between where a curve comes from and where the next one goes."""
    (ax, ay), (bx, by) = _way(before[::-1]), _way(after)
    return abs(ax * by - ay * bx)


def _way(points: Sequence[Point]) -> Point:
    first = points[0]
    other = next(point for point in points if dist(point, first) > 1e-6)
    length = dist(other, first)
    return (other[0] - first[0]) / length, (other[1] - first[1]) / length


@pytest.mark.parametrize("rankdir", ["BT", "TB", "LR", "RL"])
def test_an_edge_with_a_label_has_no_corner(rankdir: str) -> None:
    sizes = [(60.0, 40.0 + 10 * (n % 3)) for n in range(12)]
    edges = [(i, j) for j in range(12) for i in range(max(0, j - 4), j) if (i + j) % 3]
    labels = [(70.0, 13.0) if n % 2 else None for n in range(len(edges))]

    layout = layout_with_labels(layered_layout, sizes, edges, labels, rankdir)

    for route in layout.routes:
        pieces = [route[n : n + 4] for n in range(0, len(route) - 1, 3)]
        assert all(_bend(one, other) < 0.05 for one, other in pairwise(pieces))

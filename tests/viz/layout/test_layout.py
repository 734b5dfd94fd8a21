"""Layouts of any graph: what holds of every picture."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Sequence
from itertools import combinations, pairwise
from pathlib import Path

import pytest
from children import ROOT
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.shapes import SHAPES
from lazygraph.errors import DrawingError
from lazygraph.viz.layout import layered_layout
from lazygraph.viz.model import Layout, Point

WAYS = ("BT", "TB", "LR", "RL")
Edges = list[tuple[int, int]]
Sizes = list[tuple[float, float]]


@st.composite
def drawings(draw: st.DrawFn) -> tuple[Sizes, Edges]:
    """Boxes in topological order, of any size, some of them alone."""
    size = st.tuples(st.integers(20, 400), st.integers(20, 60))
    sizes = draw(st.lists(size.map(lambda s: (float(s[0]), float(s[1]))), min_size=1, max_size=16))
    pairs = list(combinations(range(len(sizes)), 2))
    return sizes, draw(
        st.lists(st.sampled_from(pairs), unique=True, max_size=32) if pairs else st.just([])
    )


def along(point: Point, way: str) -> float:
    """How far along the data a point is."""
    x, y = point
    return {"BT": -y, "TB": y, "LR": x, "RL": -x}[way]


def frame(size: tuple[float, float], centre: Point) -> tuple[float, float, float, float]:
    (width, height), (x, y) = size, centre
    return x - width / 2, y - height / 2, x + width / 2, y + height / 2


def points_on(route: Sequence[Point], n: int = 24) -> list[Point]:
    """Points on the curves of a route."""
    points = []
    for k in range(0, len(route) - 1, 3):
        a, b, c, d = route[k : k + 4]
        for i in range(n + 1):
            t, s = i / n, 1 - i / n
            weights = s**3, 3 * s * s * t, 3 * s * t * t, t**3
            x, y = (
                sum(w * p[axis] for w, p in zip(weights, (a, b, c, d), strict=True))
                for axis in (0, 1)
            )
            points.append((x, y))
    return points


def assert_sound(sizes: Sizes, edges: Edges, layout: Layout, way: str) -> None:
    """Nothing overlaps, and every edge starts and ends where it should."""
    frames = [frame(*pair) for pair in zip(sizes, layout.centres, strict=True)]
    for left, top, right, bottom in frames:
        assert left >= 0
        assert top >= 0
        assert right <= layout.width_px
        assert bottom <= layout.height_px
    for (a, b, c, d), (e, f, g, h) in combinations(frames, 2):
        assert c <= e or g <= a or d <= f or h <= b
    for (start, end), route in zip(edges, layout.routes, strict=True):
        assert len(route) % 3 == 1
        assert len(route) > 1
        assert_on_border(route[0], frames[start], way, 1)
        assert_on_border(route[-1], frames[end], way, -1)
        places = [along(point, way) for point in route]
        assert places == sorted(places)


def assert_on_border(
    point: Point, its_frame: tuple[float, float, float, float], way: str, side: int
) -> None:
    left, top, right, bottom = its_frame
    corners = [(left, top), (right, bottom)]
    borders = sorted(along(corner, way) for corner in corners)
    assert along(point, way) == pytest.approx(borders[1 if side > 0 else 0], abs=1e-6)
    assert left - 1e-6 <= point[0] <= right + 1e-6
    assert top - 1e-6 <= point[1] <= bottom + 1e-6


def assert_no_edge_goes_through_a_box(sizes: Sizes, edges: Edges, layout: Layout) -> None:
    frames = [frame(*pair) for pair in zip(sizes, layout.centres, strict=True)]
    for edge, route in zip(edges, layout.routes, strict=True):
        points = points_on(route)
        for box, (left, top, right, bottom) in enumerate(frames):
            if box not in edge:
                assert not any(left < x < right and top < y < bottom for x, y in points)


@given(drawings(), st.sampled_from(WAYS))
@settings(deadline=None)
def test_any_graph_is_laid_out_soundly(drawing: tuple[Sizes, Edges], way: str) -> None:
    sizes, edges = drawing

    layout = layered_layout(sizes, edges, way)

    assert_sound(sizes, edges, layout, way)
    assert_no_edge_goes_through_a_box(sizes, edges, layout)


@given(drawings(), st.randoms(use_true_random=False))
@settings(deadline=None)
def test_the_order_of_edges_does_not_matter(
    drawing: tuple[Sizes, Edges], rng: random.Random
) -> None:
    sizes, edges = drawing
    shuffled = rng.sample(edges, len(edges))

    layout, other = layered_layout(sizes, edges), layered_layout(sizes, shuffled)

    assert other.centres == layout.centres
    routes = dict(zip(edges, layout.routes, strict=True))
    assert [routes[edge] for edge in shuffled] == list(other.routes)


def test_a_direction_is_the_same_layout_turned() -> None:
    edges = random_edges(20, 40)
    edges += [(n, n + 1) for n in range(19) if (n, n + 1) not in edges]  # one part
    up, down, right, left = (
        layered_layout([(40.0, 40.0)] * 20, edges, way) for way in ("BT", "TB", "LR", "RL")
    )

    assert up.centres == tuple([(x, down.height_px - y) for x, y in down.centres])
    assert right.centres == tuple([(y, x) for x, y in down.centres])
    assert left.centres == tuple([(y, x) for x, y in up.centres])


def random_edges(n: int, n_edges: int, seed: int = 1) -> Edges:
    rng = random.Random(seed)
    pairs = {tuple(sorted(rng.sample(range(n), 2))) for _ in range(n_edges)}
    return sorted((a, b) for a, b in pairs)


def test_every_process_makes_the_same_layout() -> None:
    code = (
        "from test_layout import random_edges\n"
        "from lazygraph.viz.layout import layered_layout\n"
        "print(layered_layout([(50.0, 30.0)] * 60, random_edges(60, 150)))"
    )
    here = Path(__file__).parent
    path = os.pathsep.join([str(here), str(ROOT), str(ROOT / "tests" / "support")])
    said = [
        subprocess.run(
            [sys.executable, "-c", code],
            check=True,
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": path},
        ).stdout
        for seed in ("1", "2")
    ]

    assert said[0] == said[1]


CORNERS: dict[str, tuple[Sizes, Edges]] = {
    "no box": ([], []),
    "one box": ([(50.0, 30.0)], []),
    "one very wide box": ([(4000.0, 30.0), (40.0, 30.0), (40.0, 30.0)], [(0, 1), (0, 2)]),
    "narrower than its corners": ([(1.0, 1.0)] * 3, [(0, 2), (1, 2)]),
    "a triangle": ([(50.0, 30.0)] * 3, [(0, 1), (0, 2), (1, 2)]),
    "two parts and one alone": ([(50.0, 30.0)] * 5, [(0, 2), (1, 3)]),
    "wide among narrow": (
        [(400.0 if n % 3 else 20.0, 30.0) for n in range(30)],
        random_edges(30, 60),
    ),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", CORNERS)
def test_a_corner_case_is_laid_out_soundly(name: str, way: str) -> None:
    sizes, edges = CORNERS[name]

    layout = layered_layout(sizes, edges, way)

    assert_sound(sizes, edges, layout, way)
    assert_no_edge_goes_through_a_box(sizes, edges, layout)


LARGE: dict[str, tuple[int, Edges]] = {
    "a thousand alone": (1000, []),
    "a thousand pairs": (2000, [(2 * n, 2 * n + 1) for n in range(1000)]),
    "a chain of 5,000": (5000, [(n, n + 1) for n in range(4999)]),
    "a star of 2,000": (2001, [(n, 2000) for n in range(2000)]),
    "2,000 from one": (2001, [(0, n) for n in range(1, 2001)]),
    "all to all, 40 by 40": (80, [(a, b) for a in range(40) for b in range(40, 80)]),
    "one edge past 5,000": (5000, [*[(n, n + 1) for n in range(4999)], (0, 4999)]),
}


@pytest.mark.parametrize("name", LARGE)
def test_a_large_graph_is_laid_out_soundly(name: str) -> None:
    pytest.importorskip("numpy")
    from benchmarks.curves import frames_of, overlaps, segments_of, through

    n_boxes, edges = LARGE[name]
    sizes = [(50.0, 30.0)] * n_boxes

    layout = layered_layout(sizes, edges)

    frames = frames_of(sizes, layout.centres)
    assert overlaps(frames) == 0
    assert through(segments_of(edges, layout.routes), frames) == 0
    assert len(layout.routes) == len(edges)
    for (start, end), route in zip(edges, layout.routes, strict=True):
        assert_on_border(route[0], frame(sizes[start], layout.centres[start]), "BT", 1)
        assert_on_border(route[-1], frame(sizes[end], layout.centres[end]), "BT", -1)


def test_many_parts_make_no_ribbon() -> None:
    layout = layered_layout([(50.0, 30.0)] * 1000, [])

    assert 0.5 < layout.width_px / layout.height_px < 3


def test_parts_keep_their_order() -> None:
    layout = layered_layout([(50.0, 30.0)] * 100, [])

    assert list(layout.centres) == sorted(layout.centres, key=lambda centre: centre[::-1])


def test_beyond_the_most_bends_long_edges_curve_freely(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lazygraph.viz.layout.order.net._MOST_BENDS", 0)
    monkeypatch.setattr("lazygraph.viz.layout.order.net._MOST_BENDS_PER_BOX", 1)
    edges = [*[(n, n + 1) for n in range(29)], *[(0, n) for n in range(2, 30)]]
    sizes = [(50.0, 30.0)] * 30

    layout = layered_layout(sizes, edges)

    assert_sound(sizes, edges, layout, "BT")
    assert len(layout.routes[-1]) == 4  # one curve
    assert len(layout.routes[30]) > 4


def test_tasks_read_from_left_to_right() -> None:
    """Graph: (0, 1) -> 4, (2, 3) -> 5, (4, 5) -> 6."""
    edges = [(0, 4), (1, 4), (2, 5), (3, 5), (4, 6), (5, 6)]

    xs = [x for x, _ in layered_layout([(50.0, 30.0)] * 7, edges).centres]

    assert xs[:4] == sorted(xs[:4])
    assert xs[4] == pytest.approx((xs[0] + xs[1]) / 2)
    assert xs[6] == pytest.approx((xs[4] + xs[5]) / 2)


def test_a_larger_tree_reads_from_left_to_right_as_well() -> None:
    """Of 30 leaves: the order they were made in lets edges cross, and sweeps could mirror it."""
    made = SHAPES["tree"](60)

    xs = [x for x, _ in layered_layout(made.sizes, made.edges).centres]

    assert sum(left < right for left, right in pairwise(xs[:30])) > 20


def test_a_constant_stands_right_below_what_uses_it() -> None:
    """Graph: a chain 0 -> 1 -> 2 -> 3, and a constant 4 that only 5 needs, as 3 does."""
    edges = [(0, 1), (1, 2), (2, 3), (3, 5), (4, 5)]

    ys = [y for _, y in layered_layout([(50.0, 30.0)] * 6, edges).centres]

    assert ys[4] == ys[3]


def test_an_unknown_direction_is_refused() -> None:
    with pytest.raises(DrawingError, match=r"'up' is not known.*BT"):
        layered_layout([(50.0, 30.0)], [], "up")

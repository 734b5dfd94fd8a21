"""How good layouts are, counted on the curves as drawn, beside those of the program dot."""

from __future__ import annotations

import random
import shutil
from functools import cache
from itertools import combinations
from statistics import median

import pytest

pytest.importorskip("numpy")

import numpy as np

from benchmarks.curves import (
    Quality,
    Segments,
    crossings,
    frames_of,
    overlaps,
    quality,
    segments_of,
    through,
)
from benchmarks.dot_figures import DOT_FIGURES
from benchmarks.shapes import SHAPES
from lazygraph.viz.layout import dot_layout, layered_layout
from lazygraph.viz.model import Layout, Point

CASES = [
    pytest.param(shape, n, marks=[pytest.mark.slow] if n == 1000 else [], id=f"{shape} {n}")
    for shape, n in DOT_FIGURES
]
#: Crossings: no more than dot's.
EASY = ("tree", "chain", "stencil", "fft", "map_reduce")


@cache
def laid_out(shape: str, n: int) -> Layout:
    made = SHAPES[shape](n)
    return layered_layout(made.sizes, made.edges)


@cache
def seen(shape: str, n: int) -> Quality:
    made = SHAPES[shape](n)
    return quality(made.sizes, made.edges, laid_out(shape, n))


def ratio(ours: int, theirs: int) -> float:
    return ours / theirs if theirs else float(1 + ours)


@pytest.mark.parametrize(("shape", "n"), CASES)
def test_nothing_overlaps_and_no_edge_goes_through_a_box(shape: str, n: int) -> None:
    made = SHAPES[shape](n)
    layout = laid_out(shape, n)
    frames = frames_of(made.sizes, layout.centres)

    assert overlaps(frames) == 0
    assert through(segments_of(made.edges, layout.routes), frames) == 0


@pytest.mark.parametrize(("shape", "n"), CASES)
def test_edges_cross_as_seldom_as_dots(shape: str, n: int) -> None:
    figures = DOT_FIGURES[shape, n]
    if figures is None:
        pytest.skip("dot does not finish")

    assert ratio(seen(shape, n).crossings, figures[0]) <= (1.0 if shape in EASY else 1.25)


@pytest.mark.slow
def test_in_the_middle_edges_cross_no_more_than_dots() -> None:
    ratios = [
        ratio(seen(*case).crossings, figures[0]) for case, figures in DOT_FIGURES.items() if figures
    ]

    assert median(ratios) <= 1.05


@pytest.mark.parametrize(("shape", "n"), CASES)
def test_edges_are_as_short_and_pictures_as_narrow_as_dots(shape: str, n: int) -> None:
    """But for trees, whose boxes stand over the middle of what they join."""
    figures = DOT_FIGURES[shape, n]
    if figures is None:
        pytest.skip("dot does not finish")

    _, length_px, width_px = figures
    assert seen(shape, n).length_px <= (1.4 if shape == "tree" else 1.1) * length_px
    assert seen(shape, n).width_px <= 1.1 * width_px


@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz's program dot is not installed")
@pytest.mark.parametrize("n", [10, 100])
@pytest.mark.parametrize("shape", SHAPES)
def test_the_program_that_is_installed_does_no_better(shape: str, n: int) -> None:
    made = SHAPES[shape](n)
    dots = quality(made.sizes, made.edges, dot_layout(made.sizes, made.edges))

    ours = seen(shape, n)

    assert ratio(ours.crossings, dots.crossings) <= (1.0 if shape in EASY else 1.25)
    assert ours.length_px <= (1.4 if shape == "tree" else 1.1) * dots.length_px
    assert ours.width_px <= 1.1 * dots.width_px


# ------------------------------------------------------------ the counting
def turn(a: Point, b: Point, c: Point) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def cross(one: tuple[Point, Point], other: tuple[Point, Point]) -> bool:
    (a, b), (c, d) = one, other
    return turn(a, b, c) * turn(a, b, d) < 0 and turn(c, d, a) * turn(c, d, b) < 0


@pytest.mark.parametrize("seed", range(20))
def test_crossings_are_those_of_pairs_of_lines(seed: int) -> None:
    rng = random.Random(seed)
    lines = [((rng.random(), rng.random()), (rng.random(), rng.random())) for _ in range(60)]
    edges = [(rng.randrange(10), rng.randrange(10, 20)) for _ in lines]

    found = crossings(segments_of(edges, [(a, a, b, b) for a, b in lines]))

    assert found == sum(
        cross(lines[m], lines[n]) and not set(edges[m]) & set(edges[n])
        for m, n in combinations(range(len(lines)), 2)
    )


def test_curves_are_counted_as_drawn() -> None:
    """An arch over a line that it meets twice, and a line above that it does not reach."""
    arch = ((0.0, 0.0), (0.0, 4.0), (4.0, 4.0), (4.0, 0.0))
    low, high = [((-1.0, y), (-1.0, y), (5.0, y + 0.1), (5.0, y + 0.1)) for y in (1.0, 3.5)]

    assert crossings(segments_of([(0, 1), (2, 3)], [arch, low])) == 2
    assert crossings(segments_of([(0, 1), (2, 3)], [arch, high])) == 0
    assert crossings(segments_of([(0, 1), (1, 2)], [arch, low])) == 0  # one box in common


@pytest.mark.parametrize("seed", range(20))
def test_boxes_that_edges_go_through_are_found(seed: int) -> None:
    """Against points taken close together along each line."""
    rng = random.Random(seed)
    centres = [(rng.uniform(0, 400), rng.uniform(0, 400)) for _ in range(12)]
    sizes = [(rng.uniform(10, 90), rng.uniform(10, 90)) for _ in centres]
    edges = rng.sample(list(combinations(range(12), 2)), 15)
    routes = [(centres[a], centres[a], centres[b], centres[b]) for a, b in edges]
    expected = 0
    for a, b in edges:
        t = np.linspace(0, 1, 20_000)[:, None]
        points = (1 - t) * np.array(centres[a]) + t * np.array(centres[b])
        for box in range(12):
            inner = np.array(sizes[box]) / 2 - 2
            is_in = (np.abs(points - np.array(centres[box])) < inner).all(axis=1).any()
            expected += bool(is_in) and box not in {a, b}

    found = through(segments_of(edges, routes), frames_of(sizes, centres))

    assert found == expected


@pytest.mark.parametrize("seed", range(20))
def test_boxes_that_overlap_are_found(seed: int) -> None:
    rng = random.Random(seed)
    centres = [(rng.uniform(0, 900), rng.uniform(0, 900)) for _ in range(60)]
    sizes = [(rng.uniform(10, 120), rng.uniform(10, 120)) for _ in centres]
    boxes = list(zip(centres, sizes, strict=True))

    assert overlaps(frames_of(sizes, centres)) == sum(
        abs(x - u) < (w + v) / 2 and abs(y - z) < (h + k) / 2
        for ((x, y), (w, h)), ((u, z), (v, k)) in combinations(boxes, 2)
    )


def test_length_and_size_are_those_of_the_picture() -> None:
    layout = Layout(
        200,
        100,
        ((0.0, 0.0), (30.0, 40.0)),
        (((0.0, 0.0), (0.0, 0.0), (30.0, 40.0), (30.0, 40.0)),),
    )

    found = quality([(10.0, 10.0)] * 2, [(0, 1)], layout)

    assert found.length_px == pytest.approx(50)
    assert (found.width_px, found.height_px) == (40, 50)


def test_a_picture_without_edges_has_figures() -> None:
    found = quality([(10.0, 10.0)], [], Layout(10, 10, ((5.0, 5.0),), ()))

    assert found == Quality(0, 0.0, 0, 0, 10.0, 10.0)
    assert crossings(Segments(np.empty((0, 4)), np.empty(0, int), np.empty((0, 2), int))) == 0

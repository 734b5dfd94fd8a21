"""Tasks by level, and the bars that show them."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from large_graphs import Shape, shapes, stencil, tangle

from lazygraph.viz.collapse.levels import bands_of, levels_of
from lazygraph.viz.scenes.profile import level_profile, profile_picture


def test_a_level_is_the_longest_way_from_the_inputs() -> None:
    assert levels_of([[], [0], [0, 1], [0], [], [2, 4]]) == [0, 1, 2, 1, 0, 3]


@given(st.integers(0, 200), st.integers(1, 40))
def test_bands_hold_every_level_once_and_are_of_like_height(n_levels: int, n_bands: int) -> None:
    bands = bands_of(n_levels, n_bands)

    assert [level for band in bands for level in band] == [*range(n_levels)]
    assert len(bands) == min(n_levels, n_bands)
    heights = {len(band) for band in bands}
    assert max(heights, default=0) - min(heights, default=0) <= 1


def test_a_stencil_has_as_many_tasks_in_every_band() -> None:
    profile = level_profile(*stencil(10, 20), n_bands=5)

    assert profile.bands == [range(4), range(4, 8), range(8, 12), range(12, 16), range(16, 20)]
    assert profile.functions == ["step", "init"]
    assert profile.counts == [[30, 10], [40, 0], [40, 0], [40, 0], [40, 0]]


def test_the_rarest_functions_are_shown_as_one() -> None:
    names = [f"f{n:02}" for n in range(14) for _ in range(20 - n)]
    profile = level_profile(names, [[]] * len(names))

    assert profile.functions == [*[f"f{n:02}" for n in range(8)], "other functions"]
    assert profile.counts == [[*range(20, 12, -1), 12 + 11 + 10 + 9 + 8 + 7]]


@given(shapes)
def test_a_profile_counts_every_task_once(shape: Shape) -> None:
    profile = level_profile(*shape, n_bands=4)
    levels = levels_of(shape.dependencies)

    assert [sum(counts) for counts in profile.counts] == [
        sum(level in band for level in levels) for band in profile.bands
    ]
    totals = Counter(shape.names)
    if len(totals) <= 8:
        columns = zip(*profile.counts, strict=True)
        assert [sum(column) for column in columns] == [totals[name] for name in profile.functions]


@given(shapes)
def test_bars_are_in_the_picture_over_no_other_and_as_wide_as_they_are_many(shape: Shape) -> None:
    scene, layout = profile_picture(level_profile(*shape))
    rows: dict[float, list[tuple[float, float]]] = {}
    scales = set()
    for box, (x, y) in zip(scene.boxes, layout.centres, strict=True):
        left, right = x - box.width_px / 2, x + box.width_px / 2
        assert 0 <= left < right <= layout.width_px + 1e-6
        assert 0 <= y - box.height_px / 2 < y + box.height_px / 2 <= layout.height_px
        rows.setdefault(y, []).append((left, right))
        if not box.label:
            scales.add(round(box.width_px / box.count, 6))
    assert len(scales) <= 1
    for spans in rows.values():
        assert all(one[1] <= other[0] + 1e-6 for one, other in pairwise(sorted(spans)))
    assert all(one >= 18 for one in map(abs, (a - b for a, b in pairwise(sorted(rows)))))


def test_inputs_are_at_the_bottom_and_hues_are_explained() -> None:
    scene, layout = profile_picture(level_profile(*tangle(5_000, 14, 50, seed=1)))

    pairs = zip(scene.boxes, layout.centres, strict=True)
    heads = [(box.width_px, x, y) for box, (x, y) in pairs if box.label]
    rows = [y for *_, y in heads]
    assert rows == sorted(rows, reverse=True)
    assert len({(width_px, x) for width_px, x, _ in heads}) == 1  # a column
    assert scene.boxes[0].label.startswith("levels 0-")
    assert (
        {entry.name for entry in scene.legend}
        == {*scene.hues}
        == {b.function for b in scene.boxes} - {""}
    )


@pytest.mark.parametrize("n", [0, 1])
def test_the_smallest_graphs_have_a_profile_too(n: int) -> None:
    scene, layout = profile_picture(level_profile(["load"] * n, [[]] * n))

    assert len(scene.boxes) == len(layout.centres) == 2 * n

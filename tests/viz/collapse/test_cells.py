"""Cells of tasks in their groups."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lazygraph.viz.model import Box, Edge, Layout, Point, Scene
from lazygraph.viz.scenes.cells import MOST_CELLS, cells_of, filled, with_room

FAILED = frozenset({"failed"})


@pytest.mark.parametrize(
    ("n_tasks", "n_cells", "most"), [(1, 1, 1), (240, 240, 1), (241, 121, 2), (5_000, 239, 21)]
)
def test_a_cell_stands_for_a_task_or_for_as_few_as_there_is_room_for(
    n_tasks: int, n_cells: int, most: int
) -> None:
    cells = cells_of(range(n_tasks), [0.5] * n_tasks, {})

    assert len(cells) == n_cells <= MOST_CELLS
    assert sum(cell.count for cell in cells) == n_tasks
    assert max(cell.count for cell in cells) == most


def test_a_cell_shows_the_greatest_of_its_values_and_every_mark() -> None:
    values = [n / 1_000 for n in range(1_000)]
    values[7] = 1.0
    cells = cells_of(range(1_000), values, {503: FAILED, 504: frozenset({"slow"})})

    assert [cell.value for cell in cells[:3]] == [0.004, 1.0, 0.014]
    marked = {n: cell.marks for n, cell in enumerate(cells) if cell.marks}
    assert marked == {100: {"failed", "slow"}}


def test_a_task_without_a_value_has_its_functions_colour() -> None:
    (cell,) = cells_of([3], [None] * 4, {}, "load")

    assert (cell.value, cell.function, cell.marks) == (None, "load", frozenset())


def span(box: Box, centre: Point) -> tuple[float, float, float, float]:
    (x, y), w, h = centre, box.width_px / 2, box.height_px / 2
    return x - w, x + w, y - h, y + h


def is_apart(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return any(one[n + 1] <= other[n] + 1e-6 or other[n + 1] <= one[n] + 1e-6 for n in (0, 2))


def test_cells_are_rows_below_the_head() -> None:
    """Five cells in four columns, 7 px apart, under a box 30 px high."""
    scene, cells = Scene((Box("g", width_px=100.0),), ()), {0: [Box("")] * 5}
    assert [(b.width_px, b.height_px) for b in with_room(scene, cells).boxes] == [
        (100, 30 + 4 + 14)
    ]

    _, layout = filled(scene, Layout(200, 100, ((100.0, 24.0),), ()), cells)

    assert layout.centres[0] == (100, 15)
    across = [89.5, 96.5, 103.5, 110.5]
    assert list(layout.centres[1:]) == [*((x, 37.5) for x in across), (89.5, 44.5)]


@given(st.lists(st.integers(0, 60), min_size=1, max_size=4))
def test_cells_lie_in_the_room_made_for_them_and_over_nothing(counts: list[int]) -> None:
    boxes = tuple(Box(f"g{n}", width_px=60.0) for n in range(len(counts)))
    edges = tuple(Edge(n, n + 1) for n in range(len(counts) - 1))
    scene = Scene(boxes, edges, caption="so")
    cells = {n: [Box("", width_px=6, height_px=6)] * many for n, many in enumerate(counts) if many}
    roomy = with_room(scene, cells)
    tops = [sum(box.height_px + 20 for box in roomy.boxes[:n]) for n in range(len(boxes))]
    pairs = zip(tops, roomy.boxes, strict=True)
    centres = tuple((500.0, top + box.height_px / 2) for top, box in pairs)

    made, placed = filled(scene, Layout(1_000, 9_999, centres, ((),) * len(edges)), cells)

    assert (made.edges, made.caption, len(placed.routes)) == (edges, "so", len(edges))
    assert [box.label for box in made.boxes[: len(boxes)]] == [box.label for box in boxes]
    assert len(made.boxes) == len(placed.centres) == len(boxes) + sum(counts)
    spans = [span(*both) for both in zip(made.boxes, placed.centres, strict=True)]
    assert all(is_apart(one, other) for one, other in combinations(spans, 2))
    rooms = [span(*both) for both in zip(roomy.boxes, centres, strict=True)]
    owners = [n for n, many in enumerate(counts) for _ in range(many)]
    for own, inside in zip([*range(len(boxes)), *owners], spans, strict=True):
        room = rooms[own]
        assert room[0] <= inside[0] < inside[1] <= room[1]
        assert room[2] <= inside[2] < inside[3] <= room[3]

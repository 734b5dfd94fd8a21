"""Tasks, groups, or calls and data: which of them is drawn, and that nothing is lost."""

from __future__ import annotations

import re
import shutil
from collections import Counter

import pytest
from hypothesis import given, settings
from large_graphs import tangle
from pictures import (
    Picture,
    arithmetic,
    check_places,
    clean,
    graphs,
    join,
    load,
    named,
    of_dependencies,
    own_svg,
    random_graph,
    square,
    sum_list,
)

from lazygraph import Graph, Ref, Task, delayed
from lazygraph.errors import DrawingError
from lazygraph.viz import draw

TIMES = "\N{MULTIPLICATION SIGN}"


def many_files(n: int) -> Graph:
    """load -> clean, n times -> join."""
    return delayed(join)([delayed(clean)(delayed(load)(f"{i}.csv")) for i in range(n)]).graph


def long_chain(n: int) -> Graph:
    return of_dependencies({i: [i - 1] if i else [] for i in range(n)})


# ---------------------------------------------------------------------- auto
def test_a_few_tasks_are_drawn_as_they_are() -> None:
    picture = Picture(draw(long_chain(150), ()).svg)

    assert len(picture.shapes) == 150
    assert picture.texts == []


def test_many_tasks_are_drawn_as_groups_and_the_picture_says_so() -> None:
    picture = Picture(draw(many_files(1_000), ()).svg)

    assert picture.labels() == {f"load {TIMES}1,000": 1, f"clean {TIMES}1,000": 1, "join": 1}
    assert "2,001 tasks drawn as 3 groups; detail='tasks' draws all" in picture.texts
    assert "1,000 : 1" in picture.texts
    assert "load (1,000)" in picture.root[1].text
    check_places(picture)


def test_tasks_side_by_side_are_grouped_before_they_are_many() -> None:
    """100 boxes beside each other would be some 8,000 px wide."""
    assert Picture(draw(many_files(50), ()).svg).labels()["join"] == 1
    assert len(Picture(draw(many_files(50), ()).svg).shapes) == 3
    assert len(Picture(draw(many_files(50), (), detail="tasks").svg).shapes) == 101


def test_groups_can_be_asked_for_and_tasks_can() -> None:
    assert len(Picture(draw(many_files(3), (), detail="collapsed").svg).shapes) == 3
    assert len(Picture(draw(many_files(3), ()).svg).shapes) == 7
    assert len(Picture(draw(long_chain(200), (), detail="tasks").svg).shapes) == 200


def test_a_group_is_a_stack_of_cards_and_a_single_task_is_not() -> None:
    picture = Picture(draw(many_files(300), ()).svg)

    assert picture.box(f"load {TIMES}300").n_outlines == 3
    assert picture.box("join").n_outlines == 1


def test_the_edges_of_groups_are_thicker_the_more_they_stand_for() -> None:
    def width_px(n: int) -> float:
        picture = Picture(draw(many_files(n), (), detail="collapsed").svg)
        return max(float(route.stroke["stroke-width"]) for route in picture.routes)

    assert 1.2 < width_px(10) < width_px(1_000) < 6


def test_a_function_has_the_same_colour_in_a_group() -> None:
    graph = many_files(40)

    tasks, groups = (
        Picture(draw(graph, (), detail=detail).svg) for detail in ("tasks", "collapsed")
    )
    fills = {box.texts[0]: box.fill for box in tasks.shapes}
    for box in groups.shapes:
        assert box.fill == fills[box.texts[0].split()[0]]


def test_no_task_is_lost_in_groups() -> None:
    for seed in range(5):
        graph = random_graph(500, seed)
        scene = draw(graph, (), detail="collapsed")._view.scene
        assert sum(box.count for box in scene.boxes) == 500
        assert scene.n_tasks == 500


# ---------------------------------------------------------------------- full
def test_full_detail_draws_calls_round_and_data_as_boxes() -> None:
    graph = Graph.from_dict({"x": 1, "y": (square, "x"), "z": (clean, "y", 3)})
    picture = Picture(own_svg(graph, ["z"], detail="full"))

    assert picture.labels() == {"x": 1, "square": 1, "y": 1, "3": 1, "clean": 1, "z": 1}
    edges = Counter(
        (*[picture_label(picture, place) for place in (route.start, route.end)],)
        for route in picture.routes
    )
    assert edges == Counter(
        [("x", "square"), ("square", "y"), ("y", "clean"), ("3", "clean"), ("clean", "z")]
    )
    round_boxes = re.findall(
        r'rx="[\d.]+" ry="[\d.]+" fill="(#\w+)"', own_svg(graph, detail="full")
    )
    assert len(round_boxes) == 2
    assert picture.box("z").n_outlines == 2


def picture_label(picture: Picture, place: tuple[float, float]) -> str:
    (found,) = [box for box in picture.shapes if box.has(place, 1.0)]
    return found.texts[0]


@settings(deadline=None)
@given(graphs())
def test_full_detail_has_two_boxes_and_an_edge_more_for_each_call(graph: Graph) -> None:
    picture = Picture(own_svg(graph, detail="full"))

    n_edges = sum(len(graph.dependencies(key)) for key in graph)
    assert len(picture.shapes) == 2 * len(graph)
    assert len(picture.routes) == n_edges + len(graph)
    check_places(picture)


def test_in_full_detail_made_keys_are_shown_without_their_process() -> None:
    lazy = delayed(square)(2)

    labels = Picture(own_svg(lazy.graph, detail="full")).labels()
    assert lazy.key.rpartition("-")[0] in labels


# -------------------------------------------------------------------- engine
@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz's program dot is not installed")
def test_dot_places_the_same_boxes_that_we_draw() -> None:
    ours, dots = (Picture(own_svg(arithmetic(), engine=engine)) for engine in ("builtin", "dot"))

    assert dots.labels() == ours.labels()
    check_places(dots)


def test_without_the_program_dot_there_is_an_error_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr("lazygraph.viz.layout.dot_program.find_dot", lambda: None)

    with pytest.raises(DrawingError, match="needs the program dot"):
        delayed(square)(1).visualize(engine="dot")
    assert "square" in delayed(square)(1).visualize(engine="auto").svg


# ------------------------------------------------------------------ a million
@pytest.mark.slow
def test_a_hundred_thousand_tasks_are_a_small_picture() -> None:
    graph = Graph({n: Task(square, (n,)) for n in range(100_000)})
    ends = {
        ("sum", n): Task(sum_list, ([Ref(m) for m in range(n, n + 100)],))
        for n in range(0, 100_000, 100)
    }
    drawing = draw(Graph({**graph, **ends}), list(ends))

    assert Picture(drawing.svg).labels() == {
        f"square {TIMES}100,000": 1,
        f"sum_list {TIMES}1,000": 1,
    }
    assert len(drawing.svg) < 20_000


def test_what_no_grouping_tells_anything_about_is_drawn_as_bars_of_levels() -> None:
    names, dependencies = tangle(2_000, 5, 50, seed=1)
    functions = {name: named(name) for name in set(names)}
    rows = zip(names, dependencies, strict=True)
    tasks = {n: Task(functions[name], tuple(map(Ref, deps))) for n, (name, deps) in enumerate(rows)}
    picture = Picture(draw(Graph(tasks), (), title="Tangle").svg)

    assert picture.texts[0] == "Tangle"
    assert set(picture.texts[1:-1]) == functions.keys()
    assert picture.texts[-1] == "2,000 tasks by level; detail='tasks' draws all"
    heads = [box.texts[0] for box in picture.shapes if box.texts]
    assert sum(int(head.split(": ")[1].replace(",", "")) for head in heads) == 2_000
    assert not picture.routes


def test_functions_may_have_any_name_in_groups() -> None:
    tasks = {n: Task(named("<script>data"), (n,)) for n in range(200)}
    picture = Picture(draw(Graph(tasks), ()).svg)

    assert picture.labels() == {f"<script>data {TIMES}200": 1}

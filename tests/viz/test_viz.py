"""Drawings: facts read back from the SVG text, never from the layout's own data."""

from __future__ import annotations

import re
import shutil
from functools import partial
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pictures import (
    GRAPHS,
    NASTY,
    SVG,
    TOUCH_PX,
    Picture,
    along,
    arithmetic,
    check_boxes,
    check_edges,
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
    tree,
    tutorial,
)

from lazygraph import Delayed, Graph, Ref, Task, delayed, optimize, visualize
from lazygraph.viz import draw


# ------------------------------------------------------------ what is drawn
def test_each_task_is_a_box_with_its_function_s_name() -> None:
    picture = Picture(own_svg(tutorial()))

    assert picture.labels() == {"square": 3, "sum_list": 1}


@pytest.mark.parametrize("make", GRAPHS.values(), ids=GRAPHS)
def test_boxes_do_not_overlap_and_edges_go_up_from_box_to_box(make: Any) -> None:
    graph = make()
    picture = Picture(own_svg(graph))

    check_boxes(graph, picture)
    check_edges(graph, picture)


@settings(deadline=None)  # layout looks for fewer crossings as long as it pays
@given(graphs())
def test_any_graph_is_drawn_without_overlaps_and_with_all_its_edges(graph: Graph) -> None:
    picture = Picture(own_svg(graph))

    check_boxes(graph, picture)
    check_edges(graph, picture)


@settings(deadline=None)  # layout looks for fewer crossings as long as it pays
@given(graphs())
def test_our_edges_run_through_no_box(graph: Graph) -> None:
    picture = Picture(own_svg(graph))

    for route in picture.routes:
        for point in along(route):
            assert not picture.boxes_at(point, -TOUCH_PX)


@pytest.mark.parametrize("rankdir", ["BT", "TB", "LR", "RL"])
@settings(deadline=None, max_examples=30)
@given(graph=graphs())
def test_data_flows_the_way_that_is_asked_for(rankdir: str, graph: Graph) -> None:
    picture = Picture(own_svg(graph, rankdir=rankdir))

    check_boxes(graph, picture)
    check_edges(graph, picture, rankdir)


@pytest.mark.parametrize("seed", [1, 2])
def test_two_thousand_random_tasks_do_not_overlap(seed: int) -> None:
    graph = random_graph(2_000, seed)
    picture = Picture(own_svg(graph))

    check_boxes(graph, picture)
    check_edges(graph, picture)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz's program dot is not installed")
def test_dot_draws_random_graphs_as_well(seed: int) -> None:
    graph = random_graph(60, seed)
    picture = Picture(own_svg(graph, engine="dot"))

    check_boxes(graph, picture)
    check_edges(graph, picture)


def test_a_binary_tree_is_drawn_with_each_sum_above_the_middle_of_its_terms() -> None:
    graph = tree()
    centres = {box.key: (box.left + box.right) / 2 for box in Picture(own_svg(graph)).shapes}

    for key in graph:
        terms = [centres[term] for term in graph.dependencies(key)]
        if terms:
            assert centres[key] == pytest.approx(sum(terms) / 2, abs=0.5)


def test_a_constant_stands_right_below_what_uses_it() -> None:
    """(x + y) * z: z beside the sum, not at the bottom beside x and y."""
    picture = Picture(own_svg(arithmetic()))

    middle = {box.texts[0]: (box.top + box.bottom) / 2 for box in picture.shapes}
    assert middle["z"] == pytest.approx(middle["add"], abs=10)
    assert middle["z"] < middle["x"] - 20


def test_a_chain_of_ten_thousand_does_not_recurse() -> None:
    graph = of_dependencies({n: [n - 1] if n else [] for n in range(10_000)})

    assert own_svg(graph).count("</title><rect") == 10_000


def test_edges_across_the_whole_picture_do_not_make_its_size_quadratic() -> None:
    """Of 1,000 tasks in a chain each also needs the first: 500,000 layers crossed."""
    graph = of_dependencies({n: sorted({0, n - 1}) if n else [] for n in range(1_000)})

    assert len(own_svg(graph)) < 1_000 * len(graph)


def test_a_task_takes_half_a_kilobyte() -> None:
    """Of a graph like many: two dependencies each, a tooltip with key, call and place."""
    row: list[Delayed[Any]] = [delayed(load)(f"/data/part-{n}.csv") for n in range(256)]
    while len(row) > 1:
        row = [delayed(clean)(a, by=b) for a, b in zip(row[::2], row[1::2], strict=True)]
    graph = row[0].graph

    assert len(own_svg(graph).encode()) <= 500 * len(graph)


def test_short_literal_arguments_are_the_second_line() -> None:
    summed = delayed(clean)(delayed(load)("a.csv"), by=2)
    picture = Picture(own_svg(summed.graph))

    assert picture.box("load").texts[1] == "'a.csv'"
    assert picture.box("clean").texts[1] == "by=2"


def test_data_is_a_box_of_its_own_colour_with_its_value() -> None:
    picture = Picture(own_svg(Graph.from_dict({"x": [1, 2], "y": (join, "x"), "z": "x"})))

    assert picture.box("x").texts == ["x", "[1, 2]"]
    assert picture.box("z").texts == ["z", "= x"]
    assert picture.box("x").fill == picture.box("z").fill
    assert picture.box("x").fill != picture.box("join").fill


def test_data_without_a_name_is_shown_by_its_value() -> None:
    picture = Picture(own_svg((delayed([1, 2]) + delayed("text", pure=True)).graph))

    assert picture.labels() == {"[1, 2]": 1, "'text'": 1, "add": 1}


@pytest.mark.parametrize("make", [PurePosixPath, PureWindowsPath, str])
def test_a_path_is_shown_by_its_last_parts(make: Any) -> None:
    path = make("/home/someone/project/data/2024/part-0.csv")
    shown = Picture(own_svg(delayed(load)(path).graph)).box("load").texts[1]

    assert shown.strip("'") == "…/2024/part-0.csv"


def test_a_result_used_twice_is_one_edge_that_says_so() -> None:
    twice = delayed(square)(2)
    picture = Picture(own_svg((twice * twice).graph))

    assert len(picture.routes) == 1
    assert picture.texts == ["\N{MULTIPLICATION SIGN}2"]


def test_outputs_have_a_second_outline() -> None:
    graph = tutorial()
    (end,) = [key for key in graph if not graph.dependents(key)]

    picture = Picture(own_svg(graph, [end]))

    assert {box.key for box in picture.shapes if box.n_outlines == 2} == {end}
    assert {box.n_outlines for box in picture.shapes} == {1, 2}


def test_a_fused_task_lists_its_members_along_the_data() -> None:
    (chain,) = optimize(delayed(sum_list)(delayed(clean)(delayed(load)("a.csv"))))

    upward = Picture(own_svg(chain.graph)).shapes[0].texts
    rightward = Picture(own_svg(chain.graph, rankdir="LR")).shapes[0].texts
    assert upward == ["sum_list", "clean", "load", "'a.csv'"]
    assert rightward == ["load", "clean", "sum_list", "'a.csv'"]


def test_a_function_fused_with_its_data_or_with_itself_is_named_once() -> None:
    (data,) = optimize(delayed(square)(delayed(3)))
    (again,) = optimize(delayed(square)(delayed(square)(delayed(square)(3))))

    assert Picture(own_svg(data.graph)).box("square").texts == ["square", "3"]
    assert Picture(own_svg(again.graph)).labels() == {"square \N{MULTIPLICATION SIGN}3": 1}


def test_of_many_fused_tasks_the_first_and_the_last_are_listed() -> None:
    names = "abcdefghij"
    lazy: Any = delayed(load)("x")
    for name in names:
        lazy = delayed(named(name))(lazy)
    (chain,) = optimize(lazy)

    (box,) = Picture(own_svg(chain.graph, rankdir="TB")).shapes
    assert box.texts == ["load", "a", "b", "c", "… 6 more", "j", "'x'"]


def test_a_tooltip_gives_key_call_and_place() -> None:
    summed = delayed(sum_list)([delayed(square)(1)])
    tooltip = Picture(own_svg(summed.graph)).box("sum_list").tooltip

    key, call, place = tooltip.split("\n")
    assert (key, call) == (summed.key, "sum_list([square])")
    assert re.fullmatch(r"…/viz/test_viz\.py:\d+", place)


def test_every_task_of_a_long_program_is_shown_at_its_own_line() -> None:
    lines = ["from lazygraph import delayed", "made = ["]
    lines += [f"    delayed(max)({n}, {n}), delayed(min)(\n1, {n})," for n in range(2_000)]
    scope: dict[str, Any] = {}
    exec(compile("\n".join([*lines, "]"]), "program.py", "exec"), scope)
    made: list[Delayed[Any]] = scope["made"]

    drawing = visualize(made, detail="tasks")

    place_of = {box.key: box.tooltip.split("\n")[2] for box in Picture(drawing.svg).shapes}
    assert place_of[made[0].key] == "program.py:3"
    assert place_of[made[-2].key] == "program.py:4001"
    for lazy in made[::401]:
        assert place_of[lazy.key] == lazy.graph[lazy.key].site


def test_a_long_label_is_cut_but_the_tooltip_is_not() -> None:
    graph = Graph({"k" * 90: Task(load, ("p" * 50,))})
    (box,) = Picture(own_svg(graph)).shapes

    assert len(box.texts[1]) == 34
    assert box.texts[1].endswith("…")
    assert "k" * 90 in box.tooltip
    assert "p" * 50 in box.tooltip


@pytest.mark.parametrize(
    ("text", "em"),
    [
        ("WWWW", 3.96),
        ("iiii", 1.11),
        ("total_of_all", 5.42),
        ("@%@%", 3.9),
        ("合計を計算する", 7.0),
    ],
)
def test_a_box_is_wider_than_its_label_in_the_widest_common_font(text: str, em: float) -> None:
    """That is DejaVu Sans; `em` is the text's width in it."""
    (box,) = Picture(own_svg(Graph({"k": Task(named(text))}))).shapes

    assert 12 * em < box.right - box.left < 12 * em + 40


def test_keys_may_be_strings_numbers_and_tuples() -> None:
    graph = of_dependencies({"x": [], 1: ["x"], 2.5: [1], ("x", 0): [2.5, "x"], (("x", 1), 2): []})
    picture = Picture(own_svg(graph, [("x", 0), 1]))

    check_boxes(graph, picture)
    check_edges(graph, picture)
    assert {box.key for box in picture.shapes if box.n_outlines > 1} == {"('x', 0)", "1"}


def test_a_container_that_refuses_what_stands_for_a_result_is_drawn_all_the_same() -> None:
    """``functools.partial`` takes only what can be called."""
    graph = delayed(join)(partial(delayed(load)("f"), 3)).graph

    check_edges(graph, Picture(own_svg(graph)))


# -------------------------------------------------------------- strange text
@pytest.mark.parametrize("text", NASTY, ids=ascii)
def test_any_text_stays_text(tmp_path: Path, text: str) -> None:
    graph = Graph({text: Task(named(text), (text,)), "end": Task(named("end"), (Ref(text),))})
    drawing = draw(graph, ["end"])
    saved = drawing.save(tmp_path / "x.svg").read_bytes()
    drawing.save(tmp_path / "x.dot")

    picture = Picture(saved.decode())
    assert {child.tag for child in picture.root.iter()} == {
        f"{SVG}{tag}" for tag in ("svg", "title", "desc", "g", "path", "rect", "text")
    }
    label = picture.shapes[0].texts[0]
    assert label == picture.shapes[0].key
    if text.isprintable() and len(text) <= 28:
        assert label == text
    assert label == " ".join(label.split())


@given(st.text(min_size=1))
def test_any_name_gives_a_file_that_can_be_read(text: str) -> None:
    graph = Graph({text: Task(named(text), (text,))})

    (box,) = Picture(own_svg(graph)).shapes

    assert len(box.texts[0]) <= 28
    draw(graph, ()).to_dot().encode()


class Hostile:
    def __repr__(self) -> str:
        raise RuntimeError("no repr")


def test_an_argument_whose_repr_raises_is_named_by_its_type() -> None:
    (box,) = Picture(own_svg(Graph({"k": Task(join, (Hostile(),))}))).shapes

    assert box.texts[0] == "join"
    assert box.texts[1].startswith("<Hostile")

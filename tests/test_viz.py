"""Drawings: facts read back from the SVG text, never from the layout's own data."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
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
def test_each_task_is_a_box_with_its_function_s_name(layout: None) -> None:
    picture = Picture(draw(tutorial(), ()).svg)

    assert picture.labels() == {"square": 3, "sum_list": 1}


@pytest.mark.parametrize("make", GRAPHS.values(), ids=GRAPHS)
def test_boxes_do_not_overlap_and_edges_go_up_from_box_to_box(layout: None, make: Any) -> None:
    graph = make()
    picture = Picture(draw(graph, ()).svg)

    check_boxes(graph, picture)
    check_edges(graph, picture)


@given(graphs())
def test_any_graph_is_drawn_without_overlaps_and_with_all_its_edges(graph: Graph) -> None:
    picture = Picture(own_svg(graph))

    check_boxes(graph, picture)
    check_edges(graph, picture)


@given(graphs())
def test_our_edges_run_through_no_box(graph: Graph) -> None:
    picture = Picture(own_svg(graph))

    for route in picture.routes:
        for point in along(route):
            assert not picture.boxes_at(point, -TOUCH_PX)


@pytest.mark.parametrize("seed", [1, 2])
def test_two_thousand_random_tasks_do_not_overlap(seed: int) -> None:
    graph = random_graph(2_000, seed)
    picture = Picture(own_svg(graph))

    check_boxes(graph, picture)
    check_edges(graph, picture)


@pytest.mark.parametrize("seed", range(5))
def test_dot_draws_random_graphs_as_well(layout: None, seed: int) -> None:
    graph = random_graph(60, seed)
    picture = Picture(draw(graph, ()).svg)

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

    assert picture.box("3").top == picture.box("add").top
    assert picture.box("3").top < picture.box("1").top


def test_a_chain_of_ten_thousand_does_not_recurse() -> None:
    graph = of_dependencies({n: [n - 1] if n else [] for n in range(10_000)})

    assert own_svg(graph).count("<rect") == 10_000


def test_edges_across_the_whole_picture_do_not_make_its_size_quadratic() -> None:
    """Of 1,000 tasks in a chain each also needs the first: 500,000 layers crossed."""
    graph = of_dependencies({n: sorted({0, n - 1}) if n else [] for n in range(1_000)})

    assert len(own_svg(graph)) < 1_000 * len(graph)


def test_short_literal_arguments_are_the_second_line() -> None:
    summed = delayed(clean)(delayed(load)("a.csv"), by=2)
    picture = Picture(own_svg(summed.graph))

    assert picture.box("load").texts[1] == "'a.csv'"
    assert picture.box("clean").texts[1] == "by=2"


def test_data_is_a_box_of_its_own_colour_with_its_value() -> None:
    picture = Picture(own_svg(Graph.from_dict({"x": [1, 2], "y": (join, "x"), "z": "x"})))

    assert picture.labels() == {"[1, 2]": 1, "join": 1, "= [1, 2]": 1}
    assert picture.box("[1, 2]").fill == picture.box("= [1, 2]").fill
    assert picture.box("[1, 2]").fill != picture.box("join").fill


def test_outputs_have_a_thicker_outline() -> None:
    graph = tutorial()
    (end,) = [key for key in graph if not graph.dependents(key)]

    picture = Picture(own_svg(graph, [end]))

    outlines = {box.outline_px for box in picture.shapes if box.key != end}
    assert picture.box("sum_list").outline_px > max(outlines)


def test_a_fused_task_lists_its_members() -> None:
    (chain,) = optimize(delayed(sum_list)(delayed(clean)(delayed(load)("a.csv"))))

    assert Picture(own_svg(chain.graph)).labels() == {"load + clean + sum_list": 1}


def test_a_function_fused_with_its_data_or_with_itself_is_named_once() -> None:
    (data,) = optimize(delayed(square)(delayed(3)))
    (again,) = optimize(delayed(square)(delayed(square)(delayed(square)(3))))

    assert Picture(own_svg(data.graph)).box("square").texts == ["square", "3"]
    assert Picture(own_svg(again.graph)).labels() == {"square x3": 1}


def test_a_tooltip_gives_key_call_and_place() -> None:
    summed = delayed(sum_list)([delayed(square)(1)])
    tooltip = Picture(own_svg(summed.graph)).box("sum_list").tooltip

    key, call, place = tooltip.split("\n")
    assert (key, call) == (summed.key, "sum_list([square])")
    assert re.fullmatch(r".*test_viz\.py:\d+", place)


def test_every_task_of_a_long_program_is_shown_at_its_own_line() -> None:
    lines = ["from lazygraph import delayed", "made = ["]
    lines += [f"    delayed(max)({n}, {n}), delayed(min)(\n1, {n})," for n in range(2_000)]
    scope: dict[str, Any] = {}
    exec(compile("\n".join([*lines, "]"]), "program.py", "exec"), scope)
    made: list[Delayed[Any]] = scope["made"]

    drawing = visualize(made)

    place_of = {box.key: box.tooltip.split("\n")[2] for box in Picture(drawing.svg).shapes}
    assert place_of[made[0].key] == "program.py:3"
    assert place_of[made[-2].key] == "program.py:4001"
    for lazy in made[::401]:
        assert place_of[lazy.key] == lazy.graph[lazy.key].site


def test_a_long_label_is_cut_but_the_tooltip_is_not() -> None:
    graph = Graph({"k" * 90: Task(load, ("p" * 50,))})
    (box,) = Picture(own_svg(graph)).shapes

    assert len(box.texts[1]) == 28
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

    assert 13 * em < box.right - box.left < 13 * em + 40


def test_keys_may_be_strings_numbers_and_tuples(layout: None) -> None:
    graph = of_dependencies({"x": [], 1: ["x"], 2.5: [1], ("x", 0): [2.5, "x"], (("x", 1), 2): []})
    picture = Picture(draw(graph, [("x", 0), 1]).svg)

    check_boxes(graph, picture)
    check_edges(graph, picture)
    assert {box.key for box in picture.shapes if box.outline_px > 2} == {"('x', 0)", "1"}


def test_a_container_that_refuses_what_stands_for_a_result_is_drawn_all_the_same() -> None:
    """``functools.partial`` takes only what can be called."""
    graph = delayed(join)(partial(delayed(load)("f"), 3)).graph

    check_edges(graph, Picture(own_svg(graph)))


# -------------------------------------------------------------- strange text
@pytest.mark.parametrize("text", NASTY, ids=ascii)
def test_any_text_stays_text(layout: None, tmp_path: Path, text: str) -> None:
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
    if text.isprintable():
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

"""What can be wished for, and what is refused with the reason."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from pictures import Picture, load, square, sum_list, tutorial

from lazygraph import Graph, delayed, visualize
from lazygraph.errors import DrawingError, MissingKeyError, OptionError
from lazygraph.observers import Recorder
from lazygraph.viz import draw
from lazygraph.viz.look import Look, LookOptions


def total() -> Any:
    return delayed(sum_list)([delayed(square)(n) for n in range(3)])


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("rankdir", "UP", "known are 'BT', 'TB', 'LR', 'RL'"),
        ("engine", "graphviz", "known are 'auto', 'builtin', 'dot'"),
        ("detail", "task", "did you mean 'tasks'.* 'auto', 'tasks', 'full', 'collapsed'"),
        ("color", "worker ", "did you mean 'worker'.* 'function', 'order', .*None"),
        ("theme", "drak", "did you mean 'dark'.* 'auto', 'light', 'dark'"),
        ("labels", "keys", "did you mean 'key'.*a function of key and task"),
        ("labels", 3, "known are 'function', 'key', None, a mapping"),
        ("format", "jpeg", "known are 'svg', 'png', 'pdf', 'html', 'dot', 'mmd'"),
        ("rankdir", None, "rankdir=None: known are"),
        ("theme", ["dark"], r"theme=\['dark'\]: known are"),
        ("depth", -1, "a whole number"),
        ("depth", 1.5, "a whole number"),
        ("title", 7, "a text"),
        ("run", "last", "Recorder"),
    ],
)
def test_an_unknown_value_is_refused_with_the_known_ones(
    name: str, value: Any, message: str
) -> None:
    with pytest.raises(DrawingError, match=message):
        visualize(total(), **{name: value})


def test_an_unknown_keyword_is_refused() -> None:
    with pytest.raises(TypeError, match="rank_dir"):
        visualize(total(), rank_dir="LR")


@pytest.mark.parametrize("color", ["seconds", "bytes", "worker"])
def test_a_colour_of_a_run_needs_the_run(color: str) -> None:
    with pytest.raises(DrawingError, match=r"observers=\[recorder\]"):
        total().visualize(color=color)


def test_a_run_of_another_graph_is_refused() -> None:
    recorder = Recorder()
    total().compute(observers=[recorder])

    with pytest.raises(DrawingError, match="none of the graph's tasks"):
        total().visualize(run=recorder)


def test_the_title_stands_above_and_names_the_picture() -> None:
    picture = Picture(total().visualize(title="Sum of <squares>").svg)

    assert picture.texts == ["Sum of <squares>", "asked for"]
    assert picture.root[0].text == "Sum of <squares>"


# -------------------------------------------------------------------- labels
def test_labels_may_be_keys() -> None:
    lazy = delayed(load)("x", dask_key_name="the-data")

    assert Picture(lazy.visualize(labels="key").svg).labels() == {"the-data": 1}


def test_labels_may_be_given_by_key() -> None:
    graph = Graph.from_dict({"x": (load, "a"), "y": (square, "x")})
    picture = Picture(draw(graph, (), labels={"x": "Raw data"}).svg)

    assert picture.labels() == {"Raw data": 1, "square": 1}


def test_labels_may_be_made_of_key_and_task() -> None:
    graph = Graph.from_dict({"x": (load, "a"), "y": (square, "x")})
    picture = Picture(draw(graph, (), labels=lambda key, task: f"{key}: {task.name}").svg)

    assert picture.labels() == {"x: load": 1, "y: square": 1}


def test_own_labels_bring_a_legend_of_functions() -> None:
    graph = Graph.from_dict({"x": (load, "a"), "y": (square, "x")})

    assert Picture(draw(graph, ()).svg).texts == []
    assert Picture(draw(graph, (), labels="key").svg).texts == ["load", "square"]
    assert Picture(draw(graph, (), color="function").svg).texts == ["load", "square"]


def test_a_label_function_that_raises_is_named_with_the_task() -> None:
    graph = Graph.from_dict({"x": (load, "a")})

    def label(key: Any, task: Any) -> str:
        raise KeyError("size")

    with pytest.raises(DrawingError, match=r"'x'.*KeyError"):
        draw(graph, (), labels=label)


# --------------------------------------------------------------------- focus
def test_focus_takes_a_lazy_value_or_its_key() -> None:
    middle = delayed(square)(delayed(load)("a"))
    end = delayed(sum_list)([middle, delayed(load)("b")])

    by_value = end.visualize(focus=middle, depth=1)
    by_key = end.visualize(focus=middle.key, depth=1)
    assert by_value.svg == by_key.svg
    picture = Picture(by_value.svg)
    assert picture.labels() == {"load": 1, "square": 1, "sum_list": 1}
    assert picture.box("sum_list").texts[1] == "+1 needed"
    assert picture.box("square").outline_px > picture.box("load").outline_px
    assert len(picture.routes) == 2


def test_an_unknown_focus_is_named() -> None:
    with pytest.raises(MissingKeyError, match="'squar'"):
        draw(tutorial(), (), focus="squar")


def test_a_misspelt_keyword_is_told_from_what_is_known() -> None:
    total = delayed(square)(2)
    for draw_it in (visualize, type(total).visualize):
        with pytest.raises(OptionError, match="no option 'colour'; did you mean 'color'"):
            draw_it(total, colour="order")


def test_the_keywords_are_those_of_a_look() -> None:
    own = {field.name for field in dataclasses.fields(Look)} - {"notes"}
    assert set(LookOptions.__annotations__) == own


def test_a_collapsed_picture_counts_dependencies_and_not_lines() -> None:
    squares = [delayed(square)(n) for n in range(300)]
    total = delayed(sum_list)(squares)
    assert "along 300 dependencies" in visualize(total, detail="collapsed").svg
    assert "along 1 dependency" in visualize(delayed(square)(delayed(square)(2))).svg
    twice = delayed(max)(squares[0], squares[0])
    assert "along 1 dependency" in visualize(twice).svg

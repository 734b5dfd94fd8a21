"""The picture of a goal's values and derivatives: what flows forward and what flows back."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pictures import overlaps

import lazygraph
from lazygraph import Delayed, delayed, grad, inputs, stop_gradient, visualize
from lazygraph.errors import DrawingError, InputError
from lazygraph.viz.model import Colours, Edge
from lazygraph.viz.paint.colours import colours_of, contrast
from lazygraph.viz.paint.flows import both_ways, notes_beside, notes_size
from lazygraph.viz.paint.items import Group, Rect, Words
from lazygraph.viz.paint.themes import DARK, LIGHT
from lazygraph.viz.text import text_width_px
from lazygraph.viz.write.html.edge_columns import edge_columns

AT = {"x": 1, "y": 2, "z": 3}


def _example() -> tuple[Any, Any, Any, Any, Any]:
    x, y, z = inputs("x y z")
    s = x + y
    return x, y, z, s, s * z


def _texts(drawing: Any) -> list[str]:
    return re.findall(">([^<]+)</text>", drawing.svg)


def test_the_picture_has_values_and_derivatives_on_its_edges() -> None:
    *_, f = _example()

    drawing = f.visualize(gradients=True, inputs=AT)

    edges = {(edge.label, edge.back) for edge in drawing._view.scene.edges}
    assert edges == {("1", "∂ 3"), ("2", "∂ 3"), ("3", "∂ 3")}
    boxes = {(box.label, box.detail, box.back) for box in drawing._view.scene.boxes}
    assert boxes == {
        ("x", "1", "∂ 3"), ("y", "2", "∂ 3"), ("z", "3", "∂ 3"),
        ("x + y", "3", "∂ 3"), ("(+) * z", "9", "∂ 1"),
    }  # fmt: skip
    assert _texts(drawing).count("∂ 3") == 4 + 4
    assert _texts(drawing)[:2] == ["value", "derivative of goal by it"]


def test_every_format_has_the_derivatives() -> None:
    *_, f = _example()
    drawing = f.visualize(gradients=True, inputs=AT)

    assert 'label="1 · ∂ 3"' in drawing.to_dot()
    assert 'label="(+) * z\\n9 · ∂ 1"' in drawing.to_dot()
    assert '-->|"1 · ∂ 3"|' in drawing.to_mermaid()
    assert drawing._content("pdf").startswith(b"%PDF")
    columns = edge_columns(drawing._view.scene, drawing._view.layout, 0.1)
    assert columns["label"] == ["1", "2", "3", "3"]
    assert columns["back"] == "∂ 3"  # of all of them


def test_without_values_it_has_the_derivatives_names() -> None:
    *_, f = _example()

    texts = _texts(f.visualize(gradients=True))

    assert {"∂goal/∂x", "∂goal/∂y", "∂goal/∂z", "∂goal/∂(+)"} <= set(texts)
    assert "value" not in texts
    with pytest.raises(InputError, match="no value is given for input 'y', 'z'"):
        f.visualize(gradients=True, inputs={"x": 1})


def test_labels_that_are_asked_for_name_the_derivatives() -> None:
    *_, s, f = _example()
    labels = {f.key: "f", s.key: "s"}

    assert "derivative of f by it" in _texts(f.visualize(gradients=True, inputs=AT, labels=labels))
    assert {"∂f/∂x", "∂f/∂s"} <= set(_texts(f.visualize(gradients=True, labels=labels)))


def test_what_flows_only_forward_has_its_value_alone() -> None:
    x, _, _, _, f = _example()

    edges = f.visualize(gradients=True, inputs=AT, wrt=x)._view.scene.edges

    assert sorted((edge.label, edge.back) for edge in edges) == [
        ("1", "∂ 3"), ("2", ""), ("3", ""), ("3", "∂ 3"),
    ]  # fmt: skip


def test_a_result_that_is_used_twice_by_one_task_says_so() -> None:
    x = inputs("x")

    (edge,) = (x * x).visualize(gradients=True, inputs={x: 3.0})._view.scene.edges

    assert (edge.label, edge.back) == ("3 \u00d72", "∂ 6")


def test_arrays_are_told_by_their_shapes_and_small_ones_by_their_numbers() -> None:
    x, w = inputs("x w")
    loss = np.sum(np.tanh(x @ w))

    at = {x: np.ones((4, 2)), w: np.zeros((2, 1))}
    edges = loss.visualize(gradients=True, inputs=at)._view.scene.edges

    assert {(edge.label, edge.back) for edge in edges} == {
        ("(4, 2) |2.83|", "∂ (4, 2) |0|"), ("[0, 0]", "∂ [4, 4]"), ("(4, 1) |0|", "∂ (4, 1) |2|"),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (7, "7"),
        (-0.123456, "\u22120.1235"),
        (np.float32(0.5), "0.5"),
        (np.array(2.5), "2.5"),
        (10**400, "1000000"),
        (float("nan"), "nan"),
        (1 - 2j, "1\u22122j"),
        (np.zeros((0, 3)), "[]"),
        (np.zeros((2, 2)), "(2, 2)"),
        (pd.DataFrame({"a": [1.0]}), "(1, 1)"),
        ("a text\nof two lines, too long", "'a text"),
        ({"a": 1}, "{'a': 1}"),
        (True, "True"),
    ],
)
def test_any_value_has_a_short_form(value: Any, text: str) -> None:
    x = inputs("x")
    other = delayed(lambda v: value)(x)
    y = x + delayed(lambda v: 0.0)(lazygraph.autodiff.stop_gradient(other))

    edges = y.visualize(gradients=True, inputs={x: 1.0}, wrt=x)._view.scene.edges

    (found,) = {edge.label for edge in edges if edge.label.startswith(text)}
    assert len(found) <= 18
    assert found.isprintable()


def test_gradients_of_several_values_are_refused() -> None:
    x, *_ = _example()

    with pytest.raises(DrawingError, match="of one lazy value, not of 2"):
        lazygraph.visualize(x, x + 1, gradients=True)


def test_what_is_said_of_gradients_is_refused_without_them() -> None:
    x, _, _, _, f = _example()

    for said in ({"wrt": x}, {"inputs": AT}):
        with pytest.raises(DrawingError, match="give that too"):
            f.visualize(**said)
    with pytest.raises(DrawingError, match='detail="full" draws none'):
        f.visualize(gradients=True, inputs=AT, detail="full")


def test_too_many_tasks_are_drawn_as_groups_and_nothing_is_computed() -> None:
    ran = []
    x = inputs("x")
    y = delayed(lambda v: ran.append(v) or v, vjp=lambda ct, out, v: (ct,))(x)
    for _ in range(160):
        y = y + x

    drawing = y.visualize(gradients=True, inputs={x: 1.0})

    assert "∂" not in drawing.svg
    assert "detail='tasks' draws all, with derivatives" in drawing.svg
    assert ran == []


def test_inputs_are_drawn_as_data() -> None:
    x, rate = inputs("x"), inputs("rate", default=0.5)
    drawing = (x * rate).visualize()
    boxes = {box.label: box for box in drawing._view.scene.boxes}

    assert (boxes["x"].shape, boxes["x"].detail) == ("data", "input")
    assert (boxes["rate"].shape, boxes["rate"].detail) == ("data", "0.5")
    assert boxes["mul"].shape == "call"


def test_tasks_of_the_way_back_are_called_by_what_they_are() -> None:
    *xs, _, f = _example()

    drawing = lazygraph.visualize(grad(f, list(xs)))

    assert {"∂mul/∂a", "∂mul/∂b", "∂add/∂a", "∂add/∂b"} <= {
        box.label for box in drawing._view.scene.boxes
    }


def _colours(drawing: Any) -> dict[str, Any]:
    """By label, of every box."""
    scene = drawing._view.scene
    boxes = scene.boxes
    return {box.label: colours_of(box, scene.hues.get(box.hue_name), LIGHT) for box in boxes}


def test_tasks_of_the_way_back_are_outlined_and_others_filled_as_ever() -> None:
    *xs, _, f = _example()

    alone, both = _colours(f.visualize()), _colours(lazygraph.visualize(f, grad(f, xs)))
    every = _colours(lazygraph.visualize(f, grad(f, xs), detail="full"))

    assert {label: both[label] for label in alone} == alone
    assert both["∂mul/∂a"] == every["seed"] == Colours("#ffffff", LIGHT.back, LIGHT.back)
    both["like"] = every["like"]
    assert both["like"] == Colours("#ffffff", LIGHT.edge, LIGHT.muted)
    assert f'fillcolor="#ffffff" color="{LIGHT.back}"' in grad(f, xs[0]).visualize().to_dot()


def test_the_plumbing_of_the_way_back_is_drawn_where_it_is_asked_for() -> None:
    w, b, x = inputs("w b x")
    lazy = grad(np.mean((x @ w + b) ** 2), {"w": w, "b": b})

    drawing, full = lazygraph.visualize(lazy), lazygraph.visualize(lazy, detail="full")

    plumbing = {"like", "fit", "owned", "seed"}
    assert plumbing.isdisjoint(box.label for box in drawing._view.scene.boxes)
    assert {"like", "seed"} <= {box.label for box in full._view.scene.boxes}
    assert "that only keep shapes are not drawn; detail='full' draws all" in drawing.svg
    ends = {box.back: "output" in box.marks for box in drawing._view.scene.boxes if box.back}
    assert ends == {"∂/∂w": True, "∂/∂b": True}  # which is dw?
    mean = next(n for n, box in enumerate(drawing._view.scene.boxes) if box.label == "mean")
    assert any(edge.start == mean for edge in drawing._view.scene.edges)  # where the seed was


def test_constants_stay_where_numbers_are_shown_and_the_goal_has_its_name() -> None:
    x = inputs("x")
    goal = delayed(np.sum)(np.clip(x - 3.0, 0.0, 9.0) * 0.01, dask_key_name="loss")

    drawing = goal.visualize(gradients=True, inputs={x: np.ones(4)})

    labels = {box.label for box in drawing._view.scene.boxes}
    assert {"x - 3.0", "clip(·, 0.0, 9.0)", "clip * 0.01"} <= labels
    assert "derivative of loss by it" in drawing.svg
    assert "value; of an array its shape and |norm|" in drawing.svg
    assert "∂loss/∂x" in goal.visualize(gradients=True).svg


def test_users_functions_are_filled_whatever_they_are_called() -> None:
    x = inputs("x")

    def named(name: str) -> Any:
        def func(v: Any) -> Any:
            return v

        func.__name__ = name
        return delayed(func)

    drawn = _colours(lazygraph.visualize(named("like")(x), named("d_f")(x), stop_gradient(x)))

    assert drawn.keys() == {"x", "like", "d_f", "_stopped"}
    assert all(drawn[name] in LIGHT.hues for name in ("like", "d_f", "_stopped"))


def test_the_derivative_by_a_users_rule_is_called_so() -> None:
    x = inputs("x")
    y = delayed(lambda v: v * v, vjp=lambda ct, out, v: (2 * v * ct,))(x)

    assert "∂lambda" in _colours(grad(y, x).visualize())


@pytest.mark.parametrize("rankdir", ["BT", "TB", "LR", "RL"])
def test_notes_stay_in_the_room_that_is_kept_for_them(rankdir: str) -> None:
    edge = Edge(0, 1, "a long value", back="∂ 3")
    width, height = notes_size(edge, rankdir)

    for words in notes_beside(edge, (0.0, 0.0), rankdir, LIGHT):
        x, y, long, high = _hull(words)
        assert abs(x) + long / 2 <= width / 2
        assert abs(y) + high / 2 <= height / 2
        assert max(abs(x) - long / 2, abs(y) - high / 2) >= 2.8  # beside the lines


def _hull(words: Words) -> tuple[float, float, float, float]:
    """Middle, width and height of a note."""
    width = text_width_px(words.text, 10)
    shift = {"start": 0.5, "middle": 0.0, "end": -0.5}[words.anchor] * width
    return words.x + shift, words.y - 3.5, width, 10.0


def test_what_is_said_in_a_box_stays_in_it() -> None:
    x = inputs("x")
    drawing = (x + 1.0).visualize(gradients=True, inputs={x: -123.456789e-30})

    for group in drawing._picture.items:
        if isinstance(group, Group):
            box = group.items[0]
            for words in [part for part in group.items if isinstance(part, Words)]:
                assert isinstance(box, Rect)
                middle, _, width, _ = _hull(words)
                assert box.left + 4 <= middle - width / 2
                assert middle + width / 2 <= box.left + box.width - 4


def _net() -> tuple[Any, dict[str, Any]]:
    x, w, b, v, target = inputs("x w b v target")
    loss = np.mean((np.tanh(x @ w + b) @ v - target) ** 2) + 0.01 * np.sum(w * w)
    shapes = {"x": (8, 3), "w": (3, 4), "b": (4,), "v": (4, 1), "target": (8, 1)}
    return loss, {name: np.ones(shape) for name, shape in shapes.items()}


@pytest.mark.parametrize("rankdir", ["BT", "TB", "LR", "RL"])
@pytest.mark.parametrize("title", [None, "a title that is much wider than the picture " * 4])
def test_notes_cover_no_box_and_no_other_note(rankdir: Any, title: str | None) -> None:
    loss, at = _net()
    drawing = loss.visualize(gradients=True, inputs=at, rankdir=rankdir, title=title)
    items = drawing._picture.items

    boxes = []
    for item in items:
        if isinstance(item, Group):
            (front, *_) = [part for part in item.items if isinstance(part, Rect)]
            middle = front.left + front.width / 2, front.top + front.height / 2
            boxes.append((*middle, front.width, front.height))
    notes = [item for item in items if isinstance(item, Words) and item.size_px == 10]
    boxes += map(_hull, notes)
    edges = drawing._view.scene.edges
    assert len(notes) == 3 + sum(bool(edge.label) + bool(edge.back) for edge in edges)
    assert overlaps(boxes) == 0


def _sampled(route: Any) -> Any:
    """Points on a route, 100 a curve."""
    t = np.linspace(0, 1, 100)[:, None]
    weights = (1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3
    return np.concatenate(
        [
            sum(w * point for w, point in zip(weights, np.array(route[n : n + 4]), strict=True))
            for n in range(0, len(route) - 1, 3)
        ]
    )


@pytest.mark.parametrize("rankdir", ["BT", "TB", "LR", "RL"])
def test_the_lines_forward_and_back_keep_their_distance_wherever_an_edge_turns(
    rankdir: Any,
) -> None:
    loss, at = _net()
    view = loss.visualize(gradients=True, inputs=at, rankdir=rankdir)._view
    axis = 1 if rankdir in {"LR", "RL"} else 0

    for route in view.layout.routes:
        there, back = both_ways(route, rankdir)
        one, other = _sampled(there), _sampled(back)
        gaps = np.linalg.norm(one[:, None] - other[None], axis=2).min(axis=1)
        assert gaps.min() >= 2.5
        assert gaps.max() <= 6.5
        for end, near, far in ((route[0], there[0], back[-1]), (route[-1], there[-1], back[0])):
            assert far[axis] - near[axis] == pytest.approx(5.6)
            assert far[1 - axis] == near[1 - axis] == end[1 - axis]


def test_a_page_puts_a_label_where_the_layout_has_room_for_it() -> None:
    loss, at = _net()
    view = loss.visualize(gradients=True, inputs=at)._view

    columns = edge_columns(view.scene, view.layout, 0.1)

    for n, (route, place) in enumerate(zip(view.layout.routes, view.layout.labels, strict=True)):
        curve = 3 * columns["at"][n]
        middle = [(a + b) / 2 for a, b in zip(route[curve], route[curve + 3], strict=True)]
        assert middle == pytest.approx(place)


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_derivatives_can_be_read_on_every_box(theme: Any) -> None:
    fills = [colours.fill for colours in (theme.data, *theme.hues)]

    assert min(contrast(theme.back, fill) for fill in (theme.background, *fills)) >= 5


def test_a_drawing_of_gradients_is_of_the_graph_itself() -> None:
    *_, f = _example()

    assert isinstance(f, Delayed)
    assert len(f.visualize(gradients=True)._view.scene.boxes) == 5


def test_no_derivative_is_hidden_by_joined_tasks() -> None:
    x = delayed(3.0)

    with pytest.raises(DrawingError, match="optimize_graph"):
        visualize((x * x + 1) * x, gradients=True, optimize_graph=True)

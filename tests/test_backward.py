"""Derivatives by name, by way of every edge, and the picture of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pages import data_of
from test_gradients import expressions

import lazygraph
from lazygraph import Delayed, backward, compute, delayed, grad, inputs
from lazygraph.errors import CaptureError, DrawingError, InputError, MissingKeyError
from lazygraph.nodes import steps_of
from lazygraph.viz.layout import layered_layout, layout_with_labels

AT = {"x": 1, "y": 2, "z": 3}


def _example() -> tuple[Any, Any, Any, Any, Any]:
    x, y, z = inputs("x y z")
    s = x + y
    return x, y, z, s, s * z


def test_the_derivative_of_every_edge_and_every_result_of_the_teachers_example() -> None:
    *_, s, f = _example()

    (found,) = compute(dict(backward(f)), inputs=AT)

    assert found == {
        "x": 3.0, "y": 3.0, "z": 3.0, s.key: 3.0, f.key: 1.0,
        ("x", s.key): 3.0, ("y", s.key): 3.0, (s.key, f.key): 3.0, ("z", f.key): 3.0,
    }  # fmt: skip


def test_it_is_asked_by_lazy_values_or_by_keys() -> None:
    x, _, z, s, f = _example()
    by = backward(f)

    assert by[x] is by["x"]
    assert by[z, f] is by["z", f.key]
    assert len(by) == 9
    assert repr(by) == f"Backward(5 tasks, 4 edges to {f.key!r})"
    with pytest.raises(MissingKeyError, match="is not in the graph"):
        by[x, f]
    with pytest.raises(MissingKeyError, match=f"did you mean {s.key!r}"):
        by[s.key + "a"]


def test_several_uses_by_one_task_are_one_edge() -> None:
    x = inputs("x")
    f = x * x

    assert backward(f)[x, f].compute(inputs={x: 3.0}) == 6.0


def test_without_inputs_it_goes_back_to_numbers_and_arrays() -> None:
    a, text, b = delayed(2.0), delayed("text"), delayed(np.ones(2))
    f = np.sum(a * b) + delayed(len)(text)

    by = backward(f)

    assert set(by.totals) >= {a.key, b.key}
    assert text.key not in by.totals
    with pytest.raises(CaptureError, match="say by wrt="):
        backward(delayed(len)("text"))


@settings(deadline=None, max_examples=40)
@given(expression=expressions(), at=st.tuples(*[st.floats(-1.5, 1.5)] * 3))
def test_edges_add_up_and_totals_are_gradients(expression: Any, at: Any) -> None:
    xs = [delayed(x) for x in at]
    goal = expression(*xs)
    by = backward(goal, xs)

    (edges,) = compute(by.edges, scheduler="sync")
    (totals,) = compute(by.totals, scheduler="sync")

    for key, total in totals.items():
        if key != goal.key:
            parts = [value for (tail, _), value in edges.items() if tail == key]
            assert sum(parts) == pytest.approx(total)
    for node in steps_of([goal])[0]:
        if node.key in totals:
            alone = grad(goal, node).compute(scheduler="sync")
            assert totals[node.key] == pytest.approx(alone)


# ------------------------------------------------------------------ pictures
def test_the_picture_has_values_and_derivatives_on_its_edges() -> None:
    *_, f = _example()

    svg = f.visualize(gradients=True, inputs=AT).svg

    for text in ("1 · ∂ 3", "2 · ∂ 3", "= 9 · ∂ 1", "= 3 · ∂ 3"):
        assert f">{text}<" in svg
    assert "∂" in f.visualize(gradients=True, inputs=AT).to_dot()
    assert "· ∂ 3" in f.visualize(gradients=True, inputs=AT).to_mermaid()
    page = data_of(f.visualize(gradients=True, inputs=AT).html)
    assert "1 · ∂ 3" in str(page["tasks"]["edges"])


def test_without_values_it_has_the_derivatives_names() -> None:
    *_, f = _example()

    svg = f.visualize(gradients=True).svg

    assert ">∂mul/∂x<" in svg
    assert ">∂mul/∂add<" in svg
    with pytest.raises(InputError, match="no value is given for input 'y', 'z'"):
        f.visualize(gradients=True, inputs={"x": 1})


def test_arrays_are_told_by_their_shapes_and_small_ones_by_their_numbers() -> None:
    x, w = inputs("x w")
    loss = np.sum(np.tanh(x @ w))

    svg = loss.visualize(gradients=True, inputs={x: np.ones((4, 2)), w: np.zeros((2, 1))}).svg

    assert ">4 \u00d7 2 · ∂ 4 \u00d7 2<" in svg
    assert ">[0, 0] · ∂ [4, 4]<" in svg


def test_gradients_of_several_values_are_refused() -> None:
    x, *_ = _example()

    with pytest.raises(DrawingError, match="of one lazy value, not of 2"):
        lazygraph.visualize(x, x + 1, gradients=True)


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


def _overlaps(boxes: list[tuple[float, float, float, float]]) -> int:
    count = 0
    for n, (x, y, w, h) in enumerate(boxes):
        for u, v, a, b in boxes[:n]:
            count += abs(x - u) < (w + a) / 2 - 1e-6 and abs(y - v) < (h + b) / 2 - 1e-6
    return count


@pytest.mark.parametrize("rankdir", ["BT", "TB", "LR", "RL"])
def test_labels_of_edges_have_room_of_their_own(rankdir: str) -> None:
    sizes = [(60.0, 40.0)] * 12
    edges = [(i, j) for j in range(12) for i in range(max(0, j - 3), j)]
    labels = [(70.0, 13.0) if n % 3 else None for n in range(len(edges))]

    layout = layout_with_labels(layered_layout, sizes, edges, labels, rankdir)

    boxes = [(*centre, *size) for centre, size in zip(layout.centres, sizes, strict=True)]
    places = zip(layout.labels, labels, strict=True)
    boxes += [(*place, *size) for place, size in places if place and size]
    assert _overlaps(boxes) == 0
    assert [place is None for place in layout.labels] == [label is None for label in labels]
    for (start, end), route in zip(edges, layout.routes, strict=True):
        assert len(route) % 3 == 1
        for box, (x, y) in ((start, route[0]), (end, route[-1])):
            u, v = layout.centres[box]
            assert abs(x - u) <= 30.5
            assert abs(y - v) <= 20.5


def test_a_drawing_of_gradients_is_of_the_graph_itself() -> None:
    *_, f = _example()

    assert isinstance(f, Delayed)
    assert len(f.visualize(gradients=True)._view.scene.boxes) == 5

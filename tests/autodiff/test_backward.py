"""Derivatives by name, by way of every edge."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_gradients import expressions

from lazygraph import Task, backward, compute, delayed, get, grad, inputs
from lazygraph.errors import CaptureError, MissingKeyError
from lazygraph.graphs.compile import unique_nodes

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
    for node in unique_nodes([goal]).nodes:
        if node.key in totals:
            alone = grad(goal, node).compute(scheduler="sync")
            assert totals[node.key] == pytest.approx(alone)


@settings(deadline=None, max_examples=40)
@given(expression=expressions(), at=st.tuples(*[st.floats(-1.5, 1.5)] * 3))
def test_totals_are_central_differences_by_results_put_in_their_place(
    expression: Any, at: Any
) -> None:
    xs = [delayed(x) for x in at]
    goal = expression(*xs)
    (totals,) = compute(backward(goal, xs).totals, scheduler="sync")

    for key, total in totals.items():
        value = get(goal.graph, key, scheduler="sync")
        step = 1e-5 * max(1.0, abs(value))
        up, down = (_goal_with(goal, key, value + side) for side in (step, -step))
        scale = max(1.0, abs(up), abs(total))
        assert (up - down) / (2 * step) == pytest.approx(total, rel=1e-4, abs=1e-4 * scale)


def _goal_with(goal: Any, key: Any, value: float) -> float:
    graph = goal.graph.copy()
    graph.replace(key, Task(float, (value,)))
    return float(get(graph, goal.key, scheduler="sync"))

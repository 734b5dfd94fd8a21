"""What is near a key, and how much is left out."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from large_graphs import Shape, chain, free_shapes, map_reduce, tree

from lazygraph import Graph, Ref, Task
from lazygraph.errors import CaptureError, DrawingError, MissingKeyError
from lazygraph.viz.scenes.focus import Hidden, neighbourhood


def call(*args: Any) -> Any:
    return args


def graph_of(shape: Shape) -> Graph:
    """Keys are "t0", "t1", ...; each call has a literal, and the results in a list."""
    return Graph(
        {
            f"t{n}": Task(call, (name, [Ref(f"t{dep}") for dep in needed]))
            for n, (name, needed) in enumerate(zip(*shape, strict=True))
        }
    )


def around(neighbours: dict[Any, set[Any]], key: Any, depth: int) -> set[Any]:
    found = {key}
    for _ in range(depth):
        found = found.union(*[neighbours[other] for other in found])
    return found


@given(free_shapes(), st.integers(0, 5), st.data())
def test_it_is_what_so_many_dependencies_reach_and_the_rest_is_counted(
    shape: Shape, depth: int, data: st.DataObject
) -> None:
    if not shape.names:
        return
    graph = graph_of(shape)
    key = data.draw(st.sampled_from(list(graph)))
    down = {task: set(graph.dependencies(task)) for task in graph}
    up = {task: {other for other in graph if task in down[other]} for task in graph}

    near, hidden_down, hidden_up = neighbourhood(graph, key, depth)

    shown = around(down, key, depth) | around(up, key, depth)
    assert {*near} == shown
    assert hidden_down == {k: len(down[k] - shown) for k in shown if down[k] - shown}
    assert hidden_up == {k: len(up[k] - shown) for k in shown if up[k] - shown}
    for task in near:
        assert {*near.dependencies(task)} == down[task] & shown
    assert sorted(near.toposort()) == sorted(near)
    seen: set[Any] = set()
    for task in near:
        assert seen.issuperset(near.dependencies(task))
        seen.add(task)


def test_the_graph_is_left_alone_and_the_rest_of_a_call_is_kept() -> None:
    graph = graph_of(map_reduce(3))  # t6 adds up t1, t3, t5
    before = dict(graph)

    near = neighbourhood(graph, "t1", 1).graph

    assert dict(graph) == before
    name, values = near["t6"].args
    assert name == "sum"
    assert values[0] == Ref("t1")
    assert [(type(value), value.key) for value in values[1:]] == [(Hidden, "t3"), (Hidden, "t5")]
    assert repr(near["t6"]) == "Task(call('sum', [Ref(key='t1'), …, …]))"
    assert near["t1"].args == graph["t1"].args


def test_depth_zero_is_the_task_alone() -> None:
    near = neighbourhood(graph_of(map_reduce(3)), "t6", 0)

    assert (list(near.graph), near.hidden_dependencies, near.hidden_dependents) == (
        ["t6"],
        {"t6": 3},
        {},
    )


def test_a_sibling_is_no_neighbour() -> None:
    """Files are read by way of one folder: others are two steps away, up and then down."""
    graph = graph_of(Shape(["folder", "load", "load"], [[], [0], [0]]))

    near = neighbourhood(graph, "t1", 5)

    assert list(near.graph) == ["t0", "t1"]
    assert near.hidden_dependents == {"t0": 1}


def test_a_great_depth_takes_all_that_is_linked_even_of_a_long_chain() -> None:
    graph = graph_of(chain(20_000))

    near = neighbourhood(graph, "t10000", 10**9)

    assert list(near.graph) == list(graph)
    assert near.hidden_dependencies == near.hidden_dependents == {}


def test_a_key_that_is_not_there_is_named_with_one_spelled_alike() -> None:
    graph = Graph({"total-sales": Task(int), "clean": Task(int)})

    with pytest.raises(MissingKeyError, match="did you mean 'total-sales'"):
        neighbourhood(graph, "total_sales", 1)
    with pytest.raises(CaptureError, match="a key is"):
        neighbourhood(graph, ["clean"], 1)


@pytest.mark.parametrize("depth", [-1, 1.0, True, None, "2"])
def test_a_depth_that_is_no_whole_number_is_refused(depth: Any) -> None:
    with pytest.raises(DrawingError, match=r"depth=.*whole number from 0"):
        neighbourhood(graph_of(tree(4)), "t0", depth)

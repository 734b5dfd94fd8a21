"""Graphs: questions, edits, the classic form, cycles and missing keys."""

from __future__ import annotations

import contextlib
import operator
import pickle
from graphlib import CycleError as GraphlibCycle
from graphlib import TopologicalSorter
from typing import Any

import dask
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import as_graph, evaluate, programs
from tasks import add, inc, total

import lazygraph
from lazygraph import Graph, Options, Ref, Task
from lazygraph.errors import (
    CaptureError,
    CycleError,
    GraphEditError,
    MissingKeyError,
)

EDGES = st.dictionaries(
    st.integers(0, 7), st.lists(st.integers(0, 7), max_size=3), min_size=1, max_size=8
)


def from_edges(edges: dict[int, list[int]]) -> Graph:
    return Graph({key: Task(max, ([0, *map(Ref, needed)],)) for key, needed in edges.items()})


@given(edges=EDGES)
def test_cycles_are_found_where_the_standard_library_finds_them(edges: Any) -> None:
    edges = {key: [n for n in needed if n in edges] for key, needed in edges.items()}
    graph = from_edges(edges)
    try:
        list(TopologicalSorter(edges).static_order())
    except GraphlibCycle:
        cycle = graph.find_cycle()
        assert cycle is not None
        for key, needed in zip(cycle, [*cycle[1:], cycle[0]], strict=True):
            assert needed in edges[key]  # type: ignore[index]
        with pytest.raises(CycleError):
            graph.check()
    else:
        assert graph.find_cycle() is None
        order = graph.toposort()
        assert sorted(order) == sorted(edges)  # type: ignore[type-var]
        for key, needed in edges.items():
            assert all(order.index(n) < order.index(key) for n in needed)


def test_a_cycle_is_told_in_order() -> None:
    dsk = {"a": (inc, "b"), "b": (inc, "c"), "c": (inc, "a"), "d": (inc, "a")}
    with pytest.raises(CycleError) as caught:
        lazygraph.get(dsk, "d")
    assert caught.value.cycle == ["a", "b", "c"]
    assert str(caught.value) == "tasks wait for each other: 'a' -> 'b' -> 'c' -> 'a'"
    with pytest.raises(RuntimeError):  # what Dask raises
        lazygraph.get(dsk, "d")
    with pytest.raises(CycleError, match="'x' -> 'x'"):
        lazygraph.get({"x": (inc, "x")}, "x")


def test_a_missing_key_is_told_with_who_wants_it_and_a_near_match() -> None:
    graph = Graph({"load": Task(int), "sum": Task(inc, (Ref("laod"),))})
    with pytest.raises(MissingKeyError) as caught:
        lazygraph.get(graph, "sum")
    assert str(caught.value) == "task 'sum' needs 'laod', not in the graph; did you mean 'load'?"
    with pytest.raises(KeyError):  # what Dask raises
        lazygraph.get(graph, "summ")
    assert pickle.loads(pickle.dumps(caught.value)).missing == "laod"


def test_find_cycle_passes_over_missing_keys() -> None:
    assert Graph({"a": Task(inc, (Ref("gone"),))}).find_cycle() is None


@given(edges=EDGES)
def test_dependents_are_the_inverse_of_dependencies(edges: Any) -> None:
    graph = from_edges({key: [n for n in needed if n in edges] for key, needed in edges.items()})
    for key in graph:
        expected = [user for user in graph if key in graph.dependencies(user)]
        assert list(graph.dependents(key)) == expected


CLASSIC: dict[Any, Any] = {
    "one": 1,
    "text": "no key",
    "alias": "one",
    "sum": (add, "one", 10),
    "nested": (add, (inc, "one"), (total, ["sum", ["one", (inc, 5)]])),
    "list": ["one", "text", ["sum"]],
    "task list": (total, [(inc, "one"), (inc, (inc, "one"))]),
    ("tuple", 0): (inc, "one"),
    "uses tuple": (inc, ("tuple", 0)),
    7: (inc, 6),
    "seven": (inc, 7),
    "dict": (dict, {"a": "one", "b": (inc, "one")}),
    "dict in a list": (list, [{"a": "one"}]),
    "set": (sorted, {"one", ("tuple", 0)}),
    "empty": (),
    "call": (list,),
    "plain tuple": (1, 2),
}


@pytest.mark.parametrize("key", CLASSIC, ids=str)
def test_the_classic_form_means_what_dask_says_it_means(key: Any) -> None:
    assert lazygraph.get(CLASSIC, key, scheduler="sync") == dask.get(CLASSIC, key)


def test_keys_nested_in_lists_give_values_nested_in_tuples() -> None:
    keys = ["one", ["sum", ["one"]], []]
    assert lazygraph.get(CLASSIC, keys) == dask.get(CLASSIC, keys) == (1, (11, (1,)), ())


@given(program=programs())
def test_a_graph_evaluates_like_plain_calls_and_pickles(program: Any) -> None:
    graph = pickle.loads(pickle.dumps(as_graph(program)))
    assert lazygraph.get(graph, list(graph)) == tuple(evaluate(program).values())


def test_a_string_that_equals_a_key_stays_a_string_in_a_task() -> None:
    graph = Graph({"a": Task(int), "b": Task(str.upper, ("a",))})
    assert lazygraph.get(graph, "b") == "A"
    x = lazygraph.delayed(inc)(1, dask_key_name="a")
    assert lazygraph.delayed(lambda value, text: text)(x, "a").compute() == "a"


def small() -> Graph:
    """x -> y -> z, and x -> z."""
    return Graph.from_dict({"x": 1, "y": (inc, "x"), "z": (add, "x", "y")})


def test_edits_and_a_run_after_each() -> None:
    graph = small()
    graph.add("w", Task(add, (Ref("z"), Ref("z"))))
    assert lazygraph.get(graph, "w") == 6
    graph.replace("x", Task(int, ("10",)))
    assert lazygraph.get(graph, "w") == 42
    graph.substitute("y", 100)
    assert lazygraph.get(graph, "w") == 220
    graph.remove("y")
    graph.substitute("x", Ref("x"))
    assert list(graph) == ["x", "z", "w"]
    assert graph.dependents("x") == ("z",)
    assert lazygraph.get(graph, "w") == 220


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda g: g.add("x", Task(int)), "'x' is in the graph already"),
        (
            lambda g: g.add("new", Task(inc, (Ref("yy"),))),
            "needs 'yy', not in the graph; did you mean",
        ),
        (lambda g: g.add("new", Task(inc, (Ref("new"),))), "'new' would need itself"),
        (lambda g: g.add("new", (inc, 1)), "would be a tuple, not a Task"),
        (lambda g: g.replace("x", Task(inc, (Ref("z"),))), "tasks wait for each other"),
        (lambda g: g.replace("x", Task(inc, (Ref("x"),))), "'x' would need itself"),
        (lambda g: g.remove("x"), "'x' cannot be removed: 'y', 'z' need it"),
        (lambda g: g.substitute("x", Ref("z")), "tasks wait for each other"),
        (lambda g: g.substitute("x", [Ref("y")]), "by a value or one Ref, not by"),
    ],
)
def test_an_edit_that_would_break_the_graph_is_refused(edit: Any, message: str) -> None:
    graph, before = small(), dict(small())
    graph = Graph(before)
    for _ in range(2):  # before and after the graph has an index of dependents
        with pytest.raises(GraphEditError, match=message):
            edit(graph)
        assert dict(graph) == before
        graph.dependents("x")


@pytest.mark.parametrize(
    "edit",
    [
        lambda g: g.replace("q", Task(int)),
        lambda g: g.remove("q"),
        lambda g: g.substitute("q", 1),
        lambda g: g.substitute("x", Ref("q")),
        lambda g: g["q"],
        lambda g: g.dependents("q"),
        lambda g: g.subgraph(["q"]),
    ],
)
def test_an_unknown_key_is_told(edit: Any) -> None:
    graph = small()
    with pytest.raises(MissingKeyError, match="'q' is not in the graph"):
        edit(graph)
    assert dict(graph).keys() == {"x", "y", "z"}


@given(program=programs(), data=st.data())
def test_random_edits_keep_the_index_of_dependents_right(program: Any, data: Any) -> None:
    graph = as_graph(program)
    graph.dependents(next(iter(graph)))
    for _ in range(6):
        key = data.draw(st.sampled_from(list(graph)))
        edit = data.draw(
            st.sampled_from(
                [
                    lambda g, k: g.remove(k),
                    lambda g, k: g.substitute(k, 5),
                    lambda g, k: g.replace(k, Task(inc, (3,))),
                    lambda g, k: g.add(f"{k}'", Task(inc, (Ref(k),))),
                ]
            )
        )
        with contextlib.suppress(GraphEditError):
            edit(graph, key)
        if not graph:
            return
        fresh = Graph(dict(graph))
        for each in graph:
            assert sorted(graph.dependents(each)) == sorted(fresh.dependents(each))
        graph.check()


def test_substitute_passes_over_literals_that_cannot_be_compared() -> None:
    import numpy as np

    graph = Graph({"x": Task(int), "y": Task(lambda x, a: (x, a.sum()), (Ref("x"), np.arange(3)))})
    graph.substitute("x", np.arange(2))
    value, total_ = lazygraph.get(graph, "y")
    assert list(value) == [0, 1]
    assert total_ == 3


def test_subgraph_has_what_is_needed_and_leaves_the_graph_alone() -> None:
    graph = small()
    assert list(graph.subgraph(["y"])) == ["x", "y"]
    assert len(graph) == 3


@pytest.mark.parametrize("bad", [[1], {1}, object(), ("a", {})])
def test_a_graph_with_a_key_that_cannot_be_one_is_refused(bad: Any) -> None:
    graph = small()
    with pytest.raises(CaptureError, match="a key is a string"):
        graph.add(bad, Task(int))
    with pytest.raises(CaptureError, match="a key is a string"):
        Graph.from_dict({frozenset([1]): 1})


@pytest.mark.parametrize("bad", [{}, {"a"}, ["a", {"b": 1}], ("a", [1]), None])
def test_what_cannot_be_a_key_is_refused(bad: Any) -> None:
    with pytest.raises(CaptureError, match="a key is a string, a number or a tuple of such"):
        lazygraph.get({"a": 1}, bad)


def test_what_is_no_graph_is_refused() -> None:
    with pytest.raises(CaptureError, match="a graph is a dict of tasks by key, not list"):
        lazygraph.get([("a", 1)], "a")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"graph\['a'\] is int, not a Task"):
        Graph({"a": 1})  # type: ignore[dict-item]
    loop: list[Any] = []
    loop.append(loop)
    with pytest.raises(CaptureError, match="'a' is nested too deeply, or contains itself"):
        lazygraph.get({"a": (total, loop)}, "a")


def test_a_task_calls_something_callable() -> None:
    with pytest.raises(CaptureError, match="3 is not callable"):
        Task(3)  # type: ignore[arg-type]
    with pytest.raises(CaptureError, match=r"give Ref\('k'\)"):
        Task(inc, (lazygraph.delayed(inc)(1, dask_key_name="k"),))


def test_a_task_is_immutable_and_shows_its_parts() -> None:
    task = Task(add, (Ref("a"),), {"y": [Ref("b"), 2]})
    with pytest.raises(AttributeError, match="immutable"):
        task.func = inc  # type: ignore[misc]
    assert (task.func, task.args, task.kwargs) == (add, (Ref("a"),), {"y": [Ref("b"), 2]})
    assert task.dependencies == ("a", "b")
    assert repr(task) == "Task(add(Ref(key='a'), y=[Ref(key='b'), 2]))"
    again = pickle.loads(pickle.dumps(task))
    assert (again.func, again.args, again.kwargs) == (task.func, task.args, task.kwargs)


def test_a_task_with_a_lazy_partial_can_be_shown() -> None:
    from functools import partial

    lazy = lazygraph.delayed(lambda f: f(1))(partial(lazygraph.delayed(lambda: inc)()))
    assert "partial" in repr(lazy.graph[lazy.key])
    assert lazy.compute() == 2


def test_repr_counts_tasks() -> None:
    assert repr(small()) == "Graph(3 tasks)"


def test_no_keys_are_no_work() -> None:
    assert lazygraph.get({"a": (operator.truediv, 1, 0)}, []) == ()


def test_dependents_stand_in_graph_order_whenever_they_are_first_asked_for() -> None:
    def edited(ask_first: bool) -> tuple[Any, ...]:
        graph = Graph.from_dict({"x": 1, "b": (abs, "x"), "a": (abs, "x"), "c": 2})
        if ask_first:
            graph.dependents("x")
        graph.replace("b", Task(abs, (3,)))
        graph.replace("b", Task(abs, (Ref("x"),)))
        graph.remove("c")
        graph.add("c", Task(abs, (Ref("x"),)))
        graph.add("d", Task(abs, (Ref("x"),)))
        return graph.dependents("x")

    assert edited(True) == edited(False) == ("b", "a", "c", "d")


def test_graphs_of_equal_tasks_are_equal() -> None:
    dsk = {"x": [1, 2], "y": (sum, "x"), "z": (max, [(abs, "y"), 3])}
    assert Graph.from_dict(dsk) == Graph.from_dict(dsk)
    assert hash(Graph.from_dict(dsk)["z"]) == hash(Graph.from_dict(dsk)["z"])
    for other in ([1, 2.0], [2, 1], [True, 2]):
        assert Graph.from_dict(dsk) != Graph.from_dict({**dsk, "x": other})
    assert Task(abs, (1,)) != Task(abs, (1,), options=Options(retries=1))
    assert Task(abs, (1,)) != Task(abs, (1,), pure=True)


def test_a_missing_key_is_not_searched_for_its_like(monkeypatch: pytest.MonkeyPatch) -> None:
    import lazygraph.graphs.graph as module

    graph = Graph.from_dict({"x": 1})
    monkeypatch.setattr(module, "nearest", lambda *_: pytest.fail("searched"))
    assert graph.get("y") is None
    assert graph.get("y", 3) == 3
    assert graph.get("x") is graph["x"]

"""Dask's graphs as tasks here, and tasks here as Dask's graphs."""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

import dask
import dask.array as da
import pytest
from dask._task_spec import Alias, DataNode, Dict, List, Set, TaskRef, Tuple
from dask._task_spec import Task as DaskTask
from dask.core import get_deps
from dask.highlevelgraph import HighLevelGraph
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import as_graph, evaluate, programs
from tasks import add, fail, identity, inc, keyword, total

import lazygraph
from lazygraph import Delayed, Graph, Ref, Task
from lazygraph.errors import CaptureError, CycleError, MissingKeyError, UnsupportedOptionError
from lazygraph.tasks.fused import Fused
from lazygraph.tasks.options import Options

pytestmark = pytest.mark.dask


class Point(NamedTuple):
    x: Any
    y: Any


@dataclasses.dataclass
class Pair:
    left: Any
    right: Any


def both(*args: Any, **kwargs: Any) -> Any:
    return args, kwargs


def pairs(**named: Any) -> list[Any]:
    return sorted(named.items())


def named_list(key: str, *items: Any) -> List:
    made = List(*items)
    made.key = key
    return made


#: By key, one of each form in which an entry of a Dask graph comes.
FORMS: dict[Any, Any] = {
    "data": 1,
    "text": DataNode("text", "data"),  # a string that is a key, and is none
    "tuple": DataNode("tuple", (inc, "data")),  # a tuple that would be a task, and is none
    "called": DaskTask("called", inc, TaskRef("data")),
    "classic": (add, "called", (inc, "data")),
    "alias": Alias("alias", "classic"),
    "list": named_list("list", TaskRef("data"), "data", List(TaskRef("called"))),
    "single": DaskTask("single", identity, List(List(TaskRef("data")))),
    "dict": DaskTask("dict", identity, Dict({"data": TaskRef("called"), "b": Tuple("data")})),
    "set": DaskTask("set", identity, Set(TaskRef("data"), 7)),
    "nested": DaskTask("nested", add, DaskTask(None, inc, TaskRef("data")), TaskRef("called")),
    "deeper": DaskTask("deeper", total, List(DaskTask(None, inc, DaskTask(None, inc, 1)), 2)),
    "keywords": DaskTask("keywords", pairs, by=TaskRef("data"), key="data", func=List(1)),
    "underscored": DaskTask("underscored", pairs, _x=TaskRef("called")),
    "fused": DaskTask.fuse(
        DaskTask("inner", inc, TaskRef("classic")),
        DaskTask("outer", add, TaskRef("inner"), TaskRef("data")),
        key="fused",
    ),
    ("part", 0): [(inc, "data"), "called", ["text"]],
    ("part", 1): DaskTask(("part", 1), len, TaskRef(("part", 0))),
    "part": (add, ("part", 1), "data"),
}
KEYS = list(FORMS)


def needs(dsk: Any) -> dict[Any, set[Any]]:
    """What Dask itself says that each key depends on."""
    return {key: set(needed) for key, needed in get_deps(dict(dsk))[0].items()}


@pytest.mark.parametrize("key", KEYS, ids=str)
def test_each_form_of_an_entry_has_dasks_value(key: Any) -> None:
    assert lazygraph.get(FORMS, key) == dask.get(FORMS, key)


def test_a_graph_of_all_forms_has_the_dependencies_that_dask_finds() -> None:
    graph = Graph.from_dask(FORMS)

    assert {key: set(graph.dependencies(key)) for key in graph} == needs(FORMS)


def test_a_graph_of_all_forms_goes_to_dask_and_back() -> None:
    graph = Graph.from_dask(FORMS)

    there = graph.to_dask()
    back = Graph.from_dask(there)

    assert list(there) == list(back) == KEYS
    assert dask.get(there, KEYS) == dask.get(FORMS, KEYS)
    assert needs(there) == needs(FORMS)
    assert {key: repr(task) for key, task in back.items()} == {
        key: repr(task) for key, task in graph.items()
    }


@settings(deadline=None)
@given(programs())
def test_a_random_graph_goes_to_dask_and_back_unchanged(program: dict[str, Any]) -> None:
    graph, keys = as_graph(program), list(program)

    there = graph.to_dask()
    back = Graph.from_dask(there)

    expected = evaluate(program)
    assert dict(zip(keys, dask.get(there, keys), strict=True)) == expected
    assert dict(zip(keys, lazygraph.get(back, keys, scheduler="sync"), strict=True)) == expected
    assert list(back) == keys
    assert needs(there) == {key: set(graph.dependencies(key)) for key in keys}
    assert [repr(task) for task in back.values()] == [repr(task) for task in graph.values()]


@settings(deadline=None)
@given(programs())
def test_an_optimized_random_graph_has_the_same_values_in_dask(program: dict[str, Any]) -> None:
    last = [*program][-1]
    graph = lazygraph.passes.fuse(as_graph(program), [last])

    there = graph.to_dask()

    assert dask.get(there, last) == evaluate(program)[last]
    assert lazygraph.get(Graph.from_dask(there), last, scheduler="sync") == evaluate(program)[last]


@settings(deadline=None)
@given(programs(), st.data())
def test_a_mixture_of_forms_has_the_same_values(program: dict[str, Any], data: Any) -> None:
    """Some entries as Dask's objects, some as classic tuples."""
    dsk: dict[str, Any] = {}
    for key, written in as_graph(program).to_dask().items():
        func, args, kwargs = program[key]
        plain = not kwargs and not any(isinstance(arg, (list, tuple, dict)) for arg in args)
        if plain and data.draw(st.booleans()):
            dsk[key] = (func, *[arg.key if type(arg) is Ref else arg for arg in args])
        else:
            dsk[key] = written

    assert lazygraph.get(dsk, list(dsk), scheduler="sync") == tuple(evaluate(program).values())


@pytest.mark.parametrize(
    "value",
    [
        slice(Ref("a"), 3),
        Point(Ref("a"), [Ref("a")]),
        Pair(Ref("a"), {"deep": (Ref("a"),)}),
        frozenset([Ref("a")]),
        [Ref("a")],
        [[Ref("a")]],
        ((Ref("a"),),),
        {1: {2: Ref("a")}},
        {Ref("a"): 1},
        [],
        "a",
        ["a"],
        ("a", {"a": "a"}),
    ],
    ids=repr,
)
def test_an_argument_of_any_shape_goes_to_dask_and_back(value: Any) -> None:
    graph = Graph({"a": Task(inc, (1,)), "b": Task(both, (value,), {"x": value})})
    expected = lazygraph.get(graph, "b")

    there = graph.to_dask()

    assert dask.get(there, "b") == expected
    assert lazygraph.get(Graph.from_dask(there), "b") == expected
    assert repr(Graph.from_dask(there)["b"]) == repr(graph["b"])


def test_a_task_object_among_the_arguments_is_handed_over_itself() -> None:
    task = DaskTask("x", inc, 1)
    graph = Graph({"a": Task(identity, (lazygraph.literal(task),))})

    assert dask.get(graph.to_dask(), "a") is task


def test_data_in_a_classic_tuple_is_handed_over_itself() -> None:
    once = iter([1])  # of another type than those that may be read again

    assert lazygraph.get({"a": (identity, DataNode(None, once))}, "a") is once
    assert lazygraph.get({"a": (identity, DataNode(None, zip([1])))}, "a").__class__ is zip


def test_a_list_put_in_place_of_a_result_stays_one_item() -> None:
    graph = Graph({"a": Task(inc, (1,)), "b": Task(identity, ([Ref("a")],))})
    graph.substitute("a", lazygraph.literal([1, 2]))

    assert dask.get(graph.to_dask(), "b") == [[1, 2]]


def test_keywords_of_dasks_own_constructor_reach_the_function() -> None:
    graph = Graph(
        {"a": Task(pairs, (), {"_data_producer": Ref("b"), "z": 1}), "b": Task(inc, (1,))}
    )

    assert dask.get(graph.to_dask(), "a") == [("_data_producer", 2), ("z", 1)]
    assert repr(Graph.from_dask(graph.to_dask())["a"]) == repr(graph["a"])


def test_fused_tasks_know_their_members() -> None:
    fused = Graph.from_dask(FORMS)["fused"]

    assert isinstance(fused.func, Fused)
    assert [member.key for member in fused.func.members] == ["inner", "outer"]


@pytest.mark.parametrize("by", ["called", DataNode(None, 10), DaskTask(None, inc, TaskRef("data"))])
def test_a_fused_task_takes_what_dask_put_in_place_of_its_inputs(by: Any) -> None:
    dsk = {**FORMS, "fused": FORMS["fused"].substitute({"classic": by})}

    assert lazygraph.get(dsk, "fused") == dask.get(dsk, "fused")


def test_tasks_fused_of_fused_tasks_go_to_dask_and_back() -> None:
    more = DaskTask.fuse(FORMS["fused"], DaskTask("more", inc, TaskRef("fused")), key="more")
    dsk = {**FORMS, "more": more}
    del dsk["fused"]

    there = Graph.from_dask(dsk).to_dask()

    assert dask.get(there, "more") == dask.get(dsk, "more") == lazygraph.get(dsk, "more")
    assert needs(there)["more"] == {"classic", "data"}


def test_a_fused_task_whose_input_was_substituted_has_the_new_one_in_dask() -> None:
    graph = lazygraph.passes.fuse(
        Graph.from_dict({"a": 1, "z": 5, "b": (add, "a", "z"), "c": (inc, "b")}), ["c", "a", "z"]
    )
    graph.substitute("a", Ref("z"))

    assert dask.get(graph.to_dask(), "c") == lazygraph.get(graph, "c") == 11


def test_the_error_of_a_nested_task_names_it() -> None:
    dsk = {"a": DaskTask("a", inc, DaskTask(None, fail, 3))}

    with pytest.raises(ValueError, match="cannot use 3") as caught:
        lazygraph.get(dsk, "a")

    assert "fail(3)" in caught.value.__notes__[0]


def test_a_high_level_graph_is_read() -> None:
    array = da.arange(6, chunks=2) + 1
    assert isinstance(array.__dask_graph__(), HighLevelGraph)

    graph = Graph.from_dask(array)

    assert set(graph) == set(dict(array.__dask_graph__()))
    parts = lazygraph.get(array.__dask_graph__(), array.__dask_keys__())
    assert [part.tolist() for part in parts] == [[1, 2], [3, 4], [5, 6]]


def test_a_delayed_can_be_made_of_a_graph_of_dasks_tasks() -> None:
    assert Delayed("nested", FORMS).compute() == dask.get(FORMS, "nested")


def test_an_alias_of_itself_is_left_out() -> None:
    assert list(Graph.from_dask({"a": Alias("a"), "b": 1})) == ["b"]


def test_a_missing_reference_and_a_cycle_are_told() -> None:
    with pytest.raises(MissingKeyError, match="did you mean 'load'"):
        lazygraph.get({"load": 1, "b": DaskTask("b", inc, TaskRef("laod"))}, "b")
    with pytest.raises(CycleError):
        lazygraph.get(
            {"a": DaskTask("a", inc, TaskRef("b")), "b": DaskTask("b", inc, TaskRef("a"))}, "b"
        )


def test_what_is_no_graph_is_refused() -> None:
    with pytest.raises(CaptureError, match="HighLevelGraph or a dict of tasks by key, not int"):
        Graph.from_dask(3)
    with pytest.raises(CaptureError, match="a graph is a dict of tasks by key, not list"):
        Graph.from_dict([1])  # type: ignore[arg-type]


def test_a_nest_deeper_than_python_goes_is_told() -> None:
    deep: Any = DaskTask(None, inc, 1)
    for _ in range(5_000):
        deep = DaskTask(None, inc, deep)

    with pytest.raises(CaptureError, match="'a' is nested too deeply"):
        Graph.from_dask({"a": DaskTask("a", inc, deep)})


def test_retries_go_with_the_call_and_come_back() -> None:
    calls: list[int] = []

    def flaky(x: int) -> int:
        calls.append(x)
        if len(calls) < 3:
            raise OSError(x)
        return x

    graph = Graph({"a": Task(flaky, (1,), options=Options(retries=2, retry_on=OSError))})

    assert dask.get(graph.to_dask(), "a") == 1
    assert calls == [1, 1, 1]
    back = Graph.from_dask(graph.to_dask())["a"]
    assert back.options == graph["a"].options
    assert back.func is flaky


def test_a_task_that_dask_has_fused_is_still_retried() -> None:
    calls: list[int] = []

    def flaky(x: int) -> int:
        calls.append(x)
        if len(calls) < 3:
            raise OSError(x)
        return x

    graph = Graph({"a": Task(flaky, (1,), options=Options(retries=2)), "b": Task(inc, (Ref("a"),))})
    written = graph.to_dask()
    fused = DaskTask.fuse(written["a"], written["b"])

    back = Graph.from_dask({"b": fused})
    assert type(back["b"].func) is Fused
    assert lazygraph.get(back, "b", scheduler="synchronous") == 2
    assert calls == [1, 1, 1]


def test_retries_end_with_the_functions_own_error() -> None:
    graph = Graph({"a": Task(fail, (1,), options=Options(retries=2, retry_on=OSError))})

    with pytest.raises(ValueError, match="cannot use 1"):
        dask.get(graph.to_dask(), "a")


@pytest.mark.parametrize(
    ("name", "value"), [("timeout", 1.0), ("uses", {"db": 1}), ("priority", 1), ("local", True)]
)
def test_an_option_that_dask_would_ignore_is_refused(name: str, value: Any) -> None:
    graph = Graph({"a": Task(inc, (1,), options=Options(**{name: value}))})

    with pytest.raises(UnsupportedOptionError, match=f"{name}.*'a'"):
        graph.to_dask()


def test_a_keyword_argument_that_holds_a_result_reaches_dask() -> None:
    graph = Graph({"a": Task(keyword, (1,), {"by": [2, Ref("b")]}), "b": Task(inc, (1,))})

    assert dask.get(graph.to_dask(), "a") == 1 * 3 + 2 + 2

"""Every pass keeps results and leaves its input alone; each does what it is for."""

from __future__ import annotations

import pickle
import threading
import traceback
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import as_delayed, as_graph, evaluate, programs
from tasks import add, double, fail, inc, total

import lazygraph
from lazygraph import Graph, Options, Ref, Task, compute, delayed
from lazygraph.passes import DEFAULT, cull, dedupe, fuse, inline, run_passes
from lazygraph.protocols import Scheduler
from lazygraph.schedulers import Synchronous, Threads
from lazygraph.tasks.fused import Fused

PASSES = {
    "cull": cull,
    "dedupe": dedupe,
    "inline": inline,
    "inline all": lambda graph, outputs: inline(graph, outputs, list(graph)),
    "fuse": fuse,
    "default": lambda graph, outputs: run_passes(graph, outputs, DEFAULT),
    "twice": lambda graph, outputs: run_passes(graph, outputs, DEFAULT * 2),
    "inline, then fuse": lambda g, o: fuse(inline(g, o, list(g)[::2]), o),
    "fuse, then inline": lambda g, o: inline(fuse(g, o), o, list(fuse(g, o))[::2]),
}


@pytest.mark.parametrize("improve", PASSES.values(), ids=PASSES)
@given(program=programs(), data=st.data())
def test_a_pass_keeps_results_and_its_input(improve: Any, program: Any, data: Any) -> None:
    values = evaluate(program)
    outputs = data.draw(st.lists(st.sampled_from(list(program)), min_size=1, unique=True))
    graph = as_graph(program, pure=data.draw(st.booleans()))
    before = dict(graph)

    improved = improve(graph, outputs)

    assert lazygraph.get(improved, outputs) == tuple(values[key] for key in outputs)
    assert dict(graph) == before
    assert improved is not graph


@given(program=programs())
def test_culling_leaves_exactly_what_the_output_needs(program: Any) -> None:
    graph = as_graph(program)
    output = list(graph)[-1]
    needed, stack = set(), [output]
    while stack:
        key = stack.pop()
        needed.add(key)
        stack.extend(graph.dependencies(key))
    assert set(cull(graph, [output])) == needed


def test_equal_pure_tasks_are_merged_with_all_above_them() -> None:
    """Two equal chains a -> b, one of impure tasks."""
    tasks = {}
    for name, pure in (("p", True), ("q", True), ("i", False), ("j", False)):
        tasks[f"{name}1"] = Task(inc, (1,), pure=pure)
        tasks[f"{name}2"] = Task(double, (Ref(f"{name}1"),), pure=pure)
    tasks["end"] = Task(total, ([Ref(f"{name}2") for name in "pqij"],))
    merged = dedupe(Graph(tasks), ["end"])
    assert set(merged) == {"p1", "p2", "i1", "i2", "j1", "j2", "end"}
    assert lazygraph.get(merged, "end") == 16


def test_a_merged_output_keeps_its_key() -> None:
    tasks = {key: Task(inc, (1,), pure=True) for key in "ab"}
    merged = dedupe(Graph(tasks), ["a", "b"])
    calls = [key for key, task in merged.items() if task.func is inc]
    assert calls == ["a"]
    assert lazygraph.get(merged, ["a", "b"]) == (2, 2)


def test_pure_tasks_with_other_literals_or_functions_stay_apart() -> None:
    import numpy as np

    tasks = {
        "int": Task(inc, (1,), pure=True),
        "bool": Task(inc, (True,), pure=True),
        "double": Task(double, (1,), pure=True),
        "array": Task(np.sum, (np.arange(3),), pure=True),
        "other array": Task(np.sum, (np.arange(4),), pure=True),
        "equal array": Task(np.sum, (np.arange(3),), pure=True),
    }
    assert set(dedupe(Graph(tasks), list(tasks)[:-1])) == set(tasks) - {"equal array"}


def members(task: Task) -> list[Any]:
    assert isinstance(task.func, Fused)
    return [member.key for member in task.func.members]


def test_a_chain_becomes_one_task_that_knows_its_members() -> None:
    graph = Graph.from_dict({"a": (inc, 1), "b": (inc, "a"), "c": (add, "b", "b"), "d": (inc, "c")})
    fused = fuse(graph, ["d"])
    assert list(fused) == ["d"]
    assert members(fused["d"]) == ["a", "b", "c", "d"]
    assert fused["d"].name == "inc+inc+add+inc"
    assert lazygraph.get(fused, "d") == 7


def test_what_two_tasks_need_and_what_is_an_output_ends_a_chain() -> None:
    """a -> b -> (c, d -> e); b is shared, d is an output."""
    graph = Graph.from_dict(
        {"a": (inc, 1), "b": (inc, "a"), "c": (inc, "b"), "d": (inc, "b"), "e": (inc, "d")}
    )
    fused = fuse(graph, ["c", "d", "e"])
    assert set(fused) == {"b", "c", "d", "e"}
    assert members(fused["b"]) == ["a", "b"]


def test_a_task_with_two_dependencies_is_joined_to_neither() -> None:
    """The two branches could run at the same time."""
    graph = Graph.from_dict({"a": (inc, 1), "b": (inc, 2), "c": (add, "a", "b")})
    assert set(fuse(graph, ["c"])) == {"a", "b", "c"}


def test_n_long_chains_still_run_on_n_workers() -> None:
    """Three chains of four; the third task of each waits for the other chains'."""
    barrier = threading.Barrier(3)

    def meet(x: int) -> int:
        barrier.wait(10)
        return x

    ends = []
    for i in range(3):
        value = delayed(inc)(i)
        ends.append(delayed(inc)(delayed(meet)(delayed(inc)(value))))
    fused = lazygraph.optimize(*ends)
    assert all(len(end.graph) == 1 for end in fused)
    assert compute(*fused, num_workers=3) == (3, 4, 5)
    assert len(lazygraph.optimize(delayed(total)(ends))[0].graph) == 4


def test_fusing_does_not_cross_a_change_of_options() -> None:
    x = delayed(inc)(1)
    for _ in range(2):
        x = delayed(inc)(x)
    apart = delayed(inc, fuse=False)(x)
    end = delayed(inc)(delayed(inc)(apart))
    assert len(lazygraph.optimize(end)[0].graph) == 3
    assert lazygraph.optimize(end)[0].compute() == 7


def test_a_failure_inside_a_fused_task_names_the_member() -> None:
    first = delayed(inc)(1, dask_key_name="first")
    bad = delayed(fail)(first, dask_key_name="bad")
    (fused,) = lazygraph.optimize(delayed(inc)(bad, dask_key_name="last"))
    assert list(fused.graph) == ["last"]
    for scheduler in (Synchronous(), Threads(2)):
        with pytest.raises(ValueError, match="cannot use 2") as caught:
            fused.compute(scheduler=scheduler)
        assert "while running task 'bad': fail(2)" in caught.value.__notes__[0]
        assert f"captured at {__file__}" in caught.value.__notes__[0]


def test_a_fused_task_lets_go_of_what_no_later_member_needs() -> None:
    import weakref

    class Big:
        pass

    alive: list[Any] = []

    def make() -> Big:
        big = Big()
        alive.append(weakref.ref(big))
        return big

    def use(big: Big) -> int:
        return 1

    def check(x: int) -> bool:
        return alive[0]() is None

    (fused,) = lazygraph.optimize(delayed(check)(delayed(use)(delayed(make)())))
    assert len(fused.graph) == 1
    assert fused.compute() is True


def test_inline_copies_marked_functions_into_each_dependent() -> None:
    calls: list[int] = []

    def cheap(x: int) -> int:
        calls.append(x)
        return x

    x = delayed(cheap, inline=True)(1)
    ends = [delayed(inc)(x), delayed(inc)(delayed(cheap, inline=True)(x))]
    better = lazygraph.optimize(*ends)
    assert compute(*better) == (2, 2)
    assert [len(end.graph) for end in better] == [1, 1]
    assert calls == [1, 1, 1]
    assert compute(*ends) == (2, 2)


def test_an_output_is_not_inlined() -> None:
    x = delayed(inc, inline=True)(1)
    a, b = lazygraph.optimize(x, delayed(inc)(x))
    assert compute(a, b) == (2, 3)
    assert len(b.graph) == 2


def test_inline_by_keys() -> None:
    graph = Graph.from_dict({"a": 1, "b": (inc, "a"), "c": (add, "a", "b"), "d": (add, "c", "a")})
    inlined = inline(graph, ["d"], ["a", "b"])
    assert list(inlined) == ["c", "d"]
    assert members(inlined["c"]) == ["a", "b", "c"]
    assert lazygraph.get(inlined, "d") == 4


def test_optimized_graphs_pickle() -> None:
    (fused,) = lazygraph.optimize(delayed(inc)(delayed(inc)(1)))
    assert pickle.loads(pickle.dumps(fused)).compute() == 3


@given(program=programs())
def test_optimize_keeps_keys_and_results(program: Any) -> None:
    lazy = as_delayed(program, pure=True)
    better = lazygraph.optimize(list(lazy.values()))[0]
    assert [value.key for value in better] == [value.key for value in lazy.values()]
    assert compute(*better) == tuple(evaluate(program).values())


def test_optimize_without_lazy_values_gives_the_arguments() -> None:
    assert lazygraph.optimize() == ()
    assert lazygraph.optimize(1, [2]) == (1, [2])


@pytest.mark.parametrize("improve", [cull, dedupe, inline, fuse])
def test_deep_graphs_do_not_recurse(improve: Any) -> None:
    n = 20_000
    tasks = {0: Task(inc, (0,), pure=True, options=Options(inline=True))}
    for i in range(1, n):
        tasks[i] = Task(inc, (Ref(i - 1),), pure=True, options=Options(inline=i % 100 != 0))
    improved = improve(Graph(tasks), [n - 1])
    assert lazygraph.get(improved, n - 1) == n


def test_the_error_of_a_fused_member_shows_the_users_line(own_scheduler: Scheduler) -> None:
    """inc -> fail -> inc, as one task."""
    (fused,) = lazygraph.optimize(delayed(inc)(delayed(fail)(delayed(inc)(1))))
    assert len(fused.graph) == 1

    with pytest.raises(ValueError, match="cannot use 2") as caught:
        fused.compute(scheduler=own_scheduler)

    frames = traceback.extract_tb(caught.value.__traceback__)
    assert [frame.name for frame in frames][-1] == "fail"
    assert "fail(2)" in caught.value.__notes__[0]


def test_inline_refuses_what_a_copy_would_lose() -> None:
    from lazygraph import inputs
    from lazygraph.errors import GraphEditError

    tasks = {"x": Task(abs, (-1,), options=Options(retries=2)), "y": Task(abs, (Ref("x"),))}
    with pytest.raises(GraphEditError, match=r"'x' has Options\(retries=2\)"):
        inline(Graph(tasks), ["y"], keys=["x"])
    total = inputs("n") + 1
    with pytest.raises(GraphEditError, match="'n' has Options"):
        inline(total.graph, [total.key], keys=["n"])

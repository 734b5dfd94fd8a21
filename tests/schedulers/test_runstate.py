"""Who is ready, step by step, with no worker at all."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import as_graph, evaluate, programs
from tasks import add, fail, inc

from lazygraph import Graph, Ref, Task
from lazygraph.graphs.plan import PENDING, make_plan
from lazygraph.schedulers.runstate import RunState, StepFailed, run_in_order


@given(program=programs(), data=st.data())
def test_any_interleaving_of_workers_gives_the_same_values(program: Any, data: Any) -> None:
    """Up to three steps are under way at a time and end in any order."""
    graph = as_graph(program)
    plan = make_plan(graph, list(graph))
    state = RunState(plan)
    under_way: dict[int, Any] = {}
    while not state.is_over:
        while len(under_way) < 3 and (step := state.take()) is not None:
            under_way[step] = state.call(step)
        step = data.draw(st.sampled_from(sorted(under_way)))
        state.finish(step, under_way.pop(step))
    assert state.take() is None
    assert dict(zip(graph, state.results(), strict=True)) == evaluate(program)


@given(program=programs())
def test_in_order_gives_what_step_by_step_gives(program: Any) -> None:
    graph = as_graph(program)
    plan = make_plan(graph, list(graph)[-2:])
    state = RunState(plan)
    while (step := state.take()) is not None:
        state.finish(step, state.call(step))
    assert run_in_order(plan) == state.results()


@given(program=programs())
def test_at_the_end_only_outputs_are_held(program: Any) -> None:
    graph = as_graph(program)
    output = list(graph)[-1]
    plan = make_plan(graph, [output])
    state = RunState(plan)
    while (step := state.take()) is not None:
        state.finish(step, state.call(step))
    held = {step for step in range(len(plan)) if state.values[step] is not PENDING}
    assert held <= set(plan.outputs)


def test_a_stopped_run_hands_out_no_more() -> None:
    tasks = {"a": Task(inc, (1,)), "b": Task(inc, (Ref("a"),)), "c": Task(inc, (1,))}
    plan = make_plan(Graph(tasks), ["b", "c"])
    state = RunState(plan)
    step = state.take()
    assert step is not None
    state.stop(ValueError("first"))
    state.stop(ValueError("second"))
    state.finish(step, 2)
    assert state.take() is None
    assert str(state.error) == "first"


def test_in_order_says_which_step_failed() -> None:
    graph = Graph({"a": Task(inc, (1,)), "b": Task(fail, (Ref("a"),)), "c": Task(inc, (Ref("b"),))})
    with pytest.raises(StepFailed) as caught:
        run_in_order(make_plan(graph, ["c"]))
    assert caught.value.step == 1
    assert caught.value.values[0] == 2


def test_steps_are_taken_in_the_plan_s_order_so_that_few_results_wait() -> None:
    """Sixteen leaves summed in pairs: never more than five results at a time."""
    tasks = {f"leaf{i}": Task(inc, (i,)) for i in range(16)}
    level = list(tasks)
    while len(level) > 1:
        made = [f"{a}+{b}" for a, b in zip(level[::2], level[1::2], strict=True)]
        for name, a, b in zip(made, level[::2], level[1::2], strict=True):
            tasks[name] = Task(add, (Ref(a), Ref(b)))
        level = made
    plan = make_plan(Graph(tasks), level)
    state = RunState(plan)
    most = 0
    for expected in range(len(plan)):
        step = state.take()
        assert step == expected
        state.finish(step, state.call(step))
        most = max(most, sum(value is not PENDING for value in state.values[: len(plan)]))
    assert most == 5

"""Who may run under terms, step by step, with no worker, no clock and no lane at all."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import as_graph, evaluate, programs
from tasks import inc

from lazygraph import Failed, Graph, Options, Ref, Skipped, Task
from lazygraph.errors import WorkerDied
from lazygraph.graphs.plan import PENDING, Plan, make_plan
from lazygraph.schedulers.controlled.state import ControlledState
from lazygraph.tasks.options import Terms

LIMITS = {"a": 2, "b": 1.5}
USES = st.sampled_from([None, {"a": 1}, {"a": 2}, {"b": 0.5}, {"a": 1, "b": 1.5}])


@st.composite
def plans(draw: st.DrawFn) -> tuple[dict[str, Any], Plan]:
    """A program, and its plan with random demands and priorities."""
    program = draw(programs())
    graph = as_graph(program)
    tasks = {
        key: Task(
            task.func,
            task.args,
            task.kwargs,
            options=Options(uses=draw(USES), priority=draw(st.integers(-1, 1))),
        )
        for key, task in graph.items()
    }
    outputs = draw(st.lists(st.sampled_from(list(tasks)), min_size=1, max_size=5))
    return program, make_plan(Graph(tasks), outputs)


def used(plan: Plan, steps: Any) -> dict[str, float]:
    totals = dict.fromkeys(LIMITS, 0.0)
    for step in steps:
        for name, amount in plan.options[step].uses if step in plan.options else ():
            totals[name] += amount
    return totals


def descendants(plan: Plan, failing: set[int]) -> set[int]:
    """By brute force: again and again, whoever needs one that is known, until none is new."""
    found: set[int] = set()
    while True:
        more = {
            step
            for step in range(len(plan))
            for slot in plan.slots[step]
            if slot >= 0 and slot in (failing | found)
        }
        if more <= found:
            return found
        found |= more


@given(made=plans(), data=st.data())
def test_any_interleaving_keeps_to_the_limits_and_skips_what_needs_the_failed(
    made: Any, data: st.DataObject
) -> None:
    """Some steps fail, some of them at first only; steps under way end in any order."""
    program, plan = made
    expected = evaluate(program)
    doomed = data.draw(st.sets(st.integers(0, len(plan) - 1), max_size=3))
    skipped = descendants(plan, doomed)
    stumbles = {step: data.draw(st.integers(0, 2)) for step in range(len(plan))}
    state = ControlledState(plan, Terms(LIMITS, "collect"))
    under_way: set[int] = set()
    ran: list[int] = []
    most = data.draw(st.integers(1, 4))
    told: list[int] = []
    while not state.is_over:
        while len(under_way) < most and (step := state.take()) is not None:
            under_way.add(step)
            ran.append(step)
        told += [step for step, _ in state.skipped]
        for _, released in state.skipped:
            state.forget(released)
        state.skipped.clear()
        if state.is_over:
            break
        totals = used(plan, under_way)
        assert all(totals[name] <= limit for name, limit in LIMITS.items())
        state.wake(0.0)
        if not under_way:
            continue
        step = data.draw(st.sampled_from(sorted(under_way)))
        under_way.discard(step)
        if stumbles[step]:
            stumbles[step] -= 1
            state.try_again(step, 0.0)
        elif step in doomed - skipped:
            state.forget(state.give_up(step, ValueError(step)))
        else:
            state.finish(step, state.call(step))
    assert set(ran).isdisjoint(skipped)
    assert set(ran) | skipped == set(range(len(plan)))
    assert sorted(told) == sorted(skipped)
    assert state.take() is None
    for step, value in zip(plan.outputs, state.results(), strict=True):
        if step in skipped:
            assert type(value) is Skipped
            assert value.because in {plan.key(s) for s in doomed - skipped}
        elif step in doomed:
            assert type(value) is Failed
            assert value.key == plan.key(step)
        else:
            assert value == expected[plan.key(step)]
    held = {step for step in range(len(plan)) if state.values[step] is not PENDING}
    assert held <= set(plan.outputs)


@given(made=plans(), lookahead=st.integers(1, 4), data=st.data())
def test_results_one_by_one_come_all_and_never_too_many_at_a_time(
    made: Any, lookahead: int, data: st.DataObject
) -> None:
    program, plan = made
    expected = evaluate(program)
    state = ControlledState(plan, Terms(LIMITS), lookahead=lookahead)
    wanted = set(plan.outputs)
    arrived: list[tuple[int, Any]] = []
    consumed = 0
    under_way: set[int] = set()
    while not state.is_over or consumed < len(arrived):
        while (step := state.take()) is not None:
            under_way.add(step)
        # Only what the next outputs need has been begun.
        allowed = plan.outputs[: consumed + lookahead]
        assert all(step <= max(allowed, default=-1) for step in under_way)
        if under_way and (consumed == len(arrived) or data.draw(st.booleans())):
            step = data.draw(st.sampled_from(sorted(under_way)))
            under_way.discard(step)
            state.finish(step, state.call(step))
            arrived += state.delivered
            state.delivered.clear()
        else:
            assert consumed < len(arrived), "it is stuck"
            state.consume()
            consumed += 1
    assert sorted(place for place, _ in arrived) == list(range(len(plan.outputs)))
    assert all(value == expected[plan.key(plan.outputs[place])] for place, value in arrived)
    assert all(state.values[step] is PENDING for step in range(len(plan)))
    assert state.results() == []
    assert wanted


def chain_plan(length: int = 3) -> Plan:
    tasks = {"0": Task(inc, (0,))}
    for i in range(1, length):
        tasks[str(i)] = Task(inc, (Ref(str(i - 1)),))
    return make_plan(Graph(tasks), [str(length - 1)])


def test_a_stopped_run_hands_out_no_more() -> None:
    tasks = {str(i): Task(inc, (i,)) for i in range(3)}
    state = ControlledState(make_plan(Graph(tasks), list(tasks)), Terms())
    step = state.take()
    assert step is not None
    state.stop(ValueError("first"))
    state.finish(step, 1)
    assert state.take() is None
    assert state.is_over


def test_a_step_put_back_is_handed_out_again_with_its_resources() -> None:
    task = Task(inc, (1,), options=Options(uses={"a": 2}))
    state = ControlledState(make_plan(Graph({"x": task}), ["x"]), Terms(LIMITS))
    assert state.take() == 0
    assert state.take() is None
    state.put_back(0)
    assert state.take() == 0


def test_lanes_have_queues_of_their_own() -> None:
    tasks = {name: Task(inc, (1,)) for name in "abc"}
    state = ControlledState(make_plan(Graph(tasks), list("abc")), Terms(), {1: "loop"})
    assert [state.take("loop"), state.take("loop")] == [1, None]
    assert [state.take(), state.take(), state.take()] == [0, 2, None]


@pytest.mark.parametrize("lanes", [{}, {0: "loop", 1: "loop", 2: "loop"}])
def test_who_waits_in_another_lane_gets_what_is_given_back(lanes: dict[int, str]) -> None:
    options = Options(uses={"a": 2})
    tasks = {str(i): Task(inc, (i,), options=options) for i in range(6)}
    state = ControlledState(make_plan(Graph(tasks), list(tasks)), Terms(LIMITS), lanes)
    ran = []
    for _ in range(6):
        found = [step for lane in ("main", "loop") if (step := state.take(lane)) is not None]
        assert len(found) == 1
        ran += found
        state.finish(found[0], 0)
    assert sorted(ran) == list(range(6))


def test_what_one_gives_back_may_do_for_several() -> None:
    """One has both units, while three wait for one each."""
    tasks = {"both": Task(inc, (0,), options=Options(uses={"a": 2}))}
    tasks |= {str(i): Task(inc, (i,), options=Options(uses={"a": 1})) for i in range(3)}
    state = ControlledState(make_plan(Graph(tasks), list(tasks)), Terms(LIMITS))
    assert [state.take(), state.take()] == [0, None]
    state.finish(0, 0)
    assert [state.take(), state.take(), state.take()] == [1, 2, None]
    state.finish(2, 0)
    assert [state.take(), state.take()] == [3, None]


def test_a_worker_s_death_is_survived_twice_unless_said_otherwise() -> None:
    for options, survived in [
        (Options(priority=1), 2),
        (Options(retries=0), 0),
        (Options(retries=3), 3),
        (Options(rerun=False), 0),
    ]:
        task = Task(inc, (1,), options=options)
        state = ControlledState(make_plan(Graph({"x": task}), ["x"]), Terms())
        died = WorkerDied("x", "inc", -9)
        times = 0
        while state.retry_at(0, died, 0.1, 0.0) is not None:
            times += 1
        assert times == survived


def test_many_that_wait_are_not_looked_at_each_time() -> None:
    """50,000 tasks, one at a time: looking at all that wait each time would take an hour."""
    n = 50_000
    options = Options(uses={"a": 2})
    plan = make_plan(
        Graph({str(i): Task(inc, (i,), options=options) for i in range(n)}), map(str, range(n))
    )
    state = ControlledState(plan, Terms(LIMITS), lookahead=10)
    for step in range(n):
        assert state.take() == step
        assert state.take() is None
        state.finish(step, step)
        state.consume()
    assert state.is_over
    assert len(state.delivered) == n

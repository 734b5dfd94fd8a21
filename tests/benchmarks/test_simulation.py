"""Simulated runs, against schedules worked out by hand, and against what no schedule can beat."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import as_graph, programs
from tasks import inc, total

from benchmarks.simulation import Cost, bounds, shortest_useful, simulate
from lazygraph import Graph, Ref, Task
from lazygraph.graphs.plan import Plan, make_plan


def plan_of(tasks: dict[str, tuple[Any, ...]]) -> Plan:
    """A plan of tasks by name: what each needs."""
    graph = Graph({name: Task(total, ([Ref(n) for n in needs],)) for name, needs in tasks.items()})
    return make_plan(graph, [list(tasks)[-1]])


DIAMOND = {"load": (), "left": ("load",), "right": ("load",), "end": ("left", "right")}
CHAIN = {f"t{n}": (f"t{n - 1}",) if n else () for n in range(5)}
FAN = {**{f"t{n}": () for n in range(8)}, "end": tuple(f"t{n}" for n in range(8))}


@pytest.mark.parametrize(
    ("tasks", "n_workers", "expected"),
    [
        (DIAMOND, 1, 4.0),
        (DIAMOND, 2, 3.0),
        (CHAIN, 4, 5.0),
        (FAN, 1, 9.0),
        (FAN, 4, 3.0),
        (FAN, 3, 4.0),  # 3 + 3 + 2, then the end
    ],
)
def test_tasks_of_a_second_take_what_they_take_by_hand(
    tasks: Any, n_workers: int, expected: float
) -> None:
    plan = plan_of(tasks)

    found = simulate(plan, [1.0] * len(plan), n_workers)

    assert found.seconds == expected
    assert found.efficiency == pytest.approx(len(plan) / (n_workers * expected))


def test_a_scheduler_hands_out_one_task_after_the_other() -> None:
    """Eight tasks of 1 s, 0.5 s of the scheduler each: the last begins at 4 s; the end at 5.5 s."""
    plan = plan_of(FAN)

    found = simulate(plan, [1.0] * 9, 100, Cost(scheduler=0.5))

    assert found.seconds == 8 * 0.5 + 1.0 + 0.5 + 1.0


def test_a_workers_overhead_is_paid_in_parallel() -> None:
    plan = plan_of(FAN)

    assert simulate(plan, [1.0] * 9, 8, Cost(worker=0.25)).seconds == 2.5


def test_results_alive_are_counted() -> None:
    assert simulate(plan_of(CHAIN), [1.0] * 5, 2).most_alive == 2
    assert simulate(plan_of(FAN), [1.0] * 9, 2).most_alive == 9


@settings(deadline=None)
@given(program=programs(), n_workers=st.integers(1, 4), data=st.data())
def test_no_schedule_is_shorter_or_longer_than_it_can_be(
    program: Any, n_workers: int, data: st.DataObject
) -> None:
    graph = as_graph(program)
    plan = make_plan(graph, list(graph))
    seconds = [data.draw(st.floats(0.01, 5.0)) for _ in range(len(plan))]

    found = simulate(plan, seconds, n_workers)

    least, most = bounds(plan, seconds, n_workers)
    assert least <= found.seconds * (1 + 1e-9)
    assert found.seconds <= most * (1 + 1e-9)
    assert simulate(plan, seconds, n_workers, Cost(0.1, 0.1)).seconds >= found.seconds


def test_the_shortest_useful_task_is_as_long_as_its_overhead() -> None:
    """Alone on a worker, a task that is half of what it costs keeps it half busy."""
    graph = Graph({f"t{n}": Task(inc, (n,)) for n in range(50)})
    plan = make_plan(graph, list(graph))

    def run(seconds: float) -> Any:
        return simulate(plan, [seconds] * 50, 1, Cost(worker=1e-3))

    assert shortest_useful(run) == pytest.approx(1e-3, rel=0.02)
    assert shortest_useful(lambda s: simulate(plan_of(CHAIN), [s] * 5, 10)) == float("inf")

"""What every scheduler must do, whatever runs the tasks."""

from __future__ import annotations

import threading
import traceback
import weakref
from pathlib import Path
from typing import Any

import dask
import pytest
from hypothesis import HealthCheck, given, settings
from strategies import as_dask, as_delayed, as_graph, evaluate, programs
from tasks import add, double, fail, inc, said, tallied, total

import lazygraph
from lazygraph import Graph, Ref, Task, compute, delayed
from lazygraph.errors import TaskExited
from lazygraph.graphs.plan import make_plan
from lazygraph.observers import Recorder
from lazygraph.protocols import Scheduler

MANY = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def diamond() -> Graph:
    """load -> (left, right) -> total."""
    return Graph(
        {
            "load": Task(inc, (0,)),
            "left": Task(inc, (Ref("load"),)),
            "right": Task(double, (Ref("load"),)),
            "total": Task(add, (Ref("left"), Ref("right"))),
        }
    )


def test_a_shared_dependency_runs_once(telling_scheduler: Scheduler) -> None:
    recorder = Recorder()

    values = telling_scheduler.run(make_plan(diamond(), ["total"]), [recorder])

    assert values == [4]
    assert recorder.ended.count("load") == 1
    assert sorted(recorder.ended) == ["left", "load", "right", "total"]


def test_every_task_is_called_once(scheduler: Scheduler, tmp_path: Path) -> None:
    """source -> (two, two, two) -> total, asked for beside one of its dependencies."""
    calls = [tmp_path / str(n) for n in range(5)]
    source = delayed(tallied)(calls[0], 1)
    middle = [delayed(tallied)(path, source) for path in calls[1:4]]
    end = delayed(tallied)(calls[4], middle)

    assert compute(end, middle[0], scheduler=scheduler) == ([1, 1, 1], 1)
    assert [said(path) for path in calls] == ["."] * 5


@MANY
@given(program=programs())
def test_random_graphs_give_what_plain_calls_and_dask_give(
    scheduler: Scheduler, program: Any
) -> None:
    values = evaluate(program)
    names = list(program)
    lazy = as_delayed(program)
    theirs = dask.compute(*as_dask(program, dask.delayed).values(), scheduler="sync")

    ours = compute(*[lazy[name] for name in names], scheduler=scheduler)

    assert ours == tuple(values[name] for name in names) == theirs
    assert lazygraph.get(as_graph(program), names, scheduler=scheduler) == theirs


@MANY
@given(program=programs())
def test_every_task_starts_after_its_dependencies_have_ended(
    telling_scheduler: Scheduler, program: Any
) -> None:
    graph, recorder = as_graph(program), Recorder()

    lazygraph.get(graph, list(graph), scheduler=telling_scheduler, observers=[recorder])

    ended: set[Any] = set()
    for event in recorder.events:
        if isinstance(event, lazygraph.observers.TaskStarted):
            assert ended.issuperset(graph.dependencies(event.key))
        elif isinstance(event, lazygraph.observers.TaskEnded):
            ended.add(event.key)
    assert sorted(recorder.started) == sorted(graph)


@MANY
@given(program=programs())
def test_what_is_no_output_is_released_when_its_last_dependent_has_ended(
    own_scheduler: Scheduler, program: Any
) -> None:
    graph, recorder = as_graph(program), Recorder()
    output = list(graph)[-1]
    needed = graph.subgraph([output])

    lazygraph.get(graph, output, scheduler=own_scheduler, observers=[recorder])

    assert sorted(recorder.released) == sorted(set(needed) - {output})
    positions = {
        (type(event).__name__, event.key): i
        for i, event in enumerate(recorder.events)
        if hasattr(event, "key")
    }
    for key in recorder.released:
        for user in needed.dependents(key):
            assert positions["TaskEnded", user] < positions["Released", key]


def test_an_exception_keeps_its_type_and_names_the_task(scheduler: Scheduler) -> None:
    value = delayed(inc)(delayed(fail)({"a": 1}, dask_key_name="bad"), dask_key_name="wants")

    with pytest.raises(ValueError, match="cannot use") as caught:
        value.compute(scheduler=scheduler)

    (note,) = caught.value.__notes__
    assert note.startswith("lazygraph: while running task 'bad': fail({'a': 1})\n")
    assert "wanted by 'wants'" in note
    assert f"captured at {__file__}:" in note
    assert caught.value.__context__ is None


def test_the_traceback_shows_the_users_frames_alone(scheduler: Scheduler) -> None:
    try:
        delayed(fail)(1).compute(scheduler=scheduler)
    except ValueError as error:
        frames = [frame.name for frame in traceback.extract_tb(error.__traceback__)]
    ours_only = [name for name in frames if name not in {"_execute_task", "execute_task"}]
    assert ours_only[0] == "test_the_traceback_shows_the_users_frames_alone"
    assert ours_only[-1] == "fail"
    assert len(ours_only) == 2


class Odd(Exception):  # noqa: N818
    """Cannot be built again from its args, and takes no attributes."""

    def __init__(self, a: int, *, b: int) -> None:
        super().__init__("odd")
        self.total = a + b

    def add_note(self, note: str) -> None:
        raise RuntimeError("no notes")


def raise_odd() -> None:
    raise Odd(1, b=2)


def test_an_exception_with_an_odd_constructor_survives(scheduler: Scheduler) -> None:
    with pytest.raises(Odd) as caught:
        delayed(raise_odd)().compute(scheduler=scheduler)
    assert caught.value.total == 3


def raise_it(kind: type[BaseException]) -> None:
    raise kind("from a task")


def test_a_task_s_stop_iteration_is_its_own(scheduler: Scheduler) -> None:
    with pytest.raises(StopIteration, match="from a task") as caught:
        delayed(raise_it)(StopIteration).compute(scheduler=scheduler)
    assert "raise_it" in caught.value.__notes__[0]


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_what_ends_a_program_ends_the_task_alone(
    scheduler: Scheduler, kind: type[BaseException]
) -> None:
    with pytest.raises(TaskExited, match=r"raise_it.* raised .*from a task") as caught:
        delayed(raise_it)(kind).compute(scheduler=scheduler)
    assert "raise_it" in caught.value.__notes__[0]
    assert type(caught.value.__cause__) is kind


def test_a_returned_exception_is_a_value(scheduler: Scheduler) -> None:
    value = delayed(lambda: ValueError("kept"))().compute(scheduler=scheduler)
    assert (type(value), value.args) == (ValueError, ("kept",))


def test_a_result_is_the_very_object_that_was_returned(in_process_scheduler: Scheduler) -> None:
    thing = object()
    assert delayed(lambda: thing)().compute(scheduler=in_process_scheduler) is thing


def test_the_first_error_stops_dispatch(own_scheduler: Scheduler) -> None:
    """fail -> ...; 1,000 tasks that wait for it never start."""
    first = delayed(fail)(0)
    waiting = [delayed(inc)(first) for _ in range(1_000)]
    recorder = Recorder()

    with pytest.raises(ValueError, match="cannot use 0"):
        compute(*waiting, scheduler=own_scheduler, observers=[recorder])

    assert recorder.started == [first.key]
    assert recorder.failed == [first.key]


def test_a_scheduler_can_run_again_after_an_error(scheduler: Scheduler) -> None:
    with pytest.raises(ValueError, match="cannot use"):
        delayed(fail)(1).compute(scheduler=scheduler)
    assert delayed(inc)(1).compute(scheduler=scheduler) == 2


def test_a_chain_is_not_limited_by_recursion(own_scheduler: Scheduler) -> None:
    value = delayed(inc)(0)
    for _ in range(5_000):
        value = delayed(inc)(value)
    assert value.compute(scheduler=own_scheduler) == 5_001


def test_a_wide_graph_with_one_list_argument(scheduler: Scheduler) -> None:
    values = [delayed(inc)(i) for i in range(2_000)]
    assert delayed(total)(values).compute(scheduler=scheduler) == sum(range(1, 2_001))


def nested(depth: int) -> int:
    if depth == 0:
        return 1
    parts = [delayed(nested)(depth - 1) for _ in range(2)]
    return sum(compute(*parts)) + 1


def test_a_compute_inside_a_task_gives_what_plain_recursion_gives(scheduler: Scheduler) -> None:
    with lazygraph.config.set(scheduler=scheduler):
        assert delayed(nested)(5).compute() == 2**6 - 1


def test_several_threads_may_compute_at_once(scheduler: Scheduler) -> None:
    start = threading.Barrier(8)
    results: dict[int, int] = {}

    def work(i: int) -> None:
        values = [delayed(add)(i, j) for j in range(50)]
        start.wait()
        results[i] = delayed(total)(values).compute(scheduler=scheduler)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {i: 50 * i + sum(range(50)) for i in range(8)}


def test_the_same_plan_runs_many_times(scheduler: Scheduler) -> None:
    plan = make_plan(diamond(), ["total", "left", "total"])
    assert [scheduler.run(plan) for _ in range(3)] == [[4, 2, 4]] * 3


def test_a_plan_is_frozen() -> None:
    with pytest.raises(AttributeError, match="frozen"):
        make_plan(diamond(), ["total"]).outputs = []


def test_a_result_that_two_outputs_share_is_kept_for_both(scheduler: Scheduler) -> None:
    assert lazygraph.get(diamond(), ["load", "total", "load"], scheduler=scheduler) == (1, 4, 1)


class Big:
    """Something that can be watched going."""


@pytest.mark.parametrize("n_inputs", [1, 2, 3])
def test_a_result_is_gone_once_its_last_dependent_has_returned(
    in_process_scheduler: Scheduler, n_inputs: int
) -> None:
    """make (each) -> use -> look, with no observer: the schedulers' quick ways."""
    made: list[weakref.ref[Big]] = []

    def make() -> Big:
        big = Big()
        made.append(weakref.ref(big))
        return big

    used = delayed(lambda *inputs: len(inputs))(*[delayed(make)() for _ in range(n_inputs)])
    look = delayed(lambda n: (n, [ref() for ref in made]))(used)
    assert look.compute(scheduler=in_process_scheduler) == (n_inputs, [None] * n_inputs)


def test_a_task_sees_the_callers_context_variables(in_process_scheduler: Scheduler) -> None:
    with lazygraph.config.set(num_workers=7):
        asked = delayed(lazygraph.config.get)("num_workers")
        assert asked.compute(scheduler=in_process_scheduler) == 7

"""What observers are told, and that they can change nothing."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest
from tasks import add, fail, inc

import lazygraph
from lazygraph import Graph, Ref, Task, compute, delayed
from lazygraph.errors import OptionError
from lazygraph.observers import (
    Recorder,
    Released,
    RunEnded,
    RunStarted,
    TaskEnded,
    TaskFailed,
    TaskStarted,
)
from lazygraph.protocols import Scheduler


def chain() -> Graph:
    """a -> b -> c."""
    return Graph({"a": Task(inc, (0,)), "b": Task(inc, (Ref("a"),)), "c": Task(inc, (Ref("b"),))})


def test_the_events_of_a_chain(own_scheduler: Scheduler) -> None:
    recorder = Recorder()
    lazygraph.get(chain(), "c", scheduler=own_scheduler, observers=[recorder])
    kinds = [(type(event), getattr(event, "key", None)) for event in recorder.events]
    assert kinds == [
        (RunStarted, None),
        (TaskStarted, "a"),
        (TaskEnded, "a"),
        (TaskStarted, "b"),
        (TaskEnded, "b"),
        (Released, "a"),
        (TaskStarted, "c"),
        (TaskEnded, "c"),
        (Released, "b"),
        (RunEnded, None),
    ]
    assert recorder.most_alive == 2
    seconds = [event.seconds for event in recorder.events]
    assert seconds == sorted(seconds)


def test_a_failure_is_told(telling_scheduler: Scheduler) -> None:
    recorder = Recorder()
    value = delayed(fail)(1, dask_key_name="bad")
    with pytest.raises(ValueError, match="cannot use") as caught:
        value.compute(scheduler=telling_scheduler, observers=[recorder])
    assert recorder.failed == ["bad"]
    assert recorder.ended == []
    ended = recorder.events[-1]
    assert isinstance(ended, RunEnded)
    assert ended.error is caught.value
    (failed,) = [event for event in recorder.events if isinstance(event, TaskFailed)]
    assert failed.error is caught.value


def test_workers_are_named(own_scheduler: Scheduler) -> None:
    recorder = Recorder()
    values = [delayed(inc)(i) for i in range(50)]
    lazygraph.compute(values, scheduler=own_scheduler, observers=[recorder])
    started = recorder.events[0]
    assert isinstance(started, RunStarted)
    workers = {event.worker for event in recorder.events if isinstance(event, TaskStarted)}
    assert 1 <= len(workers) <= started.workers


def test_several_observers_are_told_the_same(telling_scheduler: Scheduler) -> None:
    first, second = Recorder(), Recorder()
    lazygraph.get(chain(), "c", scheduler=telling_scheduler, observers=[first, second])
    assert first.events == second.events != []


class Faulty:
    def __init__(self) -> None:
        self.told = 0

    def notify(self, event: Any, /) -> None:
        self.told += 1
        raise RuntimeError("an observer's own mistake")


def test_an_observer_that_raises_is_told_no_more_and_the_run_goes_on(
    telling_scheduler: Scheduler,
) -> None:
    faulty, recorder = Faulty(), Recorder()
    line = sys._getframe().f_lineno
    with pytest.warns(RuntimeWarning, match="an observer's own mistake.*is told no more") as seen:
        value = lazygraph.get(
            chain(), "c", scheduler=telling_scheduler, observers=[faulty, recorder]
        )
    assert value == 3
    # Where the compute was called, whichever thread told the observer.
    assert {(each.filename, each.lineno) for each in seen} == {(__file__, line + 2)}
    assert faulty.told == 1
    assert len(recorder.ended) == 3


@pytest.mark.parametrize("bad", [Recorder(), [3], "text", [Recorder(), None]])
def test_what_is_no_list_of_observers_is_refused(bad: Any) -> None:
    with pytest.raises(OptionError, match="observers is a list of objects with notify"):
        delayed(inc)(1).compute(observers=bad)


def test_events_are_frozen() -> None:
    event = TaskEnded(0.0, "a", 0, "main")
    with pytest.raises(AttributeError):
        event.key = "b"  # type: ignore[misc]


def test_most_alive_of_a_fan() -> None:
    graph = Graph({str(i): Task(inc, (i,)) for i in range(5)})
    graph.add("sum", Task(lambda *xs: sum(xs), tuple(Ref(str(i)) for i in range(5))))
    recorder = Recorder()
    lazygraph.get(graph, "sum", scheduler="sync", observers=[recorder])
    assert recorder.most_alive == 6
    assert repr(recorder) == f"Recorder({len(recorder.events)} events)"


def test_a_nested_compute_tells_its_own_observers() -> None:
    inner = Recorder()

    def outer() -> int:
        return delayed(add)(1, 2).compute(observers=[inner])

    recorder = Recorder()
    assert delayed(outer)().compute(observers=[recorder], num_workers=2) == 3
    assert len(recorder.ended) == len(inner.ended) == 1


def test_an_event_tells_the_size_of_a_result(own_scheduler: Scheduler) -> None:
    recorder = Recorder()
    array = delayed(np.zeros)(1_000)
    compute(array, delayed(bytes)(100), scheduler=own_scheduler, observers=[recorder])
    sizes = sorted(event.nbytes for event in recorder.events if isinstance(event, TaskEnded))
    assert sizes[0] == sys.getsizeof(bytes(100))
    assert 8_000 <= sizes[1] < 8_400  # in processes: with its pickle

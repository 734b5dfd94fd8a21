"""What goes wrong at a bad moment: the user's error comes through, and nothing stays behind."""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import sys
import threading
import weakref
from collections.abc import Iterator
from typing import Any

import pytest
from tasks import fail, inc, wait_until

from lazygraph import compute, delayed
from lazygraph.graphs.plan import gc_paused
from lazygraph.observers import Recorder, Released, RunEnded
from lazygraph.protocols import Scheduler

BOTH = pytest.mark.parametrize("name", ["synchronous", "threads"])


@pytest.mark.skipif(sys.platform == "win32", reason="os.kill ends the process there")
def test_ctrl_c_during_a_c_function_is_put_on_its_task() -> None:
    """The handler runs when the function has returned: in the scheduler's own loop."""
    last = delayed(os.kill)(os.getpid(), signal.SIGINT, dask_key_name="kill")
    for value in (last, delayed(inc)(last)):
        with pytest.raises(KeyboardInterrupt) as caught:
            value.compute(scheduler="synchronous")
        assert "in the middle of 'kill'" in caught.value.__notes__[0]


class Data(Exception):  # noqa: N818
    """Answers attributes from a dict, and not with AttributeError."""

    def __getattr__(self, name: str) -> Any:
        return self.__dict__.get("data", {})[name]


class NoNotes(Exception):  # noqa: N818
    __notes__ = None  # type: ignore[assignment]


@pytest.mark.parametrize("kind", [Data, NoNotes])
def test_an_exception_with_odd_attributes_comes_through(scheduler: Scheduler, kind: Any) -> None:
    def raise_it() -> None:
        raise kind

    raised = None
    try:
        delayed(raise_it)().compute(scheduler=scheduler)
    except Exception as error:
        raised = type(error)
    assert raised is kind


class Proxy:
    def __call__(self) -> None: ...

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError("not connected")


@pytest.mark.parametrize("argument", [Proxy, lambda: {delayed(list)()}])
def test_arguments_that_cannot_be_shown_do_not_hide_the_error(
    scheduler: Scheduler, argument: Any
) -> None:
    with pytest.raises((ValueError, TypeError), match=r"cannot use|unhashable"):
        delayed(fail)(argument()).compute(scheduler=scheduler)


def test_the_context_of_an_exception_is_kept(scheduler: Scheduler) -> None:
    def chained() -> None:
        try:
            1 / 0  # noqa: B018
        except ZeroDivisionError:
            {}["key"]

    try:
        raise OSError("around")
    except OSError:
        with pytest.raises(KeyError) as caught:
            delayed(chained)().compute(scheduler=scheduler)
    assert type(caught.value.__context__) is ZeroDivisionError


class Big:
    """Something that can be watched going."""


@pytest.fixture
def no_gc() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@BOTH
@pytest.mark.usefixtures("no_gc")
def test_a_failed_run_keeps_no_results_but_its_partial_ones(name: str) -> None:
    made: list[weakref.ref[Big]] = []

    def make() -> Big:
        big = Big()
        made.append(weakref.ref(big))
        return big

    kept = delayed(make)()
    with pytest.raises(ValueError, match="cannot use") as caught:
        compute(kept, delayed(fail)(delayed(id)(kept)), scheduler=name)
    assert len(made) == 1
    assert type(caught.value.partial[kept.key]) is Big
    del caught.value.partial
    assert wait_until(lambda: made[0]() is None, 2)
    assert caught.value.__notes__  # the exception, with the failed function's frame, is held


@BOTH
@pytest.mark.usefixtures("no_gc")
def test_an_exception_goes_when_the_user_drops_it(name: str) -> None:
    class Mine(Exception):  # noqa: N818
        pass

    seen: list[weakref.ref[Mine]] = []

    def raise_mine() -> None:
        error = Mine()
        seen.append(weakref.ref(error))
        try:
            raise error
        finally:
            del error

    for observers in ([], [Recorder()]):
        with contextlib.suppress(Mine):
            delayed(raise_mine)().compute(scheduler=name, observers=observers)
        observers.clear()
        assert wait_until(lambda: seen[-1]() is None, 2)


def test_an_interrupted_pause_leaves_the_collector_on() -> None:
    def interrupted() -> None:
        with gc_paused():
            assert not gc.isenabled()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert gc.isenabled()


def test_nested_computes_never_run_more_tasks_at_once_than_workers() -> None:
    lock, running, most = threading.Lock(), 0, 0

    def leaf(i: int) -> int:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        threading.Event().wait(0.001)
        with lock:
            running -= 1
        return i

    def outer(_: int) -> int:
        return sum(compute(*[delayed(leaf)(i) for i in range(10)]))

    for _ in range(10):
        assert compute(*[delayed(outer)(i) for i in range(6)], num_workers=4) == (45,) * 6
    assert most <= 4


def test_a_nested_compute_wakes_who_may_help_it() -> None:
    """Of three workers one waits for a nested compute of its own, and must not be the one rung."""
    barrier, second_runs, first = threading.Barrier(2), threading.Event(), []

    def meet() -> str:
        barrier.wait(10)
        return "met"

    def inner(_: int) -> Any:
        if threading.current_thread() in first:
            second_runs.wait(10)
            return None
        second_runs.set()
        threading.Event().wait(0.05)  # by then the other inner is done, and its worker waits
        return compute(delayed(meet)(), delayed(meet)())

    def outer() -> Any:
        first.append(threading.current_thread())
        return compute(delayed(inner)(1), delayed(inner)(2))

    values = compute(delayed(outer)(), *[delayed(inc)(i) for i in range(3)], num_workers=3)
    assert ("met", "met") in values[0]


def test_a_failed_nested_compute_that_is_caught_does_not_hold_up_the_rest() -> None:
    """Of two inner tasks one fails, on outer's own thread, and one hangs on another."""
    hangs, release, outer_thread = threading.Event(), threading.Event(), []

    def fail_or_hang(_: int) -> None:
        if threading.current_thread() not in outer_thread:
            hangs.set()
            release.wait(30)
            return
        hangs.wait(10)
        raise ValueError("boom")

    def outer() -> str:
        outer_thread.append(threading.current_thread())
        with contextlib.suppress(ValueError):
            compute(delayed(fail_or_hang)(1), delayed(fail_or_hang)(2))
        return "went on"

    assert delayed(outer)().compute(num_workers=2) == "went on"
    assert hangs.is_set()  # and it still does: nobody has released it
    release.set()


def test_observers_are_told_all_releases_before_the_end() -> None:
    value = delayed(inc)(0)
    for _ in range(5):
        value = delayed(inc)(value)
    for _ in range(300):
        recorder = Recorder()
        value.compute(num_workers=2, observers=[recorder])
        assert len(recorder.released) == 5
        assert type(recorder.events[-1]) is RunEnded
        assert type(recorder.events[-2]) is Released


class Leaves:
    """An observer that ends the run."""

    def notify(self, event: Any, /) -> None:
        if type(event).__name__ == "TaskEnded":
            raise SystemExit("enough")


@BOTH
def test_an_observer_that_exits_ends_the_run_and_the_others_hear_of_it(name: str) -> None:
    recorder = Recorder()
    with pytest.raises(SystemExit, match="enough"):
        delayed(inc)(1).compute(scheduler=name, observers=[recorder, Leaves()])
    last = recorder.events[-1]
    assert isinstance(last, RunEnded)
    assert isinstance(last.error, SystemExit)

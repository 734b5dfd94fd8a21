"""Results one by one: which order, how many ahead, who keeps them, and how it ends."""

from __future__ import annotations

import gc
import signal
import subprocess
import sys
import textwrap
import threading
import traceback
import weakref
from pathlib import Path
from typing import Any

import pytest
from tasks import add, append, fail, identity, inc, said, tallied, wait_until

from lazygraph import Failed, as_completed, compute, config, delayed, iterate
from lazygraph.errors import CaptureError, OptionError
from lazygraph.observers import Recorder, RunEnded
from lazygraph.protocols import Scheduler
from lazygraph.schedulers import Threads

BOTH = pytest.mark.parametrize("function", [as_completed, iterate])
TWO: dict[str, Any] = {
    "synchronous": {"scheduler": "synchronous"},
    "threads": {"scheduler": "threads", "num_workers": 2},
}
LOCAL = pytest.mark.parametrize("name", ["synchronous", "threads"])


def test_each_comes_with_its_lazy_value(own_scheduler: Scheduler) -> None:
    values = [delayed(inc)(i) for i in range(50)]
    pairs = list(as_completed(values, scheduler=own_scheduler))
    assert {id(value) for value, _ in pairs} == {id(value) for value in values}
    assert all(result == value._leaves[0] + 1 for value, result in pairs)


def test_in_the_order_given(own_scheduler: Scheduler) -> None:
    values = [delayed(inc)(i, dask_key_name=f"k{i}") for i in range(50)]
    pairs = list(iterate(values, scheduler=own_scheduler))
    assert [value for value, _ in pairs] == values
    assert [result for _, result in pairs] == list(range(1, 51))


def wait_for(path: Path, x: int) -> int:
    wait_until(lambda: said(path) != "")
    return x


def test_the_quick_ones_come_first(tmp_path: Path) -> None:
    """The first waits until the user has had the others."""
    values = [delayed(wait_for)(tmp_path / "go", 0), *[delayed(inc)(i) for i in range(5)]]
    results = []
    for _, result in as_completed(values, scheduler=Threads(2), lookahead=6):
        results.append(result)
        if len(results) == 5:
            append(tmp_path / "go", "!")
    assert results == [1, 2, 3, 4, 5, 0]


@BOTH
def test_the_same_twice_comes_twice(own_scheduler: Scheduler, function: Any) -> None:
    value = delayed(inc)(1)
    end = delayed(inc)(value)
    given = [value, end, value, value]
    for lookahead in (1, 2, None):
        pairs = function(given, scheduler=own_scheduler, lookahead=lookahead)
        assert sorted(result for _, result in pairs) == [2, 2, 2, 3]


@BOTH
def test_of_nothing_comes_nothing(function: Any) -> None:
    assert list(function([])) == []
    assert list(function(iter(()), scheduler="sync", lookahead=1)) == []
    with pytest.raises(OptionError, match="no option 'schduler'"):
        function([], schduler="sync")


@BOTH
def test_any_iterable_of_lazy_values_will_do(own_scheduler: Scheduler, function: Any) -> None:
    pairs = function((delayed(inc)(i) for i in range(3)), scheduler=own_scheduler)
    assert sorted(result for _, result in pairs) == [1, 2, 3]


@BOTH
@pytest.mark.parametrize("bad", [[3], {"a": 1}, "ab", 3, None, [[delayed(inc)(1)]]])
def test_what_is_not_lazy_is_refused(function: Any, bad: Any) -> None:
    with pytest.raises(CaptureError, match=f"{function.__name__} runs (a list of )?lazy values"):
        function(bad)


@BOTH
def test_a_lazy_value_alone_is_refused(function: Any) -> None:
    with pytest.raises(CaptureError, match="runs a list of lazy values"):
        function(delayed(divmod, nout=2)(7, 2))


@BOTH
@pytest.mark.parametrize("bad", [0, -1, 1.0, "2", True])
def test_a_bad_lookahead_is_refused(function: Any, bad: Any) -> None:
    with pytest.raises(OptionError, match="lookahead is a number of results, 1 or more, not"):
        function([delayed(inc)(1)], lookahead=bad)


# ----------------------------------------------------------------- look-ahead
@BOTH
@pytest.mark.parametrize("lookahead", [1, 3])
def test_no_more_are_on_their_way_than_asked_for(
    own_scheduler: Scheduler, tmp_path: Path, function: Any, lookahead: int
) -> None:
    """Of those that have begun, all but `lookahead` have been taken; and so many do begin."""
    log = tmp_path / "log"
    values = [delayed(tallied)(log, i) for i in range(20)]
    pairs = function(values, scheduler=own_scheduler, lookahead=lookahead)
    assert said(log) == ""  # nothing is asked for yet
    for taken, _ in enumerate(pairs):
        begun = len(said(log))
        assert taken < begun <= taken + lookahead


def test_workers_go_on_while_the_user_is_busy(tmp_path: Path) -> None:
    values = [delayed(tallied)(tmp_path / "log", i) for i in range(20)]
    pairs = iterate(values, scheduler=Threads(2), lookahead=5)
    next(pairs)
    assert wait_until(lambda: said(tmp_path / "log") == "." * 5)
    next(pairs)
    assert wait_until(lambda: said(tmp_path / "log") == "." * 6)
    pairs.close()


def test_a_shared_dependency_runs_once(own_scheduler: Scheduler, tmp_path: Path) -> None:
    shared = delayed(tallied)(tmp_path / "log", 10)
    values = [delayed(add)(shared, i) for i in range(10)]
    results = [result for _, result in iterate(values, scheduler=own_scheduler, lookahead=1)]
    assert results == list(range(10, 20))
    assert said(tmp_path / "log") == "."


# ------------------------------------------------------------- what is kept
class Big:
    """Something that can be watched going."""


async def big_later() -> Big:
    return Big()


@BOTH
@LOCAL
@pytest.mark.parametrize("make", [Big, big_later], ids=["plain", "async"])
def test_what_was_taken_is_the_users_alone(function: Any, name: str, make: Any) -> None:
    """It is gone as soon as the user drops it, before the next is asked for."""
    gc.disable()
    try:
        values = [delayed(make)() for _ in range(5)]
        n = 0
        for value, big in function(values, lookahead=2, **TWO[name]):
            assert type(big) is Big
            watch = weakref.ref(big)
            del big
            assert wait_until(lambda watch=watch: watch() is None)
            assert any(value is each for each in values)
            n += 1
        assert n == 5
    finally:
        gc.enable()


# ---------------------------------------------------------------------- errors
def take(pairs: Any, into: list[Any]) -> None:
    for _, result in pairs:
        into.append(result)


@BOTH
def test_an_error_in_the_middle(own_scheduler: Scheduler, function: Any) -> None:
    values: list[Any] = [delayed(inc)(i) for i in range(5)]
    values.insert(2, delayed(fail)(1, dask_key_name="bad"))
    taken: list[int] = []
    with pytest.raises(ValueError, match="cannot use 1") as caught:
        take(function(values, scheduler=own_scheduler, lookahead=1), taken)
    assert taken == [1, 2]
    assert "while running task 'bad'" in caught.value.__notes__[0]
    names = [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)]
    assert names == ["test_an_error_in_the_middle", "take", "fail"]
    assert caught.value.__context__ is None


@BOTH
def test_errors_can_be_collected(own_scheduler: Scheduler, function: Any) -> None:
    bad = delayed(fail)(1)
    values = [delayed(inc)(1), bad, delayed(inc)(bad), delayed(inc)(2)]
    pairs = function(values, scheduler=own_scheduler, on_error="collect", lookahead=2)
    results = {id(value): result for value, result in pairs}
    first, failed, skipped, last = [results[id(value)] for value in values]
    assert (first, skipped.because, last) == (2, bad.key, 3)
    assert type(failed) is Failed


def stop_iteration() -> None:
    raise StopIteration("from a task")


@BOTH
def test_a_task_cannot_end_the_loop(own_scheduler: Scheduler, function: Any) -> None:
    """As in any generator, a StopIteration becomes a RuntimeError."""
    with pytest.raises(RuntimeError, match="StopIteration") as caught:
        list(function([delayed(stop_iteration)()], scheduler=own_scheduler))
    assert "stop_iteration" in caught.value.__cause__.__notes__[0]


# -------------------------------------------------------------- leaving early
@BOTH
def test_who_leaves_the_loop_ends_the_run(
    own_scheduler: Scheduler, tmp_path: Path, function: Any
) -> None:
    recorder = Recorder()
    values = [delayed(tallied)(tmp_path / "log", i) for i in range(1_000)]
    for _ in function(values, scheduler=own_scheduler, lookahead=3, observers=[recorder]):
        break
    gc.collect()
    assert 1 <= len(said(tmp_path / "log")) <= 4
    assert isinstance(recorder.events[-1], RunEnded)
    assert "the rest of the run is not asked for" in str(recorder.events[-1].error)


@BOTH
@LOCAL
def test_threads_are_gone_however_it_ends(function: Any, name: str) -> None:
    values = [delayed(inc)(i) for i in range(20)] + [delayed(big_later)()]
    before = set(threading.enumerate())
    list(function(values, scheduler=name))
    assert wait_until(lambda: set(threading.enumerate()) <= before)
    for _ in function(values, scheduler=name):
        break
    function(values, scheduler=name)  # never begun
    pairs = function(values, scheduler=name)
    next(pairs)
    pairs.close()
    with pytest.raises(ValueError, match="cannot use"):
        list(function([*values, delayed(fail)(1)], scheduler=name))
    gc.collect()
    assert wait_until(lambda: set(threading.enumerate()) <= before)


def test_a_loop_can_be_left_while_tasks_run() -> None:
    """The other task does not end before the test lets it."""
    release, runs = threading.Event(), threading.Event()

    def hang() -> None:
        runs.set()
        release.wait(30)

    for _, result in as_completed([delayed(hang)(), delayed(identity)("quick")], num_workers=2):
        assert result == "quick"
        assert runs.wait(10)
        break
    assert not release.is_set()
    assert compute(delayed(inc)(1)) == (2,)
    release.set()


def test_a_generator_that_is_dropped_ends_its_run(tmp_path: Path) -> None:
    before = set(threading.enumerate())
    values = [delayed(tallied)(tmp_path / "log", i) for i in range(100)]
    pairs = as_completed(values, num_workers=2, lookahead=2)
    next(pairs)
    del pairs
    gc.collect()
    assert wait_until(lambda: set(threading.enumerate()) <= before)
    assert len(said(tmp_path / "log")) < 10


def test_two_loops_at_once(own_scheduler: Scheduler) -> None:
    first = iterate([delayed(inc)(i) for i in range(20)], scheduler=own_scheduler)
    second = iterate([delayed(inc)(-i) for i in range(20)], scheduler=own_scheduler)
    pairs = [(a, b) for (_, a), (_, b) in zip(first, second, strict=True)]
    assert pairs == [(1 + i, 1 - i) for i in range(20)]


def inner(n: int) -> int:
    return sum(result for _, result in as_completed([delayed(inc)(i) for i in range(n)]))


def test_one_by_one_inside_a_task(own_scheduler: Scheduler) -> None:
    with config.set(scheduler=own_scheduler):
        for options in ({}, {"retries": 1}):
            values = [delayed(inner, **options)(n) for n in range(6)]
            assert compute(*values) == (0, 1, 3, 6, 10, 15)


CTRL_C = textwrap.dedent(
    """
    import os, threading
    from lazygraph import as_completed, delayed

    @delayed
    def hang(i):
        os.write(1, b"started\\n")
        threading.Event().wait(60)

    try:
        for pair in as_completed([hang(i) for i in range(4)], scheduler="threads", num_workers=2):
            pass
    except KeyboardInterrupt as error:
        print("NOTES", *error.__notes__, flush=True)
    """
)


@pytest.mark.skipif(sys.platform == "win32", reason="signals to a process are POSIX")
def test_ctrl_c_in_a_loop_says_what_was_running() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", CTRL_C], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stdout is not None
    for _ in range(2):
        assert process.stdout.readline() == "started\n"
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=30)
    assert (
        "NOTES lazygraph: stopped: 0 of 4 tasks done, 2 still running in threads: 'hang-" in output
    )

"""Time limits: a task that takes longer fails, and what can be done about it is done.

Tasks that are overdue wait for what never comes, or until the test has seen the error.
"""

from __future__ import annotations

import contextlib
import pickle
import signal
import threading
import traceback
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tasks import append, identity, inc, said, wait_until

from lazygraph import Options, compute, config, delayed
from lazygraph.errors import OptionError, RunError, TaskError, TaskTimeout
from lazygraph.observers import Recorder
from lazygraph.protocols import Scheduler
from lazygraph.schedulers import Synchronous, Threads
from lazygraph.schedulers.controlled import worker

SHORT = 0.05
needs_alarm = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no SIGALRM there")


def wait_for_ever(x: Any = None) -> Any:
    """Where nothing can interrupt it, its thread is there for some seconds more."""
    threading.Event().wait(5)
    return x


def wait_for_file(path: Path) -> str:
    """Overdue until somebody writes the file; nothing needs to interrupt it."""
    wait_until(lambda: said(path) != "")
    return "late"


@needs_alarm
def test_an_overdue_task_fails(own_scheduler: Scheduler) -> None:
    value = delayed(inc)(delayed(wait_for_ever, timeout=SHORT)(1, dask_key_name="slow"))
    with pytest.raises(TaskTimeout, match=r"task 'slow' \(wait_for_ever\) took longer") as caught:
        value.compute(scheduler=own_scheduler)
    assert isinstance(caught.value, TimeoutError)
    assert isinstance(caught.value, TaskError)
    assert (caught.value.key, caught.value.seconds) == ("slow", SHORT)
    assert "while running task 'slow': wait_for_ever(1)" in caught.value.__notes__[0]


def test_a_task_in_time_is_let_be(own_scheduler: Scheduler) -> None:
    values = [delayed(inc, timeout=60)(i) for i in range(20)]
    assert compute(*values, scheduler=own_scheduler) == tuple(range(1, 21))


@pytest.mark.parametrize("seconds", [1e300, 1e9])
def test_the_longest_limits_are_no_limits(own_scheduler: Scheduler, seconds: float) -> None:
    assert delayed(inc, timeout=seconds)(1).compute(scheduler=own_scheduler) == 2


def slow_at_first(path: Path, calls: int) -> str:
    append(path, ".")
    if len(said(path)) <= calls:
        wait_for_ever()
    return said(path)


@needs_alarm
def test_an_overdue_task_is_tried_again(own_scheduler: Scheduler, tmp_path: Path) -> None:
    recorder = Recorder()
    value = delayed(slow_at_first, timeout=0.3, retries=3)(tmp_path / "calls", 2)
    assert value.compute(scheduler=own_scheduler, observers=[recorder]) == "..."
    assert recorder.retried == [value.key] * 2


@needs_alarm
def test_the_attempts_that_took_too_long_are_listed(own_scheduler: Scheduler) -> None:
    value = delayed(wait_for_ever, timeout=SHORT, retries=1)()
    with pytest.raises(TaskTimeout) as caught:
        value.compute(scheduler=own_scheduler)
    lines = [line for line in caught.value.__notes__[0].splitlines() if "attempt" in line]
    assert [line.split(": ")[1] for line in lines] == ["TaskTimeout"] * 2


@needs_alarm
def test_others_go_on(own_scheduler: Scheduler) -> None:
    values = [delayed(wait_for_ever, timeout=SHORT)(), *[delayed(inc)(i) for i in range(20)]]
    failed, *others = compute(*values, scheduler=own_scheduler, on_error="collect")
    assert type(failed.error) is TaskTimeout
    assert others == list(range(1, 21))


@pytest.mark.parametrize("bad", [0, -1, float("nan"), float("inf"), "1", True, 10**400])
def test_a_bad_limit_is_refused(bad: Any) -> None:
    with pytest.raises(OptionError, match="option 'timeout' is a number of seconds above 0"):
        delayed(inc, timeout=bad)
    assert Options(timeout=None) == Options()


def test_the_error_pickles_with_its_notes() -> None:
    error = TaskTimeout("key", "name", 1.5, "it was interrupted")
    error.add_note("lazygraph: note")
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is TaskTimeout
    assert str(again) == str(error)
    assert again.__notes__ == ["lazygraph: note"]
    assert (again.key, again.seconds, again.fate) == ("key", 1.5, "it was interrupted")


# -------------------------------------------------------------------- threads
def test_a_thread_that_is_late_is_named_and_replaced() -> None:
    """With one worker, others need another one, since the first is busy still."""
    release, in_time, before = threading.Event(), [], threading.enumerate()
    slow = delayed(release.wait, timeout=SHORT)(10)
    others = [delayed(in_time.append)(i) for i in range(3)]
    failed, *_ = compute(slow, *others, scheduler=Threads(1), on_error="collect")
    assert "thread 'lazygraph-thread-0' still runs it, and drops its result" in str(failed.error)
    assert in_time == [0, 1, 2]
    (late,) = set(threading.enumerate()).difference(before)
    assert late.name == "lazygraph-thread-0"
    release.set()
    assert wait_until(lambda: not late.is_alive())


def test_a_late_result_is_dropped_and_the_step_is_not_ended_twice() -> None:
    """The first attempt returns while the second runs."""
    first_may_end, threads = threading.Event(), []

    def task() -> Any:
        threads.append(threading.current_thread())
        if len(threads) == 1:
            first_may_end.wait(10)
            return "late"
        first_may_end.set()
        wait_until(lambda: not threads[0].is_alive())  # it leaves when its result is posted
        return "in time"

    recorder = Recorder()
    value = delayed(task, timeout=1, retries=1)()
    assert value.compute(scheduler=Threads(1), observers=[recorder]) == "in time"
    assert recorder.ended == [value.key]


class Big:
    """Something that can be watched going."""


def test_a_late_result_is_kept_by_nobody() -> None:
    release, made = threading.Event(), []

    def task() -> Big:
        release.wait(10)
        big = Big()
        made.append(weakref.ref(big))
        return big

    with pytest.raises(TaskTimeout) as caught:
        delayed(task, timeout=SHORT)().compute(scheduler=Threads(1))
    release.set()
    assert wait_until(lambda: bool(made))
    assert wait_until(lambda: made[0]() is None)
    assert caught.value


def test_a_nested_run_in_a_thread_that_was_given_up_ends() -> None:
    given_up, ran, ended = threading.Event(), [], threading.Event()

    def step(i: int) -> None:
        given_up.wait(10)
        ran.append(i)

    def outer() -> None:
        try:
            compute(*[delayed(step, priority=1)(i) for i in range(50)])
        finally:
            ended.set()

    with pytest.raises(TaskTimeout):
        delayed(outer, timeout=SHORT)().compute(scheduler=Threads(1))
    given_up.set()
    assert ended.wait(10)
    assert ran in ([], [0])  # not the others


# ---------------------------------------------------------------- synchronous
@contextlib.contextmanager
def handler(of: Any) -> Iterator[None]:
    before = signal.signal(signal.SIGALRM, of)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@needs_alarm
def test_on_the_main_thread_the_task_is_interrupted_where_it_is() -> None:
    cleaned = []

    def task() -> None:
        try:
            wait_for_ever()
        finally:
            cleaned.append(True)

    with pytest.raises(TaskTimeout, match="it was interrupted") as caught:
        delayed(task, timeout=SHORT)().compute(scheduler="sync")
    assert cleaned == [True]
    names = [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)]
    assert names[1:3] == ["task", "wait_for_ever"]  # where it was


@needs_alarm
def test_a_task_that_catches_the_interruption_is_late_all_the_same() -> None:
    def stubborn() -> str:
        with contextlib.suppress(OSError):  # a TimeoutError is one
            wait_for_ever()
        return "late"

    with pytest.raises(TaskTimeout, match="it ran to its end, and its result was dropped"):
        delayed(stubborn, timeout=SHORT)().compute(scheduler="sync")


@needs_alarm
def test_the_users_handler_and_alarm_are_put_back() -> None:
    rung = threading.Event()

    def ring(*_: Any) -> None:
        rung.set()

    with handler(ring):
        signal.setitimer(signal.ITIMER_REAL, 3600, 7)
        for value in (delayed(inc, timeout=60)(1), delayed(wait_for_ever, timeout=SHORT)()):
            with contextlib.suppress(TaskTimeout):
                value.compute(scheduler="sync")
            assert signal.getsignal(signal.SIGALRM) is ring
            left, interval = signal.getitimer(signal.ITIMER_REAL)
            assert 3000 < left <= 3600
            assert interval == 7
        assert not rung.is_set()


@needs_alarm
def test_an_alarm_of_the_users_rings_during_the_task() -> None:
    """It is due before the task is; and it rings again and again."""
    rung = []
    enough = threading.Event()

    def ring(*_: Any) -> None:
        rung.append(True)
        if len(rung) == 3:
            enough.set()

    with handler(ring):
        signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)
        value = delayed(enough.wait, timeout=60)(10)
        assert value.compute(scheduler="sync") is True


@needs_alarm
def test_an_alarm_of_the_users_does_not_hold_up_the_task_s() -> None:
    rung: list[bool] = []
    with handler(lambda *_: rung.append(True)):
        signal.setitimer(signal.ITIMER_REAL, SHORT / 10, SHORT / 10)
        with pytest.raises(TaskTimeout, match="it was interrupted"):
            delayed(wait_for_ever, timeout=SHORT)().compute(scheduler="sync")
    assert rung


@needs_alarm
def test_without_an_alarm_of_the_users_none_is_left() -> None:
    for seconds in (60, SHORT, 1e-6):
        with contextlib.suppress(TaskTimeout):
            delayed(wait_for_ever if seconds < 1 else inc, timeout=seconds)(1).compute(
                scheduler="sync"
            )
        assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
        assert signal.getsignal(signal.SIGALRM) == signal.SIG_DFL


@needs_alarm
def test_a_limit_inside_a_limit() -> None:
    """The outer task is due first, though an inner one runs, whose limit is longer."""

    def outer() -> None:
        delayed(wait_for_ever, timeout=60)().compute()

    with config.set(scheduler="sync"), pytest.raises(TaskTimeout) as caught:
        delayed(outer, timeout=SHORT)(dask_key_name="outer").compute()
    assert caught.value.key == "outer"

    def careful() -> str:
        with contextlib.suppress(TaskTimeout):
            delayed(wait_for_ever, timeout=SHORT)().compute()
        return "went on"

    with config.set(scheduler="sync"):
        assert delayed(careful, timeout=60)().compute() == "went on"


def test_off_the_main_thread_a_late_task_is_left_behind() -> None:
    raised: list[BaseException] = []
    go = threading.Event()

    def work() -> None:
        try:
            delayed(go.wait, timeout=SHORT)(60).compute(scheduler=Synchronous())
        except TaskTimeout as error:
            raised.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(30)  # it does not wait for the task
    go.set()
    assert "still runs it, and drops its result" in str(raised[0])


@pytest.mark.parametrize("inner", ["threads", "synchronous", "processes"])
@pytest.mark.parametrize("outer", [Threads(1), Threads(2), Synchronous()], ids=repr)
def test_a_limit_holds_in_a_compute_inside_a_task(outer: Scheduler, inner: str) -> None:
    """The thread that waits for the inner run could not leave the task that is late."""
    begun, go = threading.Event(), threading.Event()

    def hang() -> None:
        begun.set()
        go.wait(60)

    def task() -> bool:
        try:
            delayed(hang, timeout=SHORT, local=True)().compute(scheduler=inner)
        except TaskTimeout:
            return not go.is_set()
        return False

    try:
        assert delayed(task)().compute(scheduler=outer)
        assert begun.is_set()
    finally:
        go.set()


def test_a_time_out_tells_where_it_hung() -> None:
    go = threading.Event()

    def wait_for_it() -> None:
        go.wait(60)

    with pytest.raises(TaskTimeout) as caught:
        delayed(wait_for_it, timeout=SHORT)().compute(scheduler=Threads(1))
    go.set()
    assert "in wait_for_it\n    go.wait(60)" in caught.value.stack
    assert "in wait_for_it" in caught.value.__notes__[0]
    assert "lazygraph/schedulers" not in caught.value.stack


def test_resources_stay_taken_while_a_thread_that_was_left_behind_uses_them() -> None:
    """The second waits until the first, given up long ago, is out."""
    lock, inside, most, go = threading.Lock(), 0, 0, threading.Event()

    def use(i: int) -> int:
        nonlocal inside, most
        with lock:
            inside += 1
            most = max(most, inside)
        if i == 0:
            threading.Timer(3 * SHORT, go.set).start()
            go.wait(60)
        with lock:
            inside -= 1
        return i

    first = delayed(use, uses={"db": 1}, timeout=SHORT)(0)
    second = delayed(use, uses={"db": 1})(1)
    failed, found = compute(
        first, second, limits={"db": 1}, on_error="collect", scheduler=Threads(2)
    )
    assert (type(failed.error), found, most) == (TaskTimeout, 1, 1)


def test_threads_left_behind_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "_MOST_LEFT", 3)
    go = threading.Event()
    hang = delayed(lambda i: go.wait(60), timeout=SHORT)
    before = threading.active_count()
    try:
        with pytest.raises(RunError, match="still run tasks that were given up"):
            compute([hang(i) for i in range(50)], scheduler=Threads(2), on_error="collect")
        assert threading.active_count() - before <= 6
    finally:
        go.set()


@needs_alarm
def test_thousands_of_short_limits_never_lose_the_handler() -> None:
    """The alarm may ring anywhere: before the task, after it, on the way in or out."""
    with handler(signal.SIG_IGN):
        for n in range(3_000):
            with contextlib.suppress(TaskTimeout):
                delayed(identity, timeout=1e-6 * (1 + n % 60))(1).compute(scheduler="sync")
            assert signal.getsignal(signal.SIGALRM) is signal.SIG_IGN
            assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)

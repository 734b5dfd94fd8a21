"""Threads: parallelism, nested computes, Ctrl-C, and leaving nothing behind."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import textwrap
import threading
import weakref
from typing import Any

import pytest
from tasks import add, inc, total, wait_until

from lazygraph import compute, delayed
from lazygraph.errors import OptionError
from lazygraph.schedulers import Threads
from lazygraph.schedulers.controlled import Team


def test_n_tasks_run_at_once_on_n_workers() -> None:
    """Each of four tasks waits for the other three."""
    barrier = threading.Barrier(4)
    values = [delayed(barrier.wait)(10) for _ in range(4)]
    assert sorted(compute(*values, num_workers=4)) == [0, 1, 2, 3]


def until_asleep(n: int) -> None:
    """Return when `n` other workers of the team that runs this sleep."""
    team = Team.joined()
    assert team is not None
    assert wait_until(lambda: len(team.sleepers) == n)


def test_tasks_that_become_ready_together_wake_workers_that_sleep() -> None:
    """Three that meet -> first -> three that meet: the other workers sleep during first."""
    before, after = threading.Barrier(3), threading.Barrier(3)
    started = [delayed(before.wait)(10) for _ in range(3)]
    first = delayed(lambda _: until_asleep(2))(started)
    values = [delayed(lambda _: after.wait(10))(first) for _ in range(3)]
    assert sorted(compute(*values, num_workers=3)) == [0, 1, 2]


def test_a_compute_inside_a_task_wakes_workers_that_sleep() -> None:
    """Three that meet start three workers; two sleep when outer computes."""
    before, inside = threading.Barrier(3), threading.Barrier(3)

    def outer(_: Any) -> list[int]:
        until_asleep(2)
        return sorted(compute(*[delayed(inside.wait)(10) for _ in range(3)]))

    started = [delayed(before.wait)(10) for _ in range(3)]
    assert delayed(outer)(started).compute(num_workers=3) == [0, 1, 2]


def test_threads_are_started_as_tasks_wait_for_one() -> None:
    """A chain needs one thread, whatever the number of workers."""
    value = delayed(threading.get_ident)()
    seen = [value]
    for _ in range(20):
        seen.append(delayed(lambda _: threading.get_ident())(seen[-1]))
    assert len(set(compute(seen, num_workers=16)[0])) == 1


def test_never_more_tasks_at_once_than_workers() -> None:
    lock, running, most = threading.Lock(), 0, 0

    def task(i: int) -> int:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        sum(range(2_000))
        with lock:
            running -= 1
        return i

    compute(*[delayed(task)(i) for i in range(300)], num_workers=3)
    assert 1 <= most <= 3


def nested(depth: int, seen: set[int]) -> int:
    seen.add(threading.get_ident())
    if depth == 0:
        return 1
    return sum(compute(*[delayed(nested)(depth - 1, seen) for _ in range(3)])) + 1


def test_nested_computes_add_no_threads() -> None:
    from lazygraph import literal

    seen: set[int] = set()
    before = threading.active_count()
    value = delayed(nested)(5, literal(seen))

    assert value.compute(scheduler="threads", num_workers=3) == sum(3**i for i in range(6))
    assert len(seen) <= 3
    assert threading.active_count() <= before  # less if an earlier test's thread has ended


def test_a_compute_inside_a_task_is_helped_by_idle_workers() -> None:
    """One task computes three that wait for each other: all three workers must join in."""
    barrier = threading.Barrier(3)

    def outer() -> list[int]:
        return sorted(compute(*[delayed(barrier.wait)(10) for _ in range(3)]))

    assert delayed(outer)().compute(num_workers=3) == [0, 1, 2]


def test_an_error_in_a_nested_compute_can_be_caught_by_the_task() -> None:
    def careful() -> str:
        try:
            delayed(inc)("text").compute()
        except TypeError:
            return "caught"
        return "missed"

    assert delayed(careful)().compute(num_workers=2) == "caught"


def test_a_nested_error_names_both_tasks() -> None:
    def outer() -> int:
        return delayed(inc)("t").compute()

    with pytest.raises(TypeError) as caught:
        delayed(outer)().compute(num_workers=2)
    assert "inc('t')" in caught.value.__notes__[0]
    assert "outer()" in caught.value.__notes__[1]


def test_an_outer_error_ends_nested_computes() -> None:
    """boom fails while inner's compute waits: its thread must come free."""
    inner_waits, failed, ended = threading.Event(), threading.Event(), threading.Event()

    def hold() -> None:
        inner_waits.set()
        failed.wait(10)

    def inner() -> None:
        try:
            compute(delayed(hold)(), *[delayed(inc)(i) for i in range(5)])
        finally:
            ended.set()

    def boom() -> None:
        inner_waits.wait(10)
        raise ValueError("boom")

    before = threading.active_count()
    with pytest.raises(ValueError, match="boom"):
        compute(delayed(inner)(), delayed(boom)(), num_workers=2)
    failed.set()
    assert ended.wait(10)
    assert wait_until(lambda: threading.active_count() <= before)


def test_a_thousand_computes_leave_no_threads() -> None:
    before = threading.active_count()
    for i in range(1_000):
        assert delayed(add)(i, 1).compute(num_workers=2) == i + 1
    assert threading.active_count() <= before  # less if an earlier test's thread has ended


class Big:
    """Something that can be watched going."""


def test_results_go_when_the_user_drops_them() -> None:
    gc.disable()
    try:
        result = delayed(Big)().compute(num_workers=2)
        watch = weakref.ref(result)
        del result
        assert watch() is None
    finally:
        gc.enable()


@pytest.mark.parametrize("bad", [0, -1, "2", 2.0, True, 10_000])
def test_a_bad_number_of_workers_is_refused(bad: Any) -> None:
    with pytest.raises(OptionError, match="num_workers is a number from 1"):
        Threads(bad)
    with pytest.raises(OptionError, match="num_workers is a number from 1"):
        delayed(inc)(1).compute(scheduler="sync", num_workers=bad)


CTRL_C = textwrap.dedent(
    """
    import os, sys, time
    from lazygraph import compute, config, delayed

    config.set(num_workers=2)

    @delayed
    def hang(i):
        os.write(1, b"started\\n")
        {hang}

    @delayed
    def inc(x):
        return x + 1

    values = [hang(i) for i in range(4)]
    try:
        compute(*values, scheduler={scheduler!r})
    except KeyboardInterrupt as error:
        print("NOTES", *error.__notes__)
    again = compute(*[inc(i) for i in range(100)], scheduler={scheduler!r})
    print("AGAIN", sum(again), flush=True)
    """
)
# Neither ends for a minute: a sleep, and C code that does not look at signals but drops the GIL.
HANGS = {"sleep": "time.sleep(60)", "lock": "import threading; threading.Event().wait(60)"}


def interrupted(scheduler: str, hang: str, whole_group: bool) -> tuple[str, float]:
    """What a script prints that gets Ctrl-C in the middle, and the seconds until it has ended."""
    import time

    code = CTRL_C.format(hang=HANGS[hang], scheduler=scheduler)
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    for _ in range(2 if scheduler == "threads" else 1):
        assert process.stdout.readline() == "started\n"
    begin = time.monotonic()
    if whole_group:
        os.killpg(process.pid, signal.SIGINT)
    else:
        process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=30)
    return output, time.monotonic() - begin


@pytest.mark.skipif(sys.platform == "win32", reason="signals to a process are POSIX")
@pytest.mark.parametrize("whole_group", [False, True], ids=["process", "group"])
@pytest.mark.parametrize("hang", HANGS)
@pytest.mark.parametrize("scheduler", ["threads", "synchronous"])
def test_ctrl_c_gives_control_back(scheduler: str, hang: str, whole_group: bool) -> None:
    output, seconds = interrupted(scheduler, hang, whole_group)

    assert "NOTES lazygraph: " in output, output
    assert "AGAIN 5050" in output, output
    assert seconds < 10  # tasks of 60 s: it did not wait for them
    if scheduler == "threads":
        assert "stopped: 0 of 4 tasks done, 2 still running in threads: 'hang-" in output


def test_map_reduce_of_real_work_agrees_with_a_loop() -> None:
    import zlib

    blocks = [bytes([i]) * 100_000 for i in range(40)]
    sums = [delayed(zlib.crc32)(block) for block in blocks]
    assert delayed(total)(sums).compute(num_workers=4) == sum(map(zlib.crc32, blocks))

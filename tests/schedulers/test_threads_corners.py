"""Threads where Python itself breaks in: finalisers, forks, Ctrl-C, the interpreter's exit."""

from __future__ import annotations

import gc
import os
import queue
import signal
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from children import run_script
from tasks import inc

from lazygraph import compute, delayed
from lazygraph.protocols import Scheduler
from lazygraph.schedulers import Threads


class Computing:
    """An object that computes on threads when it is let go."""

    seen: queue.SimpleQueue[int]

    def __init__(self, seen: queue.SimpleQueue[int]) -> None:
        self.seen = seen
        self.me = self  # only the cyclic collector finds it

    def __del__(self) -> None:
        tasks = [delayed(inc)(i) for i in range(4)]
        self.seen.put(sum(compute(*tasks, scheduler=Threads(2))))


def _all_seen(seen: queue.SimpleQueue[int], count: int) -> list[int]:
    """Return what so many finalisers have computed.

    While the collector, or a finaliser that it calls, is at work in another thread,
    `gc.collect` returns at once and collects nothing.
    """
    found: list[int] = []
    end = time.monotonic() + 60
    while len(found) < count and time.monotonic() < end:
        gc.collect()
        with suppress(queue.Empty):
            found.append(seen.get(timeout=0.2))
            while True:
                found.append(seen.get_nowait())
    return found


@pytest.mark.parametrize("num_workers", [1, 2, 8])
@pytest.mark.parametrize("terms", [{}, {"on_error": "collect"}], ids=["plain", "controlled"])
def test_a_finaliser_may_compute_wherever_it_breaks_in(
    num_workers: int, terms: dict[str, Any]
) -> None:
    """The collector runs at every few allocations: in tasks, and in the scheduler's own work."""
    seen: queue.SimpleQueue[int] = queue.SimpleQueue()

    def litter(i: int, *_: Any) -> int:
        Computing(seen)
        return i + 1

    before = gc.get_threshold()
    gc.set_threshold(3)
    try:
        tasks = [delayed(litter)(i, delayed(inc)(i)) for i in range(30)]
        values = compute(*tasks, scheduler=Threads(num_workers), **terms)
    finally:
        gc.set_threshold(*before)
    assert values == tuple(range(1, 31))
    assert _all_seen(seen, 30) == [10] * 30


@pytest.mark.parametrize("num_workers", [1, 2])
def test_results_that_compute_when_they_are_released(num_workers: int) -> None:
    seen: queue.SimpleQueue[int] = queue.SimpleQueue()

    class Result(Computing):
        def __init__(self) -> None:
            self.seen = seen

    def use(_: Result, i: int) -> int:
        return i

    tasks = [delayed(use)(delayed(Result)(), i) for i in range(20)]
    assert compute(*tasks, scheduler=Threads(num_workers)) == tuple(range(20))
    assert _all_seen(seen, 20) == [10] * 20


@pytest.mark.skipif(sys.platform == "win32", reason="no such signals")
def test_ctrl_c_while_finalisers_compute_ends_the_run(tmp_path: Path) -> None:
    told = run_script(
        tmp_path,
        """
        import gc, os, signal, sys
        from lazygraph import delayed

        stopped = []
        # It may also come in a finaliser on the main thread, which swallows it.
        sys.unraisablehook = lambda told: stopped.append(told.exc_type)

        class Computing:
            def __init__(self): self.me = self
            def __del__(self): delayed(abs)(-1).compute(scheduler="threads", num_workers=2)

        def litter(i, *_):
            Computing()
            if i == 200:
                os.kill(os.getpid(), signal.SIGINT)
            return i

        x = 0
        for i in range(1_000):
            x = delayed(litter)(i, x)
        gc.set_threshold(50)
        try:
            x.compute(scheduler="threads", num_workers=2)
        except KeyboardInterrupt as error:
            stopped.append(type(error))
        gc.set_threshold(0)
        print(stopped == [KeyboardInterrupt], delayed(abs)(-3).compute(scheduler="threads"))
        """,
    )
    assert told.split() == ["True", "3"]


def _in_a_child(computes: Any) -> int:
    """Return the exit code of a fork of this process that computes."""
    child = os.fork()
    if not child:
        try:
            os._exit(0 if computes() == 10 else 1)
        except BaseException:
            os._exit(2)
    end = time.monotonic() + 20
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.01)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return -1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:os.fork:RuntimeWarning")  # once JAX is loaded, of JAX
@pytest.mark.parametrize("options", [{}, {"retries": 1}], ids=["plain", "controlled"])
def test_a_task_may_fork_and_compute_in_the_child(
    in_process_scheduler: Scheduler, options: dict[str, Any]
) -> None:
    """The threads that run the task are not there to help."""

    def computes() -> int:
        tasks = [delayed(inc, **options)(i) for i in range(4)]
        return sum(compute(*tasks, scheduler=Threads(2)))

    tasks = [delayed(_in_a_child, **options)(computes) for _ in range(2)]
    assert compute(*tasks, scheduler=in_process_scheduler) == (0, 0)


def test_a_stream_left_open_does_not_keep_the_interpreter(tmp_path: Path) -> None:
    """The tasks wait for longer than a script may: what ends them is the end of the program."""
    told = run_script(
        tmp_path,
        """
        import threading
        from lazygraph import as_completed, delayed

        def wait(i):
            threading.Event().wait(300 * i)
            return i

        tasks = [delayed(wait)(i) for i in range(8)]
        stream = as_completed(tasks, scheduler="threads", num_workers=2)
        print(next(stream)[1])
        """,
    )
    assert told == "0\n"


@pytest.mark.parametrize("options", ["", "retries=1"], ids=["plain", "controlled"])
def test_a_finaliser_may_compute_while_the_interpreter_exits(tmp_path: Path, options: str) -> None:
    told = run_script(
        tmp_path,
        f"""
        import gc
        from lazygraph import delayed

        class Computing:
            def __init__(self): self.me = self
            def __del__(self): print(delayed(abs, {options})(-3).compute(scheduler="threads"))

        gc.set_threshold(0)  # the collector comes when the interpreter exits
        Computing()
        """,
    )
    assert told == "3\n"


def test_threads_that_outlive_ctrl_c_are_told_nothing_and_tell_nothing() -> None:
    """A task that goes on after its run has ended leaves the next run alone."""
    go_on, ended = threading.Event(), threading.Event()

    def slow() -> int:
        go_on.wait(20)
        ended.set()
        return 1

    def stop() -> None:
        raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        compute(delayed(slow)(), delayed(stop)(), scheduler=Threads(2))
    values = compute(*[delayed(inc)(i) for i in range(5)], scheduler=Threads(2))
    go_on.set()
    assert ended.wait(20)
    assert values == (1, 2, 3, 4, 5)

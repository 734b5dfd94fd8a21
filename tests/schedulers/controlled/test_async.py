"""Coroutine functions as tasks: one event loop per run, on which they overlap."""

from __future__ import annotations

import asyncio
import functools
import signal
import subprocess
import sys
import textwrap
import threading
import traceback
from pathlib import Path
from typing import Any

import pytest
from coroutines import fail_later, hang, later, wait_for
from tasks import add, append, fail, identity, inc, said, wait_until

import lazygraph
from lazygraph import as_completed, compute, config, delayed, optimize
from lazygraph.errors import TaskExited, TaskTimeout
from lazygraph.observers import Recorder
from lazygraph.protocols import Scheduler
from lazygraph.schedulers import Threads
from lazygraph.schedulers.controlled import loop


class Client:
    """Coroutine functions as methods and as a call."""

    def __init__(self, base: int) -> None:
        self.base = base

    @delayed
    async def plus(self, x: int) -> int:
        return self.base + await later(x)

    async def minus(self, x: int) -> int:
        return self.base - await later(x)

    async def __call__(self, x: int) -> int:
        return self.base * await later(x)


def test_results_feed_tasks_of_both_kinds(own_scheduler: Scheduler) -> None:
    value = delayed(inc)(delayed(later)(delayed(inc)(delayed(later)(1))))
    assert delayed(add)(value, delayed(later)(value)).compute(scheduler=own_scheduler) == 6


def test_methods_partials_and_callable_objects(own_scheduler: Scheduler) -> None:
    client = Client(10)
    values = [
        client.plus(1),
        delayed(client.minus)(1),
        delayed(client)(3),
        delayed(functools.partial(later, 7))(),
        delayed(functools.partial(client.minus, 2))(),
        delayed(functools.partial(functools.partial(client), 2))(),
    ]
    assert compute(*values, scheduler=own_scheduler) == (11, 9, 30, 7, 8, 20)


def test_what_is_no_coroutine_function_is_called_as_ever(own_scheduler: Scheduler) -> None:
    assert type(delayed(Client)(1).compute(scheduler=own_scheduler)) is Client


@functools.cache
def barrier(n: int) -> asyncio.Barrier:
    return asyncio.Barrier(n)


async def meet(n: int, x: int) -> int:
    await barrier(n).wait()
    return x


@pytest.mark.parametrize("options", [{}, {"retries": 1, "timeout": 60, "uses": {"db": 1}}])
def test_all_that_are_ready_overlap(own_scheduler: Scheduler, options: Any) -> None:
    """A hundred wait for each other, on however few workers."""
    barrier.cache_clear()
    values = [delayed(meet, **options)(100, i) for i in range(100)]
    with config.set(limits={"db": 100}):
        assert compute(*values, scheduler=own_scheduler) == tuple(range(100))


def test_they_overlap_one_by_one_as_far_as_the_lookahead_goes(own_scheduler: Scheduler) -> None:
    barrier.cache_clear()
    values = [delayed(meet)(3, i) for i in range(9)]
    pairs = as_completed(values, scheduler=own_scheduler, lookahead=3)
    assert sorted(result for _, result in pairs) == list(range(9))


def wait_here(path: Path) -> str:
    wait_until(lambda: said(path) != "")
    return said(path)


async def append_later(path: Path) -> None:
    append(path, "!")


def test_they_overlap_with_other_tasks(own_scheduler: Scheduler, tmp_path: Path) -> None:
    """What comes first waits for what the second, of the other kind, does."""
    values = [delayed(wait_for)(tmp_path / "log"), delayed(append)(tmp_path / "log", "!")]
    assert compute(*values, scheduler=own_scheduler) == ("!", None)
    values = [delayed(wait_here)(tmp_path / "second"), delayed(append_later)(tmp_path / "second")]
    assert compute(*values, scheduler=own_scheduler) == ("!", None)


async def who(seen: Any) -> tuple[int, str]:
    await later(seen)
    return id(asyncio.get_running_loop()), threading.current_thread().name


def test_one_loop_thread_per_run_and_none_after_it(own_scheduler: Scheduler) -> None:
    before = set(threading.enumerate())
    values = [delayed(who)(delayed(identity)(i)) for i in range(20)]
    loops = set(compute(*values, scheduler=own_scheduler))
    assert len(loops) == 1
    assert next(iter(loops))[1] == "lazygraph-event-loop"
    left = {t for t in threading.enumerate() if t.name == "lazygraph-event-loop"}
    assert left <= before


def test_a_resource_bounds_how_many_are_inside(own_scheduler: Scheduler, tmp_path: Path) -> None:
    from tasks import most_at_once

    values = [delayed(inside, uses={"db": 1})(tmp_path / "log") for _ in range(30)]
    compute(*values, scheduler=own_scheduler, limits={"db": 2})
    assert most_at_once(said(tmp_path / "log")) <= 2


async def inside(path: Path) -> None:
    append(path, "+")
    for _ in range(5):
        await asyncio.sleep(0)
    append(path, "-")


# ------------------------------------------------------------------- failures
def test_an_error_has_its_note_and_the_users_frames(own_scheduler: Scheduler) -> None:
    value = delayed(inc)(delayed(fail_later)(1, dask_key_name="bad"))
    with pytest.raises(ValueError, match="cannot use 1") as caught:
        value.compute(scheduler=own_scheduler)
    assert "while running task 'bad': fail_later(1)" in caught.value.__notes__[0]
    names = [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)]
    assert names[1:] == ["fail_later"]
    assert caught.value.__context__ is None


async def flaky_later(path: Path, fails: int) -> str:
    append(path, ".")
    await asyncio.sleep(0)
    if len(said(path)) <= fails:
        raise OSError(f"call {len(said(path))}")
    return said(path)


def test_it_is_tried_again(own_scheduler: Scheduler, tmp_path: Path) -> None:
    recorder = Recorder()
    value = delayed(flaky_later, retries=2)(tmp_path / "calls", 2)
    assert value.compute(scheduler=own_scheduler, observers=[recorder]) == "..."
    assert (recorder.retried, recorder.ended) == ([value.key] * 2, [value.key])


def test_an_overdue_one_is_cancelled(own_scheduler: Scheduler, tmp_path: Path) -> None:
    value = delayed(hang, timeout=0.05)(tmp_path / "log", dask_key_name="slow")
    with pytest.raises(TaskTimeout, match=r"'slow' .* it was cancelled") as caught:
        value.compute(scheduler=own_scheduler)
    assert said(tmp_path / "log") == "begun cleaned"
    assert "hang(" in caught.value.__notes__[0]


async def refuse_to_end() -> str:
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        return "late"
    return "never"


async def never_awaits(path: Path) -> str:
    wait_until(lambda: said(path) != "")
    return "late"


def test_a_late_result_is_dropped(own_scheduler: Scheduler, tmp_path: Path) -> None:
    with pytest.raises(TaskTimeout, match="it was cancelled"):
        delayed(refuse_to_end, timeout=0.05)().compute(scheduler=own_scheduler)
    append(tmp_path / "log", "!")
    with pytest.raises(TaskTimeout, match="it ran to its end, and its result was dropped"):
        delayed(never_awaits, timeout=1e-7)(tmp_path / "log").compute(scheduler=own_scheduler)


async def time_out_inside() -> None:
    await asyncio.wait_for(asyncio.Event().wait(), 0.01)


def test_a_timeout_of_the_tasks_own_is_its_own(own_scheduler: Scheduler) -> None:
    with pytest.raises(TimeoutError) as caught:
        delayed(time_out_inside, timeout=60)().compute(scheduler=own_scheduler)
    assert type(caught.value) is not TaskTimeout


def test_the_first_error_cancels_the_others(own_scheduler: Scheduler, tmp_path: Path) -> None:
    log = tmp_path / "log"
    bad = delayed(fail)(delayed(wait_for)(log))
    with pytest.raises(ValueError, match="cannot use"):
        compute(delayed(hang)(log), bad, scheduler=own_scheduler)
    assert wait_until(lambda: said(log) == "begun cleaned")


async def raise_it(kind: type[BaseException]) -> None:
    raise kind("from a task")


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, asyncio.CancelledError])
def test_what_ends_a_program_ends_the_task_alone(
    own_scheduler: Scheduler, kind: type[BaseException]
) -> None:
    value = delayed(raise_it)(kind)
    with pytest.raises(TaskExited, match="from a task") as caught:
        value.compute(scheduler=own_scheduler)
    assert "raise_it" in caught.value.__notes__[0]
    failed = value.compute(scheduler=own_scheduler, on_error="collect")
    assert type(failed.error.__cause__) is kind


async def clean_up_for_ever() -> None:
    try:
        await asyncio.sleep(60)
    finally:
        await asyncio.sleep(60)


def test_clean_up_that_does_not_end_is_left_behind(
    in_process_scheduler: Scheduler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "_GRACE_SECONDS", 0.1)
    with pytest.raises(TaskTimeout, match="left behind when it went on"):
        delayed(clean_up_for_ever, timeout=0.05)().compute(scheduler=in_process_scheduler)


async def leave_something_behind(path: Path) -> int:
    task = asyncio.create_task(hang(path))
    while not said(path):  # noqa: ASYNC110  # it is the loop's next turn that writes it
        await asyncio.sleep(0)
    return len({task})


def test_what_a_task_has_started_ends_with_the_run(
    own_scheduler: Scheduler, tmp_path: Path
) -> None:
    value = delayed(leave_something_behind)(tmp_path / "log")
    assert value.compute(scheduler=own_scheduler) == 1
    assert wait_until(lambda: said(tmp_path / "log") == "begun cleaned")


def test_it_is_neither_fused_nor_inlined() -> None:
    value = delayed(inc)(delayed(later, inline=True)(delayed(later)(delayed(later)(1))))
    (better,) = optimize(value)
    assert len(better.graph) == 4
    assert better.compute(scheduler="sync") == 2


def test_the_context_of_the_caller_is_there(own_scheduler: Scheduler) -> None:
    with config.set(num_workers=7):
        assert delayed(ask)().compute(scheduler=own_scheduler) == 7


async def ask() -> Any:
    return lazygraph.config.get("num_workers")


CTRL_C = textwrap.dedent(
    """
    import asyncio, os
    from lazygraph import compute, config, delayed

    config.set(num_workers=2)

    @delayed
    async def hang(i):
        os.write(1, b"started\\n")
        await asyncio.Event().wait()

    try:
        compute(*[hang(i) for i in range(3)], scheduler="{scheduler}")
    except KeyboardInterrupt as error:
        print("NOTES", *error.__notes__, flush=True)
    print("AGAIN", compute(delayed(abs)(-1)), flush=True)
    """
)


@pytest.mark.skipif(sys.platform == "win32", reason="signals to a process are POSIX")
@pytest.mark.parametrize("scheduler", ["synchronous", "threads"])
def test_ctrl_c_gives_control_back(scheduler: str) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", CTRL_C.format(scheduler=scheduler)],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    for _ in range(3):
        assert process.stdout.readline() == "started\n"
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=30)
    running = "still running in threads" if scheduler == "threads" else "running"
    assert f"NOTES lazygraph: stopped: 0 of 3 tasks done, 3 {running}: 'hang-" in output
    assert "AGAIN (1,)" in output


def test_a_worker_more_would_be_of_no_use() -> None:
    """Ordinary tasks keep all workers busy; the coroutine runs none the less."""
    release = threading.Event()

    async def let_go() -> None:
        release.set()

    values = [delayed(release.wait)(10) for _ in range(2)]
    assert compute(*values, delayed(let_go)(), scheduler=Threads(2)) == (True, True, None)

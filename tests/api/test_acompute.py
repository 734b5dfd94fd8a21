"""Computes that wait without blocking: `acompute`, and computes inside coroutine tasks."""

from __future__ import annotations

import asyncio
import threading
import traceback
from pathlib import Path
from typing import Any

import pytest
from coroutines import hang, later, wait_for
from tasks import append, fail, inc, said, tallied, wait_until

from lazygraph import acompute, as_completed, compute, config, delayed, optimize, persist
from lazygraph.errors import OptionError, RunError, UnsupportedOptionError
from lazygraph.observers import Recorder, RunEnded, RunStarted
from lazygraph.protocols import Scheduler


# ---------------------------------------------------------- computes inside
async def block(kind: str) -> Any:
    value = delayed(later)(1)
    return value.compute() if kind == "compute" else list(as_completed([value]))


@pytest.mark.parametrize("kind", ["compute", "as_completed"])
def test_a_compute_that_would_block_the_loop_is_refused(
    own_scheduler: Scheduler, kind: str
) -> None:
    with (
        config.set(scheduler=own_scheduler),
        pytest.raises(RunError, match=r"by await lazygraph.acompute\(...\)"),
    ):
        delayed(block)(kind).compute()


async def block_shortly() -> Any:
    values = compute(delayed(inc)(1), delayed(inc, retries=1)(2))
    return values, await asyncio.to_thread(lambda: delayed(later)(1).compute())


def test_a_compute_of_functions_or_on_another_thread_is_not(own_scheduler: Scheduler) -> None:
    with config.set(scheduler=own_scheduler):
        assert delayed(block_shortly)().compute() == ((2, 3), 1)


async def recurse(depth: int) -> int:
    if not depth:
        return 1
    inner = [delayed(recurse)(depth - 1), delayed(recurse)(depth - 1)]
    pair = await asyncio.gather(acompute(inner[0]), acompute(inner[1], delayed(inc)(1)))
    return 1 + pair[0][0] + pair[1][0]


def test_an_awaited_compute_inside_a_task_goes_on(own_scheduler: Scheduler) -> None:
    before = set(threading.enumerate())
    with config.set(scheduler=own_scheduler):
        assert delayed(recurse)(4).compute() == 2**5 - 1

    def of_the_run() -> list[str]:
        """The one that closes idle pools of processes outlives runs."""
        names = [thread.name for thread in set(threading.enumerate()) - before]
        return [name for name in names if name.startswith("lazygraph") and "pools" not in name]

    assert wait_until(lambda: not of_the_run())


# -------------------------------------------------------------------- acompute
def test_it_gives_what_compute_gives(own_scheduler: Scheduler) -> None:
    value, other = delayed(later)(1), delayed(inc)(1)

    async def main() -> Any:
        options: dict[str, Any] = {"scheduler": own_scheduler}
        assert await acompute(1, "a", **options) == (1, "a")
        return await acompute(value, {"a": [other, value, 7]}, other, **options)

    assert asyncio.run(main()) == (1, {"a": [2, 1, 7]}, 2)


def test_the_callers_loop_goes_on_meanwhile(own_scheduler: Scheduler, tmp_path: Path) -> None:
    """The task waits for what the caller's loop does."""

    async def main() -> Any:
        async with asyncio.TaskGroup() as group:
            run = group.create_task(
                acompute(delayed(wait_for)(tmp_path / "log"), scheduler=own_scheduler)
            )
            await asyncio.sleep(0.01)
            append(tmp_path / "log", "!")
        return run.result()

    assert asyncio.run(main()) == ("!",)


def test_its_errors_are_the_tasks(own_scheduler: Scheduler) -> None:
    async def main() -> None:
        await acompute(delayed(inc)(delayed(fail)(1)), scheduler=own_scheduler)

    with pytest.raises(ValueError, match="cannot use 1") as caught:
        asyncio.run(main())
    assert "fail(1)" in caught.value.__notes__[0]
    names = [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)]
    assert names[-2:] == ["main", "fail"]
    with pytest.raises(OptionError, match="acompute has no option 'x'"):
        asyncio.run(acompute(1, x=2))
    with pytest.raises(UnsupportedOptionError, match="'acompute'"):
        asyncio.run(acompute(delayed(inc)(1), scheduler=lambda dsk, keys: None))


def test_cancelling_it_ends_the_run(own_scheduler: Scheduler, tmp_path: Path) -> None:
    """One hangs till it is cancelled; a thousand that need it never run."""
    recorder, log = Recorder(), tmp_path / "log"
    slow = delayed(hang)(log)
    after = [delayed(tallied)(tmp_path / "after", slow) for _ in range(1_000)]

    async def main() -> None:
        run = asyncio.create_task(acompute(*after, scheduler=own_scheduler, observers=[recorder]))
        await wait_for(log)
        run.cancel()
        await run

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(main())
    assert wait_until(lambda: said(log) == "begun cleaned")
    assert wait_until(lambda: isinstance(recorder.events[-1], RunEnded))
    assert said(tmp_path / "after") == ""


def test_cancelling_it_does_not_wait_for_the_task_in_hand() -> None:
    release, runs = threading.Event(), threading.Event()
    ran: list[int] = []

    def hold() -> None:
        runs.set()
        release.wait(30)

    async def main(scheduler: str) -> None:
        options: Any = {"scheduler": scheduler}
        if scheduler == "threads":
            options["num_workers"] = 1
        values = [delayed(hold)(), *[delayed(ran.append)(i) for i in range(100)]]
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await acompute(*values, **options)

    before = set(threading.enumerate())
    for scheduler in ("sync", "threads"):
        asyncio.run(main(scheduler))
        assert runs.is_set()
        runs.clear()
    assert not release.is_set()
    release.set()
    assert wait_until(lambda: set(threading.enumerate()) <= before)
    assert ran == []


def test_it_is_observed_like_any_run(own_scheduler: Scheduler) -> None:
    recorder = Recorder()
    asyncio.run(acompute(delayed(inc)(1), scheduler=own_scheduler, observers=[recorder]))
    assert isinstance(recorder.events[0], RunStarted)
    assert isinstance(recorder.events[-1], RunEnded)
    assert recorder.events[-1].error is None


def test_values_with_nothing_lazy_in_them_come_back() -> None:
    assert asyncio.run(acompute(1, [2])) == (1, [2])
    assert optimize(1, {"a": [2]}) == (1, {"a": [2]})
    assert persist(1, [2]) == (1, [2])

"""The failed task again, alone, in this process, with its real arguments."""

from __future__ import annotations

import asyncio
import traceback
from pathlib import Path
from typing import Any

import pytest
from tasks import add, append, fail, inc, said

from lazygraph import compute, delayed, get, optimize, replay, rng
from lazygraph.errors import OptionError
from lazygraph.protocols import Scheduler


def strict(path: Path, items: Any, *, by: int) -> Any:
    append(path, ".")
    if len(said(path)) < 3:
        raise ValueError(f"call {len(said(path))}")
    return items, by


def failure(value: Any, **options: Any) -> BaseException:
    try:
        value.compute(**options)
    except Exception as error:
        return error
    raise AssertionError("it did not fail")


def test_it_runs_with_its_real_arguments(own_scheduler: Scheduler, tmp_path: Path) -> None:
    """Only the failed task: not what it needs, not what needs it."""
    first = delayed(add)(delayed(inc)(1), 1)
    tally = delayed(append)(tmp_path / "first", "!")
    bad = delayed(strict)(tmp_path / "calls", [first, {"k": tally}], by=delayed(inc)(6))
    error = failure(delayed(append)(tmp_path / "after", delayed(str)(bad)), scheduler=own_scheduler)

    with pytest.raises(ValueError, match="call 2") as caught:
        replay(error)
    assert replay(error) == ([3, {"k": None}], 7)
    assert said(tmp_path / "first") == "!"
    assert said(tmp_path / "after") == ""
    assert traceback.extract_tb(caught.value.__traceback__)[-1].name == "strict"


@pytest.mark.parametrize("options", [{}, {"retries": 1}], ids=["plain", "controlled"])
def test_each_way_of_running_remembers(own_scheduler: Scheduler, options: Any) -> None:
    from lazygraph.observers import Recorder

    for more in ({}, {"observers": [Recorder()]}, {"seed": 1}):
        error = failure(delayed(fail, **options)(7), scheduler=own_scheduler, **more)
        with pytest.raises(ValueError, match="cannot use 7"):
            replay(error)


def test_what_was_collected_can_be_replayed(own_scheduler: Scheduler, tmp_path: Path) -> None:
    bad = delayed(strict)(tmp_path / "calls", 1, by=2)
    (failed,) = compute(bad, scheduler=own_scheduler, on_error="collect")
    with pytest.raises(ValueError, match="call 2"):
        replay(failed)
    assert replay(failed.error) == (1, 2)


def test_the_member_of_a_fused_task_runs_alone(own_scheduler: Scheduler, tmp_path: Path) -> None:
    chain = delayed(append)(tmp_path / "first", "!")
    chain = delayed(strict)(tmp_path / "calls", chain, by=2)
    chain = delayed(append)(tmp_path / "after", delayed(str)(chain))
    (fused,) = optimize(chain)
    assert len(fused.graph) == 1
    error = failure(fused, scheduler=own_scheduler)
    with pytest.raises(ValueError, match="call 2"):
        replay(error)
    assert replay(error) == (None, 2)
    assert (said(tmp_path / "first"), said(tmp_path / "after")) == ("!", "")


async def later(path: Path, x: Any) -> Any:
    await asyncio.sleep(0)
    append(path, ".")
    if len(said(path)) < 3:
        raise ValueError(f"call {len(said(path))}")
    return x


def test_an_async_task_runs_again(own_scheduler: Scheduler, tmp_path: Path) -> None:
    error = failure(delayed(later)(tmp_path / "calls", delayed(inc)(1)), scheduler=own_scheduler)
    with pytest.raises(ValueError, match="call 2"):
        replay(error)
    assert replay(error) == 2


def test_an_async_task_runs_again_where_an_event_loop_runs(tmp_path: Path) -> None:
    """As in a notebook."""
    error = failure(delayed(later)(tmp_path / "calls", 5), scheduler="sync")

    async def cell() -> Any:
        with pytest.raises(ValueError, match="call 2"):
            replay(error)
        return replay(error)

    assert asyncio.run(cell()) == 5


class Drawn(Exception):  # noqa: N818
    pass


def draw_and_fail(_: Any) -> None:
    raise Drawn(rng().integers(1_000_000, size=3).tolist(), rng().integers(1_000_000))


def draw(_: Any) -> int:
    return int(rng().integers(1_000_000))


async def draw_and_fail_later(_: Any) -> None:
    draw_and_fail(None)


@pytest.mark.parametrize("function", [draw_and_fail, draw_and_fail_later])
def test_a_task_with_a_seed_draws_the_same_numbers(own_scheduler: Scheduler, function: Any) -> None:
    value = delayed(function)(delayed(draw)(0))
    for options in ({}, {"retries": 2}):
        value = delayed(function, **options)(delayed(draw)(0))
        error = failure(value, scheduler=own_scheduler, seed=5)
        for _ in range(2):
            with pytest.raises(Drawn) as caught:
                replay(error)
            assert caught.value.args == error.args
    assert failure(value, scheduler=own_scheduler, seed=6).args != error.args


def test_a_member_of_a_fused_task_draws_the_same_numbers(own_scheduler: Scheduler) -> None:
    """Three members draw, each from numbers of its own; the third fails."""
    (fused,) = optimize(delayed(draw_and_fail)(delayed(draw)(delayed(draw)(0))))
    assert len(fused.graph) == 1
    error = failure(fused, scheduler=own_scheduler, seed=5)
    with pytest.raises(Drawn) as caught:
        replay(error)
    assert caught.value.args == error.args


def test_the_task_that_called_compute_is_the_one_that_failed(own_scheduler: Scheduler) -> None:
    error = failure(delayed(nested)(3, dask_key_name="outer"), scheduler=own_scheduler)
    with pytest.raises(ValueError, match="cannot use 3") as caught:
        replay(error)
    assert any("while running task 'inner'" in note for note in caught.value.__notes__)


def nested(x: int) -> Any:
    return delayed(fail)(x, dask_key_name="inner").compute(scheduler="sync")


def test_a_raw_graph_s_task_can_be_replayed() -> None:
    with pytest.raises(ValueError, match="cannot use") as caught:
        get({"x": 1, "bad": (fail, (inc, "x"))}, "bad", scheduler="sync")
    with pytest.raises(ValueError, match="cannot use 2"):
        replay(caught.value)


@pytest.mark.parametrize("bad", [ValueError("mine"), None, 3, "text", KeyError])
def test_what_no_task_raised_is_refused(bad: Any) -> None:
    with pytest.raises(OptionError, match="replay wants an error that a task of a compute raised"):
        replay(bad)

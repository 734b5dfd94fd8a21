"""Dask's local schedulers run lazygraph's graphs, under lazygraph's names."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import dask
import numpy as np
import pytest
from dask.callbacks import Callback
from dask.diagnostics import Profiler
from tasks import add, inc

import lazygraph
from lazygraph import compute, config, delayed
from lazygraph.errors import OptionError, UnpicklableError, UnsupportedOptionError
from lazygraph.observers import Recorder
from lazygraph.protocols import Scheduler
from lazygraph.schedulers import DaskGet, choose

pytestmark = pytest.mark.dask


LOCAL = ["dask", "dask-sync", "dask-threads"]


@pytest.mark.parametrize("name", LOCAL)
def test_dasks_profiler_sees_lazygraphs_keys(name: str) -> None:
    value = delayed(add)(delayed(inc)(1, dask_key_name="mine"), 2)

    with Profiler() as profiler:
        value.compute(scheduler=name)

    assert [result.key for result in profiler.results] == ["mine", value.key]
    assert value.key.startswith("add-")


def test_dasks_callbacks_see_every_key_on_processes(dask_processes: Scheduler) -> None:
    """A chain, which Dask would join into one task."""
    value = delayed(inc)(0)
    for _ in range(9):
        value = delayed(inc)(value)
    seen: list[Any] = []

    with Callback(posttask=lambda key, *_: seen.append(key)):
        assert value.compute(scheduler=dask_processes) == 10

    assert sorted(seen) == sorted(value.graph)


@pytest.mark.parametrize("name", [*LOCAL, "dask-processes"])
@pytest.mark.parametrize(
    ("option", "given"),
    [
        ("retries", 1),
        ("timeout", 1.0),
        ("uses", {"db": 1}),
        ("priority", 1),
        ("rerun", False),
        ("local", True),
        ("workers", ["a"]),
        ("allow_other_workers", True),
    ],
)
def test_an_option_that_is_not_honoured_is_refused_by_name(
    name: str, option: str, given: Any
) -> None:
    value = delayed(inc, **{"retries": 0, option: given})(1, dask_key_name="mine")
    with pytest.raises(UnsupportedOptionError, match=f"'{option}' of task 'mine'") as caught:
        value.compute(scheduler=name)
    assert "dask" in str(caught.value)


@pytest.mark.parametrize("term", [{"limits": {"db": 1}}, {"on_error": "collect"}])
def test_a_term_that_is_not_honoured_is_refused_by_name(term: dict[str, Any]) -> None:
    with pytest.raises(UnsupportedOptionError, match=next(iter(term))):
        delayed(inc)(1).compute(scheduler="dask-threads", **term)


def test_a_seed_gives_the_numbers_that_it_gives_on_threads(scheduler: Scheduler) -> None:
    draws = [delayed(lambda: lazygraph.rng().integers(10**9))() for _ in range(3)]
    expected = compute(*draws, seed=7, scheduler="threads")
    assert len(set(expected)) == 3
    assert compute(*draws, seed=7, scheduler=scheduler) == expected


def test_dask_means_the_local_scheduler_that_dask_is_set_to() -> None:
    meant = {None: "dask-threads", "sync": "dask-sync", "processes": "dask-processes"}
    for said, name in {**meant, "dask.distributed": "dask-threads"}.items():
        with dask.config.set(scheduler=said):
            chosen: Any = choose("dask")
            assert chosen._get is getattr(choose(name), "_get")  # noqa: B009
            assert chosen.name == "dask"  # what the user wrote


def test_what_a_default_asks_for_is_refused_as_a_default_and_how_to_do_without() -> None:
    call = delayed(inc)(1)
    with config.set(on_error="collect", scheduler="dask"):
        with pytest.raises(
            UnsupportedOptionError, match=r"the dask scheduler .*'on_error', set as"
        ) as e:
            call.compute()
        assert "instead: give on_error='raise' to this compute" in str(e.value)
        assert call.compute(on_error="raise") == 2
        with pytest.raises(UnsupportedOptionError, match="honour option 'on_error'; instead"):
            call.compute(on_error="collect")
    with config.set(limits={"db": 1}):  # what uses it is refused itself
        assert call.compute(scheduler="dask") == 2
        with pytest.raises(UnsupportedOptionError, match="'uses' of task"):
            delayed(inc, uses={"db": 1})(1).compute(scheduler="dask")


def own_get(dsk: Any, keys: Any, **_: Any) -> Any:
    return dask.get(dsk, keys)


def test_a_default_seed_or_observer_can_be_left_out_as_the_error_says() -> None:
    class Bare(DaskGet):
        honours = frozenset()

    call, bare = delayed(inc)(1), Bare(own_get)
    with config.set(seed=0, observers=[Recorder()]):
        with pytest.raises(UnsupportedOptionError, match="2 options:") as e:
            call.compute(scheduler=bare)
        assert "give observers=[] to this compute" in str(e.value)
        assert "with config.set(seed=None)" in str(e.value)
        with config.set(seed=None):
            assert call.compute(scheduler=bare, observers=[]) == 2


def test_the_number_of_workers_is_handed_on() -> None:
    with pytest.raises(OptionError, match="num_workers is a number from 1 to"):
        choose("dask-threads", 0)
    seen: dict[str, Any] = {}

    def get(dsk: Any, keys: Any, **given: Any) -> Any:
        seen.update(given)
        return dask.get(dsk, keys)

    assert delayed(inc)(1).compute(scheduler=get, num_workers=3) == 2
    assert seen == {"num_workers": 3}


def test_tasks_of_dask_processes_run_in_other_processes(dask_processes: Scheduler) -> None:
    here = os.getpid()
    offset = 5  # of a closure: it travels with the function
    pid = delayed(lambda: os.getpid() + offset)().compute(scheduler=dask_processes)
    assert pid != here + offset


def test_observers_are_told_of_tasks_that_fail_in_processes(dask_processes: Scheduler) -> None:
    recorder = Recorder()
    bad = delayed(int)("x", dask_key_name="bad")
    with pytest.raises(ValueError, match="invalid literal"):
        bad.compute(scheduler=dask_processes, observers=[recorder])
    assert recorder.started == ["bad"]
    assert recorder.failed == ["bad"]


@pytest.mark.parametrize("where", ["dask_processes", "far_cluster"])
def test_what_cannot_travel_is_named(where: str, request: pytest.FixtureRequest) -> None:
    import threading

    scheduler = request.getfixturevalue(where)
    value = delayed(len)({"lock": threading.Lock()}, dask_key_name="mine")
    with pytest.raises(UnpicklableError, match=r"'mine' \(len\).*args\[0\]\['lock'\]: lock"):
        value.compute(scheduler=scheduler)
    held = threading.Lock()
    closing = delayed(lambda: held)(dask_key_name="closing")
    with pytest.raises(UnpicklableError, match=r"'closing'.*lock"):
        closing.compute(scheduler=scheduler)


def test_a_task_joined_with_others_is_the_one_that_is_blamed(scheduler: Scheduler) -> None:
    first = delayed(int)("x", dask_key_name="first")
    (value,) = lazygraph.optimize(delayed(inc)(first, dask_key_name="second"))
    assert len(value.graph) == 1
    with pytest.raises(ValueError, match="invalid literal") as caught:
        value.compute(scheduler=scheduler)
    note = caught.value.__notes__[0]
    assert "while running task 'first': int('x')" in note
    assert f"captured at {__file__}:" in note


def test_big_arrays_and_keyword_arguments_arrive(scheduler: Scheduler) -> None:
    array = np.arange(50_000)
    value = delayed(np.sum)(delayed(np.add)(array, 1), keepdims=delayed(bool)(0))
    assert value.compute(scheduler=scheduler) == array.sum() + 50_000


def test_a_function_of_get_form_may_call_tasks_in_any_way(tmp_path: Path) -> None:
    def get(dsk: Any, keys: Any, **_: Any) -> Any:
        values: dict[Any, Any] = {}
        for key, (func, *args) in dsk.items():  # the classic form, dependencies first
            values[key] = func(*[values[arg] for arg in args])
        return [values[key] for key in keys]

    value = delayed(add)(delayed(inc)(1), delayed(inc)(2))
    assert value.compute(scheduler=get) == 5
    assert DaskGet(get).name.endswith("get")


@pytest.mark.parametrize("scheduler", [*LOCAL, "dask-processes"])
def test_dasks_progress_bar_shows_a_run(scheduler: str, capsys: pytest.CaptureFixture[str]) -> None:
    from dask.diagnostics import ProgressBar

    with ProgressBar():
        assert delayed(sum)([delayed(inc)(n) for n in range(3)]).compute(scheduler=scheduler) == 6

    assert "100% Completed" in capsys.readouterr().out


def test_a_script_without_a_guard_is_told_what_to_do(tmp_path: Path) -> None:
    """Each of Dask's workers imports it, and would start workers of its own."""
    path = tmp_path / "script.py"
    path.write_text(
        "from lazygraph import delayed\n"
        "print(delayed(abs)(-1).compute(scheduler='dask-processes'))\n"
    )
    done = subprocess.run(  # our own script
        [sys.executable, str(path)], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 1
    assert 'under if __name__ == "__main__"' in done.stderr.splitlines()[-1]

"""Tasks that fail and are tried again: how often, on what, after how long, at whose cost."""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import Any

import pytest
from tasks import append, double, fail, flaky, inc, said, wait_until

from lazygraph import Options, compute, delayed, optimize
from lazygraph.errors import OptionError, TaskExited
from lazygraph.graphs.plan import make_plan
from lazygraph.observers import Recorder, TaskFailed, TaskRetried
from lazygraph.protocols import Scheduler
from lazygraph.schedulers.controlled.state import ControlledState
from lazygraph.tasks.options import Terms


def test_a_task_is_tried_again_until_it_returns(own_scheduler: Scheduler, tmp_path: Path) -> None:
    value = delayed(flaky, retries=3)(tmp_path / "calls", 3, 10)
    assert delayed(inc)(value).compute(scheduler=own_scheduler) == 11
    assert said(tmp_path / "calls") == "...."


def test_the_last_error_is_raised_and_lists_all_attempts(
    own_scheduler: Scheduler, tmp_path: Path
) -> None:
    value = delayed(flaky, retries=2)(tmp_path / "calls", 9, 10, dask_key_name="get")
    with pytest.raises(OSError, match="call 3") as caught:
        value.compute(scheduler=own_scheduler)
    (note,) = caught.value.__notes__
    assert note.startswith("lazygraph: while running task 'get': flaky(")
    attempts = [line.split(" s: ")[1] for line in note.splitlines() if "  attempt " in line]
    assert attempts == ["OSError: call 1", "OSError: call 2", "OSError: call 3"]
    assert said(tmp_path / "calls") == "..."


def test_the_traceback_of_the_last_attempt_shows_the_users_frames_alone(
    own_scheduler: Scheduler, tmp_path: Path
) -> None:
    value = delayed(flaky, retries=1)(tmp_path / "calls", 9, 10)
    with pytest.raises(OSError, match="call 2") as caught:
        value.compute(scheduler=own_scheduler)
    names = [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)]
    assert names[1:] == ["flaky"]


def test_other_errors_than_those_named_are_not_tried_again(
    own_scheduler: Scheduler, tmp_path: Path
) -> None:
    again = delayed(flaky, retries=5, retry_on=(OSError, KeyError))
    path = tmp_path / "values"
    with pytest.raises(ValueError, match="call 1"):
        again(path, 2, 1, ValueError).compute(scheduler=own_scheduler)
    assert said(path) == "."
    for kind in (KeyError, FileNotFoundError):  # one named, one of a subclass
        path = tmp_path / kind.__name__
        assert again(path, 2, 1, kind).compute(scheduler=own_scheduler) == 1


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
def test_what_ends_a_program_is_never_tried_again(
    own_scheduler: Scheduler, tmp_path: Path, kind: type[BaseException]
) -> None:
    with pytest.raises(TaskExited):
        delayed(flaky, retries=5)(tmp_path / "calls", 2, 1, kind).compute(scheduler=own_scheduler)
    assert said(tmp_path / "calls") == "."


def test_none_and_no_retries_are_one_attempt(own_scheduler: Scheduler, tmp_path: Path) -> None:
    for retries in (None, 0):
        path = tmp_path / str(retries)
        with pytest.raises(OSError, match="call 1"):
            delayed(flaky, retries=retries)(path, 1, 1).compute(scheduler=own_scheduler)
        assert said(path) == "."


def test_retries_may_be_many(own_scheduler: Scheduler, tmp_path: Path) -> None:
    value = delayed(flaky, retries=200)(tmp_path / "calls", 200, 1)
    assert value.compute(scheduler=own_scheduler) == 1


# ------------------------------------------------------------------ the wait
def test_the_wait_is_doubled_each_time() -> None:
    """With a clock of the test's own: no time passes."""
    value = delayed(fail, retries=4, backoff=0.5)(1)
    state = ControlledState(make_plan(value.graph, [value.key]), Terms())
    error, now, waits = ValueError("no"), 100.0, []
    for _ in range(4):
        step = state.take()
        assert step == 0
        when = state.retry_at(step, error, 0.1, now)
        assert when is not None
        waits.append(when - now)
        state.try_again(step, when)
        state.wake(when - 0.01)
        assert state.take() is None
        state.wake(when)
        now = when
    assert waits == [0.5, 1.0, 2.0, 4.0]
    state.take()
    assert state.retry_at(0, error, 0.1, now) is None


def test_endless_doubling_does_not_overflow() -> None:
    value = delayed(fail, retries=5_000, backoff=1e300)(1)
    state = ControlledState(make_plan(value.graph, [value.key]), Terms())
    for _ in range(5_000):
        assert state.retry_at(0, ValueError(), 0.0, 0.0) is not None


def wait_for(path: Path, text: str) -> str:
    assert wait_until(lambda: text in said(path))
    return said(path)


def fail_until(path: Path, text: str) -> str:
    append(path, "f")
    if text not in said(path):
        raise OSError("not yet")
    return said(path)


def test_a_task_that_waits_holds_no_worker_and_no_resource(
    own_scheduler: Scheduler, tmp_path: Path
) -> None:
    """It fails until another has run, which has the one unit, and perhaps the one worker."""
    log = tmp_path / "log"
    first = delayed(fail_until, retries=10_000, backoff=0.001, uses={"db": 1}, priority=1)
    other = delayed(append, uses={"db": 1})(log, "!")
    values = compute(first(log, "!"), other, scheduler=own_scheduler, limits={"db": 1})
    assert values[0].startswith("f")
    assert "!" in values[0]


def test_nothing_waits_after_the_run_has_failed(own_scheduler: Scheduler, tmp_path: Path) -> None:
    """One would be tried again in an hour; the other fails for good."""
    slow = delayed(flaky, retries=3, backoff=3600)(tmp_path / "slow", 9, 1)
    bad = delayed(fail)(delayed(wait_for)(tmp_path / "slow", "."))
    with pytest.raises(ValueError, match="cannot use"):
        compute(slow, bad, scheduler=own_scheduler)
    assert said(tmp_path / "slow") == "."


# ----------------------------------------------------------------- observers
def test_observers_hear_of_each_attempt(own_scheduler: Scheduler, tmp_path: Path) -> None:
    recorder = Recorder()
    value = delayed(flaky, retries=3)(tmp_path / "calls", 2, 1, dask_key_name="get")
    value.compute(scheduler=own_scheduler, observers=[recorder])
    kinds = [type(e).__name__ for e in recorder.events if hasattr(e, "key")]
    assert kinds == [*["TaskStarted", "TaskRetried"] * 2, "TaskStarted", "TaskEnded"]
    assert recorder.retried == ["get", "get"]
    assert recorder.failed == []
    assert recorder.most_alive == 1
    errors = [str(e.error) for e in recorder.events if isinstance(e, TaskRetried)]
    assert errors == ["call 1", "call 2"]


def test_observers_hear_of_the_last_attempt_as_a_failure(
    own_scheduler: Scheduler, tmp_path: Path
) -> None:
    recorder = Recorder()
    value = delayed(flaky, retries=1)(tmp_path / "calls", 9, 1, dask_key_name="get")
    with pytest.raises(OSError, match="call 2") as caught:
        value.compute(scheduler=own_scheduler, observers=[recorder])
    assert (recorder.retried, recorder.failed) == (["get"], ["get"])
    (failed,) = [e for e in recorder.events if isinstance(e, TaskFailed)]
    assert failed.error is caught.value


# --------------------------------------------------------------------- options
def test_a_lazy_function_can_be_given_further_options(
    own_scheduler: Scheduler, tmp_path: Path
) -> None:
    once = delayed(flaky, priority=2)
    again = delayed(once, retries=1)
    assert once(tmp_path, 1, 1)._function.options == Options(priority=2)
    assert again(tmp_path, 1, 1)._function.options == Options(priority=2, retries=1)
    assert again(tmp_path / "calls", 1, 5).compute(scheduler=own_scheduler) == 5
    assert delayed(again, retries=None, priority=0)(tmp_path, 1, 1)._function.options == Options()


def test_a_value_takes_no_options() -> None:
    with pytest.raises(OptionError, match="options belong to a function"):
        delayed(delayed(inc)(1), retries=3)


@pytest.mark.parametrize(
    ("option", "bad", "permitted"),
    [
        ("retries", -1, "how often to try again, 0 or more"),
        ("retries", True, "how often to try again, 0 or more"),
        ("retries", "2", "how often to try again, 0 or more"),
        ("retries", 1.0, "how often to try again, 0 or more"),
        ("retry_on", (), r"a subclass of Exception or a tuple of them, as \(ConnectionError,\)"),
        ("retry_on", "OSError", "a subclass of Exception or a tuple of them"),
        ("retry_on", (OSError, int), "a subclass of Exception or a tuple of them"),
        ("retry_on", KeyboardInterrupt, "a subclass of Exception or a tuple of them"),
        ("retry_on", OSError(), "a subclass of Exception or a tuple of them"),
        ("retry_on", None, "a subclass of Exception or a tuple of them"),
        ("backoff", -1, "a number of seconds, 0 or more"),
        ("backoff", float("nan"), "a number of seconds, 0 or more"),
        ("backoff", float("inf"), "a number of seconds, 0 or more"),
        ("backoff", 10**400, "a number of seconds, 0 or more"),
        ("backoff", None, "a number of seconds, 0 or more"),
        ("priority", float("nan"), "a number, larger for sooner"),
        ("priority", "high", "a number, larger for sooner"),
        ("priority", True, "a number, larger for sooner"),
    ],
)
def test_a_bad_value_is_refused_with_what_is_permitted(
    option: str, bad: Any, permitted: str
) -> None:
    with pytest.raises(OptionError, match=f"option {option!r} is {permitted}"):
        delayed(inc, **{option: bad})
    with pytest.raises(OptionError, match=f"option {option!r} is {permitted}"):
        Options(**{option: bad})


def test_pure_tasks_with_other_options_are_others(tmp_path: Path) -> None:
    once = delayed(flaky, pure=True)(tmp_path / "calls", 1, 5)
    again = delayed(flaky, pure=True, retries=1)(tmp_path / "calls", 1, 5)
    assert once.key != again.key
    assert again.key == delayed(flaky, pure=True, retries=1)(tmp_path / "calls", 1, 5).key


# -------------------------------------------------------------- with the rest
def test_a_step_with_controls_is_neither_fused_nor_inlined(tmp_path: Path) -> None:
    cheap = delayed(double, inline=True)(4)
    value = delayed(inc)(delayed(flaky, retries=1)(tmp_path / "calls", 1, delayed(inc)(cheap)))
    (better,) = optimize(value)
    assert better.compute(scheduler="sync") == 10
    flaky_key = value._leaves[0].key
    assert better.graph[flaky_key].func is flaky
    chain = delayed(inc, retries=1)(delayed(inc, retries=1)(1))
    assert len(optimize(chain)[0].graph) == 2  # what fails is tried again alone
    path = tmp_path / "more"
    again = delayed(flaky, retries=1, retry_on=OSError)(path, 1, delayed(double, inline=True)(4))
    (better,) = optimize(again)  # an error of the cheap task would not be one of the other
    assert better.compute(scheduler="sync") == 8
    assert len(better.graph) == 2

"""What is left when tasks fail: `Failed` and `Skipped` in place of results, or `.partial`."""

from __future__ import annotations

import asyncio
import gc
import http.client
import pickle
import signal
import subprocess
import sys
import textwrap
import threading
import traceback
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tasks import add, append, fail, flaky, identity, inc, said, wait_until

import lazygraph
from lazygraph import Failed, Graph, Skipped, compute, config, delayed, persist
from lazygraph.errors import TaskExited
from lazygraph.observers import Recorder, RunEnded
from lazygraph.protocols import Scheduler

LOCAL = pytest.mark.parametrize("name", ["synchronous", "threads"])


def collect(*values: Any, scheduler: Any, **options: Any) -> tuple[Any, ...]:
    return compute(*values, scheduler=scheduler, on_error="collect", **options)


def test_what_failed_and_what_needed_it_stand_in_their_places(own_scheduler: Scheduler) -> None:
    """bad -> middle -> end; good -> end, good -> other."""
    bad = delayed(fail)(1, dask_key_name="bad")
    good = delayed(inc)(1)
    middle = delayed(inc)(bad)
    end = delayed(add)(good, middle)

    values = collect([bad, middle], {"end": end}, delayed(inc)(good), 5, scheduler=own_scheduler)

    (failed, skipped), ends, other, plain = values
    assert type(failed) is Failed
    assert failed.key == "bad"
    assert type(failed.error) is ValueError
    assert "while running task 'bad'" in failed.error.__notes__[0]
    assert skipped == Skipped("bad", failed.error) == ends["end"]
    assert (other, plain) == (3, 5)


def test_a_run_without_errors_gives_results(own_scheduler: Scheduler) -> None:
    assert collect(delayed(inc)(delayed(inc)(1)), scheduler=own_scheduler) == (3,)


def test_the_frames_of_a_collected_error_are_the_users(own_scheduler: Scheduler) -> None:
    (failed,) = collect(delayed(fail)(1), scheduler=own_scheduler)
    frames = [frame.name for frame in traceback.extract_tb(failed.error.__traceback__)]
    assert frames == ["fail"]


def test_what_needs_a_failed_task_never_runs(own_scheduler: Scheduler, tmp_path: Path) -> None:
    bad = delayed(fail)(1)
    needs = [delayed(append)(tmp_path / "log", delayed(str)(bad)) for _ in range(20)]
    values = collect(*needs, delayed(append)(tmp_path / "log", "!"), scheduler=own_scheduler)
    assert values == (*[Skipped(bad.key, values[0].error)] * 20, None)
    assert type(values[0].error) is ValueError
    assert said(tmp_path / "log") == "!"


def test_a_task_is_tried_again_before_it_fails(own_scheduler: Scheduler, tmp_path: Path) -> None:
    again = delayed(flaky, retries=1)
    values = [again(tmp_path / "one", 1, "one"), again(tmp_path / "two", 9, "two")]
    one, two = collect(*values, scheduler=own_scheduler)
    assert one == "one"
    assert type(two) is Failed
    assert "attempt 2" in two.error.__notes__[0]
    assert not hasattr(two.error, "partial")


def test_a_long_chain_of_skipped_tasks_is_no_recursion(own_scheduler: Scheduler) -> None:
    value = bad = delayed(fail)(1)
    for _ in range(3_000):
        value = delayed(inc)(value)
    (skipped,) = collect(value, scheduler=own_scheduler)
    assert (type(skipped), skipped.because) == (Skipped, bad.key)


async def later(x: Any) -> Any:
    await asyncio.sleep(0)
    return x


def test_skips_pass_from_lane_to_lane(own_scheduler: Scheduler) -> None:
    """Functions and coroutine functions in turn."""
    value = bad = delayed(fail)(1)
    for _ in range(30):
        value = delayed(later)(delayed(identity)(value))
    (skipped,) = collect(value, scheduler=own_scheduler)
    assert (type(skipped), skipped.because) == (Skipped, bad.key)


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
def test_what_ends_a_program_ends_the_task_alone(
    own_scheduler: Scheduler, tmp_path: Path, kind: type[BaseException]
) -> None:
    first = delayed(flaky)(tmp_path / "calls", 1, 1, kind)
    after = delayed(append)(tmp_path / "log", delayed(str)(first))
    ((failed, other),) = collect([after, delayed(inc)(1)], scheduler=own_scheduler)
    assert (type(failed), other) == (Skipped, 2)
    ((failed,),) = collect([first], scheduler=own_scheduler)
    assert failed == 1  # the second call
    with pytest.raises(TaskExited, match="call 1") as caught:
        delayed(flaky)(tmp_path / "others", 1, 1, kind).compute(scheduler=own_scheduler)
    assert type(caught.value.__cause__) is kind
    assert "while running task" in caught.value.__notes__[0]
    assert said(tmp_path / "log") == ""


def test_observers_hear_of_failures_and_skips(own_scheduler: Scheduler) -> None:
    """a -> (bad -> skipped, c); what was released is told, what never was is not."""
    recorder = Recorder()
    a = delayed(inc)(1, dask_key_name="a")
    bad = delayed(fail)(a, dask_key_name="bad")
    skipped = delayed(inc)(bad, dask_key_name="skipped")
    last = delayed(inc)(skipped, dask_key_name="last")
    collect(last, scheduler=own_scheduler, observers=[recorder])
    assert (recorder.started, recorder.ended) == (["a", "bad"], ["a"])
    assert (recorder.failed, recorder.skipped) == (["bad"], ["skipped", "last"])
    assert recorder.released == ["a"]
    assert recorder.most_alive == 1
    ended = recorder.events[-1]
    assert isinstance(ended, RunEnded)
    assert ended.error is None


def test_it_can_be_a_default(own_scheduler: Scheduler) -> None:
    with config.set(on_error="collect"):
        (failed,) = compute(delayed(fail)(1), scheduler=own_scheduler)
        assert type(failed) is Failed
        with pytest.raises(ValueError, match="cannot use"):
            compute(delayed(fail)(1), scheduler=own_scheduler, on_error="raise")


def test_get_and_persist_collect_too(own_scheduler: Scheduler) -> None:
    graph = Graph.from_dict({"bad": (fail, 1), "end": (inc, "bad"), "good": (inc, 1)})
    options: dict[str, Any] = {"scheduler": own_scheduler, "on_error": "collect"}
    bad, ends = lazygraph.get(graph, ["bad", ["end", "good"]], **options)
    assert (type(bad), ends) == (Failed, (Skipped("bad", bad.error), 2))
    (held,) = persist(delayed(inc)(delayed(fail)(1, dask_key_name="bad")), **options)
    assert held.compute().because == "bad"


# ------------------------------------------------------------------- .partial
OPTIONS = pytest.mark.parametrize("options", [{}, {"priority": 1}], ids=["plain", "controlled"])


def wait_and_fail(*paths: Path) -> None:
    wait_until(lambda: all(said(path) for path in paths))
    raise ValueError("cannot use")


def tell(path: Path, x: int) -> int:
    append(path, ".")
    return x


@OPTIONS
def test_an_error_carries_the_results_that_were_at_hand(
    own_scheduler: Scheduler, options: Any
) -> None:
    """a -> b -> bad; a is an output too; what b was made of alone is gone."""
    gone = delayed(inc)(0, dask_key_name="gone")
    a = delayed(inc, **options)(gone, dask_key_name="a")
    b = delayed(inc)(a, dask_key_name="b")
    bad = delayed(fail)(b, dask_key_name="bad")
    with pytest.raises(ValueError, match="cannot use 3") as caught:
        compute(bad, a, delayed(inc)(bad), scheduler=own_scheduler)
    partial = caught.value.partial
    assert dict(partial) == {"a": 2, "b": 3}
    assert list(partial) == ["a", "b"]
    assert len(partial) == 2
    assert "gone" not in partial
    assert repr(partial) == "Partial(2 of 5 results)"


@OPTIONS
def test_the_first_task_to_fail_leaves_nothing(own_scheduler: Scheduler, options: Any) -> None:
    with pytest.raises(ValueError, match="cannot use") as caught:
        delayed(fail, **options)(1).compute(scheduler=own_scheduler)
    assert dict(caught.value.partial) == {}


@OPTIONS
def test_observed_runs_have_it_too(own_scheduler: Scheduler, options: Any) -> None:
    good = delayed(inc, **options)(1)
    with pytest.raises(ValueError, match="cannot use") as caught:
        compute(good, delayed(fail)(good), scheduler=own_scheduler, observers=[Recorder()])
    assert dict(caught.value.partial) == {good.key: 2}


def raise_incomplete() -> None:
    raise http.client.IncompleteRead(b"first half")


@OPTIONS
def test_an_attribute_of_the_exceptions_own_is_not_touched(
    own_scheduler: Scheduler, options: Any
) -> None:
    with pytest.raises(http.client.IncompleteRead) as caught:
        delayed(raise_incomplete, **options)().compute(scheduler=own_scheduler)
    assert caught.value.partial == b"first half"


@OPTIONS
def test_results_and_arguments_do_not_travel_with_a_pickled_error(options: Any) -> None:
    lock = threading.Lock()  # cannot be pickled
    kept = delayed(identity, **options)(lock)
    with pytest.raises(ValueError, match="cannot use") as caught:
        compute(kept, delayed(fail)(kept), scheduler="sync")
    assert caught.value.partial[kept.key] is lock
    again = pickle.loads(pickle.dumps(caught.value))
    assert again.__notes__ == caught.value.__notes__
    assert dict(again.partial) == {}
    with pytest.raises(lazygraph.errors.OptionError, match="replay wants an error"):
        lazygraph.replay(again)


CTRL_C = textwrap.dedent(
    """
    import os, threading
    from lazygraph import compute, delayed

    def hang(x):
        os.write(1, b"started\\n")
        threading.Event().wait(60)

    first = delayed(abs)(-1, dask_key_name="first")
    try:
        compute(first, delayed(hang, {options})(first), scheduler="{scheduler}")
    except KeyboardInterrupt as error:
        print("LEFT", dict(error.partial), *error.__notes__, flush=True)
    """
)


@pytest.mark.skipif(sys.platform == "win32", reason="signals to a process are POSIX")
@pytest.mark.parametrize("options", ["", "retries=3"], ids=["plain", "controlled"])
@LOCAL
def test_ctrl_c_leaves_the_results_that_were_at_hand(name: str, options: str) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", CTRL_C.format(options=options, scheduler=name)],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "started\n"
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=30)
    assert output.startswith("LEFT {'first': 1} lazygraph: ")
    assert "'hang-" in output


# -------------------------------------------------------------- what is kept
class Big:
    """Something that can be watched going."""


@pytest.fixture
def no_gc() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@LOCAL
@pytest.mark.usefixtures("no_gc")
@OPTIONS
def test_an_error_keeps_partial_results_and_nothing_more(name: str, options: Any) -> None:
    made: list[weakref.ref[Big]] = []

    def make() -> Big:
        big = Big()
        made.append(weakref.ref(big))
        return big

    kept, gone = delayed(make, **options)(), delayed(make)()
    bad = delayed(fail)(delayed(add)(delayed(id)(kept), delayed(id)(gone)))
    with pytest.raises(ValueError, match="cannot use") as caught:
        compute(bad, kept, scheduler=name)
    assert len(made) == 2
    assert wait_until(lambda: sum(ref() is not None for ref in made) == 1)
    assert type(caught.value.partial[kept.key]) is Big
    del caught.value.partial
    assert wait_until(lambda: made[0]() is None and made[1]() is None)
    assert caught.value.__notes__  # the exception, with the failed function's frame, is held


@LOCAL
@pytest.mark.usefixtures("no_gc")
def test_a_collected_error_keeps_no_results(name: str) -> None:
    """Errors hold on to frames, which lead to the run that there was."""
    bad = delayed(fail)(delayed(id)(1))
    failed, big, other = collect(bad, delayed(Big)(), delayed(Big)(), scheduler=name)
    watched = [weakref.ref(big), weakref.ref(other)]
    del big, other
    assert wait_until(lambda: [ref() for ref in watched] == [None, None])
    assert type(failed.error) is ValueError


class Mine(Exception):  # noqa: N818
    pass


@LOCAL
@pytest.mark.usefixtures("no_gc")
def test_errors_go_when_the_user_drops_them(name: str, tmp_path: Path) -> None:
    """Those that were tried again at once, those that were collected with their frames."""
    seen: list[weakref.ref[Mine]] = []

    def raise_mine() -> None:
        error = Mine()
        seen.append(weakref.ref(error))
        try:
            raise error
        finally:
            del error

    values = collect(delayed(raise_mine, retries=2)(), scheduler=name)
    assert len(seen) == 3
    assert wait_until(lambda: [ref() is None for ref in seen] == [True, True, False])
    del values
    assert wait_until(lambda: seen[2]() is None)
    with pytest.raises(Mine):
        delayed(raise_mine, retries=1)().compute(scheduler=name)
    assert wait_until(lambda: all(ref() is None for ref in seen))

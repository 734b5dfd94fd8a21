"""What stands for a failure says what failed, with which arguments, and lets go of them."""

from __future__ import annotations

import pickle
import weakref
from typing import Any

import numpy as np
import pytest
from tasks import fail, flaky, inc, wait_until

import lazygraph
from lazygraph import Failed, Skipped, acompute, as_completed, compute, delayed, iterate
from lazygraph.errors import OptionError
from lazygraph.observers import TaskFailed, TaskRetried
from lazygraph.protocols import Scheduler
from lazygraph.schedulers.outcomes import failed_call
from lazygraph.tasks.reprs import short_call, short_repr


def parse(path: str, strict: bool = True) -> int:
    raise ValueError(f"corrupt: {path} {strict}")


def collected(scheduler: Any) -> tuple[Any, ...]:
    files = [delayed(parse)(path, strict=False) for path in ("a.csv", "b.csv")]
    wanted = [delayed(inc)(rows) for rows in files]
    return compute(wanted, {"one": files[0]}, on_error="collect", scheduler=scheduler)


def test_a_skipped_result_leads_to_the_error(own_scheduler: Scheduler) -> None:
    (first, second), other = collected(own_scheduler)
    assert (type(first), str(first.error)) == (Skipped, "corrupt: a.csv False")
    assert str(second.error) == "corrupt: b.csv False"
    assert other["one"].error is first.error


def test_failures_lists_each_task_once_with_its_arguments(own_scheduler: Scheduler) -> None:
    table = lazygraph.failures(collected(own_scheduler))
    assert [(f.call, f.args, f.kwargs, f.missing, f.attempts) for f in table] == [
        ("parse('a.csv', strict=False)", ("a.csv",), {"strict": False}, 2, 1),
        ("parse('b.csv', strict=False)", ("b.csv",), {"strict": False}, 1, 1),
    ]
    assert all(__file__ in f.site for f in table)
    first, second, third = repr(table).splitlines()
    assert first == "2 tasks failed:"
    assert second.startswith("  parse('a.csv', strict=False): ValueError: corrupt: a.csv False")
    assert "[2 results missing]" in second
    assert __file__ in third


def test_failures_takes_what_streams_give(own_scheduler: Scheduler, tmp_path: Any) -> None:
    again = delayed(flaky, retries=2)
    lazy = [again(tmp_path / "x", 9, 1), delayed(inc)(1)]
    pairs = list(as_completed(lazy, on_error="collect", scheduler=own_scheduler))
    (failure,) = lazygraph.failures(pairs)
    assert (failure.attempts, failure.args) == (3, (tmp_path / "x", 9, 1))
    assert repr(lazygraph.failures([1, (2,)])) == "no failures"


def test_a_failure_is_no_tuple_and_equals_no_other_kind() -> None:
    error = ValueError("x")
    failed, skipped = Failed(error, "key"), Skipped("key", error)
    with pytest.raises(TypeError):
        _, _ = failed  # type: ignore[misc]
    assert failed == Failed(error, "key") != Skipped(error, "key")
    assert skipped != ("key", error)
    fields = (1.0, "key", 2, "worker", error)
    assert TaskFailed(*fields) == TaskFailed(*fields)
    assert TaskFailed(*fields) != TaskRetried(*fields)
    assert len({TaskFailed(*fields), TaskRetried(*fields), fields}) == 3
    with pytest.raises(AttributeError, match="frozen"):
        failed.key = "other"
    assert pickle.loads(pickle.dumps(skipped)).because == "key"


class Big:
    """Something that can be watched going."""


def refuse(big: Big) -> None:
    raise ValueError(type(big).__name__)


@pytest.mark.parametrize("name", ["synchronous", "threads"])
def test_forget_lets_go_of_arguments_frames_and_partial_results(name: str) -> None:
    made: list[weakref.ref[Big]] = []

    def make() -> Big:
        big = Big()
        made.append(weakref.ref(big))
        return big

    big = delayed(make)()
    (failed,) = compute(delayed(refuse)(big), on_error="collect", scheduler=name)
    assert type(failed.args[0]) is Big
    lazygraph.forget(failed)
    assert wait_until(lambda: made[0]() is None)
    assert (failed.args, failed.kwargs) == ((), {})
    with pytest.raises(
        OptionError, match=r"arguments, and those of refuse\(<Big>\) were forgotten"
    ):
        lazygraph.replay(failed)
    with pytest.raises(ValueError, match="Big") as caught:
        compute(delayed(refuse)(big), big, scheduler=name)
    assert len(caught.value.partial) == 1
    lazygraph.forget(caught.value)
    assert wait_until(lambda: made[1]() is None)
    assert not hasattr(caught.value, "partial")


SHARED = ValueError("cached")


def raise_shared(_: int) -> None:
    raise SHARED


@pytest.mark.parametrize("name", ["synchronous", "threads"])
def test_tasks_that_raise_one_object_keep_notes_of_their_own(name: str) -> None:
    many = [delayed(raise_shared)(n, dask_key_name=f"task {n}") for n in range(5)]
    values = compute(many, on_error="collect", scheduler=name)
    for n, failed in enumerate(values[0]):
        assert (type(failed.error), failed.args) == (ValueError, (n,))
        (note,) = failed.error.__notes__
        assert f"'task {n}'" in note


def stop(_: int) -> None:
    raise StopIteration("no more")


@pytest.mark.parametrize("function", [iterate, as_completed])
def test_a_stop_iteration_in_a_stream_names_its_task(
    own_scheduler: Scheduler, function: Any
) -> None:
    with pytest.raises(RuntimeError) as caught:
        list(function([delayed(stop)(7)], scheduler=own_scheduler))
    assert "stop(7)" in "".join(caught.value.__notes__)


def test_a_stop_iteration_that_is_awaited_names_its_task() -> None:
    import asyncio

    with pytest.raises(RuntimeError) as caught:
        asyncio.run(acompute(delayed(stop)(7)))
    assert "stop(7)" in "".join(caught.value.__notes__)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (np.float64(0.01), "0.01"),
        (np.float32(0.1), "0.1"),
        (np.int64(3), "3"),
        (np.bool_(True), "True"),
        (np.datetime64("2024-05-01"), "2024-05-01"),
        (np.str_("text"), "'text'"),
        ([np.float64(0.5)], "[0.5]"),
        (np.zeros(3), "<ndarray (3,) float64>"),
    ],
)
def test_numpy_scalars_are_shown_as_numbers(value: Any, shown: str) -> None:
    assert short_repr(value) == shown


def test_tables_are_shown_by_their_shape() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"a": range(1000), "b": 0})
    assert short_repr(frame) == "<DataFrame (1000, 2)>"
    assert short_repr(frame["a"]) == "<Series (1000,) int64>"


def test_an_error_shows_the_parameters_of_a_sweep(own_scheduler: Scheduler) -> None:
    with pytest.raises(ValueError) as caught:
        delayed(fail)(np.logspace(-3, 0, 4)[1]).compute(scheduler=own_scheduler)
    assert "fail(0.01)" in caught.value.__notes__[0]


class Slow:
    shown = 0

    def __repr__(self) -> str:
        Slow.shown += 1
        return "Slow()"


def test_a_slow_repr_is_asked_once_for_each_use() -> None:
    Slow.shown = 0
    assert short_call("f", (Slow(),), {}) == "f(Slow())"
    assert Slow.shown == 1
    with pytest.raises(ValueError):
        delayed(fail)(Slow()).compute(scheduler="sync")
    # Once more by the test's own function, which puts its argument into the message.
    assert Slow.shown <= 3


def test_the_error_of_a_nested_compute_keeps_the_notes_of_both_tasks(
    own_scheduler: Scheduler,
) -> None:
    outer = delayed(compute_inside)(3)
    (failed,) = compute(outer, on_error="collect", scheduler=own_scheduler)
    notes = "".join(failed.error.__notes__)
    assert "fail(3)" in notes
    assert "compute_inside(3)" in notes
    assert failed_call(failed.error).shown == "compute_inside(3)"


def compute_inside(n: int) -> Any:
    return delayed(fail)(n).compute(scheduler="sync")


def test_a_row_of_the_table_is_replayed_and_forgotten_and_the_table_is_refused() -> None:
    table = lazygraph.failures(compute(delayed(int)("one"), on_error="collect"))
    with pytest.raises(ValueError, match="'one'"):
        lazygraph.replay(table[0])
    with pytest.raises(OptionError, match="for each in failures"):
        lazygraph.forget(table)
    lazygraph.forget(table[0])
    with pytest.raises(OptionError, match="were forgotten"):
        lazygraph.replay(table[0])

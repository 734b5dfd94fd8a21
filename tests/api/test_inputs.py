"""Inputs, functions of graphs, numpy on lazy values, and the hunt for NaN."""

from __future__ import annotations

import inspect
import math
import pickle
import threading
from typing import Any

import numpy as np
import pytest
from tasks import add, fail, inc, total

import lazygraph
from lazygraph import (
    acompute,
    as_completed,
    compute,
    config,
    delayed,
    function,
    inputs,
    optimize,
    persist,
)
from lazygraph.errors import (
    CaptureError,
    InputError,
    KeyCollisionError,
    NotFiniteError,
    OptionError,
)
from lazygraph.observers import Recorder
from lazygraph.protocols import Scheduler


def test_values_are_given_by_input_or_by_name(scheduler: Scheduler) -> None:
    x, y, z = inputs("x y z")
    f = (x + y) * z

    assert f.compute(inputs={x: 1, y: 2, z: 3}, scheduler=scheduler) == 9
    assert f.compute(inputs={"x": 1, y: 20, "z": 3}, scheduler=scheduler) == 63


def test_one_name_gives_one_and_others_a_tuple() -> None:
    assert repr(inputs("x")) == "Delayed('x')"
    assert [lazy.key for lazy in inputs("a, b c")] == ["a", "b", "c"]
    assert [lazy.key for lazy in inputs(["only"])] == ["only"]


@pytest.mark.parametrize("names", ["", [], "x x", ["x", 1], [""]])
def test_names_that_are_none_are_refused(names: Any) -> None:
    with pytest.raises(CaptureError, match="inputs takes different names"):
        inputs(names)


def test_what_is_given_wrongly_is_told_with_what_is_wanted_before_anything_runs() -> None:
    calls: list[Any] = []
    x, y = inputs("x y")
    f = delayed(calls.append)(1)
    g = delayed(total)([f, x, y])
    wanted = r"\(wanted: 'x', 'y'\)"

    for given, message in [
        (None, f"no value is given for input 'x', 'y' {wanted}"),
        ({x: 1}, f"no value is given for input 'y' {wanted}"),
        ({x: 1, "y": 2, "yy": 3}, f"there is no input 'yy'; did you mean 'y'. {wanted}"),
        ({x: 1, "x": 2}, "input 'x' is given twice, by name and by itself"),
        ({x: 1, y: delayed(inc)(1)}, "input 'y' is given Delayed.*compute\\(\\) it first"),
        ({x: 1, 3: 2}, "inputs has 3, which is neither input nor name"),
        ([1, 2], "inputs is a dict of values"),
    ]:
        with pytest.raises(InputError, match=message):
            g.compute(inputs=given)
    assert calls == []


def test_a_default_holds_where_nothing_is_given() -> None:
    x, y = inputs("x y", default=10)

    assert (x + y).compute() == 20
    assert (x + y).compute(inputs={x: 1}) == 11


def test_two_inputs_of_one_name_are_one_unless_their_defaults_differ() -> None:
    assert (inputs("x") + inputs("x")).compute(inputs={"x": 2}) == 4
    with pytest.raises(KeyCollisionError, match="two different tasks bear the key 'x'"):
        (inputs("x", default=1) + inputs("x", default=2)).compute()


def test_inputs_are_known_after_pickling() -> None:
    x, y = inputs("x y")

    again, first = pickle.loads(pickle.dumps((x + y, x)))

    assert again.compute(inputs={first: 1, "y": 2}) == 3


def test_inputs_reach_every_way_of_running() -> None:
    import asyncio

    x = inputs("x")
    f = x * 2

    (held,) = persist(f, inputs={x: 3})
    (better,) = optimize(f + 1)

    assert held.compute() == 6
    assert better.compute(inputs={"x": 3}) == 7
    assert [value for _, value in as_completed([f], inputs={x: 4})] == [8]
    assert asyncio.run(acompute(f, inputs={x: 5})) == (10,)
    assert lazygraph.get(f.graph, f.key, inputs={"x": 6}) == 12
    with pytest.raises(InputError, match="no value"):
        lazygraph.get(f.graph, f.key)


def test_a_failed_task_shows_the_values_given() -> None:
    x = inputs("x")

    with pytest.raises(ValueError, match="cannot use 7") as caught:
        delayed(fail)(x).compute(inputs={x: 7})

    assert "fail(7)" in caught.value.__notes__[0]


# ---------------------------------------------------------------- functions
def test_a_function_is_called_by_position_and_by_name(scheduler: Scheduler) -> None:
    x, y, z = inputs("x y z")
    fn = function([x, y, z], (x + y) * z, scheduler=scheduler)

    assert [fn(1, 2, 3), fn(1, z=3, y=2), fn(x=0, y=1, z=5)] == [9, 9, 5]


@pytest.mark.parametrize("by_name", [False, True])
def test_a_function_is_not_called_with_a_lazy_value(by_name: bool) -> None:
    x, y = inputs("x y")
    fn, lazy = function([x, y], x + y, scheduler="synchronous"), delayed(abs)(-1)
    with pytest.raises(InputError, match=r"input 'y' is given Delayed.* compute"):
        fn(1, y=lazy) if by_name else fn(1, lazy)
    assert fn(1, 2) == 3


def test_outputs_keep_their_structure() -> None:
    x = inputs("x")
    fn = function([x], {"twice": x * 2, "more": [x + 1, (x, "text")]})

    assert fn(3) == {"twice": 6, "more": [4, (3, "text")]}


def test_parameters_may_be_nested() -> None:
    w, b, x = inputs("w b x")
    fn = function([{"w": w, "b": [b]}, x], w * x + b)
    alone = function({"w": w, "b": b}, w + b)

    assert fn({"w": 2, "b": [1]}, 5) == 11
    assert fn({"w": 2, "b": [1]}, x=7) == 15
    assert alone({"w": 1, "b": 2}) == 3


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda fn: fn(1), "no value is given for input 'y'"),
        (lambda fn: fn(1, 2, 3), "too many values: 3, for 2 parameters"),
        (lambda fn: fn(1, 2, y=3), "input 'y' is given twice, by position and by name"),
        (lambda fn: fn(1, z=3), "there is no input 'z'"),
    ],
)
def test_a_call_that_does_not_fit_is_told_so(call: Any, message: str) -> None:
    x, y = inputs("x y")

    with pytest.raises(InputError, match=message):
        call(function([x, y], x + y))


def test_a_value_of_another_structure_is_told_with_its_place() -> None:
    a, b = inputs("a b")
    fn = function([{"layer": [a, b]}], a + b)

    with pytest.raises(InputError, match=r"the value at \['layer'\] is \[1\], not 2 values"):
        fn({"layer": [1]})
    with pytest.raises(InputError, match=r"the value is \{'lay': 1\}, not a dict with"):
        fn({"lay": 1})


def test_parameters_that_are_none_are_refused_at_once() -> None:
    x, y = inputs("x y")

    with pytest.raises(InputError, match="no value is given for input 'y'"):
        function([x], x + y)
    with pytest.raises(InputError, match="stands twice"):
        function([x, [x]], x + 1)
    with pytest.raises(InputError, match="a parameter is an input"):
        function([delayed(inc)(1)], x)
    with pytest.raises(CaptureError, match="no lazy value among the outputs"):
        function([x], 3)
    with pytest.raises(InputError, match="what a function is called with"):
        function([x], x + 1, inputs={x: 1})
    with pytest.raises(OptionError, match="shceduler"):
        function([x], x + 1, shceduler="threads")


def test_defaults_and_parameters_that_nothing_needs() -> None:
    x, unused = inputs("x unused")
    rate = inputs("rate", default=10)

    assert function([x, unused], x * rate)(2, "any") == 20
    assert function([x, rate], x * rate)(2) == 20
    assert function([x, rate], x * rate)(2, 3) == 6


def test_a_function_pickles_and_tells_what_it_is() -> None:
    x, y = inputs("x y")
    fn = function([x, y], x * y + x)

    again = pickle.loads(pickle.dumps(fn))

    assert again(2, 3) == 8
    assert repr(fn) == "<lazygraph.function(x, y) of 4 tasks>"
    assert list(inspect.signature(fn).parameters) == ["x", "y"]
    assert "svg" in fn.visualize().svg


def test_a_function_is_planned_once_and_does_not_keep_results() -> None:
    calls: list[Any] = []
    x = inputs("x")
    fn = function([x], delayed(calls.append)(x), scheduler="synchronous")

    for n in range(3):
        fn(n)

    assert calls == [0, 1, 2]


def test_settings_made_later_reach_a_function() -> None:
    x = inputs("x")
    fn = function([x], x + 1, scheduler="synchronous")
    recorder = Recorder()
    fn(1)

    with config.set(observers=[recorder]):
        assert fn(1) == 2
    assert fn(1) == 2

    assert len(recorder.ended) == 2


def test_options_of_tasks_and_errors_are_as_in_compute() -> None:
    attempts: list[int] = []

    def flaky(x: int) -> int:
        attempts.append(x)
        if len(attempts) < 3:
            raise OSError("again")
        return x

    x = inputs("x")
    retried = function([x], delayed(flaky, retries=2)(x), scheduler="synchronous")
    failing = function([x], delayed(fail)(x), scheduler="synchronous")

    assert retried(5) == 5
    with pytest.raises(ValueError, match="cannot use 4") as caught:
        failing(4)
    assert "while running task" in caught.value.__notes__[0]
    frames = inspect.getinnerframes(caught.value.__traceback__)
    assert not any("/lazygraph/" in frame.filename for frame in frames)


@pytest.mark.parametrize("scheduler", ["synchronous", "threads"])
def test_calls_from_many_threads_do_not_disturb_each_other(scheduler: str) -> None:
    x, y = inputs("x y")
    end = x
    for _ in range(50):
        end = delayed(add)(end, y)
    fn = function([x, y], [end, x], scheduler=scheduler)
    wrong: list[Any] = []

    def run(n: int) -> None:
        for i in range(100):
            found = fn(n, i)
            if found != [n + 50 * i, n]:
                wrong.append((n, i, found))

    threads = [threading.Thread(target=run, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert wrong == []


def test_a_training_step_is_a_function() -> None:
    w, x = inputs("w x")
    params = {"w": w}
    step = function([params, x], lazygraph.value_and_grad(w * w * x, params))

    loss, gradient = step({"w": 3.0}, 2.0)

    assert (loss, gradient) == (18.0, {"w": 12.0})


# -------------------------------------------------------------------- numpy
@pytest.mark.parametrize(
    ("write", "name"),
    [
        (np.exp, "exp"),
        (lambda x: np.add(x, 1), "add"),
        (lambda x: np.subtract(1, x), "subtract"),
        (lambda x: np.ones(3) * x, "multiply"),
        (lambda x: x * np.ones(3), "mul"),
        (lambda x: np.float64(2) * x, "multiply"),
        (lambda x: np.ones((2, 3)) @ x, "matmul"),
        (lambda x: x @ np.ones((3, 2)), "matmul"),
        (lambda x: np.dot(x, np.ones(3)), "dot"),
        (lambda x: np.sum(x, axis=0), "sum"),
        (lambda x: np.concatenate([x, np.ones(2), x]), "concatenate"),
        (lambda x: np.stack([x, x], axis=1), "stack"),
        (lambda x: np.where(x > 1, x, 0), "where"),
        (np.add.reduce, "reduce"),
        (lambda x: np.multiply.outer(x, x), "outer"),
        (np.add.accumulate, "accumulate"),
        (lambda x: np.clip(x, 0, 2), "clip"),
        (np.linalg.norm, "norm"),
        (lambda x: np.einsum("i,i->", x, x), "einsum"),
        (lambda x: -(abs(x) ** 2) / 3, "truediv"),
    ],
)
def test_numpy_of_a_lazy_value_is_one_task_that_gives_what_numpy_gives(
    write: Any, name: str
) -> None:
    given = np.array([0.5, 1.5, 2.5])
    x = inputs("x")

    lazy = write(x)

    assert isinstance(lazy, lazygraph.Delayed)
    assert lazy.graph[lazy.key].name == name
    for scheduler in ("synchronous", "processes"):
        found = lazy.compute(inputs={x: given}, scheduler=scheduler)
        assert np.array_equal(found, write(given))


def test_numpy_tasks_know_the_users_line() -> None:
    lazy = np.exp(inputs("x"))

    assert lazy.graph[lazy.key].site == f"{__file__}:{inspect.currentframe().f_lineno - 2}"  # type: ignore[union-attr]


def test_numpy_that_writes_into_arrays_is_refused() -> None:
    x, array = inputs("x"), np.ones(3)

    with pytest.raises(CaptureError, match="write a = a \\+ x, not a \\+= x"):
        array += x
    with pytest.raises(CaptureError, match="leave out `out`"):
        np.exp(x, out=array)
    with pytest.raises(CaptureError, match="no `out`"):
        np.sum(x, out=array)
    with pytest.raises(CaptureError, match=r"numpy\.add cannot write"):
        np.add.at(array, [0], x)
    assert array.tolist() == [1.0, 1.0, 1.0]


# ---------------------------------------------------------------------- NaN
def _log(x: float) -> float:
    return math.log(x) if x > 0 else math.nan


def test_the_first_task_to_give_a_nan_is_named(scheduler: Scheduler) -> None:
    x = inputs("x")
    fine = x + 1.0
    bad = delayed(_log)(x - 3.0, dask_key_name="bad")

    with pytest.raises(NotFiniteError, match="the result has nan") as caught:
        compute(
            delayed(total)([fine, bad * 2.0]),
            inputs={x: 1.0},
            check_finite=True,
            scheduler=scheduler,
        )

    assert caught.value.__notes__[0].startswith("lazygraph: while running task 'bad': _log(-2.0)")


@pytest.mark.parametrize(
    ("value", "where"),
    [
        (float("inf"), "the result has inf"),
        (complex(0, float("nan")), "the result has nanj"),
        (np.array([[1.0, 2.0], [np.nan, np.inf]]), r"nan at \[1, 0\], 2 of 4 numbers"),
        (np.float32("nan"), "the result has nan"),
        ({"a": [1.0, np.array([np.inf], np.float16)]}, r"inf at \['a'\]\[1\]\[0\], 1 of 1"),
    ],
)
def test_numbers_are_found_wherever_they_are(value: Any, where: str) -> None:
    x = inputs("x")

    with pytest.raises(NotFiniteError, match=where) as caught:
        (x * 1 if isinstance(value, float) else delayed(len)([x])).compute(
            inputs={x: value}, check_finite=True
        )

    assert "while running task 'x'" in caught.value.__notes__[0]  # given so: by no other task


def test_finite_results_and_those_that_are_no_numbers_pass() -> None:
    x = inputs("x")
    made = delayed(lambda x: [x, "nan", None, {1: x}, np.arange(3), np.array(["nan"])])(x)

    assert made.compute(inputs={x: 1.5}, check_finite=True)[0] == 1.5


def test_async_tasks_are_checked_too() -> None:
    async def bad() -> float:
        return float("nan")

    with pytest.raises(NotFiniteError):
        delayed(bad)().compute(check_finite=True)

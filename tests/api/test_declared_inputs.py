"""Inputs of a declared shape and dtype: what is known at capture, and what is refused."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

import lazygraph
from lazygraph import function, inputs, jacobian, value_and_grad
from lazygraph.errors import CaptureError, InputError, KeyCollisionError
from lazygraph.protocols import Scheduler


def test_a_declared_shape_and_dtype_are_known_at_capture() -> None:
    x = inputs("x", shape=(2, 3), dtype=np.float32)

    assert (x.shape, x.ndim, x.size, len(x)) == ((2, 3), 2, 6, 2)
    assert x.dtype == np.dtype("float32")
    assert type(x.dtype) is not lazygraph.Delayed
    assert inputs("n", shape=5).shape == (5,)
    assert inputs("s", shape=()).size == 1


def test_what_is_not_declared_stays_lazy() -> None:
    x, y = inputs("x y")
    z = inputs("z", dtype="float64")
    value = np.ones((4, 3))

    assert (x.shape[0] * y).compute(inputs={x: value, y: 2}) == 8
    assert z.shape.compute(inputs={z: value}) == (4, 3)
    assert z.size.compute(inputs={z: value}) == 12
    with pytest.raises(CaptureError, match="length"):
        len(x)


def test_lengths_that_are_not_known_are_lazy_and_any_length_is_taken() -> None:
    x = inputs("x", shape=(None, 3))
    mean = np.sum(x) / (x.shape[0] * x.shape[1])

    assert x.shape[1] == 3
    assert x.ndim == 2
    for n in (2, 5):
        value = np.arange(3.0 * n).reshape(n, 3)
        assert mean.compute(inputs={x: value}) == value.mean()
    with pytest.raises(InputError, match=r"declared with the shape \(None, 3\), .* \(3, 4\)"):
        mean.compute(inputs={x: np.ones((3, 4))})


def test_rows_are_iterated_over_while_the_graph_is_written(scheduler: Scheduler) -> None:
    x = inputs("x", shape=(3, 2))
    total = sum(np.prod(row) * n for n, row in enumerate(x))
    value = np.arange(6.0).reshape(3, 2)
    step = function([x], total, scheduler=scheduler)

    assert total.compute(inputs={x: value}, scheduler=scheduler) == 0 + 6 + 40
    assert step(value) == 46


WRONG: list[tuple[Any, str]] = [
    (np.ones(3), r"'x' is declared with the shape \(2,\), and .* the shape \(3,\)"),
    (np.ones((2, 1)), r"the shape \(2,\), and .* the shape \(2, 1\)"),
    (np.ones(2, np.float32), "dtype float64, and the value given has the dtype float32"),
    (np.ones(2, int), "dtype float64, and the value given has the dtype int64"),
    ([1.0, 2.0], r"the shape \(2,\), and the value given has no shape: \[1.0, 2.0\]"),
    (1.0, r"the shape \(2,\), and the value given has the shape \(\)"),
    (None, "has no shape: None"),
]


@pytest.mark.parametrize(("value", "message"), WRONG)
def test_another_value_is_refused_however_it_is_given(value: Any, message: str) -> None:
    ran: list[int] = []
    x = inputs("x", shape=(2,), dtype=float)
    y = lazygraph.delayed(ran.append)(x)

    for bind in (
        lambda: y.compute(inputs={x: value}),
        lambda: lazygraph.persist(y, inputs={"x": value}),
        lambda: lazygraph.get(y.graph, y.key, inputs={"x": value}),
        lambda: list(lazygraph.as_completed([y], inputs={"x": value})),
        lambda: function([x], y)(value),
        lambda: function([x], y)(x=value),
        lambda: function([{"w": x}], y, scheduler="synchronous")({"w": value}),
        lambda: inputs("x", shape=(2,), dtype=float, default=value),
    ):
        with pytest.raises(InputError, match=message):
            bind()
    assert ran == []


def test_numbers_of_pythons_own_are_taken_for_numpys() -> None:
    x = inputs("x", shape=(), dtype="float64")

    assert (x * 2).compute(inputs={x: 1.5}) == 3.0
    assert function([x], x * 2)(np.float64(1.5)) == 3.0
    with pytest.raises(InputError, match="dtype float64, and the value given has the dtype int64"):
        (x * 2).compute(inputs={x: 1})


def test_derivatives_of_what_was_declared() -> None:
    w = inputs("w", shape=(3,), dtype=float)
    loss = sum(part**n for n, part in enumerate(w, 1))  # w0 + w1^2 + w2^3
    step = function([w], value_and_grad(loss, w), scheduler="synchronous")
    at = np.array([1.0, 2.0, 3.0])

    assert step(at)[0] == 32
    assert step(at)[1].tolist() == [1.0, 4.0, 27.0]
    assert jacobian(w * w, w).compute(inputs={w: at}).tolist() == np.diag(2 * at).tolist()
    with pytest.raises(InputError, match="shape"):
        step(np.ones(2))


def test_what_is_declared_outlives_a_pickle_and_is_part_of_what_an_input_is() -> None:
    x = inputs("x", shape=(2,), dtype=float)
    again = pickle.loads(pickle.dumps(x))

    assert (again.shape, len(again), again.dtype) == ((2,), 2, np.dtype(float))
    assert np.sum(x + again).compute(inputs={x: np.ones(2)}) == 4
    with pytest.raises(InputError, match="shape"):
        pickle.loads(pickle.dumps(function([x], x * 2)))(np.ones(3))
    with pytest.raises(KeyCollisionError):
        (x + inputs("x", shape=(3,))).compute(inputs={x: np.ones(2)})


@pytest.mark.parametrize("given", [{"shape": -1}, {"shape": "ab"}, {"shape": (2, 1.5)}])
def test_a_shape_that_is_none_is_refused(given: Any) -> None:
    with pytest.raises(CaptureError, match="a shape is"):
        inputs("x", **given)


def test_a_dtype_that_is_none_is_refused() -> None:
    with pytest.raises(CaptureError, match="a dtype is numpy's"):
        inputs("x", dtype="nothing of the kind")


def test_a_default_is_held_to_what_is_declared() -> None:
    x = inputs("x", shape=(2,), default=np.array([1.0, 2.0]))
    first, second = x

    assert (first + second).compute() == 3.0
    assert (first + second).compute(inputs={x: np.array([5.0, 2.0])}) == 7.0

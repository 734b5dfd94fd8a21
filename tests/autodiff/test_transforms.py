"""Derivatives of ordinary functions: ``grad(f)`` and its kin."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from lazygraph import compute, delayed, grad, hessian, jacobian, jvp, value_and_grad, vjp
from lazygraph.errors import CaptureError, CotangentError, GoalError, NotDifferentiable

V = np.array([1.0, -2.0, 3.0])


def branches(x: Any) -> Any:
    return np.sum(x**3) if x[0] > 0 else np.sum(x)


def test_a_function_has_its_derivative_with_control_flow() -> None:
    assert grad(lambda x: x**2)(3.0) == 6.0
    assert grad(branches)(V).tolist() == [3.0, 12.0, 27.0]
    assert grad(branches)(-V).tolist() == [1.0, 1.0, 1.0]


def test_arguments_are_named_by_position_or_name() -> None:
    def f(x: Any, y: Any, *, scale: Any = 1.0) -> Any:
        return x * y * y * scale

    assert grad(f, argnums=1)(2.0, 3.0) == 12.0
    assert grad(f, argnums=(0, 1))(2.0, 3.0) == (9.0, 12.0)
    assert grad(f, argnums=-1)(2.0, 3.0) == 12.0
    assert grad(f, argnums="scale")(2.0, y=3.0, scale=2.0) == 18.0
    assert grad(f, argnums=(0, "y"))(2.0, y=3.0) == (9.0, 12.0)
    with pytest.raises(CaptureError, match="argnums=3 is none of the arguments of this call: 0, 1"):
        grad(f, argnums=3)(2.0, 3.0)


@dataclass
class Layer:
    w: Any
    b: Any


def test_containers_come_back_as_they_are() -> None:
    def loss(params: Any) -> Any:
        return np.sum(params["layer"].w * params["layer"].b) * params["scale"][0]

    value, found = value_and_grad(loss)({"layer": Layer(V, 2.0), "scale": [3.0, 4.0]})

    assert value == 12.0
    assert type(found["layer"]) is Layer
    assert found["layer"].w.tolist() == [6.0, 6.0, 6.0]
    assert found["layer"].b == 6.0
    assert found["scale"] == [4.0, 0.0]


def test_derivatives_nest() -> None:
    assert grad(grad(lambda x: np.sin(x) * x))(1.3) == pytest.approx(
        2 * np.cos(1.3) - 1.3 * np.sin(1.3)
    )
    assert grad(lambda x: grad(lambda y: x * y**2)(x) * x)(3.0) == 54.0
    np.testing.assert_allclose(hessian(branches)(V), np.diag(6 * V))
    np.testing.assert_allclose(jacobian(lambda x: x**2)(V), np.diag(2 * V))


def test_products_with_the_jacobian() -> None:
    out, change = jvp(lambda x, y: x * y, (2.0, 3.0), (1.0, 10.0))
    value, back = vjp(lambda x, y: [x * y, x], 2.0, 3.0)

    assert (out, change) == (6.0, 23.0)
    assert value == [6.0, 2.0]
    assert back([1.0, 1.0]) == (4.0, 2.0)
    assert back([0.0, 1.0]) == (1.0, 0.0)


def test_lazy_arguments_give_lazy_derivatives() -> None:
    x = delayed(V)
    (found, slopes) = compute(
        grad(branches)(x), grad(lambda a, b: np.sum(a * b), argnums=(0, 1))(x, 2.0)
    )

    assert found.tolist() == [3.0, 12.0, 27.0]
    assert slopes[0].tolist() == [2.0, 2.0, 2.0]
    assert slopes[1] == 2.0


def test_a_delayed_function_is_differentiated_as_the_function() -> None:
    assert grad(delayed(branches))(V).tolist() == [3.0, 12.0, 27.0]


@pytest.mark.parametrize(
    "func", [lambda x: x > 0, lambda x: x * 1j, lambda x: [x], lambda x: np.ones(2) * x]
)
def test_a_result_that_is_no_real_number_is_told_so(func: Any) -> None:
    with pytest.raises(GoalError):
        grad(func)(1.0)


def test_what_leads_out_of_sight_is_told_with_its_line() -> None:
    with pytest.raises(NotDifferentiable, match="test_transforms"):
        grad(lambda x: float(x) * x)(2.0)


def test_complex_results() -> None:
    assert grad(lambda z: z**2, holomorphic=True)(1 + 2j) == 2 + 4j
    np.testing.assert_allclose(jacobian(lambda x: x * (1 + 2j))(V), np.eye(3) * (1 + 2j))


def test_a_functions_own_error_is_its_own() -> None:
    def f(x: Any) -> Any:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        grad(f)(1.0)


@pytest.mark.parametrize(
    ("func", "value", "kind"),
    [
        (lambda p: p["w"] * p["bias"], {"w": 1.0}, KeyError),
        (lambda x: np.sum(x @ np.ones((2, 2))), V, ValueError),
        (lambda x: x + None, 1.0, TypeError),
        (lambda x: x.sloep, 1.0, AttributeError),
        (lambda x: [x][int(np.size(x) * 3)], 1.0, IndexError),
        (lambda x, y: x, 1.0, TypeError),
    ],
)
@pytest.mark.parametrize(
    "transform", [grad, value_and_grad, jacobian, lambda f: lambda x: vjp(f, x)]
)
def test_a_functions_bugs_are_told_as_without_a_gradient(
    func: Any, value: Any, kind: type[Exception], transform: Any
) -> None:
    with pytest.raises(kind) as plain:
        func(value)
    with pytest.raises(kind) as told:
        transform(func)(value)

    assert type(told.value) is kind
    assert str(told.value) == str(plain.value)
    assert told.value.__cause__ is told.value.__context__ is None
    if "positional" not in str(told.value):
        assert told.traceback[-1].path == plain.traceback[-1].path
        assert told.traceback[-1].lineno == plain.traceback[-1].lineno


def test_functions_of_plain_numbers_name_their_twin() -> None:
    with pytest.raises(NotDifferentiable, match=r"takes plain numbers only; use np\.sin$"):
        grad(math.sin)(1.0)


def test_a_change_along_a_bare_value_is_that_of_the_only_argument() -> None:
    out, change = jvp(np.sin, V, 2 * V)

    assert out.tolist() == np.sin(V).tolist()
    assert change.tolist() == pytest.approx(2 * V * np.cos(V))
    assert jvp(lambda x, y: x * y, [2.0, 3.0], [1.0, 10.0]) == (6.0, 23.0)
    with pytest.raises(CotangentError, match="the tangents are 1, for 2 arguments"):
        jvp(lambda x, y: x * y, (2.0, 3.0), 1.0)


def test_an_argument_without_influence_has_zeros() -> None:
    found = grad(lambda x, y: x * x, argnums=(0, 1))(3.0, V)

    assert found[0] == 6.0
    assert found[1].tolist() == [0.0, 0.0, 0.0]
    assert grad(lambda _: 3.0)(V).tolist() == [0.0, 0.0, 0.0]

"""What cannot be watched is an error that says where and why, never a silent zero."""

from __future__ import annotations

import cmath
import json
import math
from typing import Any

import numpy as np
import pytest

import lazygraph
from lazygraph import compute, delayed
from lazygraph.autodiff import grad
from lazygraph.errors import NotDifferentiable

V = np.array([0.3, -1.2, 2.5])


def assigned(x: Any) -> Any:
    made = np.zeros(3)
    made[0] = x[0]
    return made.sum()


def swallowed(x: Any) -> Any:
    try:
        return float(x[0]) * 2
    except TypeError:
        return 1.0


def into(x: Any) -> Any:
    total = np.zeros(3)
    total += x
    return total.sum()


def item_set(x: Any) -> Any:
    x[0] = 1.0
    return x.sum()


BAD: dict[str, tuple[Any, Any, str]] = {
    "math.sin": (lambda x: math.sin(x) * 2, 2.0, r"\(test_not.*math.sin\(x\)\); use .*np.sin"),
    "math.atan2": (lambda x: math.atan2(x[0], x[1]), V, "math.atan2 -> np.arctan2"),
    "cmath.exp": (lambda x: cmath.exp(x).real, 2.0, "cmath.exp -> np.exp"),
    "float": (lambda x: float(x) ** 2, 2.0, r"by float\(x\).*test_not_differentiable.*float\(x\)"),
    "float, its error caught": (swallowed, V, "a plain number was to be made"),
    "int": (lambda x: int(x) * 2.0, 2.0, r"int\(x\) has no derivative"),
    "a count": (lambda x: float(len(range(x))), 3, "it is used as a position or a count"),
    "np.asarray": (lambda x: np.asarray(x, float).sum(), V, "np.asarray"),
    "assignment into an array": (assigned, V, "assignment into an array"),
    "item assignment": (item_set, V, "changes an array in place"),
    "an in-place operation": (into, V, r"a \+= x"),
    "out=": (lambda x: np.add(x, 1, out=np.zeros(3)).sum(), V, "out="),
    "integer division": (lambda x: x // 2, 5.0, "integer division"),
    "text": (lambda x: float(str(x)), 2.0, "made a text"),
    "a formatted text": (lambda x: float(f"{x:.3f}"), 2.0, "made a text"),
    "json": (lambda x: float(json.loads(json.dumps(x))), 2.0, "cannot be differentiated"),
    "no rule": (lambda x: np.spacing(x).sum(), V, "no rule .*spacing"),
    "a ufunc without a rule": (lambda x: np.nextafter(x, 2).sum(), V, "no rule .*nextafter"),
    "a keyword unknown to the rule": (lambda x: np.sin(x, signature="d->d").sum(), V, "signature="),
    "fill": (lambda x: (x.fill(0), x.sum())[1], V, "in place"),
    "sort": (lambda x: (x.sort(), x.sum())[1], V, "np.sort"),
    "an unknown attribute": (lambda x: x.strides[0] * 1.0, V, "strides"),
}


@pytest.mark.parametrize(("func", "at", "match"), BAD.values(), ids=BAD)
def test_what_leads_out_of_sight_is_an_error(func: Any, at: Any, match: str) -> None:
    x = delayed(np.copy(at)[()])
    goal = delayed(func)(x)

    with pytest.raises(NotDifferentiable, match=match) as caught:
        grad(goal, x).compute()

    assert caught.value.name == func.__name__.strip("<>")
    assert caught.value.site is not None
    assert "test_not_differentiable.py" in caught.value.site


def test_a_function_of_math_is_refused_before_anything_runs() -> None:
    x = delayed(2.0)

    with pytest.raises(NotDifferentiable, match=r"copysign .*use np\.copysign"):
        grad(delayed(math.copysign)(x, 1.0), x)


@pytest.mark.parametrize(
    ("func", "match"),
    [
        (str, "is no number"),
        (lambda x: (item for item in [x]), "generator"),
        (lambda x: {"text": str(x)}, "it is given the text"),
        (lambda x: {x}, "set"),
    ],
    ids=["a text", "a generator", "a text in a dict", "a set"],
)
def test_results_in_between_that_are_no_numbers_are_named(func: Any, match: str) -> None:
    def use(value: Any) -> float:
        return float(value["text"]) if isinstance(value, dict) else 1.0

    x = delayed(2.0)

    with pytest.raises(NotDifferentiable, match=f"use .*{match}"):
        grad(delayed(use)(delayed(func)(x)), x).compute()


def test_a_text_in_between_is_an_error() -> None:
    x = delayed(2.0)
    goal = delayed(float)(delayed(str)(x))

    with pytest.raises(NotDifferentiable):
        grad(goal, x).compute()


def test_random_numbers_drawn_inside_are_refused() -> None:
    """They would be others on the way back: the slope would be that of another function."""

    def dropout(x: Any) -> Any:
        return (x * (lazygraph.rng().random(3) > 0.5)).sum()

    x = delayed(V)

    with pytest.raises(NotDifferentiable, match="draws random numbers by rng"):
        compute(grad(delayed(dropout)(x), x), seed=1)


def test_random_numbers_drawn_before_are_the_same_on_the_way_back() -> None:
    x = delayed(V)
    mask = delayed(lambda: lazygraph.rng().random(3) > 0.5)()
    y = delayed(lambda x, mask: (x * mask).sum())(x, mask)

    found, expected = compute(grad(y, x), mask, seed=1)

    np.testing.assert_array_equal(found, expected.astype(float))


def test_a_functions_own_error_keeps_its_type() -> None:
    calls = []

    def fails_later(x: Any) -> Any:
        calls.append(x)
        if len(calls) > 1:
            raise OSError("the disk is full")
        return x * 2

    x = delayed(2.0)
    y = delayed(fails_later)(x)
    z = y * y

    with pytest.raises(OSError, match="the disk is full"):
        compute(z, grad(z, x))


def test_the_error_travels_from_a_worker_process() -> None:
    x = delayed(2.0)

    with pytest.raises(NotDifferentiable, match=r"captured at .*test_not_diff"):
        grad(delayed(lambda x: float(x))(x), x).compute(scheduler="processes", num_workers=2)  # noqa: PLW0108


def test_printing_a_watched_value_does_no_harm(capsys: pytest.CaptureFixture[str]) -> None:
    def shown(x: Any) -> Any:
        print("x is", x)  # noqa: T201  # what the test is about
        return x * x

    x = delayed(3.0)

    assert grad(delayed(shown)(x), x).compute() == 6.0
    assert "x is 3.0" in capsys.readouterr().out


def test_a_value_in_a_set_is_refused_where_the_gradient_is_asked_for() -> None:
    x = delayed(3.0)

    with pytest.raises(NotDifferentiable, match="set"):
        grad(delayed(sum)({x}), x)

"""Lazy operators give what Python's give, and what cannot be lazy is refused."""

from __future__ import annotations

import math
import operator
import re
from typing import Any

import pytest

import lazygraph
from lazygraph import compute, delayed
from lazygraph.errors import CaptureError

BINARY = [
    operator.add,
    operator.sub,
    operator.mul,
    operator.truediv,
    operator.floordiv,
    operator.mod,
    operator.pow,
    operator.lshift,
    operator.rshift,
    operator.and_,
    operator.or_,
    operator.xor,
    operator.eq,
    operator.ne,
    operator.lt,
    operator.le,
    operator.gt,
    operator.ge,
    divmod,
]
UNARY = [
    operator.neg,
    operator.pos,
    operator.invert,
    operator.abs,
    math.floor,
    math.ceil,
    math.trunc,
]


@pytest.mark.parametrize("op", BINARY, ids=lambda op: op.__name__)
def test_binary_operators_both_ways_round(op: Any) -> None:
    lazy = delayed(13), delayed(5)
    assert compute(op(lazy[0], 5), op(13, lazy[1]), op(*lazy)) == (op(13, 5),) * 3


@pytest.mark.parametrize("op", UNARY, ids=lambda op: op.__name__)
def test_unary_operators(op: Any) -> None:
    assert op(delayed(-3)).compute() == op(-3)


def test_operators_with_more_arguments() -> None:
    assert pow(delayed(7), 3, 5).compute() == pow(7, 3, 5)
    assert round(delayed(2.567), 1).compute() == 2.6
    assert type(round(delayed(2.5)).compute()) is int
    assert delayed([1, 2, 3])[delayed(1) :].compute() == [2, 3]
    assert delayed({"a": {"b": 3}})["a"][delayed("b")].compute() == 3


def test_matrix_product_both_ways_round() -> None:
    import numpy as np

    a, b = np.arange(4.0).reshape(2, 2), np.ones((2, 2))
    assert ((delayed(a) @ b).compute() == a @ b).all()
    assert ((delayed(a) @ delayed(b)).compute() == a @ b).all()


def test_expressions() -> None:
    x, y, z = delayed(1), delayed(2), delayed(3)
    assert ((x + y) * z).compute() == 9
    assert sum([x, y, z]).compute() == 6
    x += 1
    assert x.compute() == 2


def test_attributes_and_methods() -> None:
    value = delayed(3 + 4j)
    assert value.real.compute() == 3
    assert value.conjugate().imag.compute() == -4
    assert delayed("a,b").split(delayed(",")).compute() == ["a", "b"]


@pytest.mark.parametrize(
    "misuse",
    [
        bool,
        int,
        float,
        complex,
        operator.index,
        iter,
        list,
        len,
        lambda x: 1 in x,
        lambda x: operator.setitem(x, 0, 1),
        lambda x: operator.delitem(x, 0),
        lambda x: f"{x:.2f}",
        lambda x: [1, 2][x],
        lambda x: not x,
        range,
    ],
)
def test_what_cannot_be_lazy_is_refused_on_the_users_line(misuse: Any) -> None:
    with pytest.raises(TypeError, match="lazy value") as caught:
        misuse(delayed(1))
    assert isinstance(caught.value, CaptureError)
    assert caught.traceback[-2].path.name == "test_operators.py"  # then the method itself


def test_attributes_cannot_be_set() -> None:
    with pytest.raises(AttributeError):
        delayed(1).anything = 2  # type: ignore[attr-defined]
    with pytest.raises(AttributeError):
        delayed(1).compute = 2  # type: ignore[method-assign,assignment]


@pytest.mark.parametrize(
    ("call", "meant"),
    [
        (lambda x: x.compuet(), ".compute()"),
        (lambda x: x.comute(scheduler="threads"), ".compute()"),
        (lambda x: x.computte(), ".compute()"),
        (lambda x: x.presist(), ".persist()"),
        (lambda x: x.visualise("graph.svg"), ".visualize()"),
        (lambda x: x.optimize(), "lazygraph.optimize(x)"),
    ],
)
def test_a_call_by_a_misspelt_method_is_refused(call: Any, meant: str) -> None:
    with pytest.raises(AttributeError, match=re.escape(f"did you mean {meant!r}")) as caught:
        call(delayed("text"))
    assert caught.traceback[0].path.name == "test_operators.py"


def test_names_that_are_no_slip_stay_lazy() -> None:
    class Model:
        computed = 3

        def compute_all(self) -> int:
            return 1

        def comute(self, n: int = 0) -> int:
            return n

        def optimize(self, goal: int) -> int:
            return goal

    x = delayed(Model)()
    assert lazygraph.compute(x.computed, x.compute_all(), x.comute(2), x.optimize(4)) == (
        3,
        1,
        2,
        4,
    )
    assert delayed(getattr)(x, "comute")().compute() == 0


def test_private_attributes_are_no_tasks() -> None:
    with pytest.raises(AttributeError, match="_private"):
        delayed(1)._private  # noqa: B018
    assert not hasattr(delayed(1), "__array_interface__")


def test_repr_and_str_are_short() -> None:
    value = delayed(abs)(-1, dask_key_name="distance")
    assert repr(value) == str(value) == f"{value}" == "Delayed('distance')"
    assert repr(delayed(abs)) == "DelayedFunction(abs)"


def test_lazy_values_can_be_keys_and_members() -> None:
    a, b = delayed(1), delayed(1)
    assert len({a, b, a}) == 2
    assert {a: "a", b: "b"}[b] == "b"
    assert lazygraph.compute({a, b}) == ({1},)


def test_an_array_of_lazy_values_is_refused_unless_of_objects() -> None:
    np = pytest.importorskip("numpy")
    x = delayed(1)

    assert np.array([x, x], dtype=object).tolist() == [x, x]
    for make in (lambda: np.array([x, x]), lambda: np.asarray(x), lambda: np.asarray(x, float)):
        with pytest.raises(CaptureError, match="not known before it is computed"):
            make()

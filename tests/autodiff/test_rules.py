"""Every rule of the table against central differences: first and second order, and dtypes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import scipy.special
from rule_cases import CASES, Case

from lazygraph import compute, delayed, grad, vjp
from lazygraph.autodiff import table
from lazygraph.autodiff.cotangents import fit, like, part, unbroadcast
from lazygraph.autodiff.rules import (
    arithmetic,
    builtin,
    contractions,
    elementwise,
    exponentials,
    items,
    joins,
    kinds,
    linalg,
    linear,
    moves,
    names,
    products,
    reductions,
    shapes,
    special,
)
from lazygraph.errors import NotDifferentiable
from lazygraph.tasks.operators import Nth


def _value(case: Case, args: tuple[Any, ...]) -> Any:
    return case.write(*[delayed(x) for x in args]).compute(scheduler="sync")


def _weights(value: Any) -> Any:
    drawn = np.random.default_rng(3).standard_normal(np.shape(value))
    return drawn if np.shape(value) else float(drawn)


def _differences(goal: Callable[..., float], args: tuple[Any, ...], step: float) -> Iterator[Any]:
    """The derivative of a goal by every number of every argument, by central differences."""
    for n, arg in enumerate(args):
        found = np.zeros(np.shape(arg))
        for place in np.ndindex(np.shape(arg)):
            ends = []
            for sign in (1, -1):
                moved = np.array(arg, float)
                moved[place] += sign * step
                given = moved if np.shape(arg) else float(moved)
                ends.append(goal(*args[:n], given, *args[n + 1 :]))
            found[place] = (ends[0] - ends[1]) / (2 * step)
        yield found


@pytest.mark.parametrize("name", CASES)
def test_a_rule_agrees_with_central_differences(name: str) -> None:
    case = CASES[name]
    weights = _weights(_value(case, case.args))
    lazies = [delayed(x) for x in case.args]

    found = compute(*vjp(case.write(*lazies), lazies, weights), scheduler="sync")

    expected = _differences(lambda *x: float(np.sum(weights * _value(case, x))), case.args, 1e-6)
    for mine, other, arg in zip(found, expected, case.args, strict=True):
        assert np.shape(mine) == np.shape(arg)
        assert np.allclose(mine, other, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("name", CASES)
def test_a_rule_can_be_differentiated_again(name: str) -> None:
    """The derivative of a weighted sum of first derivatives, through a square so that none is 0."""
    case = CASES[name]

    def slopes(args: tuple[Any, ...]) -> tuple[list[Any], Any]:
        lazies = [delayed(x) for x in args]
        out = case.write(*lazies)
        goal = np.sum(out * out * 0.5 + np.sin(out))
        first = grad(goal, lazies)
        return lazies, sum(np.sum(d * _weights(x)) for d, x in zip(first, args, strict=True))

    lazies, along = slopes(case.args)
    found = compute(*grad(along, lazies), scheduler="sync")

    def goal(*args: Any) -> float:
        return float(slopes(args)[1].compute(scheduler="sync"))

    for mine, other in zip(found, _differences(goal, case.args, 1e-5), strict=True):
        assert np.allclose(mine, other, rtol=1e-5, atol=1e-6 * (1 + np.max(np.abs(other))))


@pytest.mark.parametrize("name", CASES)
def test_float32_stays_float32(name: str) -> None:
    case = CASES[name]
    args = [np.asarray(x, np.float32) for x in case.args]
    lazies = [delayed(x) for x in args]
    out = case.write(*lazies)
    weights = np.asarray(_weights(out.compute(scheduler="sync")), np.float32)

    found = compute(*vjp(out, lazies, weights), scheduler="sync")

    assert [d.dtype for d in found] == [np.float32] * len(args)


#: Functions of the way back, which the second order of others has tested; and what is too coarse
#: for differences, tested among the corners.
OF_THE_WAY_BACK = {
    np.float32, special.polygamma, products.others, products.pairs,
    unbroadcast, fit, part,
    arithmetic.direction, arithmetic.one_less, arithmetic.lowered, arithmetic.log_or_zero, arithmetic.imaginary,
    arithmetic.in_form, linear.matmul_left, linear.matmul_right, linear.dot_left,
    linear.dot_right, reductions.summed_back, reductions.spread, builtin.given_to_each,
    builtin.added_up, builtin.shared_out, builtin.weighed, exponentials.weights,
    elementwise.above, kinds.checked, kinds.separated, kinds.gathered,
    items.untaken_along, reductions.conjugated, shapes.reshaped, joins.split, joins.unjoined, joins.rejoined, joins.unstacked, joins.joined,
    joins.stacked, items.put_back, items.item, items.untaken, items.put_all_back, items.all_items,
    items.with_item, names.of_name, names.field_of,
}  # fmt: skip


def _is_swept(entry: Any) -> bool:
    """Whether the sweep over numpy's functions has the cases of an entry."""
    if any(entry is func for func in vars(scipy.special).values()):
        return True
    rules = table.ENTRIES[entry].rules.values() if entry in table.ENTRIES else ()
    swept = {module.__name__ for module in (linalg, contractions, moves, special)}
    return any(rule is not None and rule.func.__module__ in swept for rule in rules)


def _entries_used(name: str) -> set[Any]:
    """What functions of the table a case's graph calls."""
    case = CASES[name]
    graph = case.write(*[delayed(x) for x in case.args]).graph
    used: set[Any] = set()
    for task in graph.values():
        func = task.func
        if func is getattr:
            used.add(("attribute", task.args[1]))
        elif type(func).__name__ == "Method":
            used.add(("method", func.__name__))
        else:
            used.add(Nth if type(func) is Nth else func)
    return used


def test_every_entry_of_the_table_has_a_case() -> None:
    used = set().union(*map(_entries_used, CASES))
    here = {
        rules.__name__ for rules in (arithmetic, elementwise, items, linear, reductions, shapes)
    }
    wanted = {
        *table.ENTRIES,
        *(("method", name) for name in table.METHODS),
        *(("attribute", name) for name in table.ATTRIBUTES),
    }
    missing = {
        entry
        for entry in wanted - used - OF_THE_WAY_BACK
        if not _is_swept(entry)
        and getattr(entry, "__module__", "") != "lazygraph.autodiff.cotangents"
        and getattr(entry, "__module__", "") != "lazygraph.autodiff.rules.cotangents"
    }

    assert here
    assert missing <= {("method", "conj"), ("method", "conjugate")}


@pytest.mark.parametrize(
    "write",
    [lambda x: x // 2, lambda x: np.floor_divide(x, 2), lambda x: divmod(x, 2), lambda x: x & 1],
)
def test_what_jumps_is_refused_with_what_helps(write: Any) -> None:
    x = delayed(7)

    with pytest.raises(NotDifferentiable, match="stop_gradient"):
        grad(write(x), x)


AT = np.array([0.4, 1.7])


@pytest.mark.parametrize(
    ("write", "factor"),
    [
        (np.floor, [0.0, 1.0]),
        (np.sign, [1.0, 1.0]),
        (lambda x: x > 0.5, [0.0, 1.0]),
        (np.argmax, [1.0, 1.0]),
        (lambda x: x.shape[0], [2.0, 2.0]),
        (np.zeros_like, [0.0, 0.0]),
        (delayed(len), [2.0, 2.0]),
        (lambda x: x.argmin() + 1, [1.0, 1.0]),
    ],
)
def test_what_has_no_slope_counts_as_a_constant(write: Any, factor: list[float]) -> None:
    x = delayed(AT)

    assert grad(np.sum(write(x) * x), x).compute().tolist() == factor


# ------------------------------------------------------------------ complex
COMPLEX: dict[str, Callable[[Any, Any], Any]] = {
    "products": lambda np, z: np.real(z * z * np.conj(z)),
    "exp": lambda np, z: np.real(np.exp(z) * 1j),
    "abs": lambda np, z: np.abs(z) ** 3,
    "quotient": lambda np, z: np.imag(1.0 / (z + 2.0)),
    "power": lambda np, z: np.real(z**3),
    "trigonometry": lambda np, z: np.real(np.sin(z) + np.cosh(z)),
    "logarithm": lambda np, z: np.imag(np.log(z) * np.sqrt(z)),
    "matrix products": lambda np, z: np.imag(np.dot(z * 1j, z) + z @ z),
    "items": lambda np, z: np.real(z[0] * z[1] * 1j + z[[0, 0]]),
    "reductions": lambda np, z: np.imag(np.mean(z**2) + np.prod(z) + np.sum(z * 1j)),
    "joined": lambda np, z: np.imag(np.concatenate([z, z * 1j]) ** 2),
    "where": lambda np, z: np.abs(np.where(np.array([True, False]), z, 2j * z)),
    "squares and roots": lambda np, z: np.real(np.square(z) * 1j + np.sqrt(z) + np.reciprocal(z)),
    "inverses": lambda np, z: np.real(np.arctan(z) + np.arcsinh(z) + np.tanh(z)),
    "exponentials": lambda np, z: np.imag(np.log1p(z) + np.expm1(z) + np.log2(z) + 2.0**z),
    "parts": lambda np, z: np.real(np.real(z) * z + np.imag(z) * 1j * z),
}


@pytest.mark.parametrize("name", COMPLEX)
def test_complex_derivatives_are_autograds(name: str) -> None:
    autograd = pytest.importorskip("autograd", reason="pip install autograd")
    import autograd.numpy as anp

    at = np.array([1.0 + 0.5j, -0.3 + 0.8j])
    z = delayed(at)

    found = grad(np.sum(COMPLEX[name](np, z)), z).compute()

    expected = autograd.grad(lambda z: anp.sum(COMPLEX[name](anp, z)))(at)
    assert found == pytest.approx(expected, rel=1e-12)


def test_a_real_input_of_complex_numbers_has_a_real_derivative() -> None:
    x = delayed(np.array([0.3, 0.7]))

    found = grad(np.sum(np.real(np.exp(1j * x) * (1 + 2j))), x).compute()

    assert found.dtype == np.float64
    assert found == pytest.approx(-np.sin([0.3, 0.7]) - 2 * np.cos([0.3, 0.7]))


def test_likes_keep_no_data() -> None:
    form = like([np.ones((2, 3), np.float32), {"a": 1, "b": 2j}])

    assert form == [((2, 3), np.float32), {"a": ((), float), "b": ((), complex)}]

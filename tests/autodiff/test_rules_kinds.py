"""What rules make of lists where arrays go, and of numbers and arrays of every kind."""

from __future__ import annotations

import operator as op
import warnings
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from rule_cases import slopes

from lazygraph import compute, delayed, grad, value_and_grad
from lazygraph.errors import GoalError, NotDifferentiable


def test_numpys_functions_take_lists_of_lazy_values() -> None:
    found = slopes(
        lambda a, b: delayed(np.mean)([a, b]) * delayed(np.dot)([a, b], [1.0, 2]), 3.0, 5.0
    )

    assert found == [6.5 + 4.0, 6.5 + 8.0]  # mean 4, dot 13: 13 / 2 + 4 * each weight


def test_a_list_in_a_list_that_is_lazy_itself_is_refused_with_what_helps() -> None:
    x = delayed(1.0)

    with pytest.raises(NotDifferentiable, match=r"sum cannot .* a list .*np\.array"):
        grad(delayed(np.sum)(delayed([x, x])), x).compute(scheduler="sync")


def test_lists_joined_by_plus_are_refused_with_what_helps() -> None:
    x = delayed(1.0)
    both = delayed([x]) + delayed([x, x])

    with pytest.raises(
        NotDifferentiable, match=r"a list .*by an operator.*before they are made lazy"
    ):
        grad(delayed(sum)(both), x).compute(scheduler="sync")


@pytest.mark.parametrize(
    "write", [lambda x: op.add(delayed([x, x]), [x]), lambda x: op.add([x], delayed([x]))]
)
def test_a_list_that_an_operator_makes_longer_is_no_array(write: Any) -> None:
    x = delayed(1.0)

    with pytest.raises(NotDifferentiable, match="list"):
        grad(delayed(sum)(write(x)), x).compute(scheduler="sync")


def test_literal_lists_stand_for_arrays() -> None:
    assert slopes(lambda x: x @ [1.0, 2.0], np.ones(2)) == [[1.0, 2.0]]
    assert slopes(lambda x: np.sum(np.divide([1.0, 2.0], x)), np.ones(2)) == [[-1.0, -2.0]]


# ------------------------------------------------------------- kinds of numbers
@pytest.mark.parametrize(
    "write", [lambda x: np.sum(np.real(x) * 0.5), lambda x: np.sum(x.real * 0.5)]
)
def test_the_real_part_of_whole_numbers_keeps_fractions_of_slopes(write: Any) -> None:
    assert slopes(write, np.array([1, 2])) == [[0.5, 0.5]]


def test_small_whole_numbers_do_not_overflow_in_slopes() -> None:
    assert slopes(lambda x: np.sum(np.square(x) * 1.0), np.array([100], np.int8)) == [[200.0]]
    (found,) = slopes(lambda y: np.arctan2(y, np.uint8(200)), 1.0)
    assert found == pytest.approx(200 / (200**2 + 1))


@pytest.mark.parametrize(
    "write",
    [
        lambda x: x.astype(int),
        lambda x: x.astype(bool, copy=False),
        lambda x: np.sum(x, dtype=int),
        lambda x: np.cumsum(x, dtype=np.int32),
        lambda x: delayed(np.array)([x[0], x[1]], dtype=np.int8),
    ],
)
def test_a_conversion_to_whole_numbers_is_refused(write: Any) -> None:
    x = delayed(np.array([0.5, 1.5]))

    with pytest.raises(NotDifferentiable, match=r"to (int|bool).*jumps.*stop_gradient"):
        grad(np.sum(write(x) * 0.5), x).compute(scheduler="sync")


def test_whole_numbers_may_be_converted_to_whole_numbers() -> None:
    assert slopes(lambda x: np.sum(x.astype(np.int8) * 0.5), np.array([1, 2])) == [[0.5, 0.5]]


def test_a_conversion_to_coarser_floats_has_the_slope_of_one() -> None:
    assert slopes(lambda x: delayed(np.float32)(x) * 2.0, 0.4) == [2.0]
    x = delayed(np.ones(2))
    found = grad(np.sum(x.astype(np.float32) * 2), x).compute()
    assert (found.dtype, found.tolist()) == (np.float64, [2.0, 2.0])


@pytest.mark.parametrize(
    "x", [np.array(2.0), np.float64(2.0), 2.0, 2, np.float32(2), np.int8(2), True]
)
def test_numbers_of_any_kind_have_a_slope(x: Any) -> None:
    a = delayed(x)
    value, slope = compute(*value_and_grad(a * 3.0 + a * a, a), scheduler="sync")

    assert slope == 3.0 + 2 * float(x)
    assert np.asarray(slope).dtype == (np.float32 if type(x) is np.float32 else np.float64)
    assert value == 3.0 * float(x) + float(x) ** 2


@pytest.mark.parametrize("x", [Decimal(1), "a", b"a", object()])
def test_what_is_no_number_is_refused(x: Any) -> None:
    a = delayed(x)

    with pytest.raises((NotDifferentiable, GoalError), match=type(x).__name__):
        grad(delayed(lambda a: 1.0, vjp=lambda ct, out, a: a)(a), a).compute(scheduler="sync")


def test_a_masked_array_is_refused_rather_than_given_slopes_behind_its_mask() -> None:
    x = delayed(np.ma.masked_array([1.0, 2, 3], [0, 1, 0]))

    with pytest.raises(NotDifferentiable, match=r"MaskedArray.*np\.where"):
        grad(x.sum(), x).compute(scheduler="sync")


def test_a_matrix_is_refused_rather_than_multiplied_by_elements() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PendingDeprecationWarning)
        x = delayed(np.matrix([[1.0, 2], [3, 4]]))

        with pytest.raises(NotDifferentiable, match=r"matrix.*np\.asarray"):
            grad((x * x)[0, 0], x).compute(scheduler="sync")


def test_the_variance_of_complex_numbers_has_autograds_derivative() -> None:
    z = np.array([1 + 1j, 2 - 1j, 0.5j])
    # dy/da - i dy/db of mean |z - mean z| ** 2 is 2 conj(z - mean z) / n
    expected = 2 * np.conj(z - z.mean()) / 3

    x = delayed(z)
    assert grad(np.var(x), x).compute() == pytest.approx(expected)
    assert grad(np.std(x), x).compute() == pytest.approx(expected / (2 * np.std(z)))


def test_the_second_derivative_of_a_complex_size_is_that_of_differences() -> None:
    """Of |z| ** 3 + |z|, along 1 - 2i: by a and by b, the parts of z."""

    def first(z: complex) -> Any:
        x = delayed(z)
        return x, np.real(grad(np.abs(x) ** 3 + np.abs(x), x) * (1 - 2j))

    z, step = 0.7 - 0.4j, 1e-6
    x, along = first(z)
    found = grad(along, x).compute()

    by_a, by_b = [
        (first(z + d)[1].compute() - first(z - d)[1].compute()) / (2 * step)
        for d in (step, step * 1j)
    ]
    assert found == pytest.approx(by_a - 1j * by_b, rel=1e-6)


@pytest.mark.parametrize("name", ["conj", "conjugate"])
def test_the_conjugates_method_is_the_function(name: str) -> None:
    z = np.array([1 + 2j])
    x = delayed(z)

    found = grad(np.sum(np.real(getattr(x, name)() * (3 + 1j))), x).compute()

    assert found.tolist() == [3 - 1j]  # Re(conj(z) w) = Re(z conj(w))


def test_real_numbers_made_complex_on_the_way_have_real_second_derivatives() -> None:
    """Of exp(2 x) cos(3 x), the real part of exp((2 + 3i) x)."""
    x = delayed(0.4)
    y = np.real(np.exp(x * (2 + 3j)))

    second = grad(grad(y, x), x).compute()

    assert second == pytest.approx(np.real((2 + 3j) ** 2 * np.exp((2 + 3j) * 0.4)))

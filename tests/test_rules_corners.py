"""What the rules do at the edges: ties, zeros, nothing at all, lists, odd kinds of arrays."""

from __future__ import annotations

import math
import operator as op
import subprocess
import sys
import warnings
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from lazygraph import compute, delayed, grad, value_and_grad, vjp
from lazygraph.autodiff import logsumexp
from lazygraph.autodiff.cotangents import add_n, like, unbroadcast
from lazygraph.autodiff.rules.items import put_back
from lazygraph.autodiff.rules.reductions import spread
from lazygraph.autodiff.table import edge_function
from lazygraph.errors import GoalError, NotDifferentiable

A = np.arange(6.0).reshape(2, 3) + 0.5


def slopes(write: Callable[..., Any], *args: Any, scheduler: str = "sync") -> Any:
    """The derivatives of a goal by each of its arguments."""
    lazies = [delayed(x) for x in args]
    found = compute(*grad(write(*lazies), lazies), scheduler=scheduler)
    return [np.asarray(d).tolist() for d in found]


# --------------------------------------------------------------------- ties
TIES: dict[str, tuple[Callable[..., Any], tuple[Any, ...], Any]] = {
    "maximum": (np.maximum, (1.0, 1.0), [0.5, 0.5]),
    "relu at 0": (lambda x: np.sum(np.maximum(x, 0.0)), (np.array([-1.0, 0, 2]),), [[0, 0.5, 1]]),
    "max": (np.max, (np.ones(4),), [[0.25] * 4]),
    "min along": (lambda x: np.sum(x.min(axis=0)), (np.ones((2, 2)),), [[[0.5, 0.5], [0.5, 0.5]]]),
    "max of a list": (lambda a, b: delayed(max)([a, b]), (1.0, 1.0), [0.5, 0.5]),
    "max of two": (delayed(max), (1.0, 1.0), [0.5, 0.5]),
    "abs at 0": (abs, (0.0,), [0.0]),
    "clip at a bound": (lambda x: np.clip(x, 0.0, 1.0), (1.0,), [1.0]),
    "clip below a float": (lambda x, a: np.clip(x, a, 1.0), (-1.0, 0.0), [0.0, 1.0]),
    "clip, bounds crossed": (np.clip, (0.5, 1.0, 0.0), [0.0, 0.0, 1.0]),
    "fmax beside NaN": (np.fmax, (math.nan, 1.0), [0.0, 1.0]),
}


@pytest.mark.parametrize("name", TIES)
def test_equal_ones_share(name: str) -> None:
    write, args, expected = TIES[name]

    assert slopes(write, *args) == expected


# -------------------------------------------------------------------- zeros
ZEROS: dict[str, tuple[Callable[..., Any], tuple[Any, ...], Any]] = {
    "x ** 0 at 0": (lambda x: x**0, (0.0,), [0.0]),
    "x ** 1 at 0": (lambda x: x**1, (0.0,), [1.0]),
    "x ** 2 at 0": (lambda x: x**2, (0.0,), [0.0]),
    "x ** 0.0 of an array": (lambda x: np.sum(x**0.0), (np.zeros(2),), [[0.0, 0.0]]),
    "0 ** y": (lambda x, y: x**y, (0.0, 2.0), [0.0, 0.0]),
    "negative base": (lambda x: x**3, (-2.0,), [12.0]),
    "negative bases": (
        lambda x: np.sum(x ** np.array([2, 3])),
        (np.array([-1.0, -2]),),
        [[-2, 12]],
    ),
    "int ** -2": (lambda x: x**-2, (2,), [-0.25]),
    "tanh far out": (np.tanh, (1e3,), [0.0]),
    "x % y, inexactly": (lambda x, y: x % y, (1.0, 0.1), [1.0, -9.0]),
    "where avoids": (lambda x: np.where(x > 0, x, 0.0) * 2, (-1.0,), [0.0]),
    "tied at -inf": (lambda a: np.logaddexp(a, -math.inf) * 0 + a, (1.0,), [1.0]),
}


@pytest.mark.parametrize("name", ZEROS)
def test_there_is_no_nan_where_there_is_a_slope(name: str) -> None:
    write, args, expected = ZEROS[name]

    assert slopes(write, *args) == expected


@pytest.mark.parametrize("at", [0.0, 2.0, -1.5])
@pytest.mark.parametrize("n", range(6))
def test_every_derivative_of_a_power_is_a_power(n: int, at: float) -> None:
    x = delayed(np.array(at))
    derivative, factor = x**n, 1

    for order in range(1, 5):
        derivative, factor = grad(derivative, x), factor * (n - order + 1)
        expected = factor * at ** (n - order) if order <= n else 0.0
        assert derivative.compute(scheduler="sync") == pytest.approx(expected)


def test_a_row_of_minus_infinities_has_no_slope_and_spoils_no_other() -> None:
    x = np.array([[0.0, 0.0], [-math.inf, -math.inf], [0.0, -math.inf]])

    found = slopes(lambda x: np.sum(np.maximum(logsumexp(x, axis=1), -1e9)), x)

    assert found == [[[0.5, 0.5], [0.0, 0.0], [1.0, 0.0]]]


def test_logaddexp_of_two_minus_infinities_has_no_slope() -> None:
    lazies = delayed(-math.inf), delayed(-math.inf)

    assert compute(*vjp(np.logaddexp(*lazies), lazies, 1.0), scheduler="sync") == (0.0, 0.0)


def _loss_of(scores: Any) -> Any:
    kept = logsumexp(scores, axis=0, keepdims=True)[0, 0]
    return np.sum(logsumexp(scores, axis=1)) + logsumexp(scores) * kept


def test_logsumexp_can_be_watched_in_a_users_function() -> None:
    pytest.importorskip("autograd", reason="pip install lazygraph[grad]")

    found = slopes(delayed(_loss_of), A * 300)

    assert np.allclose(found, slopes(_loss_of, A * 300))


def test_logsumexp_does_not_overflow_in_its_slope() -> None:
    assert np.allclose(slopes(logsumexp, np.array([1e4, 1e4])), 0.5)


# ------------------------------------------------------------ nothing at all
EMPTY: dict[str, Callable[..., Any]] = {
    "sum": np.sum,
    "mean along": lambda x: np.sum(np.mean(x, axis=1)),
    "max along": lambda x: np.sum(np.max(x, axis=1)),
    "matmul": lambda x: np.sum(x @ A.T),
    "matmul from the left": lambda x: np.sum(A.T @ A @ x.T),
    "exp": lambda x: np.sum(np.exp(x) * 2),
    "item": lambda x: np.sum(x[:, 1]),
    "reshape": lambda x: np.sum(x.reshape(3, 0)),
    "concatenate": lambda x: np.sum(np.concatenate([x, A, x])),
    "cumsum": lambda x: np.sum(np.cumsum(x)),
    "logsumexp along": lambda x: np.sum(logsumexp(x, axis=1)),
}


@pytest.mark.parametrize("name", EMPTY)
def test_empty_arrays_have_empty_slopes(name: str) -> None:
    (found,) = slopes(EMPTY[name], A[:0])

    assert np.shape(found) == (0,)


def test_no_axis_is_an_axis_too() -> None:
    assert slopes(lambda x: np.sum(np.mean(x, axis=()) * A), A) == [A.tolist()]


# ------------------------------------------------------- lists where arrays go
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


# ---------------------------------------------------------------- item access
@pytest.mark.parametrize(
    "index",
    [
        [0, 0, 1], [True, False, True], np.array([2, 2]), np.array([[0, 0], [0, 2]]),
        (slice(None), [0, 0]), (None, 1), (Ellipsis, 0), (slice(None, None, -2),), np.int32(1),
        (np.array([0, 0]), np.array([1, 1])), range(2), (True, 1), np.array([True, True, False]),
    ],
)  # fmt: skip
def test_an_item_gives_back_as_often_as_it_was_taken(index: Any) -> None:
    x = np.arange(12.0).reshape(3, 4)
    taken = np.zeros(12)
    for place in np.ravel(np.arange(12).reshape(3, 4)[index]):
        taken[place] += 1

    assert slopes(lambda a: np.sum(a[index]), x) == [taken.reshape(3, 4).tolist()]


def test_items_by_no_positions_give_nothing_back() -> None:
    assert slopes(lambda x: np.sum(x[[]]) + np.sum(x[np.array([], int)]), np.ones(2)) == [
        [0.0, 0.0]
    ]


def test_a_field_of_records_is_refused() -> None:
    x = delayed(np.zeros(3, [("a", float)]))

    with pytest.raises(NotDifferentiable, match="plain array for each field"):
        grad(np.sum(x["a"]), x).compute(scheduler="sync")


def test_a_slice_is_put_back_in_the_dtype_of_its_array() -> None:
    form = like(np.ones(3, np.float32))

    assert put_back(np.ones(1, np.float32), form, slice(1, 2)).dtype == np.float32
    assert put_back(np.float32(1), form, 1).tolist() == [0.0, 1.0, 0.0]
    assert put_back(1.0, like(np.ones(3, int)), 1).dtype == np.float64


# ----------------------------------------------------------- what fast ways keep
def test_a_sum_of_cotangents_leaves_them_alone() -> None:
    parts = [np.full(2, 1.0), np.full(2, 2.0), np.full(2, 4.0), None, np.full((2,), 1j)]

    total = add_n(*parts)

    assert total.tolist() == [7 + 1j, 7 + 1j]
    assert add_n(parts[0], None, parts[1]).tolist() == [3.0, 3.0]
    assert [part.tolist() for part in parts[:3]] == [[1.0, 1.0], [2.0, 2.0], [4.0, 4.0]]


def test_a_rule_leaves_its_cotangent_and_values_alone() -> None:
    """One read-only array for everything: a rule that writes into it fails."""
    x = np.full((2, 2), 0.5)
    x.flags.writeable = False
    form = like(x)

    for func, param, needed in [
        (np.tanh, "x", (x, x)),
        (np.divide, "b", (form, x, x, x)),
        (np.power, "a", (form, x, x, 2)),
        (np.square, "x", (x, x)),
        (np.sqrt, "x", (x, x)),
        (np.log2, "x", (x, x)),
        (np.maximum, "a", (form, x, x, x, x)),
        (logsumexp, "x", (np.float64(1), np.float64(2), x, form)),
    ]:
        assert edge_function(func, param).func(*needed).shape == (2, 2)


def test_a_spread_cotangent_takes_no_room_and_cannot_be_written_to() -> None:
    made = spread(np.float64(2), like(np.ones((1000, 1000))))

    assert (made.shape, made.strides, made.flags.writeable) == ((1000, 1000), (0, 0), False)
    assert made[999, 999] == 2.0
    row = np.arange(3.0)
    made = spread(row, like(np.ones((2, 3))), 0)
    assert (made.tolist(), made.strides, made.flags.writeable) == ([[0, 1, 2]] * 2, (0, 8), False)
    assert row.flags.writeable


@pytest.mark.parametrize(
    ("shape", "wanted"),
    [
        ((2, 3), (3,)),
        ((2, 3), (1, 3)),
        ((2, 3), (2, 1)),
        ((2, 3), ()),
        ((3,), (2, 3)),
        ((2, 1, 3), (4, 1)),
    ],
)
def test_unbroadcast_is_the_transpose_of_broadcasting(shape: Any, wanted: Any) -> None:
    """<ct, broadcast(v)> is <unbroadcast(ct), v> for every v."""
    both = np.broadcast_shapes(shape, wanted)
    ct = np.random.default_rng(5).standard_normal(shape)
    v = np.random.default_rng(6).standard_normal(wanted)

    found = unbroadcast(ct, like(v))

    assert np.shape(found) == wanted
    wide = np.broadcast_to(ct, both)
    assert np.sum(found * v) == pytest.approx(np.sum(wide * np.broadcast_to(v, both)))


def _loss(w: Any, x: Any) -> Any:
    hidden = np.tanh(x @ w)[1:]
    return np.sum(logsumexp(hidden, axis=1)) + delayed(np.mean)([w[0, 0], w[1, 1] ** 2])


@pytest.mark.parametrize("scheduler", ["sync", "threads", "processes"])
def test_the_rules_give_the_same_on_every_scheduler(scheduler: str) -> None:
    w, x = A.T @ A / 100, A

    assert slopes(_loss, w, x, scheduler=scheduler) == slopes(_loss, w, x)


def test_scipy_is_not_imported_for_its_rules() -> None:
    code = (
        "import sys; from lazygraph import delayed, grad; x = delayed(0.5); "
        "grad(abs(x) ** 2, x).compute(scheduler='sync'); sys.exit('scipy' in sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

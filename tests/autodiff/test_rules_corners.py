"""What the rules do at the edges: ties, zeros, nothing at all, items; and what fast ways keep."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from rule_cases import slopes

from lazygraph import compute, delayed, grad, vjp
from lazygraph.autodiff import logsumexp
from lazygraph.autodiff.cotangents import add_n, like, unbroadcast
from lazygraph.autodiff.rules.items import put_back
from lazygraph.autodiff.rules.reductions import spread
from lazygraph.autodiff.table import edge_function
from lazygraph.errors import NotDifferentiable

A = np.arange(6.0).reshape(2, 3) + 0.5


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

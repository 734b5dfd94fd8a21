"""Rules of products of many numbers, some of which may be zero."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lazygraph.autodiff.cotangents import like, zeros
from lazygraph.autodiff.primitive import primitive
from lazygraph.autodiff.rules.kinds import smooth
from lazygraph.autodiff.rules.reductions import spread
from lazygraph.autodiff.table import define


def _as_rows(x: Any, axis: Any) -> Any:
    """Return the numbers, with those multiplied with each other as one row: (products, factors)."""
    n = np.ndim(x)
    given = range(n) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    axes = [each % n for each in given]
    moved = np.moveaxis(x, axes, range(n - len(axes), n))
    n_factors = math.prod([np.shape(x)[each] for each in axes])
    return np.reshape(moved, (np.size(x) // n_factors if n_factors else 0, n_factors))


def _from_rows(rows: Any, x: Any, axis: Any) -> Any:
    """Put rows back in the places that `_as_rows` had them from."""
    places = _as_rows(np.arange(np.size(x)).reshape(np.shape(x)), axis)
    made = np.empty(np.size(x), rows.dtype)
    made[places.ravel()] = rows.ravel()
    return made.reshape(np.shape(x))[()]


def _before(x: Any) -> Any:
    """Return, for each number in a row, the product of those before it."""
    made = np.ones_like(x)
    np.cumprod(x[:, :-1], axis=1, out=made[:, 1:])
    return made


@primitive
def others(a: Any, axis: Any = None) -> Any:
    """Return, for each factor, the product of the others, without division: zeros do no harm."""
    rows = _as_rows(np.asarray(a, np.result_type(zeros(like(a)))), axis)
    return _from_rows(_before(rows) * _before(rows[:, ::-1])[:, ::-1], a, axis)


def _sums_before(x: Any, c: Any) -> Any:
    """Sum, for each number in a row, `c` of those before times the others before."""
    made, product = np.zeros_like(x), np.ones_like(x[:, :1])
    for n in range(1, x.shape[1]):
        last = x[:, n - 1 : n]
        made[:, n : n + 1] = made[:, n - 1 : n] * last + product * c[:, n - 1 : n]
        product = product * last
    return made


@primitive
def pairs(c: Any, a: Any, axis: Any = None) -> Any:
    """Sum, for each factor, `c` of the others times the product of the rest.

    O(numbers), one step in Python for each factor of a product.
    """
    rows = _as_rows(np.asarray(a, np.result_type(a, c)), axis)
    weights = _as_rows(np.asarray(c, rows.dtype), axis)
    after, weights_after = rows[:, ::-1], weights[:, ::-1]
    made = _sums_before(rows, weights) * _before(after)[:, ::-1]
    made += _before(rows) * _sums_before(after, weights_after)[:, ::-1]
    return _from_rows(made, a, axis)


def _prod(
    ct: Any, a: Any, like_a: Any, axis: Any = None, dtype: Any = None, keepdims: Any = False
) -> Any:
    return spread(smooth(ct, like_a, dtype), like_a, axis, keepdims) * others(a, axis)


define([np.prod], "a axis dtype out keepdims", method="prod", a=_prod)
# Of numbers, or of arrays one by one: as a product along the first axis of all.
define([math.prod], "a", a=lambda ct, a, like_a: spread(ct, like_a, 0) * others(a, 0))
define([others], "a axis", a=lambda ct, a, axis=None: pairs(ct, a, axis))
define([pairs], "c a axis", c=lambda ct, a, axis=None: pairs(ct, a, axis))

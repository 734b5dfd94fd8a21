"""Rules of what moves numbers to other places without changing them."""

from __future__ import annotations

from typing import Any

import numpy as np

from lazygraph.autodiff.cotangents import Like, unbroadcast
from lazygraph.autodiff.primitive import primitive
from lazygraph.autodiff.table import constant, define
from lazygraph.errors import NotDifferentiable


@primitive
def reshaped(x: Any, form: Like, order: Any = "C") -> Any:
    """Return an array in the shape and dtype of another."""
    if order not in ("C", "F"):
        raise NotDifferentiable(
            f"an array in order={order!r}",
            "that goes by how it lies in memory, which may change: give C or F",
        )
    return unbroadcast(np.reshape(x, form.shape, order), form)


@primitive
def inverse(axes: Any) -> Any:
    """Return the axes that undo a transposition; None undoes None."""
    return None if axes is None else tuple(int(i) for i in np.argsort(_positive(axes)))


def _positive(axes: Any) -> list[int]:
    return [axis % len(axes) for axis in axes]


def inverse_of(*axes: Any) -> Any:
    """Do as `inverse`, of axes given one by one, or in one tuple, or not at all."""
    given = [axis for axis in axes if axis is not None]
    if not given:
        return None
    return inverse(given[0] if isinstance(given[0], (tuple, list)) else tuple(given))


def _as_before(ct: Any, like_a: Any) -> Any:
    return reshaped(ct, like_a)


def _in_order(ct: Any, like_a: Any, order: Any = "C") -> Any:
    return reshaped(ct, like_a, order)


def _transposed(
    ct: Any, a0: Any = None, a1: Any = None, a2: Any = None, a3: Any = None, a4: Any = None
) -> Any:
    return np.transpose(ct, inverse_of(a0, a1, a2, a3, a4))


define([np.reshape], "a shape order", a=_in_order)
define([np.ravel], "a order", method="ravel", a=_in_order)
define([np.squeeze], "a axis", method="squeeze", a=_as_before)
define([np.expand_dims], "a axis", a=_as_before)
define([], "a n0 n1 n2 n3 n4 n5 n6 n7 order", method="reshape", a=_in_order)
define([], "a order", method="flatten", a=_in_order)
define([], "a", method="item", a=_as_before)
define([np.copy], "a", method="copy", a=lambda ct: ct)
define([reshaped], "a form order", a=_in_order)
define([np.broadcast_to], "a shape", a=lambda ct, like_a: unbroadcast(ct, like_a))
define([np.transpose], "a axes", a=lambda ct, axes=None: np.transpose(ct, inverse(axes)))
define([], "a a0 a1 a2 a3 a4", method="transpose", a=_transposed)
define([], "a", attribute="T", a=lambda ct: np.transpose(ct))
_TURNS = [np.matrix_transpose] if hasattr(np, "matrix_transpose") else []  # since numpy 2
define(_TURNS, "a", attribute="mT", a=lambda ct: np.swapaxes(ct, -1, -2))
define(
    [np.swapaxes],
    "a axis1 axis2",
    method="swapaxes",
    a=lambda ct, axis1, axis2: np.swapaxes(ct, axis1, axis2),
)
define(
    [np.moveaxis],
    "a source destination",
    a=lambda ct, source, destination: np.moveaxis(ct, destination, source),
)
define([np.flip], "a axis", a=lambda ct, axis=None: np.flip(ct, axis))
define([np.tril], "a k", a=lambda ct, like_a, k=0: unbroadcast(np.tril(ct, k), like_a))
define([np.triu], "a k", a=lambda ct, like_a, k=0: unbroadcast(np.triu(ct, k), like_a))


@primitive
def opposite(shift: Any) -> Any:
    """Return the shift that undoes a shift."""
    return tuple(-each for each in shift) if isinstance(shift, (tuple, list)) else -shift


define(
    [np.roll],
    "a shift axis",
    a=lambda ct, shift, axis=None: np.roll(ct, opposite(shift), axis),
)

constant(inverse, opposite)
constant(
    np.result_type,
    np.iscomplexobj,
    np.isrealobj,
    np.can_cast,
    np.common_type,
    np.iscomplex,
    np.isreal,
    np.isclose,
    np.allclose,
    np.array_equal,
    np.isin,
    np.digitize,
    np.searchsorted,
    np.lexsort,
    np.signbit,
    np.heaviside,
    np.nanargmax,
    np.nanargmin,
    np.flatnonzero,
    np.argwhere,
    np.argpartition,
    np.may_share_memory,
    np.shares_memory,
    np.min_scalar_type,
)
constant(np.shape, np.ndim, np.size, len, np.zeros_like, np.ones_like, np.empty_like)
constant(np.argmax, np.argmin, np.argsort, np.nonzero, np.count_nonzero, np.any, np.all)
constant(names="shape dtype ndim size nbytes itemsize argmax argmin argsort nonzero any all round")

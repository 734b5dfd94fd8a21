"""Rules of matrix products.

Source: Giles (2008), "Collected matrix derivative results for forward and reverse mode
algorithmic differentiation"; for products of more dimensions by writing out the sums.
"""

from __future__ import annotations

import operator as op
from typing import Any

import numpy as np

from lazygraph.autodiff.cotangents import Like, unbroadcast
from lazygraph.autodiff.primitive import primitive
from lazygraph.autodiff.table import define


@primitive
def matmul_left(ct: Any, b: Any, form: Like) -> Any:
    """Return the cotangent of ``a`` in ``a @ b``, given that of the product, `b`, and a's form."""
    if type(ct) is type(b) is np.ndarray and ct.ndim == b.ndim == len(form.shape) == 2:
        return unbroadcast(ct @ b.T, form)
    if np.ndim(b) == 1:
        return unbroadcast((np.asarray(ct)[..., None] if len(form.shape) > 1 else ct) * b, form)
    if len(form.shape) == 1:
        ct = ct[..., None, :]
        return unbroadcast(np.matmul(ct, np.swapaxes(b, -1, -2))[..., 0, :], form)
    return unbroadcast(np.matmul(ct, np.swapaxes(b, -1, -2)), form)


@primitive
def matmul_right(ct: Any, a: Any, form: Like) -> Any:
    """Return the cotangent of ``b`` in ``a @ b``, given that of the product, `a`, and b's form."""
    if type(ct) is type(a) is np.ndarray and ct.ndim == a.ndim == len(form.shape) == 2:
        return unbroadcast(a.T @ ct, form)
    if np.ndim(a) == 1:
        return unbroadcast(a[:, None] * ct[..., None, :] if len(form.shape) > 1 else ct * a, form)
    if len(form.shape) == 1:
        return unbroadcast(np.matmul(np.swapaxes(a, -1, -2), ct[..., None])[..., 0], form)
    return unbroadcast(np.matmul(np.swapaxes(a, -1, -2), ct), form)


define(
    [op.matmul, np.matmul],
    "a b",
    a=lambda ct, b, like_a: matmul_left(ct, b, like_a),
    b=lambda ct, a, like_b: matmul_right(ct, a, like_b),
)
define(
    [matmul_left],
    "x b form",
    x=lambda ct, b: np.matmul(ct, b),
    b=lambda ct, x, like_b: matmul_right(x, ct, like_b),
    form=None,
)
define(
    [matmul_right],
    "x a form",
    x=lambda ct, a: np.matmul(a, ct),
    a=lambda ct, x, like_a: matmul_left(x, ct, like_a),
    form=None,
)


@primitive
def dot_left(ct: Any, b: Any, form: Like) -> Any:
    """Return the cotangent of ``a`` in ``np.dot(a, b)``: summed over b's axes except -2."""
    n = np.ndim(b)
    if n == 0 or not form.shape:
        return unbroadcast(ct * b, form)
    if n == 1:
        return unbroadcast(np.asarray(ct)[..., None] * b, form)
    axes: Any = [list(range(np.ndim(ct) - n + 1, np.ndim(ct))), [*range(n - 2), n - 1]]
    return unbroadcast(np.tensordot(ct, b, axes), form)


@primitive
def dot_right(ct: Any, a: Any, form: Like) -> Any:
    """Return the cotangent of ``b`` in ``np.dot(a, b)``: summed over all but a's last axis."""
    n = np.ndim(a)
    if n == 0 or not form.shape:
        return unbroadcast(ct * a, form)
    axes: Any = [list(range(n - 1)), list(range(n - 1))]
    summed = np.tensordot(ct, a, axes)
    return unbroadcast(summed if len(form.shape) == 1 else np.moveaxis(summed, -1, -2), form)


define(
    [np.dot],
    "a b",
    method="dot",
    a=lambda ct, b, like_a: dot_left(ct, b, like_a),
    b=lambda ct, a, like_b: dot_right(ct, a, like_b),
)
define(
    [dot_left],
    "x b form",
    x=lambda ct, b: np.dot(ct, b),
    b=lambda ct, x, like_b: dot_right(x, ct, like_b),
    form=None,
)
define(
    [dot_right],
    "x a form",
    x=lambda ct, a: np.dot(a, ct),
    a=lambda ct, x, like_a: dot_left(x, ct, like_a),
    form=None,
)

"""The logarithm of a sum of exponentials, and its rules."""

from __future__ import annotations

from typing import Any

import numpy as np

from lazygraph.autodiff.primitive import forward, lazily, primitive
from lazygraph.autodiff.rules.elementwise import above
from lazygraph.autodiff.rules.reductions import spread
from lazygraph.autodiff.table import define, elementwise
from lazygraph.tasks.function import Function
from lazygraph.tasks.pytree import LAZY, flatten

__all__ = ["logsumexp", "logsumexp_slopes", "weights"]

_ARRAY = Function(np.array)


@forward
def logsumexp(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Return the logarithm of the sum of exponentials, without overflow; lazy if `x` is.

    Parameters
    ----------
    x : array, Delayed, or list of such
        Of any shape. Where all are minus infinity, so is the result, and the slope is 0.
    axis : int or tuple of int, optional
        What to sum over; all by default.
    keepdims : bool
        Whether axes summed over stay, of length one.

    Examples
    --------
    >>> float(logsumexp([1000.0, 1000.0]))
    1000.6931471805599
    """
    if type(x) is not np.ndarray and any(type(leaf) in LAZY for leaf in flatten((x,))[0]):
        lazy = lazily(_ARRAY, (x,)) if type(x) in (list, tuple) else x
        return logsumexp(lazy, axis, keepdims)
    x = np.asarray(x)
    top = _top(x, axis)
    terms = x - top
    terms = np.exp(terms, out=terms if terms.dtype.kind == "f" else None)
    with np.errstate(divide="ignore"):  # the logarithm of 0 is meant: minus infinity
        total = np.log(np.add.reduce(terms, axis=axis, keepdims=True))
    total += top
    if keepdims:
        return total
    return total.reshape(())[()] if axis is None else total.squeeze(axis)


def _top(x: Any, axis: Any) -> Any:
    top = np.maximum.reduce(x, axis=axis, keepdims=True)
    return top if np.isfinite(top).all() else np.where(np.isfinite(top), top, 0)


@primitive
def weights(x: Any, level: Any) -> Any:
    """Return the exponentials of numbers less a level, in an array of its own."""
    terms = x - level
    return np.exp(terms, out=terms) if type(terms) is np.ndarray else np.exp(terms)


def logsumexp_slopes(
    ct: Any, out: Any, x: Any, like_x: Any, axis: Any = None, keepdims: Any = False
) -> Any:
    """Split `ct` into the shares that the exponentials have in their sum."""
    share = weights(x, spread(above(out), like_x, axis, keepdims))
    share *= spread(ct, like_x, axis, keepdims)
    return share


elementwise(weights, x=lambda ct, out: ct * out, level=lambda ct, out: -ct * out)
define([logsumexp], "x axis keepdims", x=logsumexp_slopes)

"""Rules of sums, means, extremes: what takes an axis away."""

from __future__ import annotations

from typing import Any

import numpy as np

from lazygraph.autodiff.cotangents import Like, filled, like, unbroadcast, zeros
from lazygraph.autodiff.primitive import forward, primitive
from lazygraph.autodiff.table import constant, define

__all__ = ["logsumexp"]


def _kept(x: Any, form: Like, axis: Any, keepdims: Any) -> Any:
    """A reduced array with the axes that are gone as axes of length one."""
    if keepdims or not form.shape:
        return np.asarray(x)
    if axis is None:
        return np.reshape(x, (1,) * len(form.shape))
    return np.expand_dims(x, axis)


@primitive
def spread(x: Any, form: Like, axis: Any = None, keepdims: Any = False) -> Any:
    """A reduced array stretched back over what was reduced: read-only, without a copy."""
    kept = _kept(x, form, axis, keepdims)
    return unbroadcast(np.broadcast_to(kept, form.shape), form)


@primitive
def length(form: Like, axis: Any = None, less: Any = 0) -> Any:
    """How many numbers are reduced to one."""
    if axis is None:
        count = int(np.prod(form.shape))
    else:
        axes = axis if isinstance(axis, tuple) else (axis,)
        count = int(np.prod([form.shape[each] for each in axes]))
    return count - less


@primitive
def tied(x: Any, out: Any, axis: Any = None, keepdims: Any = False) -> Any:
    """The share of each number in being the extreme one: equal ones share."""
    equal = x == _kept(out, like(x), axis, keepdims)
    return equal / np.sum(equal, axis=axis, keepdims=True)


@primitive
def summed_back(ct: Any, form: Like, axis: Any = None) -> Any:
    """The cotangent of what was summed cumulatively: sums from the end."""
    if axis is None:
        return np.cumsum(ct[::-1])[::-1].reshape(form.shape)
    return np.flip(np.cumsum(np.flip(ct, axis), axis), axis)


def _sum(ct: Any, like_a: Any, axis: Any = None, keepdims: Any = False) -> Any:
    return spread(ct, like_a, axis, keepdims)


def _mean(ct: Any, like_a: Any, axis: Any = None, keepdims: Any = False) -> Any:
    return spread(ct / length(like_a, axis), like_a, axis, keepdims)


def _var(
    ct: Any, a: Any, like_a: Any, axis: Any = None, ddof: Any = 0, keepdims: Any = False
) -> Any:
    from_mean = a - np.mean(a, axis=axis, keepdims=True)
    return spread(ct * (2.0 / length(like_a, axis, ddof)), like_a, axis, keepdims) * from_mean


def _std(
    ct: Any, out: Any, a: Any, like_a: Any, axis: Any = None, ddof: Any = 0, keepdims: Any = False
) -> Any:
    from_mean = a - np.mean(a, axis=axis, keepdims=True)
    per_one = ct / (out * length(like_a, axis, ddof))
    return spread(per_one, like_a, axis, keepdims) * from_mean


def _extreme(
    ct: Any, out: Any, a: Any, like_a: Any, axis: Any = None, keepdims: Any = False
) -> Any:
    return spread(ct, like_a, axis, keepdims) * tied(a, out, axis, keepdims)


def _of_spread(ct: Any, like_x: Any, axis: Any = None, keepdims: Any = False) -> Any:
    return unbroadcast(np.sum(ct, axis=axis, keepdims=keepdims), like_x)


define([np.sum], "a axis dtype out keepdims", method="sum", a=_sum)
define([np.mean], "a axis dtype out keepdims", method="mean", a=_mean)
define([np.var], "a axis dtype out ddof keepdims", method="var", a=_var)
define([np.std], "a axis dtype out ddof keepdims", method="std", a=_std)
define([np.max, np.min], "a axis out keepdims", method="max", a=_extreme)
define([], "a axis out keepdims", method="min", a=_extreme)
define(
    [np.cumsum],
    "a axis dtype out",
    method="cumsum",
    a=lambda ct, like_a, axis=None: summed_back(ct, like_a, axis),
)
define(
    [summed_back],
    "x form axis",
    x=lambda ct, axis=None: np.cumsum(ct, axis=axis),
    form=None,
)
define([spread], "x form axis keepdims", x=_of_spread, form=None)
constant(length, tied)


@forward
def logsumexp(x: Any, axis: Any = None, keepdims: Any = False) -> Any:
    """The logarithm of the sum of exponentials, without overflow; lazy if `x` is.

    Parameters
    ----------
    x : array or Delayed
        Of any shape.
    axis : int or tuple of int, optional
        What to sum over; all by default.
    keepdims : bool
        Whether axes summed over stay, of length one.

    Examples
    --------
    >>> float(logsumexp([1000.0, 1000.0]))
    1000.6931471805599
    """
    x = np.asarray(x)
    top = np.max(x, axis=axis, keepdims=True)
    top = np.where(np.isfinite(top), top, 0.0)
    total = np.log(np.sum(np.exp(x - top), axis=axis, keepdims=True)) + top
    total = total.astype(x.dtype, copy=False) if x.dtype.kind == "f" else total
    if keepdims:
        return total
    return total.reshape(())[()] if axis is None else np.squeeze(total, axis)


def _logsumexp(
    ct: Any, out: Any, x: Any, like_x: Any, axis: Any = None, keepdims: Any = False
) -> Any:
    share = np.exp(x - spread(out, like_x, axis, keepdims))
    return spread(ct, like_x, axis, keepdims) * share


define([logsumexp], "x axis keepdims", x=_logsumexp)


# --------------------------------------------------------- Python's own sum
@primitive
def given_to_each(ct: Any, form: Any) -> Any:
    """The cotangents of what `sum` has added up: `ct` for each."""
    if type(form) is Like:  # an array, summed along its first axis
        return unbroadcast(np.broadcast_to(ct, form.shape), form)
    cts = [unbroadcast(ct, each) for each in form]
    return cts if isinstance(form, list) else tuple(cts)


@primitive
def added_up(cts: Any, form: Any) -> Any:
    """The sum of cotangents in a list; None counts as zero."""
    if type(form) is Like:
        return np.sum(cts, axis=0)
    return sum(filled(cts, form)) if form else zeros(form)


define(
    [sum],
    "x start",
    x=lambda ct, like_x: given_to_each(ct, like_x),
    start=lambda ct, like_start: unbroadcast(ct, like_start),
)
define(
    [given_to_each],
    "x form",
    x=lambda ct, like_x, form: unbroadcast(added_up(ct, form), like_x),
    form=None,
)
define([added_up], "x form", x=lambda ct, form: given_to_each(ct, form), form=None)

"""Rules of sums, means, extremes: what takes an axis away."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lazygraph.autodiff.cotangents import Like, like, unbroadcast
from lazygraph.autodiff.primitive import primitive
from lazygraph.autodiff.rules.kinds import smooth
from lazygraph.autodiff.table import constant, define


def _kept(x: Any, form: Like, axis: Any, keepdims: Any) -> Any:
    """Return a reduced array with the reduced axes kept, of length one."""
    if keepdims or not form.shape:
        return np.asarray(x)
    if axis is None:
        return np.reshape(x, (1,) * len(form.shape))
    return np.expand_dims(x, axis)


@primitive
def spread(x: Any, form: Like, axis: Any = None, keepdims: Any = False) -> Any:
    """Stretch a reduced array back over what was reduced: read-only, without a copy."""
    if type(x) is np.float64 and form.dtype == x.dtype and axis is None:
        return np.ndarray(form.shape, x.dtype, x, 0, (0,) * len(form.shape))  # read-only, as x
    is_array = type(x) is np.ndarray and x.dtype == form.dtype
    if is_array and axis is not None and x.flags.c_contiguous:
        return _view(x, form.shape, _strides(x, len(form.shape), axis, keepdims))
    kept = _kept(x, form, axis, keepdims)
    return unbroadcast(np.broadcast_to(kept, form.shape), form)


def _strides(x: Any, ndim: int, axis: Any, keepdims: Any) -> tuple[int, ...]:
    """Return the strides of `x`, 0 where it is stretched: `np.broadcast_to` takes 4 us for them."""
    axes = axis if type(axis) is tuple else (axis,)
    gone = [each % ndim for each in axes]
    strides = iter(x.strides)
    if keepdims:
        return tuple([0 if n in gone else stride for n, stride in enumerate(strides)])
    return tuple([0 if n in gone else next(strides) for n in range(ndim)])


def _view(x: Any, shape: tuple[int, ...], strides: tuple[int, ...]) -> Any:
    made: Any = np.ndarray(shape, x.dtype, x, 0, strides)
    made.flags.writeable = False
    return made


@primitive
def length(form: Like, axis: Any = None, less: Any = 0) -> Any:
    """Return how many numbers are reduced to one, less `less`."""
    if axis is None:
        return math.prod(form.shape) - less
    axes = axis if isinstance(axis, tuple) else (axis,)
    return math.prod([form.shape[each] for each in axes]) - less


@primitive
def conjugated(x: Any) -> Any:
    """Return the conjugate of complex numbers; real ones as they are."""
    return np.conjugate(x) if np.iscomplexobj(x) else x


@primitive
def tied(x: Any, out: Any, axis: Any = None, keepdims: Any = False) -> Any:
    """Return the share of each number in being the extreme one: equal ones share."""
    equal = x == _kept(out, like(x), axis, keepdims)
    count = np.sum(equal, axis=axis, keepdims=True)
    return equal if np.all(count == 1) else equal / count


@primitive
def summed_back(ct: Any, form: Like, axis: Any = None) -> Any:
    """Return the cotangent of what was summed cumulatively: sums from the end."""
    if axis is None:
        return unbroadcast(np.cumsum(ct[::-1])[::-1].reshape(form.shape), form)
    return unbroadcast(np.flip(np.cumsum(np.flip(ct, axis), axis), axis), form)


def _sum(ct: Any, like_a: Any, axis: Any = None, dtype: Any = None, keepdims: Any = False) -> Any:
    return spread(smooth(ct, like_a, dtype), like_a, axis, keepdims)


def _mean(ct: Any, like_a: Any, axis: Any = None, dtype: Any = None, keepdims: Any = False) -> Any:
    return spread(smooth(ct, like_a, dtype) / length(like_a, axis), like_a, axis, keepdims)


def _from_mean(a: Any, axis: Any) -> Any:
    return conjugated(a - np.mean(a, axis=axis, keepdims=True))


def _var(
    ct: Any, a: Any, like_a: Any, axis: Any = None, ddof: Any = 0, keepdims: Any = False
) -> Any:
    per_one = ct * (2.0 / length(like_a, axis, ddof))
    return spread(per_one, like_a, axis, keepdims) * _from_mean(a, axis)


def _std(
    ct: Any, out: Any, a: Any, like_a: Any, axis: Any = None, ddof: Any = 0, keepdims: Any = False
) -> Any:
    per_one = ct / (out * length(like_a, axis, ddof))
    return spread(per_one, like_a, axis, keepdims) * _from_mean(a, axis)


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
define([np.max, np.min, np.amax, np.amin], "a axis out keepdims", method="max", a=_extreme)
define([], "a axis out keepdims", method="min", a=_extreme)
define(
    [np.cumsum],
    "a axis dtype out",
    method="cumsum",
    a=lambda ct, like_a, axis=None, dtype=None: summed_back(
        smooth(ct, like_a, dtype), like_a, axis
    ),
)
define(
    [summed_back],
    "x form axis",
    x=lambda ct, axis=None: np.cumsum(ct, axis=axis),
    form=None,
)
define([spread], "x form axis keepdims", x=_of_spread, form=None)
define([conjugated], "x", x=lambda ct: conjugated(ct))
constant(length, tied)

"""More functions of numpy's, made of others: copies, grids, gaps, curves."""

from __future__ import annotations

from typing import Any

import autograd.numpy as anp
import numpy as np

from lazygraph.autodiff.boxes import Escaped, getval, isbox
from lazygraph.autodiff.watched_entries import take_along_axis, total, where
from lazygraph.autodiff.watched_numpy import own


@own(*[func for func in [vars(np).get("astype")] if func is not None])
def astype(x: Any, dtype: Any, **kwargs: Any) -> Any:
    """In another dtype."""
    return x.astype(dtype, **kwargs)


def _plain(func: Any) -> Any:
    """A function whose results have no slope, on the values alone."""

    def call(*args: Any, **kwargs: Any) -> Any:
        return func(*map(getval, args), **kwargs)

    return call


for _func in (
    np.heaviside,
    np.signbit,
    np.isin,
    np.digitize,
    np.nanargmax,
    np.nanargmin,
    np.lexsort,
):
    own(_func)(_plain(_func))


def _of_linalg(*names: str) -> list[Any]:
    """Functions of np.linalg's that not all versions have."""
    return [vars(np.linalg)[name] for name in names if name in vars(np.linalg)]


def _moving(func: Any) -> Any:
    """A function that only moves elements, as a choice among positions."""

    def call(array: Any, *args: Any, **kwargs: Any) -> Any:
        if any(isbox(value) for value in (*args, *kwargs.values())):
            raise Escaped(f"np.{func.__name__} is known by its first argument alone")
        at = func(np.arange(np.size(array)).reshape(np.shape(array)), *args, **kwargs)
        return anp.ravel(array)[at]

    return call


_MOVERS: Any = (np.tile, np.repeat, np.roll, np.rot90, np.delete, np.diagonal, np.resize)
for _mover in _MOVERS:
    own(_mover)(_moving(_mover))
_PADDED = _moving(np.pad)


@own(np.pad)
def pad(array: Any, pad_width: Any, mode: Any = "constant", **kwargs: Any) -> Any:
    """Elements around the edges."""
    if mode == "constant":
        return anp.pad(array, pad_width, mode, **kwargs)
    if mode not in ("edge", "reflect", "symmetric", "wrap"):
        raise Escaped(f"nothing is known of np.pad's mode={mode!r}")
    return _PADDED(array, pad_width, mode, **kwargs)


@own(np.diag)
def diag(v: Any, k: int = 0) -> Any:
    """A matrix with a vector as its diagonal, or a matrix's diagonal."""
    return anp.diag(v, k) if np.ndim(v) == 1 else np.diagonal(v, k)


@own(np.trace)
def trace(a: Any, offset: int = 0, axis1: Any = None, axis2: Any = None, **kwargs: Any) -> Any:
    """The sum of a diagonal."""
    if any(value is not None for value in kwargs.values()):
        raise Escaped(f"nothing is known of np.trace's {', '.join(kwargs)}=")
    axes = (0 if axis1 is None else axis1, 1 if axis2 is None else axis2)
    return anp.sum(np.diagonal(a, offset, *axes), axis=-1)


@own(np.clip)
def clip(a: Any, a_min: Any = None, a_max: Any = None, **kwargs: Any) -> Any:
    """The elements, or the bounds beyond which they are."""
    low, high = kwargs.pop("min", a_min), kwargs.pop("max", a_max)
    if any(value is not None for value in kwargs.values()):
        raise Escaped(f"nothing is known of np.clip's {', '.join(kwargs)}=")
    made = a if low is None else where(getval(a) < getval(low), low, a)
    return made if high is None else where(getval(made) > getval(high), high, made)


@own(np.quantile)
def quantile(a: Any, q: Any, axis: Any = None, **kwargs: Any) -> Any:
    """What lies above a share of the elements."""
    if isbox(q) or kwargs:
        raise Escaped("np.quantile is known by its elements alone, with no keywords but axis=")
    if axis is None:
        a, axis = anp.ravel(a), 0
    rising = np.moveaxis(np.sort(a, axis=axis), axis, 0)
    place = np.asarray(q, float) * (len(rising) - 1)
    below = np.clip(np.floor(place).astype(int), 0, len(rising) - 2) if len(rising) > 1 else 0
    share = np.reshape(place - below, np.shape(place) + (1,) * (np.ndim(a) - 1))
    return rising[below] * (1 - share) + rising[below + (len(rising) > 1)] * share


@own(np.percentile)
def percentile(a: Any, q: Any, *args: Any, **kwargs: Any) -> Any:
    """What lies above so many in a hundred."""
    return quantile(a, np.asarray(q, float) / 100, *args, **kwargs)


@own(np.broadcast_to)
def broadcast_to(array: Any, shape: Any, subok: bool = False) -> Any:  # noqa: ARG001  # numpy's
    """The same elements in a larger shape."""
    return array + np.zeros(shape, np.result_type(array)) if isbox(array) else array


@own(np.broadcast_arrays)
def broadcast_arrays(*args: Any, **_: Any) -> Any:
    """Each in the shape of all together."""
    shape = np.broadcast_shapes(*map(np.shape, args))
    return tuple([broadcast_to(x, shape) if isbox(x) else np.broadcast_to(x, shape) for x in args])


@own(np.meshgrid)
def meshgrid(*xi: Any, indexing: Any = "xy", **kwargs: Any) -> Any:
    """Coordinates of a grid's points."""
    if kwargs.get("sparse"):
        raise Escaped("nothing is known of np.meshgrid's sparse=")
    grids = np.meshgrid(*[np.arange(np.size(x)) for x in xi], indexing=indexing)
    return type(grids)([x[grid] for x, grid in zip(map(np.ravel, xi), grids, strict=True)])


@own(np.sort)
def sort(a: Any, axis: Any = -1, **kwargs: Any) -> Any:
    """In rising order."""
    if axis is None:
        a, axis = anp.ravel(a), -1
    return take_along_axis(a, np.argsort(getval(a), axis=axis, **kwargs), axis)


@own(np.partition)
def partition(a: Any, kth: Any, axis: Any = -1, **kwargs: Any) -> Any:
    """In an order in which some are where sorting would put them."""
    if axis is None:
        a, axis = anp.ravel(a), -1
    return take_along_axis(a, np.argpartition(getval(a), kth, axis=axis, **kwargs), axis)


def _present(a: Any) -> Any:
    return ~np.isnan(getval(a))


@own(np.nansum)
def nansum(a: Any, *args: Any, **kwargs: Any) -> Any:
    """The sum of what is a number."""
    return total(where(_present(a), a, 0.0), *args, **kwargs)


@own(np.nanmean)
def nanmean(a: Any, axis: Any = None, keepdims: bool = False, **kwargs: Any) -> Any:
    """The mean of what is a number."""
    if kwargs:
        raise Escaped(f"nothing is known of np.nanmean's {', '.join(kwargs)}=")
    counts = np.sum(_present(a), axis=axis, keepdims=keepdims)
    return nansum(a, axis=axis, keepdims=keepdims) / counts


@own(np.copysign)
def copysign(x1: Any, x2: Any) -> Any:
    """The first's size with the second's sign."""
    sign = np.copysign(1.0, getval(x1)) * np.copysign(1.0, getval(x2))
    return x1 * sign.astype(np.result_type(getval(x1)))


@own(np.polyval)
def polyval(p: Any, x: Any) -> Any:
    """A polynomial's values, the highest power first."""
    made = 0 * x
    for coefficient in p:
        made = made * x + coefficient
    return made


@own(np.vander)
def vander(x: Any, N: Any = None, increasing: bool = False) -> Any:  # noqa: N803  # numpy's name
    """Powers of a vector's elements."""
    powers = np.arange(len(x) if N is None else N)
    return anp.power(x[:, None], (powers if increasing else powers[::-1]).astype(float))


@own(np.interp)
def interp(x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, **kwargs: Any) -> Any:
    """A line through points, at x: by x and by the points' heights."""
    if isbox(xp) or any(value is not None for value in (left, right, *kwargs.values())):
        raise Escaped("np.interp is known by x and fp alone, without left=, right= and period=")
    xp = np.asarray(xp, float)
    n = np.clip(np.searchsorted(xp, getval(x), side="right") - 1, 0, len(xp) - 2)
    share = anp.clip((x - xp[n]) / (xp[n + 1] - xp[n]), 0.0, 1.0)
    heights = fp if isbox(fp) else np.asarray(fp, float)
    return heights[n] * (1 - share) + heights[n + 1] * share


@own(np.convolve)
def convolve(a: Any, v: Any, mode: Any = "full") -> Any:
    """The product of two sequences as polynomials."""
    plain: Any = np.convolve(np.ones(np.size(a)), np.ones(np.size(v)), mode)
    n, m = np.size(a), np.size(v)
    full = n + m - 1
    at = np.arange(n)[:, None] + np.arange(m)  # where each product belongs
    to = (np.arange(full)[:, None] == at.ravel()).astype(plain.dtype)
    made = to @ anp.ravel(np.outer(a, v))
    ahead = (full - len(plain)) // 2
    return made[ahead : ahead + len(plain)]


@own(*_of_linalg("outer"))
def outer(x1: Any, x2: Any, /) -> Any:
    """The products of all pairs."""
    return np.outer(x1, x2)


@own(*_of_linalg("trace"))
def trace_of_last(x: Any, /, *, offset: int = 0, **kwargs: Any) -> Any:
    """The sum of a diagonal in the last two axes."""
    return trace(x, offset, -2, -1, **kwargs)


@own(*_of_linalg("matrix_transpose"))
def matrix_transpose(x: Any, /) -> Any:
    """The last two axes swapped."""
    return anp.swapaxes(x, -1, -2)


@own(*_of_linalg("vector_norm"))
def vector_norm(x: Any, /, *, axis: Any = None, ord: Any = 2, keepdims: bool = False) -> Any:  # noqa: A002  # numpy's name
    """The norm of vectors."""
    flat = anp.ravel(x) if axis is None and not keepdims else x
    return np.linalg.norm(flat, ord, axis, keepdims)


@own(*_of_linalg("vecdot"), *[func for func in [vars(np).get("vecdot")] if func is not None])
def vecdot(x1: Any, x2: Any, axis: int = -1) -> Any:
    """Scalar products along an axis."""
    return anp.sum(anp.conj(x1) * x2, axis=axis)


@own(np.linalg.eigvalsh)
def eigvalsh(a: Any, UPLO: str = "L") -> Any:  # noqa: N803  # numpy's name
    """The eigenvalues of a symmetric matrix."""
    return anp.linalg.eigh(a, UPLO)[0]

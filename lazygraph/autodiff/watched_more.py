"""More functions of numpy's, made of others: copies, grids, gaps, curves."""

from __future__ import annotations

from typing import Any

import autograd.numpy as anp
import numpy as np

from lazygraph.autodiff.boxes import Escaped, getval, isbox
from lazygraph.autodiff.watched_entries import take_along_axis, total, where
from lazygraph.autodiff.watched_numpy import own


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


@own(np.tile)
def tile(A: Any, reps: Any) -> Any:  # noqa: N803  # numpy's name
    """Copies side by side."""
    times = tuple(reps) if np.iterable(reps) else (reps,)
    n = max(len(times), np.ndim(A))
    times = (1,) * (n - len(times)) + times
    shape = (1,) * (n - np.ndim(A)) + np.shape(A)
    apart = anp.reshape(A, [size for length in shape for size in (1, length)])
    spread = [size for pair in zip(times, shape, strict=True) for size in pair]
    joined = [k * length for k, length in zip(times, shape, strict=True)]
    return anp.reshape(broadcast_to(apart, tuple(spread)), joined)


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
def meshgrid(*xi: Any, indexing: str = "xy", **kwargs: Any) -> Any:
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
    plain = np.convolve(np.ones(np.shape(a)), np.ones(np.shape(v)), mode)
    n, m = np.size(a), np.size(v)
    full = n + m - 1
    at = np.arange(n)[:, None] + np.arange(m)  # where each product belongs
    to = (np.arange(full)[:, None] == at.ravel()).astype(plain.dtype)
    made = to @ anp.ravel(np.outer(a, v))
    ahead = (full - len(plain)) // 2
    return made[ahead : ahead + len(plain)]


@own(*[f for f in (vars(np).get("vecdot"), vars(np.linalg).get("vecdot")) if f is not None])
def vecdot(x1: Any, x2: Any, axis: int = -1) -> Any:
    """Scalar products along an axis."""
    return anp.sum(anp.conj(x1) * x2, axis=axis)


@own(np.linalg.eigvalsh)
def eigvalsh(a: Any, UPLO: str = "L") -> Any:  # noqa: N803  # numpy's name
    """The eigenvalues of a symmetric matrix."""
    return anp.linalg.eigh(a, UPLO)[0]


@own(np.delete)
def delete(arr: Any, obj: Any, axis: Any = None) -> Any:
    """The elements but for some."""
    if axis is None:
        arr, axis = anp.ravel(arr), 0
    kept = np.delete(np.arange(np.shape(arr)[axis]), obj)
    return arr[(slice(None),) * (axis % np.ndim(arr)) + (kept,)]

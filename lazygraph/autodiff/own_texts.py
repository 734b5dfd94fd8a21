"""Functions of numpy's whose text is in C, or cannot be traced: what they are made of, anew."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from lazygraph.autodiff.numpy_text import OWN_TEXTS
from lazygraph.autodiff.tracer import Escaped, raw

__all__ = ["own"]


def own(*funcs: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Let a function be run for numpy's."""

    def enter(func: Callable[..., Any]) -> Callable[..., Any]:
        OWN_TEXTS.update(dict.fromkeys(funcs, func))
        return func

    return enter


def _named(module: Any, *names: str) -> list[Any]:
    """Return the functions of these names, which not all versions of numpy have."""
    return [vars(module)[name] for name in names if name in vars(module)]


@own(np.sum)
def total(a: Any, axis: Any = None, dtype: Any = None, **kwargs: Any) -> Any:
    """Sum the elements that ``where=`` asks for, and add ``initial=``."""
    chosen, initial = kwargs.pop("where", True), kwargs.pop("initial", None)
    made = np.sum(a if chosen is True else np.where(chosen, a, 0.0), axis, dtype, **kwargs)
    return made if initial is None else made + initial


def _extreme(func: Any, worst: float) -> None:
    def call(a: Any, axis: Any = None, out: Any = None, **kwargs: Any) -> Any:  # noqa: ARG001
        chosen, initial = kwargs.pop("where", True), kwargs.pop("initial", worst)
        made = func(a if chosen is True else np.where(chosen, a, worst), axis, **kwargs)
        return (np.maximum if worst < 0 else np.minimum)(made, initial)

    own(func)(call)


_extreme(np.max, -np.inf)
_extreme(np.min, np.inf)


@own(np.prod)
def product(a: Any, axis: Any = None, dtype: Any = None, **kwargs: Any) -> Any:
    """Multiply the elements that ``where=`` asks for, and ``initial=``."""
    chosen, initial = kwargs.pop("where", True), kwargs.pop("initial", 1.0)
    return (
        np.prod(a if chosen is True else np.where(chosen, a, 1.0), axis, dtype, **kwargs) * initial
    )


@own(np.mean)
def mean(a: Any, axis: Any = None, dtype: Any = None, **kwargs: Any) -> Any:
    """Return the mean of the elements that ``where=`` asks for."""
    chosen = kwargs.pop("where", True)
    n = np.sum(np.broadcast_to(chosen, np.shape(a)), axis, **kwargs)
    return np.sum(np.where(chosen, a, 0.0), axis, dtype, **kwargs) / n


@own(np.var)
def variance(a: Any, axis: Any = None, dtype: Any = None, **kwargs: Any) -> Any:  # noqa: ARG001
    """Return the variance of the elements that ``where=`` asks for."""
    chosen, ddof = kwargs.pop("where", True), kwargs.pop("ddof", kwargs.pop("correction", 0))
    kwargs.pop("mean", None)
    n = np.sum(np.broadcast_to(chosen, np.shape(a)), axis, **kwargs)
    middle = mean(a, axis, where=chosen, keepdims=True)
    return np.sum(np.where(chosen, np.abs(a - middle) ** 2, 0.0), axis, **kwargs) / (n - ddof)


@own(np.std)
def deviation(a: Any, axis: Any = None, dtype: Any = None, **kwargs: Any) -> Any:
    """Return the square root of the variance."""
    return np.sqrt(variance(a, axis, dtype, **kwargs))


def _of_present(name: str, nothing: float) -> None:
    func = getattr(np, name.removeprefix("nan"))

    def call(a: Any, *args: Any, **kwargs: Any) -> Any:
        return func(np.where(np.isnan(raw(a)), nothing, a), *args, **kwargs)

    own(getattr(np, name))(call)


for _name, _nothing in (("nansum", 0.0), ("nanprod", 1.0), ("nancumsum", 0.0), ("nancumprod", 1.0)):
    _of_present(_name, _nothing)
_of_present("nanmax", -np.inf)
_of_present("nanmin", np.inf)


@own(np.nanmean)
def nanmean(a: Any, axis: Any = None, **kwargs: Any) -> Any:
    """Return the mean of the elements that are not NaN."""
    return mean(np.nan_to_num(a), axis, where=~np.isnan(raw(a)), **kwargs)


@own(np.nanvar)
def nanvar(a: Any, axis: Any = None, **kwargs: Any) -> Any:
    """Return the variance of the elements that are not NaN."""
    return variance(np.nan_to_num(a), axis, where=~np.isnan(raw(a)), **kwargs)


@own(np.nanstd)
def nanstd(a: Any, axis: Any = None, **kwargs: Any) -> Any:
    """Return the standard deviation of the elements that are not NaN."""
    return np.sqrt(nanvar(a, axis, **kwargs))


@own(np.nan_to_num)
def nan_to_num(x: Any, copy: bool = True, nan: Any = 0.0, **kwargs: Any) -> Any:  # noqa: ARG001
    """Put numbers in place of NaN and infinities."""
    value = raw(x)
    fixed = np.nan_to_num(value, nan=nan, **kwargs)
    return np.where(np.isfinite(value), x, fixed)


@own(np.cumprod)
def cumprod(a: Any, axis: Any = None, **_: Any) -> Any:
    """Return the products of the first elements."""
    a, axis = (np.ravel(a), 0) if axis is None else (np.moveaxis(a, axis, 0), axis)
    made = [a[0]] if len(a) else []
    for part in a[1:]:
        made.append(made[-1] * part)
    return np.moveaxis(np.stack(made), 0, axis) if made else np.moveaxis(a, 0, axis)


@own(np.cross, *_named(np.linalg, "cross"))
def cross(
    a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: Any = None
) -> Any:
    """Return the vector product."""
    axisa, axisb, axisc = (axisa, axisb, axisc) if axis is None else (axis,) * 3
    a, b = np.moveaxis(a, axisa, 0), np.moveaxis(b, axisb, 0)
    if len(a) == len(b) == 2:
        return a[0] * b[1] - a[1] * b[0]
    a, b = [[*x, 0.0 * x[0]] if len(x) == 2 else [*x] for x in (a, b)]
    turns = ((1, 2), (2, 0), (0, 1))
    return np.stack([a[i] * b[j] - a[j] * b[i] for i, j in turns], axisc)


@own(np.interp)
def interp(
    x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None
) -> Any:
    """Interpolate linearly between the points (xp, fp), at x."""
    if period is not None:
        raise Escaped("np.interp is known without period=")
    given, points = raw(x), np.asarray(raw(xp), float)
    n = np.clip(np.searchsorted(points, given, side="right") - 1, 0, max(len(points) - 2, 0))
    xp, fp = [np.asarray(v, float) if v is raw(v) else v for v in (xp, fp)]
    share = np.clip((x - xp[n]) / (xp[n + 1] - xp[n]), 0.0, 1.0)
    made = fp[n] * (1 - share) + fp[n + 1] * share
    made = made if left is None else np.where(given < points[0], left, made)
    return made if right is None else np.where(given > points[-1], right, made)


def _sliding(a: Any, v: Any, mode: str) -> Any:
    """Return the sums of products of the longer sequence with the shorter, reversed and shifted."""
    if len(v) > len(a):
        a, v = v, a
    n, m = len(a), len(v)
    ahead = {"full": m - 1, "same": m // 2, "valid": 0}[mode]
    behind = {"full": m - 1, "same": (m - 1) // 2, "valid": 0}[mode]
    wide = np.pad(a, (ahead, behind))
    rows = np.arange(len(raw(wide)) - m + 1)[:, None] + np.arange(m)
    made: Any = wide[rows] @ v[::-1]
    return made[:n] if mode == "same" else made


@own(np.convolve)
def convolve(a: Any, v: Any, mode: str = "full") -> Any:
    """Multiply two sequences as polynomials."""
    a, v = [np.atleast_1d(x) if x is not raw(x) else np.atleast_1d(np.asarray(x)) for x in (a, v)]
    return _sliding(a, v, mode)


@own(np.correlate)
def correlate(a: Any, v: Any, mode: str = "valid") -> Any:
    """Return the sums of products of a sequence with the conjugate of another, shifted."""
    a, v = [np.atleast_1d(x) if x is not raw(x) else np.atleast_1d(np.asarray(x)) for x in (a, v)]
    return _sliding(a, np.conj(v)[::-1], mode)


@own(np.vdot)
def vdot(a: Any, b: Any) -> Any:
    """Return the scalar product of the conjugate of `a` with `b`, both flattened."""
    return np.sum(np.conj(np.ravel(a)) * np.ravel(b))


@own(*_named(np.linalg, "vecdot"), *_named(np, "vecdot"))
def vecdot(x1: Any, x2: Any, axis: int = -1) -> Any:
    """Return the scalar products along an axis."""
    return np.sum(np.conj(x1) * x2, axis=axis)


@own(np.copysign)
def copysign(x1: Any, x2: Any) -> Any:
    """Return the first's size with the second's sign."""
    sign = np.copysign(1.0, raw(x1)) * np.copysign(1.0, raw(x2))
    return x1 * sign.astype(np.result_type(raw(x1)))


@own(np.ldexp)
def ldexp(x1: Any, x2: Any) -> Any:
    """Return a number times a power of two."""
    return x1 * np.ldexp(1.0, raw(x2))


@own(np.select)
def select(condlist: Any, choicelist: Any, default: Any = 0) -> Any:
    """Return, for each element, the first choice whose condition holds."""
    made = default
    for condition, choice in reversed([*zip(condlist, choicelist, strict=True)]):
        made = np.where(condition, choice, made)
    return made


@own(np.choose)
def choose(a: Any, choices: Any, out: Any = None, mode: str = "raise") -> Any:  # noqa: ARG001
    """Return, for each place, the element of the array that is meant there."""
    a, made = np.asarray(a), choices[-1]
    for n, choice in enumerate(choices[:-1]):
        made = np.where(a == n, choice, made)
    return made + np.zeros(np.shape(a))


@own(np.copyto)
def copyto(dst: Any, src: Any, casting: str = "same_kind", where: Any = True) -> None:  # noqa: ARG001
    """Put elements into an array that is there already."""
    dst[...] = np.where(where, src, dst)


@own(np.putmask)
def putmask(a: Any, mask: Any, values: Any) -> None:
    """Put elements where a mask says."""
    a[...] = np.where(mask, values if np.ndim(values) == 0 else np.resize(values, np.shape(a)), a)


@own(np.place)
def place(arr: Any, mask: Any, vals: Any) -> None:
    """Put elements one after the other where a mask says."""
    where = np.nonzero(mask)
    arr[where] = np.resize(vals, len(where[0])) if np.ndim(vals) else vals


@own(np.trace)
def trace(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None) -> Any:
    """Sum a diagonal."""
    return np.sum(np.diagonal(a, offset, axis1, axis2), axis=-1, dtype=dtype)


@own(np.broadcast_to)
def broadcast_to(array: Any, shape: Any, subok: bool = False) -> Any:  # noqa: ARG001
    """Broadcast an array to a larger shape."""
    return np.broadcast_to(array, shape)


@own(np.broadcast_arrays)
def broadcast_arrays(*args: Any, subok: bool = False) -> Any:  # noqa: ARG001
    """Return each array in the shape of all together."""
    shape = np.broadcast_shapes(*map(np.shape, args))
    return tuple([np.broadcast_to(x, shape) for x in args])

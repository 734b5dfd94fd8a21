"""Functions of numpy's that autograd has no rule for, made of those that it has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import autograd.numpy as anp
import numpy as np

from lazygraph.autodiff.boxes import Escaped, from_objects, getval, isbox
from lazygraph.autodiff.watched_numpy import own, primitive_of, unboxed_tuple


def _arrays(values: Any) -> list[Any]:
    return [value if isbox(value) else _array(value) for value in values]


def _array(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return anp.array([_array(item) for item in value]) if _has_box(value) else np.array(value)
    return from_objects(np.asarray(value))


def _has_box(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return any(map(_has_box, value))
    return bool(isbox(value))


def _refuse_out(name: str, given: Any) -> None:
    if given is not None:
        raise Escaped(f"np.{name} is to write into an array that is there already, by out=")


@own(np.concatenate)
def concatenate(arrays: Sequence[Any], axis: Any = 0, out: Any = None, **kwargs: Any) -> Any:
    """Arrays one after the other."""
    _refuse_out("concatenate", out)
    parts = _arrays(arrays)
    if axis is None:
        parts, axis = [anp.ravel(part) for part in parts], 0
    made = anp.concatenate_args(axis, *parts)
    return made.astype(kwargs["dtype"]) if kwargs.get("dtype") is not None else made


@own(np.stack)
def stack(arrays: Sequence[Any], axis: int = 0, out: Any = None, **kwargs: Any) -> Any:
    """Arrays along a new axis."""
    _refuse_out("stack", out)
    parts = _arrays(arrays)
    shapes = {np.shape(part) for part in parts}
    if len(shapes) > 1:
        raise ValueError("all input arrays must have the same shape")
    return concatenate([anp.expand_dims(part, axis) for part in parts], axis, **kwargs)


@own(np.vstack, getattr(np, "row_stack", np.vstack))
def vstack(tup: Sequence[Any], **kwargs: Any) -> Any:
    """Arrays one below the other."""
    return concatenate([anp.atleast_2d(part) for part in _arrays(tup)], 0, **kwargs)


@own(np.hstack)
def hstack(tup: Sequence[Any], **kwargs: Any) -> Any:
    """Arrays side by side."""
    parts = [anp.atleast_1d(part) for part in _arrays(tup)]
    return concatenate(parts, 0 if parts and np.ndim(parts[0]) == 1 else 1, **kwargs)


@own(np.dstack)
def dstack(tup: Sequence[Any]) -> Any:
    """Arrays one behind the other."""
    return concatenate([anp.atleast_3d(part) for part in _arrays(tup)], 2)


@own(np.column_stack)
def column_stack(tup: Sequence[Any]) -> Any:
    """Vectors as columns."""
    parts = _arrays(tup)
    columns = [anp.reshape(p, (-1, 1)) if np.ndim(p) < 2 else p for p in parts]
    return concatenate(columns, 1)


@own(np.append)
def append(arr: Any, values: Any, axis: Any = None) -> Any:
    """Values after an array's."""
    return concatenate([arr, values], axis)


@own(np.where)
def where(condition: Any, *branches: Any) -> Any:
    """One or the other."""
    condition = getval(condition)
    if not branches:
        return np.nonzero(condition)
    shape = np.broadcast_shapes(*map(np.shape, (condition, *branches)))
    return anp.where(condition, *[_stretched(branch, shape) for branch in _arrays(branches)])


def _stretched(array: Any, shape: tuple[int, ...]) -> Any:
    return array + np.zeros(shape, np.result_type(array)) if np.shape(array) != shape else array


@own(np.select)
def select(condlist: Sequence[Any], choicelist: Sequence[Any], default: Any = 0) -> Any:
    """The first choice whose condition holds."""
    made = default
    for condition, choice in reversed(list(zip(condlist, choicelist, strict=True))):
        made = where(condition, choice, made)
    return made


@own(np.mean)
def mean(a: Any, axis: Any = None, dtype: Any = None, out: Any = None, **kwargs: Any) -> Any:
    """The mean."""
    return _reduced("mean", a, axis, dtype, out, kwargs)


@own(np.sum)
def total(a: Any, axis: Any = None, dtype: Any = None, out: Any = None, **kwargs: Any) -> Any:
    """The sum; of the elements that are asked for by ``where=``."""
    chosen, initial = kwargs.pop("where", np._NoValue), kwargs.pop("initial", np._NoValue)
    if chosen is not np._NoValue and chosen is not True:
        a = where(chosen, a, np.result_type(a).type(0))
    made = _reduced("sum", a, axis, dtype, out, kwargs)
    return made if initial is np._NoValue else made + initial


def _reduced(name: str, a: Any, axis: Any, dtype: Any, out: Any, kwargs: dict[str, Any]) -> Any:
    _refuse_out(name, out)
    keepdims = kwargs.pop("keepdims", np._NoValue)
    unknown = [key for key, value in kwargs.items() if value is not np._NoValue]
    if unknown:
        raise Escaped(f"autograd's rule for np.{name} knows nothing of {', '.join(unknown)}=")
    a = a if isbox(a) else _array(a)
    if dtype is not None:
        a = a.astype(dtype)
    func = primitive_of(getattr(np, name))
    return func(a, axis=axis, keepdims=keepdims is not np._NoValue and bool(keepdims))


@own(np.average)
def average(a: Any, axis: Any = None, weights: Any = None, **kwargs: Any) -> Any:
    """The mean, weighed."""
    if kwargs.pop("returned", False):
        raise Escaped("nothing is known of np.average's returned=")
    if weights is None:
        return mean(a, axis, **kwargs)
    if np.ndim(weights) != np.ndim(a):
        shape = [1] * np.ndim(a)
        shape[axis] = -1
        weights = anp.reshape(weights, shape)
    spread = weights + 0 * getval(a)
    return total(a * weights, axis, **kwargs) / total(spread, axis, **kwargs)


@own(np.copy)
def copy(a: Any, *_: Any, **__: Any) -> Any:
    """Itself: nothing can change it."""
    return a


@own(np.positive)
def positive(x: Any) -> Any:
    """Itself."""
    return x


@own(np.cbrt)
def cbrt(x: Any) -> Any:
    """The cube root."""
    return anp.sign(x) * anp.abs(x) ** (1 / 3)


@own(np.float_power)
def float_power(x: Any, y: Any) -> Any:
    """A power."""
    return anp.power(x * 1.0, y)


@own(np.flip)
def flip(m: Any, axis: Any = None) -> Any:
    """The elements in reverse order along axes."""
    axes = range(m.ndim) if axis is None else (axis if isinstance(axis, tuple) else (axis,))
    chosen = {n % m.ndim for n in axes}
    return m[tuple([slice(None, None, -1 if n in chosen else 1) for n in range(m.ndim)])]


@own(np.take)
def take(a: Any, indices: Any, axis: Any = None, **kwargs: Any) -> Any:
    """The elements at positions."""
    if any(value is not None for value in kwargs.values()):
        raise Escaped(f"nothing is known of np.take's {', '.join(kwargs)}=")
    if axis is None:
        return anp.ravel(a)[indices]
    return a[(slice(None),) * (axis % np.ndim(a)) + (np.asarray(indices),)]


@own(np.take_along_axis)
def take_along_axis(arr: Any, indices: Any, axis: Any = -1) -> Any:
    """The elements at positions that differ from row to row."""
    if axis is None:
        return anp.ravel(arr)[indices]
    where_ = list(np.ix_(*[range(n) for n in indices.shape]))
    where_[axis] = indices
    return arr[tuple(where_)]


@own(np.ptp)
def ptp(a: Any, axis: Any = None, **kwargs: Any) -> Any:
    """The largest minus the smallest."""
    return anp.max(a, axis=axis, **kwargs) - anp.min(a, axis=axis, **kwargs)


@own(np.cumprod)
def cumprod(a: Any, axis: Any = None, **_: Any) -> Any:
    """Products of the first elements."""
    if axis is None:
        a, axis = anp.ravel(a), 0
    a = anp.moveaxis(a, axis, 0)
    made = [a[0]]
    for part in a[1:]:
        made.append(made[-1] * part)
    return anp.moveaxis(stack(made), 0, axis)


@own(np.median)
def median(a: Any, axis: Any = None, **kwargs: Any) -> Any:
    """The middle element, or the mean of the middle two."""
    if any(kwargs.values()):
        raise Escaped(f"nothing is known of np.median's {', '.join(kwargs)}=")
    if axis is None:
        a, axis = anp.ravel(a), 0
    a = anp.moveaxis(np.sort(a, axis=axis), axis, 0)
    n = np.shape(a)[0]
    return (a[(n - 1) // 2] + a[n // 2]) / 2


@own(np.vdot)
def vdot(a: Any, b: Any) -> Any:
    """The scalar product, of the first's conjugate."""
    return anp.sum(anp.conj(anp.ravel(a)) * anp.ravel(b))


@own(np.linalg.multi_dot)
def multi_dot(arrays: Sequence[Any]) -> Any:
    """A product of several matrices."""
    made = arrays[0]
    for array in arrays[1:]:
        made = anp.dot(made, array)
    return made


@own(np.linalg.matrix_power)
def matrix_power(a: Any, n: int) -> Any:
    """A product of a matrix with itself."""
    if n < 0:
        return matrix_power(anp.linalg.inv(a), -n)
    made = np.eye(np.shape(a)[-1], dtype=a.dtype)
    for _ in range(n):
        made = anp.matmul(made, a)
    return made


@own(*[func for name in ("trapezoid", "trapz") if (func := vars(np).get(name)) is not None])
def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    """The area below a line through points."""
    if x is not None:
        steps = anp.diff(x, axis=axis if np.ndim(x) > 1 else -1)
        shape = [1] * np.ndim(y)
        shape[axis] = -1
        dx = steps if np.ndim(x) > 1 else anp.reshape(steps, shape)
    y = anp.moveaxis(y, axis, -1)
    dx = anp.moveaxis(dx, axis, -1) if np.ndim(dx) else dx
    return anp.sum(dx * (y[..., 1:] + y[..., :-1]) / 2, axis=-1)


@own(np.linalg.norm)
def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:  # noqa: A002  # numpy's name
    """The norm."""
    x = x if isbox(x) else _array(x)
    if keepdims:
        shape = np.linalg.norm(getval(x), ord, axis, keepdims=True).shape
        return anp.reshape(norm(x, ord, axis), shape)
    if (np.ndim(x) == 1 or isinstance(axis, int)) and ord in (1, np.inf):
        return (anp.sum if ord == 1 else anp.max)(anp.abs(x), axis=axis)
    return primitive_of(np.linalg.norm)(x, ord, axis)


@own(np.linalg.svd)
def svd(a: Any, full_matrices: bool = True, compute_uv: bool = True, **kwargs: Any) -> Any:
    """The singular values, and the vectors."""
    if compute_uv and full_matrices and len({*np.shape(a)[-2:]}) == 2:
        raise Escaped("np.linalg.svd is known with full_matrices=False alone")
    found = primitive_of(np.linalg.svd)(a, full_matrices=False, compute_uv=compute_uv, **kwargs)
    return unboxed_tuple(found)

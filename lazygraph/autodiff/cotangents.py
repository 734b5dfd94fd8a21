"""What cotangents are made of: where they begin, how they add up, how they fit their values.

The cotangent of a value has its shape and dtype; that of an integer is a float; that of a
list, tuple, dict or registered class is one like it, with None where a part has no influence.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from lazygraph.autodiff.primitive import primitive
from lazygraph.autodiff.structures import fields_of, is_container, is_number, registered_parts
from lazygraph.errors import CotangentError, GoalError, NotDifferentiable
from lazygraph.tasks.registration import registrations
from lazygraph.tasks.reprs import short_repr
from lazygraph.tasks.tree_paths import Path, get_in

__all__ = [
    "MOST_SOURCES",
    "Like",
    "add_n",
    "check_real",
    "filled",
    "fit",
    "like",
    "map_parts",
    "ones",
    "owned",
    "part",
    "placed",
    "seed",
    "unbroadcast",
    "zeros",
]


class Like(NamedTuple):
    """What a cotangent must look like: all that is kept of a value whose data nobody needs.

    `dtype` is ``float`` or ``complex`` itself for Python's own numbers.
    """

    shape: tuple[int, ...]
    dtype: Any

    def __str__(self) -> str:
        return f"shape {self.shape}" if self.shape else "a scalar"


#: That of Python's own numbers, and of the scalars that numpy makes most of.
_FLOAT, _COMPLEX = Like((), float), Like((), complex)
_FLOAT64 = Like((), np.dtype(float))


@primitive
def like(value: Any) -> Any:
    """Return the `Like` of a number or array; of a list, tuple or dict, one like it of `Like`.

    Of a dataclass, a dict by field. Parts that are no numbers have None; and None, where a part
    of a cotangent has no influence, stays None.
    """
    kind = type(value)
    if kind is np.ndarray:
        return Like(value.shape, value.dtype)
    if kind is float:
        return _FLOAT
    return _FLOAT64 if kind is np.float64 else _like_of_other(value)


def _like_of_other(value: Any) -> Any:
    if isinstance(value, (np.ndarray, np.generic)):
        if isinstance(value, np.ndarray):
            _check_plain(value)
        return Like(value.shape, value.dtype)
    if isinstance(value, complex):
        return _COMPLEX
    if isinstance(value, (int, float)):
        return _FLOAT
    if value is None:
        return None
    fields = fields_of(value)
    return map_parts(_like_of_part, value if fields is None else fields)


def _like_of_part(value: Any) -> Any:
    is_known = is_number(value) or is_container(value)
    return like(value) if is_known else None


#: Arrays whose operators or sums mean other things than those of plain ones.
_UNLIKE = ("MaskedArray", "matrix", "recarray", "chararray")


def _check_plain(value: Any) -> None:
    """Refuse arrays that the rules would be wrong for, without a sign of it."""
    for kind in type(value).__mro__:
        if kind.__name__ in _UNLIKE and kind.__module__.partition(".")[0] == "numpy":
            raise NotDifferentiable(
                short_repr(value),
                f"the rules are those of plain arrays, and a {kind.__name__} computes otherwise: "
                "use np.asarray(...), or np.where(...) for a mask",
            )


def map_parts(func: Any, *values: Any) -> Any:
    """Return `func` of every part of a container, or of several of the same form, in its form."""
    first = values[0]
    if isinstance(first, dict):
        return {key: func(*[value[key] for value in values]) for key in first}
    if isinstance(first, (list, tuple)) and type(first) is not Like:
        parts = [func(*part) for part in zip(*values, strict=True)]
        if isinstance(first, list):
            return parts
        kind: Any = type(first)
        return kind(*parts) if hasattr(kind, "_fields") else tuple(parts)
    opened = [each for value in values if (each := registered_parts(value)) is not None]
    if opened:
        columns = [children for _, children in opened]
        return opened[0][0]([func(*part) for part in zip(*columns, strict=True)])
    raise NotDifferentiable(
        short_repr(first), f"a {type(first).__name__} is neither a number nor an array of them"
    )


@lru_cache(maxsize=64)
def _float_kind(dtype: Any) -> Any:
    """Return the dtype of cotangents for `dtype`: itself, or float64 for whole numbers."""
    return dtype if np.issubdtype(dtype, np.inexact) else np.dtype(float)


@primitive
def zeros(form: Any, _after: Any = None) -> Any:
    """Return zero cotangents for what looks like `form`; a task waits for `_after` first."""
    if form is None:
        return None
    if type(form) is not Like:
        return map_parts(zeros, form)
    if isinstance(form.dtype, type):
        return form.dtype(0)
    return np.zeros(form.shape, _float_kind(form.dtype))


@primitive
def ones(form: Any) -> Any:
    """Return cotangents of one for what looks like `form`."""
    if type(form) is Like:
        return zeros(form) + 1
    return None if form is None else map_parts(ones, form)


@primitive
def seed(goal: Any, holomorphic: bool = False) -> Any:
    """Return the cotangent that a scalar goal begins with: one, in its dtype.

    Raises
    ------
    GoalError
        If the goal is no real number (or, if `holomorphic`, no number), or more than one.
    """
    if type(goal) is float:
        return 1.0
    if not is_number(goal):
        raise GoalError(
            f"a gradient is that of one number, and the goal is {short_repr(goal)} "
            f"({type(goal).__name__})"
        )
    check_real(goal, holomorphic)
    if np.shape(goal):
        raise GoalError(
            f"a gradient is that of one number, and the goal is an array of shape "
            f"{np.shape(goal)}: reduce it, by np.sum(...) say, or give cotangents to "
            "vjp(outputs, wrt, cotangents), or ask for jacobian(...)"
        )
    return ones(like(goal))


def check_real(goal: Any, holomorphic: bool) -> None:
    """Refuse goals that are truth values, or complex where that is not asked for."""
    kind = np.asarray(goal).dtype.kind
    if kind == "b":
        raise GoalError("the goal is a truth value, which has no slope: a gradient is of a number")
    if kind == "c" and not holomorphic:
        raise GoalError(
            "the goal is complex, and a gradient is that of a real number: take np.real(...), "
            "np.abs(...) of it, or say holomorphic=True for the complex derivative of a "
            "holomorphic function"
        )


#: So many things are looked at that a cotangent may share its memory with.
MOST_SOURCES = 8


@primitive
def owned(ct: Any, form: Any, *sources: Any) -> Any:
    """Do as `fit`, in memory of its own: copied where it may be one of `sources`, or is a view.

    Without sources nothing is known of where `ct` comes from.
    """
    made = fit(ct, form)
    if type(made) is not np.ndarray:
        return made if type(form) is Like or made is None else map_parts(_copied, made)
    is_new = made is not ct or (sources and all(made is not each for each in sources))
    return made if is_new and made.base is None else made.copy()


def _copied(ct: Any) -> Any:
    if type(ct) is np.ndarray:
        return ct.copy()
    return map_parts(_copied, ct) if is_container(ct) else ct


def _plus(a: Any, b: Any) -> Any:
    if a is None or b is None:
        return b if a is None else a
    if is_container(a):
        return map_parts(_plus, a, b)
    return a + b


@primitive
def add_n(first: Any, *others: Any) -> Any:
    """Sum cotangents from left to right: the same to the bit on every scheduler."""
    if len(others) > 1 and type(first) is type(others[0]) is np.ndarray:
        return _added(first + others[0], others[1:])
    total = first
    for other in others:
        total = _plus(total, other)
    return total


def _added(total: Any, others: tuple[Any, ...]) -> Any:
    """Add the others to `total`, which nobody else has: in place where that changes nothing."""
    for other in others:
        if (
            type(other) is type(total) is np.ndarray
            and other.dtype == total.dtype
            and other.shape == total.shape
        ):
            total += other
        else:
            total = _plus(total, other)
    return total


@primitive
def filled(ct: Any, form: Any) -> Any:
    """Return `ct` with zeros in place of each None, however deep."""
    if ct is None:
        return zeros(form)
    if type(form) is Like or form is None:
        return ct
    return map_parts(filled, ct, form)


@primitive
def unbroadcast(ct: Any, form: Like) -> Any:
    """Sum `ct` over what broadcasting has stretched `form` by, in its dtype.

    Parameters
    ----------
    ct : array or number
        Of any shape that `form` broadcasts to.
    form : Like
        Of the value that was broadcast.
    """
    kind = type(ct)
    if kind is np.ndarray or kind is np.float64:
        dtype = ct.dtype
        if ct.shape == form.shape and dtype == form.dtype and dtype.kind in "fc":
            return ct
    elif kind is float and form is _FLOAT:
        return ct
    return _unbroadcast(ct, form)


def _unbroadcast(ct: Any, form: Any) -> Any:
    if type(ct) in (list, tuple):
        raise NotDifferentiable(
            f"a {type(ct).__name__} that was put together or repeated by an operator",
            "the rules of operators are those of numbers and arrays: join lists before they are "
            "made lazy, or make arrays of them, by delayed(np.array)(...)",
        )
    shape = np.shape(ct)
    if shape != form.shape:
        ct = _summed(ct, shape, form.shape)
    return _cast(ct, form.dtype)


def _summed(ct: Any, shape: tuple[int, ...], wanted: tuple[int, ...]) -> Any:
    is_smaller, axes = _stretched(shape, wanted)
    if is_smaller:
        ct = np.broadcast_to(ct, np.broadcast_shapes(shape, wanted))
        axes = _stretched(ct.shape, wanted)[1]
    return np.add.reduce(ct, axis=axes).reshape(wanted)


@lru_cache(maxsize=1024)
def _stretched(shape: tuple[int, ...], wanted: tuple[int, ...]) -> tuple[bool, tuple[int, ...]]:
    """Tell whether `shape` itself is to be stretched first, and along which axes `wanted` was."""
    lead = len(shape) - len(wanted)
    if lead < 0 or any(n not in (1, m) for n, m in zip(wanted, shape[lead:], strict=True)):
        return True, ()
    stretched = [lead + i for i, n in enumerate(wanted) if n == 1 and shape[lead + i] != 1]
    return False, (*range(lead), *stretched)


def _cast(ct: Any, dtype: Any) -> Any:
    if isinstance(dtype, type):  # Python's own numbers stay so
        if type(ct) is dtype:
            return ct
        return complex(ct) if dtype is complex else float(np.real(ct))
    wanted = _float_kind(dtype)
    given = getattr(ct, "dtype", None)
    if given is not None and given == wanted:
        return ct
    if np.iscomplexobj(ct) and wanted.kind != "c":
        ct = np.real(ct)
    return np.asarray(ct, wanted)[()] if np.ndim(ct) == 0 else np.asarray(ct, wanted)


@primitive
def fit(ct: Any, form: Any, what: str = "a cotangent") -> Any:
    """Return `ct` in the dtype of `form`, its shape checked; zeros for None.

    Raises
    ------
    CotangentError
        If the shapes differ, or it is no number.
    """
    if ct is None:
        return zeros(form)
    if type(form) is not Like:
        _check_parts(ct, form, what)
        return map_parts(lambda part, like: fit(part, like, what), ct, form)
    kind = type(ct)
    is_plain = kind is float or kind is np.float64 or (kind is np.ndarray and ct.dtype.kind in "fc")
    if is_plain and (() if kind is float else ct.shape) == form.shape:
        return _cast(ct, form.dtype)
    if isinstance(ct, np.ndarray) and ct.dtype.kind == "O" and ct.size:  # of traced numbers
        ct = np.reshape(np.stack(ct.ravel().tolist()), ct.shape)
    try:
        if np.shape(ct) == form.shape:
            return _cast(ct, form.dtype)
    except (TypeError, ValueError) as error:
        shown = f"{short_repr(ct)} ({type(ct).__name__})"
        raise CotangentError(f"{what} is {shown}, which is no number") from error
    raise CotangentError(f"{what} has shape {np.shape(ct)}, and its value {form}")


def _check_parts(ct: Any, form: Any, what: str) -> None:
    if isinstance(form, dict):
        fits = isinstance(ct, dict) and ct.keys() == form.keys()
    elif type(form) in registrations():
        fits = type(ct) is type(form)
    else:
        fits = isinstance(ct, (list, tuple)) and len(ct) == len(form)
    if not fits:
        raise CotangentError(
            f"{what} is {short_repr(ct)}, and its value is a {type(form).__name__}"
            + (f" of {len(form)}" if hasattr(form, "__len__") else "")
        )


@primitive
def part(whole: Any, way: Path) -> Any:
    """Return what is at the end of a path inside a cotangent; None if it has none there."""
    return _found(whole, way)


def _found(whole: Any, way: Path) -> Any:
    """Do as `get_in`; a field of a dataclass, whose cotangent is a dict, is an item there."""
    return get_in(whole, tuple([(_item if get is getattr else get, name) for get, name in way]))


def _item(whole: Any, name: str) -> Any:
    return whole[name] if isinstance(whole, dict) else getattr(whole, name)


@primitive
def placed(ct: Any, way: Path, form: Any) -> Any:
    """Return a cotangent like `form` with `ct` at the end of a path, and None elsewhere."""
    if not way or form is None:  # what has been None itself has no influence
        return None if form is None else ct
    (_, name), *rest = way
    inner = placed(ct, tuple(rest), _found(form, way[:1]))
    if isinstance(form, dict):
        return {key: inner if key == name else None for key in form}
    opened = registered_parts(form)
    if opened is not None:
        return opened[0]([inner if n == name else None for n in range(len(opened[1]))])
    names = getattr(form, "_fields", range(len(form)))
    parts = [inner if name in (n, key) else None for n, key in enumerate(names)]
    return parts if isinstance(form, list) else tuple(parts)

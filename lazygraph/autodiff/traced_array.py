"""Traced values as numpy's arrays: ufuncs, functions, methods and attributes of arrays."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np

from lazygraph.autodiff.autograd_rows import has_row, is_trusted
from lazygraph.autodiff.numpy_text import run_text
from lazygraph.autodiff.primitive import RECORDERS, SUSPECTS, TRACED
from lazygraph.autodiff.structures import PARTS
from lazygraph.autodiff.table import entry_of, is_constant
from lazygraph.autodiff.tracer import (
    _PLAIN,
    Escaped,
    NoAttributeError,
    Trace,
    Tracer,
    has_tracer,
    raw,
    record,
    shared_function,
)
from lazygraph.autodiff.users import rule_of

__all__ = ["TracedArray", "from_objects", "new_trace"]

#: Arrays of more elements are not taken apart into an array of objects.
_MOST_OBJECTS = 10_000
#: ufunc and method -> the function that does the same.
_METHODS = {
    (np.add, "reduce"): np.sum,
    (np.multiply, "reduce"): np.prod,
    (np.maximum, "reduce"): np.max,
    (np.minimum, "reduce"): np.min,
    (np.add, "accumulate"): np.cumsum,
    (np.multiply, "accumulate"): np.cumprod,
}
_REDUCED = ("axis", "dtype", "out", "keepdims", "initial", "where")
#: Keywords that autograd's rules know.
_OF_ROWS = {"axis", "axes", "keepdims"}
#: What arrays say of themselves that has no slope.
_PLAIN_ATTRIBUTES = {"ndim", "size", "dtype", "nbytes", "itemsize", "is_integer", "flags"}
_AS_FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "T": np.transpose,
    "mT": lambda x: np.swapaxes(x, -1, -2),
    "real": np.real,
    "imag": np.imag,
    "flat": np.ravel,
}
#: Methods of arrays that numpy has as functions of the same arguments.
_METHOD_NAMES = (
    "all any argmax argmin argsort clip compress cumprod cumsum diagonal dot max mean min nonzero "
    "prod ptp repeat round searchsorted squeeze std sum swapaxes take trace var conj conjugate"
)
_AS_METHODS = frozenset(_METHOD_NAMES.split())
#: Ufuncs that an array of objects calls as methods of its elements.
_UNARY_NAMES = (
    "sin cos tan arcsin arccos arctan sinh cosh tanh arcsinh arccosh arctanh exp exp2 expm1 log "
    "log2 log10 log1p sqrt square reciprocal sign floor ceil fabs rint trunc isnan isinf isfinite "
    "cbrt deg2rad rad2deg degrees radians"
)
_UNARY = frozenset(_UNARY_NAMES.split())


def _reshaped(x: Any, shape: Any, order: Any = "C") -> Any:
    return np.reshape(x, shape, order=order)


def new_trace() -> Trace:
    """Return a new trace of arrays."""
    return Trace(TracedArray)


class TracedArray(Tracer):
    """An array or number under watch."""

    __slots__ = ()
    __getitem__: Any  # as all operators, of `Tracer`

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        return call_ufunc(ufunc, method, inputs, kwargs)

    def __array_function__(self, func: Any, _types: Any, args: Any, kwargs: Any) -> Any:
        return call_function(func, args, kwargs)

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        """Return its elements in an array of objects, so that np.array([x, y]) holds them."""
        if dtype not in (None, object) or raw(np.size(self)) > _MOST_OBJECTS:
            self._escape(_PLAIN.format("array"))
        made = np.empty(np.shape(raw(self)), object)
        if not made.shape:
            made.fill(self)
        for place in np.ndindex(made.shape):
            if place:
                made[place] = self[place]
        return made

    def __getattr__(self, name: str) -> Any:
        if name in _UNARY and type(raw(self)) is not np.ndarray:
            return lambda: getattr(np, name)(self)
        if name.startswith("__") or not hasattr(raw(self), name):
            kind = type(raw(self)).__name__
            raise NoAttributeError(f"{kind!r} object has no attribute {name!r}")
        if name in _PLAIN_ATTRIBUTES:
            return getattr(raw(self), name)
        if name in _AS_FUNCTIONS:
            return _AS_FUNCTIONS[name](self)
        if name in _AS_METHODS:
            func = getattr(np, name)
            return lambda *args, **kwargs: func(self, *args, **kwargs)
        raise NoAttributeError(f"nothing is known of the slope of x.{name}")

    @property
    def shape(self) -> Any:
        """Its lengths; may be set, as an array's."""
        return raw(self).shape

    @shape.setter
    def shape(self, shape: Any) -> None:
        made: Any = _reshaped(self, shape)
        self._value, self._node = made._value, made._node

    def item(self, *where: Any) -> Any:
        """Return the one element, or the one at `where`."""
        raw(self).item(*where)  # its error, if it has one
        return (
            np.reshape(self, -1)[where[0] if len(where) == 1 else 0]
            if len(where) < 2
            else self[where]
        )

    def tolist(self) -> Any:
        """Return its elements in nested lists, traced."""
        return [part.tolist() for part in self] if raw(self).ndim else self

    def copy(self, order: str = "C") -> Any:
        """Return the same array, to be changed by itself; the order in memory is ignored."""
        del order
        return self._snapshot()

    def flatten(self, order: str = "C") -> Any:
        """Return its elements in a row, in memory of their own."""
        return self.ravel(order)._snapshot()

    def ravel(self, order: str = "C") -> Any:
        """Return its elements in a row, in order of memory if that is meant."""
        if order in ("K", "A"):
            order = "F" if np.isfortran(raw(self)) else "C"
        return _reshaped(self, -1, order)

    def reshape(self, *shape: Any, order: str = "C") -> Any:
        """Return its elements in another shape."""
        return _reshaped(self, shape[0] if len(shape) == 1 else shape, order)

    def transpose(self, *axes: Any) -> Any:
        """Return it with its axes in another order."""
        given = axes[0] if len(axes) == 1 else axes
        return np.transpose(self, given or None)

    def astype(self, dtype: Any, *_: Any, **__: Any) -> Any:
        """Return it in another dtype; as whole numbers or truth values it is constant."""
        if np.dtype(dtype).kind in "biu":
            return np.asarray(raw(self)).astype(dtype)
        if np.dtype(dtype).kind not in "fc":
            self._escape(f"it was made an array of {np.dtype(dtype)}")
        return record(shared_function(np.asarray), (self,), {"dtype": np.dtype(dtype)})

    def sort(self, axis: int = -1, **kwargs: Any) -> None:
        """Sort in place."""
        self._change(np.sort(self, axis, **kwargs), "x.sort(): np.sort(x) gives a new one")

    def partition(self, kth: Any, axis: int = -1, **_: Any) -> None:
        """Partition in place."""
        self._change(np.partition(self, kth, axis), "x.partition()")

    def fill(self, value: Any) -> None:
        """Fill in place."""
        self[...] = value


RECORDERS[TracedArray] = record
SUSPECTS.add(TracedArray)
TRACED.add(TracedArray)
PARTS.add(TracedArray)


def from_objects(value: Any) -> Any:
    """Return an array of objects, some traced, as one traced array; anything else as it is."""
    if type(value) is not np.ndarray or value.dtype.kind != "O":
        return value
    flat = value.ravel().tolist()
    return np.reshape(np.stack(flat), value.shape) if has_tracer(flat) else value


def _as_array(value: Any) -> Any:
    """Return a list of numbers, some perhaps traced, as an array."""
    if isinstance(value, (list, tuple)) and has_tracer(value):
        return np.stack([_as_array(item) for item in value])
    return from_objects(value)


# ------------------------------------------------------------------- ufuncs
def call_ufunc(ufunc: Any, method: str, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Return what ``ufunc(*inputs)`` gives, or one of its methods."""
    (out,) = kwargs.pop("out", None) or (None,)
    out = None if out is Ellipsis else out  # numpy's word for an array in any case
    inputs = tuple([_as_array(value) for value in inputs])
    where = kwargs.pop("where", True) if method == "__call__" and out is not None else True
    made = _ufunc(ufunc, method, inputs, {k: v for k, v in kwargs.items() if v is not np._NoValue})
    if out is None:
        return made
    if type(out) is not TracedArray:
        raise Escaped(
            f"np.{ufunc.__name__} is to write its result into an array that is there already, by "
            "out= or an in-place operation such as a += x: write a = a + x"
        )
    made = made if where is True else np.where(where, made, out)
    return out._change(made if has_tracer(made) else _traced(made, out), "out=")


def _traced(value: Any, like: TracedArray) -> Any:
    return like._trace.buffer(value)


def _ufunc(ufunc: Any, method: str, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    if method == "outer" and len(inputs) == 2:
        a, b = inputs
        return ufunc(np.reshape(a, (*np.shape(a), *(1,) * np.ndim(b))), b)
    if method != "__call__":
        func: Any = _METHODS.get((ufunc, method))
        if func is None:
            raise Escaped(f"nothing is known of np.{ufunc.__name__}.{method}")
        named = {"axis": 0, **dict(zip(_REDUCED, inputs[1:], strict=False)), **kwargs}
        return func(
            inputs[0],
            **{k: v for k, v in named.items() if k != "out" and (k == "axis" or v is not None)},
        )
    dtype = kwargs.pop("dtype", None)
    if isinstance(dtype, type) and issubclass(dtype, np.dtype):
        dtype = dtype.type
    for name in ("casting", "subok", "order"):
        kwargs.pop(name, None)
    if kwargs:
        raise Escaped(f"the rule of np.{ufunc.__name__} knows nothing of {', '.join(kwargs)}=")
    made = call_function(ufunc, inputs, {})
    return made if dtype is None else made.astype(dtype)


# ---------------------------------------------------------------- functions
def call_function(func: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    """Return what a function of numpy's gives for arguments of which some are traced.

    By a rule, by what it is made of, or by a rule of autograd's.
    """
    args = tuple([from_objects(value) for value in args])
    kwargs = {
        k: from_objects(v)
        for k, v in kwargs.items()
        if v is not np._NoValue and not (k == "out" and (v is None or v is Ellipsis))
    }
    function = shared_function(func)
    if is_constant(func) or rule_of(function) is not None or _has_rule(func, args, kwargs):
        return record(function, args, kwargs)
    if not is_trusted(func):
        with suppress(NotImplementedError):
            return run_text(func, args, kwargs)
    if has_row(func) and not kwargs.keys() - _OF_ROWS:
        return record(function, args, kwargs)
    raise Escaped(f"no rule is known for {_shown(func)}")


def _has_rule(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    entry = entry_of(func)
    return entry is not None and entry.bind(args, kwargs) is not None


def _shown(func: Any) -> str:
    module = getattr(func, "__module__", None) or ""
    return f"{module.replace('numpy', 'np', 1)}.{func.__name__}".lstrip(".")

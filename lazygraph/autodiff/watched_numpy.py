"""numpy's functions, called with watched arrays -> autograd's, so that plain numpy is watched.

autograd's own functions find watched arrays among positional arguments only, and ignore some
keywords that change the result: here arguments are put where they are seen, and what would be
ignored is refused.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import autograd.numpy as anp
import numpy as np
from autograd import tracer
from autograd.core import primitive_vjps

from lazygraph.autodiff.boxes import Traced, WatchedNode, from_objects, getval, isbox

__all__ = ["call_function", "call_ufunc", "primitive_of", "unboxed_tuple"]

#: numpy's function -> what takes its place; the rest is autograd's, or made of other functions.
_OWN: dict[Any, Callable[..., Any]] = {}
#: Functions all of whose arguments are arrays, or lists that stand for some.
_OF_ARRAYS = {
    np.dot,
    np.inner,
    np.outer,
    np.kron,
    np.cross,
    np.vdot,
    np.linalg.solve,
    np.linalg.inv,
    np.linalg.det,
}
#: Keywords of functions that change the result and that autograd's rules do not know of.
_IGNORED = ("out", "where", "initial")
#: ufunc and method -> the function that does the same.
_METHODS = {
    (np.add, "reduce"): np.sum,
    (np.multiply, "reduce"): np.prod,
    (np.maximum, "reduce"): np.max,
    (np.minimum, "reduce"): np.min,
    (np.add, "accumulate"): np.cumsum,
}


def primitive_of(func: Any) -> Any:
    """Autograd's form of a function of numpy's (or scipy's), if it has one."""
    try:
        found = tracer.trace_primitives_map.get(func)
    except TypeError:  # a callable that cannot be hashed
        return None
    if found is None and (getattr(func, "__module__", None) or "").startswith("scipy"):
        _load_scipy(func.__module__)
        found = tracer.trace_primitives_map.get(func)
    if found is None and isinstance(func, np.ufunc) and func.__name__ not in vars(np):
        _load_scipy("scipy.special")
        found = tracer.trace_primitives_map.get(func)
    return found


@lru_cache
def _load_scipy(module: str) -> None:
    """Let autograd bring its rules for a part of scipy, if it has some."""
    from importlib import import_module  # late, as all of scipy

    part = module.split(".")[1].removeprefix("_")
    try:
        import_module(f"autograd.scipy.{part}")
    except ImportError:
        return


def is_known(func: Any) -> bool:
    """Whether autograd has a rule, or knows a function's results to be constant."""
    return func in primitive_vjps or func in tracer.notrace_primitives[WatchedNode]


def is_replaced(func: Any) -> bool:
    """Whether something else than autograd's rule is to be used, which does not know all calls."""
    return func in _OWN and func not in _RIGHT


#: Functions that have entries of their own only for lists and keywords.
_RIGHT = {np.sum, np.mean}


def unboxed_tuple(value: Any) -> Any:
    """A watched tuple or list as a plain one of watched values."""
    if not isbox(value) or isinstance(value, Traced):
        return value
    plain: Any = getval(value)
    if isinstance(plain, dict):
        return {key: value[key] for key in plain}
    parts = [value[n] for n in range(len(plain))]
    kind: Any = type(plain)
    return kind(*parts) if hasattr(kind, "_fields") else kind(parts)


def _as_array(value: Any) -> Any:
    """A list of numbers, some perhaps watched, as an array."""
    if not isinstance(value, (list, tuple)):
        return from_objects(value)
    return anp.array([_as_array(item) for item in value])


# ------------------------------------------------------------------- ufuncs
def call_ufunc(
    seen: Traced, ufunc: Any, method: str, inputs: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """What ``ufunc(*inputs)`` gives, or one of its methods."""
    if kwargs.get("out") is not None:
        seen._escape(
            f"np.{ufunc.__name__} is to write its result into an array that is there already, by "
            "out= or an in-place operation such as a += x: write a = a + x"
        )
    inputs = tuple([_as_array(value) for value in inputs])
    if method == "outer" and len(inputs) == 2:
        return _outer(ufunc, *inputs)
    if method != "__call__":
        func = _METHODS.get((ufunc, method))
        if func is None:
            seen._escape(f"nothing is known of np.{ufunc.__name__}.{method}")
        return call_function(seen, func, *_reduction(method, inputs, kwargs))
    wrapped = primitive_of(ufunc)
    own = _OWN.get(ufunc)
    if own is not None:
        return own(*inputs, **kwargs)
    if wrapped is None:
        seen._escape(f"autograd has no rule for {ufunc.__name__}")
    if kwargs:
        seen._escape(f"autograd's rule for {ufunc.__name__} knows nothing of {', '.join(kwargs)}=")
    return wrapped(*inputs, called_by_autograd_dispatcher=True)


def _reduction(
    method: str, inputs: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments of a sum for those of add.reduce, whose axis is 0 where none is given."""
    names = ("axis", "dtype", "out", "keepdims", "initial", "where")
    given = {**dict(zip(names, inputs[1:], strict=False)), **kwargs}
    named = {"axis": 0, **given}
    if method == "accumulate":
        named.pop("keepdims", None)
    return inputs[:1], {name: value for name, value in named.items() if name != "out"}


def _outer(ufunc: Any, a: Any, b: Any) -> Any:
    return ufunc(anp.reshape(a, (*np.shape(a), *(1,) * np.ndim(b))), b)


# ---------------------------------------------------------------- functions
def call_function(seen: Traced, func: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    """What numpy's `func` gives for arguments of which some are watched."""
    read = _as_array if func in _OF_ARRAYS else from_objects
    args = tuple([read(value) for value in args])
    if any(isbox(value) for value in kwargs.values()) or func in _REDUCTIONS:
        args, kwargs = _placed(func, args, kwargs)
    own = _OWN.get(func)
    if own is not None:
        return own(*args, **kwargs)
    wrapped = primitive_of(func)
    if wrapped is None or not is_known(wrapped):
        return _as_written(seen, func, args, kwargs)
    for name in _IGNORED:
        value = kwargs.pop(name, None)
        if value is not None and value is not np._NoValue:
            seen._escape(f"autograd's rule for np.{func.__name__} knows nothing of {name}=")
    return unboxed_tuple(wrapped(*args, **kwargs))


def _as_written(seen: Traced, func: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    """By running numpy's own text of a function that is made of others."""
    implementation = getattr(func, "_implementation", None)
    if not inspect.isfunction(implementation):
        seen._escape(f"autograd has no rule for {_shown(func)}")
    try:
        return implementation(*args, **kwargs)
    except Exception:
        seen._escape(f"autograd has no rule for {_shown(func)}")


def _shown(func: Any) -> str:
    module = getattr(func, "__module__", None) or ""
    return f"{module.replace('numpy', 'np', 1)}.{func.__name__}".lstrip(".")


@lru_cache
def _names(func: Any) -> tuple[str, ...]:
    try:
        return tuple(inspect.signature(func).parameters)
    except (TypeError, ValueError):
        return ()


def _placed(func: Any, args: Any, kwargs: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Watched arguments by position, the others by name: how autograd's rules want them."""
    names = _names(func)
    if not names or len(args) > len(names):
        return args, kwargs
    bound = {**dict(zip(names, args, strict=False)), **kwargs}
    last = max((n for n, name in enumerate(names) if isbox(bound.get(name))), default=0)
    if any(name not in bound for name in names[:last]):
        return args, kwargs
    ahead = tuple([bound.pop(name) for name in names[: last + 1]])
    return ahead, {name: value for name, value in bound.items() if value is not np._NoValue}


_REDUCTIONS = {np.sum, np.mean, np.prod, np.var, np.std, np.max, np.min, np.cumsum, np.ptp}


def own(*funcs: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Let a function take the place of numpy's."""

    def enter(func: Callable[..., Any]) -> Callable[..., Any]:
        _OWN.update(dict.fromkeys(funcs, func))
        return func

    return enter


# What says nothing of the elements' values.
for _func in (np.shape, np.ndim, np.size, np.iscomplexobj, np.isrealobj, np.result_type):
    _OWN[_func] = tracer.notrace_primitive(_func)

"""A function of numpy's or scipy's that is written in Python -> the same, run on traced values.

Its text is run as it stands, with other names around it: what makes an array of anything
(``asarray``) leaves traced values as they are, and what makes a new array (``empty``) gives one
that traced values may be put into. So whatever is made of functions that have rules has one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from types import FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from lazygraph.autodiff.tracer import (
    Escaped,
    _innermost,
    has_tracer,
    raw,
    record,
    shared_function,
)

__all__ = ["OWN_TEXTS", "has_text", "making_for", "run_text", "with_our_names"]

#: What is written anew here, as numpy's text is in C, or asks for what traced values have not.
OWN_TEXTS: dict[Any, Callable[..., Any]] = {}
_trace: ContextVar[Any] = ContextVar("lazygraph_trace")
#: Functions whose text is being run, outermost first.
_running: ContextVar[tuple[Any, ...]] = ContextVar("lazygraph_running", default=())
_MOST_CALLS_OF_ITSELF = 3


def run_text(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Return what a function gives, run as it is written.

    Raises
    ------
    NotImplementedError
        If it is not written in Python.
    """
    text = OWN_TEXTS.get(func) or _text_of(func)
    if text is None:
        raise NotImplementedError
    running = _running.get()
    if running.count(func) >= _MOST_CALLS_OF_ITSELF:  # what it is made of comes back to it
        raise Escaped(f"np.{func.__name__} is not known with these arguments")
    trace: Any = _innermost((*args, *kwargs.values()))
    token, outer = _trace.set(trace), _running.set((*running, func))
    try:
        return text(*args, **kwargs)
    except Escaped as error:
        raise Escaped(f"no rule is known for np.{func.__name__} ({error})") from error
    finally:
        _trace.reset(token)
        _running.reset(outer)


def has_text(func: Any) -> bool:
    """Tell whether a function is written in Python, or has been so here."""
    return getattr(func, "__hash__", None) is not None and (
        func in OWN_TEXTS or _text_of(func) is not None
    )


def with_our_names(func: Any) -> Any:
    """Return a function as a task calls it; a scipy distribution's method so that it is traced."""
    if type(func) is MethodType and type(func.__self__).__module__.startswith("scipy.stats"):
        return MethodType(_with_our_names(func.__func__), func.__self__)
    return func


@contextmanager
def making_for(values: Iterable[Any]) -> Iterator[None]:
    """Let numpy's text make, inside the block, arrays that these traced values may be put into."""
    token = _trace.set(_innermost(values))
    try:
        yield
    finally:
        _trace.reset(token)


@cache
def _text_of(func: Any) -> Callable[..., Any] | None:
    inner = getattr(func, "_implementation", func)
    is_known = isinstance(inner, FunctionType) and _is_theirs(inner)
    return _with_our_names(inner) if is_known else None


def _is_theirs(func: Any) -> bool:
    module = getattr(func, "__module__", None) or ""
    return module.partition(".")[0] in ("numpy", "scipy")


def _with_our_names(func: Any) -> FunctionType:
    made = FunctionType(
        func.__code__, _names_of(func), func.__name__, func.__defaults__, func.__closure__
    )
    made.__kwdefaults__ = func.__kwdefaults__
    return made


_NAMES: dict[int, _Names] = {}


def _names_of(func: FunctionType) -> _Names:
    names = _NAMES.get(id(func.__globals__))
    if names is None:
        names = _NAMES[id(func.__globals__)] = _Names(func.__globals__)
    return names


class _Names(dict[str, Any]):
    """A module's names, each looked up when it is first asked for."""

    def __init__(self, theirs: dict[str, Any]) -> None:
        super().__init__(__builtins__=theirs["__builtins__"])
        self._theirs = theirs

    def __missing__(self, name: str) -> Any:
        made = self[name] = _ours(self._theirs[name])
        return made


class _Module:
    """A module with our names in place of some of its own."""

    def __init__(self, theirs: ModuleType) -> None:
        self._theirs = theirs

    def __getattr__(self, name: str) -> Any:
        made = _ours(getattr(self._theirs, name))
        setattr(self, name, made)
        return made


def _ours(value: Any) -> Any:
    """Return what stands in the place of something that numpy's text names."""
    if isinstance(value, ModuleType) and value.__name__.partition(".")[0] == "numpy":
        return _Module(value)
    try:
        if value in _MAKERS:
            return _MAKERS[value]
    except TypeError:
        return value
    if (
        isinstance(value, FunctionType)
        and _is_theirs(value)
        and not hasattr(value, "_implementation")
    ):
        return _with_our_names(value)
    return value


def _as_array(value: Any, dtype: Any = None, **kwargs: Any) -> Any:
    """Do what ``asarray`` and its like do, of traced values too."""
    if isinstance(value, (list, tuple)) and has_tracer(value):
        value = np.stack([_as_array(item) for item in value])
    if not has_tracer(value):
        return np.array(value, dtype, **kwargs) if kwargs else np.asarray(value, dtype)
    if type(raw(value)) is np.ndarray and (dtype is None or raw(value).dtype == dtype):
        missing = kwargs.get("ndmin", 0) - np.ndim(value)
        return value[(None,) * missing] if missing > 0 else value
    if kwargs.get("ndmin", 0) > np.ndim(value) == 0:
        return np.reshape(value, (1,) * kwargs["ndmin"])
    if dtype is not None and np.dtype(dtype).kind not in "fc":
        return value.astype(dtype)
    return record(shared_function(np.asarray), (value,), {} if dtype is None else {"dtype": dtype})


def _copied(value: Any, dtype: Any = None, **kwargs: Any) -> Any:
    made = _as_array(value, dtype, **kwargs)
    return made._snapshot() if has_tracer(made) and made is value else made


def _buffer(make: Callable[..., Any]) -> Callable[..., Any]:
    """Return `make` changed so that traced values may be put into the arrays it makes."""

    def call(*args: Any, **kwargs: Any) -> Any:
        made = make(*map(raw, args), **kwargs)
        return _trace.get().buffer(made) if made.dtype.kind in "fc" else made

    return call


_MAKERS: dict[Any, Any] = {
    np.asarray: _as_array,
    np.asanyarray: _as_array,
    np.ascontiguousarray: _as_array,
    np.asarray_chkfinite: _as_array,
    np.array: _copied,
    **{
        make: _buffer(make)
        for make in (
            np.empty,
            np.zeros,
            np.ones,
            np.full,
            np.empty_like,
            np.zeros_like,
            np.full_like,
        )
    },
}

"""Further rows of the table, of autograd's: its rules, called without its arrays. Optional."""

from __future__ import annotations

import sys
from functools import cache, lru_cache
from importlib import import_module
from typing import Any

import numpy as np

__all__ = ["ORDERS", "has_row", "is_trusted", "row_cts"]


#: Functions whose first argument is an order, by which autograd has zeros.
ORDERS = frozenset({"jv", "yv", "iv", "kv", "ive", "kve", "jn", "yn", "polygamma", "expn"})


@lru_cache(maxsize=1)
def _autograd() -> Any:
    """Return autograd's core and tracer modules; None if it is not installed, or too old."""
    try:
        import_module("autograd.numpy")
        core, tracer = import_module("autograd.core"), import_module("autograd.tracer")
        return (core, tracer) if hasattr(tracer, "trace_primitives_map") else None
    except ImportError:
        return None


@cache
def _with_scipy(part: str) -> None:
    """Let autograd bring its rules for a part of scipy, if it has some."""
    try:
        import_module(f"autograd.scipy.{part}")
    except ImportError:
        return


def _rule_of(func: Any) -> Any:
    """Return autograd's rule for a function; None if there is none, or no autograd."""
    modules = _autograd()
    if modules is None:
        return None
    core, tracer = modules
    module = getattr(func, "__module__", None) or ""
    if isinstance(func, np.ufunc) and func.__name__ not in vars(np) and "scipy" in sys.modules:
        module = "scipy.special"
    if module.startswith("scipy.stats"):  # wrong for some arguments; traced instead
        return None
    if module.startswith("scipy."):
        _with_scipy(module.split(".")[1].removeprefix("_"))
    try:
        return core.primitive_vjps.get(tracer.trace_primitives_map.get(func))
    except TypeError:  # a callable that cannot be hashed
        return None


def has_row(func: Any) -> bool:
    """Tell whether autograd has a rule for a function as a whole."""
    return _rule_of(func) is not None


def is_trusted(func: Any) -> bool:
    """Tell whether autograd's rule goes before what a function is made of in Python."""
    return (getattr(func, "__module__", None) or "").startswith("numpy.fft") and has_row(func)


def row_cts(
    func: Any,
    ct: Any,
    out: Any,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    wanted: tuple[int, ...],
) -> list[Any]:
    """Return the cotangents of the wanted positional arguments, by autograd's rule."""
    core, _ = _autograd()
    back = _rule_of(func)(wanted, out, args, kwargs)
    return [core.add_outgrads(None, part)[0] for part in back(ct)]

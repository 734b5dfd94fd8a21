"""Turns values of any kind into short text: for notes on errors, labels and tooltips."""

from __future__ import annotations

import reprlib
import sys
from typing import Any

__all__ = ["counted", "short_call", "short_repr"]

_MOST_CHARACTERS = 60
_MOST_ARGUMENTS = 8
_TEXTS = ("str_", "bytes_")


def counted(n: int, one: str, many: str | None = None) -> str:
    """Return how many there are of something, as English says it.

    Examples
    --------
    >>> counted(1, "task"), counted(2000, "task"), counted(0, "dependency", "dependencies")
    ('1 task', '2,000 tasks', '0 dependencies')
    """
    return f"{n:,} {one if n == 1 else many or one + 's'}"


class _Short(reprlib.Repr):
    """`reprlib` with arrays and tables told by shape, NumPy's scalars as numbers, long text cut."""

    def __init__(self) -> None:
        super().__init__()
        self.maxstring = self.maxother = _MOST_CHARACTERS
        self.maxlist = self.maxtuple = self.maxdict = self.maxset = self.maxfrozenset = 4
        self.maxlevel = 3

    def repr_instance(self, x: Any, level: int) -> str:  # noqa: ARG002  # reprlib's signature
        kind = type(x)
        # Asked of the type: an instance whose __getattr__ answers anything would lie.
        if hasattr(kind, "shape"):
            if _is_numpy_scalar(x):
                return _cut(repr(x.item()) if kind.__name__ in _TEXTS else str(x))
            if hasattr(kind, "dtype"):
                return f"<{kind.__name__} {x.shape} {x.dtype}>"
            if hasattr(kind, "columns"):  # a table: pandas, polars, ...
                return f"<{kind.__name__} {x.shape}>"
        if getattr(kind, "__repr__", None) is object.__repr__:
            return f"<{kind.__name__}>"
        try:
            return _cut(repr(x))
        except Exception:  # a user's __repr__ may do anything
            return f"<{kind.__name__}>"


def _is_numpy_scalar(value: Any) -> bool:
    numpy = sys.modules.get("numpy")  # not imported: nobody can have one
    return numpy is not None and isinstance(value, numpy.generic)


def _cut(text: str) -> str:
    """Return the ends of a long text."""
    half = _MOST_CHARACTERS // 2
    return text if len(text) <= _MOST_CHARACTERS else f"{text[: half - 2]}...{text[1 - half :]}"


def short_repr(value: Any) -> str:
    """Return a one-line form of `value`, at most some 60 characters; never raises.

    Examples
    --------
    >>> short_repr(list(range(100)))
    '[0, 1, 2, 3, ...]'
    """
    try:
        if callable(value) and hasattr(value, "__name__"):
            return str(value.__name__)
        text = _Short().repr(value)
    except Exception:  # a user's __repr__ or shape may do anything
        return f"<{type(value).__name__}>"
    text = " ".join(text.split())
    return text if len(text) <= _MOST_CHARACTERS + 20 else _cut(text)


def short_call(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    """Return the call as one would write it, its arguments in short form.

    Examples
    --------
    >>> short_call("scale", (3,), {"by": 0.5})
    'scale(3, by=0.5)'
    """
    parts = [short_repr(value) for value in args[:_MOST_ARGUMENTS]]
    parts += [f"{k}={short_repr(v)}" for k, v in list(kwargs.items())[:_MOST_ARGUMENTS]]
    if len(args) > _MOST_ARGUMENTS or len(kwargs) > _MOST_ARGUMENTS:
        parts.append("...")
    return f"{name}({', '.join(parts)})"

"""Turns values of any kind into short text: for notes on errors, labels and tooltips."""

from __future__ import annotations

import reprlib
from typing import Any

__all__ = ["short_call", "short_repr"]

_MOST_CHARACTERS = 60
_MOST_ARGUMENTS = 8


class _Short(reprlib.Repr):
    """`reprlib` with arrays told by shape and dtype, and long text cut in the middle."""

    def __init__(self) -> None:
        super().__init__()
        self.maxstring = self.maxother = _MOST_CHARACTERS
        self.maxlist = self.maxtuple = self.maxdict = self.maxset = self.maxfrozenset = 4
        self.maxlevel = 3

    def repr_instance(self, x: Any, level: int) -> str:  # noqa: ARG002  # reprlib's signature
        kind = type(x)
        # Asked of the type: an instance whose __getattr__ answers anything would lie.
        if hasattr(kind, "shape") and hasattr(kind, "dtype"):
            return f"<{kind.__name__} {x.shape} {x.dtype}>"
        if getattr(kind, "__repr__", None) is object.__repr__:
            return f"<{kind.__name__}>"
        try:
            return _cut(repr(x))
        except Exception:  # a user's __repr__ may do anything
            return f"<{kind.__name__}>"


def _cut(text: str) -> str:
    """The ends of a long text."""
    half = _MOST_CHARACTERS // 2
    return text if len(text) <= _MOST_CHARACTERS else f"{text[: half - 2]}...{text[1 - half :]}"


def short_repr(value: Any) -> str:
    """A one-line form of `value`, at most some 60 characters; never raises.

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
    """The call as one would write it, its arguments in short form.

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

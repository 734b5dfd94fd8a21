"""Arguments to text that fits under a label: as in messages, but paths by their last parts."""

from __future__ import annotations

import os
import re
from typing import Any

from lazygraph.tasks.reprs import _Short, short_repr

__all__ = ["argument_text", "path_tail"]

_MOST_PARTS = 2
_LONG = 24
_SEPARATORS = re.compile(r"[\\/]+")


class _Drawn(_Short):
    """Short forms in which paths are cut at the front: their ends tell them apart."""

    def repr_instance(self, x: Any, level: int) -> str:
        if isinstance(x, os.PathLike):
            return path_tail(os.fsdecode(x))
        return super().repr_instance(x, level)

    def repr_str(self, x: str, level: int) -> str:
        is_path = len(x) > _LONG and not x.isspace() and len(x.split()) == 1
        return super().repr_str(path_tail(x) if is_path else x, level)


def path_tail(path: str) -> str:
    """The last two parts of a path, and a sign that there are more.

    Examples
    --------
    >>> path_tail("/home/me/data/2024/a.csv")
    '…/2024/a.csv'
    >>> path_tail("data/a.csv")
    'data/a.csv'
    """
    parts = _SEPARATORS.split(path)
    return path if len(parts) <= _MOST_PARTS else "/".join(["…", *parts[-_MOST_PARTS:]])


def argument_text(value: Any) -> str:
    """A short form of `value` for a picture; never raises.

    Examples
    --------
    >>> from pathlib import PurePosixPath
    >>> argument_text([PurePosixPath("/home/me/data/a.csv"), 3])
    '[…/data/a.csv, 3]'
    """
    if callable(value):
        return short_repr(value)
    try:
        text = " ".join(_Drawn().repr(value).split())
    except Exception:  # a user's __repr__ or __fspath__ may do anything
        return short_repr(value)
    return text if len(text) <= 80 else text[:79] + "…"

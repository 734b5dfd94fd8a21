"""Arguments to text that fits under a label: as in messages, but paths by their last parts."""

from __future__ import annotations

import os
import re
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

from lazygraph.tasks.reprs import _Short, short_repr

__all__ = ["Result", "Told", "argument_text", "is_told", "path_tail", "told"]

_MOST_PARTS = 2
_LONG = 24
_SHOWN = 5  # of a container: one more than are written out
_SEPARATORS = re.compile(r"[\\/]+")
_DOT = "\N{MIDDLE DOT}"
#: What a text of nothing but results is made of.
_OF_RESULTS = frozenset(f"{_DOT}[](){{}},. ")


class Result:
    """Stands in a shown call for the result of another task: prints as that task's label."""

    def __init__(self, label: str) -> None:
        self.label = label

    def __repr__(self) -> str:
        return self.label


class Told:
    """Stands for a value whose text has been asked for: that may take long, and is done once."""

    def __init__(self, value: Any) -> None:
        self._text = short_repr(value)

    def __repr__(self) -> str:
        return self._text


def told(value: Any, known: dict[int, Told], levels: int = 4) -> Any:
    """Return `value` with what has a text of its own exchanged, as far as it will be shown.

    Parameters
    ----------
    known : dict of int to Told
        By the ids of values that live at least as long: what was asked before.
    """
    kind = type(value)
    if kind in {list, tuple} and levels:
        return kind([told(part, known, levels - 1) for part in value[:_SHOWN]])
    if kind is dict and levels:
        parts = islice(value.items(), _SHOWN)
        return {name: told(part, known, levels - 1) for name, part in parts}
    if kind.__module__ == "builtins" or callable(value) or isinstance(value, os.PathLike):
        return value
    if id(value) not in known:
        known[id(value)] = Told(value)
    return known[id(value)]


class _Drawn(_Short):
    """Short forms in which paths and addresses keep what tells them apart."""

    def repr_instance(self, x: Any, level: int) -> str:
        if isinstance(x, os.PathLike):
            return path_tail(os.fsdecode(x))
        return super().repr_instance(x, level)

    def repr_Result(self, _x: Any, _level: int) -> str:  # noqa: N802  # reprlib goes by names
        return _DOT

    def repr_str(self, x: str, level: int) -> str:
        is_path = len(x) > _LONG and not x.isspace() and len(x.split()) == 1
        return super().repr_str(_address(x) if is_path else x, level)


def path_tail(path: str) -> str:
    """Return the last two parts of a path, and a sign that there are more.

    Examples
    --------
    >>> path_tail("/home/me/data/2024/a.csv")
    '…/2024/a.csv'
    >>> path_tail("data/a.csv")
    'data/a.csv'
    """
    parts = _SEPARATORS.split(path)
    return path if len(parts) <= _MOST_PARTS else "/".join(["…", *parts[-_MOST_PARTS:]])


def _address(text: str) -> str:
    """Return the host of a URL and its end; of anything else, the path's last parts."""
    try:
        parts = urlsplit(text)
    except ValueError:  # a bracket that is not closed, say
        return path_tail(text)
    if "://" not in text or not parts.netloc:
        return path_tail(text)
    rest = text.partition("://")[2].removeprefix(parts.netloc).strip("/")
    middle, _, last = rest.rpartition("/")
    return "/".join([parts.netloc, *(["…"] if middle else []), *([last] if last else [])])


def is_told(text: str) -> bool:
    """Whether the text of an argument says more than that results are in it."""
    return _DOT not in text or not _OF_RESULTS.issuperset(text)


def argument_text(value: Any) -> str:
    """Return a short form of `value` for a picture; never raises.

    Examples
    --------
    >>> from pathlib import PurePosixPath
    >>> argument_text([PurePosixPath("/home/me/data/a.csv"), 3])
    '[…/data/a.csv, 3]'
    >>> argument_text([Result("load"), "word"]), argument_text("https://a.example/b/c/d.html")
    ("[·, 'word']", "'a.example/…/d.html'")
    """
    if callable(value):
        return short_repr(value)
    try:
        text = " ".join(_Drawn().repr(value).split())
    except Exception:  # a user's __repr__ or __fspath__ may do anything
        return short_repr(value)
    return text if len(text) <= 80 else text[:79] + "…"

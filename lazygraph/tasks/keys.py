"""What names a task: fresh keys, made in a moment; those of pure tasks are made by `tokens`."""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Hashable
from functools import partial
from operator import attrgetter, itemgetter, methodcaller
from typing import Any

from lazygraph.errors import CaptureError

__all__ = ["Key", "check_key", "fresh_key", "function_name"]

#: A key is a string, or a number or tuple of such, as in Dask.
Key = Hashable

_MOST_NAME_CHARACTERS = 50
_KEY_TYPES = (str, bytes, int, float)

_counter = itertools.count()
_process = os.urandom(6).hex()
#: Held while tasks are given fresh keys: two threads that ask one task for its key get one key.
#: To be used as ``keys.key_lock``, since a forked child has another.
key_lock = threading.RLock()


def _new_process() -> None:
    """Give a forked child keys of its own: two processes never make the same fresh key."""
    global _process, key_lock  # noqa: PLW0603  # both are of this process
    _process = os.urandom(6).hex()
    key_lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_new_process)


def fresh_key(name: str) -> str:
    """Return a key that no other task has, in this process or any other: ``name-17-9f3c2e1a7b04``."""
    return f"{name}-{next(_counter)}-{_process}"


def check_key(key: Any) -> Key:
    """Return `key`, if it can name a task.

    Raises
    ------
    CaptureError
        If it is neither a string, a number, nor a tuple of such.
    """
    if isinstance(key, _KEY_TYPES):
        return key
    if type(key) is tuple and all(isinstance(check_key(part), Hashable) for part in key):
        return key
    raise CaptureError(
        f"a key is a string, a number or a tuple of such, not {type(key).__name__}: {key!r}"
    )


def function_name(func: Any) -> str:
    """Return a short name for any callable; that of the function inside a partial or a method call.

    Examples
    --------
    >>> function_name(partial(partial(max, 1), 2))
    'max'
    """
    while type(func) is partial:
        func = func.func
    if type(func) in (methodcaller, attrgetter, itemgetter):
        return str(func.__reduce__()[1][0]) if type(func) is methodcaller else type(func).__name__
    name = getattr(func, "__name__", None)
    if type(name) is not str:
        name = type(func).__name__
    return ("lambda" if name == "<lambda>" else name)[:_MOST_NAME_CHARACTERS]

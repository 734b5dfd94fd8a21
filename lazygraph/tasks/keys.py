"""What names a task: fresh keys, made in a moment, and content keys, for pure tasks."""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Callable, Hashable, Iterable
from functools import partial
from operator import attrgetter, itemgetter, methodcaller
from typing import Any

from lazygraph.errors import CaptureError
from lazygraph.tasks.pytree import Template

__all__ = ["ContentKeys", "Key", "check_key", "fresh_key", "function_name"]

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
    """A key that no other task has, in this process or any other: ``name-17-9f3c2e1a7b04``."""
    return f"{name}-{next(_counter)}-{_process}"


def check_key(key: Any) -> Key:
    """`key`, if it can name a task.

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
    """A short name for any callable; that of the function inside a partial or a method call.

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


_PLAIN = {int, float, complex, bool, str, bytes, type(None)}


class ContentKeys:
    """Makes content keys; remembers an object's digest as long as it lives itself.

    One is made per walk over a graph: no user's code runs meanwhile, so an array that fifty
    tasks share is read once, and a change made to it before the next walk is seen.
    """

    def __init__(self) -> None:
        self._tokens: dict[int, tuple[Any, str]] = {}  # id -> (the object, kept alive; token)

    def key(
        self,
        name: str,
        func: Callable[..., Any],
        template: Template | None,
        parts: Iterable[tuple[bool, Any]],
    ) -> str:
        """The key of a task: of its function, how its arguments nest, and its leaves.

        `parts` gives, per leaf, ``(True, key)`` for another task's result, ``(False, value)``
        for a literal.
        """
        from hashlib import blake2b  # late: only pure tasks need it

        digest = blake2b(digest_size=16)
        digest.update(self.token(func).encode())
        digest.update(self._shape(template).encode())
        for is_key, part in parts:
            text = f"\0k{part!r}" if is_key else f"\0v{self.token(part)}"
            digest.update(text.encode("utf-8", "surrogatepass"))
        return f"{name}-{digest.hexdigest()}"

    def _shape(self, template: Template | None) -> str:
        """How arguments nest: equal in every process, and other for other classes."""
        if template is None:
            return ""
        texts = [f"{template.npos}:{template.names!r}"]
        for n, make, k in template.program:
            made_of = [self.token(part) for part in make] if isinstance(make, tuple) else []
            name = getattr(make, "__name__", type(make).__name__)
            texts.append(f"{n}:{name}:{made_of}:{k}")
        return "|".join(texts)

    def token(self, value: Any) -> str:
        """A text that is equal for equal content."""
        if type(value) in _PLAIN:
            return f"{type(value).__name__}:{value!r}"
        known = self._tokens.get(id(value))
        if known is None:
            known = self._tokens[id(value)] = (value, _dask_token(value))
        return known[1]


def _dask_token(value: Any) -> str:
    """Dask's token: arrays, tables and functions by content."""
    from dask.tokenize import tokenize  # late: dask takes 200 ms to import

    return str(tokenize(value))

"""Reads the classic form of a graph, a dict of tuples, into tasks, by Dask's rules.

A tuple whose first item can be called is a task; a string, number or tuple that equals a key
stands for that key's result; lists, tuples and sets are read item by item; all else, dicts
too, is a literal. This is the only place where a string can mean a key.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lazygraph.errors import CaptureError
from lazygraph.fused import fuse_tasks
from lazygraph.keys import Key, check_key
from lazygraph.task import Ref, Task

__all__ = ["read_classic", "value_of"]


def value_of(value: Any) -> Any:
    """Return `value`: the function of a task that only holds data."""
    return value


def read_classic(dsk: Mapping[Key, Any]) -> dict[Key, Task]:
    """Tasks by key, from a classic graph; `Task` values in it are kept.

    Raises
    ------
    CaptureError
        If `dsk` is no mapping or a key cannot name a task.

    Examples
    --------
    >>> read_classic({"x": 1, "y": (max, "x", [2, "x"])})["y"]
    Task(max(Ref(key='x'), [2, Ref(key='x')]))
    """
    if not isinstance(dsk, Mapping):
        raise CaptureError(f"a graph is a dict of tasks by key, not {type(dsk).__name__}")
    return {check_key(key): _Reader(dsk, key).read(value) for key, value in dsk.items()}


class _Reader:
    """Reads one entry; nested tasks become members of a fused task."""

    def __init__(self, dsk: Mapping[Key, Any], key: Key) -> None:
        self._dsk, self._key = dsk, key
        self._members: list[tuple[Key, Task]] = []

    def read(self, value: Any) -> Task:
        if type(value) is Task:
            return value
        try:
            if _is_task(value):
                last = self._task(value)
            else:
                last = Task(value_of, (self._argument(value),))
        except RecursionError:
            raise CaptureError(f"{self._key!r} is nested too deeply, or contains itself") from None
        if not self._members:
            return last
        return fuse_tasks([*self._members, (self._key, last)])

    def _task(self, value: tuple[Any, ...]) -> Task:
        return Task(value[0], tuple(self._argument(item) for item in value[1:]))

    def _argument(self, value: Any) -> Any:
        """What stands in a task for a classic argument. Recursion follows the nesting."""
        if _is_task(value):
            task = self._task(value)  # what it nests itself becomes a member before it
            key = (self._key, "nested", len(self._members))
            self._members.append((key, task))
            return Ref(key)
        if self._is_key(value):
            return Ref(value)
        kind = type(value)
        if kind in (list, tuple, set, frozenset):
            return kind(self._argument(item) for item in value)
        return value

    def _is_key(self, value: Any) -> bool:
        try:
            return isinstance(value, (str, bytes, int, float, tuple)) and value in self._dsk
        except TypeError:  # a tuple with something unhashable inside
            return False


def _is_task(value: Any) -> bool:
    return type(value) is tuple and bool(value) and callable(value[0])

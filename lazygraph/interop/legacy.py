"""Reads Dask's dict of tuples into tasks, by Dask's rules.

A tuple whose first item can be called is a task; a string, number or tuple that equals a key
stands for that key's result; lists, tuples and sets are read item by item; all else, dicts
too, is a literal. This is the only place where a string can mean a key.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from typing import Any

from lazygraph.errors import CaptureError
from lazygraph.tasks.fused import fuse_tasks
from lazygraph.tasks.keys import Key, check_key
from lazygraph.tasks.operators import value_of
from lazygraph.tasks.task import Ref, Task

__all__ = ["Reader", "nested_key", "read_classic", "read_entries"]


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
    return read_entries(dsk, Reader)


def read_entries(
    dsk: Mapping[Key, Any],
    reader: Callable[[Container[Key], Key], Reader],
    known: Container[Key] | None = None,
) -> dict[Key, Task]:
    """Tasks by key, each read by a reader of its own; `known` are the keys, `dsk`'s by default."""
    known = dsk if known is None else known
    return {check_key(key): reader(known, key).read(value) for key, value in dsk.items()}


class Reader:
    """Reads one entry; nested tasks become members of a fused task."""

    def __init__(self, known: Container[Key], key: Key) -> None:
        self._known, self._key = known, key
        self._members: list[tuple[Key, Task]] = []

    def read(self, value: Any) -> Task:
        """Return the task of the entry."""
        if type(value) is Task:
            return value
        try:
            if _is_task(value):
                last = self._task(value)
            else:
                last = Task(value_of, (self._argument(value),))
        except RecursionError:
            raise CaptureError(f"{self._key!r} is nested too deeply, or contains itself") from None
        return self._with_members(last)

    def _with_members(self, last: Task) -> Task:
        if not self._members:
            return last
        return fuse_tasks([*self._members, (self._key, last)])

    def member(self, task: Task) -> Ref:
        """Return what stands for the result of a nested task. What it nests itself comes before it."""
        key = nested_key(self._key, len(self._members))
        self._members.append((key, task))
        return Ref(key)

    def _task(self, value: tuple[Any, ...]) -> Task:
        return Task(value[0], tuple(self._argument(item) for item in value[1:]))

    def _argument(self, value: Any) -> Any:
        """Return what stands in a task for a classic argument. Recursion follows the nesting."""
        if _is_task(value):
            return self.member(self._task(value))
        if self._is_key(value):
            return Ref(value)
        kind = type(value)
        if kind in (list, tuple, set, frozenset):
            return kind(self._argument(item) for item in value)
        return value

    def _is_key(self, value: Any) -> bool:
        try:
            return isinstance(value, (str, bytes, int, float, tuple)) and value in self._known
        except TypeError:  # a tuple with something unhashable inside
            return False


def nested_key(outer: Key, n: int) -> Key:
    """Return the key of the n-th task that is nested in the task of `outer`."""
    return (outer, "nested", n)


def _is_task(value: Any) -> bool:
    return type(value) is tuple and bool(value) and callable(value[0])

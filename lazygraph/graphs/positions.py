"""Edits of a graph: whether new dependencies close a cycle, found by looking at few tasks."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterable, Mapping

from lazygraph.errors import CycleError, MissingKeyError
from lazygraph.graphs.order import post_order
from lazygraph.tasks.keys import Key
from lazygraph.tasks.task import Task

__all__ = ["Positions"]


class Positions:
    """Numbers of a graph's keys: along any chain of dependents, those that have one grow.

    A search for a cycle passes over all that stands before the tasks that change. A key whose
    number an edit makes false loses it, and is looked at by later searches. All are numbered
    anew once searches have looked at as many keys as there are: n edits in a chain, wherever
    they are, cost O(n sqrt n) at most rather than O(n n).
    """

    def __init__(self, tasks: dict[Key, Task], dependents: Mapping[Key, Iterable[Key]]) -> None:
        self._tasks, self._dependents = tasks, dependents
        self._of: dict[Key, int] = {}
        self._next = self._looked_at = 0
        self._renumber()

    def _renumber(self) -> None:
        try:
            order = post_order(self._tasks, self._tasks)
        except (CycleError, MissingKeyError):  # a broken graph may be edited: nothing is known
            order = []
        self._of = {key: n for n, key in enumerate(order)}
        self._next, self._looked_at = len(self._tasks), 0

    def append(self, key: Key) -> None:
        """Give a number to a new key that no task needs."""
        self._of[key] = self._next
        self._next += 1

    def forget(self, key: Key) -> None:
        """Take a removed key's number away."""
        self._of.pop(key, None)

    def close_a_cycle(self, changed: Mapping[Key, Task]) -> bool:
        """Return whether tasks, put in place of others, would wait for each other."""
        new = [key for each, task in changed.items() for key in self._new_needs(each, task)]
        if not new:
            return False
        if self._looked_at > len(self._tasks):
            self._renumber()
        behind = self._behind(new, self._first_after(changed), ChainMap(dict(changed), self._tasks))
        if not behind.isdisjoint(changed):
            return True
        for key in behind:
            self._of.pop(key, None)
        return False

    def _new_needs(self, key: Key, task: Task) -> Iterable[Key]:
        old = set(self._tasks[key]._refs()) if key in self._tasks else ()
        return (each for each in task.dependencies if each not in old)

    def _first_after(self, changed: Iterable[Key]) -> float:
        """Return the lowest number among `changed` and what needs them."""
        first, seen, stack = float("inf"), set(changed), list(changed)
        while stack:
            key = stack.pop()
            if key in self._of:
                first = min(first, self._of[key])  # what needs it has a higher one
                continue
            more = [each for each in self._dependents.get(key, ()) if each not in seen]
            seen.update(more)
            stack += more
        self._looked_at += len(seen)
        return first

    def _behind(self, keys: Iterable[Key], first: float, tasks: Mapping[Key, Task]) -> set[Key]:
        """Return `keys` and what they need, but for what has a number below `first`."""
        seen: set[Key] = set()
        stack = list(keys)
        while stack:
            key = stack.pop()
            if key in seen or self._of.get(key, first) < first:
                continue
            seen.add(key)
            if key in tasks:
                stack += tasks[key]._refs()
        self._looked_at += len(seen)
        return seen

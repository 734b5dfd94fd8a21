"""A graph to what of the way back need not be seen: tasks that only keep shapes and dtypes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lazygraph.graphs.graph import Graph
from lazygraph.tasks.keys import Key
from lazygraph.tasks.task import Ref, Task

__all__ = ["Plumbing"]

#: What autodiff calls its tasks that take a value's shape and dtype, that give a cotangent these
#: (and memory of its own), and that begin the backward pass.
_LIKE, _FITS, _SEED = "like", frozenset({"fit", "owned"}), "seed"
_ALL = _FITS | {_LIKE, _SEED}


class Plumbing:
    """Which tasks are not drawn, and which stand for them.

    Attributes
    ----------
    stands_for : mapping of Key to Key
        By task that is not drawn: the one whose result it passes on. One that passes nothing on
        is not drawn, and stands for nothing.
    by : mapping of Key to list of Key
        By task whose result is a derivative that is asked for: what it is the derivative by.

    Notes
    -----
    O(tasks).
    """

    def __init__(self, graph: Graph, outputs: Sequence[Key]) -> None:
        self._graph = graph
        kept = frozenset(key for key in outputs if _role(graph[key]) not in _FITS)
        self.stands_for: dict[Key, Key] = {}
        self.by: dict[Key, list[Key]] = {}
        self.hidden: set[Key] = set()
        for key in graph:
            role = _role(graph[key]) if key not in kept else ""
            passed = _refs(graph[key])
            if role == _LIKE or (role and passed):
                self.hidden.add(key)
                if role != _LIKE:
                    self.stands_for[key] = passed[0]
        for key in outputs:
            if _role(graph[key]) in _FITS:
                self.by.setdefault(self.of(key) or key, []).extend(self._form(graph[key]))

    def of(self, key: Key) -> Key | None:
        """Return the task that is drawn in place of this: itself, or none."""
        while key in self.stands_for:
            key = self.stands_for[key]
        return None if key in self.hidden else key

    def _form(self, task: Task) -> Iterator[Key]:
        """Yield what a cotangent is made to look like."""
        for key in _refs(task)[1:2]:
            if _role(self._graph[key]) == _LIKE:
                yield from _refs(self._graph[key])


def _role(task: Task) -> str:
    return task.name if task._function.is_early and task.name in _ALL else ""


def _refs(task: Task) -> list[Key]:
    return [leaf.key for leaf in task._leaves if type(leaf) is Ref]

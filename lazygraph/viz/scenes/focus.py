"""A graph and one of its keys to the neighbourhood of that key: a graph small enough to read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from lazygraph.errors import DrawingError
from lazygraph.graphs.graph import Graph
from lazygraph.tasks.keys import Key, check_key
from lazygraph.tasks.task import Ref, Task

__all__ = ["Hidden", "Neighbourhood", "neighbourhood"]


class Hidden:
    """Stands among a shown task's arguments for the result of a task that is not shown."""

    __slots__ = ("key",)

    def __init__(self, key: Key) -> None:
        self.key = key

    def __repr__(self) -> str:
        return "…"


class Neighbourhood(NamedTuple):
    """What is near a key, and how much is left out.

    Attributes
    ----------
    graph : Graph
        The tasks that are near, each after those it needs as far as they are near; `Hidden`
        stands for the others.
    hidden_dependencies, hidden_dependents : dict of Key to int
        How many of a task's are left out, of the tasks where any are: to be shown as "+12".
    """

    graph: Graph
    hidden_dependencies: dict[Key, int]
    hidden_dependents: dict[Key, int]


def neighbourhood(graph: Graph, key: Key, depth: int) -> Neighbourhood:
    """Return what `key` needs and what needs it, over at most `depth` dependencies.

    All dependencies between the tasks found are kept.

    Raises
    ------
    MissingKeyError
        If `key` is not in the graph; names one that is spelled alike.
    DrawingError
        If `depth` is not a whole number from 0 up.

    Notes
    -----
    O(tasks found + their dependencies and dependents), once the graph knows its dependents.

    Examples
    --------
    >>> graph = Graph.from_dict({"a": 1, "b": (abs, "a"), "c": (abs, "b"), "d": (abs, "b")})
    >>> near = neighbourhood(graph, "c", 1)
    >>> list(near.graph), near.hidden_dependencies, near.hidden_dependents
    (['b', 'c'], {'b': 1}, {'b': 1})
    """
    if type(depth) is not int or depth < 0:
        raise DrawingError(
            f"depth={depth!r}: it is a whole number from 0 (the task alone) up, the number of "
            "dependencies to follow in each direction"
        )
    graph[check_key(key)]
    below = _reached(key, graph.dependencies, depth)
    above = _reached(key, graph.dependents, depth)
    shown = dict.fromkeys([*reversed(below), *above])
    near = Graph({found: _cut(graph[found], shown) for found in shown})
    return Neighbourhood(
        Graph({found: near[found] for found in near.toposort()}),
        _hidden(shown, graph.dependencies),
        _hidden(shown, graph.dependents),
    )


def _reached(key: Key, neighbours: Callable[[Key], Sequence[Key]], depth: int) -> list[Key]:
    """Nearest first. Stops where nothing new is found, however great the depth."""
    found = {key: None}
    edge = [key]
    while edge and depth > 0:
        ahead = dict.fromkeys(other for near in edge for other in neighbours(near))
        edge = [other for other in ahead if other not in found]
        found.update(dict.fromkeys(edge))
        depth -= 1
    return list(found)


def _cut(task: Task, shown: dict[Key, None]) -> Task:
    """Return the task without references to what is not shown."""
    leaves = [_kept(leaf, shown) for leaf in task._leaves]
    return task.with_leaves(tuple(leaves))


def _kept(leaf: Any, shown: dict[Key, None]) -> Any:
    return Hidden(leaf.key) if type(leaf) is Ref and leaf.key not in shown else leaf


def _hidden(shown: dict[Key, None], neighbours: Callable[[Key], Sequence[Key]]) -> dict[Key, int]:
    counts = {key: sum(other not in shown for other in neighbours(key)) for key in shown}
    return {key: n for key, n in counts.items() if n}

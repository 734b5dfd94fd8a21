"""Copies cheap tasks into each task that needs them."""

from __future__ import annotations

from collections.abc import Collection

from lazygraph.errors import GraphEditError
from lazygraph.graphs.graph import Graph
from lazygraph.graphs.order import post_order
from lazygraph.tasks.fused import fuse_tasks
from lazygraph.tasks.keys import Key
from lazygraph.tasks.task import Ref, Task

__all__ = ["inline"]


def inline(graph: Graph, outputs: Collection[Key], keys: Collection[Key] | None = None) -> Graph:
    """Run the tasks of `keys` inside each of their dependents, once per dependent.

    Parameters
    ----------
    keys : collection of Key, optional
        What to copy; by default the tasks of functions decorated with ``inline=True``. An
        output is not copied, nor is what a task needs that has options which a scheduler acts
        on (retries, a time limit, ...): those are for this task alone.

    Raises
    ------
    GraphEditError
        If one of `keys` has such options itself, or ``fuse=False``, as inputs have: a copy
        inside another task would lose them.

    Notes
    -----
    O(tasks + dependencies + copies).

    Examples
    --------
    >>> graph = Graph.from_dict({"x": 1, "a": (abs, "x"), "b": (abs, "x")})
    >>> inline(graph, ["a", "b"], keys=["x"])["a"].func.members[0].key
    'x'
    """
    if keys is None:
        keys = [key for key, task in graph.items() if _is_cheap(task)]
    for key in keys:
        if key in graph and not _may_be_copied(graph[key]):
            raise GraphEditError(f"{key!r} has {graph[key].options}, which a copy of it would lose")
    cheap = frozenset(keys) - frozenset(outputs) - _needed_by_controlled(graph)
    if not cheap:
        return graph.copy()
    links = {key: _only_refs(task, cheap) for key, task in graph.items() if key in cheap}
    tasks = {}
    for key, task in graph.items():
        if key not in cheap:
            wanted = [k for k in task.dependencies if k in cheap]
            copied = [(k, graph[k]) for k in post_order(links, wanted)]
            tasks[key] = fuse_tasks([*copied, (key, task)]) if copied else task
    return Graph(tasks)


def _is_cheap(task: Task) -> bool:
    return task.options.inline and _may_be_copied(task)


def _may_be_copied(task: Task) -> bool:
    return task.options.fuse and not task.options.is_controlled


def _needed_by_controlled(graph: Graph) -> frozenset[Key]:
    controlled = [task for task in graph.values() if task.options.is_controlled]
    return frozenset(key for task in controlled for key in task.dependencies)


def _only_refs(task: Task, keys: frozenset[Key]) -> Task:
    """Return the task with no leaves but references to `keys`: enough to follow them."""
    leaves = [leaf for leaf in task._leaves if type(leaf) is Ref and leaf.key in keys]
    return task.with_leaves(tuple(leaves))

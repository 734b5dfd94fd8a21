"""Merges pure tasks that are equal: same function, same arguments, hence same result."""

from __future__ import annotations

from collections.abc import Collection
from operator import attrgetter

from lazygraph.graphs.graph import Graph
from lazygraph.graphs.order import post_order
from lazygraph.tasks.function import Function
from lazygraph.tasks.keys import Key
from lazygraph.tasks.operators import value_of
from lazygraph.tasks.task import Ref, Task, content_key, make_task
from lazygraph.tasks.tokens import ContentKeys

__all__ = ["dedupe"]


def dedupe(graph: Graph, outputs: Collection[Key]) -> Graph:
    """Keep one task of all pure tasks that are equal; which ones are pure, their author says.

    An output keeps its key: if its task is merged into another, it becomes an alias of it.

    Notes
    -----
    O(tasks + arguments), and once the bytes of each array among pure tasks' arguments.

    Examples
    --------
    >>> tasks = {k: Task(abs, (-1,), pure=True) for k in "ab"}
    >>> list(dedupe(Graph({**tasks, "sum": Task(max, (Ref("a"), Ref("b")))}), ["sum"]))
    ['a', 'sum']
    """
    if not any(task.pure for task in graph.values()):
        return graph.copy()
    wanted = frozenset(outputs)
    contents = ContentKeys()
    first_of: dict[str, Key] = {}
    merged: dict[Key, Ref] = {}
    tasks: dict[Key, Task] = {}
    for key in post_order(graph, graph):
        task = _redirected(graph[key], merged)
        if task.pure:
            content = content_key(contents, task, Ref, attrgetter("key"))
            first = first_of.setdefault(content.key, key)
            if first != key:
                merged[key] = Ref(first)
                if key in wanted:
                    function = Function(value_of, pure=True, nout=task._function.nout)
                    tasks[key] = make_task(function, (Ref(first),), None)
                continue
        tasks[key] = task
    return Graph(tasks)


def _redirected(task: Task, merged: dict[Key, Ref]) -> Task:
    if not any(key in merged for key in task._refs()):
        return task
    leaves = [merged.get(x.key, x) if type(x) is Ref else x for x in task._leaves]
    return task.with_leaves(tuple(leaves))

"""Joins chains of tasks, each needed by the next alone, into one task."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator

from lazygraph.graphs.graph import Graph
from lazygraph.tasks.fused import fuse_tasks
from lazygraph.tasks.keys import Key
from lazygraph.tasks.task import Task

__all__ = ["fuse"]


def fuse(graph: Graph, outputs: Collection[Key]) -> Graph:
    """Make of each chain one task, which bears the key of its last member and knows them all.

    Two tasks are joined when one is all that the other needs, the other is all that needs
    it, it is no output, and neither has options that a scheduler acts on (retries, a time
    limit, ...): nothing that could have run at the same time is put in a row.

    Notes
    -----
    O(tasks + dependencies), about 1 us a task.

    Examples
    --------
    >>> graph = Graph.from_dict({"a": 1, "b": (abs, "a"), "c": (abs, "b")})
    >>> fused = fuse(graph, ["c"])
    >>> list(fused), [member.key for member in fused["c"].func.members]
    (['c'], ['a', 'b', 'c'])
    """
    follows = _links(graph, frozenset(outputs))
    if not follows:
        return graph.copy()
    followed = frozenset(follows.values())
    chain_of_last = {}
    for head in follows:
        if head not in followed:
            chain = list(_chain(head, follows))
            chain_of_last[chain[-1]] = chain
    tasks = {}
    for key, task in graph.items():
        if key in chain_of_last:
            tasks[key] = fuse_tasks([(k, graph[k]) for k in chain_of_last[key]])
        elif key not in follows:
            tasks[key] = task
    if len(tasks) + sum(len(chain) - 1 for chain in chain_of_last.values()) < len(graph):
        graph.check()  # a chain that bites its tail has no head: this names it
    return Graph(tasks)


def _links(graph: Graph, outputs: frozenset[Key]) -> dict[Key, Key]:
    """Key -> the key whose task joins it."""
    needs = {key: task.dependencies for key, task in graph.items()}
    n_users = Counter(dependency for needed in needs.values() for dependency in needed)
    return {
        needed[0]: key
        for key, needed in needs.items()
        if len(needed) == 1
        and n_users[needed[0]] == 1
        and needed[0] not in outputs
        and _may_join(graph[needed[0]], graph[key])
    }


def _may_join(first: Task, second: Task) -> bool:
    options = first.options
    return options == second.options and options.fuse and not options.is_controlled


def _chain(head: Key, follows: dict[Key, Key]) -> Iterator[Key]:
    yield head
    while head in follows:
        head = follows[head]
        yield head

"""Nodes -> plans and graphs, and back: one step for each key, however many nodes have it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple, TypeVar

from lazygraph.errors import KeyCollisionError
from lazygraph.graphs.graph import Graph
from lazygraph.graphs.nodes import (
    FRESH,
    Given,
    Made,
    Name,
    Node,
    content_keys,
    make_keys,
    make_node,
    node_type,
    walk,
)
from lazygraph.graphs.order import hoist, post_order
from lazygraph.graphs.plan import Plan, assemble, gc_paused
from lazygraph.tasks.keys import Key
from lazygraph.tasks.reprs import short_call
from lazygraph.tasks.task import Call, Ref, Task, content_key, make_task
from lazygraph.tasks.tokens import ContentKeys

__all__ = ["Unique", "graph_of", "link", "plan_of", "relink", "unique_nodes"]

NodeT = TypeVar("NodeT", bound=Node)


class Unique(NamedTuple):
    """Nodes, one for each key, dependencies first."""

    nodes: list[Node]
    #: Of every node that was met; a merged one has the position of its like.
    position: dict[Node, int]
    #: The keys of pure nodes, made of their content as it was in this walk.
    contents: dict[Node, str]

    def keys(self) -> list[Key]:
        """Return the keys of `nodes`."""
        return make_keys(self.nodes, self.contents)


def unique_nodes(outputs: Sequence[Node], stop_at: Iterable[Node] = ()) -> Unique:
    """Return what `outputs` need, as `walk` does, with one node per key.

    Other libraries' collections are replaced by the tasks that they are made of.

    Raises
    ------
    KeyCollisionError
        If one given key names two different tasks.
    """
    order, position = walk(outputs, stop_at)
    if all([node._name is FRESH for node in order]):  # noqa: C419  # a third of any(...)'s time
        return Unique(order, position, {})
    replaced = _expanded([node for node in order if node._foreign is not None])
    if replaced:
        order, position = walk(outputs, stop_at, replaced)
    merged = _merged(order, position, content_keys(order))
    position.update((node, position[by]) for node, by in replaced.items())
    return merged


def _expanded(foreign: Sequence[Node]) -> dict[Node, Node]:
    """Return nodes in place of those that stand for collections, which are expanded together."""
    if not foreign:
        return {}
    outsides = [node._foreign for node in foreign]
    keys = [outside.key for outside in outsides]
    made = link(outsides[0].tasks(outsides), keys, node_type(), Made)
    return dict(zip(foreign, made, strict=True))


def _merged(order: Iterable[Node], position: dict[Node, int], contents: dict[Node, str]) -> Unique:
    nodes: list[Node] = []
    first_of: dict[Key, int] = {}
    for node in order:
        n = step = len(nodes)
        if node._name is not FRESH:
            key = contents[node] if node in contents else node._get_key()
            step = first_of.setdefault(key, n)
        position[node] = step
        if step == n:
            nodes.append(node)
        elif not _are_copies(nodes[step], node, position):
            shown = [f"{_shown(each)} at {each._site()}" for each in (nodes[step], node)]
            raise KeyCollisionError(key, *shown)
    return Unique(nodes, position, contents)


def _are_copies(first: Node, second: Node, position: dict[Node, int]) -> bool:
    """Return whether two nodes of one key are one task, or the one holds the other's result."""
    if first._name is second._name or Given not in (type(first._name), type(second._name)):
        return True  # a key that is made names one task only, wherever it is pickled to
    contents, kind = ContentKeys(), node_type()
    keys = [content_key(contents, x, kind, position.__getitem__).key for x in (first, second)]
    # Not by their names: a task that has been to Dask and back is called as its function is.
    return len({key.rpartition("-")[2] for key in keys}) == 1


def _shown(node: Node) -> str:
    return short_call(node._function.name, *node._arguments(node._leaves))


class _NodeOrigins(NamedTuple):
    nodes: Sequence[Node]
    contents: Mapping[Node, str]

    def key(self, step: int, /) -> Key:
        node = self.nodes[step]
        return self.contents[node] if node in self.contents else node._get_key()

    def call(self, step: int, /) -> Call:
        return self.nodes[step]


def plan_of(outputs: Sequence[Node]) -> Plan:
    """Compile what `outputs` need, straight from the nodes: no graph, no keys.

    Pure tasks of equal content, and copies of one task, become one step.

    Raises
    ------
    KeyCollisionError
        If one given key names two different tasks.

    Notes
    -----
    O(tasks + arguments), 0.5 to 1 us a task; 10 us for a pure one.
    """
    with gc_paused():
        nodes, position, contents = unique_nodes(outputs)
        nodes, position = _hoisted(nodes, position)
        ends = [position[node] for node in outputs]
        return assemble(nodes, position, node_type(), ends, _NodeOrigins(nodes, contents))


def _hoisted(nodes: list[Node], position: dict[Node, int]) -> tuple[list[Node], dict[Node, int]]:
    """Return the same with each early task right after the last that it needs."""
    is_early = [node._function.is_early for node in nodes]
    if True not in is_early:
        return nodes, position
    kind = node_type()
    needed = [[position[x] for x in node._leaves if type(x) is kind] for node in nodes]
    order = hoist(needed, is_early)
    moved_to = {step: n for n, step in enumerate(order)}
    return [nodes[step] for step in order], {x: moved_to[n] for x, n in position.items()}


def graph_of(outputs: Sequence[Node]) -> Graph:
    """Return the graph of what `outputs` need, each task after its dependencies.

    Raises
    ------
    KeyCollisionError
        If one given key names two different tasks.

    Notes
    -----
    O(tasks + arguments), about 2 us a task.
    """
    with gc_paused():
        unique = unique_nodes(outputs)
        position, kind = unique.position, node_type()
        refs = list(map(Ref, unique.keys()))
        tasks = {}
        for ref, node in zip(refs, unique.nodes, strict=True):
            leaves = tuple([refs[position[x]] if type(x) is kind else x for x in node._leaves])
            tasks[ref.key] = make_task(
                node._function, leaves, node._template, node._code, node._lasti
            )
        return Graph(tasks)


def link(
    graph: Mapping[Key, Task],
    keys: Sequence[Key],
    kind: type[NodeT],
    name_of: Callable[[Key], Name] = Given,
) -> list[NodeT]:
    """Return nodes of class `kind` for `keys` of a graph: the way back from `graph_of`.

    Parameters
    ----------
    name_of
        Gives a node's name for its key. By default the key counts as given by the user: nothing
        says that the graph's tasks are those that other nodes of such keys stand for.

    Raises
    ------
    MissingKeyError, CycleError
        If the graph cannot run.

    Notes
    -----
    O(tasks + arguments), about 1 us a task.
    """
    with gc_paused():
        made: dict[Key, NodeT] = {}
        for key in post_order(graph, keys):
            task = graph[key]
            leaves = tuple([made[x.key] if type(x) is Ref else x for x in task._leaves])
            made[key] = make_node(
                kind, task._function, leaves, task._template, name_of(key), task._code, task._lasti
            )
        return [made[key] for key in keys]


def relink(graph: Mapping[Key, Task], keys: Sequence[Key], nodes: Sequence[NodeT]) -> list[NodeT]:
    """Return nodes for a graph whose `keys` stand for the same results as `nodes`."""
    order, _ = walk(nodes)
    found = make_keys(order, content_keys(order))
    names = {key: node._name.lasting(key) for key, node in zip(found, order, strict=True)}
    # What is not known is what a collection brought: made keys.
    return link(graph, keys, type(nodes[0]), lambda key: names.get(key) or Made(key))

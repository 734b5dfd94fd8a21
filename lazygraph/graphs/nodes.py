"""Tasks linked to each other directly, as a user's lazy values are; to plans, to graphs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache, partial
from types import CodeType
from typing import Any, NamedTuple, Protocol, TypeVar

from lazygraph.errors import KeyCollisionError
from lazygraph.graphs.graph import Graph
from lazygraph.graphs.order import early_first, post_order
from lazygraph.graphs.plan import Plan, assemble, gc_paused
from lazygraph.tasks import keys as naming
from lazygraph.tasks.function import Function
from lazygraph.tasks.keys import ContentKeys, Key, fresh_key
from lazygraph.tasks.options import GRADIENT_OPTIONS, NO_OPTIONS
from lazygraph.tasks.pytree import LAZY, Template
from lazygraph.tasks.reprs import short_call
from lazygraph.tasks.task import Call, Ref, Task, make_task

__all__ = [
    "CONTENT",
    "GivenKey",
    "Node",
    "OutsideKey",
    "graph_of",
    "link",
    "make_node",
    "outside_node",
    "plan_of",
    "steps_of",
]

NodeT = TypeVar("NodeT", bound="Node")


class ContentKey(NamedTuple):
    """A key made of a pure task's content; None until it is asked for."""

    key: str | None


CONTENT = ContentKey(None)


class GivenKey(NamedTuple):
    """A key of the user's choice: unlike a made one it may, by mistake, name two tasks."""

    key: Key


class Outside(Protocol):
    """What another library's collection is to us until a plan is made: a key, and the tasks."""

    @property
    def key(self) -> Key:
        """What names its result."""

    def tasks(self, others: Sequence[Any], /) -> Mapping[Key, Task]:
        """Tasks for all of `others`, this one too, by their keys and those that they need."""


class OutsideKey(NamedTuple):
    """Marks a node that stands for another library's collection; it has no task of its own."""

    outside: Outside


class Node(Call):
    """A call whose leaves are other nodes and literals.

    O(arguments) to make, whatever lies behind them: no graph is built, no key is made.
    """

    # None: a fresh key, made when asked for. A ContentKey: likewise. A GivenKey: the user's.
    # An OutsideKey: no task, but a collection. Anything else: the key itself.
    __slots__ = ("_key",)

    _key: Any

    # By identity: `==` between lazy values may mean something else.
    __hash__ = object.__hash__

    def _get_key(self) -> Key:
        if self._key is None:
            with naming.key_lock:
                if self._key is None:
                    self._key = fresh_key(self._function.name)
        elif type(self._key) is OutsideKey:
            return self._key.outside.key
        elif self._key == CONTENT:
            self._key = ContentKey(_contents(_ordered([self])[0])[self])
        key: Key = self._key
        return key.key if isinstance(key, (GivenKey, ContentKey)) else key

    def _lasting_key(self) -> Any:
        """What a node that stands for the same result by other means has for a key."""
        key = self._get_key()
        return self._key if type(self._key) is GivenKey else key


def make_node(
    kind: type[NodeT],
    function: Function,
    leaves: tuple[Any, ...],
    template: Template | None,
    key: Any,
    code: CodeType | str | None,
    lasti: int,
) -> NodeT:
    """A node of class `kind` from its parts."""
    node = object.__new__(kind)
    node._function, node._leaves, node._template = function, leaves, template
    node._key, node._code, node._lasti = key, code, lasti
    return node


@cache  # the one class is registered at import, and asked for once per pure task
def node_type() -> Any:
    """The class of lazy values: the one kind of leaf that stands for another node's result."""
    (kind,) = (kind for kind in LAZY if issubclass(kind, Node))
    return kind


def outside_node(kind: type[NodeT], outside: Outside) -> NodeT:
    """The node that stands for another library's collection."""
    return make_node(kind, _OUTSIDE, (), None, OutsideKey(outside), None, 0)


def _never_called() -> None:  # pragma: no cover
    raise AssertionError


_OUTSIDE = Function(_never_called, name="collection")


def _ordered(
    outputs: Sequence[Node],
    beyond: Iterable[Node] = (),
    inside: Mapping[Node, Node] | None = None,
) -> tuple[list[Node], dict[Node, int]]:
    """The nodes that `outputs` need and the outputs, each after its dependencies; positions.

    Nodes of `beyond`, and what only they need, are left out; their position is -1.

    Depth first, as `ordering.post_order`; here no key exists yet and no cycle can. `inside`
    has nodes to take in place of others.
    """
    order: list[Node] = []
    # None while a node's dependencies are being visited
    position: dict[Node, Any] = dict.fromkeys(beyond, -1)
    kind = node_type()
    stack = list(outputs)
    stack.reverse()
    push, pop, add = stack.append, stack.pop, order.append
    if inside:
        pop = partial(_pop_inside, stack, inside)
    while stack:
        node = pop()
        if node in position:
            if position[node] is None:
                position[node] = len(order)
                add(node)
            continue
        position[node] = None
        push(node)
        for leaf in node._leaves[::-1]:
            if type(leaf) is kind and leaf not in position:
                push(leaf)
    return order, position


def _pop_inside(stack: list[Node], inside: Mapping[Node, Node]) -> Node:
    node = stack.pop()
    return inside.get(node, node)


# ------------------------------------------------------------------- keys
def _parts(node: Node, name_of: Callable[[Node], Any]) -> Iterator[tuple[bool, Any]]:
    kind = node_type()
    for x in node._leaves:
        yield (True, name_of(x)) if type(x) is kind else (False, x)
    options = node._function.options
    if options is not NO_OPTIONS:  # what is asked of one is not of the other
        asked = options.without(GRADIENT_OPTIONS)
        if asked != NO_OPTIONS:
            yield False, repr(asked)


def _content_key(keys: ContentKeys, node: Node, name_of: Callable[[Node], Any]) -> str:
    function = node._function
    return keys.key(function.name, function.func, node._template, _parts(node, name_of))


def _contents(order: Iterable[Node]) -> dict[Node, str]:
    """What the content keys of pure nodes are now; `order` has dependencies first.

    Made anew in each walk: an array among the arguments may have changed since the last.
    """
    keys = ContentKeys()
    made: dict[Node, str] = {}

    def name_of(node: Node) -> Any:
        return made[node] if node in made else node._get_key()

    for node in order:
        if type(node._key) is ContentKey:
            made[node] = _content_key(keys, node, name_of)
    return made


def _make_keys(order: list[Node]) -> list[Key]:
    with naming.key_lock:
        for node in order:
            if node._key is None:
                node._key = fresh_key(node._function.name)
    if any(node._key == CONTENT for node in order):
        for node, key in _contents(order).items():
            if node._key == CONTENT:
                node._key = ContentKey(key)
    return [node._get_key() for node in order]


def steps_of(
    outputs: Sequence[Node], beyond: Iterable[Node] = ()
) -> tuple[list[Node], dict[Node, int]]:
    """As `_ordered`, with one node per key; a merged node has the position of its like."""
    order, position = _ordered(outputs, beyond)
    if all([node._key is None for node in order]):  # noqa: C419  # a third of any(...)'s time
        return order, position
    guests = [node for node in order if type(node._key) is OutsideKey]
    inside = _inside(guests) if guests else {}
    if inside:
        order, position = _ordered(outputs, beyond, inside)
    contents = _contents(order)
    steps: list[Node] = []
    first_of: dict[Key, int] = {}
    for node in order:
        n = len(steps)
        name = contents.get(node) or (None if node._key is None else node._get_key())
        step = n if name is None else first_of.setdefault(name, n)
        position[node] = step
        if step == n:
            steps.append(node)
        elif not _are_copies(steps[step], node, position):
            shown = [f"{_shown(each)} at {each._site()}" for each in (steps[step], node)]
            raise KeyCollisionError(node._get_key(), *shown)
    position.update((guest, position[node]) for guest, node in inside.items())
    return steps, position


def _inside(guests: Sequence[Node]) -> dict[Node, Node]:
    """Nodes in place of those that stand for collections, which are made into tasks together."""
    outsides = [guest._key.outside for guest in guests]
    keys = [outside.key for outside in outsides]
    made = link(outsides[0].tasks(outsides), keys, node_type(), lambda key: key)
    return dict(zip(guests, made, strict=True))


def _are_copies(first: Node, second: Node, position: dict[Node, int]) -> bool:
    """Whether two nodes of one key are one task, or the one holds the other's result."""
    if first._key is second._key or GivenKey not in (type(first._key), type(second._key)):
        return True  # a key that is made names one task only, wherever it is pickled to
    keys = ContentKeys()
    contents = [_content_key(keys, node, position.__getitem__) for node in (first, second)]
    # Not by their names: a task that has been to Dask and back is called as its function is.
    return len({content.rpartition("-")[2] for content in contents}) == 1


def _shown(node: Node) -> str:
    return short_call(node._function.name, *node._arguments(node._leaves))


# ------------------------------------------------------- to plans and graphs
class _NodeOrigins(NamedTuple):
    nodes: Sequence[Node]

    def key(self, step: int, /) -> Key:
        return self.nodes[step]._get_key()

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
    O(tasks + arguments), 0.5 to 1 us a task.
    """
    with gc_paused():
        steps, position = _early_first(*steps_of(outputs))
        ends = [position[node] for node in outputs]
        return assemble(steps, position, node_type(), ends, _NodeOrigins(steps))


def _early_first(
    steps: list[Node], position: dict[Node, int]
) -> tuple[list[Node], dict[Node, int]]:
    """The same with each early task right after the last that it needs."""
    is_early = [node._function.is_early for node in steps]
    if True not in is_early:
        return steps, position
    kind = node_type()
    needed = [[position[x] for x in node._leaves if type(x) is kind] for node in steps]
    order = early_first(needed, is_early)
    moved_to = {step: n for n, step in enumerate(order)}
    return [steps[step] for step in order], {x: moved_to[n] for x, n in position.items()}


def graph_of(outputs: Sequence[Node]) -> Graph:
    """The graph of what `outputs` need, each task after its dependencies. O(tasks + arguments)."""
    with gc_paused():
        steps, position = steps_of(outputs)
        refs = [Ref(key) for key in _make_keys(steps)]
        _check_unique(refs, steps)
        kind = node_type()
        tasks = {}
        for ref, node in zip(refs, steps, strict=True):
            leaves = tuple([refs[position[x]] if type(x) is kind else x for x in node._leaves])
            tasks[ref.key] = make_task(
                node._function, leaves, node._template, node._code, node._lasti
            )
        return Graph(tasks)


def _check_unique(refs: list[Ref], steps: list[Node]) -> None:
    first_of: dict[Ref, Node] = {}
    for ref, node in zip(refs, steps, strict=True):
        first = first_of.setdefault(ref, node)
        if first is not node:  # pure, and an array among the arguments changed in between
            raise KeyCollisionError(ref.key, _shown(first), _shown(node))


def link(
    graph: Mapping[Key, Task],
    keys: Sequence[Key],
    kind: type[NodeT],
    known_as: Callable[[Key], Any] = GivenKey,
) -> list[NodeT]:
    """Nodes of class `kind` for `keys` of a graph: the way back from `graph_of`.

    Parameters
    ----------
    known_as
        What a node keeps of its key. By default the key counts as given by the user: nothing
        says that the graph's tasks are those that other nodes of such keys stand for.

    Raises
    ------
    MissingKeyError, CycleError
        If the graph cannot run.
    """
    with gc_paused():
        made: dict[Key, NodeT] = {}
        for key in post_order(graph, keys):
            task = graph[key]
            leaves = tuple([made[x.key] if type(x) is Ref else x for x in task._leaves])
            made[key] = make_node(
                kind, task._function, leaves, task._template, known_as(key), task._code, task._lasti
            )
        return [made[key] for key in keys]


def relink(graph: Mapping[Key, Task], nodes: Sequence[NodeT]) -> list[NodeT]:
    """Nodes for a graph whose tasks stand for the same results as `nodes` and those behind."""
    known = {node._get_key(): node._lasting_key() for node in _ordered(nodes)[0]}

    def lasting(key: Key) -> Any:
        return known.get(key, key)  # not known is what a collection brought: made keys

    return link(graph, [n._get_key() for n in nodes], type(nodes[0]), lasting)

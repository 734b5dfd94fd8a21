"""Tasks linked to each other directly, as a user's lazy values are: their names, and the walk."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache, partial
from types import CodeType
from typing import Any, Protocol, TypeVar

from lazygraph.tasks import keys as naming
from lazygraph.tasks.function import Function
from lazygraph.tasks.keys import Key, fresh_key
from lazygraph.tasks.pytree import LAZY, Template
from lazygraph.tasks.task import Call, content_key
from lazygraph.tasks.tokens import ContentKeys

__all__ = [
    "FRESH",
    "PURE",
    "Foreign",
    "Given",
    "Made",
    "Name",
    "Node",
    "Outside",
    "content_keys",
    "foreign_node",
    "keys_of",
    "make_node",
    "node_type",
    "walk",
]

NodeT = TypeVar("NodeT", bound="Node")


class Outside(Protocol):
    """What another library's collection is to us until a plan is made: a key, and the tasks."""

    @property
    def key(self) -> Key:
        """What names its result."""

    def tasks(self, others: Sequence[Any], /) -> Mapping[Key, Any]:
        """Return tasks for all of `others`, this one too, by their keys and those they need."""


class Name:
    """How a node gets its key."""

    __slots__ = ()

    def of(self, node: Node) -> Key:
        """Return the key of a node that has this name."""
        raise NotImplementedError

    def lasting(self, key: Key) -> Name:
        """Return the name of whatever stands for the same result, whose key is `key` now."""
        return Made(key)


class Fresh(Name):
    """Has a key of its own, which is made when it is first asked for."""

    __slots__ = ()

    def __reduce__(self) -> str:
        return "FRESH"

    def of(self, node: Node) -> Key:
        """Return a new key, and keep it."""
        with naming.key_lock:
            if node._name is FRESH:
                node._name = Made(fresh_key(node._function.name))
        return node._name.of(node)


class Made(Name):
    """Has a key that names one task only, whichever process it is pickled to."""

    __slots__ = ("key",)

    def __init__(self, key: Key) -> None:
        self.key = key

    def of(self, node: Node) -> Key:  # noqa: ARG002
        """Return the key."""
        return self.key


class Given(Made):
    """Has a key of the user's choice: it may, by mistake, name two tasks."""

    __slots__ = ()

    def lasting(self, key: Key) -> Name:  # noqa: ARG002
        """Return this very object, by which a task and what holds its result are one."""
        return self


class Pure(Name):
    """Has a key that follows from the call's content as it is now.

    `key` is None as long as it may change: where there is an array among the arguments, or a
    list, it is made in each walk.
    """

    __slots__ = ("key",)

    def __init__(self, key: str | None = None) -> None:
        self.key = key

    def of(self, node: Node) -> Key:
        """Return the key of the content. O(what the node needs), but for what cannot change."""
        return self.key or content_keys(walk([node])[0])[node]


class Foreign(Name):
    """Stands for another library's collection: the node has no task of its own."""

    __slots__ = ("outside",)

    def __init__(self, outside: Outside) -> None:
        self.outside = outside

    def of(self, node: Node) -> Key:  # noqa: ARG002
        """Return the collection's key."""
        return self.outside.key


FRESH, PURE = Fresh(), Pure()


class Node(Call):
    """A call whose leaves are other nodes and literals.

    O(arguments) to make, whatever lies behind them: no graph is built, no key is made.
    """

    __slots__ = ("_name",)

    _name: Name

    # By identity: `==` between lazy values may mean something else.
    __hash__ = object.__hash__

    def _get_key(self) -> Key:
        return self._name.of(self)

    @property
    def _foreign(self) -> Any:
        """The other library's collection that the node stands for, or None."""
        return self._name.outside if type(self._name) is Foreign else None


def make_node(
    kind: type[NodeT],
    function: Function,
    leaves: tuple[Any, ...],
    template: Template | None,
    name: Name,
    code: CodeType | str | None,
    lasti: int,
) -> NodeT:
    """Return a node of class `kind`, made of its parts."""
    node = object.__new__(kind)
    node._function, node._leaves, node._template = function, leaves, template
    node._name, node._code, node._lasti = name, code, lasti
    return node


@cache  # the one class is registered at import, and asked for once per pure task
def node_type() -> Any:
    """Return the class of lazy values: the leaves that stand for another node's result."""
    (kind,) = (kind for kind in LAZY if issubclass(kind, Node))
    return kind


def foreign_node(kind: type[NodeT], outside: Outside) -> NodeT:
    """Return the node that stands for another library's collection."""
    return make_node(kind, _FOREIGN, (), None, Foreign(outside), None, 0)


def _never_called() -> None:  # pragma: no cover
    raise AssertionError


_FOREIGN = Function(_never_called, name="collection")


def walk(
    outputs: Sequence[Node],
    stop_at: Iterable[Node] = (),
    replace: Mapping[Node, Node] | None = None,
) -> tuple[list[Node], dict[Node, int]]:
    """Return the nodes that `outputs` need and the outputs, dependencies first; and positions.

    Depth first, as `order.post_order`; here no key exists yet and no cycle can.

    Parameters
    ----------
    stop_at
        Nodes to leave out, with what only they need; their position is -1.
    replace
        Nodes to take in place of others.
    """
    order: list[Node] = []
    # None while a node's dependencies are being visited
    position: dict[Node, Any] = dict.fromkeys(stop_at, -1)
    kind = node_type()
    stack = list(outputs)
    stack.reverse()
    push, pop, add = stack.append, stack.pop, order.append
    if replace:
        pop = partial(_pop_replaced, stack, replace)
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


def _pop_replaced(stack: list[Node], replace: Mapping[Node, Node]) -> Node:
    node = stack.pop()
    return replace.get(node, node)


# ------------------------------------------------------------------- keys
def content_keys(order: Iterable[Node]) -> dict[Node, str]:
    """Return what the keys of pure nodes are now; `order` has dependencies first.

    Made anew in each walk, but for what cannot change: an array may have since the last.
    """
    contents, kind = ContentKeys(), node_type()
    made: dict[Node, str] = {}

    def key_of(node: Node) -> Key:
        return made[node] if node in made else node._get_key()

    for node in order:
        if type(node._name) is Pure:
            made[node] = node._name.key or _content(contents, node, kind, key_of)
    return made


def _content(contents: ContentKeys, node: Node, kind: type, key_of: Any) -> str:
    content = content_key(contents, node, kind, key_of)
    needed: list[Any] = [leaf for leaf in node._leaves if type(leaf) is kind]
    if content.lasts and all(map(_lasts, needed)):
        node._name = Pure(content.key)
    return content.key


def _lasts(node: Node) -> bool:
    return type(node._name) is not Pure or node._name.key is not None


def keys_of(nodes: Sequence[Node]) -> list[Key]:
    """Return the keys of nodes as they are now. O(what they need), once for all of them."""
    return make_keys(nodes, content_keys(walk(nodes)[0]) if _has_pure(nodes) else {})


def _has_pure(nodes: Sequence[Node]) -> bool:
    return any(not _lasts(node) for node in nodes)


def make_fresh(nodes: Iterable[Node]) -> None:
    """Make the keys of all nodes that have none yet."""
    with naming.key_lock:
        for node in nodes:
            if node._name is FRESH:
                node._name = Made(fresh_key(node._function.name))


def make_keys(nodes: Sequence[Node], contents: Mapping[Node, str]) -> list[Key]:
    """Return the keys of nodes; those of pure ones from the walk that made them."""
    make_fresh(nodes)
    return [contents[node] if node in contents else node._get_key() for node in nodes]

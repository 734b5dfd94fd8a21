"""Nodes that point at each other <-> flat rows, so that pickling does not recurse."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from types import FunctionType, MethodType
from typing import Any, NamedTuple, TypeVar

from lazygraph.graphs.nodes import Node, make_fresh, make_node, node_type, walk
from lazygraph.tasks.callsites import Sites
from lazygraph.tasks.function import Function

__all__ = ["pack", "unpack"]

NodeT = TypeVar("NodeT", bound="Node")

_FUNCTIONS = (FunctionType, MethodType, partial, type)


class _Place(NamedTuple):
    """A leaf that is the node of some row."""

    row: int


def pack(node: Node) -> tuple[Any, ...]:
    """Return a node and all behind it as flat tuples."""
    order, position = walk([node])
    make_fresh(order)
    kind = node_type()
    sites = Sites()
    rows = []
    for each in order:
        leaves = tuple(
            [_Place(position[x]) if type(x) is kind else _packed(x) for x in each._leaves]
        )
        site = sites.text(each._code, each._lasti)
        rows.append((each._function, leaves, each._template, each._name, site))
    return type(node), rows


def _packed(leaf: Any) -> Any:
    """Functions and classes among the arguments by name or by value, as the called ones."""
    return Function(leaf) if isinstance(leaf, _FUNCTIONS) else leaf


def _unpacked(leaf: Any) -> Any:
    return leaf.func if type(leaf) is Function else leaf


def unpack(kind: type[NodeT], rows: Sequence[tuple[Any, ...]]) -> NodeT:
    """Return the node that `pack` took apart."""
    made: list[NodeT] = []
    for function, leaves, template, name, site in rows:
        linked = tuple([made[x.row] if type(x) is _Place else _unpacked(x) for x in leaves])
        made.append(make_node(kind, function, linked, template, name, site, 0))
    return made[-1]

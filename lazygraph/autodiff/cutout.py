"""The part of a graph between some nodes and others -> a function of the former's values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any, NamedTuple

from lazygraph.autodiff.primitive import lazily
from lazygraph.graphs.compile import plan_of, unique_nodes
from lazygraph.graphs.nodes import FRESH, Node, make_node, node_type
from lazygraph.graphs.plan import Plan
from lazygraph.schedulers.synchronous import Synchronous
from lazygraph.tasks.function import Function
from lazygraph.tasks.operators import value_of

__all__ = ["Cutout", "cut"]

_VALUE = Function(value_of)


class _Hole(NamedTuple):
    """A literal in whose place the value of a node outside is put."""

    number: int


class Cutout:
    """A function that runs a graph, synchronously, with given values in its holes."""

    def __init__(self, root: Node) -> None:
        self._root = root

    def __reduce__(self) -> tuple[Any, ...]:
        return Cutout, (self._root,)

    @cached_property
    def _plan(self) -> Plan:
        return plan_of([self._root])

    @cached_property
    def _holes(self) -> list[tuple[int, int]]:
        constants = enumerate(self._plan.constants)
        return [(place, x.number) for place, x in constants if type(x) is _Hole]

    def __call__(self, *values: Any) -> tuple[Any, ...]:
        """Compute the outputs, given the values of the holes in the order of their numbers."""
        filled = self._plan.blank_values()
        for place, number in self._holes:
            filled[-1 - place] = values[number]
        made: tuple[Any, ...] = Synchronous.run_values(self._plan, filled)[0]
        return made


def cut(outputs: Sequence[Node], at: Iterable[Node]) -> tuple[Cutout, list[Node]]:
    """Cut a graph off at some nodes.

    Returns
    -------
    cutout : Cutout
        A function of the values of `at`, then of those of `outside`.
    outside : list of Node
        What the cut out part needs besides: nodes that do not depend on `at`.
    """
    at = list(at)
    steps, position, _ = unique_nodes([*outputs, *at])
    inside = {steps[position[node]]: _hole(number) for number, node in enumerate(at)}
    outside: dict[Node, Node] = {}
    kind, start = node_type(), len(inside)

    def seen(leaf: Any) -> Any:
        if type(leaf) is not kind:
            return leaf
        node = steps[position[leaf]]
        if node in inside:
            return inside[node]
        if node not in outside:
            outside[node] = _hole(start + len(outside))
        return outside[node]

    for node in steps:
        if node not in inside and any(steps[position[x]] in inside for x in _lazies(node)):
            inside[node] = _copy(node, tuple([seen(leaf) for leaf in node._leaves]))
    root = lazily(_VALUE, (tuple([seen(node) for node in outputs]),))
    return Cutout(root), list(outside)


def _lazies(node: Node) -> list[Node]:
    kind = node_type()
    return [leaf for leaf in node._leaves if type(leaf) is kind]


def _hole(number: int) -> Node:
    made: Node = make_node(node_type(), _VALUE, (_Hole(number),), None, FRESH, None, 0)
    return made


def _copy(node: Node, leaves: tuple[Any, ...]) -> Node:
    made: Node = make_node(
        type(node), node._function, leaves, node._template, FRESH, node._code, node._lasti
    )
    return made

"""Back from outputs: one step per task between them and what one differentiates by."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from lazygraph.autodiff.cotangents import like
from lazygraph.autodiff.partial_sums import PartialSum
from lazygraph.autodiff.remat import Rematerialized
from lazygraph.autodiff.table import is_constant
from lazygraph.autodiff.users import rule_of
from lazygraph.autodiff.vjp_context import Edges, Inner, VjpContext, derive, primal_of
from lazygraph.graphs.compile import unique_nodes
from lazygraph.graphs.nodes import Node, node_type
from lazygraph.graphs.plan import gc_paused

__all__ = ["BackwardPass", "Edge"]


class Edge(NamedTuple):
    """What the derivative of `tail` has by way of `head`, one of its dependents."""

    tail: Node
    head: Node
    ct: Node


class BackwardPass:
    """The way back from outputs with given cotangents.

    Parameters
    ----------
    outputs, cts : sequence of Node
        Where it begins, and with what.
    wrt : iterable of Node
        What to differentiate by: only tasks between these and the outputs are differentiated.
    beyond : iterable of Node
        Where it ends, whatever lies behind.

    Notes
    -----
    O(tasks + arguments), iterative. Tasks are told apart by their keys: what two nodes of one
    key stand for is one value.
    """

    def __init__(
        self,
        outputs: Sequence[Node],
        cts: Sequence[Node],
        wrt: Iterable[Node],
        beyond: Iterable[Node] = (),
    ) -> None:
        self._kind = node_type()
        with gc_paused():
            wrt = list(wrt)
            self.steps, self._position, _ = unique_nodes([*outputs, *wrt], beyond)
            self._again = Rematerialized()
            self._likes: dict[Node, Node] = {}
            self._cts: defaultdict[Node, PartialSum] = defaultdict(PartialSum)
            self.edges: list[Edge] = []
            self._active = {self.step(node) for node in wrt}
            self._differentiated: set[Node] = set()
            self._mark()
            for output, ct in zip(outputs, cts, strict=True):
                self._cts[self.step(output)].add(ct)
            self._go_back()

    def step(self, node: Node) -> Node:
        """Return the node that stands for all of one key."""
        position = self._position.get(node, -1)
        return node if position < 0 else self.steps[position]

    def _leads_on(self, leaf: Any) -> bool:
        return type(leaf) is self._kind and self.step(leaf) in self._active

    def _mark(self) -> None:
        """Find the active tasks: through which `wrt` has an influence on the outputs."""
        for node in self.steps:
            if any(map(self._leads_on, node._leaves)) and not _is_constant(node):
                self._active.add(node)
                self._differentiated.add(node)

    def _go_back(self) -> None:
        for node in reversed(self.steps):
            if node in self._differentiated and node in self._cts:
                self._step_back(node, self._cts[node].total())

    def _step_back(self, node: Node, ct: Node) -> None:
        again = self._again
        leaves = tuple([again.seen(x, ct) if type(x) is self._kind else x for x in node._leaves])
        out = again.seen(node, ct)
        context = VjpContext(node, ct, leaves, out, self._is_wanted, self.like)
        for leaf, part in self._derived(context):
            tail = self.step(again.original(leaf))
            self._cts[tail].add(part)
            self.edges.append(Edge(tail, node, part))

    def _derived(self, context: VjpContext) -> Edges:
        """Return a task's edges; of one made of other tasks, by a backward pass through those."""
        found = derive(context)
        if not isinstance(found, Inner):
            return found
        leaves = dict.fromkeys([leaf for leaf in context.leaves if type(leaf) is self._kind])
        wanted = [leaf for leaf in leaves if context.is_wanted(leaf)]
        inner = BackwardPass([found.goal], [context.ct], wanted, leaves)
        totals = ((leaf, inner.total(leaf)) for leaf in wanted)
        return [(leaf, total) for leaf, total in totals if total is not None]

    def _is_wanted(self, leaf: Any) -> bool:
        return type(leaf) is self._kind and self.step(self._again.original(leaf)) in self._active

    def like(self, node: Node) -> Node:
        """Return the `Like` of a node's result, one task however often it is asked for."""
        made = self._likes.get(node)
        if made is None:
            made = self._likes[node] = like(node)
        return made

    def total(self, node: Node) -> Node | None:
        """Return the cotangent of a node's result; None if the outputs do not depend on it."""
        node = self.step(node)
        return self._cts[node].total() if node in self._cts else None

    def totals(self) -> Iterator[tuple[Node, Node]]:
        """Yield every node the outputs depend on by way of active tasks, with its cotangent."""
        return ((node, self._cts[node].total()) for node in self.steps if node in self._cts)


def _is_constant(node: Node) -> bool:
    """Tell whether a task's result has no slope, by the table where the user does not say."""
    return is_constant(primal_of(node)) and rule_of(node._function) is None

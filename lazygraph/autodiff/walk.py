"""Back from outputs: one step per task between them and what one differentiates by."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from lazygraph.autodiff.cotangents import add_n, like
from lazygraph.autodiff.engines import derive
from lazygraph.autodiff.local import Local, primal_of
from lazygraph.autodiff.remat import Again
from lazygraph.autodiff.table import is_constant
from lazygraph.graphs.nodes import Node, node_type, steps_of
from lazygraph.graphs.plan import gc_paused

__all__ = ["Edge", "Walk"]


class Edge(NamedTuple):
    """What the derivative of `tail` has by way of `head`, one of its dependents."""

    tail: Node
    head: Node
    ct: Node


class Walk:
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
    O(tasks + arguments), iterative.
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
            self.steps, self._position = steps_of(outputs, beyond)
            self._again = Again()
            self._likes: dict[Node, Node] = {}
            self._totals: dict[Node, Node] = {}
            self._cts: defaultdict[Node, list[Node]] = defaultdict(list)
            self.edges: list[Edge] = []
            self._active = {self.step(node) for node in wrt}
            self._mark()
            for output, ct in zip(outputs, cts, strict=True):
                self._cts[self.step(output)].append(ct)
            self._go_back()

    def step(self, node: Node) -> Node:
        """The node that stands for all of one key."""
        position = self._position.get(node, -1)
        return node if position < 0 else self.steps[position]

    def _leads_on(self, leaf: Any) -> bool:
        return type(leaf) is self._kind and self.step(leaf) in self._active

    def _mark(self) -> None:
        """Find the active tasks: through which `wrt` has an influence on the outputs."""
        for node in self.steps:
            if any(map(self._leads_on, node._leaves)) and not is_constant(primal_of(node)):
                self._active.add(node)

    def _go_back(self) -> None:
        for node in reversed(self.steps):
            if node in self._active and node in self._cts:
                ct = self._total(node)
                if any(map(self._leads_on, node._leaves)) and not is_constant(primal_of(node)):
                    self._step_back(node, ct)

    def _step_back(self, node: Node, ct: Node) -> None:
        again = self._again
        leaves = tuple([again.seen(x, ct) if type(x) is self._kind else x for x in node._leaves])
        local = Local(node, ct, leaves, again.seen(node, ct), self._is_wanted, self.like, Walk)
        for leaf, part in derive(local):
            tail = self.step(again.original(leaf))
            self._cts[tail].append(part)
            self.edges.append(Edge(tail, node, part))

    def _is_wanted(self, leaf: Any) -> bool:
        return type(leaf) is self._kind and self.step(self._again.original(leaf)) in self._active

    def _total(self, node: Node) -> Node:
        total = self._totals.get(node)
        if total is None:
            parts = self._cts[node]
            total = self._totals[node] = parts[0] if len(parts) == 1 else add_n(*parts)
        return total

    def like(self, node: Node) -> Node:
        """The `Like` of a node's result, one task however often it is asked for."""
        made = self._likes.get(node)
        if made is None:
            made = self._likes[node] = like(node)
        return made

    def total(self, node: Node) -> Node | None:
        """The cotangent of a node's result; None if the outputs do not depend on it."""
        node = self.step(node)
        return self._total(node) if node in self._cts else None

    def totals(self) -> Iterator[tuple[Node, Node]]:
        """Every node that the outputs depend on by way of active tasks, with its cotangent."""
        return ((node, self._total(node)) for node in self.steps if node in self._cts)

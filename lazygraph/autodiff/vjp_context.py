"""One task on the way back, as the engines that differentiate it see it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, TypeAlias

from lazygraph.autodiff.cotangents import like, part
from lazygraph.autodiff.primitive import lazily
from lazygraph.autodiff.table import Attribute
from lazygraph.errors import NotDifferentiable
from lazygraph.graphs.nodes import Node, node_type
from lazygraph.tasks.function import Function
from lazygraph.tasks.tree_paths import Path, leaves_with_path

__all__ = ["ENGINES", "Edges", "Inner", "VjpContext", "derive", "pick"]

#: Lazy arguments of a task, with what the goal's derivative has by way of each.
Edges: TypeAlias = list[tuple[Node, Node]]


class VjpContext:
    """A task, the cotangent of its result, and its arguments.

    Attributes
    ----------
    node : Node
        The task.
    ct : Node
        The cotangent of its result.
    leaves : tuple
        Its flat arguments, as the way back is to use them: a result that is not kept is
        represented by the task that computes it again.
    out : Node
        Its result, likewise.
    primal : callable
        Its function, an attribute's name made part of it.
    args, kwargs
        Its arguments, nested.
    is_wanted : callable
        Whether a leaf (as in `leaves`) leads on to what one differentiates by.
    likes : callable
        The `Like` of a lazy value: one task for each, however often it is asked for.
    """

    def __init__(
        self,
        node: Node,
        ct: Node,
        leaves: tuple[Any, ...],
        out: Node,
        is_wanted: Callable[[Any], bool],
        likes: Callable[[Node], Node],
    ) -> None:
        self.node, self.ct, self.leaves, self.out = node, ct, leaves, out
        self.primal = primal_of(node)
        self.args, self.kwargs = node._arguments(leaves)
        if type(self.primal) is Attribute:
            self.args = leaves[:1]  # the name is part of the function
        self.is_wanted, self.likes = is_wanted, likes

    def wanted_in(self, value: Any) -> list[tuple[Node, Path]]:
        """Return the lazy values inside an argument that lead on, with the paths to them.

        Raises
        ------
        NotDifferentiable
            If one stands where nothing can be found again: in a set, as a dict's key.
        """
        if type(value) is node_type():
            return [(value, ())] if self.is_wanted(value) else []
        if self.node._template is None:
            return []
        return [
            (leaf, self._way(leaf, way))
            for leaf, way in leaves_with_path(value)
            if self.is_wanted(leaf)
        ]

    def _way(self, leaf: Any, way: Path | None) -> Path:
        if way is None:
            raise self.refusal(f"{leaf!r} is in a set or the key of a dict: use a list")
        return way

    def task(self, function: Function, *args: Any, **kwargs: Any) -> Node:
        """Return a task of the backward pass, which counts as captured where this one was."""
        node = self.node
        return lazily(function, args, kwargs, node._code, node._lasti)

    def like(self, value: Any) -> Any:
        """Return the `Like` of an argument or result: lazy, if it is."""
        if type(value) is node_type():
            return self.likes(value)
        return like(value) if self.node._template is None else lazily(_LIKE, (value,))

    def picked(self, ct: Node, value: Any) -> Iterator[tuple[Node, Node]]:
        """Yield, from the cotangent of an argument, the edges of the lazy values inside it."""
        for leaf, way in self.wanted_in(value):
            yield leaf, pick(ct, way)

    def refusal(self, reason: str) -> NotDifferentiable:
        """Return the error that says why the task has no derivative."""
        return NotDifferentiable(self.node._function.name, reason, self.node._site())


class Inner(NamedTuple):
    """What a task is made of: the last of some tasks between its arguments and its result."""

    goal: Node


#: How a task's derivative is found: each gives edges, or what the task is made of, or None if it
#: does not know. Filled at import, by `engines`, which stand on what goes back through graphs.
ENGINES: list[Callable[[VjpContext], Edges | Inner | None]] = []


def derive(context: VjpContext) -> Edges | Inner:
    """Return the lazy arguments of a task that lead on, each with its part of the derivative.

    Raises
    ------
    NotDifferentiable
        If there is no telling how the result changes with them.
    """
    for engine in ENGINES:
        edges = engine(context)
        if edges is not None:
            return edges
    raise context.refusal("no rule is known for it")


def primal_of(node: Node) -> Any:
    """Return the function that a task calls; for ``getattr(x, "T")``, the one that takes ``T``."""
    func = node._function.func
    if func is getattr and len(node._leaves) == 2 and type(node._leaves[1]) is str:
        return Attribute(node._leaves[1])
    return func


_LIKE = Function(like, name="like")


def pick(ct: Any, way: Path) -> Any:
    """Return the part of a cotangent at the end of a path."""
    return part(ct, way) if way else ct

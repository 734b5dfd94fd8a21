"""Results that the way back computes again rather than keeps: ``@delayed(remat=True)``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lazygraph.autodiff.primitive import derived, lazily
from lazygraph.errors import NotDifferentiable
from lazygraph.graphs.nodes import Node, node_type
from lazygraph.randomness import forbidden
from lazygraph.tasks.function import Function

__all__ = ["Rematerialize", "Rematerialized"]


class Rematerialize:
    """Calls a function once something else is there: its first argument, which it ignores."""

    def __init__(self, function: Function) -> None:
        self.function = function
        self.__name__ = f"{function.name}_again"

    def __call__(self, _: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Call the function; raise `NotDifferentiable` if it asks for lazygraph's `rng`."""
        with forbidden(self._no_rng):
            return self.function.func(*args, **kwargs)

    def _no_rng(self) -> NotDifferentiable:
        return NotDifferentiable(self.function.name, _NO_RNG)

    def __reduce__(self) -> tuple[Any, ...]:
        return Rematerialize, (self.function,)


_NO_RNG = (
    "it draws random numbers by rng() and is computed again by remat=True, where it would draw "
    "others: draw them in a task of their own, without remat, and pass them to this one"
)


def _after(function: Function) -> Function:
    return derived(function, "rematerialize", lambda: _made_after(function))


def _made_after(function: Function) -> Function:
    options = function.options.without(("remat", "vjp"))
    return Function(Rematerialize(function), nout=function._nout, options=options)


class Rematerialized:
    """The tasks of one way back that compute results once more.

    Source: Chen et al. (2016), "Training deep nets with sublinear memory cost".
    """

    def __init__(self) -> None:
        self._again: dict[Node, Node] = {}
        self._original: dict[Node, Node] = {}

    def seen(self, node: Node, ct: Node) -> Node:
        """Return the node the backward pass uses for a result; a recomputed one waits for `ct`."""
        if not node._function.options.remat:
            return node
        kind = node_type()
        for each in _chain(node, self._again.__contains__):
            leaves = tuple([self._again.get(x, x) if type(x) is kind else x for x in each._leaves])
            args, kwargs = each._arguments(leaves)
            made = lazily(_after(each._function), (ct, *args), kwargs, each._code, each._lasti)
            self._again[each], self._original[made] = made, each
        return self._again[node]

    def original(self, node: Node) -> Node:
        """Return the node that a recomputed one stands for; any other node as it is."""
        return self._original.get(node, node)


def _chain(node: Node, is_known: Callable[[Node], bool]) -> list[Node]:
    """Return a node and the remat nodes it needs by way of such alone, dependencies first."""
    kind, order, seen = node_type(), [], set()
    stack = [(node, False)]
    while stack:
        each, is_done = stack.pop()
        if is_done:
            order.append(each)
        elif each not in seen and not is_known(each):
            seen.add(each)
            stack.append((each, True))
            inner = (leaf for leaf in each._leaves if type(leaf) is kind)
            stack += [(leaf, False) for leaf in inner if leaf._function.options.remat]
    return order

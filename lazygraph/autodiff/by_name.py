"""A goal -> its derivative by way of every edge and by every result, by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lazygraph.autodiff.backward_pass import BackwardPass
from lazygraph.autodiff.cotangents import add_n
from lazygraph.autodiff.targets import Targets, check_goal, fitted, seeded
from lazygraph.errors import CaptureError, MissingKeyError, nearest
from lazygraph.graphs.compile import unique_nodes
from lazygraph.graphs.inputs import name_of
from lazygraph.graphs.nodes import Node, node_type
from lazygraph.schedulers.explain import short_traceback
from lazygraph.tasks.keys import Key
from lazygraph.tasks.operators import value_of
from lazygraph.tasks.reprs import counted

__all__ = ["Backward", "backward"]


class Backward(Mapping[Any, Any]):
    """Lazy derivatives of a goal: by key of a task, and by ``(tail key, head key)`` of an edge.

    Asked for a lazy value, or a pair of such, it takes their keys.

    Attributes
    ----------
    goal : Delayed
        What is differentiated.
    edges : mapping of (Key, Key) to Delayed
        What the derivative by the tail has by way of the head: with all heads added up, the
        derivative by the tail. Several uses of a result by one task are one edge.
    totals : mapping of Key to Delayed
        The derivative by a task's result.
    """

    def __init__(self, goal: Node, back: BackwardPass) -> None:
        self.goal = goal
        nodes, cts = zip(*back.totals(), strict=True)
        totals = fitted(cts, [back.like(node) for node in nodes])
        self.totals: dict[Key, Node] = dict(
            zip([node._get_key() for node in nodes], totals, strict=True)
        )
        parts: dict[tuple[Key, Key], list[Node]] = {}
        for tail, head, ct in back.edges:
            parts.setdefault((tail._get_key(), head._get_key()), []).append(ct)
        self.edges: dict[tuple[Key, Key], Node] = {
            edge: cts[0] if len(cts) == 1 else add_n(*cts) for edge, cts in parts.items()
        }

    def __getitem__(self, item: Any) -> Any:
        key = _key_of(item)
        if key in self.edges:
            return self.edges[key]
        if key in self.totals:
            return self.totals[key]
        raise MissingKeyError(None, key, nearest(key, self))

    def __iter__(self) -> Iterator[Any]:
        yield from self.totals
        yield from self.edges

    def __len__(self) -> int:
        return len(self.totals) + len(self.edges)

    def __repr__(self) -> str:
        n_tasks, n_edges = len(self.totals), len(self.edges)
        return f"Backward({counted(n_tasks, 'task')}, {counted(n_edges, 'edge')} to {self.goal._get_key()!r})"


def _key_of(item: Any) -> Any:
    if type(item) is tuple:
        return tuple(_key_of(part) for part in item)
    return item._get_key() if isinstance(item, Node) else item


@short_traceback
def backward(y: Any, wrt: Any = None) -> Backward:
    """Return the derivatives of a scalar, by key and by edge, as a mapping.

    Parameters
    ----------
    y : Delayed
        The goal.
    wrt : Delayed, or list, tuple or dict of such, optional
        Where to go back to. By default the graph's inputs or, if there are none, all tasks that
        only hold a number or an array of numbers.

    Returns
    -------
    Backward
        A mapping from keys, and from pairs of keys, to lazy derivatives.

    Raises
    ------
    CaptureError
        If there is nothing to differentiate by.
    NotDifferentiable
        For a task on the way that has no derivative.
    GoalError
        When computed, if `y` is not one real number.

    Notes
    -----
    O(tasks + arguments) to make; nothing runs before it is computed.

    Examples
    --------
    >>> import lazygraph
    >>> x, y, z = lazygraph.inputs("x y z")
    >>> f = (x + y) * z
    >>> by = backward(f)
    >>> lazygraph.compute(by[x], by[z, f], inputs={x: 1, y: 2, z: 3})
    (3.0, 3.0)
    """
    goal = check_goal(y)
    nodes = _sources(goal) if wrt is None else Targets(wrt).nodes
    return Backward(goal, BackwardPass([goal], [seeded(goal)], nodes))


def _sources(goal: Node) -> list[Node]:
    """Return the inputs a goal depends on, or else its tasks that only hold numbers."""
    steps = unique_nodes([goal]).nodes
    found = [node for node in steps if name_of(node) is not None]
    found = found or [node for node in steps if _is_number(node)]
    if not found:
        raise CaptureError(
            f"{goal!r} has no inputs, and no tasks that only hold numbers: say by wrt= what to "
            "differentiate by"
        )
    return found


def _is_number(node: Node) -> bool:
    if node._function.func is not value_of or len(node._leaves) != 1:
        return False
    (value,) = node._leaves
    if type(value) is node_type() or isinstance(value, bool):
        return False
    dtype = getattr(value, "dtype", None)
    return isinstance(value, (int, float, complex)) or getattr(dtype, "kind", "") in tuple("fc")

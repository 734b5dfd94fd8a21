"""Nested parameters -> the same nesting of other values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from lazygraph.errors import StructureError, TrainingError
from lazygraph.tasks.containers import children_of
from lazygraph.tasks.reprs import short_repr
from lazygraph.tasks.treedef import TreeDef, tree_flatten, tree_map

__all__ = ["have_equal_shapes", "mapped", "shapes_of"]


def mapped(func: Callable[..., Any], tree: Any, *others: Any) -> Any:
    """Return `func` of every leaf of parameters, and of the leaf that stands there in the others.

    Raises
    ------
    TrainingError
        If they do not nest alike.

    Examples
    --------
    >>> mapped(lambda a, b: a + b, {"w": 1, "b": [2]}, {"w": 10, "b": [20]})
    {'w': 11, 'b': [22]}
    """
    leaves, treedef = tree_flatten(tree)
    try:
        columns = [_leaves_like(treedef, other) for other in others]
    except StructureError as error:
        raise TrainingError(
            f"parameters, gradients and an optimizer's state nest alike; here {error}"
        ) from error
    return treedef.unflatten(list(map(func, leaves, *columns)))


def _leaves_like(treedef: TreeDef, other: Any) -> list[Any]:
    leaves = treedef.flatten_up_to(other)
    for leaf in leaves:
        if children_of(leaf) is not None:
            raise StructureError("", "a number or an array", short_repr(leaf))
    return leaves


def shapes_of(tree: Any) -> Any:
    """Return the same nesting of the leaves' shapes."""
    return tree_map(np.shape, tree)


def have_equal_shapes(tree: Any, other: Any) -> bool:
    """Return whether parameters nest alike and their leaves have equal shapes."""
    leaves, treedef = tree_flatten(tree)
    try:
        return [*map(np.shape, leaves)] == [*map(np.shape, _leaves_like(treedef, other))]
    except StructureError:
        return False

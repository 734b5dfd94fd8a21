"""Nested parameters -> the same nesting of other values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from lazygraph.errors import TrainingError
from lazygraph.tasks.reprs import short_repr

__all__ = ["mapped", "shapes_of"]


def mapped(func: Callable[..., Any], tree: Any, *others: Any) -> Any:
    """`func` of every leaf of dicts, lists and tuples, and of what stands there in others.

    Raises
    ------
    TrainingError
        If they do not nest alike.

    Examples
    --------
    >>> mapped(lambda a, b: a + b, {"w": 1, "b": [2]}, {"w": 10, "b": [20]})
    {'w': 11, 'b': [22]}
    """
    for other in others:
        if not _is_alike(tree, other):
            raise TrainingError(
                "parameters, gradients and an optimizer's state nest alike; here "
                f"{short_repr(tree)} stands beside {short_repr(other)}"
            )
    if isinstance(tree, Mapping):
        return {key: mapped(func, tree[key], *[o[key] for o in others]) for key in tree}
    if isinstance(tree, (list, tuple)):
        parts = [mapped(func, *each) for each in zip(tree, *others, strict=True)]
        kind: Any = type(tree)
        return kind(*parts) if hasattr(kind, "_fields") else kind(parts)
    return func(tree, *others)


def shapes_of(tree: Any) -> Any:
    """The same nesting of the leaves' shapes."""
    return mapped(np.shape, tree)


def _is_alike(tree: Any, other: Any) -> bool:
    if isinstance(tree, Mapping):
        return isinstance(other, Mapping) and other.keys() == tree.keys()
    if isinstance(tree, (list, tuple)):
        return isinstance(other, (list, tuple)) and len(other) == len(tree)
    return not isinstance(other, (Mapping, list, tuple))

"""Nested parameters -> the same nesting of other values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["mapped"]


def mapped(func: Callable[..., Any], tree: Any, *others: Any) -> Any:
    """`func` of every leaf of dicts, lists and tuples, and of what stands there in others.

    Examples
    --------
    >>> mapped(lambda a, b: a + b, {"w": 1, "b": [2]}, {"w": 10, "b": [20]})
    {'w': 11, 'b': [22]}
    """
    if isinstance(tree, Mapping):
        return {key: mapped(func, tree[key], *[o[key] for o in others]) for key in tree}
    if isinstance(tree, (list, tuple)):
        parts = [mapped(func, *each) for each in zip(tree, *others, strict=True)]
        kind: Any = type(tree)
        return kind(*parts) if hasattr(kind, "_fields") else kind(parts)
    return func(tree, *others)

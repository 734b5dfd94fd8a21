"""A function -> one that is a task where an argument is lazy, and a plain call otherwise.

What rules are written with: the same text computes a derivative, and, given lazy values,
becomes the tasks by which it is differentiated again.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from types import CodeType
from typing import Any, TypeVar

from lazygraph.graphs.nodes import Node, make_node, node_type
from lazygraph.tasks.function import Function
from lazygraph.tasks.pytree import flatten

__all__ = ["forward", "lazily", "primitive"]

F = TypeVar("F", bound=Callable[..., Any])


def lazily(
    function: Function,
    args: tuple[Any, ...],
    kwargs: dict[str, Any] | None = None,
    code: CodeType | str | None = None,
    lasti: int = 0,
) -> Node:
    """The lazy result of a call; `code` and `lasti` say where it counts as captured."""
    leaves, template = flatten(args, kwargs)
    made: Node = make_node(node_type(), function, leaves, template, None, code, lasti)
    return made


def primitive(func: F) -> F:
    """Let a function of this library be a task where a positional argument is lazy.

    Such tasks run as soon as they can: on the way back, that lets values go.
    """
    vars(func)["_is_early"] = True
    return forward(func)


def forward(func: F) -> F:
    """As `primitive`, for what users call on the way forward: such tasks run in their turn."""
    kind = None
    shared: Function

    @wraps(func)
    def call(*args: Any, **kwargs: Any) -> Any:
        nonlocal kind
        if kind is None:
            kind = node_type()
        if kind in map(type, args):
            return lazily(shared, args, kwargs)
        return func(*args, **kwargs)

    shared = Function(call, name=func.__name__)
    made: Any = call
    return made  # type: ignore[no-any-return]

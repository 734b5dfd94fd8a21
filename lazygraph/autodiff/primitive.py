"""A function -> one that is a task where an argument is lazy, and a plain call otherwise.

What rules are written with: the same text computes a derivative, and, given lazy values,
becomes the tasks by which it is differentiated again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps
from types import CodeType
from typing import Any, TypeVar

from lazygraph.graphs.nodes import FRESH, Node, make_node, node_type
from lazygraph.tasks.function import Function
from lazygraph.tasks.pytree import flatten

__all__ = ["RECORDERS", "SUSPECTS", "TRACED", "derived", "forward", "lazily", "primitive"]

F = TypeVar("F", bound=Callable[..., Any])
#: class of traced values -> what calls a function with them, and remembers the call
RECORDERS: dict[type, Callable[..., Any]] = {}
#: The same classes, as a set: asked for at every step of the way back.
TRACED: set[type] = set()
#: Types of arguments that are, or may hold, lazy or traced values.
SUSPECTS: set[type] = {list, tuple, dict}


def lazily(
    function: Function,
    args: tuple[Any, ...],
    kwargs: dict[str, Any] | None = None,
    code: CodeType | str | None = None,
    lasti: int = 0,
) -> Node:
    """Return the lazy result of a call; `code` and `lasti` say where it counts as captured."""
    leaves, template = flatten(args, kwargs)
    made: Node = make_node(node_type(), function, leaves, template, FRESH, code, lasti)
    return made


def _recorder(values: Iterable[Any]) -> Callable[..., Any] | None:
    """Return what to call a function by if one of the values is traced; None if none is."""
    for value in values:
        kind = type(value)
        found = RECORDERS.get(kind)
        if found is None and kind in (list, tuple, dict):
            found = _recorder(value.values() if kind is dict else value)
        if found is not None:
            return found
    return None


def derived(function: Function, name: Any, make: Callable[[], Function]) -> Function:
    """Return what `make` makes of a function: made once, and kept as long as the function is."""
    known: dict[Any, Function] = vars(function).setdefault("_derived", {})
    try:
        made = known.get(name)
    except TypeError:  # a part of the name has no hash
        return make()
    if made is None:
        made = known[name] = make()
    return made


def primitive(func: F) -> F:
    """Let a function of this library be a task where a positional argument is lazy.

    Such tasks run as soon as they can: on the way back, that lets values go.
    """
    vars(func)["_is_early"] = True
    return forward(func)


def forward(func: F) -> F:
    """Do as `primitive`, for what users call on the way forward: such tasks run in their turn."""
    kind = None
    shared: Function

    @wraps(func)
    def call(*args: Any, **kwargs: Any) -> Any:
        nonlocal kind
        if kind is None:
            kind = node_type()
            SUSPECTS.add(kind)
        if not SUSPECTS.isdisjoint(map(type, args)):
            if kind in map(type, args):
                return lazily(shared, args, kwargs)
            recorder = _recorder(args)
            if recorder is not None:
                return recorder(shared, args, kwargs)
        return func(*args, **kwargs)

    shared = Function(call, name=func.__name__)
    made: Any = call
    return made  # type: ignore[no-any-return]

"""Tasks that are made of others -> those: how what the way back made is differentiated again."""

from __future__ import annotations

from functools import singledispatch
from typing import Any

from lazygraph.autodiff.cotangents import filled, like
from lazygraph.autodiff.primitive import lazily
from lazygraph.autodiff.remat import Rematerialize
from lazygraph.autodiff.table import EdgeRule
from lazygraph.autodiff.users import WholeVjp
from lazygraph.graphs.nodes import node_type
from lazygraph.tasks.function import Function
from lazygraph.tasks.fused import Fused
from lazygraph.tasks.operators import apply

__all__ = ["expand"]


@singledispatch
def expand(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Return what a call is made of, as lazy values; NotImplemented if it is not made of others."""
    if func is apply and type(args[0]) is not node_type():  # the call of a known function
        return lazily(Function(args[0]), args[1:], kwargs)
    return NotImplemented


@expand.register
def _(func: EdgeRule, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    try:
        return func(*args, **kwargs)
    except Exception:  # a rule that goes by values or shapes: for the tracer
        return NotImplemented


@expand.register
def _(func: Rematerialize, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    return lazily(func.function, args[1:], kwargs)


@expand.register
def _(func: WholeVjp, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    ct, out, *inner = args
    try:
        cts = func.read(func.vjp(filled(ct, like(out)), out, *inner, **kwargs))
    except Exception:  # a rule that is not made for lazy values: for autograd to watch
        return NotImplemented
    return {slot: cts[slot] for slot in func.wanted}


@expand.register
def _(func: Fused, args: tuple[Any, ...], _kwargs: dict[str, Any]) -> Any:
    values = list(args)
    for member in func.members:
        task = member.task
        leaves = tuple([values[slot] for slot in member.slots])
        inner, named = task._arguments(leaves)
        values.append(lazily(task._function, inner, named, task._code, task._lasti))
    return values[-1]

"""Tasks of operators to expressions: ``x - 3``, ``load / clean``."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

from lazygraph.tasks.operators import power
from lazygraph.tasks.task import Task

__all__ = ["expression", "is_symmetric", "symbol_of"]

_SYMBOLS: Mapping[Any, str] = {
    operator.add: "+",
    operator.sub: "-",
    operator.mul: "*",
    operator.truediv: "/",
    operator.floordiv: "//",
    operator.mod: "%",
    operator.matmul: "@",
    operator.lshift: "<<",
    operator.rshift: ">>",
    operator.and_: "&",
    operator.or_: "|",
    operator.xor: "^",
    operator.eq: "==",
    operator.ne: "!=",
    operator.lt: "<",
    operator.le: "<=",
    operator.gt: ">",
    operator.ge: ">=",
    operator.neg: "-",
    operator.pos: "+",
    operator.invert: "~",
    operator.pow: "**",
    pow: "**",
    power: "**",
}
_SYMMETRIC = frozenset(["+", "*", "&", "|", "^", "==", "!="])


def symbol_of(task: Task) -> str:
    """Return how Python writes what the task calls; empty for what is no operator."""
    try:
        symbol = _SYMBOLS.get(task.func, "")
    except TypeError:  # a user's callable may have no hash
        return ""
    return symbol if len(task._leaves) <= 2 else ""


def is_symmetric(symbol: str) -> bool:
    """Whether the order of both operands makes no difference that a picture should tell."""
    return symbol in _SYMMETRIC


def expression(symbol: str, args: tuple[Any, ...], text: Callable[[Any], str]) -> str:
    """Return an operator's symbol between, or before, the texts of its operands."""
    if len(args) == 1:
        return f"{symbol}{text(args[0])}"
    left, right = map(text, args)
    return f"{left} {symbol} {right}"

"""The rules of the table, by kind of function; importing this fills the table."""

from lazygraph.autodiff.rules import (
    arithmetic,
    cotangents,
    elementwise,
    items,
    linear,
    reductions,
    shapes,
)

__all__ = [
    "arithmetic",
    "cotangents",
    "elementwise",
    "items",
    "linear",
    "reductions",
    "shapes",
]

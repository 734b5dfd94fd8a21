"""The rules of the table, by kind of function; importing this fills the table."""

from lazygraph.autodiff.rules import (
    arithmetic,
    builtin,
    cotangents,
    elementwise,
    exponentials,
    items,
    joins,
    kinds,
    linear,
    products,
    reductions,
    shapes,
    special,
)

__all__ = [
    "arithmetic",
    "builtin",
    "cotangents",
    "elementwise",
    "exponentials",
    "items",
    "joins",
    "kinds",
    "linear",
    "products",
    "reductions",
    "shapes",
    "special",
]

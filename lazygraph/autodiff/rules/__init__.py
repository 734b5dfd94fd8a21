"""The rules of the table, by kind of function; importing this fills the table."""

from lazygraph.autodiff.rules import arithmetic, cotangents, elementwise, linear, reductions

__all__ = ["arithmetic", "cotangents", "elementwise", "linear", "reductions"]

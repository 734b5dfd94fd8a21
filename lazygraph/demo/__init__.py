"""A source tree -> counts, by way of a graph: the example to read first."""

from lazygraph.demo.job import count_lazily, count_plainly

__all__ = ["count_lazily", "count_plainly"]

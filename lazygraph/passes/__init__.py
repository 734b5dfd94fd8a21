"""Graph in, graph out: the passes, and the order in which `optimize` runs them."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from lazygraph.graphs.graph import Graph
from lazygraph.passes.cull import cull
from lazygraph.passes.dedupe import dedupe
from lazygraph.passes.fuse import fuse
from lazygraph.passes.inline import inline
from lazygraph.protocols import Pass
from lazygraph.tasks.keys import Key

__all__ = ["DEFAULT", "cull", "dedupe", "fuse", "inline", "run_passes"]

#: Less to do first: what is dropped or merged need not be joined.
DEFAULT: tuple[Pass, ...] = (cull, dedupe, inline, fuse)


def run_passes(graph: Graph, outputs: Collection[Key], passes: Iterable[Pass] = DEFAULT) -> Graph:
    """Return the graph after each of `passes` in turn; `graph` is left alone."""
    for improve in passes:
        graph = improve(graph, outputs)
    return graph

"""Sizes and edges to places: where boxes and edges of a picture go."""

from __future__ import annotations

from lazygraph.viz.layout.dot_program import dot_layout
from lazygraph.viz.layout.labelled import layout_with_labels
from lazygraph.viz.layout.layered import layered_layout

__all__ = ["dot_layout", "layered_layout", "layout_with_labels"]

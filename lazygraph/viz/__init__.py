"""Graph to picture: tasks as boxes, coordinates for them, then SVG or DOT text.

`scene` says what is to be seen, `layered` or `dot` where it stands, `svg` how it looks;
`drawing` is what the user holds.
"""

from __future__ import annotations

from lazygraph.viz.drawing import Drawing, draw

__all__ = ["Drawing", "draw"]

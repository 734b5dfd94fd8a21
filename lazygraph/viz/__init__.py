"""Graph to picture: what is to be seen, where it stands, how it looks, in which format.

`look` holds a user's wishes and `subject` the graph; `views` chooses between `scene` (tasks),
`full` (as Dask draws) and `groups` (many at once), all made of `model`; `layout` says where it
stands, labels of edges included; `flows` is what goes both ways along edges, values and their
derivatives; `frame` turns that into the `items` that `svg` and `pdf` write; `png`, `html`, `dot_text`
and `mermaid` are the other formats; `drawing` is what the user holds.
"""

from __future__ import annotations

from lazygraph.viz.drawing import Drawing, check_format, draw

__all__ = ["Drawing", "check_format", "draw"]

"""A scene to text in Graphviz's DOT language."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from lazygraph.viz.model import Box, Edge, Scene
from lazygraph.viz.paint.colours import colours_of
from lazygraph.viz.paint.sizes import rows_of
from lazygraph.viz.paint.themes import Theme
from lazygraph.viz.text import one_line

__all__ = ["digraph", "dot_text"]

_SHAPES = {"function": "ellipse", "data": "box", "group": "box3d"}
_STYLES = (("skipped", "dashed"), ("pending", "dotted"), ("cached", "dashed"))


Attributes = Mapping[str, str]


def digraph(
    every: Mapping[str, Attributes],
    nodes: Iterable[Attributes],
    edges: Iterable[tuple[int, int, Attributes]],
) -> str:
    """Return the text of a graph: what holds for every kind, its nodes, and edges by places.

    Examples
    --------
    >>> digraph({"graph": {"rankdir": "LR"}}, [{"label": "x"}], [(0, 0, {})]).split()
    ['digraph', '{', 'graph', '[rankdir="LR"]', 'n0', '[label="x"]', 'n0', '->', 'n0', '}']
    """
    lines = [f"{kind}{_attributes(of)}" for kind, of in every.items()]
    lines += [f"n{n}{_attributes(of)}" for n, of in enumerate(nodes)]
    lines += [f"n{start} -> n{end}{_attributes(of)}" for start, end, of in edges]
    return "\n\t".join(["digraph {", *lines]) + "\n}\n"


def dot_text(scene: Scene, theme: Theme) -> str:
    """Return the text for Graphviz to lay out and draw, with our labels and colours.

    O(boxes + edges).
    """
    graph = {"rankdir": scene.rankdir, "bgcolor": theme.background, "fontname": "Helvetica"}
    said = [text for text in (scene.title, scene.caption) if text]
    if said:
        graph |= {"label": _label(said), "fontcolor": theme.text}
    every = {
        "graph": graph,
        "node": {"fontname": "Helvetica", "fontsize": "12"},
        "edge": {"arrowsize": "0.7", "color": theme.edge, "fontsize": "10"},
    }
    boxes = [_of_box(scene, box, theme) for box in scene.boxes]
    return digraph(every, boxes, [(e.start, e.end, _of_edge(e, theme)) for e in scene.edges])


def _of_edge(edge: Edge, theme: Theme) -> Attributes:
    return {"label": _label([edge.text]), "fontcolor": theme.muted} if edge.text else {}


def _of_box(scene: Scene, box: Box, theme: Theme) -> Attributes:
    colours = colours_of(box, scene.hues.get(box.hue_name), theme)
    rounded = ["rounded"] if box.shape in {"call", "fused"} else []
    dashed = [style for mark, style in _STYLES if mark in box.marks][:1]
    attributes = {
        "label": _label(_said(box)),
        "tooltip": _label(box.tooltip.split("\n")),
        "shape": _SHAPES.get(box.shape, "box"),
        "style": ",".join([*rounded, "filled", *dashed]),
        "fillcolor": colours.fill,
        "color": theme.marks["failed"] if "failed" in box.marks else colours.stroke,
        "fontcolor": colours.text,
    }
    if box.marks & {"output", "failed", "slow"}:
        attributes |= {"peripheries": "2"} if "output" in box.marks else {"penwidth": "2.6"}
    return attributes


def _said(box: Box) -> list[str]:
    lines = rows_of(box.members) if box.shape == "fused" else [box.label]
    marks = sorted(box.marks - {"output", "input"})
    return [
        *lines,
        *([box.second_line] if box.second_line else []),
        *[f"({mark})" for mark in marks],
    ]


def _label(lines: list[str]) -> str:
    r"""Lines as DOT reads them: a backslash as two, ``&`` as an entity, ``\n`` between."""
    texts = [one_line(line).replace("\\", "\\\\").replace("&", "&amp;") for line in lines]
    return "\\n".join(texts)


def _attributes(attributes: Attributes) -> str:
    quoted = [f"{name}={_quoted(value)}" for name, value in attributes.items()]
    return f" [{' '.join(quoted)}]" if quoted else ""


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '\\"') + '"'

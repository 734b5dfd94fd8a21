"""A scene to text in Graphviz's DOT language."""

from __future__ import annotations

from collections.abc import Iterator

from lazygraph.viz.model import Box, Scene
from lazygraph.viz.paint.colours import colours_of
from lazygraph.viz.paint.sizes import rows_of
from lazygraph.viz.paint.text import one_line
from lazygraph.viz.paint.themes import Theme

__all__ = ["dot_text"]

_SHAPES = {"function": "ellipse", "data": "box", "group": "box3d"}
_STYLES = (("skipped", "dashed"), ("pending", "dotted"), ("cached", "dashed"))


def dot_text(scene: Scene, theme: Theme) -> str:
    """For Graphviz to lay out and draw, with our labels and colours. O(boxes + edges)."""
    return "\n".join(["digraph {", *_lines(scene, theme), "}"]) + "\n"


def _lines(scene: Scene, theme: Theme) -> Iterator[str]:
    graph = {"rankdir": scene.rankdir, "bgcolor": theme.background, "fontname": "Helvetica"}
    said = [text for text in (scene.title, scene.caption) if text]
    if said:
        graph |= {"label": _label(said), "fontcolor": theme.text}
    yield f"\tgraph{_attributes(graph)}"
    yield f"\tnode{_attributes({'fontname': 'Helvetica', 'fontsize': '12'})}"
    yield f"\tedge{_attributes({'arrowsize': '0.7', 'color': theme.edge, 'fontsize': '10'})}"
    for n, box in enumerate(scene.boxes):
        yield f"\tn{n}{_attributes(_of_box(scene, box, theme))}"
    for edge in scene.edges:
        label = {"label": _label([edge.text]), "fontcolor": theme.muted} if edge.text else {}
        yield f"\tn{edge.start} -> n{edge.end}{_attributes(label)}"


def _of_box(scene: Scene, box: Box, theme: Theme) -> dict[str, str]:
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


def _attributes(attributes: dict[str, str]) -> str:
    quoted = [f"{name}={_quoted(value)}" for name, value in attributes.items()]
    return f" [{' '.join(quoted)}]" if quoted else ""


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '\\"') + '"'

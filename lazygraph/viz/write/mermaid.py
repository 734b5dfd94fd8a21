"""A scene to text in Mermaid's language, which GitHub, GitLab and many wikis draw."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lazygraph.viz.model import Box, Colours, Scene, Shape
from lazygraph.viz.paint.colours import colours_of
from lazygraph.viz.paint.sizes import rows_of
from lazygraph.viz.paint.themes import Theme
from lazygraph.viz.text import one_line

__all__ = ["mermaid_text"]

_BRACKETS: dict[Shape, tuple[str, str]] = {
    "call": ("(", ")"),
    "fused": ("(", ")"),
    "data": ("[", "]"),
    "function": ("([", "])"),
    "group": ("[[", "]]"),
}
# All else has, or may come to have, a meaning: quotes, HTML, Markdown, entities.
_SPECIAL = re.compile(r"[^0-9A-Za-z\u0080-\U0010ffff ,.]")


def mermaid_text(scene: Scene, theme: Theme) -> str:
    """Return a flowchart with our labels and colours. O(boxes + edges)."""
    return "\n".join(_lines(scene, theme)) + "\n"


def _lines(scene: Scene, theme: Theme) -> Iterator[str]:
    if scene.title:
        yield from ("---", f'title: "{_plain(scene.title)}"', "---")
    yield f"flowchart {scene.rankdir}"
    if scene.caption:
        yield f"%% {_plain(scene.caption)}"
    looks: dict[str, list[str]] = {}
    for n, box in enumerate(scene.boxes):
        opened, closed = _BRACKETS[box.shape]
        yield f'    n{n}{opened}"{"<br/>".join(map(_escaped, _said(box)))}"{closed}'
        colours = colours_of(box, scene.hues.get(box.hue_name), theme)
        looks.setdefault(_look(box, colours, theme), []).append(f"n{n}")
    for edge in scene.edges:
        label = f'|"{_escaped(edge.text)}"|' if edge.text else ""
        yield f"    n{edge.start} -->{label} n{edge.end}"
    for n, (look, names) in enumerate(looks.items()):
        yield f"    classDef look{n} {look}"
        yield f"    class {','.join(names)} look{n}"


def _look(box: Box, colours: Colours, theme: Theme) -> str:
    stroke = theme.marks["failed"] if "failed" in box.marks else colours.stroke
    look = f"fill:{colours.fill},stroke:{stroke},color:{colours.text}"
    if box.marks & {"output", "failed", "slow"}:
        look += ",stroke-width:3px"
    return look + (",stroke-dasharray:4 3" if box.marks & {"skipped", "cached", "pending"} else "")


def _said(box: Box) -> list[str]:
    lines = rows_of(box.members) if box.shape == "fused" else [box.label]
    marks = sorted(box.marks - {"output", "input"})
    lines += [box.second_line] if box.second_line else []
    return [line for line in [*lines, *[f"({mark})" for mark in marks]] if line] or [" "]


def _escaped(text: str) -> str:
    """Text in Mermaid's own entities: none of its signs has a meaning any more."""
    return _SPECIAL.sub(lambda match: f"#{ord(match[0])};", one_line(text))


def _plain(text: str) -> str:
    """Return a text where entities are not read: what could end it is left out."""
    return re.sub(r"[\"\\%{}<>`]", "'", one_line(text))

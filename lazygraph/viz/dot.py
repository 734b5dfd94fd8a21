"""A scene to DOT text, and to the layout that the program ``dot`` gives it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator

from lazygraph.viz.scene import Layout, Point, Scene

__all__ = ["dot_layout", "dot_text"]

_MARGIN_PX = 10.0
_PX_PER_INCH = 72
_MOST_SECONDS = 20
# Its time grows faster than the graph: beyond some thousand nodes and edges it takes minutes.
_MOST_ITEMS = 2_000


def dot_text(scene: Scene) -> str:
    """The scene in the DOT language, for Graphviz to lay out and draw. O(boxes + edges)."""
    import graphviz  # late: 50 ms to import, and no picture needs it

    graph = graphviz.Digraph(
        graph_attr={"rankdir": "BT"},
        node_attr={"shape": "box", "style": "rounded,filled", "fontname": "Helvetica"},
        edge_attr={"arrowsize": "0.7"},
    )
    for n, box in enumerate(scene.boxes):
        colours = scene.colours[box.function]
        lines = f"{box.label}\n{box.detail}" if box.detail else box.label
        graph.node(
            f"n{n}",
            label=graphviz.escape(_entities(lines)),
            tooltip=graphviz.escape(_entities(box.tooltip)),
            fillcolor=colours.fill,
            color=colours.stroke,
            penwidth="3" if box.is_output else "1",
        )
    for start, end in scene.edges:
        graph.edge(f"n{start}", f"n{end}")
    return str(graph.source)


def _entities(text: str) -> str:
    return text.replace("&", "&amp;")  # Graphviz reads "&lt;" as "<", in any text


def dot_layout(scene: Scene) -> Layout | None:
    """Where the program ``dot`` puts boxes and edges; None where it cannot be asked.

    That is: it is not installed, it fails, the scene is too large for it, or it takes more
    than 20 seconds.
    """
    if len(scene.boxes) + len(scene.edges) > _MOST_ITEMS:
        return None
    program = shutil.which("dot")
    if program is None:
        return None
    plain = _run(program, "\n".join(_bare_lines(scene)))
    return None if plain is None else _read(scene, plain)


def _bare_lines(scene: Scene) -> Iterator[str]:
    """Sizes and edges only: no text of the user's can be misread by either side."""
    yield "digraph {"
    yield "graph [rankdir=BT nodesep=0.25 ranksep=0.55]"
    yield 'node [shape=box fixedsize=true label=""]'
    yield "edge [dir=none]"
    for n, box in enumerate(scene.boxes):
        width, height = box.width_px / _PX_PER_INCH, box.height_px / _PX_PER_INCH
        yield f"n{n} [width={width:.5f} height={height:.5f}]"
    for start, end in scene.edges:
        yield f"n{start} -> n{end}"
    yield "}"


def _run(program: str, text: str) -> str | None:
    try:
        done = subprocess.run(  # noqa: S603  # the user's own program, fed numbers
            [program, "-Tplain"],
            input=text,
            capture_output=True,
            check=True,
            encoding="utf-8",
            timeout=_MOST_SECONDS,
        )
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    return done.stdout


def _read(scene: Scene, plain: str) -> Layout | None:
    """The layout from dot's lines of words; None when something is missing in them."""
    centres: dict[str, Point] = {}
    routes: dict[tuple[str, str], tuple[Point, ...]] = {}
    width = height = 0.0
    try:
        for line in plain.splitlines():
            kind, *words = line.split()
            if kind == "graph":
                width, height = float(words[1]), float(words[2])
            elif kind == "node":
                centres[words[0]] = _points(words[1:3], height)[0]
            elif kind == "edge":
                routes[words[0], words[1]] = _points(words[3 : 3 + 2 * int(words[2])], height)
        return Layout(
            width * _PX_PER_INCH + 2 * _MARGIN_PX,
            height * _PX_PER_INCH + 2 * _MARGIN_PX,
            tuple([centres[f"n{n}"] for n in range(len(scene.boxes))]),
            tuple([routes[f"n{start}", f"n{end}"] for start, end in scene.edges]),
        )
    except (ValueError, LookupError):
        return None


def _points(words: list[str], height_inches: float) -> tuple[Point, ...]:
    """From inches upward to px downward."""
    numbers = [float(word) * _PX_PER_INCH for word in words]
    top = height_inches * _PX_PER_INCH + _MARGIN_PX
    return tuple(
        [(x + _MARGIN_PX, top - y) for x, y in zip(numbers[::2], numbers[1::2], strict=True)]
    )

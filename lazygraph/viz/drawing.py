"""What the user holds of a picture: shown by Jupyter, saved to files.

The rest of the room is imported when something is drawn: most programs draw nothing.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from contextlib import suppress
from errno import EISDIR
from functools import cached_property
from typing import TYPE_CHECKING

from lazygraph.errors import DrawingError
from lazygraph.graph import Graph
from lazygraph.keys import Key

if TYPE_CHECKING:
    from pathlib import Path

    from lazygraph.viz.scene import Scene

__all__ = ["Drawing", "draw"]

_EXTENSIONS = (".svg", ".dot")


class Drawing:
    """The picture of a graph as it was when drawn.

    Parameters
    ----------
    scene : Scene
        What is to be seen; made by `draw`.
    """

    def __init__(self, scene: Scene) -> None:
        self._scene = scene

    def __repr__(self) -> str:
        n = len(self._scene.boxes)
        return f"Drawing({n} task{'' if n == 1 else 's'})"

    @cached_property
    def svg(self) -> str:
        """The picture as SVG text, arranged by the program ``dot`` where that is installed.

        O((tasks + dependencies) log) without ``dot``; some 0.1 ms a task.
        """
        from lazygraph.viz.dot import dot_layout
        from lazygraph.viz.layered import layered_layout
        from lazygraph.viz.svg import svg_text

        return svg_text(self._scene, dot_layout(self._scene) or layered_layout(self._scene))

    def to_dot(self) -> str:
        """The graph in Graphviz's DOT language, labels and colours included."""
        from lazygraph.viz.dot import dot_text

        return dot_text(self._scene)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the picture to a file, in one step: nobody sees half of it.

        Parameters
        ----------
        path : path
            Its extension says what is written: ``.svg`` or ``.dot``.

        Returns
        -------
        Path
            Where it was written.

        Raises
        ------
        DrawingError
            For another extension, a folder, or a place that cannot be written to.
        """
        from pathlib import Path  # late: it takes a fifth of the library's time to import

        path = Path(path)
        kind = path.suffix.lower()
        if kind not in _EXTENSIONS:
            known = " or ".join(_EXTENSIONS)
            ends = f"ends in {kind!r}" if kind else "has no extension"
            raise DrawingError(f"cannot save to {str(path)!r}, which {ends}: known are {known}")
        text = self.svg if kind == ".svg" else self.to_dot()
        target = Path(os.path.realpath(path))  # a link stays, what it points to is written
        try:
            _replace(target, text)
        except FileNotFoundError as error:
            folder = str(target.parent)
            raise DrawingError(f"cannot save to {str(path)!r}: no folder {folder!r}") from error
        except OSError as error:
            raise DrawingError(f"cannot save to {str(path)!r}: {error.strerror}") from error
        return path

    def _repr_mimebundle_(
        self, include: Collection[str] | None = None, exclude: Collection[str] | None = None
    ) -> dict[str, str]:
        """What Jupyter shows."""
        bundle = {"image/svg+xml": self.svg, "text/plain": repr(self)}
        return {
            kind: shown
            for kind, shown in bundle.items()
            if (include is None or kind in include) and (exclude is None or kind not in exclude)
        }


def draw(graph: Graph, outputs: Sequence[Key]) -> Drawing:
    """The picture of `graph`, with `outputs` marked by thick outlines.

    Raises
    ------
    DrawingError
        If the graph is empty.
    MissingKeyError, CycleError
        If the graph cannot run.

    Examples
    --------
    >>> draw(Graph.from_dict({"x": 1, "y": (abs, "x")}), ["y"])
    Drawing(2 tasks)
    """
    from lazygraph.viz.scene import make_scene

    return Drawing(make_scene(graph, outputs))


def _replace(target: Path, text: str) -> None:
    """Put a file with `text` in the place of `target`, or leave all as it was."""
    if target.is_dir():
        raise IsADirectoryError(EISDIR, os.strerror(EISDIR))
    temporary = target.with_name(f".lazygraph-{os.urandom(6).hex()}.tmp")
    try:
        temporary.write_text(text, encoding="utf-8", newline="\n")
        temporary.replace(target)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise

"""What the user holds of a picture: shown by Jupyter, saved to files.

The rest of the room is imported when something is drawn: most programs draw nothing.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from lazygraph.errors import DrawingError
from lazygraph.files import write_whole
from lazygraph.graphs.graph import Graph
from lazygraph.tasks.keys import Key
from lazygraph.tasks.reprs import counted

if TYPE_CHECKING:
    from pathlib import Path

    from lazygraph.viz.paint.items import Picture
    from lazygraph.viz.paint.themes import Theme
    from lazygraph.viz.scenes.subject import Subject

__all__ = ["Drawing", "check_format", "draw"]

_FORMATS = ("svg", "png", "pdf", "html", "dot", "mmd")
# Beyond, a page shows groups only: its size and the time to lay tasks out would be felt.
_MOST_TASKS_IN_PAGE = 150_000


class Drawing:
    """The picture of a graph as it was when drawn.

    Parameters
    ----------
    subject : Subject
        What is to be seen; made by `draw`.
    """

    def __init__(self, subject: Subject) -> None:
        from lazygraph.viz.scenes.choose import view_of

        self._subject = subject
        self._view = view_of(subject)

    def __repr__(self) -> str:
        return f"Drawing({counted(len(self._subject.keys), 'task')})"

    @cached_property
    def svg(self) -> str:
        """The picture as SVG text; light, unless ``theme="dark"`` was asked for."""
        from lazygraph.viz.write.svg import svg_text

        return svg_text(self._picture)

    @cached_property
    def html(self) -> str:
        """A page, as text, to pan, zoom and search in; it fetches nothing from elsewhere.

        A collapsed drawing can be unfolded in it, up to 150,000 tasks.
        """
        from lazygraph.viz.scenes.choose import tasks_view
        from lazygraph.viz.write.html import html_page

        view, theme = self._view, self._subject.look.theme
        if view.groups is None or len(self._subject.shown) > _MOST_TASKS_IN_PAGE:
            return html_page(view.scene, view.layout, theme=theme)
        tasks = tasks_view(self._subject)
        return html_page(
            tasks.scene,
            tasks.layout,
            view.groups,
            group_scene=view.scene,
            group_layout=view.layout,
            theme=theme,
        )

    def to_dot(self) -> str:
        """Return what is drawn in Graphviz's DOT language, labels and colours included."""
        from lazygraph.viz.write.dot import dot_text

        return dot_text(self._view.scene, self._theme)

    def to_mermaid(self) -> str:
        """Return what is drawn as a Mermaid flowchart, for READMEs and wikis."""
        from lazygraph.viz.write.mermaid import mermaid_text

        return mermaid_text(self._view.scene, self._theme)

    def save(self, path: str | os.PathLike[str], format: str | None = None) -> Path:  # noqa: A002
        """Write the picture to a file, in one step: nobody sees half of it.

        Parameters
        ----------
        path : path
            Its extension says what is written: ``.svg``, ``.png``, ``.pdf``, ``.html``,
            ``.dot`` or ``.mmd`` (Mermaid).
        format : str, optional
            One of these without the dot, whatever the extension; a path without an extension
            is given this one.

        Returns
        -------
        Path
            Where it was written.

        Raises
        ------
        DrawingError
            For another extension or format, a missing folder, a place that cannot be written
            to, or a PNG without the package resvg-py.
        """
        from pathlib import Path  # late: it takes a fifth of the library's time to import

        path = Path(path)
        if format is None:
            kind = _format_of(path)
        else:
            kind = _checked(format)
            path = path if path.suffix else path.with_name(f"{path.name}.{kind}")
        _write(path, self._content(kind))
        return path

    def _content(self, kind: str) -> bytes:
        if kind == "png":
            from lazygraph.viz.write.png import png_bytes
            from lazygraph.viz.write.svg import FONTS

            size = self._picture.width_px, self._picture.height_px
            return png_bytes(self.svg, *size, FONTS)
        if kind == "pdf":
            from lazygraph.viz.write.pdf import pdf_bytes

            return pdf_bytes(self._picture)
        return self._text(kind).encode("utf-8")

    def _text(self, kind: str) -> str:
        if kind == "dot":
            return self.to_dot()
        if kind == "mmd":
            return self.to_mermaid()
        return self.html if kind == "html" else self.svg

    @cached_property
    def _picture(self) -> Picture:
        from lazygraph.viz.paint.frame import picture_of
        from lazygraph.viz.scenes.choose import pictured

        view = pictured(self._subject, self._view)
        return picture_of(view.scene, view.layout, self._theme)

    @property
    def _theme(self) -> Theme:
        from lazygraph.viz.paint.themes import THEMES

        return THEMES[self._subject.look.theme]

    @cached_property
    def _inline(self) -> str:
        """For a page around it: follows its theme, and scrolls where it is too wide."""
        from lazygraph.viz.write.svg import following_svg_text

        follows = self._subject.look.theme == "auto"
        text = following_svg_text(self._picture) if follows else self.svg
        return f'<div style="overflow-x:auto">{text}</div>'

    def _repr_mimebundle_(
        self, include: Collection[str] | None = None, exclude: Collection[str] | None = None
    ) -> dict[str, str]:
        """Return what Jupyter shows: the first of these that it knows."""
        bundle = {
            "text/html": self._inline,
            "image/svg+xml": self.svg,
            "text/plain": repr(self),
        }
        return {
            kind: shown
            for kind, shown in bundle.items()
            if (include is None or kind in include) and (exclude is None or kind not in exclude)
        }


def draw(graph: Graph, outputs: Sequence[Key], **look: Any) -> Drawing:
    """Return the picture of `graph`, with `outputs` marked.

    Parameters
    ----------
    graph : Graph
        What to draw.
    outputs : sequence of Key
        The tasks whose results are asked for.
    **look
        See `lazygraph.visualize`.

    Raises
    ------
    DrawingError
        If the graph is empty, or cannot be drawn as asked.
    MissingKeyError, CycleError
        If the graph cannot run.

    Examples
    --------
    >>> draw(Graph.from_dict({"x": 1, "y": (abs, "x")}), ["y"])
    Drawing(2 tasks)
    """
    from lazygraph.viz.look import Look
    from lazygraph.viz.scenes.subject import Subject

    return Drawing(Subject(graph, outputs, Look(**look)))


def _write(path: Path, content: bytes) -> None:
    try:
        write_whole(path, content)
    except FileNotFoundError as error:
        folder = os.path.dirname(os.path.realpath(path))  # noqa: PTH120  # a link may be broken
        raise DrawingError(f"cannot save to {str(path)!r}: no folder {folder!r}") from error
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise DrawingError(f"cannot save to {str(path)!r}: {why}") from error


def check_format(path: str | os.PathLike[str] | None, format: str | None) -> None:  # noqa: A002
    """Refuse, before anything is drawn, what cannot be written."""
    from pathlib import Path

    if format is not None:
        _checked(format)
    elif path is not None:
        _format_of(Path(path))


def _format_of(path: Path) -> str:
    kind = path.suffix.lower().removeprefix(".")
    if kind not in _FORMATS:
        known = ", ".join(f".{name}" for name in _FORMATS)
        ends = f"ends in {path.suffix!r}" if kind else "has no extension"
        raise DrawingError(f"cannot save to {str(path)!r}, which {ends}: known are {known}")
    return kind


def _checked(format: str) -> str:  # noqa: A002
    from lazygraph.viz.look import check_choice

    check_choice("format", format, _FORMATS)
    return format

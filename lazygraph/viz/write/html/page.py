"""Scenes and layouts to the text of a page: data, viewer and style in one file."""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256
from html import escape
from importlib.resources import files

from lazygraph.viz.model import Layout, Scene
from lazygraph.viz.paint.themes import DARK, LIGHT
from lazygraph.viz.text import one_line
from lazygraph.viz.write.html.payload import Members, packed, payload
from lazygraph.viz.write.html.style import theme_style

__all__ = ["html_page"]

#: Joined in this order into one script; each may use those before it.
SCRIPTS = (
    *("data.js", "views.js", "cones.js", "camera.js", "paint.js", "panels.js"),
    *("stage.js", "map.js", "search.js", "pointers.js", "keys.js", "viewer.js"),
)
_SLOT = re.compile(r"\{\{(\w+)\}\}")


def html_page(
    scene: Scene,
    layout: Layout,
    groups: Members | None = None,
    *,
    group_scene: Scene | None = None,
    group_layout: Layout | None = None,
    theme: str = "auto",
) -> str:
    """Return a page to pan, zoom, search and unfold in; the same text for the same input.

    Parameters
    ----------
    scene, layout : Scene, Layout
        All tasks.
    groups : Groups, optional
        Which tasks each group holds. With `group_scene` and `group_layout`, where box `n` is
        group `n`, the page opens on the groups, which can be expanded one by one or all at once.
    theme : str
        "light", "dark", or "auto" for what the reader's system prefers.

    Raises
    ------
    ValueError
        If `groups` comes without its scene or layout, or the theme is none of the three.

    Notes
    -----
    O(boxes + control points). 60 KB, and at most some 25 bytes a task; the text is that of this machine's
    zlib, whose versions may compress differently.
    """
    if theme not in {"auto", "light", "dark"}:
        raise ValueError(f"theme is 'auto', 'light' or 'dark', not {theme!r}")
    if groups is not None and (group_scene is None or group_layout is None):
        raise ValueError("groups need group_scene and group_layout")
    data = payload(scene, layout, groups, group_scene, group_layout)
    style, script = _style(), _script()
    return _filled(
        _read("page.html"),
        {
            "title": escape(one_line(scene.title) or "Task graph"),
            "theme": theme,
            "policy": _policy(script, style),
            "style": style,
            "script": script,
            "data": packed(data),
        },
    )


def _read(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def _style() -> str:
    colours = {"light": theme_style(LIGHT), "dark": theme_style(DARK)}
    return _without_comments(_filled(_read("viewer.css"), colours))


def _script() -> str:
    """All scripts in one function, so that they share names with each other and nobody else."""
    text = '(() => {\n"use strict";\n' + "".join(map(_read, SCRIPTS)) + "})();"
    return _without_comments(text)


def _without_comments(text: str) -> str:
    """Lines without what stands before them, and without those that are comments."""
    lines = [line.strip() for line in text.splitlines()]
    return "\n".join(line for line in lines if line and not line.startswith("//"))


def _policy(script: str, style: str) -> str:
    """Return a Content-Security-Policy that permits this script and this style, and no network."""
    return f"default-src 'none'; script-src {_hash(script)}; style-src {_hash(style)}"


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def _filled(template: str, slots: dict[str, str]) -> str:
    """`template` with each ``{{name}}`` replaced, once: what is put in is not looked at."""
    return _SLOT.sub(lambda found: slots[found[1]], template)

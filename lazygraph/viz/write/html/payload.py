"""Scenes, layouts and groups to what the page's script reads: columns in JSON, compressed.

JSON, since the browser parses it a hundred times faster than a script could unpack anything
smaller; columns of differences, since zlib makes little of them.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Sequence
from typing import Protocol
from zlib import compress

from lazygraph.viz.model import (
    Flow,
    Heading,
    Hue,
    Layout,
    LegendEntry,
    Scale,
    Scene,
    Sign,
)
from lazygraph.viz.write.html.box_columns import MARKS, SHAPES, differences, item_columns
from lazygraph.viz.write.html.edge_columns import edge_columns
from lazygraph.viz.write.html.palette import Palette
from lazygraph.viz.write.html.style import drawing_rules

__all__ = ["Members", "packed", "payload"]

_FINE_BOXES = 2_000  # up to so many, curves are the layout's to a tenth of a px


class Members(Protocol):
    """Groups, for what is needed of them here."""

    @property
    def members(self) -> Sequence[Sequence[int]]:
        """The boxes in each group, in the order of the scene."""


def payload(
    scene: Scene,
    layout: Layout,
    groups: Members | None = None,
    group_scene: Scene | None = None,
    group_layout: Layout | None = None,
) -> dict[str, object]:
    """Return what the page holds. O(boxes + control points)."""
    palette = Palette({**(group_scene.hues if group_scene else {}), **scene.hues})
    tasks = _columns(scene, layout, palette)
    folded = None
    if groups is not None and group_scene is not None and group_layout is not None:
        folded = _columns(group_scene, group_layout, palette)
        folded["members"] = [differences(members) for members in groups.members]
    return {
        "title": scene.title,
        "captions": [scene.caption, group_scene.caption if group_scene else ""],
        "nTasks": scene.n_tasks or len(scene.boxes),
        "rankdir": scene.rankdir,
        "rules": drawing_rules(),
        "shapes": SHAPES,
        "marks": MARKS,
        "legend": _legend(scene.legend, palette),
        "tasks": tasks,
        "groups": folded,
        "palette": palette.rows(),
    }


def packed(data: dict[str, object]) -> str:
    """Return `data` as text of letters, digits, ``+/=``: nothing in it can end a script or a comment."""
    text = json.dumps(data, separators=(",", ":"))
    return b64encode(compress(text.encode("ascii"), 9)).decode("ascii")


def _columns(scene: Scene, layout: Layout, palette: Palette) -> dict[str, object]:
    is_coarse = len(scene.boxes) > _FINE_BOXES
    unit = 1.0 if is_coarse else 0.1
    return {
        "n": len(scene.boxes),
        "unit": unit,
        "size": [round(layout.width_px), round(layout.height_px)],
        "boxes": item_columns(scene, layout.centres, palette, unit),
        "edges": edge_columns(scene, layout, unit, is_coarse=is_coarse),
    }


def _legend(entries: Sequence[LegendEntry], palette: Palette) -> list[dict[str, object]]:
    """Return the entries as the page shows them, by what stands before their words."""
    made: list[dict[str, object]] = []
    for entry in entries:
        match entry:
            case Heading(text):
                made.append({"text": text})
            case Hue(name):
                made.append({"text": name, "row": palette.of_name(name)})
            case Scale(low, high):
                made.append({"ends": [low, high], "scale": palette.scale()})
            case Sign(mark, text):
                made.append({"text": text, "mark": mark})
            case Flow(text, is_back):
                made.append({"text": text, "way": -1 if is_back else 1})
    return made

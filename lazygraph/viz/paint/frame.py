"""A scene and its layout to a picture: title and legend above, the graph, a caption below."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from lazygraph.tasks.reprs import counted
from lazygraph.viz.model import Layout, Point, Scene
from lazygraph.viz.paint.colours import colours_of
from lazygraph.viz.paint.edges import edge_items, label_items
from lazygraph.viz.paint.glyphs import box_group
from lazygraph.viz.paint.items import Item, Picture, Words
from lazygraph.viz.paint.legend_items import legend_items, legend_size
from lazygraph.viz.paint.themes import Theme
from lazygraph.viz.text import DETAIL_PX, one_line, text_width_px

__all__ = ["picture_of"]

_MARGIN_PX = 10.0
_TITLE_PX, _TITLE_LINE_PX = 14.0, 22.0
_CAPTION_LINE_PX = 18.0
_MOST_NAMES = 10
_WAYS = {"BT": "upward", "TB": "downward", "LR": "to the right", "RL": "to the left"}


def picture_of(scene: Scene, layout: Layout, theme: Theme) -> Picture:
    """All that is to be drawn. O(boxes + control points)."""
    title = one_line(scene.title)
    legend_width, legend_height = legend_size(scene, layout.width_px)
    widths = [
        legend_width,
        text_width_px(title, _TITLE_PX) * 1.07,
        text_width_px(scene.caption, DETAIL_PX),
    ]
    width = max(layout.width_px, max(widths) + 2 * _MARGIN_PX)
    above = (_TITLE_LINE_PX if title else 0.0) + legend_height
    height = above + layout.height_px + (_CAPTION_LINE_PX if scene.caption else 0.0)
    moved = _moved(layout, ((width - layout.width_px) / 2, above))
    items: list[Item] = []
    if title:
        place = (_MARGIN_PX, _TITLE_LINE_PX - 5)
        items.append(Words(*place, title, _TITLE_PX, theme.text, "start", is_bold=True))
    items += legend_items(scene, (_MARGIN_PX, above - legend_height), layout.width_px, theme)
    items += _graph_items(scene, moved, theme)
    if scene.caption:
        place = (_MARGIN_PX, height - 8)
        items.append(Words(*place, scene.caption, DETAIL_PX, theme.muted, "start"))
    name = title or f"Task graph: {counted(scene.n_tasks, 'task')}"
    return Picture(width, height, theme, name, _description(scene), tuple(items))


def _graph_items(scene: Scene, layout: Layout, theme: Theme) -> Iterator[Item]:
    yield from edge_items(scene, layout, theme)
    is_upward = scene.rankdir == "BT"
    for box, centre in zip(scene.boxes, layout.centres, strict=True):
        colours = colours_of(box, scene.hues.get(box.hue_name), theme)
        yield box_group(box, centre, colours, theme, is_upward=is_upward)
    yield from label_items(scene, layout, theme)


def _moved(layout: Layout, by: Point) -> Layout:
    dx, dy = by
    return Layout(
        layout.width_px,
        layout.height_px,
        tuple([(x + dx, y + dy) for x, y in layout.centres]),
        tuple([tuple([(x + dx, y + dy) for x, y in route]) for route in layout.routes]),
        tuple([place and (place[0] + dx, place[1] + dy) for place in layout.labels]),
    )


def _description(scene: Scene) -> str:
    """For those who do not see the picture."""
    counts = Counter[str]()
    for box in scene.boxes:
        if box.count:
            counts[box.function or "data"] += box.count
    names = [f"{name} ({n:,})" for name, n in list(counts.items())[:_MOST_NAMES]]
    if len(counts) > _MOST_NAMES:
        names.append(f"{len(counts) - _MOST_NAMES} more")
    needed = counted(scene.n_dependencies, "dependency", "dependencies")
    parts = [
        f"Data flows {_WAYS[scene.rankdir]} along {needed}.",
        f"Boxes: {', '.join(names)}.",
        scene.caption,
        *_fates(scene),
    ]
    return " ".join([part for part in parts if part])


def _fates(scene: Scene) -> Iterator[str]:
    for mark in ("failed", "skipped", "slow"):
        labels = [box.label for box in scene.boxes if mark in box.marks and box.label]
        if labels:
            more = f" and {len(labels) - _MOST_NAMES} more" if len(labels) > _MOST_NAMES else ""
            yield f"{mark.capitalize()}: {', '.join(labels[:_MOST_NAMES])}{more}."

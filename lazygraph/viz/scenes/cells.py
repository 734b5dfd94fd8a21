"""Groups with a cell for every task: thousands of tasks of a run on one screen.

A scene of groups is given room for cells (`with_room`), laid out like any other, and then
filled (`filled`): each group's box becomes the head of its cells.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import ceil, sqrt

from lazygraph.viz.model import Box, Layout, Mark, Point, Scene

__all__ = ["MOST_CELLS", "cells_of", "filled", "with_room"]

#: Per group; beyond it, a cell stands for several tasks.
MOST_CELLS = 240
_CELL_PX, _PITCH_PX, _GAP_PX = 6.0, 7.0, 4.0
_ASPECT = 3.2  # a group's cells are so many times as wide as high

#: Cells by the index of the box that they belong to.
Cells = Mapping[int, Sequence[Box]]


def cells_of(
    members: Sequence[int],
    values: Sequence[float | None],
    marks: Mapping[int, frozenset[Mark]],
    function: str = "",
) -> list[Box]:
    """Return a cell per task of a group, or per some of them: then it shows the greatest value.

    Parameters
    ----------
    members
        The tasks of the group, in order.
    values
        By task, from 0 to 1: what the colour stands for.
    marks
        By task, of those that have any; a cell has all marks of its tasks, so that one failure
        among many is seen.
    function
        Gives the colour where there is no value.
    """
    each = max(1, ceil(len(members) / MOST_CELLS))
    return [
        _cell(members[n : n + each], values, marks, function) for n in range(0, len(members), each)
    ]


def _cell(
    tasks: Sequence[int],
    values: Sequence[float | None],
    marks: Mapping[int, frozenset[Mark]],
    function: str,
) -> Box:
    known = [value for task in tasks if (value := values[task]) is not None]
    return Box(
        "",
        function=function,
        marks=frozenset[Mark]().union(*[marks[task] for task in tasks if task in marks]),
        count=len(tasks),
        value=max(known, default=None),
        width_px=_CELL_PX,
        height_px=_CELL_PX,
    )


def with_room(scene: Scene, cells: Cells) -> Scene:
    """Return the scene with boxes large enough for their cells: what is to be laid out."""
    boxes = [_roomy(box, len(cells.get(n, ()))) for n, box in enumerate(scene.boxes)]
    return replace(scene, boxes=tuple(boxes))


def filled(scene: Scene, layout: Layout, cells: Cells) -> tuple[Scene, Layout]:
    """Return the scene without room, and the layout of the one with room, to both with cells.

    Cells come after all other boxes, in front of them, and take part in no edge.

    Notes
    -----
    O(boxes + cells).
    """
    boxes, centres = list(scene.boxes), list(layout.centres)
    for n, box in enumerate(scene.boxes):
        inside = cells.get(n, ())
        roomy = _roomy(box, len(inside))
        x, y = layout.centres[n]
        top = y - roomy.height_px / 2
        boxes[n] = replace(box, width_px=roomy.width_px, count=0 if inside else box.count)
        centres[n] = x, top + box.height_px / 2
        boxes += inside
        centres += _places((x, top + box.height_px + _GAP_PX), len(inside))
    return replace(scene, boxes=tuple(boxes)), replace(layout, centres=tuple(centres))


def _columns(n_cells: int) -> int:
    return ceil(sqrt(n_cells * _ASPECT))


def _roomy(box: Box, n_cells: int) -> Box:
    if not n_cells:
        return box
    columns = _columns(n_cells)
    height = _GAP_PX + ceil(n_cells / columns) * _PITCH_PX
    width = max(box.width_px, columns * _PITCH_PX)
    return replace(box, width_px=width, height_px=box.height_px + height)


def _places(top: Point, n_cells: int) -> list[Point]:
    """Return the middles of cells, row by row from the point in the middle above them."""
    if not n_cells:
        return []
    columns = _columns(n_cells)
    left = top[0] - columns * _PITCH_PX / 2
    return [
        (left + (n % columns + 0.5) * _PITCH_PX, top[1] + (n // columns + 0.5) * _PITCH_PX)
        for n in range(n_cells)
    ]

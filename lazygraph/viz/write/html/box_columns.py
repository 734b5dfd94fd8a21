"""Boxes and their centres to columns of numbers and texts, one entry a box."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TypeVar, get_args

from lazygraph.viz.model import Box, Mark, Point, Scene, Shape
from lazygraph.viz.paint.sizes import rows_of
from lazygraph.viz.write.html.palette import Palette

__all__ = ["MARKS", "SHAPES", "differences", "folded", "item_columns"]

#: In the page, a shape is a place in this list, and marks are a number with bit `n` for mark `n`.
SHAPES: tuple[Shape, ...] = get_args(Shape)
MARKS: tuple[Mark, ...] = get_args(Mark)

# Such as Python and JavaScript write alike.
_NUMBER = re.compile(r"(?<![0-9A-Za-z])(0|[1-9][0-9]{0,8})(?![0-9A-Za-z])")

Entry = TypeVar("Entry", int, str)


def item_columns(
    scene: Scene, centres: Sequence[Point], palette: Palette, unit: float
) -> dict[str, object]:
    """Places are whole multiples of `unit`; a column of equal entries is that entry."""
    boxes = scene.boxes
    return {
        "x": differences(round(x / unit) for x, _ in centres),
        "y": differences(round(y / unit) for _, y in centres),
        "w": folded([round(box.width_px / unit) for box in boxes]),
        "h": folded([round(box.height_px / unit) for box in boxes]),
        "colour": folded([palette.of_box(box) for box in boxes]),
        "shape": folded([SHAPES.index(box.shape) for box in boxes]),
        "marks": folded([_bits(box) for box in boxes]),
        "label": folded([box.label for box in boxes]),
        "detail": folded([box.detail for box in boxes]),
        "back": folded([box.back for box in boxes]),
        **_texts(boxes),
        "rows": {n: _rows(box, scene) for n, box in enumerate(boxes) if box.members},
    }


def differences(numbers: Iterable[int]) -> list[int]:
    """Each number less the one before it."""
    before = 0
    result = []
    for number in numbers:
        result.append(number - before)
        before = number
    return result


def folded(column: list[Entry]) -> list[Entry] | Entry:
    """Return the entry that all of `column` are, or else `column`."""
    return column[0] if column and column.count(column[0]) == len(column) else column


def _rows(box: Box, scene: Scene) -> list[str]:
    """Return what a fused task runs, from the top of its box down: along the data."""
    rows = rows_of(box.members)
    return rows[::-1] if scene.rankdir == "BT" else rows


def _bits(box: Box) -> int:
    return sum(1 << n for n, mark in enumerate(MARKS) if mark in box.marks)


def _texts(boxes: Sequence[Box]) -> dict[str, object]:
    """Names, and tooltips but for their first line where it is the name.

    Both mostly begin with the label: then that is left out, and ``named`` or ``tipped`` is 1.
    """
    tipped, tips = _without_labels(boxes, map(_rest, boxes))
    named, names = _without_labels(boxes, [box.name for box in boxes])
    heads, numbers, tails = zip(*map(_in_parts, names), strict=True) if names else ((), (), ())
    return {
        "named": folded(named),
        "head": folded(list(heads)),
        "number": differences(numbers),
        "tail": folded(list(tails)),
        "tipped": folded(tipped),
        "tip": folded(tips),
    }


def _without_labels(boxes: Sequence[Box], texts: Iterable[str]) -> tuple[list[int], list[str]]:
    pairs = list(zip(boxes, texts, strict=True))
    begins = [int(text.startswith(box.label)) for box, text in pairs]
    return begins, [text.removeprefix(box.label) for box, text in pairs]


def _in_parts(name: str) -> tuple[str, int, str]:
    """Return a name around the number in it, since most names of a graph differ in that alone.

    Examples
    --------
    >>> _in_parts("-17-9f3c"), _in_parts("total")
    (('-', 17, '-9f3c'), ('total', -1, ''))
    """
    found = _NUMBER.search(name)
    if not found:
        return name, -1, ""
    return name[: found.start()], int(found[0]), name[found.end() :]


def _rest(box: Box) -> str:
    return box.tooltip.removeprefix(box.name).removeprefix("\n") if box.name else box.tooltip

"""How large a box must be for what stands in it."""

from __future__ import annotations

from collections.abc import Sequence

from lazygraph.viz.model import Shape
from lazygraph.viz.paint.measures import CARD_PX, ROW_PX
from lazygraph.viz.text import DETAIL_PX, LABEL_PX, text_width_px

__all__ = ["box_size", "rows_of"]

_PADDING_PX = 12.0
_LEAST_WIDTH_PX = 44.0
_LINE_PX, _DETAIL_LINE_PX = 28.0, 12.0
_ROUND_GROWTH, _ROUND_PADDING_PX = 1.1, 15.0
_MOST_ROWS = 6


def box_size(
    label: str, detail: str = "", shape: Shape = "call", members: Sequence[str] = ()
) -> tuple[float, float]:
    """Width and height in px, with all lines inside in any of the common fonts."""
    lines = rows_of(members) if shape == "fused" else [label]
    width = max([text_width_px(line, LABEL_PX) for line in lines])
    width = max(width, text_width_px(detail, DETAIL_PX))
    height = _LINE_PX + (_DETAIL_LINE_PX if detail else 0.0)
    if shape == "fused":
        height += ROW_PX * (len(lines) - 1)
    if shape == "function":
        width, height = width * _ROUND_GROWTH + 2 * _ROUND_PADDING_PX, height + 4
    else:
        width += 2 * _PADDING_PX
    extra = 2 * CARD_PX if shape == "group" else 0.0
    return max(_LEAST_WIDTH_PX, float(round(width))) + extra, height + extra


def rows_of(members: Sequence[str]) -> list[str]:
    """Return the members that a fused task's box has room for.

    Examples
    --------
    >>> rows_of(["load", "clean", "a", "b", "c", "d", "e"])
    ['load', 'clean', 'a', 'b', '… 2 more', 'e']
    """
    if len(members) <= _MOST_ROWS:
        return list(members)
    left_out = len(members) - _MOST_ROWS + 1
    return [*members[: _MOST_ROWS - 2], f"… {left_out} more", members[-1]]

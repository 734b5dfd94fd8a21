"""How boxes, marks and edges look, as the page's script needs it: the rules of the still pictures."""

from __future__ import annotations

from lazygraph.viz.model import Point
from lazygraph.viz.paint import badges, edges, glyphs
from lazygraph.viz.paint.sizes import CARD_PX, ROW_PX
from lazygraph.viz.paint.text import DETAIL_PX, LABEL_PX

__all__ = ["drawing_rules"]

_PLAY: tuple[Point, ...] = (*badges._TRIANGLE, badges._TRIANGLE[0])


def drawing_rules() -> dict[str, object]:
    """Outlines by mark, signs on badges as strokes, and sizes in px."""
    return {
        "outlines": [[mark, width, list(dash)] for mark, width, dash in glyphs._OUTLINES],
        "signs": [[mark, badges._SIGNS.get(mark, (_PLAY,))] for mark in badges.MARKED],
        "px": {
            "label": LABEL_PX,
            "detail": DETAIL_PX,
            "labelUp": glyphs._LABEL_UP_PX,
            "detailDown": glyphs._DETAIL_DOWN_PX,
            "corner": glyphs._CORNER_PX,
            "dataCorner": glyphs._DATA_CORNER_PX,
            "ring": glyphs._RING_PX,
            "row": ROW_PX,
            "rowsTop": glyphs._ROWS_TOP_PX,
            "card": CARD_PX,
            "badge": badges.BADGE_PX,
            "edge": edges._WIDTH_PX,
            "edgeGrowth": edges._GROWTH_PX,
            "edgeMost": edges._MOST_GROWTH_PX,
            "arrow": edges._ARROW_PX,
            "arrowGrowth": edges._ARROW_GROWTH,
            "arrowSlimness": edges._ARROW_SLIMNESS,
        },
    }

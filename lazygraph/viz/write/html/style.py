"""How boxes, marks and edges look, as the page's script and style sheet read it."""

from __future__ import annotations

from lazygraph.viz.paint import measures as of
from lazygraph.viz.paint.themes import Theme
from lazygraph.viz.text import DETAIL_PX, LABEL_PX

__all__ = ["drawing_rules", "theme_style"]

_PLAY = (*of.TRIANGLE, of.TRIANGLE[0])


def drawing_rules() -> dict[str, object]:
    """Return outlines by mark, signs on badges as strokes, and sizes in px."""
    return {
        "outlines": [[mark, width, list(dash)] for mark, width, dash in of.OUTLINES],
        "signs": [[mark, of.SIGNS.get(mark, (_PLAY,))] for mark in of.MARKED],
        "px": {
            "label": LABEL_PX,
            "detail": DETAIL_PX,
            "labelUp": of.LABEL_UP_PX,
            "detailDown": of.DETAIL_DOWN_PX,
            "split": of.SPLIT_PX,
            "corner": of.CORNER_PX,
            "dataCorner": of.DATA_CORNER_PX,
            "ring": of.RING_PX,
            "row": of.ROW_PX,
            "rowsTop": of.ROWS_TOP_PX,
            "card": of.CARD_PX,
            "badge": of.BADGE_PX,
            "badgeStep": of.BADGE_STEP_PX,
            "signLine": of.SIGN_LINE_PX,
            "edge": of.EDGE_PX,
            "edgeGrowth": of.EDGE_GROWTH_PX,
            "edgeMost": of.EDGE_MOST_PX,
            "faintDash": list(of.FAINT_DASH),
            "arrow": of.ARROW_PX,
            "arrowGrowth": of.ARROW_GROWTH,
            "arrowSlimness": of.ARROW_SLIMNESS,
            "apart": of.APART_PX,
            "beside": of.BESIDE_PX,
            "noteLine": of.NOTE_LINE_PX,
        },
    }


def theme_style(theme: Theme) -> str:
    """Return the theme's colours as CSS variables, marks by their names."""
    named = {
        "back": theme.background,
        "text": theme.text,
        "muted": theme.muted,
        "edge": theme.edge,
        "backward": theme.back,
        "faint": theme.faint.stroke,
        **theme.marks,
    }
    return " ".join(f"--{name}: {colour};" for name, colour in named.items())

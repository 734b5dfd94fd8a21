"""Edges along which something flows forward and something back: two lines, a note on either side.

As on a blackboard: the value stands left of its edge or above it, the derivative right of it or
below.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import hypot

from lazygraph.viz.model import Edge, Point
from lazygraph.viz.paint.items import Words, middle_words
from lazygraph.viz.paint.measures import APART_PX, BESIDE_PX, NOTE_LINE_PX
from lazygraph.viz.paint.themes import Theme
from lazygraph.viz.text import DETAIL_PX, text_width_px

__all__ = ["both_ways", "notes_beside", "notes_size"]


Route = Sequence[Point]


def both_ways(route: Route, rankdir: str) -> tuple[Route, Route]:
    """Return the line forward and the line back, beside each other all the way; on borders at the ends."""
    halved = _halved(route)
    return _beside(halved, -APART_PX, rankdir), _beside(halved, APART_PX, rankdir)[::-1]


def _halved(route: Route) -> list[Point]:
    """Return the same route with a joint in the middle of every curve, as de Casteljau finds it."""
    halved = [route[0]]
    for n in range(0, len(route) - 1, 3):
        a, b, c, d = route[n : n + 4]
        ab, bc, cd = _middle(a, b), _middle(b, c), _middle(c, d)
        abc, bcd = _middle(ab, bc), _middle(bc, cd)
        halved += [ab, abc, _middle(abc, bcd), bcd, cd, d]
    return halved


def _middle(one: Point, other: Point) -> Point:
    return (one[0] + other[0]) / 2, (one[1] + other[1]) / 2


def _beside(route: Sequence[Point], px: float, rankdir: str) -> list[Point]:
    """Return a route so far to the right of this, or below: each joint with its handles moves across."""
    last = len(route) - 1
    across = (0.0, 1.0) if _is_sideways(rankdir) else (1.0, 0.0)
    turned = 1 if rankdir in {"BT", "LR"} else -1
    moved: list[Point] = []
    for joint in range(0, last + 1, 3):
        ux, uy = (0.0, 0.0) if joint in {0, last} else _direction(route, joint)
        dx, dy = (-turned * uy, turned * ux) if ux or uy else across
        around = route[max(0, joint - 1) : joint + 2]
        moved += [(x + px * dx, y + px * dy) for x, y in around]
    return moved


def _direction(route: Sequence[Point], joint: int) -> Point:
    """Of a route at a joint, as a unit vector; nothing where it stands still."""
    (x, y), (u, v) = route[joint - 1], route[joint + 1]
    length = hypot(u - x, v - y)
    return ((u - x) / length, (v - y) / length) if length else (0.0, 0.0)


def notes_size(edge: Edge, rankdir: str) -> tuple[float, float]:
    """Width and height in px of both notes and the lines between them."""
    width = max(text_width_px(text, DETAIL_PX) for text in (edge.label, edge.back))
    if _is_sideways(rankdir):
        return width + 2 * BESIDE_PX, 2 * (NOTE_LINE_PX + APART_PX)
    return 2 * (width + APART_PX + BESIDE_PX), NOTE_LINE_PX


def notes_beside(edge: Edge, middle: Point, rankdir: str, theme: Theme) -> Iterator[Words]:
    """Yield the notes of an edge that goes straight on through `middle`."""
    x, y = middle
    notes = (-1, edge.label, theme.text), (1, edge.back, theme.back)
    for side, text, colour in notes:
        if not text:
            continue
        if _is_sideways(rankdir):
            away = side * (APART_PX + NOTE_LINE_PX / 2)
            yield middle_words((x, y + away), text, DETAIL_PX, colour)
        else:
            away = side * (APART_PX + BESIDE_PX)
            words = middle_words((x + away, y), text, DETAIL_PX, colour)
            yield words._replace(anchor="end" if side < 0 else "start")


def _is_sideways(rankdir: str) -> bool:
    return rankdir in {"LR", "RL"}

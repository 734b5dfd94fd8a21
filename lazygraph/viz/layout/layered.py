"""Boxes and edges to a layout of our own, in layers along the data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from lazygraph.viz.layout.directions import MARGIN_PX, Size, direction_of
from lazygraph.viz.layout.order.net import Net, make_net
from lazygraph.viz.layout.order.search import order
from lazygraph.viz.layout.parts import Part, links_of, parts_of
from lazygraph.viz.layout.place.bands import Band, bands_of
from lazygraph.viz.layout.place.columns import columns
from lazygraph.viz.layout.rank.ranks import ranks_of
from lazygraph.viz.layout.routes import routes_of
from lazygraph.viz.layout.shelves import on_shelves
from lazygraph.viz.model import Layout, Point

__all__ = ["layered_layout"]

Route = tuple[Point, ...]
# Width to height of a picture of many parts: as a screen has it.
_SHAPE = 1.6


class _Piece(NamedTuple):
    """A part as laid out, data flowing down from a corner at 0, 0."""

    size: Size
    centres: list[Point]
    routes: list[Route]


def layered_layout(
    sizes: Sequence[Size], edges: Sequence[tuple[int, int]], rankdir: str = "BT"
) -> Layout:
    """Where boxes and edges go: data flows one way, nothing overlaps, few edges cross.

    Parameters
    ----------
    sizes : sequence of (width, height)
        Of the boxes, in px; each stands after those that it depends on.
    edges : sequence of (start, end)
        Along the data, places in `sizes`; their order does not matter.
    rankdir : {"BT", "TB", "LR", "RL"}
        Which way the data flows: from the bottom to the top.

    Returns
    -------
    Layout
        No edge goes through a box as long as there are no more than 50,000 bends, or four per
        box; the longest of the others curve freely.

    Raises
    ------
    DrawingError
        For another `rankdir`.

    Notes
    -----
    Memory is linear in boxes and edges; nothing recurses. The same for the same graph on every
    machine: the search for few crossings is limited by a count, not by a clock.
    """
    direction = direction_of(rankdir)
    numbers = sorted(range(len(edges)), key=edges.__getitem__)
    parts = parts_of(len(sizes), [edges[n] for n in numbers])
    pieces = [
        _piece(part, [direction.size(sizes[n]) for n in part.boxes], len(part.boxes) / len(sizes))
        for part in parts
    ]
    corners, size = on_shelves(
        [piece.size for piece in pieces],
        _SHAPE ** (-1 if direction.is_sideways else 1),
        at_end=direction.is_backwards,
    )
    width, height = direction.size(size)
    centres: list[Point] = [(0.0, 0.0)] * len(sizes)
    routes: list[Route] = [()] * len(edges)
    places = map(direction.size, corners)
    for part, piece, (left, top) in zip(parts, pieces, places, strict=True):
        place = piece.size[1], (left + MARGIN_PX, top + MARGIN_PX)
        for box, centre in zip(part.boxes, direction.points(piece.centres, *place), strict=True):
            centres[box] = centre
        for number, route in zip(part.numbers, piece.routes, strict=True):
            routes[numbers[number]] = direction.points(route, *place)
    return Layout(width + 2 * MARGIN_PX, height + 2 * MARGIN_PX, tuple(centres), tuple(routes))


def _piece(part: Part, sizes: Sequence[Size], share: float) -> _Piece:
    """Return a part laid out, with its share of the search for few crossings."""
    if len(sizes) == 1:
        width, height = sizes[0]
        return _Piece(sizes[0], [(width / 2, height / 2)], [])
    net = make_net(ranks_of(links_of(len(sizes), part.edges)), part.edges)
    order(net, share)
    widths = [width for width, _ in sizes] + [0.0] * (len(net.below) - len(sizes))
    x, width = _from_zero(columns(net, widths), widths)
    bands = bands_of(net, [height for _, height in sizes], x)
    centres = _centres(net, x, bands)
    return _Piece((width, bands[-1][1]), centres, routes_of(net, x, bands, sizes))


def _from_zero(x: Sequence[float], widths: Sequence[float]) -> tuple[list[float], float]:
    """Middles moved until the leftmost border is at 0, and how far right the rightmost is."""
    left = min([middle - width / 2 for middle, width in zip(x, widths, strict=True)])
    right = max([middle + width / 2 for middle, width in zip(x, widths, strict=True)])
    return [middle - left for middle in x], right - left


def _centres(net: Net, x: Sequence[float], bands: Sequence[Band]) -> list[Point]:
    centres: list[Point] = [(0.0, 0.0)] * net.n_boxes
    for row, (low, high) in zip(net.layers, bands, strict=True):
        for item in row:
            if item < net.n_boxes:
                centres[item] = x[item], (low + high) / 2
    return centres

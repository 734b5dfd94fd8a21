"""Placed items to curves: smooth, along the data all the way, and never through a box.

Every item owns its row's band as far as halfway to the items beside it, and a curve keeps to its
own items' ground: through the band straight ahead, and with the ends of what bends in the gap
between two rows. So two curves cross in a gap only if their ends are in a different order, since
all go through it at the same pace.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import inf
from typing import NamedTuple

from lazygraph.viz.layout.order.net import Net
from lazygraph.viz.layout.place.bands import Band
from lazygraph.viz.model import Point

__all__ = ["routes_of"]

# Of a gap: how far a curve keeps its direction at either end. At one half, curves that may aim
# at each other are straight.
_HANDLE = 0.5
_CORNER_PX = 4.0
# Less than that is no bend that anybody would want to see.
_STRAIGHT_PX = 0.5

Route = tuple[Point, ...]
Size = tuple[float, float]


class _Stop(NamedTuple):
    """Where a curve goes straight: through a bend's band, or between its box and the gap.

    It passes `x` at `y`, and is straight from `low` to `high`; its ground is from `left` to
    `right`.
    """

    x: float
    y: float
    low: float
    high: float
    left: float
    right: float


def routes_of(
    net: Net, x: Sequence[float], bands: Sequence[Band], sizes: Sequence[Size]
) -> list[Route]:
    """Of each edge, in the order of the net's chains. O(items + links)."""
    stops = _stops(net, x, bands, sizes)
    routes = []
    for chain in net.chains:
        passed = [stops[item] for item in chain]
        _straighten(passed)
        first, last = passed[0], passed[-1]
        passed[0] = _port(first, sizes[chain[0]], passed[1], 1)
        passed[-1] = _port(last, sizes[chain[-1]], passed[-2] if len(chain) > 2 else first, -1)
        routes.append(_curve(passed, _slopes(passed)))
    return routes


def _stops(
    net: Net, x: Sequence[float], bands: Sequence[Band], sizes: Sequence[Size]
) -> list[_Stop]:
    """Of each item, as if a curve went through its middle."""
    halves = [width / 2 for width, _ in sizes] + [0.0] * (len(x) - len(sizes))
    stops = [_Stop(0.0, 0.0, 0.0, 0.0, 0.0, 0.0)] * len(x)
    for row, (low, high) in zip(net.layers, bands, strict=True):
        y = (low + high) / 2
        halfway = [(x[a] + halves[a] + x[b] - halves[b]) / 2 for a, b in pairwise(row)]
        for item, left, right in zip(row, [-inf, *halfway], [*halfway, inf], strict=True):
            stops[item] = _Stop(x[item], y, low, high, left, right)
    return stops


def _straighten(stops: list[_Stop]) -> None:
    """Put what is nearly below each other exactly so."""
    x = stops[0].x
    for n, stop in enumerate(stops):
        if stop.x != x and abs(stop.x - x) < _STRAIGHT_PX:
            stops[n] = stop._replace(x=x)
        x = stops[n].x


def _port(stop: _Stop, size: Size, other: _Stop, side: int) -> _Stop:
    """Where an edge to `other` leaves a box: on its border, on the way from its middle."""
    x, y, low, high, left, right = stop
    width, height = size
    border = y + side * height / 2
    most = max(0.0, width / 2 - _CORNER_PX)
    x += max(-most, min(most, (other.x - x) / (other.y - y) * (border - y)))
    if side > 0:
        return _Stop(x, border, border, high, left, right)
    return _Stop(x, border, low, border, left, right)


def _slopes(stops: Sequence[_Stop]) -> list[float]:
    """In which direction a curve passes each stop: sideways by how much, on each px along."""
    chords = [(b.x - a.x) / (b.y - a.y) for a, b in pairwise(stops)]
    between = [_between(one, other) for one, other in pairwise(chords)]
    handles = [_HANDLE * (b.low - a.high) for a, b in pairwise(stops)]
    return [
        _limited(stop, slope, before, after)
        for stop, slope, before, after in zip(
            stops, [chords[0], *between, chords[-1]], [0.0, *handles], [*handles, 0.0], strict=True
        )
    ]


def _between(one: float, other: float) -> float:
    """Return the harmonic mean of two slopes; straight on where a curve turns back."""
    return 2 * one * other / (one + other) if one * other > 0 else 0.0


def _limited(stop: _Stop, slope: float, before: float, after: float) -> float:
    """Return the slope, if the curve keeps to its ground, its handles included."""
    if not slope:
        return 0.0
    behind, ahead = (stop.left, stop.right) if slope > 0 else (stop.right, stop.left)
    most = abs(slope)
    down, up = stop.y - stop.low + before, stop.high - stop.y + after
    if down:
        most = min(most, abs(stop.x - behind) / down)
    if up:
        most = min(most, abs(ahead - stop.x) / up)
    return most if slope > 0 else -most


def _curve(stops: Sequence[_Stop], slopes: Sequence[float]) -> Route:
    route = [_at(stops[0], slopes[0], stops[0].low)]
    for n, (before, after) in enumerate(pairwise(stops)):
        _go(route, before, slopes[n])
        handle = _HANDLE * (after.low - before.high)
        one = _at(before, slopes[n], before.high + handle)
        other = _at(after, slopes[n + 1], after.low - handle)
        _append(route, one, other, _at(after, slopes[n + 1], after.low))
    _go(route, stops[-1], slopes[-1])
    return tuple(route)


def _at(stop: _Stop, slope: float, y: float) -> Point:
    return stop.x + slope * (y - stop.y), y


def _go(route: list[Point], stop: _Stop, slope: float) -> None:
    if stop.high > route[-1][1]:
        end = _at(stop, slope, stop.high)
        _append(route, route[-1], end, end)


def _append(route: list[Point], one: Point, other: Point, end: Point) -> None:
    """One curve more; what goes straight on goes in one piece with the curve before."""
    if one[0] == other[0] == end[0] and _is_upright(route, end[0]):
        route[-2:] = [end, end]
    else:
        route += [one, other, end]


def _is_upright(route: Sequence[Point], x: float) -> bool:
    """Whether the last curve of a route keeps to an x."""
    return len(route) > 3 and route[-1][0] == route[-2][0] == route[-3][0] == route[-4][0] == x

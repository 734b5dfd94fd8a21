"""A scene to a layout of our own, in layers from the bottom to the top."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from lazygraph.viz.columns import columns
from lazygraph.viz.net import Net, make_net
from lazygraph.viz.scene import Layout, Point, Scene

__all__ = ["layered_layout"]

_MARGIN_PX = 10.0
_LEAST_GAP_PX, _MOST_GAP_PX = 40.0, 240.0
# A gap between layers grows with the longest way sideways in it, or edges would lie flat.
_SLOPE = 0.12
_PORT_GAP_PX, _PORT_MARGIN_PX = 10.0, 16.0


def layered_layout(scene: Scene) -> Layout:
    """Where boxes and edges go: data flows upward, nothing overlaps.

    Notes
    -----
    O(boxes + edges log edges), no recursion; the same for the same scene on every machine.
    """
    net = make_net(scene)
    xs = columns(net)
    left = min(x - width / 2 for x, width in zip(xs, net.widths_px, strict=True))
    right = max(x + width / 2 for x, width in zip(xs, net.widths_px, strict=True))
    xs = [x - left + _MARGIN_PX for x in xs]
    bands = _bands(scene, net, xs)
    band_of = [(0.0, 0.0)] * len(xs)
    for layer, band in zip(net.layers, bands, strict=True):
        for item in layer:
            band_of[item] = band
    middles = [(top + bottom) / 2 for top, bottom in band_of[: len(scene.boxes)]]
    return Layout(
        right - left + 2 * _MARGIN_PX,
        bands[0][1] + _MARGIN_PX,
        tuple(zip(xs, middles, strict=False)),
        tuple(_routes(scene, net, xs, band_of)),
    )


def _bands(scene: Scene, net: Net, xs: Sequence[float]) -> list[tuple[float, float]]:
    """The top and bottom of each layer, lowest layer first."""
    bands = []
    y = _MARGIN_PX
    for n in reversed(range(len(net.layers))):
        layer = net.layers[n]
        height = max(scene.boxes[item].height_px for item in layer if item < len(scene.boxes))
        bands.append((y, y + height))
        sideways = [abs(xs[item] - xs[low]) for item in layer for low in net.below[item]]
        gap = _SLOPE * max(sideways, default=0.0)
        y += height + min(max(gap, _LEAST_GAP_PX), _MOST_GAP_PX)
    return bands[::-1]


def _routes(
    scene: Scene, net: Net, xs: Sequence[float], band_of: Sequence[tuple[float, float]]
) -> list[tuple[Point, ...]]:
    ports = _ports(scene, net, xs)
    routes = []
    for chain, port in zip(net.chains, ports, strict=True):
        start, end = chain[0], chain[-1]
        route = [(xs[start], _middle(band_of[start]) - scene.boxes[start].height_px / 2)]
        for low, high in pairwise(chain):
            _rise(route, band_of[low][0])
            _bow(route, (port if high == end else xs[high], band_of[high][1]))
        _rise(route, _middle(band_of[end]) + scene.boxes[end].height_px / 2)
        routes.append(tuple(route))
    return routes


def _ports(scene: Scene, net: Net, xs: Sequence[float]) -> list[float]:
    """Where on the lower side of its box each edge ends: sorted, and shared when too many."""
    arriving: dict[int, list[int]] = {}
    for n, (_, end) in enumerate(scene.edges):
        arriving.setdefault(end, []).append(n)
    ports = [0.0] * len(scene.edges)
    for end, edges in arriving.items():
        edges.sort(key=lambda n: xs[net.chains[n][-2]])
        room = scene.boxes[end].width_px - _PORT_MARGIN_PX
        n_ports = min(len(edges), 1 + int(room / _PORT_GAP_PX))
        for place, n in enumerate(edges):
            port = place * n_ports // len(edges)
            ports[n] = xs[end] + (port - (n_ports - 1) / 2) * _PORT_GAP_PX
    return ports


def _middle(band: tuple[float, float]) -> float:
    return (band[0] + band[1]) / 2


def _rise(route: list[Point], y: float) -> None:
    """Go straight up to `y`."""
    x, before = route[-1]
    if before != y:
        route += [(x, before), (x, y), (x, y)]


def _bow(route: list[Point], end: Point) -> None:
    """Go to `end`, leaving and arriving upward."""
    x, y = route[-1]
    halfway = (y + end[1]) / 2
    route += [(x, halfway), (end[0], halfway), end]

"""Rows and their x coordinates to the heights between which each row lies."""

from __future__ import annotations

from collections.abc import Sequence

from lazygraph.viz.layout.order.net import Net

__all__ = ["Band", "bands_of"]

_LEAST_GAP_PX, _MOST_GAP_PX = 36.0, 126.0
# A gap between rows grows with the longest way sideways in it, or edges would lie flat.
_SLOPE = 0.09

#: Where a row begins and ends, along the data.
Band = tuple[float, float]


def bands_of(net: Net, heights: Sequence[float], x: Sequence[float]) -> list[Band]:
    """Of each row of a net, the lowest first, which begins at 0. O(items + links)."""
    bands: list[Band] = []
    y = 0.0
    for row in net.layers:
        high = y + max([heights[item] for item in row if item < net.n_boxes])
        bands.append((y, high))
        sideways = [abs(x[item] - x[other]) for item in row for other in net.above[item]]
        gap = _SLOPE * max(sideways, default=0.0)
        y = high + min(max(gap, _LEAST_GAP_PX), _MOST_GAP_PX)
    return bands

"""Ranked boxes to layers whose links join neighbouring layers only, long edges having bends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Net", "make_net"]

# Memory stays linear: what has no bends is a free curve.
_MOST_BENDS, _MOST_BENDS_PER_BOX = 50_000, 4


@dataclass(frozen=True, slots=True)
class Net:
    """Items in layers: the first `n_boxes` items are boxes, the others are bends.

    Attributes
    ----------
    layers : list of list of int
        From the lowest rank; the order within a layer is from left to right.
    below, above : list of list of int
        Of each item, what it is linked to in the next layer down, and up.
    chains : list of list of int
        What each edge goes through, its boxes included; the boxes alone for a free curve.
    """

    n_boxes: int
    layers: list[list[int]]
    below: list[list[int]]
    above: list[list[int]]
    chains: list[list[int]]


def make_net(ranks: Sequence[int], edges: Sequence[tuple[int, int]]) -> Net:
    """Layers by rank, and a bend wherever an edge crosses a layer. O(boxes + bends + edges log).

    Bends are ``max(50_000, 4 * boxes)`` at most, given to the shortest edges first.
    """
    layers: list[list[int]] = [[] for _ in range(max(ranks) + 1)]
    for box, rank in enumerate(ranks):
        layers[rank].append(box)
    net = Net(len(ranks), layers, [[] for _ in ranks], [[] for _ in ranks], [])
    longest = _longest(ranks, edges)
    for start, end in edges:
        if ranks[end] - ranks[start] > longest:
            net.chains.append([start, end])
        else:
            net.chains.append(_chain(net, ranks, start, end))
    return net


def _longest(ranks: Sequence[int], edges: Sequence[tuple[int, int]]) -> int:
    """How long an edge may be to have bends: edges of one length have them all or not at all."""
    room = max(_MOST_BENDS, _MOST_BENDS_PER_BOX * len(ranks))
    longest = 1
    counts: dict[int, int] = {}
    for start, end in edges:
        length = ranks[end] - ranks[start]
        counts[length] = counts.get(length, 0) + 1
    for length, count in sorted(counts.items()):
        room -= (length - 1) * count
        if room < 0:
            break
        longest = length
    return longest


def _chain(net: Net, ranks: Sequence[int], start: int, end: int) -> list[int]:
    chain = [start]
    for rank in range(ranks[start] + 1, ranks[end]):
        bend = len(net.below)
        net.layers[rank].append(bend)
        net.below.append([])
        net.above.append([])
        _link(net, chain[-1], bend)
        chain.append(bend)
    _link(net, chain[-1], end)
    chain.append(end)
    return chain


def _link(net: Net, low: int, high: int) -> None:
    net.above[low].append(high)
    net.below[high].append(low)

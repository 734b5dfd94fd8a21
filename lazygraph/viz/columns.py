"""A net to its order from left to right, and to x coordinates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from lazygraph.viz.net import Net

__all__ = ["columns"]

_ORDER_ROUNDS, _PLACE_ROUNDS = 6, 8
_BOX_GAP_PX, _BEND_GAP_PX = 18.0, 12.0
# Boxes give way to bends rather than the reverse: long edges stay straight.
_BOX_WEIGHT, _BEND_WEIGHT = 1.0, 8.0


def columns(net: Net) -> list[float]:
    """The x of every item's middle, in px; the items of each layer of `net` put in order.

    Few edges cross, no boxes overlap, and what is linked stands over each other as far as
    there is room.

    Notes
    -----
    O(items log items + links), some 10 us an item.
    """
    _order(net)
    return _place(net)


def _sweeps(net: Net, rounds: int) -> Iterator[tuple[int, Sequence[Sequence[int]]]]:
    """Layers by number, downwards and upwards in turn, and the neighbours to follow."""
    for _ in range(rounds):
        for n in reversed(range(len(net.layers))):
            yield n, net.above
        for n in range(len(net.layers)):
            yield n, net.below


def _order(net: Net) -> None:
    """Sort each layer by the mean place of its items' neighbours, over and over.

    Source: Sugiyama, Tagawa & Toda (1981), the barycentric method.
    """
    place = [0.0] * len(net.widths_px)  # of each item in its layer, from 0 to 1
    for layer in net.layers:
        _number(layer, place)
    for n, neighbours in _sweeps(net, _ORDER_ROUNDS):
        layer = net.layers[n]
        wanted = [_mean(place, neighbours[item], place[item]) for item in layer]
        order = sorted(range(len(layer)), key=wanted.__getitem__)
        layer[:] = [layer[rank] for rank in order]
        _number(layer, place)


def _number(layer: Sequence[int], place: list[float]) -> None:
    for n, item in enumerate(layer):
        place[item] = (n + 0.5) / len(layer)


def _mean(values: Sequence[float], chosen: Sequence[int], otherwise: float) -> float:
    return sum([values[n] for n in chosen]) / len(chosen) if chosen else otherwise


def _place(net: Net) -> list[float]:
    """Draw each item towards the middle of its neighbours, over and over."""
    x = [0.0] * len(net.widths_px)
    steps = [_steps(net, layer) for layer in net.layers]
    weights = [_BOX_WEIGHT if width else _BEND_WEIGHT for width in net.widths_px]
    for layer, offsets in zip(net.layers, steps, strict=True):
        for item, offset in zip(layer, offsets, strict=True):
            x[item] = offset - offsets[-1] / 2
    for n, neighbours in _sweeps(net, _PLACE_ROUNDS):
        layer = net.layers[n]
        wanted = [_mean(x, neighbours[item], x[item]) for item in layer]
        placed = spread(wanted, [weights[item] for item in layer], steps[n])
        for item, value in zip(layer, placed, strict=True):
            x[item] = value
    return x


def _steps(net: Net, layer: Sequence[int]) -> list[float]:
    """How far right of the first item each item is when all stand as close as they may."""
    steps = [0.0]
    for left, right in pairwise(layer):
        widths = net.widths_px[left], net.widths_px[right]
        gap = _BOX_GAP_PX if all(widths) else _BEND_GAP_PX
        steps.append(steps[-1] + sum(widths) / 2 + gap)
    return steps


def spread(
    wanted: Sequence[float], weights: Sequence[float], steps: Sequence[float]
) -> list[float]:
    """Positions nearest to `wanted` (weighted squares) that keep order and distances.

    Positions less `steps` must not decrease: isotonic regression, solved by pooling adjacent
    violators. Source: Ayer, Brunk, Ewing, Reid & Silverman (1955). O(items).

    Examples
    --------
    >>> spread([5.0, 5.0, 40.0], [1.0, 1.0, 1.0], [0.0, 10.0, 20.0])
    [0.0, 10.0, 40.0]
    """
    pools: list[tuple[float, float, int]] = []  # (mean, weight, number of items)
    for value, weight, step in zip(wanted, weights, steps, strict=True):
        mean, total, n = value - step, weight, 1
        while pools and pools[-1][0] >= mean:
            before, its_total, its_n = pools.pop()
            mean = (before * its_total + mean * total) / (its_total + total)
            total, n = total + its_total, n + its_n
        pools.append((mean, total, n))
    bases = [mean for mean, _, n in pools for _ in range(n)]
    return [base + step for base, step in zip(bases, steps, strict=True)]

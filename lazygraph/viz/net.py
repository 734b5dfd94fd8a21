"""A scene to layers: boxes and the bends of long edges, each linked to neighbouring layers only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from lazygraph.viz.scene import Scene

__all__ = ["Net", "make_net"]


@dataclass(frozen=True, slots=True)
class Net:
    """Items in layers. The first items are the scene's boxes, the others are bends.

    ``layers[0]`` is the lowest. ``below[item]`` and ``above[item]`` are items of the next layer
    down and up. ``chains[n]`` are the items that edge `n` goes through, its boxes included.
    """

    layers: list[list[int]]
    widths_px: list[float]
    below: list[list[int]]
    above: list[list[int]]
    chains: list[list[int]]


def make_net(scene: Scene) -> Net:
    """Layers by longest path, and a bend wherever an edge crosses a layer.

    Bends are as many as ``2 * boxes + 1000`` at most, given to the shortest edges first: an
    edge that gets none goes straight, and the net is no larger than the scene.

    Notes
    -----
    O(boxes + edges log edges).
    """
    n_boxes = len(scene.boxes)
    layer_of = layers_of(n_boxes, scene.edges)
    spans = [layer_of[end] - layer_of[start] for start, end in scene.edges]
    chains = [list(edge) for edge in scene.edges]
    left = 2 * n_boxes + 1_000
    for n in sorted(range(len(spans)), key=spans.__getitem__):
        start, end = scene.edges[n]
        left -= spans[n] - 1
        if left < 0:
            break
        bends = range(len(layer_of), len(layer_of) + spans[n] - 1)
        layer_of.extend(range(layer_of[start] + 1, layer_of[end]))
        chains[n] = [start, *bends, end]
    widths = [box.width_px for box in scene.boxes] + [0.0] * (len(layer_of) - n_boxes)
    return _linked(layer_of, widths, chains)


def layers_of(n_boxes: int, edges: Sequence[tuple[int, int]]) -> list[int]:
    """How far above the lowest layer each box stands.

    As low as its dependencies permit, then as high as its dependents permit if those are
    more: so a constant stands right below what uses it.
    """
    layer_of = [0] * n_boxes
    dependents: list[list[int]] = [[] for _ in range(n_boxes)]
    n_dependencies = [0] * n_boxes
    for start, end in edges:
        layer_of[end] = max(layer_of[end], layer_of[start] + 1)
        dependents[start].append(end)
        n_dependencies[end] += 1
    for box in reversed(range(n_boxes)):
        if len(dependents[box]) > n_dependencies[box]:
            layer_of[box] = min([layer_of[end] for end in dependents[box]]) - 1
    return layer_of


def _linked(layer_of: list[int], widths: list[float], chains: list[list[int]]) -> Net:
    layers: list[list[int]] = [[] for _ in range(max(layer_of) + 1)]
    for item, layer in enumerate(layer_of):
        layers[layer].append(item)
    below: list[list[int]] = [[] for _ in layer_of]
    above: list[list[int]] = [[] for _ in layer_of]
    for chain in chains:
        for low, high in pairwise(chain):
            if layer_of[high] - layer_of[low] == 1:
                below[high].append(low)
                above[low].append(high)
    return Net(layers, widths, below, above, chains)

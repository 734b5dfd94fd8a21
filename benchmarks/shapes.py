"""Task graphs to be drawn, by shape and size: what real ones look like, as numbered edges.

Each shape takes a wished number of tasks and gives about as many; tasks are numbered so that
each comes after those that it depends on.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from math import isqrt
from typing import NamedTuple

__all__ = ["SHAPES", "Shape", "shape"]

_BOX_HEIGHT_PX, _PADDING_PX, _LETTER_PX = 30.0, 24.0, 6.7


class Shape(NamedTuple):
    """Labels of tasks, and (start, end) along the data."""

    labels: list[str]
    edges: list[tuple[int, int]]

    @property
    def sizes(self) -> list[tuple[float, float]]:
        """Of boxes that would hold the labels, in px."""
        return [(_PADDING_PX + _LETTER_PX * len(text), _BOX_HEIGHT_PX) for text in self.labels]

    def add(self, label: str, *needs: int) -> int:
        """One task more: its number."""
        number = len(self.labels)
        self.labels.append(label)
        self.edges.extend((need, number) for need in needs)
        return number


def tree(n: int) -> Shape:
    """Loads, added in pairs until one is left."""
    made = Shape([], [])
    level = [made.add(f"load-{i}") for i in range(max(2, (n + 1) // 2))]
    while len(level) > 1:
        odd = level[-1:] if len(level) % 2 else []
        pairs = zip(level[::2], level[1::2], strict=False)
        level = [made.add("sum", *pair) for pair in pairs] + odd
    return made


def chain(n: int) -> Shape:
    """Each task needs the one before."""
    return Shape(["inc"] * n, [(i, i + 1) for i in range(n - 1)])


def stencil(n: int) -> Shape:
    """As many steps as points; each point needs itself and its neighbours a step before."""
    made = Shape([], [])
    width = max(3, round(n**0.5))
    level = [made.add("init") for _ in range(width)]
    for _ in range(max(1, n // width - 1)):
        level = [made.add("step", *level[max(0, i - 1) : i + 2]) for i in range(width)]
    return made


def fft(n: int) -> Shape:
    """Butterflies: points joined twice as far apart in each step."""
    made = Shape([], [])
    n_steps = 1
    while (2 << n_steps) * (n_steps + 2) <= 1.3 * n:
        n_steps += 1
    level = [made.add("x") for _ in range(1 << n_steps)]
    for step in range(n_steps):
        level = [made.add("bfly", near, level[i ^ 1 << step]) for i, near in enumerate(level)]
    return made


def map_reduce(n: int) -> Shape:
    """Loads, a task on each, and one that takes them all."""
    made = Shape([], [])
    loads = [made.add("load") for _ in range(max(1, (n - 1) // 2))]
    made.add("reduce", *[made.add("process", load) for load in loads])
    return made


def scattered(n: int) -> Shape:
    """Each task needs one to three of those not long before, at random."""
    rng = random.Random(1)
    reach = max(5, 2 * isqrt(n))
    made = Shape(["read"], [])
    for number in range(1, n):
        near = range(max(0, number - reach), number)
        needs = rng.sample(near, min(len(near), rng.choice((1, 1, 2, 2, 3))))
        made.add(rng.choice(("map", "filter", "join", "transform", "add")), *needs)
    return made


def mlp(n: int) -> Shape:
    """Replicas of a network, forward and backward, with shared weights and one step of descent."""
    n_replicas, n_layers = _mlp_size(n)
    made = Shape([], [])
    weights = [made.add(f"W{i}") for i in range(n_layers)]
    gradients: list[list[int]] = [[] for _ in weights]
    for replica in range(n_replicas):
        values = [made.add(f"x{replica}")]
        for weight in weights:
            values.append(made.add("forward", values[-1], weight))
        ct = made.add("loss", values.pop())
        for i in reversed(range(n_layers)):
            gradients[i].append(made.add("grad_w", ct, values[i]))
            if i:
                ct = made.add("grad_x", ct, weights[i], values[i])
    for weight, parts in zip(weights, gradients, strict=True):
        made.add("descend", weight, parts[0] if len(parts) == 1 else made.add("reduce", *parts))
    return made


def _mlp_size(n: int) -> tuple[int, int]:
    """Replicas and layers: at least twice as many layers."""
    best = (1, max(1, (n - 2) // 6))
    for n_replicas in (2, 4, 8, 16, 32, 64, 128):
        n_layers = round((n - 2 * n_replicas) / (3 * n_replicas + 3))
        if n_layers >= 2 * n_replicas:
            best = (n_replicas, n_layers)
    return best


#: name -> what makes it
SHAPES: dict[str, Callable[[int], Shape]] = {
    "tree": tree,
    "chain": chain,
    "stencil": stencil,
    "fft": fft,
    "map_reduce": map_reduce,
    "random": scattered,
    "mlp": mlp,
}


def shape(name: str, n: int) -> Shape:
    """A shape of about `n` tasks."""
    return SHAPES[name](n)

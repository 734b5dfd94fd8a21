"""Edges to neighbours: what each box depends on, and what depends on it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

__all__ = ["Links", "links_of"]


class Links(NamedTuple):
    """For each box the boxes it needs, and the boxes that need it, in ascending order."""

    dependencies: list[list[int]]
    dependents: list[list[int]]


def links_of(n_boxes: int, edges: Iterable[tuple[int, int]]) -> Links:
    """Neighbours by box, whatever order the edges come in. O(boxes + edges log edges)."""
    dependencies: list[list[int]] = [[] for _ in range(n_boxes)]
    dependents: list[list[int]] = [[] for _ in range(n_boxes)]
    for start, end in sorted(edges):
        dependencies[end].append(start)
        dependents[start].append(end)
    return Links(dependencies, dependents)

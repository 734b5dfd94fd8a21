"""Boxes and edges to connected parts, which are laid out apart, and to each box's neighbours."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

__all__ = ["Links", "Part", "links_of", "parts_of"]


class Part(NamedTuple):
    """Boxes that edges join, and these edges by the boxes' places in `boxes`.

    `numbers` are the edges' places among all edges.
    """

    boxes: list[int]
    edges: list[tuple[int, int]]
    numbers: list[int]


def parts_of(n_boxes: int, edges: Sequence[tuple[int, int]]) -> list[Part]:
    """Return the connected parts, each named by its first box, in the order of those. O(boxes + edges)."""
    part_of = _part_of_each(n_boxes, edges)
    parts: dict[int, Part] = {}
    place = [0] * n_boxes
    for box, first in enumerate(part_of):
        boxes = parts.setdefault(first, Part([], [], [])).boxes
        place[box] = len(boxes)
        boxes.append(box)
    for number, (start, end) in enumerate(edges):
        part = parts[part_of[start]]
        part.edges.append((place[start], place[end]))
        part.numbers.append(number)
    return list(parts.values())


def _part_of_each(n_boxes: int, edges: Sequence[tuple[int, int]]) -> list[int]:
    """Return the first box of each box's part."""
    head = list(range(n_boxes))  # towards the first box of the part, never away from it
    for start, end in edges:
        one, other = _first(head, start), _first(head, end)
        head[max(one, other)] = min(one, other)
    return [_first(head, box) for box in range(n_boxes)]


def _first(head: list[int], box: int) -> int:
    while head[box] != box:
        head[box] = box = head[head[box]]  # halves the way for whoever comes next
    return box


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

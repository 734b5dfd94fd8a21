"""Links to ranks: the layer of each box, along the data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from lazygraph.viz.layout.parts import Links
from lazygraph.viz.layout.rank.simplex import shortest_ranks

__all__ = ["ranks_of"]

_MOST_SLIDES = 8
# Beyond, the optimum takes longer than all the rest.
_MOST_BOXES = 2_000


def ranks_of(links: Links) -> list[int]:
    """Of each box of a connected part, 0 or more, each above what it depends on.

    The total length of all edges is least for up to 2,000 boxes, and near it for more.

    Notes
    -----
    O(boxes + edges) for more than 2,000 boxes.
    """
    ranks = _longest_paths(links.dependencies)
    for _ in range(_MOST_SLIDES):
        if not (_rise(links, ranks) + _sink(links, ranks)):
            break
    if len(ranks) <= _MOST_BOXES:
        ranks = shortest_ranks(links, ranks)
        _balance(links, ranks)
    lowest = min(ranks)
    return [rank - lowest for rank in ranks]


def _longest_paths(dependencies: Sequence[Sequence[int]]) -> list[int]:
    ranks: list[int] = []
    for needed in dependencies:
        ranks.append(max([ranks[box] for box in needed], default=-1) + 1)
    return ranks


def _rise(links: Links, ranks: list[int]) -> int:
    """Lift boxes that have more dependents than dependencies; how many were lifted.

    So a constant stands right below what uses it. Those with as many of both go along: a chain
    that ends in a lifted box moves as a whole.
    """
    moved = 0
    for box in reversed(range(len(ranks))):
        above, n_below = links.dependents[box], len(links.dependencies[box])
        if above and len(above) >= n_below:
            rank = min([ranks[other] for other in above]) - 1
            moved += rank > ranks[box] and len(above) > n_below
            ranks[box] = rank
    return moved


def _sink(links: Links, ranks: list[int]) -> int:
    """Lower boxes that have more dependencies than dependents; how many were lowered."""
    moved = 0
    for box, below in enumerate(links.dependencies):
        if len(below) > len(links.dependents[box]):
            rank = max([ranks[other] for other in below]) + 1
            moved += rank < ranks[box]
            ranks[box] = rank
    return moved


def _balance(links: Links, ranks: list[int]) -> None:
    """Move boxes that lengthen nothing by moving to the emptiest layer they can stand in."""
    crowd = Counter(ranks)
    for box, below in enumerate(links.dependencies):
        above = links.dependents[box]
        if below and len(below) == len(above):
            low = max([ranks[other] for other in below]) + 1
            high = min([ranks[other] for other in above])
            crowd[ranks[box]] -= 1
            ranks[box] = min(range(low, high), key=crowd.__getitem__)
            crowd[ranks[box]] += 1

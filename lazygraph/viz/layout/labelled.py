"""Room for the labels of edges: each is laid out as a box in the middle of its edge."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lazygraph.viz.layout.directions import Size
from lazygraph.viz.model import Layout, Point

__all__ = ["layout_with_labels"]


def layout_with_labels(
    place: Callable[[Sequence[Size], Sequence[tuple[int, int]], str], Layout],
    sizes: Sequence[Size],
    edges: Sequence[tuple[int, int]],
    labels: Sequence[Size | None],
    rankdir: str,
) -> Layout:
    """As `place` does it, with no label upon a box or another label.

    An edge goes straight through the middle of its label.

    Parameters
    ----------
    labels : sequence of (width, height) or None
        Of the edges' labels; None where there is none.

    Source: the labels of Graphviz's dot; Gansner et al. (1993), "A technique for drawing
    directed graphs", section 5.3.
    """
    all_sizes: list[Size] = []  # each after those that it depends on: labels before heads
    moved: list[int] = []
    label_at: dict[int, int] = {}
    by_end: dict[int, list[int]] = {}
    for n, (_, end) in enumerate(edges):
        by_end.setdefault(end, []).append(n)
    for box, size in enumerate(sizes):
        for n in by_end.get(box, ()):
            label = labels[n]
            if label is not None:
                label_at[n] = len(all_sizes)
                all_sizes.append(label)
        moved.append(len(all_sizes))
        all_sizes.append(size)
    halves = [
        half
        for n, (start, end) in enumerate(edges)
        for half in _halves(moved[start], label_at.get(n), moved[end])
    ]
    whole = place(all_sizes, halves, rankdir)
    routes = iter(whole.routes)
    axis = 1 if rankdir in {"LR", "RL"} else 0
    places = [whole.centres[label_at[n]] if x else None for n, x in enumerate(labels)]
    return Layout(
        whole.width_px,
        whole.height_px,
        tuple([whole.centres[n] for n in moved]),
        tuple(
            [_joined(next(routes), next(routes), x, axis) if x else next(routes) for x in places]
        ),
        tuple(places),
    )


def _halves(start: int, label: int | None, end: int) -> list[tuple[int, int]]:
    return [(start, end)] if label is None else [(start, label), (label, end)]


def _joined(
    first: Sequence[Point], second: Sequence[Point], middle: Point, axis: int
) -> tuple[Point, ...]:
    """Two routes as one, straight through the middle of the label between them."""
    before = _ending_at(first, middle, axis)
    after = _ending_at(second[::-1], middle, axis)[::-1]
    (x, y), (u, v) = before[-1], after[0]
    across = [(x + (u - x) * t, y + (v - y) * t) for t in (1 / 3, 2 / 3)]
    return (*before, *across, *after)


def _ending_at(route: Sequence[Point], middle: Point, axis: int) -> list[Point]:
    """Return a route moved at its end, so that it comes straight towards a label's middle.

    What moves are the last curve's end and the handle before it, and all of that curve if it is
    a straight piece beside the label: then the handle of the one before it, too.
    """
    is_beside = len(route) > 4 and route[-3] == route[-4]
    n_moved = 5 if is_beside else 2
    kept, moved = route[:-n_moved], route[-n_moved:]
    return [*kept, *[(middle[0], y) if axis == 0 else (x, middle[1]) for x, y in moved]]

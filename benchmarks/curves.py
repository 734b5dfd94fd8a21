"""A layout to figures of its quality, counted on the curves as they are drawn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lazygraph.viz.model import Layout, Point

__all__ = [
    "Quality",
    "Segments",
    "crossings",
    "frames_of",
    "overlaps",
    "quality",
    "segments_of",
    "through",
]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# Straight ones, into which a curve is cut. An odd number: in symmetric pictures many curves cross
# in their middles, which had better not be an end of a piece.
_PIECES = 7
_AT_ONCE = 1_000  # rows of the tables in which all segments of a strip meet all others
_BORDER_PX = 2.0  # how deep in a box a curve is inside it: strokes have a width


class Quality(NamedTuple):
    """What can be counted of a picture.

    ``crossings`` are of curves that have no box in common; ``through`` are pairs of a curve and a
    box, not its own, through which it goes.
    """

    crossings: int
    length_px: float
    through: int
    overlaps: int
    width_px: float
    height_px: float


class Segments(NamedTuple):
    """Straight pieces of curves.

    ``ends`` (n, 4) are x0, y0, x1, y1; ``edges`` (n,) tells which edge's, ``boxes`` (n, 2) which
    boxes that joins.
    """

    ends: Floats
    edges: Ints
    boxes: Ints


def quality(
    sizes: Sequence[tuple[float, float]], edges: Sequence[tuple[int, int]], layout: Layout
) -> Quality:
    """All figures of a layout; memory is linear in edges and boxes."""
    segments = segments_of(edges, layout.routes)
    x0, y0, x1, y1 = segments.ends.T
    frames = frames_of(sizes, layout.centres)
    left, top, right, bottom = frames.T
    return Quality(
        crossings(segments),
        float(np.hypot(x1 - x0, y1 - y0).sum()),
        through(segments, frames),
        overlaps(frames),
        float(right.max() - left.min()),
        float(bottom.max() - top.min()),
    )


def segments_of(edges: Sequence[tuple[int, int]], routes: Sequence[Sequence[Point]]) -> Segments:
    """Curves cut into pieces; those that are straight into one."""
    pieces = [_pieces(np.array(route, dtype=float)) for route in routes]
    ends = np.concatenate([np.empty((0, 4)), *pieces])
    numbers = np.repeat(np.arange(len(pieces)), [len(piece) for piece in pieces])
    boxes = np.array(edges, dtype=np.int64).reshape(-1, 2)[numbers]
    is_long = np.hypot(ends[:, 2] - ends[:, 0], ends[:, 3] - ends[:, 1]) > 1e-9
    return Segments(ends[is_long], numbers[is_long], boxes[is_long])


def _pieces(route: Floats) -> Floats:
    """Straight pieces (n, 4) of Bezier curves joined end to end."""
    t = np.linspace(0, 1, _PIECES + 1)[:, None]
    weights = np.hstack([(1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3])
    found = []
    for n in range(0, len(route) - 1, 3):
        curve = route[n : n + 4]
        points = curve[[0, 3]] if _is_straight(curve) else weights @ curve
        found.append(np.hstack([points[:-1], points[1:]]))
    return np.concatenate(found)


def _is_straight(curve: Floats) -> bool:
    (dx, dy), rest = curve[3] - curve[0], curve[1:3] - curve[0]
    return bool(np.all(np.abs(rest[:, 0] * dy - rest[:, 1] * dx) < 1e-6 * (1 + np.hypot(dx, dy))))


def _strips(lows: Floats, highs: Floats) -> Iterator[tuple[float, float, Ints]]:
    """The picture cut across into strips: bottom, top, and what reaches into each."""
    n_strips = max(1, min(4_000, len(lows) // 40))
    start, height = lows.min(), (highs.max() - lows.min() + 1e-6) / n_strips
    first = ((lows - start) / height).astype(int).clip(0, n_strips - 1)
    last = ((highs - start) / height).astype(int).clip(0, n_strips - 1)
    strips: list[list[int]] = [[] for _ in range(n_strips)]
    for n, (low, high) in enumerate(zip(first.tolist(), last.tolist(), strict=True)):
        for strip in range(low, high + 1):
            strips[strip].append(n)
    for strip, members in enumerate(strips):
        yield (
            start + strip * height,
            start + (strip + 1) * height,
            np.array(members, dtype=np.int64),
        )


def crossings(segments: Segments) -> int:
    """How many points there are where two curves cross that have no box in common."""
    if not len(segments.ends):
        return 0
    ends = segments.ends
    count = 0
    lows, highs = ends[:, [1, 3]].min(axis=1), ends[:, [1, 3]].max(axis=1)
    for low, high, members in _strips(lows, highs):
        for n in range(0, len(members), _AT_ONCE):
            one, other = members[n : n + _AT_ONCE, None], members[None, :]
            y, meet = _meeting(ends[one], ends[other])
            meet &= (one < other) & _apart(segments.boxes[one], segments.boxes[other])
            count += int((meet & (y >= low) & (y < high)).sum())
    return count


def _meeting(one: Floats, other: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """Where lines of segments meet, and whether that is in both; a segment's end is not in it."""
    ax, ay = one[..., 2] - one[..., 0], one[..., 3] - one[..., 1]
    bx, by = other[..., 2] - other[..., 0], other[..., 3] - other[..., 1]
    dx, dy = other[..., 0] - one[..., 0], other[..., 1] - one[..., 1]
    turn = ax * by - ay * bx
    with np.errstate(divide="ignore", invalid="ignore"):
        t, u = (dx * by - dy * bx) / turn, (dx * ay - dy * ax) / turn
        y = one[..., 1] + t * ay
    return y, (np.abs(turn) > 1e-9) & (t >= 0) & (t < 1) & (u >= 0) & (u < 1)


def _apart(one: Ints, other: Ints) -> NDArray[np.bool_]:
    """Whether edges have no box in common."""
    apart: NDArray[np.bool_] = (one[..., :, None] != other[..., None, :]).all(axis=(-1, -2))
    return apart


def frames_of(sizes: Sequence[tuple[float, float]], centres: Sequence[Point]) -> Floats:
    """Left, top, right, bottom of boxes: (n, 4)."""
    middles, halves = np.array(centres, dtype=float), np.array(sizes, dtype=float) / 2
    return np.hstack([middles - halves, middles + halves])


def overlaps(frames: Floats) -> int:
    """How many pairs of boxes overlap."""
    count = 0
    for low, high, members in _strips(frames[:, 1], frames[:, 3]):
        for n in range(0, len(members), _AT_ONCE):
            one, other = members[n : n + _AT_ONCE, None], members[None, :]
            (x0, y0, x1, y1), (u0, v0, u1, v1) = frames[one].T, frames[other].T
            top = np.maximum(y0, v0)
            meet = (x0 < u1) & (u0 < x1) & (y0 < v1) & (v0 < y1) & (one < other).T
            count += int((meet & (top >= low) & (top < high)).sum())
    return count


def through(segments: Segments, frames: Floats) -> int:
    """How many pairs there are of an edge and a box not its own that the edge's curve is in."""
    if not len(segments.ends):
        return 0
    frames = frames + np.array([1, 1, -1, -1]) * _BORDER_PX
    ends = segments.ends
    n_segments = len(ends)
    lows = np.concatenate([ends[:, [1, 3]].min(axis=1), frames[:, 1]])
    highs = np.concatenate([ends[:, [1, 3]].max(axis=1), frames[:, 3]])
    found: set[tuple[int, int]] = set()
    for _, _, members in _strips(lows, highs):
        lines, boxes = members[members < n_segments], members[members >= n_segments] - n_segments
        for n in range(0, len(lines), _AT_ONCE):
            some = lines[n : n + _AT_ONCE]
            inside = _enters(ends[some][:, None], frames[boxes][None])
            inside &= (segments.boxes[some][:, None, :] != boxes[None, :, None]).all(axis=-1)
            line, box = np.nonzero(inside)
            edges = segments.edges[some][line]
            found.update(zip(edges.tolist(), boxes[box].tolist(), strict=True))
    return len(found)


def _enters(ends: Floats, frames: Floats) -> NDArray[np.bool_]:
    """Whether segments go through the inside of frames. Source: Liang & Barsky (1984)."""
    first, last = np.zeros(()), np.ones(())
    for axis in (0, 1):
        start, along = ends[..., axis], ends[..., axis + 2] - ends[..., axis]
        low, high = frames[..., axis], frames[..., axis + 2]
        with np.errstate(divide="ignore", invalid="ignore"):
            enter, leave = (low - start) / along, (high - start) / along
        is_in = np.where((start > low) & (start < high), np.inf, -np.inf)
        earlier = np.where(along == 0, -is_in, np.minimum(enter, leave))
        later = np.where(along == 0, is_in, np.maximum(enter, leave))
        first, last = np.maximum(first, earlier), np.minimum(last, later)
    inside: NDArray[np.bool_] = first < last
    return inside

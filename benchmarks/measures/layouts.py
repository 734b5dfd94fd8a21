"""How long a layout takes, and how good it is."""

from __future__ import annotations

from statistics import median
from time import perf_counter

from benchmarks.jobs import Figures, Job, Withheld
from benchmarks.measures.repeat import repeated
from benchmarks.shapes import SHAPES, Shape
from lazygraph.errors import DrawingError
from lazygraph.viz.layout import dot_layout, layered_layout
from lazygraph.viz.layout.dot_program import find_dot
from lazygraph.viz.model import Layout

__all__ = ["layout_quality", "layout_time"]

_MOST_SECONDS = 30.0  # for dot, which may take hours


def _ours(shape: Shape) -> Layout:
    return layered_layout(shape.sizes, shape.edges)


def _dots(shape: Shape) -> Layout:
    if find_dot() is None:
        raise Withheld("the program dot is not installed")
    try:
        return dot_layout(shape.sizes, shape.edges, timeout_seconds=_MOST_SECONDS)
    except DrawingError as error:
        raise Withheld(str(error)) from error


_ENGINES = {"lazygraph": _ours, "dot": _dots}


def layout_time(job: Job) -> Figures:
    """Milliseconds from sizes and edges to places; for dot, of the process that it is."""
    engine, shape = _ENGINES[job.engine], SHAPES[job.workload](job.n)

    def seconds() -> float:
        start = perf_counter()
        engine(shape)
        return perf_counter() - start

    return {"layout_ms": 1e3 * median(repeated(seconds))}


def layout_quality(job: Job) -> Figures:
    """What can be counted of a picture.

    Returns
    -------
    Figures
        ``crossings+1`` of edges that have no task in common, one more than there are, since many
        shapes have none; ``length_px`` of all edges; ``width_px``; ``through``, edges that go
        through tasks.
    """
    from benchmarks.curves import quality  # late: numpy is optional

    shape = SHAPES[job.workload](job.n)
    seen = quality(shape.sizes, shape.edges, _ENGINES[job.engine](shape))
    return {
        "crossings+1": seen.crossings + 1.0,
        "length_px": seen.length_px,
        "width_px": seen.width_px,
        "through": float(seen.through),
    }

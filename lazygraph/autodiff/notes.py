"""A goal -> what a picture says of it: values forward, derivatives back, on every edge."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from lazygraph import config
from lazygraph.autodiff.by_name import Backward, backward
from lazygraph.errors import DrawingError, InputError
from lazygraph.graphs.compile import unique_nodes
from lazygraph.graphs.nodes import Node
from lazygraph.run import Run
from lazygraph.tasks.keys import Key
from lazygraph.tasks.reprs import short_repr
from lazygraph.viz.look import MOST_TASKS, PARTIAL, Detail, Notes
from lazygraph.viz.text import one_line, truncated

__all__ = ["gradient_notes"]

_MOST_NUMBERS = 3
_LESS = 10  # than a box has room for


def gradient_notes(goal: Node, wrt: Any, inputs: Mapping[Any, Any] | None, detail: Detail) -> Notes:
    """Return what to write beside edges and into boxes.

    With values for all inputs, the numbers, computed here; else the derivatives' names. Of tasks
    that are too many to be drawn one by one, nothing.

    Raises
    ------
    DrawingError
        For the detail that has no edges between tasks.
    """
    if detail == "full":
        raise DrawingError(
            'gradients=True writes on edges between tasks, and detail="full" draws none: leave it out'
        )
    by = backward(goal, wrt)
    found = unique_nodes([goal])
    nodes = dict(zip(found.keys(), found.nodes, strict=True))
    if detail != "tasks" and len(nodes) > MOST_TASKS:
        return Notes()
    try:
        return _with_numbers(by, nodes, inputs)
    except InputError:
        if inputs:
            raise
        return Notes(edges=dict.fromkeys(by.edges, ""))


def _with_numbers(
    by: Backward, nodes: Mapping[Key, Node], inputs: Mapping[Any, Any] | None
) -> Notes:
    wanted = [*nodes.values(), *by.totals.values(), *by.edges.values()]
    # Its own seed, lest a picture move what the computes after it draw.
    run = Run("visualize", {"inputs": inputs, "seed": config.get("seed")})
    found = map(_text, run.nodes(wanted))
    values = dict(zip(nodes, found, strict=False))
    totals = dict(zip(by.totals, found, strict=False))
    edges = dict(zip(by.edges, found, strict=False))
    return Notes(
        values=values,
        totals={key: f"{PARTIAL} {text}" for key, text in totals.items()},
        edges={edge: f"{PARTIAL} {text}" for edge, text in edges.items()},
    )


def _text(value: Any) -> str:
    """Return a number with four digits, or a few; of many, shape and norm; else a short form."""
    if isinstance(value, np.ndarray) and value.ndim > 0 and value.size <= _MOST_NUMBERS:
        return f"[{', '.join(map(_text, value.reshape(-1).tolist()))}]"
    value = value[()] if isinstance(value, np.ndarray) else value
    if isinstance(value, (float, complex, np.inexact)):
        return f"{value:.4g}".replace("-", "\u2212")
    shape = getattr(value, "shape", ())
    if isinstance(shape, tuple) and shape:
        return str(tuple(map(int, shape))) + _norm(value)
    return truncated(one_line(short_repr(value)), _LESS)


def _norm(value: Any) -> str:
    """Return the length of an array as one vector, if it is of numbers."""
    if not isinstance(value, np.ndarray) or value.dtype.kind not in "biufc":
        return ""
    return f" |{float(np.linalg.norm(value.astype(complex).reshape(-1))):.3g}|"

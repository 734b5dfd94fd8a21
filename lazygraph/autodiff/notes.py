"""A goal -> what a picture says of it: values forward, derivatives back, on every edge."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lazygraph.autodiff.by_name import Backward, backward
from lazygraph.errors import InputError
from lazygraph.keys import Key
from lazygraph.nodes import Node, steps_of
from lazygraph.running import Run
from lazygraph.shorten import short_repr
from lazygraph.viz.look import Notes

__all__ = ["gradient_notes"]

_MOST_NUMBERS = 3


def gradient_notes(goal: Node, wrt: Any, inputs: Mapping[Any, Any] | None) -> Notes:
    """What to write beside edges and into boxes.

    With values for all inputs, the numbers, computed here; else the derivatives' names.
    """
    by = backward(goal, wrt)
    nodes = {node._get_key(): node for node in steps_of([goal])[0]}
    try:
        return _with_numbers(by, nodes, inputs)
    except InputError:
        if inputs:
            raise
        return _with_names(by, nodes)


def _with_numbers(
    by: Backward, nodes: Mapping[Key, Node], inputs: Mapping[Any, Any] | None
) -> Notes:
    wanted = [*nodes.values(), *by.totals.values(), *by.edges.values()]
    found = map(_text, Run("visualize", inputs=inputs).nodes(wanted))
    values = dict(zip(nodes, found, strict=False))
    totals = dict(zip(by.totals, found, strict=False))
    edges = dict(zip(by.edges, found, strict=False))
    return Notes(
        edges={edge: f"{values[edge[0]]} \u00b7 \u2202 {text}" for edge, text in edges.items()},
        boxes={key: f"= {values[key]} \u00b7 \u2202 {text}" for key, text in totals.items()},
        values={key: f"= {text}" for key, text in values.items()},
    )


def _with_names(by: Backward, nodes: Mapping[Key, Node]) -> Notes:
    goal = by.goal._function.name
    names = {key: node._function.name for key, node in nodes.items()}
    return Notes(edges={edge: f"\u2202{goal}/\u2202{names[edge[0]]}" for edge in by.edges})


def _text(value: Any) -> str:
    """A number with four digits, a few of them, or the shape of many."""
    shape = getattr(value, "shape", None)
    if shape is not None and getattr(value, "size", 0) > _MOST_NUMBERS:
        return " \u00d7 ".join(map(str, shape))
    if shape:
        return f"[{', '.join(map(_text, value.reshape(-1).tolist()))}]"
    if isinstance(value, complex):
        return f"{value:.4g}"
    if isinstance(value, (int, float)) or shape == ():
        return f"{float(value):.4g}".replace("-", "\u2212")
    return short_repr(value)

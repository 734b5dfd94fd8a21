"""A graph to what is to be seen of it: a box per task, an edge per dependency, no places yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, islice
from typing import Any

from lazygraph.classic import value_of
from lazygraph.errors import DrawingError
from lazygraph.fused import Fused
from lazygraph.graph import Graph
from lazygraph.keys import Key
from lazygraph.shorten import short_call, short_repr
from lazygraph.sites import Sites
from lazygraph.task import Ref, Task
from lazygraph.viz.colours import DATA, Colours, colours_by_name
from lazygraph.viz.text import one_line, text_width_px, truncated

__all__ = ["DETAIL_PX", "LABEL_PX", "Box", "Layout", "Point", "Scene", "make_scene"]

LABEL_PX, DETAIL_PX = 13, 10
_PADDING_PX = 12
_LEAST_WIDTH_PX = 44.0
_MOST_LITERALS = 8
_ALIAS = "= "  # before the label of a task that only passes another's result on

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Box:
    """How one task is shown."""

    label: str
    detail: str  # the second line; empty for none
    tooltip: str
    function: str  # the function's name; empty for data
    is_output: bool

    @property
    def width_px(self) -> float:
        """Enough for both lines."""
        widths = text_width_px(self.label, LABEL_PX), text_width_px(self.detail, DETAIL_PX)
        return max(_LEAST_WIDTH_PX, round(max(widths) + 2 * _PADDING_PX))

    @property
    def height_px(self) -> float:
        """Enough for one line, or for two."""
        return 42.0 if self.detail else 30.0


@dataclass(frozen=True, slots=True)
class Scene:
    """Boxes, each after those it depends on, and edges between their indices.

    An edge is (dependency, dependent); edges are sorted by dependent.
    """

    boxes: tuple[Box, ...]
    edges: tuple[tuple[int, int], ...]
    colours: dict[str, Colours]  # by `Box.function`


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a scene's boxes and edges are, in px from the top left.

    A route is the control points of cubic Bezier curves joined end to end, ``1 + 3 n`` of
    them, from the dependency's box to the dependent's.
    """

    width_px: float
    height_px: float
    centres: tuple[Point, ...]
    routes: tuple[tuple[Point, ...], ...]


def make_scene(graph: Graph, outputs: Sequence[Key]) -> Scene:
    """What is to be seen of `graph`.

    Raises
    ------
    DrawingError
        If the graph is empty.
    MissingKeyError, CycleError
        If the graph cannot run.

    Notes
    -----
    O(tasks + arguments).
    """
    if not graph:
        raise DrawingError("the graph has no task: there is nothing to draw")
    for key in outputs:
        graph[key]
    order = graph.toposort()
    maker = _BoxMaker(outputs)
    boxes = [maker.box(key, graph[key]) for key in order]
    index = {key: n for n, key in enumerate(order)}
    edges = [(index[needed], index[key]) for key in order for needed in graph.dependencies(key)]
    colours = colours_by_name(box.function for box in boxes if box.function)
    return Scene(tuple(boxes), tuple(edges), {"": DATA, **colours})


class _Result:
    """Stands in a shown call for the result of another task: prints as that task's label."""

    def __init__(self, label: str) -> None:
        self._label = label

    def __repr__(self) -> str:
        return self._label


class _BoxMaker:
    """Makes boxes, dependencies first: a call is shown with their labels as arguments."""

    def __init__(self, outputs: Sequence[Key]) -> None:
        self._outputs = frozenset(outputs)
        self._sites = Sites()
        self._labels: dict[Key, str] = {}

    def box(self, key: Key, task: Task) -> Box:
        names = _function_names(task)
        args, kwargs = self._arguments(task)
        call = short_call(task.name, args, kwargs)
        lines = (str(key), call, self._sites.text(task._code, task._lasti))
        tooltip = "\n".join(one_line(line) for line in lines if line)
        label, detail = _data_text(args), ""
        if names:
            label = one_line(_joined(names))
            detail = one_line(", ".join(_literals(task, args, kwargs)))
        label, function = truncated(label), one_line(names[-1]) if names else ""
        self._labels[key] = label.removeprefix(_ALIAS)
        return Box(label, truncated(detail), tooltip, function, key in self._outputs)

    def _arguments(self, task: Task) -> tuple[tuple[Any, ...], dict[str, Any]]:
        leaves = tuple(
            [
                _Result(self._labels[leaf.key]) if type(leaf) is Ref else leaf
                for leaf in task._leaves
            ]
        )
        try:
            return task._arguments(leaves)
        except Exception:  # a user's container may refuse what stands for a result
            return leaves, {}


def _function_names(task: Task) -> list[str]:
    """Of the functions that the task calls, first to last; none if it only holds data."""
    names = []
    stack = [task]
    while stack:
        task = stack.pop()
        func = task.func
        if isinstance(func, Fused):
            stack.extend(member.task for member in reversed(func.members))
        elif func is not value_of:
            names.append(task.name)
    return names


def _joined(names: Sequence[str]) -> str:
    runs = [(name, len(list(group))) for name, group in groupby(names)]
    return " + ".join(name if n == 1 else f"{name} x{n}" for name, n in runs)


def _data_text(args: tuple[Any, ...]) -> str:
    text = one_line(short_repr(args[0])) if args else ""
    return _ALIAS + text if args and type(args[0]) is _Result else text


def _literals(task: Task, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[str]:
    """The arguments with no result inside: those that are leaves as they stand."""
    plain = {id(leaf) for leaf in task._leaves if type(leaf) is not Ref}
    named = [("", value) for value in args] + [(f"{name}=", kwargs[name]) for name in kwargs]
    shown = (name + short_repr(value) for name, value in named if id(value) in plain)
    return list(islice(shown, _MOST_LITERALS))

"""What a picture is made of: boxes and edges to be seen, then places for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal, NamedTuple

from lazygraph.viz.text import printable

__all__ = [
    "Box",
    "Colours",
    "Edge",
    "Flow",
    "Heading",
    "Hue",
    "Layout",
    "LegendEntry",
    "Mark",
    "Point",
    "Scale",
    "Scene",
    "Shape",
    "Sign",
]

Point = tuple[float, float]
_BETWEEN = " \u00b7 "

#: "call": a task; "data": a literal or an input; "function": a call as Dask draws it, round;
#: "group": many tasks; "fused": one task that runs several.
Shape = Literal["call", "data", "function", "group", "fused"]
#: What is marked by more than colour.
Mark = Literal[
    "output", "input", "failed", "cached", "skipped", "slow", "running", "pending", "focus"
]


class _Text:
    """Has only texts that every file can hold, whoever wrote them."""

    __slots__ = ()
    _texts: ClassVar[tuple[str, ...]] = ("text",)

    def __post_init__(self) -> None:
        whole = "".join([getattr(self, name) for name in self._texts])
        if printable(whole) is not whole:
            for name in self._texts:
                object.__setattr__(self, name, printable(getattr(self, name)))


class Colours(NamedTuple):
    """Of one box, as ``#rrggbb``."""

    fill: str
    stroke: str
    text: str


@dataclass(frozen=True, slots=True)
class Box(_Text):
    """How a task, a piece of data or a group of tasks is shown.

    Attributes
    ----------
    label, detail : str
        The first line, and the second; empty for none. What a picture can hold, and no longer
        than it shows.
    tooltip : str
        Lines that tell all: key, call, site, and after a run seconds, bytes, worker.
    name : str
        What a search looks for: the key, whole.
    function : str
        The function's name, which gives the colour; empty for data.
    members : tuple of str
        Of a fused task: its functions, first to last.
    count : int
        How many tasks it stands for; 0 for what stands beside boxes that do.
    value : float or None
        Where its colour stands for a quantity: from 0 to 1.
    category : str
        What gives the colour where the function does not: the worker.
    back : str
        After the second line, in the colour of what flows back: the derivative by its result.
    width_px, height_px : float
        Its size, with all lines inside.
    """

    _texts = ("label", "detail", "tooltip", "name", "function", "category", "back")

    label: str
    detail: str = ""
    tooltip: str = ""
    name: str = ""
    function: str = ""
    shape: Shape = "call"
    marks: frozenset[Mark] = frozenset()
    members: tuple[str, ...] = ()
    count: int = 1
    value: float | None = None
    width_px: float = 44.0
    height_px: float = 30.0
    category: str = ""
    back: str = ""

    @property
    def second_line(self) -> str:
        """All of it, for formats that have one colour for it."""
        return _BETWEEN.join([text for text in (self.detail, self.back) if text])

    @property
    def hue_name(self) -> str:
        """Its name among `Scene.hues`; empty for a box without a hue, data for one."""
        return self.category or self.function


@dataclass(frozen=True, slots=True)
class Edge(_Text):
    """A dependency from one box to another, along the data: indices of boxes, start to end.

    Attributes
    ----------
    label : str
        Shown beside it: "8 : 1" between groups, a value that flows; empty for none.
    count : int
        How many dependencies it stands for.
    back : str
        What flows back along it, a derivative, shown on its other side; empty for none.
    """

    _texts = ("label", "back")

    start: int
    end: int
    label: str = ""
    count: int = 1
    back: str = ""

    @property
    def text(self) -> str:
        """All that is shown beside it, for formats with one place for it."""
        return _BETWEEN.join([text for text in (self.label, self.back) if text])


@dataclass(frozen=True, slots=True)
class Heading(_Text):
    """Words in a legend: what its colours stand for, or how many names it leaves out."""

    text: str


@dataclass(frozen=True, slots=True)
class Hue(_Text):
    """A function or a worker, shown in its colour."""

    _texts = ("name",)

    name: str


@dataclass(frozen=True, slots=True)
class Scale(_Text):
    """The colours of a quantity, between its least and its greatest value."""

    _texts = ("low", "high")

    low: str
    high: str


@dataclass(frozen=True, slots=True)
class Sign(_Text):
    """A mark and what it means."""

    mark: Mark
    text: str


@dataclass(frozen=True, slots=True)
class Flow(_Text):
    """What flows along edges, forward or back."""

    text: str
    is_back: bool


#: What stands in a legend, in this order.
LegendEntry = Heading | Hue | Scale | Sign | Flow


@dataclass(frozen=True, slots=True)
class Scene(_Text):
    """All that is to be seen: boxes, each after those it depends on, edges sorted by end."""

    _texts = ("title", "caption")

    boxes: tuple[Box, ...]
    edges: tuple[Edge, ...]
    title: str = ""
    caption: str = ""  # "5,000 tasks drawn as 14 groups; detail='tasks' draws all"
    legend: tuple[LegendEntry, ...] = ()
    n_tasks: int = 0  # in the graph, shown or not
    n_dependencies: int = 0  # between tasks that are shown, drawn or not
    hues: Mapping[str, int] = field(default_factory=dict)  # by `Box.hue_name`: which hue
    rankdir: str = "BT"  # where the data flows


@dataclass(frozen=True, slots=True)
class Layout:
    """Where boxes and edges are, in px from the top left.

    Attributes
    ----------
    centres : tuple of Point
        Of the boxes.
    routes : tuple of tuple of Point
        Of the edges: control points of cubic Bezier curves joined end to end, ``1 + 3 n`` of
        them, from the border of the start's box to the border of the end's.
    labels : tuple of Point or None
        The middles of the edges' labels, where they have places of their own; else empty.
    """

    width_px: float
    height_px: float
    centres: tuple[Point, ...]
    routes: tuple[tuple[Point, ...], ...]
    labels: tuple[Point | None, ...] = ()

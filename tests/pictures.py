"""Graphs to draw, and their pictures read back from the SVG text."""

from __future__ import annotations

import random
import re
import xml.etree.ElementTree as ET
from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import combinations, product
from typing import Any, NamedTuple

import pytest
from hypothesis import strategies as st

from lazygraph import Delayed, Graph, Ref, Task, delayed
from lazygraph.viz import draw

SVG = "{http://www.w3.org/2000/svg}"
CELL_PX = 200
TOUCH_PX = 1.0  # coordinates are rounded: by us to 0.1 px, by dot to five digits

Point = tuple[float, float]


def square(x: int) -> int:
    return x * x


def sum_list(values: list[int]) -> int:
    return sum(values)


def join(*args: Any, **kwargs: Any) -> Any:
    return args, kwargs


def load(path: str) -> str:
    return path


def clean(text: str, by: int = 0) -> str:
    return text * by


def named(name: str) -> Any:
    def function(*args: Any) -> None: ...

    function.__name__ = name
    return function


NASTY = [
    "<script>alert(1)</script>",
    "]]>&amp;<!--",
    "\"quotes' and \\backslashes\\",
    "bell\a escape\x1b null\0",
    "half a pair \ud83d and \uffff",
    "two\nlines\r\nand\ttabs",
    "合計 Größe 🙂",
    "<b>not html</b>",
    "trailing\\",
]


# ----------------------------------------------------------------- graphs
def of_dependencies(dependencies: dict[Any, list[Any]]) -> Graph:
    return Graph({key: Task(join, tuple(map(Ref, deps))) for key, deps in dependencies.items()})


def tutorial() -> Graph:
    return delayed(sum_list)([delayed(square)(x) for x in [1, 2, 3]]).graph


def arithmetic() -> Graph:
    """(x + y) * z"""
    x, y, z = delayed(1, name="x"), delayed(2, name="y"), delayed(3, name="z")
    return ((x + y) * z).graph


def tree() -> Graph:
    """16 leaves, added in pairs."""
    row: list[Delayed[Any]] = [delayed(square)(n) for n in range(16)]
    while len(row) > 1:
        row = [left + right for left, right in zip(row[::2], row[1::2], strict=True)]
    return row[0].graph


def map_reduce() -> Graph:
    return delayed(join)([delayed(clean)(delayed(load)(f"{n}.csv"), by=2) for n in range(30)]).graph


def long_edges() -> Graph:
    """A chain of 12, each task of which also needs the first."""
    return of_dependencies({n: sorted({0, n - 1}) if n else [] for n in range(12)})


def separate() -> Graph:
    """Two graphs without an edge between them, and a task alone."""
    return of_dependencies({"a": [], "b": ["a"], "c": [], "d": ["c"], "e": ["d", "c"], "f": []})


def random_graph(n_tasks: int, seed: int) -> Graph:
    rng = random.Random(seed)
    return of_dependencies(
        {
            n: sorted({rng.randrange(n) for _ in range(min(n, rng.randrange(4)))})
            for n in range(n_tasks)
        }
    )


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    n_tasks = draw(st.integers(1, 14))
    return of_dependencies(
        {n: draw(st.lists(st.integers(0, n - 1), unique=True)) if n else [] for n in range(n_tasks)}
    )


GRAPHS = {
    make.__name__: make for make in (tutorial, arithmetic, tree, map_reduce, long_edges, separate)
}


def own_svg(graph: Graph, outputs: Any = ()) -> str:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", "")
        return draw(graph, outputs).svg


# ------------------------------------------------------- pictures, read back
class Shape(NamedTuple):
    key: str
    tooltip: str
    left: float
    top: float
    right: float
    bottom: float
    fill: str
    outline_px: float
    texts: list[str]

    def has(self, point: Point, margin_px: float) -> bool:
        (x, y), m = point, margin_px
        return self.left - m <= x <= self.right + m and self.top - m <= y <= self.bottom + m


def shape(group: ET.Element) -> Shape:
    tooltip = group.find(f"{SVG}title").text
    rect = group.find(f"{SVG}rect").attrib
    x, y, width, height = (float(rect[name]) for name in ("x", "y", "width", "height"))
    texts = [text.text or "" for text in group.iter(f"{SVG}text")]
    key = tooltip.split("\n")[0]
    outline_px = float(rect["stroke-width"])
    return Shape(key, tooltip, x, y, x + width, y + height, rect["fill"], outline_px, texts)


class Picture:
    def __init__(self, svg: str) -> None:
        self.root = ET.fromstring(svg)
        groups = [g for g in self.root.iter(f"{SVG}g") if g.find(f"{SVG}rect") is not None]
        self.shapes = [shape(group) for group in groups]
        lines = [path.attrib for path in self.root.iter(f"{SVG}path") if "fill" not in path.attrib]
        self.routes = [points(attributes["d"]) for attributes in lines]
        self.cells: dict[Point, list[Shape]] = defaultdict(list)
        for box in self.shapes:
            columns = range(int(box.left // CELL_PX), int(box.right // CELL_PX) + 1)
            rows = range(int(box.top // CELL_PX), int(box.bottom // CELL_PX) + 1)
            for cell in product(columns, rows):
                self.cells[cell].append(box)

    def labels(self) -> Counter[str]:
        return Counter(box.texts[0] for box in self.shapes)

    def box(self, label: str) -> Shape:
        (found,) = [box for box in self.shapes if box.texts[0] == label]
        return found

    def boxes_at(self, point: Point, margin_px: float) -> set[str]:
        x, y = point
        near = [
            self.cells.get(((x + dx) // CELL_PX, (y + dy) // CELL_PX), ())
            for dx in (-1, 1)
            for dy in (-1, 1)
        ]
        return {box.key for cell in near for box in cell if box.has(point, margin_px)}


def points(path: str) -> list[Point]:
    return [(float(x), float(y)) for x, y in re.findall(r"(-?[\d.]+),(-?[\d.]+)", path)]


def along(route: list[Point]) -> Iterator[Point]:
    """Points on an edge's curves."""
    for n in range(0, len(route) - 1, 3):
        for t in (0.1, 0.3, 0.5, 0.7, 0.9):
            weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3)
            curve = list(zip(weights, route[n : n + 4], strict=True))
            yield sum(w * x for w, (x, _) in curve), sum(w * y for w, (_, y) in curve)


def check_boxes(graph: Graph, picture: Picture) -> None:
    """Each task is one box, inside the picture, over no other."""
    assert Counter(box.key for box in picture.shapes) == Counter(map(str, graph))
    for cell in picture.cells.values():
        for one, other in combinations(cell, 2):
            assert (
                one.right < other.left
                or other.right < one.left
                or one.bottom < other.top
                or other.bottom < one.top
            ), (one, other)
    width, height = (float(picture.root.attrib[name]) for name in ("width", "height"))
    for box in picture.shapes:
        assert 0 < box.left < box.right < width
        assert 0 < box.top < box.bottom < height


def check_edges(graph: Graph, picture: Picture) -> None:
    """Each dependency is one edge, from its box up to the dependent's."""
    wanted = Counter((str(dep), str(key)) for key in graph for dep in graph.dependencies(key))
    ends = [
        (picture.boxes_at(route[0], TOUCH_PX), picture.boxes_at(route[-1], TOUCH_PX))
        for route in picture.routes
    ]
    assert all(len(starts) == len(stops) == 1 for starts, stops in ends)
    assert Counter((*starts, *stops) for starts, stops in ends) == wanted
    for route, ((start,), (stop,)) in zip(picture.routes, ends, strict=True):
        for end in (route[0], route[-1]):  # on the outline, not somewhere inside
            assert not picture.boxes_at(end, -TOUCH_PX)
        assert route[-1][1] < route[0][1], f"{start} -> {stop} goes down"

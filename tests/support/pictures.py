"""Graphs to draw, and their pictures read back from the SVG text."""

from __future__ import annotations

import random
import re
import xml.etree.ElementTree as ET
from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import combinations, pairwise, product
from math import hypot
from typing import Any, NamedTuple

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


def own_svg(graph: Graph, outputs: Any = (), **look: Any) -> str:
    return draw(graph, outputs, **{"detail": "tasks", **look}).svg


# ------------------------------------------------------- pictures, read back
class Shape(NamedTuple):
    key: str
    tooltip: str
    left: float
    top: float
    right: float
    bottom: float
    fill: str
    stroke: str
    outline_px: float
    dash: str
    n_outlines: int  # an output has two, a group three
    texts: list[str]

    def has(self, point: Point, margin_px: float) -> bool:
        (x, y), m = point, margin_px
        return self.left - m <= x <= self.right + m and self.top - m <= y <= self.bottom + m


def shape(group: ET.Element) -> Shape:
    tooltip = group.find(f"{SVG}title").text
    rects = [rect.attrib for rect in group.findall(f"{SVG}rect")]
    outlines = [rect for rect in rects if rect["width"] != "13"]  # those are badges
    drawn = [rect for rect in outlines if rect["fill"] != "none"]
    lefts, tops = ([float(rect[name]) for rect in drawn] for name in ("x", "y"))
    front = drawn[-1]
    return Shape(
        key=tooltip.split("\n")[0],
        tooltip=tooltip,
        left=min(lefts),
        top=min(tops),
        right=max(lefts) + float(front["width"]),
        bottom=max(tops) + float(front["height"]),
        fill=front["fill"],
        stroke=front["stroke"],
        outline_px=float(front.get("stroke-width", "1.2")),
        dash=front.get("stroke-dasharray", ""),
        n_outlines=len(outlines),
        texts=[text.text or "" for text in group.iter(f"{SVG}text")],
    )


class Route(NamedTuple):
    start: Point
    end: Point  # the arrow's tip
    lines: list[list[Point]]  # two points, or the four of a curve
    stroke: dict[str, str]


class Picture:
    def __init__(self, svg: str) -> None:
        self.root = ET.fromstring(svg)
        groups = [g for g in self.root.iter(f"{SVG}g") if g.find(f"{SVG}title") is not None]
        self.shapes = [shape(group) for group in groups]
        self.routes = list(self._read_routes())
        self.texts = [text.text for text in self.root.findall(f"{SVG}text")]
        self.cells: dict[Point, list[Shape]] = defaultdict(list)
        for box in self.shapes:
            columns = range(int(box.left // CELL_PX), int(box.right // CELL_PX) + 1)
            rows = range(int(box.top // CELL_PX), int(box.bottom // CELL_PX) + 1)
            for cell in product(columns, rows):
                self.cells[cell].append(box)

    def _read_routes(self) -> Iterator[Route]:
        """Edges are groups of paths, each followed by the heads of all of them."""
        for group, heads in pairwise(self.root):
            if group.tag == f"{SVG}g" and group.find(f"{SVG}title") is None:
                tips = [lines[0][0] for lines in read_path(heads.attrib["d"])]
                for path, tip in zip(group, tips, strict=True):
                    (lines,) = read_path(path.attrib["d"])
                    yield Route(lines[0][0], tip, lines, group.attrib)

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


def read_path(text: str) -> list[list[list[Point]]]:
    """The lines and curves of each part of an SVG path, their points absolute."""
    parts: list[list[list[Point]]] = []
    at = (0.0, 0.0)
    for letter, rest in re.findall(r"([MlcZz])([^MlcZz]*)", text):
        numbers = [float(number) for number in re.findall(r"-?(?:\d+\.?\d*|\.\d+)", rest)]
        points = list(zip(numbers[::2], numbers[1::2], strict=True))
        if letter == "M":
            (at,) = points
            parts.append([])
        elif points:
            assert len(points) == {"l": 1, "c": 3}[letter]
            moved = [(round(at[0] + x, 1), round(at[1] + y, 1)) for x, y in points]
            parts[-1].append([at, *moved])
            at = moved[-1]
    return parts


def along(route: Route) -> Iterator[Point]:
    """Points on an edge's lines and curves."""
    for line in route.lines:
        for t in (0.1, 0.3, 0.5, 0.7, 0.9):
            weights = [1 - t, t]
            if len(line) == 4:
                weights = [(1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3]
            curve = list(zip(weights, line, strict=True))
            yield sum(w * x for w, (x, _) in curve), sum(w * y for w, (_, y) in curve)


def check_boxes(graph: Graph, picture: Picture) -> None:
    """Each task is one box, inside the picture, over no other."""
    assert Counter(box.key for box in picture.shapes) == Counter(map(str, graph))
    check_places(picture)


def check_places(picture: Picture) -> None:
    """Boxes are inside the picture, and over no other."""
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


def check_edges(graph: Graph, picture: Picture, rankdir: str = "BT") -> None:
    """Each dependency is one edge, from its box along the data to the dependent's."""
    wanted = Counter((str(dep), str(key)) for key in graph for dep in graph.dependencies(key))
    ends = [
        (picture.boxes_at(route.start, TOUCH_PX), picture.boxes_at(route.end, TOUCH_PX))
        for route in picture.routes
    ]
    assert all(len(starts) == len(stops) == 1 for starts, stops in ends)
    assert Counter((*starts, *stops) for starts, stops in ends) == wanted
    for route, ((start,), (stop,)) in zip(picture.routes, ends, strict=True):
        for end in (route.start, route.end):  # on the outline, not somewhere inside
            assert not picture.boxes_at(end, -TOUCH_PX)
        (x, y), (end_x, end_y) = route.start, route.end
        ahead = {"BT": y - end_y, "TB": end_y - y, "LR": end_x - x, "RL": x - end_x}
        assert ahead[rankdir] > 0, f"{start} -> {stop} goes back"
        last = route.lines[-1][-1]
        assert hypot(last[0] - end_x, last[1] - end_y) < 8, "the line ends at its head"


# ---------------------------------------------------------------- colours
def luminance(colour: str) -> float:
    """As WCAG 2 defines it."""
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted([luminance(one), luminance(other)])
    return (high + 0.05) / (low + 0.05)


def overlaps(boxes: list[tuple[float, float, float, float]]) -> int:
    count = 0
    for n, (x, y, w, h) in enumerate(boxes):
        for u, v, a, b in boxes[:n]:
            count += abs(x - u) < (w + a) / 2 - 1e-6 and abs(y - v) < (h + b) / 2 - 1e-6
    return count

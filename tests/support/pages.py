"""Scenes made by hand with plain places for them, and pages read back."""

from __future__ import annotations

import base64
import json
import random
import re
import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any

from lazygraph.viz.model import Box, Edge, Layout, Mark, Point, Scene

FUNCTIONS = ("load", "clean", "join", "score")
ROW_PX, COLUMN_PX = 90.0, 80.0


@dataclass
class Groups:
    """What the page needs of groups."""

    members: list[list[int]]


# ----------------------------------------------------------------- scenes
def box(n: int, function: str, marks: Iterable[Mark] = ()) -> Box:
    key = f"{function}-{n}-9f3c2e1a7b04"
    tooltip = f"{key}\n{function}({n})\npipeline.py:{10 + len(function)}"
    return Box(
        function, tooltip=tooltip, name=key, function=function, marks=frozenset(marks), width_px=60
    )


def scene_of(names: Sequence[str], edges: Iterable[tuple[int, int]], **more: Any) -> Scene:
    pairs = sorted(set(edges), key=lambda edge: (edge[1], edge[0]))
    boxes = tuple(box(n, name) for n, name in enumerate(names))
    hues = {name: n for n, name in enumerate(sorted(set(names)))}
    edges_ = tuple(Edge(start, end) for start, end in pairs)
    return Scene(boxes, edges_, n_tasks=len(boxes), hues=hues, **more)


def diamond() -> Scene:
    """load -> (clean, clean) -> join, the two side by side."""
    return scene_of(["load", "clean", "clean", "join"], [(0, 1), (0, 2), (1, 3), (2, 3)])


def random_scene(n: int, seed: int = 1) -> Scene:
    dice = random.Random(seed)
    pairs = [(dice.randrange(max(0, end - 12), end), end) for end in range(1, n) for _ in "ab"]
    pairs = [pair for pair in pairs if dice.random() < 0.8]
    return scene_of([dice.choice(FUNCTIONS) for _ in range(n)], pairs)


def stencil(width: int, steps: int) -> Scene:
    """Each task needs the three below it."""
    names = ["load"] * width + ["clean"] * (width * (steps - 1))
    return scene_of(
        names,
        [
            ((row - 1) * width + low, row * width + column)
            for row in range(1, steps)
            for column in range(width)
            for low in (column - 1, column, column + 1)
            if 0 <= low < width
        ],
    )


def fan(n: int) -> tuple[Scene, Groups, Scene]:
    """n loads, each cleaned, all joined: and the three groups of that."""
    names = ["load"] * n + ["clean"] * n + ["join"]
    edges = [(k, n + k) for k in range(n)] + [(n + k, 2 * n) for k in range(n)]
    groups = Groups([list(range(n)), list(range(n, 2 * n)), [2 * n]])
    folded = (
        Box(f"load x{n}", name="", function="load", shape="group", count=n, width_px=90),
        Box(f"clean x{n}", name="", function="clean", shape="group", count=n, width_px=90),
        Box("join", name="", function="join", shape="group", width_px=90),
    )
    scene = scene_of(names, edges)
    pairs = (Edge(0, 1, "", n), Edge(1, 2, f"{n} : 1", n))
    return scene, groups, Scene(folded, pairs, hues=scene.hues, n_tasks=len(names))


def plain_layout(scene: Scene) -> Layout:
    """Rows by longest path from the bottom up, boxes side by side, one curve an edge."""
    level = [0] * len(scene.boxes)
    for edge in scene.edges:
        level[edge.end] = max(level[edge.end], level[edge.start] + 1)
    height = ROW_PX * (max(level, default=0) + 1)
    placed: Counter[int] = Counter()
    centres = []
    for row in level:
        centres.append((COLUMN_PX * (placed[row] + 0.5), height - ROW_PX * (row + 0.5)))
        placed[row] += 1
    routes = tuple(_route(scene, centres, edge) for edge in scene.edges)
    return Layout(COLUMN_PX * max(placed.values(), default=1), height, tuple(centres), routes)


def _route(scene: Scene, centres: Sequence[Point], edge: Edge) -> tuple[Point, ...]:
    (x, y), (to_x, to_y) = centres[edge.start], centres[edge.end]
    y -= scene.boxes[edge.start].height_px / 2
    to_y += scene.boxes[edge.end].height_px / 2
    return (x, y), (x, (y + to_y) / 2), (to_x, (y + to_y) / 2), (to_x, to_y)


def reached(scene: Scene, start: int, *, forward: bool) -> set[int]:
    """All that `start` needs, or all that need it, and itself: edge by edge until no more."""
    found = {start}
    while True:
        more = {
            edge.end if forward else edge.start
            for edge in scene.edges
            if (edge.start if forward else edge.end) in found
        } - found
        if not more:
            return found
        found |= more


# ----------------------------------------------------------------- pages, read back
def data_of(page: str) -> dict[str, Any]:
    found = re.search(r'<script type="text/plain" id="data">([A-Za-z0-9+/=]*)</script>', page)
    assert found is not None
    return json.loads(zlib.decompress(base64.b64decode(found[1])))


def spread(column: Any, n: int) -> list[Any]:
    return column if isinstance(column, list) else [column] * n


def names_of(part: dict[str, Any]) -> list[str]:
    n, boxes = part["n"], part["boxes"]
    names = []
    columns = [spread(boxes[name], n) for name in ("named", "label", "head", "tail")]
    for named, label, head, tail, number in zip(*columns, accumulate(boxes["number"]), strict=True):
        names.append(label * named + head + (str(number) if number >= 0 else "") + tail)
    return names


def tips_of(part: dict[str, Any]) -> list[str]:
    n, boxes = part["n"], part["boxes"]
    columns = [spread(boxes[name], n) for name in ("tipped", "label", "tip")]
    return [label * tipped + tip for tipped, label, tip in zip(*columns, strict=True)]


def centres_of(part: dict[str, Any]) -> list[Point]:
    unit = part["unit"]
    xs, ys = (accumulate(part["boxes"][axis]) for axis in "xy")
    return [(x * unit, y * unit) for x, y in zip(xs, ys, strict=True)]


def edges_of(part: dict[str, Any]) -> list[tuple[int, int]]:
    edges = part["edges"]
    ends = list(accumulate(edges["end"]))
    backs = spread(edges["start"], edges["m"])
    return [(end - back, end) for end, back in zip(ends, backs, strict=True)]


def routes_of(part: dict[str, Any]) -> list[list[Point]]:
    """With the inner control points, of a picture that has them."""
    edges, unit, centres = part["edges"], part["unit"], centres_of(part)
    column = {name: iter_of(edges[name]) for name in edges if name not in {"m", "label"}}

    def step(name: str) -> Point:
        return next(column[f"{name}x"]) * unit, next(column[f"{name}y"]) * unit

    routes = []
    for start, end in edges_of(part):
        n = next(column["curves"])
        joints = [_sum(centres[start], step("s"))]
        for _ in range(n - 1):
            joints.append(_sum(joints[-1], step("k")))
        joints.append(_sum(centres[end], step("e")))
        route = [joints[0]]
        for a, b in pairwise(joints):
            for name in "ab":
                parts = next(column[f"{name}x"]) / 100, next(column[f"{name}y"]) / 100
                route.append((a[0] + parts[0] * (b[0] - a[0]), a[1] + parts[1] * (b[1] - a[1])))
            route.append(b)
        routes.append(route)
    return routes


def iter_of(column: Any) -> Any:
    if isinstance(column, list):
        return iter(column)
    return iter(lambda: column, object())


def _sum(one: Point, other: Point) -> Point:
    return one[0] + other[0], one[1] + other[1]

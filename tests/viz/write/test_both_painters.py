"""One scene with every feature, painted into a file and onto a page's canvas: mark by mark."""

from __future__ import annotations

import json
from typing import Any, get_args

import pytest
from browsing import Show, needs_chromium

from lazygraph.viz.layout import layered_layout, layout_with_labels
from lazygraph.viz.model import (
    Box,
    Edge,
    Flow,
    Heading,
    Hue,
    Layout,
    Mark,
    Scale,
    Scene,
    Shape,
    Sign,
)
from lazygraph.viz.paint.flows import notes_size
from lazygraph.viz.paint.frame import picture_of
from lazygraph.viz.paint.items import Curves, Group, Item, Paint, Path, Rect, Words
from lazygraph.viz.paint.legend_items import legend_items
from lazygraph.viz.paint.measures import MARKED
from lazygraph.viz.paint.themes import LIGHT, ROLES

pytestmark = needs_chromium

#: Notes down what is asked of the canvas, in the picture's own coordinates.
RECORDER = """
(() => {
  const g = document.getElementById('canvas').getContext('2d'), log = [], of = {};
  let path = [];
  const note = (name, paint) => (...args) => { log.push([name, paint(), args, path.slice()]); };
  for (const name of ['moveTo', 'lineTo', 'bezierCurveTo', 'roundRect', 'ellipse'])
    g[name] = (...args) => { path.push([name, ...args]); return CanvasRenderingContext2D.prototype[name].apply(g, args); };
  g.beginPath = () => { path = []; CanvasRenderingContext2D.prototype.beginPath.call(g); };
  g.stroke = note('stroke', () => [g.strokeStyle, g.lineWidth, g.getLineDash()]);
  g.fill = note('fill', () => [g.fillStyle]);
  g.fillText = note('text', () => [g.fillStyle, g.font, g.textAlign]);
  lazygraph.redraw();
  for (const name of ['moveTo', 'lineTo', 'bezierCurveTo', 'roundRect', 'ellipse', 'beginPath', 'stroke', 'fill', 'fillText']) delete g[name];
  return JSON.stringify(log);
})()
"""


def _box(n: int, shape: Shape = "call", **more: Any) -> Box:
    members = ("load", "clean", "join") if shape == "fused" else ()
    height = 92.0 if members else 48.0
    return Box(f"{shape} {n}", f"detail {n}", f"key-{n}", f"key-{n}", "" if shape == "data" else "f",
               shape, members=members, width_px=150.0, height_px=height, **more)  # fmt: skip


def every_feature(rankdir: str) -> Scene:
    """All shapes, all marks, derivatives, values, workers, thick and dashed edges, labels."""
    boxes = [
        *[_box(n, shape) for n, shape in enumerate(get_args(Shape))],
        *[_box(10 + n, marks=frozenset({mark})) for n, mark in enumerate(get_args(Mark))],
        _box(30, "data", marks=frozenset({"output"})),
        _box(31, value=9 / 31),
        _box(32, category="worker-1"),
        _box(33, back="∂ 3"),
        _box(34, marks=frozenset({"failed", "slow"})),
        Box("only back", back="∂ 4", name="b", function="back", width_px=120, height_px=48),
    ]
    ends = [((n - 1) // 2, n) for n in range(1, len(boxes))]
    edges = [Edge(a, b, "8" if n % 3 == 0 else "", 1 + 99 * (n % 2), "∂ 3" if n % 4 == 0 else "") for n, (a, b) in enumerate(ends)]  # fmt: skip
    legend = (
        Heading("seconds"), Scale("1 ms", "2 s"), Hue("f"), Flow("value", is_back=False),
        Flow("derivative", is_back=True), *[Sign(mark, f"said of {mark}") for mark in (*MARKED, "output")],
    )  # fmt: skip
    hues = {"f": 1, "worker-1": 2, "back": ROLES["back"]}
    return Scene(tuple(boxes), tuple(edges), legend=legend, hues=hues, rankdir=rankdir)


def laid_out(scene: Scene) -> Layout:
    sizes = [(box.width_px, box.height_px) for box in scene.boxes]
    ends = [(edge.start, edge.end) for edge in scene.edges]
    labels = [notes_size(edge, scene.rankdir) if edge.text else None for edge in scene.edges]
    return layout_with_labels(layered_layout, sizes, ends, labels, scene.rankdir)


def _flat(items: Any) -> Any:
    for item in items:
        if isinstance(item, Group):
            yield from _flat(item.items)
        else:
            yield item


def of_file(scene: Scene, layout: Layout) -> list[Item]:
    """The items of the graph alone, where the layout has it."""
    bare = Scene(scene.boxes, scene.edges, hues=scene.hues, rankdir=scene.rankdir)
    return list(_flat(picture_of(bare, layout, LIGHT).items))


def close(one: Any, other: Any) -> bool:
    return all(abs(a - b) <= 0.75 for a, b in zip(one, other, strict=True))


def only_in(ours: list[Any], theirs: list[Any]) -> list[Any]:
    """Those of `ours` that have no partner: same words and colours, places to a px."""
    left = list(theirs)
    alone = []
    for what, numbers in ours:
        partner = next((t for t in left if t[0] == what and len(t[1]) == len(numbers) and close(t[1], numbers)), None)  # fmt: skip
        if partner is None:
            alone.append((what, numbers))
        else:
            left.remove(partner)
    return alone


def dashes(paint: Paint) -> tuple[float, ...]:
    return tuple(map(float, paint.dash))


def marks_of_file(items: list[Item]) -> dict[str, list[Any]]:
    made: dict[str, list[Any]] = {"words": [], "outlines": [], "fills": [], "curves": []}
    for item in items:
        match item:
            case Words(x, y, text, size, colour):
                made["words"].append(((text, colour, size, item.anchor), (x, y - 0.35 * size)))
            case Rect(left, top, width, height, _, _, paint):
                middle = left + width / 2, top + height / 2, width, height
                if paint.stroke:
                    made["outlines"].append(
                        ((paint.stroke, round(paint.width_px, 2), dashes(paint)), middle)
                    )
                if paint.fill:
                    made["fills"].append(((paint.fill,), middle))
            case Curves(paths, paint):
                for steps in paths:
                    start, end = steps[0][1][0], steps[-1][1][-1]
                    key = paint.stroke, round(paint.width_px, 2), dashes(paint)
                    made["curves"].append((key, (*start, *end)))
            case Path():
                pass
    return made


ANCHORS = {"center": "middle", "start": "start", "end": "end"}


def marks_of_page(log: list[Any]) -> dict[str, list[Any]]:
    made: dict[str, list[Any]] = {"words": [], "outlines": [], "fills": [], "curves": []}
    for name, paint, args, path in log:
        if name == "text":
            colour, font, align = paint
            size = float(font.replace("bold ", "").split("px")[0])
            made["words"].append(((args[0], colour, size, ANCHORS[align]), (args[1], args[2])))
        elif path and path[0][0] in {"roundRect", "ellipse"}:
            (kind, x, y, w, h, *_) = path[0]
            middle = (x, y, 2 * w, 2 * h) if kind == "ellipse" else (x + w / 2, y + h / 2, w, h)
            if name == "fill":
                made["fills"].append(((paint[0],), middle))
            else:
                made["outlines"].append(
                    ((paint[0], round(paint[1], 2), tuple(map(float, paint[2]))), middle)
                )
        elif name == "stroke" and any(step[0] == "bezierCurveTo" for step in path):
            key = paint[0], round(paint[1], 2), tuple(map(float, paint[2]))
            for step, following in zip(path, [*path[1:], ["moveTo"]], strict=True):
                if step[0] == "moveTo":
                    start = step[1:]
                if following[0] == "moveTo":
                    made["curves"].append((key, (*start, *step[-2:])))
    return made


@pytest.mark.parametrize("rankdir", ["BT", "LR"])
def test_both_painters_paint_the_same(show: Show, rankdir: str) -> None:
    scene = every_feature(rankdir)
    layout = laid_out(scene)
    page = show(scene, layout)
    page.send(
        "Emulation.setDeviceMetricsOverride",
        width=3200,
        height=3200,
        deviceScaleFactor=1,
        mobile=False,
    )
    page.wait("document.getElementById('canvas').width === 3200")
    page.evaluate("lazygraph.zoomTo(1)")

    ours = marks_of_file(of_file(scene, layout))
    theirs = marks_of_page(json.loads(page.evaluate(RECORDER)))

    for kind in ours:
        assert only_in(ours[kind], theirs[kind]) == [], f"{kind} in files alone"
        assert only_in(theirs[kind], ours[kind]) == [], f"{kind} on pages alone"
    assert len(ours["words"]) > 50


def test_both_legends_say_the_same_in_the_same_order(show: Show) -> None:
    scene = every_feature("BT")
    page = show(scene, laid_out(scene))
    items = legend_items(scene, (0, 0), 400.0, LIGHT)
    ours = [(words.text, words.colour) for words in items if isinstance(words, Words)]

    lines = page.evaluate(
        "[...document.querySelectorAll('#legend > div')].filter((d) => d.id !== 'scale').flatMap((d) => "
        "d.className.includes('ends') ? [...d.children].map((c) => [c.textContent, getComputedStyle(d).color]) : "
        "[[d.textContent.replace(/^[←→]/, ''), getComputedStyle(d).color]])"
    )

    assert [text for text, _ in lines] == [text for text, _ in ours]
    backward = (
        f"rgb({int(LIGHT.back[1:3], 16)}, {int(LIGHT.back[3:5], 16)}, {int(LIGHT.back[5:], 16)})"
    )
    told = dict(lines)
    assert [text for text, colour in ours if colour == LIGHT.back] == ["derivative"]
    assert [text for text, colour in told.items() if colour == backward] == ["derivative"]

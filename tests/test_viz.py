"""Drawings: facts read back from the SVG and DOT text, never from the layout's own data."""

from __future__ import annotations

import os
import random
import re
import shutil
import stat
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import partial
from itertools import combinations, product
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lazygraph import Delayed, Graph, Ref, Task, delayed, optimize, visualize
from lazygraph.errors import CycleError, DrawingError, MissingKeyError
from lazygraph.viz import Drawing, draw

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


@pytest.fixture(params=["own layout", "dot's layout"])
def layout(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The program ``dot`` cannot be found, or it can."""
    if request.param == "own layout":
        monkeypatch.setenv("PATH", "")
    elif shutil.which("dot") is None:
        pytest.skip("Graphviz's program dot is not installed: its layout is not tried")


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


# ------------------------------------------------------------ what is drawn
def test_each_task_is_a_box_with_its_function_s_name(layout: None) -> None:
    picture = Picture(draw(tutorial(), ()).svg)

    assert picture.labels() == {"square": 3, "sum_list": 1}


@pytest.mark.parametrize("make", GRAPHS.values(), ids=GRAPHS)
def test_boxes_do_not_overlap_and_edges_go_up_from_box_to_box(layout: None, make: Any) -> None:
    graph = make()
    picture = Picture(draw(graph, ()).svg)

    check_boxes(graph, picture)
    check_edges(graph, picture)


@given(graphs())
def test_any_graph_is_drawn_without_overlaps_and_with_all_its_edges(graph: Graph) -> None:
    picture = Picture(own_svg(graph))

    check_boxes(graph, picture)
    check_edges(graph, picture)


@given(graphs())
def test_our_edges_run_through_no_box(graph: Graph) -> None:
    picture = Picture(own_svg(graph))

    for route in picture.routes:
        for point in along(route):
            assert not picture.boxes_at(point, -TOUCH_PX)


@pytest.mark.parametrize("seed", [1, 2])
def test_two_thousand_random_tasks_do_not_overlap(seed: int) -> None:
    graph = random_graph(2_000, seed)
    picture = Picture(own_svg(graph))

    check_boxes(graph, picture)
    check_edges(graph, picture)


@pytest.mark.parametrize("seed", range(5))
def test_dot_draws_random_graphs_as_well(layout: None, seed: int) -> None:
    graph = random_graph(60, seed)
    picture = Picture(draw(graph, ()).svg)

    check_boxes(graph, picture)
    check_edges(graph, picture)


def test_a_binary_tree_is_drawn_with_each_sum_above_the_middle_of_its_terms() -> None:
    graph = tree()
    centres = {box.key: (box.left + box.right) / 2 for box in Picture(own_svg(graph)).shapes}

    for key in graph:
        terms = [centres[term] for term in graph.dependencies(key)]
        if terms:
            assert centres[key] == pytest.approx(sum(terms) / 2, abs=0.5)


def test_a_constant_stands_right_below_what_uses_it() -> None:
    """(x + y) * z: z beside the sum, not at the bottom beside x and y."""
    picture = Picture(own_svg(arithmetic()))

    assert picture.box("3").top == picture.box("add").top
    assert picture.box("3").top < picture.box("1").top


def test_a_chain_of_ten_thousand_does_not_recurse() -> None:
    graph = of_dependencies({n: [n - 1] if n else [] for n in range(10_000)})

    assert own_svg(graph).count("<rect") == 10_000


def test_edges_across_the_whole_picture_do_not_make_its_size_quadratic() -> None:
    """Of 1,000 tasks in a chain each also needs the first: 500,000 layers crossed."""
    graph = of_dependencies({n: sorted({0, n - 1}) if n else [] for n in range(1_000)})

    assert len(own_svg(graph)) < 1_000 * len(graph)


def test_short_literal_arguments_are_the_second_line() -> None:
    summed = delayed(clean)(delayed(load)("a.csv"), by=2)
    picture = Picture(own_svg(summed.graph))

    assert picture.box("load").texts[1] == "'a.csv'"
    assert picture.box("clean").texts[1] == "by=2"


def test_data_is_a_box_of_its_own_colour_with_its_value() -> None:
    picture = Picture(own_svg(Graph.from_dict({"x": [1, 2], "y": (join, "x"), "z": "x"})))

    assert picture.labels() == {"[1, 2]": 1, "join": 1, "= [1, 2]": 1}
    assert picture.box("[1, 2]").fill == picture.box("= [1, 2]").fill
    assert picture.box("[1, 2]").fill != picture.box("join").fill


def test_outputs_have_a_thicker_outline() -> None:
    graph = tutorial()
    (end,) = [key for key in graph if not graph.dependents(key)]

    picture = Picture(own_svg(graph, [end]))

    outlines = {box.outline_px for box in picture.shapes if box.key != end}
    assert picture.box("sum_list").outline_px > max(outlines)


def test_a_fused_task_lists_its_members() -> None:
    (chain,) = optimize(delayed(sum_list)(delayed(clean)(delayed(load)("a.csv"))))

    assert Picture(own_svg(chain.graph)).labels() == {"load + clean + sum_list": 1}


def test_a_function_fused_with_its_data_or_with_itself_is_named_once() -> None:
    (data,) = optimize(delayed(square)(delayed(3)))
    (again,) = optimize(delayed(square)(delayed(square)(delayed(square)(3))))

    assert Picture(own_svg(data.graph)).box("square").texts == ["square", "3"]
    assert Picture(own_svg(again.graph)).labels() == {"square x3": 1}


def test_a_tooltip_gives_key_call_and_place() -> None:
    summed = delayed(sum_list)([delayed(square)(1)])
    tooltip = Picture(own_svg(summed.graph)).box("sum_list").tooltip

    key, call, place = tooltip.split("\n")
    assert (key, call) == (summed.key, "sum_list([square])")
    assert re.fullmatch(r".*test_viz\.py:\d+", place)


def test_every_task_of_a_long_program_is_shown_at_its_own_line() -> None:
    lines = ["from lazygraph import delayed", "made = ["]
    lines += [f"    delayed(max)({n}, {n}), delayed(min)(\n1, {n})," for n in range(2_000)]
    scope: dict[str, Any] = {}
    exec(compile("\n".join([*lines, "]"]), "program.py", "exec"), scope)
    made: list[Delayed[Any]] = scope["made"]

    drawing = visualize(made)

    place_of = {box.key: box.tooltip.split("\n")[2] for box in Picture(drawing.svg).shapes}
    assert place_of[made[0].key] == "program.py:3"
    assert place_of[made[-2].key] == "program.py:4001"
    for lazy in made[::401]:
        assert place_of[lazy.key] == lazy.graph[lazy.key].site


def test_a_long_label_is_cut_but_the_tooltip_is_not() -> None:
    graph = Graph({"k" * 90: Task(load, ("p" * 50,))})
    (box,) = Picture(own_svg(graph)).shapes

    assert len(box.texts[1]) == 28
    assert box.texts[1].endswith("…")
    assert "k" * 90 in box.tooltip
    assert "p" * 50 in box.tooltip


@pytest.mark.parametrize(
    ("text", "em"),
    [
        ("WWWW", 3.96),
        ("iiii", 1.11),
        ("total_of_all", 5.42),
        ("@%@%", 3.9),
        ("合計を計算する", 7.0),
    ],
)
def test_a_box_is_wider_than_its_label_in_the_widest_common_font(text: str, em: float) -> None:
    """That is DejaVu Sans; `em` is the text's width in it."""
    (box,) = Picture(own_svg(Graph({"k": Task(named(text))}))).shapes

    assert 13 * em < box.right - box.left < 13 * em + 40


def test_keys_may_be_strings_numbers_and_tuples(layout: None) -> None:
    graph = of_dependencies({"x": [], 1: ["x"], 2.5: [1], ("x", 0): [2.5, "x"], (("x", 1), 2): []})
    picture = Picture(draw(graph, [("x", 0), 1]).svg)

    check_boxes(graph, picture)
    check_edges(graph, picture)
    assert {box.key for box in picture.shapes if box.outline_px > 2} == {"('x', 0)", "1"}


def test_a_container_that_refuses_what_stands_for_a_result_is_drawn_all_the_same() -> None:
    """``functools.partial`` takes only what can be called."""
    graph = delayed(join)(partial(delayed(load)("f"), 3)).graph

    check_edges(graph, Picture(own_svg(graph)))


# -------------------------------------------------------------- strange text
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


@pytest.mark.parametrize("text", NASTY, ids=ascii)
def test_any_text_stays_text(layout: None, tmp_path: Path, text: str) -> None:
    graph = Graph({text: Task(named(text), (text,)), "end": Task(named("end"), (Ref(text),))})
    drawing = draw(graph, ["end"])
    saved = drawing.save(tmp_path / "x.svg").read_bytes()
    drawing.save(tmp_path / "x.dot")

    picture = Picture(saved.decode())
    assert {child.tag for child in picture.root.iter()} == {
        f"{SVG}{tag}" for tag in ("svg", "title", "desc", "g", "path", "rect", "text")
    }
    label = picture.shapes[0].texts[0]
    assert label == picture.shapes[0].key
    if text.isprintable():
        assert label == text
    assert label == " ".join(label.split())


@given(st.text(min_size=1))
def test_any_name_gives_a_file_that_can_be_read(text: str) -> None:
    graph = Graph({text: Task(named(text), (text,))})

    (box,) = Picture(own_svg(graph)).shapes

    assert len(box.texts[0]) <= 28
    draw(graph, ()).to_dot().encode()


class Hostile:
    def __repr__(self) -> str:
        raise RuntimeError("no repr")


def test_an_argument_whose_repr_raises_is_named_by_its_type() -> None:
    (box,) = Picture(own_svg(Graph({"k": Task(join, (Hostile(),))}))).shapes

    assert box.texts[0] == "join"
    assert box.texts[1].startswith("<Hostile")


# ------------------------------------------------------------------ colours
def luminance(colour: str) -> float:
    """As WCAG 2 defines it."""
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted([luminance(one), luminance(other)])
    return (high + 0.05) / (low + 0.05)


def eight_functions() -> Graph:
    """Some have the same hash modulo 8."""
    names = ["add", "clean", "join", "merge", "mul", "plot", "score", "square"]
    return Graph({name: Task(named(name), ("x",)) for name in names})


def test_functions_are_told_apart_by_colour() -> None:
    picture = Picture(own_svg(eight_functions()))

    assert len({box.fill for box in picture.shapes}) == 8


def test_a_function_has_its_colour_in_every_picture() -> None:
    alone = Picture(own_svg(delayed(square)(1).graph)).box("square")
    beside = Picture(own_svg(delayed(square)(delayed(load)("x")).graph)).box("square")

    assert beside.fill == alone.fill


def test_text_and_outlines_have_the_contrast_that_wcag_asks_for() -> None:
    picture = Picture(own_svg(Graph({**eight_functions(), "data": Graph.from_dict({"d": 1})["d"]})))

    for group in picture.root.findall(f"{SVG}g")[1:]:
        rect = group.find(f"{SVG}rect").attrib
        assert contrast(rect["stroke"], "#ffffff") >= 3
        for text in group.iter(f"{SVG}text"):
            assert contrast(text.attrib["fill"], rect["fill"]) >= 4.5


# ------------------------------------------------------------- the drawing
def test_the_picture_says_what_it_is() -> None:
    root = Picture(own_svg(tutorial())).root

    assert root.attrib["role"] == "img"
    assert [child.tag for child in root][:2] == [f"{SVG}title", f"{SVG}desc"]
    assert root[0].text == "Task graph: 4 tasks"
    assert "square (3)" in root[1].text
    assert "3 dependencies" in root[1].text


def test_it_has_a_short_repr() -> None:
    assert repr(draw(tutorial(), ())) == "Drawing(4 tasks)"
    assert repr(draw(of_dependencies({"a": []}), ())) == "Drawing(1 task)"


def test_jupyter_is_given_svg_and_text() -> None:
    drawing = draw(tutorial(), ())

    assert drawing._repr_mimebundle_() == {
        "image/svg+xml": drawing.svg,
        "text/plain": "Drawing(4 tasks)",
    }
    assert list(drawing._repr_mimebundle_(include={"text/plain"})) == ["text/plain"]
    assert list(drawing._repr_mimebundle_(exclude={"text/plain"})) == ["image/svg+xml"]


def test_the_same_graph_gives_the_same_bytes(layout: None) -> None:
    drawings = [draw(random_graph(50, seed=3), [49]) for _ in range(2)]

    assert drawings[0].svg == drawings[1].svg
    assert drawings[0].to_dot() == drawings[1].to_dot()


def test_the_same_graph_gives_the_same_bytes_in_every_process() -> None:
    program = (
        "from lazygraph import Graph; from lazygraph.viz import draw\n"
        "tasks = {f'{n}': (max, *[f'{n - d}' for d in (2, 3, 5) if d <= n]) for n in range(40)}\n"
        "drawing = draw(Graph.from_dict({**tasks, '0': 1}), ['39', '38', '7'])\n"
        "print(drawing.svg, drawing.to_dot())"
    )

    def run(hash_seed: str) -> bytes:
        env = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONUTF8": "1"}
        command = [sys.executable, "-c", program]
        return subprocess.run(command, env=env, check=True, capture_output=True).stdout

    assert run("1") == run("2")


def test_a_drawing_is_of_the_graph_as_it_was() -> None:
    graph = tutorial()
    drawing = draw(graph, ())
    graph.add("later", Task(load, ("x",)))

    assert "later" not in drawing.svg


def test_visualize_draws_what_its_arguments_need() -> None:
    one, other = delayed(square)(1), delayed(load)("x")

    drawing = visualize([one, {"k": other}], 3)

    assert isinstance(drawing, Drawing)
    picture = Picture(drawing.svg)
    assert picture.labels() == {"square": 1, "load": 1}
    assert {box.outline_px for box in picture.shapes} == {3}


def test_importing_the_library_imports_nothing_that_only_drawing_needs() -> None:
    program = (
        "import sys, lazygraph\n"
        "print(sorted({'graphviz', 'subprocess', 'lazygraph.viz.svg'} & set(sys.modules)))"
    )

    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)

    assert done.stdout.split() == [b"[]"]


# ------------------------------------------------------------------- errors
def test_an_empty_graph_is_refused() -> None:
    with pytest.raises(DrawingError, match="no task"):
        draw(Graph(), ())


def test_a_broken_graph_is_refused_with_the_reason() -> None:
    with pytest.raises(CycleError, match="'a'"):
        draw(of_dependencies({"a": ["b"], "b": ["a"]}), ())
    with pytest.raises(MissingKeyError, match="needs 'b'"):
        draw(of_dependencies({"a": ["b"]}), ())
    with pytest.raises(MissingKeyError, match="'z'"):
        draw(tutorial(), ["z"])


# ------------------------------------------------------------------- saving
@pytest.mark.parametrize("make_path", [str, Path], ids=["str", "Path"])
def test_it_is_saved_by_extension(tmp_path: Path, make_path: Any) -> None:
    drawing = draw(tutorial(), ())

    assert drawing.save(make_path(tmp_path / "x.svg")) == tmp_path / "x.svg"
    drawing.save(make_path(tmp_path / "x.DOT"))

    assert (tmp_path / "x.svg").read_text("utf-8") == drawing.svg
    assert (tmp_path / "x.DOT").read_text("utf-8") == drawing.to_dot()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["x.DOT", "x.svg"]


def test_it_replaces_an_older_file_and_follows_a_link(tmp_path: Path) -> None:
    (tmp_path / "real.svg").write_text("old")
    (tmp_path / "link.svg").symlink_to(tmp_path / "real.svg")
    drawing = draw(tutorial(), ())

    drawing.save(tmp_path / "link.svg")

    assert (tmp_path / "link.svg").is_symlink()
    assert (tmp_path / "real.svg").read_text("utf-8") == drawing.svg


@pytest.mark.parametrize("name", ["x.png", "x", "x.svg.gz", ".svg"])
def test_an_unknown_extension_is_refused_with_the_known_ones(tmp_path: Path, name: str) -> None:
    with pytest.raises(DrawingError, match=r"\.svg or \.dot"):
        draw(tutorial(), ()).save(tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(DrawingError, match=r"no folder '.*missing'") as caught:
        draw(tutorial(), ()).save(tmp_path / "missing" / "x.svg")
    assert isinstance(caught.value.__cause__, FileNotFoundError)
    assert not list(tmp_path.iterdir())


def test_a_folder_is_no_file_to_write(tmp_path: Path) -> None:
    (tmp_path / "x.svg").mkdir()

    with pytest.raises(DrawingError, match="Is a directory") as caught:
        draw(tutorial(), ()).save(tmp_path / "x.svg")
    assert isinstance(caught.value.__cause__, IsADirectoryError)
    assert [p.name for p in tmp_path.rglob("*")] == ["x.svg"]


def test_a_file_in_place_of_a_folder_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("kept")

    with pytest.raises(DrawingError, match="Not a directory") as caught:
        draw(tutorial(), ()).save(tmp_path / "file" / "x.svg")
    assert isinstance(caught.value.__cause__, OSError)
    assert (tmp_path / "file").read_text() == "kept"


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere"
)
def test_a_folder_without_permission_is_reported(tmp_path: Path) -> None:
    tmp_path.chmod(stat.S_IREAD | stat.S_IEXEC)
    try:
        with pytest.raises(DrawingError, match="Permission denied"):
            draw(tutorial(), ()).save(tmp_path / "x.svg")
    finally:
        tmp_path.chmod(stat.S_IRWXU)


def test_a_full_disk_leaves_no_half_file_and_the_old_one_as_it_was(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource", reason="limits of file size are POSIX's")
    (tmp_path / "x.svg").write_text("old")
    drawing = draw(tutorial(), ())
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    assert len(drawing.svg) > 500

    resource.setrlimit(resource.RLIMIT_FSIZE, (500, limits[1]))
    try:
        with pytest.raises(DrawingError, match="File too large"):
            drawing.save(tmp_path / "x.svg")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    assert [p.name for p in tmp_path.iterdir()] == ["x.svg"]
    assert (tmp_path / "x.svg").read_text() == "old"


def test_a_name_that_the_system_refuses_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(DrawingError, match="cannot save") as caught:
        draw(tutorial(), ()).save(tmp_path / f"{'x' * 300}.svg")
    assert isinstance(caught.value.__cause__, OSError)
    assert not list(tmp_path.iterdir())


# ---------------------------------------------------------------------- DOT
def test_dot_text_has_every_node_and_edge() -> None:
    graph = random_graph(40, seed=5)
    text = draw(graph, ()).to_dot()

    nodes = re.findall(r'^\t(n\d+) \[.*tooltip="(\d+)', text, re.MULTILINE)
    keys = dict(nodes)
    edges = re.findall(r"^\t(n\d+) -> (n\d+)$", text, re.MULTILINE)
    assert sorted(keys.values()) == sorted(map(str, graph))
    assert Counter((keys[start], keys[end]) for start, end in edges) == Counter(
        (str(dep), str(key)) for key in graph for dep in graph.dependencies(key)
    )


@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz's program dot is not installed")
@pytest.mark.parametrize("text", NASTY, ids=ascii)
def test_dot_reads_back_the_labels(text: str) -> None:
    graph = Graph({text: Task(named(text)), "end": Task(named("end"), (Ref(text),))})
    drawing = draw(graph, ())
    (label,) = [box.texts[0] for box in Picture(drawing.svg).shapes if box.texts[0] != "end"]

    done = subprocess.run(
        ["dot", "-Tsvg"], input=drawing.to_dot().encode(), check=True, capture_output=True
    )

    texts = [element.text for element in ET.fromstring(done.stdout).iter(f"{SVG}text")]
    assert sorted(texts) == sorted([label, "end"])


#: What dot says of a graph of four tasks, but everything in one place.
HEAP = [f"node n{n} 1 1 1 1" for n in range(4)] + [
    f"edge n{n} n3 4 1 1 1 1 1 1 1 1" for n in range(3)
]
BROKEN = {
    "fails": "\n".join(f"echo {line}" for line in ["graph 1 9 9", *HEAP]) + "\nexit 3",
    "says nothing": "exit 0",
    "talks nonsense": "echo 'graph 1 1 1'; echo 'node n0 x y'; echo; echo edge",
    "stops midway": "echo 'graph 1 1 1'; echo 'node n0 0.5 0.5 1 1'; echo stop",
}


@pytest.mark.skipif(os.name != "posix", reason="the stand-in programs are shell scripts")
@pytest.mark.parametrize("script", BROKEN.values(), ids=BROKEN)
def test_a_broken_dot_program_does_not_matter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    program = tmp_path / "dot"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    expected = own_svg(tutorial_with_keys())
    monkeypatch.setenv("PATH", str(tmp_path))

    assert draw(tutorial_with_keys(), ()).svg == expected


def tutorial_with_keys() -> Graph:
    squares = {f"s{n}": (square, n) for n in (1, 2, 3)}
    return Graph.from_dict({**squares, "sum": (sum_list, list(squares))})

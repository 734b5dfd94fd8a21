"""Colours, what a drawing is and says, what cannot be drawn, and saving."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pictures import (
    SVG,
    Picture,
    load,
    named,
    of_dependencies,
    own_svg,
    random_graph,
    square,
    tutorial,
)

from lazygraph import Graph, Task, delayed, visualize
from lazygraph.errors import CycleError, DrawingError, MissingKeyError
from lazygraph.viz import Drawing, draw


# ------------------------------------------------------------------ colours
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

    bundle = drawing._repr_mimebundle_()
    assert list(bundle) == ["text/html", "image/svg+xml", "text/plain"]
    assert bundle["image/svg+xml"] == drawing.svg
    assert bundle["text/plain"] == "Drawing(4 tasks)"
    assert list(drawing._repr_mimebundle_(include={"text/plain"})) == ["text/plain"]
    assert list(drawing._repr_mimebundle_(exclude={"text/html"})) == ["image/svg+xml", "text/plain"]


def test_the_same_graph_gives_the_same_bytes() -> None:
    drawings = [draw(random_graph(50, seed=3), [49]) for _ in range(2)]

    for kind in ("svg", "pdf", "dot", "mmd", "html"):
        assert drawings[0]._content(kind) == drawings[1]._content(kind), kind


def test_the_same_graph_gives_the_same_bytes_in_every_process() -> None:
    program = (
        "from lazygraph import Graph; from lazygraph.viz import draw\n"
        "tasks = {f'{n}': (max, *[f'{n - d}' for d in (2, 3, 5) if d <= n]) for n in range(40)}\n"
        "drawing = draw(Graph.from_dict({**tasks, '0': 1}), ['39', '38', '7'])\n"
        "print(drawing.svg, drawing.to_dot(), drawing.html, drawing._repr_mimebundle_())"
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
    assert {box.n_outlines for box in picture.shapes} == {2}


def test_importing_the_library_imports_nothing_that_only_drawing_needs() -> None:
    program = (
        "import sys, lazygraph\n"
        "print(sorted({'graphviz', 'subprocess', 'lazygraph.viz.write.svg', 'lazygraph.viz.scenes.choose', 'html',"
        " 'PIL', 'resvg_py', 'zlib'} & set(sys.modules)))"
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


@pytest.mark.parametrize("name", ["x.jpg", "x", "x.svg.gz", ".svg"])
def test_an_unknown_extension_is_refused_with_the_known_ones(tmp_path: Path, name: str) -> None:
    with pytest.raises(DrawingError, match=r"\.svg, \.png, \.pdf, \.html, \.dot, \.mmd"):
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

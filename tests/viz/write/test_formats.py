"""The other formats: PDF, PNG, HTML, Mermaid, and saving in them."""

from __future__ import annotations

import io
import re
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from pictures import NASTY, named, of_dependencies, random_graph, square, sum_list, tutorial

from lazygraph import Graph, Ref, Task, delayed, visualize
from lazygraph.errors import DrawingError
from lazygraph.viz import draw

FORMATS = ["svg", "png", "pdf", "html", "dot", "mmd"]
SIGNATURES = {
    "svg": b"<svg ",
    "png": b"\x89PNG",
    "pdf": b"%PDF-1.",
    "html": b"<!",
    "dot": b"digraph",
    "mmd": b"flowchart",
}


def hostile(text: str) -> Graph:
    return Graph({text: Task(named(text), (text,)), "end": Task(named("end"), (Ref(text),))})


# ----------------------------------------------------------------------- PDF
def read_pdf(content: bytes) -> Any:
    pypdf = pytest.importorskip("pypdf")
    return pypdf.PdfReader(io.BytesIO(content), strict=True)


def test_a_pdf_is_a_page_with_text_that_can_be_found(tmp_path: Path) -> None:
    drawing = draw(tutorial(), (), title="Squares (all)")
    reader = read_pdf(drawing.save(tmp_path / "x.pdf").read_bytes())

    (page,) = reader.pages
    words = Counter(page.extract_text().split())
    assert words["square"] == 3
    assert words["sum_list"] == 1
    assert "Squares (all)" in page.extract_text()
    assert reader.metadata.title == "Squares (all)"


def test_a_pdf_has_the_picture_s_proportions() -> None:
    drawing = draw(tutorial(), ())
    (page,) = read_pdf(drawing._content("pdf")).pages

    width, height = re.findall(r'width="([\d.]+)" height="([\d.]+)"', drawing.svg)[0]
    assert float(page.mediabox.width) == pytest.approx(float(width) * 0.75, abs=1)
    assert float(page.mediabox.height) == pytest.approx(float(height) * 0.75, abs=1)


def test_a_huge_pdf_is_scaled_to_what_viewers_open() -> None:
    graph = of_dependencies({n: [n - 1] if n else [] for n in range(2_000)})
    (page,) = read_pdf(draw(graph, (), detail="tasks")._content("pdf")).pages

    assert float(page.mediabox.height) <= 14_400


@pytest.mark.parametrize("text", NASTY, ids=ascii)
def test_any_text_gives_a_pdf_that_can_be_read(text: str) -> None:
    (page,) = read_pdf(draw(hostile(text), (), title=text)._content("pdf")).pages

    found = page.extract_text()
    assert "end" in found
    if text.isascii() and text.isprintable():
        assert text[:20] in found


# ----------------------------------------------------------------------- PNG
def pixels(content: bytes) -> Any:
    image = pytest.importorskip("PIL.Image")
    return image.open(io.BytesIO(content)).convert("RGB")


def png(**look: Any) -> bytes:
    pytest.importorskip("resvg_py")
    content: bytes = draw(tutorial(), (), **look)._content("png")
    return content


def test_a_png_shows_boxes_and_text_at_twice_the_size() -> None:
    drawing = draw(tutorial(), ())
    image = pixels(png())

    width = float(re.findall(r'width="([\d.]+)"', drawing.svg)[0])
    assert image.width == pytest.approx(2 * width, abs=2)
    colours = {colour: n for n, colour in image.getcolors(1 << 20)}
    for name in set(re.findall(r'<rect [^>]*fill="(#\w+)"', drawing.svg)):
        assert colours[tuple(bytes.fromhex(name[1:]))] > 500
    ink = re.findall(r'<text [^>]*fill="(#\w+)"', drawing.svg)[0]
    assert colours.get(tuple(bytes.fromhex(ink[1:])), 0) > 20


def test_a_dark_png_is_dark() -> None:
    light, dark = (pixels(png(theme=theme)) for theme in ("light", "dark"))

    assert light.size == dark.size
    assert light.getpixel((1, 1)) == (255, 255, 255)
    assert max(dark.getpixel((1, 1))) < 60


def test_where_the_system_has_no_font_pillow_s_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    resvg = pytest.importorskip("resvg_py")
    pytest.importorskip("PIL")
    with_fonts = pixels(png())
    original = resvg.svg_to_bytes
    without = {"skip_system_fonts": True}
    monkeypatch.setattr(resvg, "svg_to_bytes", lambda **options: original(**options, **without))

    image = pixels(png())
    blank = pixels(original(svg_string=draw(tutorial(), ()).svg, zoom=2.0, **without))
    assert image.size == with_fonts.size
    assert image.tobytes() != blank.tobytes()


@pytest.mark.parametrize("package", ["resvg_py", "PIL"])
def test_a_png_without_its_packages_names_the_extra(
    package: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    resvg = pytest.importorskip("resvg_py")
    original = resvg.svg_to_bytes
    monkeypatch.setattr(
        resvg, "svg_to_bytes", lambda **options: original(**options, skip_system_fonts=True)
    )
    monkeypatch.setitem(sys.modules, package, None)

    with pytest.raises(DrawingError, match=r'pip install "lazygraph\[png\]"'):
        draw(tutorial(), ()).save(tmp_path / "x.png")
    assert not list(tmp_path.iterdir())


# ---------------------------------------------------------------------- HTML
def test_a_page_has_every_task_in_it() -> None:
    drawing = draw(random_graph(400, 1), ())

    assert drawing.html.startswith("<!")
    assert "http://" not in drawing.html.replace("http://www.w3.org", "")
    assert "https://" not in drawing.html


# ------------------------------------------------------------------- Mermaid
def read_mermaid(text: str) -> tuple[dict[str, list[str]], Counter[tuple[str, str]]]:
    """Nodes with their lines, and edges; entities as Mermaid reads them."""
    nodes, edges = {}, Counter[tuple[str, str]]()
    for line in text.splitlines():
        if node := re.fullmatch(r'    (n\d+)[(\[]+"(.*)"[)\]]+', line):
            lines = node[2].split("<br/>")
            assert not any(re.search(r"[\"<>&`]", said) for said in lines)
            nodes[node[1]] = [re.sub(r"#(\d+);", lambda m: chr(int(m[1])), said) for said in lines]
        elif edge := re.fullmatch(r'    (n\d+) -->(?:\|"[^"]*"\|)? (n\d+)', line):
            edges[edge[1], edge[2]] += 1
        else:
            assert re.match(r"flowchart (BT|TB|LR|RL)$|    class|%% |---|title: ", line), line
    return nodes, edges


def test_a_flowchart_has_every_box_and_edge() -> None:
    graph = random_graph(60, 2)
    nodes, edges = read_mermaid(draw(graph, (), labels="key", detail="tasks").to_mermaid())

    keys = {name: lines[0] for name, lines in nodes.items()}
    assert sorted(keys.values()) == sorted(map(str, graph))
    assert Counter((keys[start], keys[end]) for start, end in edges.elements()) == Counter(
        (str(dep), str(key)) for key in graph for dep in graph.dependencies(key)
    )


@pytest.mark.parametrize("text", NASTY, ids=ascii)
def test_in_a_flowchart_text_has_no_meaning(text: str) -> None:
    drawing = draw(hostile(text), (), title=text)
    nodes, edges = read_mermaid(drawing.to_mermaid())

    assert len(nodes) == 2
    assert edges == {("n0", "n1"): 1}
    if text.isprintable() and len(text) <= 28:
        assert nodes["n0"][0] == text


def test_groups_and_their_ratios_are_in_a_flowchart() -> None:
    total = delayed(sum_list)([delayed(square)(n) for n in range(200)])

    text = total.visualize().to_mermaid()
    assert '|"200 #58; 1"|' in text
    assert "[[" in text


# -------------------------------------------------------------------- saving
@pytest.mark.parametrize("kind", FORMATS)
def test_the_extension_says_what_is_written(tmp_path: Path, kind: str) -> None:
    if kind == "png":
        pytest.importorskip("resvg_py")
    drawing = visualize(delayed(square)(2), filename=tmp_path / f"x.{kind}")

    written = (tmp_path / f"x.{kind}").read_bytes()
    assert written.startswith(SIGNATURES[kind])
    assert written == drawing._content(kind)


@pytest.mark.parametrize("kind", FORMATS)
def test_a_format_outdoes_the_extension(tmp_path: Path, kind: str) -> None:
    if kind == "png":
        pytest.importorskip("resvg_py")
    visualize(delayed(square)(2), filename=tmp_path / "x.out", format=kind)
    visualize(delayed(square)(2), filename=tmp_path / "y", format=kind)

    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["x.out", f"y.{kind}"])
    assert (tmp_path / "x.out").read_bytes().startswith(SIGNATURES[kind])


def test_nothing_is_written_without_a_file_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    drawing = visualize(delayed(square)(2), format="pdf")
    drawing._repr_mimebundle_()
    assert not list(tmp_path.iterdir())


def test_a_bad_extension_is_told_before_anything_is_drawn() -> None:
    def label(key: Any, task: Any) -> str:
        raise AssertionError("drawn")

    with pytest.raises(DrawingError, match=r"ends in '\.gif'"):
        visualize(delayed(square)(2), filename="x.gif", labels=label)


@pytest.mark.parametrize("text", NASTY, ids=ascii)
def test_any_text_can_be_written_in_every_text_format(tmp_path: Path, text: str) -> None:
    drawing = draw(hostile(text), (), title=text)

    for kind in ("svg", "html", "dot", "mmd"):
        drawing.save(tmp_path / f"x.{kind}")
    page = (tmp_path / "x.html").read_text("utf-8")
    assert "<script>alert(1)" not in page
    assert "<script>alert(1)" not in drawing._repr_mimebundle_()["text/html"]

"""DOT text, and the program dot."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path

import pytest
from pictures import NASTY, SVG, Picture, named, own_svg, random_graph, square, sum_list

from lazygraph import Graph, Ref, Task
from lazygraph.viz import draw


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

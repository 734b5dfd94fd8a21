"""DOT text, and the program dot."""

from __future__ import annotations

import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
from collections import Counter

import pytest
from pictures import NASTY, SVG, Picture, named, random_graph

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

"""Whatever text a user's program holds: every format is well-formed, and can be saved."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
from pages import data_of
from pictures import NASTY, named

from lazygraph import Graph, Ref, Task, delayed, inputs
from lazygraph.observers import Recorder
from lazygraph.protocols import TaskFailed, TaskStarted
from lazygraph.viz import draw
from lazygraph.viz.model import Box, Edge, Scene
from lazygraph.viz.paint.edges import label_items
from lazygraph.viz.paint.themes import LIGHT

FORMATS = ("svg", "pdf", "html", "dot", "mmd")
NASTY = [*NASTY, "\x9f\u202e\u2066turned", "\ud800\udc00 pairs \udfff", "\x1b[31mred\x1b[0m", "\0"]


class Told:
    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text


class ToldError(Exception):
    def __repr__(self) -> str:
        return str(self.args[0])


def drawings(text: str) -> dict[str, Any]:
    function, key = named(text), f"{text} as key"
    graph = Graph(
        {
            key: Task(function, (Told(text), text), {"by": {text: text}}),
            "end": Task(function, (Ref(key), [Ref(key), text])),
        }
    )
    run = Recorder()
    run.notify(TaskStarted(0.0, key, 0, text))
    run.notify(TaskFailed(1.0, key, 0, text, ToldError(text)))
    goal = inputs("x") * 2.0
    return {
        "run": draw(graph, ["end"], run=run, color="worker", title=text, detail="tasks"),
        "full": draw(graph, ["end"], title=text, detail="full"),
        "groups": draw(graph, ["end"], run=run, title=text, detail="collapsed"),
        "labels": draw(graph, ["end"], labels={key: text}),
        "called": draw(graph, ["end"], labels=lambda key, task: text),
        "key": draw(graph, ["end"], labels="key"),
        "fused": delayed(function)(delayed(function)(text)).visualize(optimize_graph=True),
        "gradients": goal.visualize(gradients=True, labels=lambda key, task: text),
        "numbers": goal.visualize(gradients=True, inputs={"x": 2.0}, labels=lambda key, task: text),
    }


@pytest.mark.parametrize("text", NASTY, ids=ascii)
def test_any_text_is_drawn_in_every_format(text: str, tmp_path: Path) -> None:
    for name, drawing in drawings(text).items():
        ET.fromstring(drawing.svg)
        ET.fromstring(drawing._inline)
        assert data_of(drawing.html)["nTasks"] > 0
        assert json.loads(json.dumps(drawing._repr_mimebundle_()))
        for kind in FORMATS:
            file = drawing.save(tmp_path / f"{name}.{kind}")
            assert file.read_bytes()


class Counted(tuple):  # noqa: SLOT001  # it counts
    """A tuple that counts how often it is gone through."""

    n = 0

    def __iter__(self) -> Any:
        type(self).n += 1
        return super().__iter__()


@pytest.mark.parametrize("n", [10, 500])
def test_edges_are_looked_at_a_few_times_however_many_boxes_there_are(n: int) -> None:
    edges = Counted([Edge(k, k + 1) for k in range(n - 1)])
    scene = Scene(tuple(Box(str(k)) for k in range(n)), edges)
    Counted.n = 0

    assert list(label_items(scene, None, LIGHT)) == []  # type: ignore[arg-type]  # not asked for
    assert Counted.n <= 2

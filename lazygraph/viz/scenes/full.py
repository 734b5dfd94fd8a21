"""A graph as Dask draws it: a round box for each call, a plain one for each piece of data."""

from __future__ import annotations

from lazygraph.viz.model import Box, Edge, Scene
from lazygraph.viz.paint.sizes import box_size
from lazygraph.viz.scenes.labels import key_text
from lazygraph.viz.scenes.subject import Subject, times
from lazygraph.viz.scenes.tasks import assemble_scene, task_box
from lazygraph.viz.text import one_line, truncated

__all__ = ["full_scene"]


def full_scene(subject: Subject) -> Scene:
    """Return calls, their results, and the arguments that are no results. O(tasks + arguments)."""
    maker = _Maker(subject)
    for task in subject.shown:
        maker.add(task)
    return assemble_scene(subject, tuple(maker.boxes), tuple(maker.edges))


class _Maker:
    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._result_of: dict[int, int] = {}  # task -> its result's box
        self.boxes: list[Box] = []
        self.edges: list[Edge] = []

    def add(self, task: int) -> None:
        """Add one task, after those that it needs."""
        box = task_box(self._subject, task)
        if box.shape == "data":
            inputs, self._result_of[task] = self._inputs(task), self._put(box)
            self._link(inputs, self._result_of[task])
            return
        inputs = self._inputs(task) + [
            (self._put(_data(text)), 1)
            for text in self._subject.labeller.literals(self._subject.keys[task])
        ]
        call = self._put(_call(box))
        self._link(inputs, call)
        self._result_of[task] = self._put(_result(self._subject, task, box))
        self.edges.append(Edge(call, self._result_of[task]))

    def _inputs(self, task: int) -> list[tuple[int, int]]:
        """Return the boxes of its dependencies, and how often it uses each."""
        uses = self._subject.uses[task].items()
        return [(self._result_of[dep], n) for dep, n in uses if dep in self._result_of]

    def _link(self, inputs: list[tuple[int, int]], end: int) -> None:
        self.edges += [Edge(start, end, times(n), n) for start, n in inputs]

    def _put(self, box: Box) -> int:
        self.boxes.append(box)
        return len(self.boxes) - 1


def _data(text: str) -> Box:
    width, height = box_size(text, shape="data")
    return Box(text, tooltip=text, name=text, shape="data", width_px=width, height_px=height)


def _call(box: Box) -> Box:
    width, height = box_size(box.label, shape="function")
    return Box(
        label=box.label,
        tooltip=box.tooltip,
        name=box.name,
        function=box.function,
        shape="function",
        marks=box.marks - {"output"},
        value=box.value,
        width_px=width,
        height_px=height,
        category=box.category,
    )


def _result(subject: Subject, task: int, box: Box) -> Box:
    label = truncated(one_line(key_text(subject.keys[task])))
    width, height = box_size(label, shape="data")
    return Box(
        label,
        tooltip=f"{box.name}\nresult of {box.label}",
        name=box.name,
        shape="data",
        marks=box.marks & {"output"},
        width_px=width,
        height_px=height,
    )

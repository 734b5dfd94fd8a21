"""A graph's tasks to what is to be seen of them: a box each, an edge per dependency."""

from __future__ import annotations

from dataclasses import replace

from lazygraph.viz.look import Notes
from lazygraph.viz.model import Box, Edge, Scene, Shape
from lazygraph.viz.paint.sizes import box_size
from lazygraph.viz.scenes.labels import Words
from lazygraph.viz.scenes.legend import legend_of
from lazygraph.viz.scenes.quantities import value_text
from lazygraph.viz.scenes.subject import Subject

__all__ = ["assemble_scene", "task_box", "tasks_scene"]


def tasks_scene(subject: Subject) -> Scene:
    """One box a task. O(tasks + arguments)."""
    place = {task: n for n, task in enumerate(subject.shown)}
    boxes = tuple([task_box(subject, task) for task in subject.shown])
    return assemble_scene(subject, boxes, subject.edges(place))


def assemble_scene(
    subject: Subject, boxes: tuple[Box, ...], edges: tuple[Edge, ...], caption: str = ""
) -> Scene:
    """Return the whole, with what its colours mean."""
    return Scene(
        boxes=boxes,
        edges=edges,
        title=subject.look.title or "",
        caption=caption or _caption(subject),
        legend=legend_of(subject, boxes),
        n_tasks=len(subject.keys),
        n_dependencies=subject.n_dependencies,
        hues=subject.hues,
        rankdir=subject.look.rankdir,
    )


def _caption(subject: Subject) -> str:
    n = subject.n_left_out
    if not n:
        return ""
    them = (
        "1 task that only keeps a shape is" if n == 1 else f"{n:,} tasks that only keep shapes are"
    )
    return f"{them} not drawn; detail='full' draws all"


def task_box(subject: Subject, task: int) -> Box:
    """Return the box of one task."""
    words = subject.labeller.words(subject.keys[task])
    value = subject.values[task]
    detail = _hidden(subject, task) or _fate(subject, task) or words.detail
    result, back = _flow(subject, task)
    detail = result or detail
    if value is not None:
        detail = value_text(subject.look.color, value)
    shape = _shape(words)
    box = Box(
        label=words.label,
        detail=detail,
        tooltip="\n".join([words.tooltip, *outcome_lines(subject, task)]),
        name=words.tooltip.partition("\n")[0],
        function=words.function,
        shape=shape,
        marks=subject.marks(task),
        members=words.members,
        value=subject.shares[task],
        category=subject.worker(task),
        back=back,
    )
    width, height = box_size(words.label, box.second_line, shape, words.members)
    return replace(box, width_px=width, height_px=height)


def _flow(subject: Subject, task: int) -> tuple[str, str]:
    """Return the task's result, and the derivative by it."""
    notes, key = subject.look.notes or Notes(), subject.keys[task]
    return notes.values.get(key, ""), notes.totals.get(key, "") or subject.derivative(task)


def _hidden(subject: Subject, task: int) -> str:
    """How many neighbours are left out."""
    key = subject.keys[task]
    needed, users = (hidden.get(key, 0) for hidden in subject.hidden)
    said = [f"+{needed:,} needed"] if needed else []
    return ", ".join(said + ([f"+{users:,} need it"] if users else []))


def _fate(subject: Subject, task: int) -> str:
    return subject.outcomes[task].fate if subject.outcomes else ""


def _shape(words: Words) -> Shape:
    if words.members:
        return "fused"
    return "call" if words.function else "data"


def outcome_lines(subject: Subject, task: int) -> list[str]:
    """Return what a tooltip says of the run."""
    return subject.outcomes[task].lines() if subject.outcomes else []

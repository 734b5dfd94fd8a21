"""Groups of tasks to what is to be seen of them: cards with how many, edges with how wired."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import ceil
from statistics import fmean

from lazygraph.tasks.reprs import counted
from lazygraph.viz.collapse.collapse import Groups, collapse
from lazygraph.viz.model import Box, Edge, Mark, Scene
from lazygraph.viz.paint.sizes import box_size
from lazygraph.viz.scenes.cells import cells_of
from lazygraph.viz.scenes.quantities import value_text
from lazygraph.viz.scenes.subject import Subject
from lazygraph.viz.scenes.tasks import assemble_scene, task_box
from lazygraph.viz.text import TIMES, one_line, truncated

__all__ = ["cells_by_group", "collapsed_scene", "grouped", "named_dependencies"]

_DATA = "data"
_COUNTED: tuple[Mark, ...] = ("failed", "skipped", "pending", "running", "cached")
_MOST_KEYS = 5


def grouped(subject: Subject) -> Groups:
    """Return the shown tasks in groups; members are places in `Subject.shown`."""
    place = {task: n for n, task in enumerate(subject.shown)}
    outputs = [place[task] for task in subject.outputs if task in place]
    return collapse(*named_dependencies(subject), outputs)


def named_dependencies(subject: Subject) -> tuple[list[str], list[list[int]]]:
    """Return the shown tasks by what they do, and the places of those they need."""
    place = {task: n for n, task in enumerate(subject.shown)}
    return (
        [_kind(subject, task) for task in subject.shown],
        [[place[dep] for dep in subject.uses[task] if dep in place] for task in subject.shown],
    )


def collapsed_scene(subject: Subject, groups: Groups) -> Scene:
    """One box a group. O(tasks)."""
    boxes = tuple([_box(subject, groups, n) for n in range(len(groups.members))])
    edges = tuple([Edge(start, end, label, n) for start, end, n, label in groups.edges])
    n_shown, n_groups = len(subject.shown), len(boxes)
    said = f"{counted(n_shown, 'task')} drawn as {counted(n_groups, 'group')}"
    return assemble_scene(subject, boxes, edges, f"{said}; {_more(subject)}")


def _more(subject: Subject) -> str:
    """How to see what groups do not show."""
    all_drawn = "detail='tasks' draws all"
    return f"{all_drawn}, with derivatives" if subject.look.notes else all_drawn


def cells_by_group(subject: Subject, groups: Groups, scene: Scene) -> dict[int, list[Box]]:
    """Return a cell for each task of the groups that hold more than one. O(tasks)."""
    marks = {task: subject.marks(task) - {"output"} for task in subject.shown}
    made = {}
    for n, box in enumerate(scene.boxes):
        if box.count > 1:
            tasks = [subject.shown[member] for member in groups.members[n]]
            cells = cells_of(tasks, subject.shares, marks, box.function)
            made[n] = _of_workers(subject, tasks, cells)
    return made


def _of_workers(subject: Subject, tasks: Sequence[int], cells: Sequence[Box]) -> list[Box]:
    """Return the cells in the colours of workers, if these are asked for; of several, the first's."""
    each = ceil(len(tasks) / len(cells))
    workers = [subject.worker(task) for task in tasks[::each]]
    return [replace(cell, category=name) for cell, name in zip(cells, workers, strict=True)]


def _box(subject: Subject, groups: Groups, n: int) -> Box:
    tasks = [subject.shown[member] for member in groups.members[n]]
    if len(tasks) == 1 and groups.labels[n] == _kind(subject, tasks[0]):
        return task_box(subject, tasks[0])
    like = [subject.names[task] for task in tasks if _kind(subject, task) == groups.functions[n]]
    return _stack(subject, tasks, groups.labels[n], like[0].function, groups.details[n])


def _kind(subject: Subject, task: int) -> str:
    return subject.names[task].kind or _DATA


def _stack(subject: Subject, tasks: Sequence[int], name: str, function: str, detail: str) -> Box:
    value = _mean([subject.values[task] for task in tasks])
    fates = _fates(subject, tasks)
    if value is not None:
        detail = f"mean {value_text(subject.look.color, value)}"
    detail = truncated(one_line(fates or detail))
    count = f" {TIMES}{len(tasks):,}"
    label = truncated(one_line(name), len(count)) + count
    width, height = box_size(label, detail, "group")
    return Box(
        label=label,
        detail=detail,
        tooltip="\n".join(_lines(subject, tasks, name, fates)),
        name=one_line(name),
        function=function,
        shape="group",
        marks=_marks(subject, tasks),
        count=len(tasks),
        value=None if value is None else subject.ramp.share(value),
        width_px=width,
        height_px=height,
    )


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known else None


def _lines(subject: Subject, tasks: Sequence[int], name: str, fates: str) -> list[str]:
    keys = ", ".join([str(subject.keys[task]) for task in tasks[:_MOST_KEYS]])
    more = f" and {len(tasks) - _MOST_KEYS:,} more" if len(tasks) > _MOST_KEYS else ""
    lines = [f"{counted(len(tasks), 'task')}: {name}", fates, keys + more]
    return [one_line(line) for line in lines if line]


def _fates(subject: Subject, tasks: Sequence[int]) -> str:
    """How many have failed, and so on; empty if all went well."""
    if subject.outcomes is None:
        return ""
    found = [mark for task in tasks for mark in subject.outcomes[task].marks]
    said = [f"{found.count(mark):,} {mark}" for mark in _COUNTED if mark in found]
    return ", ".join(said)


def _marks(subject: Subject, tasks: Sequence[int]) -> frozenset[Mark]:
    """Return what one of them has, if it is to be looked at; what all of them have."""
    each = [subject.marks(task) for task in tasks]
    return frozenset.union(*each) & {"failed", "slow", "output"} | frozenset.intersection(*each)

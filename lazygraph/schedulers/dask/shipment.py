"""A plan -> one object that Dask's scheduler takes for a graph, and that travels compactly.

Functions and templates are listed once, tasks are rows that refer to them by number; Dask's own
task objects are made where the graph arrives. Dask's order is not asked for: the plan has one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple, TypeAlias

from dask._task_spec import Task, TaskRef
from dask.highlevelgraph import HighLevelGraph, MaterializedLayer

from lazygraph.graphs.plan import gc_paused
from lazygraph.randomness import Seed
from lazygraph.schedulers.dask.steps import (
    FarCoroutine,
    FarStep,
    Literals,
    Packer,
    literals_of,
)
from lazygraph.tasks.keys import Key
from lazygraph.tasks.options import NO_OPTIONS, Options
from lazygraph.tasks.pytree import Template
from lazygraph.transport.pickling import dumps, loads

__all__ = ["PlanGraph", "ship"]

#: What is asked for tasks: name of an annotation -> key -> value.
Annotations: TypeAlias = dict[str, dict[Key, Any]]

_LAYER = "lazygraph"


class Rows(NamedTuple):
    """Tasks as data. Keys, functions and templates are meant by their places in lists."""

    keys: list[Key]  # of the tasks, then of what they need from elsewhere
    functions: list[bytes]
    templates: list[Template | None]
    numbers: list[tuple[int, int, tuple[int, ...]]]  # function, template, keys of dependencies
    literals: dict[int, Literals]
    coroutines: set[int]
    seeds: dict[int, Seed]
    annotations: Annotations

    def tasks(self) -> dict[Key, Task]:
        """Dask's tasks."""
        refs = [TaskRef(key) for key in self.keys]  # type: ignore[arg-type]
        made = {}
        for n, (function, template, needed) in enumerate(self.numbers):
            key, kind = self.keys[n], FarCoroutine if n in self.coroutines else FarStep
            step = kind(
                key,
                self.functions[function],
                self.templates[template],
                self.literals.get(n, ()),
                self.seeds.get(n),
            )
            made[key] = Task(key, step, *[refs[i] for i in needed])
            made[key]._is_coro = kind is FarCoroutine  # what would be found out, of each alone
        return made


class PlanGraph(HighLevelGraph):
    """What a client is given, and what arrives of it at Dask's scheduler.

    Of Dask's own class since some releases ask for that; newer ones ask an object for its graph
    and for its annotations.
    """

    def __init__(self, rows: bytes, tasks: Mapping[Key, Task], annotations: Annotations) -> None:
        layers = dict(_layers(tasks, annotations))
        super().__init__(layers, {name: set() for name in layers})
        self._rows, self._tasks, self._annotations = rows, tasks, annotations

    def __dask_graph__(self) -> Mapping[Key, Task]:
        return self._tasks

    def __dask_annotations__(self) -> Annotations:
        """Return what is asked for tasks."""
        return self._annotations

    def __reduce__(self) -> tuple[Any, ...]:
        return _arrived, (self._rows,)


def _arrived(data: bytes) -> PlanGraph:
    with gc_paused():
        rows = Rows(*loads(data))
        return PlanGraph(data, rows.tasks(), rows.annotations)


def _layers(
    tasks: Mapping[Key, Task], annotations: Annotations
) -> Iterator[tuple[str, MaterializedLayer]]:
    """Return the tasks by what is asked for them, for releases of Dask that read it off layers."""
    groups: dict[tuple[Any, ...], dict[Key, Task]] = {}
    names = list(annotations)
    if not names:
        yield _LAYER, MaterializedLayer(tasks)
        return
    for key, task in tasks.items():
        asked = tuple(repr(annotations[name].get(key)) for name in names)
        groups.setdefault(asked, {})[key] = task
    for number, group in enumerate(groups.values()):
        some = next(iter(group))
        asked_of = {name: annotations[name][some] for name in names if some in annotations[name]}
        yield f"{_LAYER}-{number}", MaterializedLayer(group, annotations=asked_of)


class _Listed:
    """Numbers for things, equal ones alike."""

    def __init__(self) -> None:
        self.things: list[Any] = []
        self._number_of: dict[Any, int] = {}

    def number(self, thing: Any) -> int:
        number = self._number_of.get(thing)
        if number is None:
            number = self._number_of[thing] = len(self.things)
            self.things.append(thing)
        return number


def ship(
    packer: Packer, steps: Iterable[int], keys: Callable[[int], Key], seed: Seed | None
) -> PlanGraph:
    """Pack some steps of a plan for sending.

    Parameters
    ----------
    packer : Packer
        Of the plan.
    steps : iterable of int
        Which; what they need besides is on the cluster already.
    keys : callable
        What a step is called there.
    seed : Seed, optional
        Of the run.

    Raises
    ------
    UnpicklableError
        If a function or a literal cannot be pickled.

    Notes
    -----
    O(steps + arguments), about 2 us a step.
    """
    with gc_paused():
        rows = _rows(packer, list(steps), keys, seed)
        return PlanGraph(_pickled(rows, packer), {}, {})


def _rows(packer: Packer, steps: list[int], keys: Callable[[int], Key], seed: Seed | None) -> Rows:
    plan = packer.plan
    functions, templates = _Listed(), _Listed()
    place = {step: n for n, step in enumerate(steps)}
    named = [keys(step) for step in steps]
    numbers, literals = [], {}
    for n, step in enumerate(steps):
        slots = plan.slots[step]
        for slot in slots:
            if slot >= 0 and slot not in place:
                place[slot] = len(named)
                named.append(keys(slot))
        needed = tuple([place[slot] for slot in slots if slot >= 0])
        numbers.append(
            (
                functions.number(packer.function(step)),
                templates.number(packer.template(step)),
                needed,
            )
        )
        if len(needed) < len(slots):
            literals[n] = literals_of(plan, step)
    asked = {n: plan.options[step] for n, step in enumerate(steps) if step in plan.options}
    return Rows(
        named,
        functions.things,
        templates.things,
        numbers,
        literals,
        {n for n, options in asked.items() if options.is_async},
        {} if seed is None else {n: seed.at(step) for n, step in enumerate(steps)},
        _annotations(named, asked),
    )


def _pickled(rows: Rows, packer: Packer) -> bytes:
    try:
        return dumps(tuple(rows))
    except Exception as error:
        raise packer.blame() or error from error


#: An option -> Dask's name for it, and what Dask wants to be told.
_ANNOTATIONS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "retries": ("retries", int),
    "priority": ("priority", float),
    "uses": ("resources", dict),
    "workers": ("workers", list),
    "allow_other_workers": ("allow_other_workers", bool),
}


def _annotations(keys: list[Key], asked: Mapping[int, Options]) -> Annotations:
    made: Annotations = {}
    for n, options in asked.items():
        if options is NO_OPTIONS:
            continue
        for option in options.changed():
            if option in _ANNOTATIONS:
                name, translate = _ANNOTATIONS[option]
                made.setdefault(name, {})[keys[n]] = translate(getattr(options, option))
    return made

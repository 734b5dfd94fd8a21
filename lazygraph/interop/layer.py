"""Lazy values -> Dask's layers, whose tasks are made when they are read."""

from __future__ import annotations

import operator
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cached_property, partial
from typing import Any

import dask.base
from dask import _task_spec, highlevelgraph
from dask.highlevelgraph import Layer, MaterializedLayer

from lazygraph.interop.calls import ON_CLUSTER, ClusterOnly
from lazygraph.interop.read import read_dask
from lazygraph.interop.write import write_task
from lazygraph.tasks.function import Function
from lazygraph.tasks.keys import Key
from lazygraph.tasks.operators import value_of
from lazygraph.tasks.reprs import short_call
from lazygraph.tasks.task import Ref, Task, make_task

__all__ = ["LazyLayer", "graph_for_dask", "held", "renamed"]

# Their types know fewer kinds of keys than there are.
base: Any = dask.base
spec: Any = _task_spec
HighLevelGraph: Any = highlevelgraph.HighLevelGraph
TasksOf = Callable[[Sequence[Any]], Mapping[Key, Task]]


class LazyLayer(Layer):
    """The tasks that a lazy value needs: a mapping that is made when it is first read."""

    def __init__(self, node: Any, key: Key, tasks_of: TasksOf) -> None:
        super().__init__()
        self.node, self.key, self.tasks_of = node, key, tasks_of

    @cached_property
    def _tasks(self) -> Mapping[Key, Task]:
        return self.tasks_of([self.node])

    @cached_property
    def _dsk(self) -> dict[Key, Any]:
        return _written(self._tasks)

    @property
    def annotations(self) -> Any:
        """What the tasks ask of a cluster, by Dask's names, and then by key."""
        return {**_annotations(self._tasks), **self._given} or None

    @annotations.setter
    def annotations(self, given: Any) -> None:
        self._given = given or {}  # what holds in the surrounding `dask.annotate`

    def __getitem__(self, key: Key) -> Any:
        return self._dsk[key]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._dsk)

    def __len__(self) -> int:
        return len(self._dsk)

    def is_materialized(self) -> bool:
        """Whether the tasks have been made."""
        return "_dsk" in vars(self)

    def get_output_keys(self) -> set[Any]:
        """Return the keys that other layers may need."""
        return set(self._dsk)

    def __repr__(self) -> str:
        return f"<LazyLayer of {self.key!r}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return MaterializedLayer, (self._dsk, self.annotations)


class _Shared(spec.Task):  # type: ignore[misc]
    """A task that stays one task where Dask would make a second of it.

    What is not of Dask's own classes, Dask renames as a whole wherever `dask.delayed` is given
    it (`dask._expr.ProhibitReuse`), and keeps the tasks under their old keys beside it: two
    uses of a lazy value would run its tasks twice. Here the renamed is the old one's result.

    Nor is it joined with others, which would hide its key and have it run once in each. In
    the process that made it, it gives errors their note; pickled, it is Dask's own.
    """

    __slots__ = ("captured",)

    def __init__(self, key: Any, func: Any, /, *args: Any, **kwargs: Any) -> None:
        super().__init__(key, func, *args, **kwargs)
        self.captured: Task | None = None

    @property
    def block_fusion(self) -> bool:
        """Whether Dask must not join it with others."""
        return True

    def __call__(self, values: Any = ()) -> Any:
        try:
            return super().__call__(values)
        except BaseException as error:
            # Whatever the arguments' own code does while they are shown.
            with suppress(Exception):
                error.add_note(_note(self.key, self.captured, values))
            raise

    def substitute(self, subs: Any, key: Any = None) -> Any:
        """Return the task with other references."""
        if key is None and _is_renamed(self.key, subs):
            return spec.TaskRef(self.key)
        return super().substitute(subs, key)

    def __reduce__(self) -> tuple[Any, ...]:
        # Elsewhere it is Dask's own: a cluster's scheduler need not know of this library.
        return partial(spec.Task, self.key, self.func, *self.args, **self.kwargs), ()


def _note(key: Key, task: Any, values: Any) -> str:
    leaves = tuple([values[x.key] if type(x) is Ref else x for x in task._leaves])
    shown = short_call(task.name, *task._arguments(leaves))
    site = "" if task.site is None else f"\n  captured at {task.site}"
    return f"lazygraph: while running task {key!r}: {shown}{site}"


def _is_renamed(key: Any, subs: Any) -> bool:
    """Whether the whole graph is renamed, this task too."""
    new = subs.get(key)
    while type(key) is tuple and type(new) is tuple and key:
        key, new = key[0], new[0]
    return type(new) is str and new[:-32] == f"{key}-"


def _written(tasks: Mapping[Key, Task]) -> dict[Key, Any]:
    made: dict[Key, Any] = {}
    for key, task in tasks.items():
        written = write_task(key, task, ON_CLUSTER, _Shared)
        if type(written) is spec.Task:  # several, fused
            written = _Shared(key, written.func, *written.args, **written.kwargs)
        if type(written) is _Shared:
            written.captured = task
            if not ON_CLUSTER.isdisjoint(task.options.changed()):
                written.func = ClusterOnly(written.func, key, task.options)
        made[key] = written
    return made


def _annotations(tasks: Mapping[Key, Task]) -> dict[str, Callable[[Key], Any]]:
    """By Dask's names, functions of the key: Dask has annotations by layer, not by task.

    Nothing of this library is in them: a cluster's scheduler need not know it.
    """
    priority = {key: task.options.priority for key, task in tasks.items() if task.options.priority}
    resources = {key: dict(task.options.uses) for key, task in tasks.items() if task.options.uses}
    made: dict[str, Callable[[Key], Any]] = {}
    if priority:
        made["priority"] = partial(operator.getitem, defaultdict(int, priority))
    if resources:
        made["resources"] = partial(dict.get, resources)
    return made


def graph_for_dask(node: Any, key: Key, tasks_of: TasksOf) -> Any:
    """Return the graph of a lazy value. O(1): its tasks are yet to be made."""
    return HighLevelGraph({key: LazyLayer(node, key, tasks_of)}, {key: set()})


def renamed(key: Key, rename: Any) -> Key:
    """Return the key, its name replaced as Dask asks for."""
    made: Key = base.replace_name_in_key(key, rename) if rename else key
    return made


def held(key: Key, dsk: Any) -> dict[Key, Task]:
    """Return the tasks of a graph that Dask gives back: improved, or with results in it."""
    entries = dict(dsk)
    value = entries.get(key)
    if len(entries) == 1 and not isinstance(value, (spec.GraphNode, spec.TaskRef)):
        return {key: make_task(Function(value_of), (value,), None)}  # a result, whatever it is
    return read_dask(entries)

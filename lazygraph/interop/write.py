"""Tasks -> Dask's own task objects."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from functools import partial
from typing import Any

from dask import _task_spec

from lazygraph.errors import UnsupportedOptionError
from lazygraph.interop.calls import IN_CALL, Made, Retried, call_with, fetch
from lazygraph.interop.legacy import nested_key
from lazygraph.tasks.fused import Fused
from lazygraph.tasks.keys import Key
from lazygraph.tasks.operators import value_of
from lazygraph.tasks.options import PASS_OPTIONS
from lazygraph.tasks.pytree import dict_of
from lazygraph.tasks.task import Ref, Task
from lazygraph.tasks.treedef import run_program

__all__ = ["write_dask", "write_task"]

spec: Any = _task_spec  # its keys are of a narrower type than ours
_KNOWN = IN_CALL | PASS_OPTIONS
_NODES = (spec.GraphNode, spec.TaskRef)
_CONTAINERS: dict[Any, Any] = {list: spec.List, tuple: spec.Tuple, set: spec.Set}


def write_dask(tasks: Mapping[Key, Task]) -> dict[Key, Any]:
    """Return a graph for Dask, key by key; `read_dask` is the way back.

    Raises
    ------
    UnsupportedOptionError
        For a task with an option that neither its call nor Dask can honour.

    Notes
    -----
    O(tasks + arguments), about 5 us a task.
    """
    return {key: write_task(key, task) for key, task in tasks.items()}


def write_task(
    key: Key, task: Task, beyond: frozenset[str] = frozenset(), kind: Any = spec.Task
) -> Any:
    """Return the task as Dask's, of class `kind`; `beyond` are options that its graph takes care of.

    Raises
    ------
    UnsupportedOptionError
        For any other option that a call cannot honour by itself.
    """
    for name in task.options.changed() if task.func is not fetch else ():
        if name not in _KNOWN and name not in beyond:
            shown = "async def" if name == "is_async" else name
            raise UnsupportedOptionError(shown, "Dask", key)
    return _Writer({}, kind).task(key, task)


class _Writer:
    """Writes one task; those of `inner` go inside the tasks that need them."""

    def __init__(self, inner: Mapping[Key, Task], kind: Any = spec.Task) -> None:
        self._inner, self._kind = inner, kind

    def task(self, key: Key | None, task: Task) -> Any:
        """Return the task as Dask's; without a key if it is nested in another."""
        func: Any = task.func
        if type(func) is Fused:
            return _fused(key, func, task._leaves)
        if func is value_of and not (task._template and task._template.names):
            return self._value(key, task)
        if func is fetch:
            return task._leaves[0]  # the future itself: where it is, a cluster knows
        if not IN_CALL.isdisjoint(task.options.changed()):
            func = Retried(func, task.options)
        args, kwargs = self._arguments(task)
        if not any(name.startswith("_") for name in kwargs):
            return self._kind(key, func, *args, **kwargs)
        # Names that Dask's own constructor may take for itself.
        items = [part for pair in kwargs.items() for part in pair]
        nested = spec.Task(None, Made(list), *args), spec.Task(None, Made(dict_of), *items)
        return self._kind(key, call_with, func, *nested)

    def _value(self, key: Key | None, task: Task) -> Any:
        """Return a task that only holds something: data, another's result, a container of such."""
        ((value,), _) = self._arguments(task)
        if isinstance(value, spec.TaskRef):
            is_there = type(value) is not spec.TaskRef and value.key == key
            return value if key is None or is_there else spec.Alias(key, value.key)
        if not isinstance(value, spec.Task):
            leaf = value.value if isinstance(value, spec.DataNode) else value
            return spec.DataNode(key, leaf)
        value.key = key
        return value

    def _leaf(self, leaf: Any) -> Any:
        if type(leaf) is Ref:
            inner = self._inner.get(leaf.key)
            return spec.TaskRef(leaf.key) if inner is None else self.task(None, inner)
        if isinstance(leaf, _NODES):
            return spec.DataNode(None, leaf)  # handed over itself, not its value
        return leaf

    def _arguments(self, task: Task) -> tuple[list[Any], dict[str, Any]]:
        """Return the arguments, with what stands for results, and containers of such, in Dask's form."""
        template = task._template
        if template is None:
            return list(map(self._leaf, task._leaves)), {}
        program = [(n, partial(_container, build), k) for n, build, k in template.program]
        values = run_program(program, [self._leaf(leaf) for leaf in task._leaves])
        npos = template.npos
        return values[:npos], dict(zip(template.names, values[npos:], strict=True))


def _container(make: Any, items: list[Any]) -> Any:
    if make is dict_of:
        return _dict(items)
    kind = _CONTAINERS.get(make)
    # Given a single list, Dask's List would take it for its items.
    if kind is not None and not (len(items) == 1 and isinstance(items[0], kind.klass)):
        return kind(*items)
    return spec.Task(None, Made(make), *items)


def _dict(items: list[Any]) -> Any:
    """Dask's dict, if its keys are such as it takes."""
    names = items[::2]
    if all(isinstance(name, Hashable) and not isinstance(name, _NODES) for name in names):
        return spec.Dict(dict(zip(names, items[1::2], strict=True)))
    return spec.Task(None, Made(dict_of), *items)


# ----------------------------------------------------------------- fused tasks
def _fused(key: Key | None, func: Fused, leaves: Sequence[Any]) -> Any:
    members = _members(func, leaves)
    inner = dict(members[:-1])
    if key is not None and list(inner) == [nested_key(key, n) for n in range(len(inner))]:
        return _Writer(inner).task(key, members[-1][1])
    written = [_Writer({}).task(name, task) for name, task in members]
    return spec.Task.fuse(*written, key=key)


def _members(func: Fused, leaves: Sequence[Any]) -> list[tuple[Key, Task]]:
    """Return the members with the arguments that they have now: an edit changes the fused one's only."""
    n = len(leaves)

    def leaf(slot: int) -> Any:
        return leaves[slot] if slot < n else Ref(func.members[slot - n].key)

    return [(m.key, m.task.with_leaves(tuple(map(leaf, m.slots)))) for m in func.members]

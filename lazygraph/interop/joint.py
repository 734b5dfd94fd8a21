"""Dask collections -> one graph of tasks, optimized by Dask's rules."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import dask.base
import dask.core
from dask import _expr, _task_spec, highlevelgraph
from dask.delayed import single_key
from dask.highlevelgraph import MaterializedLayer

from lazygraph.interop.foreign import Guest
from lazygraph.interop.legacy import value_of
from lazygraph.interop.read import read_dask
from lazygraph.tasks.function import Function
from lazygraph.tasks.keys import Key
from lazygraph.tasks.pytree import Template
from lazygraph.tasks.task import Ref, Task, make_task

__all__ = ["joint_tasks", "key_of"]

base: Any = dask.base
core: Any = dask.core
spec: Any = _task_spec
expr: Any = _expr
HighLevelGraph: Any = highlevelgraph.HighLevelGraph


def key_of(guest: Guest) -> Key:
    """What names the result of a collection."""
    collection = guest.collection
    if not guest.in_parts and _is_one_task(collection):
        key: Key = collection.__dask_keys__()[0]
        return key
    name = type(collection).__name__.lower() + ("-parts" if guest.in_parts else "")
    return f"{name}-{base.tokenize(collection)}"


def _is_one_task(collection: Any) -> bool:
    """Whether the collection is the result of one task, as it is."""
    func, extra = collection.__dask_postcompute__()
    return func is single_key and not extra


def joint_tasks(guests: Sequence[Guest]) -> dict[Key, Task]:
    """Tasks for all the guests: each one's result is that of the task of its key.

    Notes
    -----
    Collections of one kind, those with the same `__dask_optimize__`, are optimized together,
    dataframes' expressions likewise, as in `dask.compute`; what they share is one task.
    """
    unique = {guest.key: guest for guest in guests}.values()
    expressions = [guest for guest in unique if _is_expression(guest.collection)]
    others = [guest for guest in unique if guest not in expressions]
    return {**_of_graphs(others), **_of_expressions(expressions)}


def _is_expression(collection: Any) -> bool:
    return isinstance(getattr(collection, "expr", None), expr.Expr)


def _of_graphs(guests: Sequence[Guest]) -> dict[Key, Task]:
    """The tasks of arrays, bags, `dask.delayed` objects, and whoever else has a graph."""
    groups: dict[Any, list[Guest]] = {}
    for guest in guests:
        groups.setdefault(base.optimization_function(guest.collection), []).append(guest)
    merged = [
        HighLevelGraph.merge(*[guest.collection.__dask_graph__() for guest in group])
        for group in groups.values()
    ]
    kept = _between(merged)
    tasks: dict[Key, Task] = {}
    for (optimize, group), graph in zip(groups.items(), merged, strict=True):
        keys = [guest.collection.__dask_keys__() for guest in group]
        shared = [key for name in kept if name in graph.layers for key in _outputs(graph, name)]
        tasks.update(_held_by_cluster(graph))
        tasks.update(read_dask(graph if optimize is None else optimize(graph, [*keys, shared])))
        ends = {guest.key: _finished(guest, guest.collection.__dask_keys__()) for guest in group}
        tasks = {**ends, **tasks}
    return tasks


def _held_by_cluster(graph: Any) -> dict[Key, Task]:
    """Tasks that fetch the results that a graph has as futures: Dask's passes leave them out."""
    futures: dict[Key, Any] = {
        key: value
        for layer in graph.layers.values()
        if isinstance(layer, MaterializedLayer)
        for key, value in layer.items()
        if isinstance(value, spec.TaskRef)
    }
    return read_dask(futures) if futures else {}


def _outputs(graph: Any, name: str) -> list[Key]:
    return list(graph.layers[name].get_output_keys())


def _between(graphs: Sequence[Any]) -> list[str]:
    """The layers by which graphs of different kinds share others.

    Each kind is optimized by itself: what one of them has joined with its own tasks would run
    again for the other. So the results of these layers are to be kept.
    """
    times = Counter(name for graph in graphs for name in graph.layers)
    needed: dict[str, None] = {}
    for graph in graphs:
        for name, dependencies in graph.dependencies.items():
            if times[name] == 1:
                needed.update(dict.fromkeys(dep for dep in dependencies if times[dep] > 1))
    return sorted(needed, key=repr)


def _of_expressions(guests: Sequence[Guest]) -> dict[Key, Task]:
    """The tasks of dataframes, and of whatever else Dask has as expressions."""
    if not guests:
        return {}
    wanted = [
        guest.collection.expr if guest.in_parts else guest.collection.expr.finalize_compute()
        for guest in guests
    ]
    lowered = expr._ExprSequence(*wanted).optimize()
    tasks = read_dask(lowered.__dask_graph__())
    for guest, keys in zip(guests, lowered.__dask_keys__(), strict=True):
        tasks[guest.key] = _by_key(keys) if guest.in_parts else _same(*keys)
    return tasks


def _finished(guest: Guest, keys: Any) -> Task:
    """The task that makes of a collection's parts what `compute` gives."""
    if guest.in_parts:
        return _by_key(keys)
    func, extra = guest.collection.__dask_postcompute__()
    leaves, program = _nested(keys)
    function = Function(func, name=f"finalize-{type(guest.collection).__name__.lower()}")
    return make_task(function, (*leaves, *extra), Template(tuple(program), 1 + len(extra)))


def _same(key: Key) -> Task:
    return make_task(_VALUE, (Ref(key),), None)


def _by_key(nested: Any) -> Task:
    """The task that gives a dict of parts by their keys."""
    keys = tuple(core.flatten(nested))
    return make_task(_KEYED, (keys, *map(Ref, keys)), None)


def _keyed(keys: Sequence[Key], *parts: Any) -> dict[Key, Any]:
    return dict(zip(keys, parts, strict=True))


_KEYED, _VALUE = Function(_keyed, name="parts"), Function(value_of)


def _nested(keys: Any) -> tuple[list[Ref], list[tuple[int, Any, int]]]:
    """Lists of keys, nested as deeply as an array has dimensions, as leaves and a program."""
    leaves: list[Ref] = []
    program: list[tuple[int, Any, int]] = []
    pushed = 0

    def add(item: Any) -> None:
        nonlocal pushed
        if not isinstance(item, list):
            leaves.append(Ref(item))
            return
        for each in item:
            add(each)
        program.append((len(leaves) - pushed, list, len(item)))
        pushed = len(leaves)

    add(keys)
    return leaves, program

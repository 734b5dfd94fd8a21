"""Dask collections -> one graph of tasks, optimized by Dask's rules."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import dask.base
import dask.core
from dask import _expr, _task_spec, highlevelgraph
from dask.delayed import single_key
from dask.highlevelgraph import Layer, MaterializedLayer

from lazygraph.classic import value_of
from lazygraph.containers import Template
from lazygraph.functions import Function
from lazygraph.interop.guest import Guest
from lazygraph.interop.read import read_dask
from lazygraph.keys import Key
from lazygraph.task import Ref, Task, make_task

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
    legacy: dict[Any, list[Guest]] = {}
    expressions: list[Guest] = []
    for guest in unique:
        if isinstance(getattr(guest.collection, "expr", None), expr.Expr):
            expressions.append(guest)
        else:
            legacy.setdefault(base.optimization_function(guest.collection), []).append(guest)
    dsk: dict[Any, Any] = {}
    ends: dict[Key, Task] = {}
    merged = [HighLevelGraph.merge(*_graphs(group)) for group in legacy.values()]
    kept = _between(merged)
    for (optimize, group), graph in zip(legacy.items(), merged, strict=True):
        keys = [guest.collection.__dask_keys__() for guest in group]
        shared = [key for name in kept if name in graph.layers for key in _outputs(graph, name)]
        dsk.update(graph if optimize is None else optimize(graph, [*keys, shared]))
        ends.update((g.key, _finished(g, g.collection.__dask_keys__())) for g in group)
    if expressions:
        graph, keys = _lowered(expressions)
        dsk.update(graph)
        for guest, nested in zip(expressions, keys, strict=True):
            ends[guest.key] = _finished_expression(guest, nested)
    held = (_held_by_cluster(layer) for graph in merged for layer in graph.layers.values())
    tasks = {key: task for futures in held for key, task in futures.items()}
    tasks.update(read_dask(dsk))
    tasks.update((key, task) for key, task in ends.items() if key not in tasks)
    return tasks


def _held_by_cluster(layer: Any) -> dict[Key, Task]:
    """Tasks that fetch the results that a layer has as futures: Dask's passes leave them out."""
    if not isinstance(layer, MaterializedLayer):
        return {}
    futures: dict[Key, Any] = {
        key: value for key, value in layer.items() if isinstance(value, spec.TaskRef)
    }
    return read_dask(futures) if futures else {}


def _graphs(guests: Sequence[Guest]) -> list[Any]:
    return [guest.collection.__dask_graph__() for guest in guests]


def _outputs(graph: Any, name: str) -> list[Key]:
    layer = graph.layers[name]
    return list(layer.get_output_keys() if isinstance(layer, Layer) else layer)


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


def _lowered(guests: Sequence[Guest]) -> tuple[Any, list[Any]]:
    """The graph of expressions, and per guest the keys of its parts."""
    wanted = [
        guest.collection.expr if guest.in_parts else guest.collection.expr.finalize_compute()
        for guest in guests
    ]
    lowered = expr._ExprSequence(*wanted).optimize()
    return lowered.__dask_graph__(), lowered.__dask_keys__()


def _finished(guest: Guest, keys: Any) -> Task:
    """The task that makes of a collection's parts what `compute` gives."""
    if guest.in_parts:
        return _by_key(keys)
    func, extra = guest.collection.__dask_postcompute__()
    leaves, program = _nested(keys)
    function = Function(func, name=f"finalize-{type(guest.collection).__name__.lower()}")
    return make_task(function, (*leaves, *extra), Template(tuple(program), 1 + len(extra)))


def _finished_expression(guest: Guest, keys: Any) -> Task:
    if guest.in_parts:
        return _by_key(keys)
    (key,) = keys
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

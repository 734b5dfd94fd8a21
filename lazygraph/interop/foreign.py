"""A Dask collection among a call's arguments -> tasks, optimized by Dask's rules, when planned."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import dask.base
import dask.core
from dask import _expr, _task_spec, highlevelgraph
from dask.delayed import single_key
from dask.highlevelgraph import MaterializedLayer
from toolz import groupby

from lazygraph.interop.read import read_dask
from lazygraph.tasks.function import Function
from lazygraph.tasks.keys import Key
from lazygraph.tasks.operators import value_of
from lazygraph.tasks.pytree import Template
from lazygraph.tasks.task import Ref, Task, make_task
from lazygraph.tasks.treedef import tree_flatten

__all__ = ["ForeignCollection", "foreign_of"]

base: Any = dask.base
core: Any = dask.core
spec: Any = _task_spec
expr: Any = _expr
HighLevelGraph: Any = highlevelgraph.HighLevelGraph


def foreign_of(value: Any) -> ForeignCollection | None:
    """Return what stands for `value` if it is a Dask collection; None if it is none.

    Some classes (xarray's) have Dask's protocol and hold a collection only at times.
    """
    return ForeignCollection(value) if base.is_dask_collection(value) else None


class ForeignCollection:
    """A Dask collection: its key, and the tasks that compute it.

    Parameters
    ----------
    collection
        An array, a bag, a dataframe, a `dask.delayed` object, ...
    in_parts : bool
        Whether the result is a dict of its chunks by key, rather than the finished value.
    """

    __slots__ = ("_key", "collection", "in_parts")

    def __init__(self, collection: Any, *, in_parts: bool = False) -> None:
        self.collection, self.in_parts = collection, in_parts
        self._key: Key = None

    def __repr__(self) -> str:
        return f"ForeignCollection({type(self.collection).__name__})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _remake, (self.collection, self.in_parts)

    @property
    def key(self) -> Key:
        """The key of a `dask.delayed` object is its own; another's follows from its content."""
        if self._key is None:
            self._key = _key_of(self)
        return self._key

    def as_parts(self) -> ForeignCollection:
        """Return the same collection, its chunks wanted."""
        return ForeignCollection(self.collection, in_parts=True)

    def with_results(self, parts: Mapping[Key, Any]) -> Any:
        """Return the collection, with results in the place of its tasks."""
        rebuild, extra = self.collection.__dask_postpersist__()
        return rebuild(dict(parts), *extra)

    def optimized(self, others: Sequence[ForeignCollection]) -> Sequence[Any]:
        """Return the collections of `others` as `dask.optimize` gives them."""
        made: Sequence[Any] = base.optimize(*[other.collection for other in others])
        return made

    def tasks(self, others: Sequence[ForeignCollection]) -> dict[Key, Task]:
        """Tasks for all of `others`, this one too, by their keys and those that they need.

        Each kind of collection is optimized by its own rules, all of a kind together.
        """
        return _joint_tasks(others)


def _remake(collection: Any, in_parts: bool) -> ForeignCollection:
    return ForeignCollection(collection, in_parts=in_parts)


def _key_of(each: ForeignCollection) -> Key:
    """Return what names the result of a collection."""
    collection = each.collection
    if not each.in_parts and _is_one_task(collection):
        key: Key = collection.__dask_keys__()[0]
        return key
    name = type(collection).__name__.lower() + ("-parts" if each.in_parts else "")
    return f"{name}-{base.tokenize(collection)}"


def _is_one_task(collection: Any) -> bool:
    """Whether the collection is the result of one task, as it is."""
    func, extra = collection.__dask_postcompute__()
    return func is single_key and not extra


def _joint_tasks(collections: Sequence[ForeignCollection]) -> dict[Key, Task]:
    """Tasks for all the collections: each one's result is that of the task of its key.

    Notes
    -----
    Collections of one kind, those with the same `__dask_optimize__`, are optimized together,
    dataframes' expressions likewise, as in `dask.compute`; what they share is one task.
    """
    kinds = groupby(_is_expression, {each.key: each for each in collections}.values())
    return {**_of_graphs(kinds.get(False, [])), **_of_expressions(kinds.get(True, []))}


def _is_expression(each: ForeignCollection) -> bool:
    return isinstance(getattr(each.collection, "expr", None), expr.Expr)


def _of_graphs(collections: Sequence[ForeignCollection]) -> dict[Key, Task]:
    """Return the tasks of arrays, bags, `dask.delayed` objects, and whoever else has a graph."""
    groups = groupby(lambda each: base.optimization_function(each.collection), collections)
    merged = [
        HighLevelGraph.merge(*[each.collection.__dask_graph__() for each in group])
        for group in groups.values()
    ]
    kept = _between(merged)
    tasks: dict[Key, Task] = {}
    for (optimize, group), graph in zip(groups.items(), merged, strict=True):
        keys = [each.collection.__dask_keys__() for each in group]
        shared = [key for name in kept if name in graph.layers for key in _outputs(graph, name)]
        tasks.update(_held_by_cluster(graph))
        tasks.update(read_dask(graph if optimize is None else optimize(graph, [*keys, shared])))
        ends = {each.key: _finished(each, each.collection.__dask_keys__()) for each in group}
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
    """Return the layers by which graphs of different kinds share others.

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


def _of_expressions(collections: Sequence[ForeignCollection]) -> dict[Key, Task]:
    """Return the tasks of dataframes, and of whatever else Dask has as expressions."""
    if not collections:
        return {}
    wanted = [
        each.collection.expr if each.in_parts else each.collection.expr.finalize_compute()
        for each in collections
    ]
    lowered = expr._ExprSequence(*wanted).optimize()
    tasks = read_dask(lowered.__dask_graph__())
    for each, keys in zip(collections, lowered.__dask_keys__(), strict=True):
        tasks[each.key] = _by_key(keys) if each.in_parts else _same(*keys)
    return tasks


def _finished(each: ForeignCollection, keys: Any) -> Task:
    """Return the task that makes of a collection's parts what `compute` gives."""
    if each.in_parts:
        return _by_key(keys)
    func, extra = each.collection.__dask_postcompute__()
    # Lists of keys, nested as deeply as an array has dimensions.
    names, treedef = tree_flatten(keys, is_leaf=lambda key: type(key) is not list)
    function = Function(func, name=f"finalize-{type(each.collection).__name__.lower()}")
    return make_task(
        function, (*map(Ref, names), *extra), Template(treedef.program, 1 + len(extra))
    )


def _same(key: Key) -> Task:
    return make_task(_VALUE, (Ref(key),), None)


def _by_key(nested: Any) -> Task:
    """Return the task that gives a dict of parts by their keys."""
    keys = tuple(core.flatten(nested))
    return make_task(_KEYED, (keys, *map(Ref, keys)), None)


def _keyed(keys: Sequence[Key], *parts: Any) -> dict[Key, Any]:
    return dict(zip(keys, parts, strict=True))


_KEYED, _VALUE = Function(_keyed, name="parts"), Function(value_of)

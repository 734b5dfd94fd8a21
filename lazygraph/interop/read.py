"""Dask's graphs, in the classic form or as its own task objects or both, -> tasks."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from functools import partial
from graphlib import CycleError as NotSortable
from graphlib import TopologicalSorter
from typing import Any

from dask import _task_spec as spec
from dask.base import is_dask_collection

from lazygraph.errors import CaptureError
from lazygraph.interop.calls import ClusterOnly, Made, Retried, call_with, fetch
from lazygraph.interop.legacy import Reader, read_entries
from lazygraph.tasks.function import Function
from lazygraph.tasks.fused import fuse_tasks
from lazygraph.tasks.keys import Key
from lazygraph.tasks.operators import value_of
from lazygraph.tasks.options import NO_OPTIONS, Options
from lazygraph.tasks.pytree import PLAIN, Literal, Template, dict_of
from lazygraph.tasks.task import Ref, Task, make_task

__all__ = ["read_dask", "tasks_of"]


def tasks_of(obj: Any) -> dict[Key, Task]:
    """Tasks by key, from a Dask collection, a `HighLevelGraph` or a dict.

    Raises
    ------
    CaptureError
        If `obj` is none of these.
    """
    dsk = obj.__dask_graph__() if is_dask_collection(obj) else obj
    if not isinstance(dsk, Mapping):
        raise CaptureError(
            "a Dask graph is a collection, a HighLevelGraph or a dict of tasks by key, "
            f"not {type(obj).__name__}"
        )
    return read_dask(dsk)


def read_dask(dsk: Mapping[Key, Any]) -> dict[Key, Task]:
    """Tasks by key, from a graph in whose values Dask's own task objects may stand.

    A key that is an alias of itself, as Dask leaves it where a result is already on a cluster,
    is left out, as Dask does.
    """
    if not isinstance(dsk, Mapping):
        raise CaptureError(f"a graph is a dict of tasks by key, not {type(dsk).__name__}")
    entries = {key: value for key, value in dict(dsk).items() if not _is_own_alias(key, value)}
    return read_entries(entries, partial(DaskReader, _Functions()))


def _is_own_alias(key: Key, value: Any) -> bool:
    return isinstance(value, spec.Alias) and value.target == key


class _Functions:
    """One object for all tasks that call the same function."""

    def __init__(self) -> None:
        self._made: dict[int, Function] = {}  # by id; it keeps the function alive

    def of(self, func: Any, options: Options) -> Function:
        """Return what the tasks of `func` share."""
        if options is not NO_OPTIONS:
            return Function(func, options=options)
        made = self._made.get(id(func))
        if made is None:
            made = self._made[id(func)] = Function(func)
        return made


class DaskReader(Reader):
    """Reads one entry; Dask's objects by what they say, all else by the classic rules."""

    def __init__(self, functions: _Functions, known: Container[Key], key: Key) -> None:
        super().__init__(known, key)
        self._functions = functions

    def read(self, value: Any) -> Task:
        """Return the task of the entry."""
        if not isinstance(value, _SPEC):
            return super().read(value)
        captured = self._captured(value)
        if captured is not None:
            return captured
        try:
            last = self._entry(value)
        except RecursionError:
            raise CaptureError(f"{self._key!r} is nested too deeply, or contains itself") from None
        return self._with_members(last) if self._members else self._with_options(last)

    def _captured(self, value: Any) -> Task | None:
        """Return the task of ours that was written as `value`, which nobody has changed."""
        captured: Task | None = getattr(value, "captured", None)
        return captured

    def _with_options(self, task: Task) -> Task:
        """Return a task that asks for what its function has honoured by itself so far."""
        func: Any = task.func
        options = NO_OPTIONS
        while type(func) in (ClusterOnly, Retried):
            func, options = func.func, func.options
        if options is NO_OPTIONS:
            return task
        return make_task(self._functions.of(func, options), task._leaves, task._template)

    def _entry(self, value: Any) -> Task:
        if isinstance(value, spec.DataNode):
            return make_task(_VALUE, (value.value,), None)
        if isinstance(value, spec.TaskRef) and type(value) is not spec.TaskRef:
            return make_task(_FETCH, (value,), None)
        if isinstance(value, spec.Task) and not isinstance(value, spec.NestedContainer):
            return self._called(value)
        return self._built(value_of, (value,), {})

    def _argument(self, value: Any) -> Any:
        """Return what stands in a task for a classic argument in which Dask's objects may be."""
        if isinstance(value, _SPEC):
            writer = _Writer(self)
            writer.add(value)
            leaves, program = writer.leaves, writer.program
            if not program:
                return leaves[0] if type(leaves[0]) is Ref else Literal(leaves[0])
            return self.member(make_task(_VALUE, tuple(leaves), Template(tuple(program), 1)))
        if type(value) is dict and any(isinstance(x, _SPEC) for x in value.values()):
            # Of a dict, Dask reads its own objects alone: a string in it is never a key.
            return {
                key: self._argument(item) if isinstance(item, _SPEC) else Literal(item)
                for key, item in value.items()
            }
        return super()._argument(value)

    def reference(self, value: spec.TaskRef) -> Ref:
        """Return what stands for a result; a future, by which a cluster holds one, is asked for it."""
        if type(value) is spec.TaskRef:
            return Ref(value.key)
        return self.member(make_task(_FETCH, (value,), None))

    def task_of(self, value: spec.Task) -> Any:
        """Return what stands for a call that is nested in another."""
        return self.member(self._called(value))

    def _called(self, value: spec.Task) -> Task:
        func: Any = value.func
        if func is spec._execute_subgraph and not value.kwargs:
            return self._fused(*value.args)
        if func is spec._identity_cast and set(value.kwargs) == {"typ"}:
            kind = value.kwargs["typ"]  # a classic list, tuple or set that held references
            nested = _NESTED.get(kind)
            if nested is not None:
                return self._built(value_of, (nested(*value.args),), {})
        if func is call_with and not value.kwargs:
            call, args, named = value.args
            names, values = named.args[::2], named.args[1::2]
            return self._built(call, args.args, dict(zip(names, values, strict=True)))
        return self._built(func, value.args, value.kwargs)

    def _built(self, func: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Task:
        writer = _Writer(self)
        for arg in (*args, *kwargs.values()):
            writer.add(arg)
        template = None
        if writer.program or kwargs:
            template = Template(tuple(writer.program), len(args), tuple(kwargs))
        function = _VALUE if func is value_of else self._functions.of(func, NO_OPTIONS)
        return make_task(function, tuple(writer.leaves), template)

    def _fused(self, inner: Mapping[Key, Any], last: Key, names: Any, *given: Any) -> Task:
        """Return a task of several, as Dask fuses them: `given` stands for `names` inside."""
        outside = {name: self._argument(value) for name, value in zip(names, given, strict=True)}
        reader = partial(_InnerReader, self._functions)
        tasks = read_entries(dict(inner), reader, {*inner, *names})
        needs = {
            key: [ref for ref in task.dependencies if ref in tasks] for key, task in tasks.items()
        }
        try:
            order = [*TopologicalSorter(needs).static_order()]
        except NotSortable as error:
            raise CaptureError(f"{self._key!r} is fused of tasks in a cycle: {error}") from None
        order = [*(key for key in order if key != last), last]
        return fuse_tasks([(key, _with_inputs(tasks[key], outside)) for key in order])


class _InnerReader(DaskReader):
    """Reads a task inside a fused one, whose options are its last one's alone."""

    def _captured(self, value: Any) -> Task | None:
        task = super()._captured(value)
        return None if task is None or task.options.is_controlled else task

    def _with_options(self, task: Task) -> Task:
        return task  # its function goes on honouring them by itself


def _with_inputs(task: Task, outside: Mapping[Key, Any]) -> Task:
    """Return the task with what stands for results from outside put in."""
    leaves = []
    for leaf in task._leaves:
        by = outside.get(leaf.key, leaf) if type(leaf) is Ref else leaf
        leaves.append(by.value if type(by) is Literal else by)
    return task.with_leaves(tuple(leaves))


_SPEC = (spec.GraphNode, spec.TaskRef)
# The connection to a cluster is this process's.
_HERE = Options(local=True)
_VALUE, _FETCH = Function(value_of), Function(fetch, options=_HERE)
_NESTED: dict[Any, Any] = {list: spec.List, tuple: spec.Tuple, set: spec.Set}


class _Writer:
    """Takes arguments apart into leaves and a template's program; recursion follows the nesting."""

    def __init__(self, reader: DaskReader) -> None:
        self._reader = reader
        self.leaves: list[Any] = []
        self.program: list[tuple[int, Callable[[list[Any]], Any], int]] = []
        self._pushed = 0  # leaves that an instruction of the program already pushes

    def add(self, value: Any) -> None:
        """One argument more."""
        if type(value) in PLAIN:
            self.leaves.append(value)
        elif isinstance(value, spec.TaskRef):
            self.leaves.append(self._reader.reference(value))
        elif isinstance(value, spec.Alias):
            self.leaves.append(Ref(value.target))
        elif isinstance(value, spec.DataNode):
            self.leaves.append(value.value)
        elif isinstance(value, spec.NestedContainer):
            self._make(_MAKERS.get(type(value)) or value.constructor, value.args)
        elif isinstance(value, spec.Task):
            self._add_task(value)
        else:
            self.leaves.append(value)

    def _add_task(self, value: spec.Task) -> None:
        if type(value.func) is Made and not value.kwargs:
            self._make(value.func.make, value.args)
            return
        self.leaves.append(self._reader.task_of(value))

    def _make(self, make: Callable[[list[Any]], Any], items: tuple[Any, ...]) -> None:
        for item in items:
            self.add(item)
        self.program.append((len(self.leaves) - self._pushed, make, len(items)))
        self._pushed = len(self.leaves)


_MAKERS: dict[Any, Any] = {spec.List: list, spec.Tuple: tuple, spec.Set: set, spec.Dict: dict_of}

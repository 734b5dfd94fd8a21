"""A graph: tasks by key, the questions one asks of it, and the edits that keep it whole."""

from __future__ import annotations

import sys
from collections.abc import ItemsView, Iterable, Iterator, KeysView, Mapping, ValuesView
from typing import Any

from lazygraph.errors import CycleError, GraphEditError, MissingKeyError, nearest
from lazygraph.graphs.order import find_cycle, post_order
from lazygraph.graphs.positions import Positions
from lazygraph.interop.legacy import read_classic
from lazygraph.tasks.keys import Key, check_key
from lazygraph.tasks.pytree import LAZY, flatten
from lazygraph.tasks.reprs import counted
from lazygraph.tasks.task import Ref, Task

__all__ = ["Graph"]


class Graph(Mapping[Key, Task]):
    """Tasks by key: a mapping to read, with edits that refuse to break it.

    Parameters
    ----------
    tasks : mapping of key to Task, optional
        Not checked here, so that a broken graph can be asked what is wrong with it: see
        `check`. For the classic dict of tuples use `Graph.from_dict`.

    Examples
    --------
    >>> graph = Graph.from_dict({"x": 1, "y": (abs, "x"), "z": (max, "x", "y")})
    >>> graph.dependencies("z")
    ('x', 'y')
    >>> graph.dependents("x")
    ('y', 'z')
    """

    __slots__ = ("_dependents", "_positions", "_rank", "_tasks")

    def __init__(self, tasks: Mapping[Key, Task] | None = None) -> None:
        self._tasks: dict[Key, Task] = dict(tasks or {})
        # key -> the keys that need it, missing ones too; made at the first question, kept by edits
        self._dependents: dict[Key, dict[Key, None]] | None = None
        # key -> its place in the graph's order, since edits come in any; made likewise
        self._rank: dict[Key, int] = {}
        # where to look for cycles; made at the first edit that may close one
        self._positions: Positions | None = None
        for key, task in self._tasks.items():
            if type(task) is not Task:
                raise TypeError(
                    f"graph[{key!r}] is {type(task).__name__}, not a Task; "
                    "Graph.from_dict reads the classic form"
                )

    @classmethod
    def from_dict(cls, dsk: Mapping[Key, Any]) -> Graph:
        """Return the graph of a dict of tuples, by Dask's rules; Dask's own objects may be in it.

        O(tasks + arguments). Raises CaptureError if `dsk` is no dict, a key can be none, or a task
        is nested too deeply.

        Examples
        --------
        >>> Graph.from_dict({"x": -1, "y": (abs, "x")})["y"]
        Task(abs(Ref(key='x')))
        """
        if "dask._task_spec" not in sys.modules:  # then none of its objects can be in there
            return cls(read_classic(dsk))
        from lazygraph.interop.read import read_dask  # late: nobody needs Dask to be imported

        return cls(read_dask(dsk))

    @classmethod
    def from_dask(cls, obj: Any) -> Graph:
        """Return the graph of a Dask collection, a `HighLevelGraph`, or a dict of Dask's tasks.

        Keys, dependencies and functions are kept; nested calls and fused tasks become fused
        tasks here, which know their members. Dask's annotations are not read. O(tasks + arguments).

        Raises CaptureError if `obj` is none of these, or tasks are in a cycle or nested too deeply.

        Examples
        --------
        >>> from dask import delayed
        >>> graph = Graph.from_dask(delayed(max)(delayed(abs)(-1), 2))
        >>> sorted(task.name for task in graph.values())
        ['abs', 'max']
        """
        from lazygraph.interop.read import tasks_of  # late, as above

        return cls(tasks_of(obj))

    def to_dask(self) -> dict[Key, Any]:
        """Return the graph as a dict of Dask's own task objects, by the same keys.

        What `from_dask` reads back. Not kept is what Dask's tasks have no place for: which
        ones are pure, and where they were captured. `retries` and `backoff` go with the call.
        O(tasks + arguments).

        Raises
        ------
        UnsupportedOptionError
            For a task with any other option, which Dask would ignore.

        Examples
        --------
        >>> import dask
        >>> graph = Graph.from_dict({"x": 1, "y": (max, "x", 2)})
        >>> dask.get(graph.to_dask(), "y")
        2
        """
        from lazygraph.interop.write import write_dask  # late, as above

        return write_dask(self._tasks)

    def __getitem__(self, key: Key) -> Task:
        try:
            return self._tasks[key]
        except KeyError:
            raise MissingKeyError(None, key, nearest(key, self._tasks)) from None

    def __iter__(self) -> Iterator[Key]:
        return iter(self._tasks)

    def __len__(self) -> int:
        return len(self._tasks)

    def __contains__(self, key: object) -> bool:
        return key in self._tasks

    def get(self, key: Key, default: Any = None) -> Any:
        """Return the task of `key`, or `default`; no search for a near match."""
        return self._tasks.get(key, default)

    def keys(self) -> KeysView[Key]:
        """Return a view of the keys, at a dict's speed; `values` and `items` likewise."""
        return self._tasks.keys()

    def values(self) -> ValuesView[Task]:
        """Return a view of the tasks."""
        return self._tasks.values()

    def items(self) -> ItemsView[Key, Task]:
        """Return a view of keys and tasks."""
        return self._tasks.items()

    def __repr__(self) -> str:
        return f"Graph({counted(len(self), 'task')})"

    def __reduce__(self) -> tuple[Any, ...]:
        return Graph, (self._tasks,)

    def copy(self) -> Graph:
        """Return a graph that can be edited without changing this one. O(tasks), which are shared.

        Examples
        --------
        >>> graph = Graph.from_dict({"x": 1})
        >>> graph.copy() == graph
        True
        """
        return Graph(self._tasks)

    def dependencies(self, key: Key) -> tuple[Key, ...]:
        """Return the keys that the task of `key` needs, in the order of its arguments.

        O(arguments). Raises MissingKeyError if there is no such task.

        Examples
        --------
        >>> Graph.from_dict({"x": 1, "y": (max, "x", 2, "x")}).dependencies("y")
        ('x',)
        """
        return self[key].dependencies

    def dependents(self, key: Key) -> tuple[Key, ...]:
        """Return the keys of the tasks that need `key`, in the order of the graph.

        O(graph) the first time, then O(answer). Raises MissingKeyError if there is no such task.

        Examples
        --------
        >>> Graph.from_dict({"y": (abs, "x"), "x": 1}).dependents("x")
        ('y',)
        """
        self[key]
        return tuple(sorted(self._index().get(key, ()), key=self._rank.__getitem__))

    def toposort(self) -> list[Key]:
        """Return all keys, each after its dependencies. O(graph).

        Raises MissingKeyError or CycleError if the graph cannot run.

        Examples
        --------
        >>> Graph.from_dict({"y": (abs, "x"), "x": 1}).toposort()
        ['x', 'y']
        """
        return post_order(self._tasks, self._tasks)

    def find_cycle(self) -> list[Key] | None:
        """Return some cycle, as keys that each need the next; None if there is none. O(graph).

        Examples
        --------
        >>> Graph.from_dict({"x": (abs, "y"), "y": (abs, "x")}).find_cycle()
        ['x', 'y']
        """
        return find_cycle(self._tasks)

    def check(self) -> None:
        """Raise MissingKeyError or CycleError if the graph cannot run. O(graph).

        Examples
        --------
        >>> Graph({"y": Task(abs, (Ref("x"),))}).check()
        Traceback (most recent call last):
            ...
        lazygraph.errors.MissingKeyError: task 'y' needs 'x', not in the graph
        """
        self.toposort()

    def subgraph(self, keys: Iterable[Key]) -> Graph:
        """Return the tasks of `keys` and all that they need, dependencies first. O(answer).

        Raises MissingKeyError or CycleError if what `keys` need cannot run.

        Examples
        --------
        >>> list(Graph.from_dict({"x": 1, "y": (abs, "x"), "z": 2}).subgraph(["y"]))
        ['x', 'y']
        """
        return Graph({key: self._tasks[key] for key in post_order(self._tasks, keys)})

    def add(self, key: Key, task: Task) -> None:
        """Put a new task in, after all others. O(arguments), but O(graph) at the first edit.

        Raises
        ------
        GraphEditError
            If `key` is in the graph already, the task needs a key that is not, or tasks would
            wait for each other, which happens where a missing task is filled in.
        CaptureError
            If `key` is neither a string, a number, nor a tuple of such.

        Examples
        --------
        >>> graph = Graph.from_dict({"x": -1})
        >>> graph.add("y", Task(abs, (Ref("x"),)))
        >>> list(graph)
        ['x', 'y']
        """
        check_key(key)
        if key in self._tasks:
            raise GraphEditError(f"{key!r} is in the graph already: replace it, or use another key")
        self._check_needs(key, task)
        if key in self._index():  # tasks of a broken graph wait for it
            self._check_acyclic({key: task})
        elif self._positions is not None:
            self._positions.append(key)
        self._rank[key] = next(reversed(self._rank.values()), 0) + 1  # last in both dicts
        self._tasks[key] = task
        self._link(key, task)

    def replace(self, key: Key, task: Task) -> None:
        """Put another task in the place of `key`; what needs `key` needs the new one.

        O(arguments), and where the task needs what it did not before, the tasks that come between
        them in a topological order; O(graph) at the first edit.

        Raises
        ------
        MissingKeyError
            If `key` is not in the graph.
        GraphEditError
            If the task needs a key that is not, or tasks would wait for each other.

        Examples
        --------
        >>> graph = Graph.from_dict({"x": -1, "y": (abs, "x")})
        >>> graph.replace("x", Task(int, ("-5",)))
        >>> graph.replace("x", Task(abs, (Ref("y"),)))
        Traceback (most recent call last):
            ...
        lazygraph.errors.GraphEditError: tasks wait for each other: 'x' -> 'y' -> 'x'
        """
        self[key]
        self._check_needs(key, task)
        self._check_acyclic({key: task})
        self._exchange({key: task})

    def remove(self, key: Key) -> None:
        """Take a task out that no other needs. O(arguments), but O(graph) at the first edit.

        Raises
        ------
        MissingKeyError
            If `key` is not in the graph.
        GraphEditError
            If a task needs it.

        Examples
        --------
        >>> graph = Graph.from_dict({"x": 1, "y": (abs, "x")})
        >>> graph.remove("x")
        Traceback (most recent call last):
            ...
        lazygraph.errors.GraphEditError: 'x' cannot be removed: 'y' need it
        """
        needed_by = self.dependents(key)
        if needed_by:
            names = ", ".join(repr(other) for other in needed_by[:5])
            more = f" and {len(needed_by) - 5} more" if len(needed_by) > 5 else ""
            raise GraphEditError(f"{key!r} cannot be removed: {names}{more} need it")
        self._unlink(key, self._tasks.pop(key))
        del self._rank[key]
        if self._positions is not None:
            self._positions.forget(key)

    def substitute(self, key: Key, by: Any) -> None:
        """Let every task that needs `key` use `by` instead: a value, or ``Ref(other_key)``.

        The task of `key` stays, needed by nobody. O(arguments of what needs `key`), and the search
        of `replace`.

        Raises
        ------
        MissingKeyError
            If `key`, or the key of a Ref, is not in the graph.
        GraphEditError
            If `by` is another lazy value or holds one, or tasks would wait for each other.

        Examples
        --------
        >>> graph = Graph.from_dict({"x": -1, "y": (abs, "x")})
        >>> graph.substitute("x", 7)
        >>> graph["y"]
        Task(abs(7))
        """
        (by, *more), template = flatten((by,))
        if more or template is not None or (type(by) in LAZY and type(by) is not Ref):
            raise GraphEditError(f"{key!r} is substituted by a value or one Ref, not by {by!r} ...")
        changed = {}
        for other in self.dependents(key):
            task = self._tasks[other]
            leaves = [by if type(x) is Ref and x.key == key else x for x in task._leaves]
            changed[other] = task.with_leaves(tuple(leaves))
        if type(by) is Ref:
            self[by.key]
            self._check_acyclic(changed)
        self._exchange(changed)

    def _index(self) -> dict[Key, dict[Key, None]]:
        if self._dependents is None:
            self._dependents = {}
            self._rank = {key: n for n, key in enumerate(self._tasks)}
            for key, task in self._tasks.items():
                self._link(key, task)
        return self._dependents

    def _link(self, key: Key, task: Task) -> None:
        for dependency in task._refs():
            self._index().setdefault(dependency, {})[key] = None

    def _unlink(self, key: Key, task: Task) -> None:
        for dependency in task.dependencies:
            users = self._index()[dependency]
            del users[key]
            if not users:
                del self._index()[dependency]

    def _exchange(self, changed: Mapping[Key, Task]) -> None:
        for key, task in changed.items():
            if self._dependents is not None:
                self._unlink(key, self._tasks[key])
            self._tasks[key] = task
            if self._dependents is not None:
                self._link(key, task)

    def _check_needs(self, key: Key, task: Task) -> None:
        if type(task) is not Task:
            raise GraphEditError(f"{key!r} would be a {type(task).__name__}, not a Task")
        for dependency in task.dependencies:
            if dependency == key:
                raise GraphEditError(f"{key!r} would need itself")
            if dependency not in self._tasks:
                near = nearest(dependency, self._tasks)
                raise GraphEditError(str(MissingKeyError(key, dependency, near)))

    def _check_acyclic(self, changed: Mapping[Key, Task]) -> None:
        """Refuse tasks that would wait for each other."""
        index = self._index()
        if self._positions is None:
            self._positions = Positions(self._tasks, index)
        if self._positions.close_a_cycle(changed):
            cycle = find_cycle({**changed, **self._tasks, **changed})
            raise GraphEditError(str(CycleError(cycle or list(changed))))

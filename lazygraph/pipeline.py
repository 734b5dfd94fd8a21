"""The whole way, from lazy values to results: `compute`, `persist`, `optimize`, `get`.

Each function takes nested arguments, finds the lazy values in them, plans, runs, and puts
results where the lazy values stood.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar, overload

from lazygraph import config
from lazygraph.classic import value_of
from lazygraph.containers import LAZY, Template, flatten
from lazygraph.errors import DrawingError, OptionError
from lazygraph.graph import Graph
from lazygraph.keys import Key, check_key
from lazygraph.nodes import Node, graph_of, make_node, node_type, plan_of, relink
from lazygraph.options import Function
from lazygraph.passes import DEFAULT, run_passes
from lazygraph.plan import Plan, make_plan
from lazygraph.protocols import Lazy, Observer, Scheduler
from lazygraph.schedulers import choose, refuse_unsupported
from lazygraph.schedulers.failure import short_traceback
from lazygraph.viz import Drawing, draw

__all__ = ["compute", "get", "optimize", "persist", "visualize"]

A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
L1 = TypeVar("L1", bound=Lazy[Any])
L2 = TypeVar("L2", bound=Lazy[Any])

_RUN_OPTIONS = ("num_workers", "observers", "optimize_graph", "scheduler", "traverse")


class Lazies:
    """The lazy values among a call's arguments, and the way to put others in their places."""

    def __init__(self, args: tuple[Any, ...], traverse: bool = True) -> None:
        self._template: Template | None = None
        self._leaves: Sequence[Any] = args
        if traverse:
            self._leaves, self._template = flatten(args)
        kind = node_type()
        self._places = [i for i, leaf in enumerate(self._leaves) if type(leaf) is kind]

    @property
    def nodes(self) -> list[Node]:
        """The lazy values, left to right."""
        return [self._leaves[i] for i in self._places]

    def fill(self, values: Iterable[Any]) -> tuple[Any, ...]:
        """The arguments, with `values` where the lazy values were."""
        leaves = list(self._leaves)
        for i, value in zip(self._places, values, strict=True):
            leaves[i] = value
        if self._template is None:
            return tuple(leaves)
        return tuple(self._template.build(leaves)[0])


class _Run:
    """How to run: the keywords that `compute`, `persist` and `get` have in common."""

    def __init__(
        self,
        where: str,
        *,
        scheduler: Any = None,
        num_workers: int | None = None,
        observers: Sequence[Observer] | None = None,
        optimize_graph: bool = True,
        traverse: bool = True,
        **unknown: Any,
    ) -> None:
        for name in unknown:
            raise OptionError.unknown(where, name, _RUN_OPTIONS)
        self.scheduler: Scheduler = choose(
            config.get("scheduler") if scheduler is None else scheduler,
            config.get("num_workers") if num_workers is None else num_workers,
        )
        self.observers = _checked(config.get("observers") if observers is None else observers)
        self.passes = self.scheduler.passes if optimize_graph else ()
        self.traverse = traverse

    def nodes(self, nodes: Sequence[Node]) -> list[Any]:
        """The values of lazy values."""
        if not nodes:
            return []
        if self.passes:
            return self.graph(graph_of(nodes), [node._get_key() for node in nodes])
        return self._plan(plan_of(nodes))

    def graph(self, graph: Graph, keys: Sequence[Key]) -> list[Any]:
        """The values of keys of a graph."""
        return self._plan(make_plan(run_passes(graph, keys, self.passes), keys))

    def _plan(self, plan: Plan) -> list[Any]:
        refuse_unsupported(self.scheduler, plan)
        return self.scheduler.run(plan, self.observers)


def _checked(observers: Sequence[Observer]) -> Sequence[Observer]:
    if isinstance(observers, (list, tuple)) and all(isinstance(o, Observer) for o in observers):
        return observers
    raise OptionError(f"observers is a list of objects with notify(event), not {observers!r}")


@overload
def compute(a: Lazy[A], /, **options: Any) -> tuple[A]: ...
@overload
def compute(a: Lazy[A], b: Lazy[B], /, **options: Any) -> tuple[A, B]: ...
@overload
def compute(a: Lazy[A], b: Lazy[B], c: Lazy[C], /, **options: Any) -> tuple[A, B, C]: ...
@overload
def compute(*args: Any, **options: Any) -> tuple[Any, ...]: ...
@short_traceback
def compute(*args: Any, **options: Any) -> tuple[Any, ...]:
    """Run what the arguments stand for; give the results in their places.

    Parameters
    ----------
    *args
        Lazy values, alone or inside lists, tuples, dicts, sets, dataclasses, ...; whatever
        holds none comes back as it is.
    scheduler : str, Scheduler or callable, optional
        What runs the tasks: a name ("threads", "synchronous"), an object, or a function of
        Dask's ``get(dsk, keys)`` form; by default, what `config` says.
    num_workers : int, optional
        How many tasks run at once; the number of usable cores by default.
    observers : sequence of Observer, optional
        Who is told what happens.
    traverse : bool
        Whether to look for lazy values inside containers.
    optimize_graph : bool
        Whether to run the passes that the scheduler profits from.

    Returns
    -------
    tuple
        One result per argument.

    Raises
    ------
    Exception
        What the first task to fail raised, with a note that names the task.
    OptionError
        For a keyword that is none of these, or a bad value of one.

    Notes
    -----
    O(tasks + arguments); 1 to 2 us a task on top of the tasks' own time.

    Examples
    --------
    >>> from lazygraph import delayed
    >>> a, b = delayed(abs)(-1), delayed(abs)(-2)
    >>> compute(a, {"both": [a, b]}, 3)
    (1, {'both': [1, 2]}, 3)
    """
    run = _Run("compute", **options)
    lazies = Lazies(args, run.traverse)
    return lazies.fill(run.nodes(lazies.nodes))


@overload
def persist(a: L1, /, **options: Any) -> tuple[L1]: ...
@overload
def persist(a: L1, b: L2, /, **options: Any) -> tuple[L1, L2]: ...
@overload
def persist(*args: Any, **options: Any) -> tuple[Any, ...]: ...
@short_traceback
def persist(*args: Any, **options: Any) -> tuple[Any, ...]:
    """Run what the arguments stand for, and give lazy values that hold the results.

    Takes the arguments of `compute`. The lazy values have the keys they had; what is built
    on them starts from the results.

    Examples
    --------
    >>> from lazygraph import delayed
    >>> (loaded,) = persist(delayed(abs)(-1))
    >>> len(loaded.graph), loaded.compute()
    (1, 1)
    """
    run = _Run("persist", **options)
    lazies = Lazies(args, run.traverse)
    nodes = lazies.nodes
    values = run.nodes(nodes)
    return lazies.fill(_holding(node, value) for node, value in zip(nodes, values, strict=True))


def _holding(node: Node, value: Any) -> Node:
    """A lazy value like `node`, that has its result already."""
    held, leaves = (value_of, (value,)) if type(value) not in LAZY else (_Held(value), ())
    function = Function(held, name=node._function.name, nout=node._function.nout)
    return make_node(
        type(node), function, leaves, None, node._lasting_key(), node._code, node._lasti
    )


class _Held:
    """Gives a result that is itself lazy: as an argument it would be computed."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __call__(self) -> Any:
        return self.value


@overload
def optimize(a: L1, /, *, traverse: bool = True) -> tuple[L1]: ...
@overload
def optimize(a: L1, b: L2, /, *, traverse: bool = True) -> tuple[L1, L2]: ...
@overload
def optimize(*args: Any, traverse: bool = True) -> tuple[Any, ...]: ...
@short_traceback
def optimize(*args: Any, traverse: bool = True) -> tuple[Any, ...]:
    """Lazy values that stand for the same results by a better graph.

    Tasks that nothing needs are dropped, equal pure tasks merged, cheap ones copied into
    their dependents (functions with ``inline=True``), chains joined.

    Examples
    --------
    >>> from lazygraph import delayed
    >>> (better,) = optimize(delayed(abs)(delayed(abs)(-1)))
    >>> len(better.graph), better.compute()
    (1, 1)
    """
    lazies = Lazies(args, traverse)
    nodes = lazies.nodes
    if not nodes:
        return args
    keys = [node._get_key() for node in nodes]
    graph = run_passes(graph_of(nodes), keys, DEFAULT)
    return lazies.fill(relink(graph, nodes))


@short_traceback
def get(dsk: Mapping[Key, Any], keys: Any, **options: Any) -> Any:
    """The values of keys of a raw graph: a `Graph`, or the classic dict of tuples.

    Parameters
    ----------
    dsk : Graph or mapping
        ``{"x": 1, "y": (inc, "x")}``: read by Dask's rules.
    keys : Key or list
        One key, or keys in lists nested as one likes.
    **options
        As for `compute`.

    Returns
    -------
    Any
        The value, or values in tuples nested as the lists were.

    Raises
    ------
    CycleError, MissingKeyError
        If the graph cannot run.
    CaptureError
        If what is asked for cannot be a key.

    Examples
    --------
    >>> get({"x": 1, "y": (max, "x", 2)}, ["x", ["y"]])
    (1, (2,))
    """
    graph = dsk if isinstance(dsk, Graph) else Graph.from_dict(dsk)
    leaves: list[Key] = []
    shape = _number(keys, leaves)
    values = _Run("get", **options).graph(graph, leaves)
    return _fill(shape, values)


@short_traceback
def visualize(
    *args: Any,
    filename: str | os.PathLike[str] | None = None,
    optimize_graph: bool = False,
    traverse: bool = True,
) -> Drawing:
    """Draw the graph of the lazy values among the arguments.

    Parameters
    ----------
    filename : path, optional
        Also write the picture there: ``.svg`` or ``.dot``. Nothing is written without it.
    optimize_graph : bool
        Draw the graph as `optimize` makes it.

    Returns
    -------
    Drawing
        Shown by Jupyter; has ``.svg``, ``.to_dot()`` and ``.save(path)``.

    Raises
    ------
    DrawingError
        If there is nothing lazy to draw, or the file cannot be written.
    """
    nodes = Lazies(args, traverse).nodes
    if not nodes:
        raise DrawingError("there is no lazy value among the arguments: nothing to draw")
    graph, keys = graph_of(nodes), [node._get_key() for node in nodes]
    drawing = draw(run_passes(graph, keys) if optimize_graph else graph, keys)
    if filename is not None:
        drawing.save(filename)
    return drawing


def _number(keys: Any, leaves: list[Key]) -> Any:
    """The same nested lists with positions in `leaves` for keys."""
    if isinstance(keys, list):
        return [_number(key, leaves) for key in keys]
    leaves.append(check_key(keys))
    return len(leaves) - 1


def _fill(shape: Any, values: list[Any]) -> Any:
    if isinstance(shape, list):
        return tuple(_fill(item, values) for item in shape)
    return values[shape]

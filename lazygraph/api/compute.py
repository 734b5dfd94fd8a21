"""The whole way, from lazy values to results: `compute`, `persist`, `optimize`, `get`.

Each function takes nested arguments, finds the lazy values in them, plans, runs, and puts
results where the lazy values stood.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar, overload

from lazygraph.graphs.graph import Graph
from lazygraph.graphs.nodes import Node, OutsideKey, graph_of, make_node, outside_node, relink
from lazygraph.passes import DEFAULT, run_passes
from lazygraph.protocols import Lazy
from lazygraph.run import Lazies, Run
from lazygraph.schedulers.dask.held import OnCluster
from lazygraph.schedulers.explain import short_traceback
from lazygraph.tasks.function import Function
from lazygraph.tasks.keys import Key, check_key
from lazygraph.tasks.operators import value_of
from lazygraph.tasks.options import NO_OPTIONS, Options
from lazygraph.tasks.pytree import LAZY

__all__ = ["compute", "get", "optimize", "persist"]

A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
L1 = TypeVar("L1", bound=Lazy[Any])
L2 = TypeVar("L2", bound=Lazy[Any])


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
        Lazy values and Dask collections, alone or inside lists, tuples, dicts, sets,
        dataclasses, ...; whatever holds none comes back as it is.
    scheduler : str, Scheduler, distributed.Client or callable, optional
        What runs the tasks: a name ("threads", "processes", "synchronous"; Dask's local
        schedulers: "dask", "dask-sync", "dask-threads", "dask-processes"; "distributed" for
        the current client's cluster), an object, a client, or a function of Dask's
        ``get(dsk, keys)`` form; by default, what `config` says.
    num_workers : int, optional
        How many tasks run at once; the number of usable cores by default.
    observers : sequence of Observer, optional
        Who is told what happens.
    on_error : str
        "raise", the default: the first task to fail ends the run; the exception's ``partial``
        holds by key the results that were at hand. "collect": all goes on that does not need
        it; `Failed` and `Skipped` stand in place of the results that are not to be had.
    limits : mapping of str to float, optional
        How much there is of each resource that tasks use (``@delayed(uses=...)``).
    seed : int, optional
        What tasks draw from by `lazygraph.rng`, 0 or more.
    inputs : mapping, optional
        The values of `lazygraph.inputs`, by input or by name.
    check_finite : bool
        Whether a task that gives a NaN or an infinity fails, with `NotFiniteError`: it is named.
    traverse : bool
        Whether to look for lazy values inside containers.
    optimize_graph : bool
        As in Dask, and without effect: a plan is made straight from the lazy values. `optimize`
        runs the passes; Dask collections are optimized by Dask in any case.

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
    run = Run("compute", **options)
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
    on them starts from the results. A Dask collection becomes one that holds its chunks.

    On a cluster it returns at once, and results stay there, for as long as a lazy value needs
    them: what is built on them runs there without bringing them here, and other schedulers bring
    them here when they need them. (A Dask collection's chunks come here: to keep them there,
    give it to the client's own `persist`.)

    Examples
    --------
    >>> from lazygraph import delayed
    >>> (loaded,) = persist(delayed(abs)(-1))
    >>> len(loaded.graph), loaded.compute()
    (1, 1)
    """
    run = Run("persist", **options)
    lazies = Lazies(args, run.traverse)
    nodes = [_in_parts(node) for node in lazies.nodes]
    values = run.held(nodes)
    return lazies.fill(_holding(node, value) for node, value in zip(nodes, values, strict=True))


def _in_parts(node: Node) -> Node:
    """A Dask collection persists chunk by chunk."""
    if type(node._key) is not OutsideKey:
        return node
    guest: Any = node._key.outside
    return outside_node(type(node), guest.as_parts())


#: A result on a cluster is found there by its key: joined with another task it would be fetched.
_ALONE = Options(fuse=False)


def _holding(node: Node, value: Any) -> Any:
    """A lazy value like `node`, or the Dask collection, that has its result already."""
    if type(node._key) is OutsideKey:
        guest: Any = node._key.outside
        return guest.with_results(value() if type(value) is OnCluster else value)
    held: Any = value_of
    leaves: tuple[Any, ...] = (value,)
    options = NO_OPTIONS
    if type(value) is OnCluster:
        held, leaves, options = value, (), _ALONE
    elif type(value) in LAZY:
        held, leaves = _Held(value), ()
    name, nout = node._function.name, node._function.nout
    function = Function(held, name=name, nout=nout, options=options)
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
    their dependents (functions with ``inline=True``), chains joined. Dask collections are
    optimized by Dask.

    Examples
    --------
    >>> from lazygraph import delayed
    >>> (better,) = optimize(delayed(abs)(delayed(abs)(-1)))
    >>> len(better.graph), better.compute()
    (1, 1)
    """
    lazies = Lazies(args, traverse)
    nodes = lazies.nodes
    own = [node for node in nodes if type(node._key) is not OutsideKey]
    guests: list[Any] = [n._key.outside for n in nodes if type(n._key) is OutsideKey]
    better = iter(_optimized(own))
    collections = iter(guests[0].optimized(guests) if guests else ())
    return lazies.fill(
        next(collections if type(node._key) is OutsideKey else better) for node in nodes
    )


def _optimized(nodes: Sequence[Node]) -> Sequence[Node]:
    if not nodes:
        return nodes
    graph = run_passes(graph_of(nodes), [node._get_key() for node in nodes], DEFAULT)
    return relink(graph, nodes)


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
    values = Run("get", **options).graph(graph, leaves)
    return _fill(shape, values)


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

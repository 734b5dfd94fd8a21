"""The whole way, from lazy values to results: `compute`, `persist`, `optimize`, `get`.

Each function takes nested arguments, finds the lazy values in them, plans, runs, and puts
results where the lazy values stood.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar, Unpack, overload

from lazygraph.graphs.compile import graph_of, relink
from lazygraph.graphs.graph import Graph
from lazygraph.graphs.nodes import Name, Node, foreign_node, keys_of, make_node
from lazygraph.passes import DEFAULT, run_passes
from lazygraph.protocols import Lazy
from lazygraph.run import Lazies, Run
from lazygraph.schedulers.dask.held import OnCluster
from lazygraph.schedulers.explain import short_traceback
from lazygraph.tasks.function import Function
from lazygraph.tasks.keys import Key, check_key
from lazygraph.tasks.operators import value_of
from lazygraph.tasks.options import NO_OPTIONS, Options, RunOptions
from lazygraph.tasks.pytree import LAZY
from lazygraph.tasks.treedef import TreeDef, tree_flatten

__all__ = ["compute", "get", "optimize", "persist"]

A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
L1 = TypeVar("L1", bound=Lazy[Any])
L2 = TypeVar("L2", bound=Lazy[Any])


@overload
def compute(a: Lazy[A], /, **options: Unpack[RunOptions]) -> tuple[A]: ...
@overload
def compute(a: Lazy[A], b: Lazy[B], /, **options: Unpack[RunOptions]) -> tuple[A, B]: ...
@overload
def compute(
    a: Lazy[A], b: Lazy[B], c: Lazy[C], /, **options: Unpack[RunOptions]
) -> tuple[A, B, C]: ...
@overload
def compute(*args: Any, **options: Unpack[RunOptions]) -> tuple[Any, ...]: ...
@short_traceback
def compute(*args: Any, **options: Unpack[RunOptions]) -> tuple[Any, ...]:
    """Run what the arguments stand for, and return the results in their places.

    Parameters
    ----------
    *args
        Lazy values and Dask collections, alone or inside lists, tuples, dicts, sets,
        dataclasses, ...; whatever holds none comes back as it is.
    scheduler : str, Scheduler, distributed.Client or callable, optional
        What runs the tasks: a name ("threads", "processes", "synchronous"; Dask's local
        schedulers: "dask", "dask-sync", "dask-threads", "dask-processes"; "distributed" for
        the current client's cluster), an object, a client, or a function of Dask's
        ``get(dsk, keys)`` form; by default, what `lazygraph.config` says: "threads".
    num_workers : int, optional
        How many tasks run at once, for a scheduler that is named; the number of usable cores
        by default. Objects, clusters and "synchronous" have numbers of their own.
    observers : sequence of Observer, optional
        Objects whose ``notify(event)`` is told what happens: `lazygraph.observers`.
    on_error : str, optional
        "raise", the default: the first task to fail ends the run; the exception's ``partial``
        holds by key the results that were at hand, and keeps them alive (`lazygraph.forget`).
        "collect": all goes on that does not need it; `Failed` and `Skipped` stand in place of
        the results that there are not, and `lazygraph.failures` lists them.
    limits : mapping of str to float, optional
        How much there is of each resource that tasks use (``@delayed(uses={"db": 1})``). A
        name that no task uses is an error, unless it comes from `lazygraph.config`.
    seed : int, optional
        What tasks draw from by `lazygraph.rng`, 0 or more: the same seed, graph and outputs
        give the same numbers.
    inputs : mapping, optional
        The values of `lazygraph.inputs`, by input or by name.
    check_finite : bool, optional
        Raise `NotFiniteError`, naming the task, if a result holds a NaN or an infinity.
    traverse : bool, optional
        Whether to look for lazy values inside containers; True by default.
    optimize_graph : bool, optional
        As in Dask, and without effect: a plan is made straight from the lazy values. `optimize`
        runs the passes; Dask collections are optimized by Dask in any case.

    Returns
    -------
    tuple
        One result per argument.

    Raises
    ------
    Exception
        What the first task to fail raised: of the same type, with a note that names the task,
        its arguments, and the line where it was captured. `lazygraph.replay` runs it again.
    OptionError
        For a keyword that is none of these, a bad value of one, or one that the scheduler
        cannot honour; before any task runs.
    InputError
        If the value of an input is missing, or there is no such input.

    Notes
    -----
    O(tasks + arguments); 1 to 2 us a task on top of the tasks' own time, 5 to 20 us where it is
    retried, limited, timed or seeded, 30 us and more in another process.

    Examples
    --------
    >>> from lazygraph import delayed
    >>> a, b = delayed(abs)(-1), delayed(abs)(-2)
    >>> compute(a, {"both": [a, b]}, 3)
    (1, {'both': [1, 2]}, 3)
    >>> compute(a, b, scheduler="synchronous", on_error="collect")
    (1, 2)
    """
    run = Run("compute", options)
    lazies = Lazies(args, run.traverse)
    return lazies.fill(run.nodes(lazies.nodes))


@overload
def persist(a: L1, /, **options: Unpack[RunOptions]) -> tuple[L1]: ...
@overload
def persist(a: L1, b: L2, /, **options: Unpack[RunOptions]) -> tuple[L1, L2]: ...
@overload
def persist(*args: Any, **options: Unpack[RunOptions]) -> tuple[Any, ...]: ...
@short_traceback
def persist(*args: Any, **options: Unpack[RunOptions]) -> tuple[Any, ...]:
    """Run what the arguments stand for, and return lazy values that hold the results.

    Parameters
    ----------
    *args
        As for `compute`.
    **options
        As for `compute`: ``scheduler``, ``num_workers``, ``observers``, ``on_error``,
        ``limits``, ``seed``, ``inputs``, ``check_finite``, ``traverse``, ``optimize_graph``.

    Returns
    -------
    tuple
        One per argument, with a lazy value that has its result in place of each lazy value.
        Its key is the one it had; what is built on it starts from the result. A Dask
        collection becomes one that holds its chunks.

    Raises
    ------
    Exception, OptionError, InputError
        As `compute`.

    Notes
    -----
    Results are kept as long as their lazy values. On a cluster it returns at once, and results
    stay there, for as long as a lazy value needs them: what is built on them runs there without
    bringing them here, and other schedulers bring them here when they need them. (A Dask
    collection's chunks come here: to keep them there, give it to the client's own `persist`.)

    Examples
    --------
    >>> from lazygraph import delayed
    >>> (loaded,) = persist(delayed(abs)(-1))
    >>> len(loaded.graph), loaded.compute()
    (1, 1)
    """
    run = Run("persist", options)
    lazies = Lazies(args, run.traverse)
    nodes = [_in_parts(node) for node in lazies.nodes]
    # Before the run, in which a task may change what it is given.
    names = [node._name.lasting(key) for node, key in zip(nodes, keys_of(nodes), strict=True)]
    return lazies.fill(map(_holding, nodes, names, run.held(nodes)))


def _in_parts(node: Node) -> Node:
    """Return a node that persists chunk by chunk, if it stands for a Dask collection."""
    if node._foreign is None:
        return node
    return foreign_node(type(node), node._foreign.as_parts())


#: A result on a cluster is found there by its key: joined with another task it would be fetched.
_ALONE = Options(fuse=False)


def _holding(node: Node, lasting: Name, value: Any) -> Any:
    """Return a lazy value like `node`, or the Dask collection, that has its result already."""
    if node._foreign is not None:
        return node._foreign.with_results(value() if type(value) is OnCluster else value)
    held: Any = value_of
    leaves: tuple[Any, ...] = (value,)
    options = NO_OPTIONS
    if type(value) is OnCluster:
        held, leaves, options = value, (), _ALONE
    elif type(value) in LAZY:
        held, leaves = _Held(value), ()
    name, nout = node._function.name, node._function.nout
    function = Function(held, name=name, nout=nout, options=options)
    return make_node(type(node), function, leaves, None, lasting, node._code, node._lasti)


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
    """Return lazy values that stand for the same results by a better graph.

    Tasks that nothing needs are dropped, equal pure tasks merged, cheap ones copied into
    their dependents, chains joined. Dask collections are optimized by Dask. `compute` does not
    call it: joining pays where each task costs much to send, as on a cluster.

    Parameters
    ----------
    *args
        Lazy values and Dask collections, alone or inside containers.
    traverse : bool
        Whether to look for lazy values inside containers.

    Returns
    -------
    tuple
        One per argument, with better lazy values in the places of lazy values; their keys are
        the ones they had.

    Raises
    ------
    CycleError, KeyCollisionError
        If the graph cannot run.

    Notes
    -----
    O(tasks + arguments), some 10 us a task. The options ``inline=`` and ``fuse=`` of `delayed`
    act here, and in ``visualize(optimize_graph=True)``. Joined tasks draw other random numbers
    than they do apart.

    Examples
    --------
    >>> from lazygraph import delayed
    >>> (better,) = optimize(delayed(abs)(delayed(abs)(-1)))
    >>> len(better.graph), better.compute()
    (1, 1)
    """
    lazies = Lazies(args, traverse)
    nodes = lazies.nodes
    own = [node for node in nodes if node._foreign is None]
    guests: list[Any] = [node._foreign for node in nodes if node._foreign is not None]
    better = iter(_optimized(own))
    collections = iter(guests[0].optimized(guests) if guests else ())
    return lazies.fill(next(better if node._foreign is None else collections) for node in nodes)


def _optimized(nodes: Sequence[Node]) -> Sequence[Node]:
    if not nodes:
        return nodes
    keys = keys_of(nodes)
    return relink(run_passes(graph_of(nodes), keys, DEFAULT), keys, nodes)


@short_traceback
def get(dsk: Mapping[Key, Any], keys: Any, **options: Unpack[RunOptions]) -> Any:
    """Run a raw graph, a `Graph` or the classic dict of tuples; return the values of its keys.

    Parameters
    ----------
    dsk : Graph or mapping
        ``{"x": 1, "y": (inc, "x")}``: read by Dask's rules.
    keys : Key or list
        One key, or keys in lists nested as one likes.
    **options
        As for `compute`: ``scheduler``, ``num_workers``, ``observers``, ``on_error``,
        ``limits``, ``seed``, ``inputs``, ``check_finite``, ``optimize_graph``.

    Returns
    -------
    Any
        The value, or values in tuples nested as the lists were.

    Raises
    ------
    Exception, OptionError, InputError
        As `compute`.
    CycleError, MissingKeyError
        If the graph cannot run.
    CaptureError
        If what is asked for cannot be a key.

    Notes
    -----
    O(tasks that the keys need + keys of `dsk`).

    Examples
    --------
    >>> get({"x": 1, "y": (max, "x", 2)}, ["x", ["y"]])
    (1, (2,))
    """
    graph = dsk if isinstance(dsk, Graph) else Graph.from_dict(dsk)
    names, treedef = tree_flatten(keys, is_leaf=lambda key: not isinstance(key, list))
    values = Run("get", options).graph(graph, list(map(check_key, names)))
    return TreeDef(tuple([(n, tuple, k) for n, _, k in treedef.program])).unflatten(values)

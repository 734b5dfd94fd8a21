"""The whole way, from lazy values to results: `compute`, `persist`, `optimize`, `get`.

Each function takes nested arguments, finds the lazy values in them, plans, runs, and puts
results where the lazy values stood.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, overload

from lazygraph.classic import value_of
from lazygraph.containers import LAZY
from lazygraph.errors import DrawingError
from lazygraph.functions import Function
from lazygraph.graph import Graph
from lazygraph.keys import Key, check_key
from lazygraph.nodes import Node, OutsideKey, graph_of, make_node, outside_node, relink
from lazygraph.options import NO_OPTIONS, Options
from lazygraph.passes import DEFAULT, run_passes
from lazygraph.protocols import Lazy
from lazygraph.running import Lazies, Run
from lazygraph.schedulers.dask.held import OnCluster
from lazygraph.schedulers.failure import short_traceback
from lazygraph.viz import Drawing, check_format, draw

if TYPE_CHECKING:
    from lazygraph.observers import Recorder
    from lazygraph.viz.look import Colour, Detail, Engine, Format, Labels, Rankdir, ThemeName

__all__ = ["compute", "get", "optimize", "persist", "visualize"]

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
    if not nodes:
        return args
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


@short_traceback
def visualize(
    *args: Any,
    filename: str | os.PathLike[str] | None = None,
    format: Format | None = None,  # noqa: A002  # Dask's name for it
    optimize_graph: bool = False,
    rankdir: Rankdir = "BT",
    engine: Engine = "auto",
    detail: Detail = "auto",
    color: Colour | None = None,
    labels: Labels | None = None,
    focus: Lazy[Any] | Key | None = None,
    depth: int = 2,
    theme: ThemeName = "auto",
    title: str | None = None,
    run: Recorder | None = None,
    gradients: bool = False,
    wrt: Any = None,
    inputs: Mapping[Any, Any] | None = None,
    traverse: bool = True,
) -> Drawing:
    """Draw the graph of the lazy values among the arguments.

    Parameters
    ----------
    filename : path, optional
        Also write the picture there: ``.svg``, ``.png``, ``.pdf``, ``.html`` (a page to pan,
        zoom and search in), ``.dot`` or ``.mmd`` (Mermaid). Nothing is written without it.
    format : str, optional
        One of these without the dot, whatever the extension.
    optimize_graph : bool
        Draw the graph as `optimize` makes it.
    rankdir : str
        Which way the data flows: "BT", the default, is upward; "TB", "LR", "RL".
    engine : str
        What places boxes: "builtin" and "auto" need nothing installed; "dot" asks Graphviz's
        program of that name.
    detail : str
        "tasks": a box a task. "full": calls and data apart, as Dask draws them. "collapsed":
        a box for tasks that do the same. "auto", the default: tasks if they are at most 150
        and not too wide together, else collapsed.
    color : str, optional
        What colours stand for: "function", the default; "order", "ages", "freed",
        "memoryincreases", "memorydecreases", "memorypressure" of the plan; "seconds",
        "bytes", "worker" of the run, which also gives "order" if there is one.
    labels : str, mapping or callable, optional
        First lines: "function", the default; "key"; by key; what it gives for key and task.
    focus : Delayed or Key, optional
        Draw only what is near this task.
    depth : int
        How many dependencies away from `focus`, 2 by default.
    theme : str
        "light", "dark", or "auto", the default: light in files, and what the reader has set
        in notebooks and pages.
    title : str, optional
        Stands above.
    run : Recorder, optional
        Of a run of this graph: failed, skipped and slow tasks are marked.
    gradients : bool
        Of one lazy value, a scalar: on each edge, the value that flows forward, and beside it
        what the derivative of the goal by that value has by way of this edge; in each box, all
        of that derivative. They are computed for it. Over 150 tasks, only if `detail` is
        "tasks".
    wrt : Delayed, or list, tuple or dict of such, optional
        With `gradients`: what to go back to, as for `lazygraph.backward`.
    inputs : mapping, optional
        With `gradients`: the inputs' values; without them names are written.
    traverse : bool
        Whether to look for lazy values inside containers.

    Returns
    -------
    Drawing
        Shown by Jupyter; has ``.svg``, ``.html``, ``.to_dot()``, ``.to_mermaid()`` and
        ``.save(path)``.

    Raises
    ------
    DrawingError
        If there is nothing lazy to draw, for a value that is not known, or if the file cannot
        be written.
    MissingKeyError
        If `focus` is not in the graph.

    Examples
    --------
    >>> from lazygraph import delayed
    >>> total = delayed(sum)([delayed(abs)(n) for n in range(3)])
    >>> visualize(total, detail="full", rankdir="LR")
    Drawing(4 tasks)
    """
    check_format(filename, format)
    nodes = Lazies(args, traverse).nodes
    if not nodes:
        raise DrawingError("there is no lazy value among the arguments: nothing to draw")
    graph, keys = graph_of(nodes), [node._get_key() for node in nodes]
    if not gradients and (wrt is not None or inputs is not None):
        raise DrawingError("wrt= and inputs= say what gradients=True draws: give that too")
    notes = {"notes": _gradient_notes(nodes, wrt, inputs, detail)} if gradients else {}
    drawing = draw(
        run_passes(graph, keys) if optimize_graph else graph,
        keys,
        rankdir=rankdir,
        engine=engine,
        detail=detail,
        color=color,
        labels=labels,
        focus=focus._get_key() if isinstance(focus, Node) else focus,
        depth=depth,
        theme=theme,
        title=title,
        run=run,
        **notes,
    )
    if filename is not None:
        drawing.save(filename, format)
    return drawing


def _gradient_notes(
    nodes: Sequence[Node], wrt: Any, inputs: Mapping[Any, Any] | None, detail: Detail
) -> Any:
    if len(nodes) != 1:
        raise DrawingError(f"gradients=True draws those of one lazy value, not of {len(nodes)}")
    from lazygraph.autodiff.notes import gradient_notes  # late: it brings numpy

    return gradient_notes(nodes[0], wrt, inputs, detail)


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

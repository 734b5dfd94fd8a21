"""Lazy values -> a picture of their graph: `visualize`."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Unpack

from lazygraph.errors import DrawingError
from lazygraph.graphs.compile import graph_of
from lazygraph.graphs.nodes import Node, keys_of
from lazygraph.passes import run_passes
from lazygraph.run import Lazies
from lazygraph.schedulers.explain import short_traceback
from lazygraph.viz import Drawing, check_format, draw

if TYPE_CHECKING:
    from lazygraph.viz.look import PictureOptions

__all__ = ["visualize"]


@short_traceback
def visualize(
    *args: Any,
    filename: str | os.PathLike[str] | None = None,
    **options: Unpack[PictureOptions],
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
        First lines: "function", the default; "key"; by key or lazy value; what it gives for
        key and task.
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
    OptionError
        For a keyword that is none of these.
    MissingKeyError
        If `focus` is not in the graph.

    Examples
    --------
    >>> from lazygraph import delayed
    >>> total = delayed(sum)([delayed(abs)(n) for n in range(3)])
    >>> visualize(total, detail="full", rankdir="LR")
    Drawing(4 tasks)
    """
    from lazygraph.viz.look import look_options  # late, as all that draws

    look, format = look_options(options), options.get("format")  # noqa: A001
    check_format(filename, format)
    nodes = Lazies(args, options.get("traverse", True)).nodes
    if not nodes:
        raise DrawingError("there is no lazy value among the arguments: nothing to draw")
    graph, keys = graph_of(nodes), keys_of(nodes)
    look["notes"] = _gradient_notes(nodes, options)
    if "focus" in look:
        look["focus"] = _key_of(look["focus"])
    if isinstance(look.get("labels"), Mapping):
        look["labels"] = {_key_of(name): label for name, label in look["labels"].items()}
    drawing = draw(
        run_passes(graph, keys) if options.get("optimize_graph") else graph, keys, **look
    )
    if filename is not None:
        drawing.save(filename, format)
    return drawing


def _key_of(named: Any) -> Any:
    """Return the key of a lazy value; a key is its own."""
    return named._get_key() if isinstance(named, Node) else named


def _gradient_notes(nodes: Sequence[Node], options: PictureOptions) -> Any:
    """Return what is to be written of derivatives; None if they are not asked for."""
    wrt, inputs = options.get("wrt"), options.get("inputs")
    if not options.get("gradients"):
        if wrt is None and inputs is None:
            return None
        raise DrawingError("wrt= and inputs= say what gradients=True draws: give that too")
    if options.get("optimize_graph"):
        raise DrawingError("gradients=True draws what is differentiated: leave optimize_graph out")
    if len(nodes) != 1:
        raise DrawingError(f"gradients=True draws those of one lazy value, not of {len(nodes)}")
    from lazygraph.autodiff.notes import gradient_notes  # late: it brings numpy

    return gradient_notes(nodes[0], wrt, inputs, options.get("detail", "auto"))

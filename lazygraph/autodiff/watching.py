"""A function and its arguments -> the cotangents of some of them: autograd watches it run.

Importing this needs autograd.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from autograd import tracer
from autograd.core import add_outgrads, primitive_vjps
from autograd.util import toposort

from lazygraph.autodiff import watched_entries, watched_more
from lazygraph.autodiff.boxes import Escaped, Watch, WatchedNode, from_objects, getval, isbox
from lazygraph.autodiff.cotangents import filled, fit, like
from lazygraph.autodiff.explaining import EXPLAINED
from lazygraph.autodiff.structures import (
    is_container,
    is_inexact,
    is_number,
    is_whole,
    mapped,
    parts_beside,
)
from lazygraph.autodiff.watched_numpy import (
    is_known,
    is_replaced,
    primitive_of,
    unboxed_tuple,
)
from lazygraph.tasks.reprs import short_repr

__all__ = [
    "has_rule",
    "is_constant_to_autograd",
    "pull_back",
    "pull_back_known",
    "watched_entries",
    "watched_more",
]


def _rule_of(func: Any) -> Any:
    wrapped = primitive_of(func)
    return wrapped if wrapped is not None and is_known(wrapped) else None


def has_rule(func: Any) -> bool:
    """Whether autograd has a rule for a function as a whole that is right."""
    return _rule_of(func) in primitive_vjps and not is_replaced(func)


def is_constant_to_autograd(func: Any) -> bool:
    """Whether autograd knows that a function's results have no slope anywhere."""
    return _rule_of(func) in tracer.notrace_primitives[WatchedNode]


def as_float(value: Any) -> Any:
    """Whole numbers as the floats that their derivatives are by."""
    if not is_whole(value):
        return value
    if isinstance(value, (np.ndarray, np.generic)):
        return value.astype(float)
    return value * 1.0 if isbox(value) else float(value)


# ------------------------------------------------------ with a rule, not run again
def pull_back_known(
    func: Callable[..., Any],
    ct: Any,
    out: Any,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    wanted: tuple[int, ...],
) -> list[Any]:
    """The cotangents of positional arguments of a function that autograd has a rule for."""
    given = [as_float(value) if n in wanted else value for n, value in enumerate(args)]
    back = primitive_vjps[_rule_of(func)](wanted, out, tuple(given), kwargs)
    cts = back(filled(ct, like(out)))
    what = f"autograd's rule for {getattr(func, '__name__', func)}: a cotangent"
    return [fit(_dense(part), like(given[n]), what) for n, part in zip(wanted, cts, strict=True)]


def _dense(ct: Any) -> Any:
    """A cotangent as an array, where autograd has kept it sparse."""
    return add_outgrads(None, ct)[0]


# ----------------------------------------------------------------- watched
def pull_back(
    call: Callable[[list[Any]], Any], ct: Any, leaves: Iterable[Any], wanted: tuple[int, ...]
) -> list[Any]:
    """The cotangents of some leaves of a call, which is made once more, under watch.

    Parameters
    ----------
    call : callable
        Takes all leaves.
    ct
        The cotangent of what it gives.
    leaves : iterable
        Numbers, arrays, lists, tuples, dicts or dataclasses of such where wanted.
    wanted : tuple of int
        The positions of those to differentiate by.

    Raises
    ------
    Escaped
        If the function leads a watched value out of sight.
    """
    leaves = list(leaves)
    try:
        return _pull_back(call, ct, leaves, wanted, as_float)
    except EXPLAINED:
        if not _has_whole_beside_others(leaves, wanted):
            raise
    # Perhaps some are positions: they have to stay whole, and then have no slope.
    return _pull_back(call, ct, leaves, wanted, _as_it_is)


def _as_it_is(value: Any) -> Any:
    return value


def _has_whole_beside_others(leaves: list[Any], wanted: tuple[int, ...]) -> bool:
    kinds: set[bool] = set()
    for n in wanted:
        mapped(lambda part: kinds.add(is_whole(part)) if is_number(part) else None, leaves[n])
    return kinds == {True, False}


def _pull_back(
    call: Callable[[list[Any]], Any],
    ct: Any,
    leaves: list[Any],
    wanted: tuple[int, ...],
    prepare: Callable[[Any], Any],
) -> list[Any]:
    given = list(leaves)
    with tracer.trace_stack.new_trace() as trace:
        watch = Watch(trace)
        for n in wanted:
            given[n] = mapped(lambda part: _boxed(watch, prepare(part)), leaves[n])
        boxed = list(given)  # the function gets containers of its own, which it may change
        for n in wanted:
            boxed[n] = mapped(_as_it_is, given[n])
        _check(leaves, wanted)
        ends = _ends(watch, call(boxed), ct, _texts([leaves[n] for n in wanted]))
        found = _go_back(watch, ends)
    return [_cts_of(watch, found, given[n], leaves[n]) for n in wanted]


def _check(leaves: list[Any], wanted: tuple[int, ...]) -> None:
    for n in wanted:
        if not isbox(leaves[n]) and not is_number(leaves[n]) and not is_container(leaves[n]):
            raise Escaped(
                f"its argument {short_repr(leaves[n])} ({type(leaves[n]).__name__}) is no number, "
                "and there is no telling how the result changes with it"
            )


def _texts(values: list[Any]) -> list[Any]:
    """The texts among the parts of values: something may be read from them."""
    found: list[Any] = []
    mapped(lambda part: found.append(part) if isinstance(part, (str, bytes)) else None, values)
    return found


def _boxed(watch: Watch, value: Any) -> Any:
    if type(value) is np.memmap:
        value = np.asarray(value)
    if isbox(value) or is_inexact(value):
        return watch.box(value)
    return value


def _ends(watch: Watch, out: Any, ct: Any, texts: list[str]) -> list[tuple[WatchedNode, Any]]:
    """Where the way back begins: the watched parts of a result, each with its cotangent."""
    out = mapped(lambda part: mapped(from_objects, unboxed_tuple(part)), out)
    ends, is_float = [], False
    for part, its_ct in parts_beside(out, ct):
        if watch.has(part):
            ends.append(
                (part._node, fit(its_ct, like(getval(part)), "the cotangent of the result"))
            )
        elif not isbox(part) and not is_number(part):
            raise Escaped(f"it gives a {type(part).__name__}, which is no number")
        is_float = is_float or is_inexact(part)
    if is_float and not ends and (watch.escapes or texts):
        read = f"it is given the text {short_repr(texts[0])}, and may have read it" if texts else ""
        raise Escaped(watch.escapes[0] if watch.escapes else read)
    return ends


def _go_back(watch: Watch, ends: list[tuple[WatchedNode, Any]]) -> dict[WatchedNode, Any]:
    """The cotangents of the nodes that a trace began with."""
    goal = WatchedNode.new_root(watch)
    goal.parents, cts = [node for node, _ in ends], [ct for _, ct in ends]
    goal.vjp = lambda _: cts
    sums: dict[WatchedNode, Any] = {goal: (None, False)}
    found = {}
    for node in toposort(goal):
        total = sums.pop(node)[0]
        if not node.parents:
            found[node] = total
        for parent, ct in zip(node.parents, node.vjp(total), strict=False):
            sums[parent] = add_outgrads(sums.get(parent), ct)
    return found


def _cts_of(watch: Watch, found: dict[WatchedNode, Any], boxed: Any, value: Any) -> Any:
    """The cotangent of a leaf, in its structure; None for parts of it that are no numbers."""
    if is_container(value):
        return _structured(watch, found, boxed, value)
    if not is_number(getval(value)):
        return None
    ct = found.get(boxed._node) if watch.has(boxed) else None
    return fit(None if ct is None else _dense(ct), like(value))


def _structured(watch: Watch, found: dict[WatchedNode, Any], boxed: Any, value: Any) -> Any:
    if hasattr(value, "__dataclass_fields__"):
        boxed, value = vars(boxed), vars(value)
    if isinstance(value, dict):
        return {key: _cts_of(watch, found, boxed[key], item) for key, item in value.items()}
    parts = [_cts_of(watch, found, box, item) for box, item in zip(boxed, value, strict=True)]
    if isinstance(value, list):
        return parts
    kind: Any = type(value)
    return kind(*parts) if hasattr(kind, "_fields") else tuple(parts)

"""A function and its arguments -> the cotangents of some of them: it is run once more, traced."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, Self

import numpy as np

from lazygraph.autodiff.backward_pass import BackwardPass
from lazygraph.autodiff.cotangents import fit, like, map_parts
from lazygraph.autodiff.explaining import EXPLAINED
from lazygraph.autodiff.primitive import lazily
from lazygraph.autodiff.structures import (
    fields_of,
    is_container,
    is_inexact,
    is_number,
    is_whole,
    mapped,
    parts_beside,
)
from lazygraph.autodiff.traced_array import from_objects, new_trace
from lazygraph.autodiff.tracer import Escaped, Trace, Tracer, has_tracer, raw, record
from lazygraph.graphs.compile import unique_nodes
from lazygraph.graphs.nodes import Node, node_type
from lazygraph.tasks.function import Function
from lazygraph.tasks.operators import value_of
from lazygraph.tasks.reprs import short_repr

__all__ = ["TracedRun", "pull_back", "run_traced"]

_HOLD = Function(value_of)
#: That nothing is known of what the function gave before.
UNKNOWN: Any = object()


def pull_back(
    call: Callable[[list[Any]], Any],
    ct: Any,
    leaves: Iterable[Any],
    wanted: tuple[int, ...],
    out: Any = UNKNOWN,
) -> list[Any]:
    """Return the cotangents of some leaves of a call, which is made once more, traced.

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
    out : optional
        What the call gave before, to be compared with what it gives now.

    Raises
    ------
    Escaped
        If the function leads a traced value out of sight, or gives something else than before.
    """
    with run_traced(call, leaves, wanted, out) as run:
        return run.cts(ct)


def run_traced(
    call: Callable[[list[Any]], Any],
    leaves: Iterable[Any],
    wanted: tuple[int, ...],
    out: Any = UNKNOWN,
) -> TracedRun:
    """Make a call once more, traced, for its result and its cotangents; as `pull_back`."""
    leaves = list(leaves)
    try:
        return TracedRun(call, leaves, wanted, out, as_float)
    except EXPLAINED:
        if not _has_whole_beside_others(leaves, wanted):
            raise
        # Perhaps some are positions: they have to stay whole, and then have no slope.
        return TracedRun(call, leaves, wanted, out, lambda value: value)


class TracedRun:
    """One run of a function, traced; large arrays are read-only till the end of its block.

    Attributes
    ----------
    made
        What it has given, with traced parts.
    """

    def __init__(
        self,
        call: Callable[[list[Any]], Any],
        leaves: list[Any],
        wanted: tuple[int, ...],
        out: Any,
        prepare: Callable[[Any], Any],
    ) -> None:
        self.trace, self._leaves, self._wanted = new_trace(), leaves, wanted
        self._given = list(leaves)
        for n in wanted:
            _check(leaves[n])
            self._given[n] = mapped(lambda part: _rooted(self.trace, prepare(part)), leaves[n])
        try:
            # The function gets containers of its own, which it may change.
            made = call([mapped(lambda part: part, value) for value in self._given])
            _compare(self.trace, made, out)
        except BaseException:
            self.trace.close()
            raise
        self.made = mapped(from_objects, made)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.trace.close()

    def value(self) -> Any:
        """Return what the call has given, not traced by this run any more."""
        return mapped(
            lambda x: x._value if has_tracer(x) and x._trace is self.trace else x, self.made
        )

    def cts(self, ct: Any) -> list[Any]:
        """Return the cotangents of the wanted leaves, given that of the result."""
        wanted = [self._leaves[n] for n in self._wanted]
        ends = _ends(self.trace, self.made, ct, wanted)
        found = _cotangents(self.trace, ends, self._given)
        return [_ct_of(found, self._given[n], self._leaves[n]) for n in self._wanted]


def as_float(value: Any) -> Any:
    """Return whole numbers as the floats that their derivatives are by; others as they are."""
    if not is_whole(value):
        return value
    return value.astype(float) if isinstance(value, (np.ndarray, np.generic)) else float(value)


def _has_whole_beside_others(leaves: list[Any], wanted: tuple[int, ...]) -> bool:
    kinds = {is_whole(part) for n in wanted for part in _parts(leaves[n]) if is_number(part)}
    return kinds == {True, False}


def _parts(value: Any) -> list[Any]:
    found: list[Any] = []
    mapped(found.append, value)
    return found


def _check(value: Any) -> None:
    if not has_tracer(value) and not is_number(value) and not is_container(value):
        raise Escaped(
            f"its argument {short_repr(value)} ({type(value).__name__}) is no number, "
            "and there is no telling how the result changes with it"
        )


def _rooted(trace: Trace, value: Any) -> Any:
    if type(value) is np.memmap:
        value = np.asarray(value)
    return trace.root(value) if has_tracer(value) or is_inexact(value) else value


def _compare(trace: Trace, made: Any, out: Any) -> None:
    """Refuse a result that differs from the one before: it is not the same function's."""
    if out is UNKNOWN:
        return
    try:
        was, now = _parts(mapped(_plain, out)), _parts(mapped(_plain, made))
        are_equal = all(_are_close(*pair) for pair in zip(was, now, strict=True))
    except ValueError:  # another number of parts
        are_equal = False
    if not are_equal and trace.escapes:
        raise Escaped(trace.escapes[0])
    if not are_equal:
        raise Escaped(
            f"run once more for its derivative, it gives {short_repr(mapped(_plain, made))}, and "
            f"gave {short_repr(out)}: it depends on something else than its arguments, such as "
            "random numbers (draw them in a task of their own), or changes what it is given"
        )


def _plain(value: Any) -> Any:
    return raw(from_objects(value))


def _are_close(was: Any, now: Any) -> bool:
    if not is_number(was) or not is_number(now):
        return True
    was, now = np.asarray(was), np.asarray(now)
    if was.shape != now.shape:
        return False
    kinds = [x.dtype for x in (was, now) if x.dtype.kind in "fc"]
    eps = max((float(np.finfo(kind).eps) for kind in kinds), default=0.0) ** 0.5
    size = float(np.max(np.abs(was[np.isfinite(was)]), initial=0.0)) if was.size else 0.0
    return bool(np.allclose(was, now, rtol=eps, atol=eps * size, equal_nan=True))


def _ends(trace: Trace, out: Any, ct: Any, leaves: list[Any]) -> list[tuple[Tracer, Any]]:
    """Return the traced parts of a result, each with its cotangent, for a backward pass."""
    ends, has_float = [], False
    for part, its_ct in parts_beside(out, ct):
        if has_tracer(part) and part._trace is trace:
            what = "the cotangent of the result"
            ends.append((part, fit(its_ct, like(part._value), what)))
        elif not has_tracer(part) and not is_number(part):
            raise Escaped(f"it gives a {type(part).__name__}, which is no number")
        has_float = has_float or has_tracer(part) or is_inexact(part)
    if has_float and not ends:
        _refuse_escapes(trace, leaves)
    return ends


def _refuse_escapes(trace: Trace, leaves: list[Any]) -> None:
    """Raise `Escaped` if an untraced result may have come from a text, or from a traced value."""
    if trace.escapes:
        raise Escaped(trace.escapes[0])
    for text in [part for part in _parts(leaves) if isinstance(part, (str, bytes))]:
        raise Escaped(f"it is given the text {short_repr(text)}, and may have read it")


def _cotangents(
    trace: Trace, ends: Sequence[tuple[Tracer, Any]], given: list[Any]
) -> dict[Node, Any]:
    """Return the cotangents of a trace's roots, by node."""
    roots = [part._node for part in _parts(given) if has_tracer(part) and part._trace is trace]
    if not ends or not roots:
        return {}
    cts = [lazily(_HOLD, (None,)) for _ in ends]
    trace.values.update(zip(cts, [ct for _, ct in ends], strict=True))
    back = BackwardPass([end._node for end, _ in ends], cts, roots)
    totals = {root: total for root in roots if (total := back.total(root)) is not None}
    values = _evaluated([*totals.values()], trace.values)
    return dict(zip(totals, values, strict=True))


def _evaluated(outputs: list[Node], values: dict[Node, Any]) -> list[Any]:
    """Compute what tasks give, from the values of some; values used up on the way are released."""
    order = unique_nodes(outputs, values).nodes
    kind, new = node_type(), set(order)
    goes_on = new.difference(outputs)
    last = {x: node for node in order for x in node._leaves if type(x) is kind and x in goes_on}
    goes: dict[Node, list[Node]] = {}
    for leaf, node in last.items():
        goes.setdefault(node, []).append(leaf)
    for node in order:
        leaves = tuple([values[x] if type(x) is kind else x for x in node._leaves])
        args, kwargs = node._arguments(leaves)
        is_traced = any(map(has_tracer, args)) or (bool(kwargs) and has_tracer(kwargs))
        function = node._function
        values[node] = (
            record(function, tuple(args), kwargs) if is_traced else function.func(*args, **kwargs)
        )
        for leaf in goes.get(node, ()):
            del values[leaf]
    made = [values[node] for node in outputs]
    for node in new.intersection(outputs):
        del values[node]
    return made


def _ct_of(found: dict[Node, Any], given: Any, value: Any) -> Any:
    """Return the cotangent of a leaf, in its structure; None for parts that are no numbers."""
    if is_container(value):
        parts = [fields_of(whole) or whole for whole in (given, value)]
        return map_parts(partial(_ct_of, found), *parts)
    if not has_tracer(value) and not is_number(value):
        return None
    return fit(found.get(given._node) if has_tracer(given) else None, like(value))

"""How a task's derivative is found: the user's rule, the task's parts, the table, autograd."""

from __future__ import annotations

import operator as op
from typing import Any, NamedTuple

import numpy as np

from lazygraph.autodiff.black_box import by_autograd, by_black_box
from lazygraph.autodiff.cotangents import add_n, filled
from lazygraph.autodiff.expansion import expand
from lazygraph.autodiff.primitive import lazily
from lazygraph.autodiff.rules.kinds import separated
from lazygraph.autodiff.rules.names import of_name
from lazygraph.autodiff.table import (
    NO_SLOPE,
    Attribute,
    Entry,
    Rule,
    edge_function,
    entry_of,
    refused,
)
from lazygraph.autodiff.users import by_user
from lazygraph.autodiff.vjp_context import ENGINES, Edges, Inner, VjpContext
from lazygraph.graphs.nodes import Node, node_type
from lazygraph.tasks.function import Function
from lazygraph.tasks.operators import Method, value_of

_VALUE = Function(value_of)


def by_structure(context: VjpContext) -> Edges | None:
    """Return the edges of a task that only puts values together; None for any other."""
    if context.primal is not value_of:
        return None
    (value,) = context.args
    # A part that had no influence has None for a cotangent, where others had some.
    return [
        (leaf, part if part is context.ct else filled(part, context.like(leaf)))
        for leaf, part in context.picked(context.ct, value)
    ]


def by_sum(context: VjpContext) -> Edges | None:
    """Return the edges of a sum of cotangents: each has the whole of its own; None for others."""
    if context.primal is not add_n:
        return None
    return [(leaf, context.ct) for leaf in context.leaves if context.is_wanted(leaf)]


def by_parts(context: VjpContext) -> Inner | None:
    """Return what a task is made of, for a backward pass through it; None if of nothing."""
    inner = expand(context.primal, context.args, context.kwargs)
    if inner is NotImplemented:
        return None
    return Inner(inner if type(inner) is node_type() else lazily(_VALUE, (inner,)))


def by_table(context: VjpContext) -> Edges | None:
    """Return the edges of a function in the table, one task per argument; None without entry."""
    entry = entry_of(context.primal)
    reason = refused(context.primal) if entry is None else None
    if reason is not None:
        raise context.refusal(reason)
    if type(context.primal) in (Method, Attribute):
        return by_name(context, entry)
    return None if entry is None else _edges(context, entry)


def by_name(context: VjpContext, entry: Entry | None) -> Edges | None:
    """Return the edges of a method or an attribute, by the rule that arrays have for its name.

    Where the result is computed, it may turn out that what has the name is no array: then a
    field of a dataclass has its cotangent, and all else is refused.
    """
    owner = context.args[0]
    if entry is None or not _may_be_array(owner):
        return None
    if not context.is_wanted(owner):
        return [] if entry is NO_SLOPE else _edges(context, entry)
    edges = [(owner, None)] if entry is NO_SLOPE else _edges(context, entry)
    if edges is None:
        return None
    form, name = context.like(owner), context.primal.__name__
    return [
        (leaf, context.task(_OF_NAME, ct, form, None if n else context.ct, name))
        for n, (leaf, ct) in enumerate(edges)
    ]


def _may_be_array(owner: Any) -> bool:
    if type(owner) is not node_type():
        return isinstance(owner, (np.ndarray, np.generic, float, int, complex))
    func = owner._function.func
    return not isinstance(func, type) or issubclass(func, (np.ndarray, np.generic, float, int))


def _edges(context: VjpContext, entry: Entry) -> Edges | None:
    """Return the edges by an entry's rules, one task per argument; None if they do not apply."""
    given = entry.bind(context.args, context.kwargs)
    if given is None:
        return None
    if context.primal is op.getitem and type(given.get("x")) not in _HOLDERS:
        return None  # an object of the user's, and its own way of giving items
    edges: Edges = []
    needs = _Needs(context, _as_arrays(context, entry, given))
    for param, value in given.items():
        rule = entry.rules.get(param)
        if rule is None or not context.wanted_in(value):
            continue
        if not all(map(needs.has, rule.required)):
            return None
        ct = _edge(needs, param, rule)
        if needs.bound[param] is not value:
            ct = context.task(_SEPARATED, ct, context.like(value))
        edges += context.picked(ct, value)
    return edges


def _as_arrays(context: VjpContext, entry: Entry, given: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments, with lists of numbers made the arrays that numpy takes them for."""
    if entry.takes_lists:
        return given
    bound = given
    for param, value in given.items():
        if type(value) in (list, tuple) and entry.rules.get(param) is not None:
            bound = {**bound, param: context.task(_ARRAY, value)}
    return bound


_OF_NAME = Function(of_name)
_ARRAY = Function(np.array)
_SEPARATED = Function(separated)
#: What gives items in a way that is known; a lazy value may be any of them.
_HOLDERS = (node_type(), np.ndarray, list, tuple, dict)


def _edge(needs: _Needs, param: str, rule: Rule) -> Node:
    context, bound = needs
    given = [needs.value(name) for name in rule.required]
    optional = {name: bound[name] for name in rule.optional if name in bound}
    return context.task(edge_function(context.primal, param), *given, **optional)


class _Needs(NamedTuple):
    """What a rule may ask for, by name."""

    context: VjpContext
    bound: dict[str, Any]

    def has(self, name: str) -> bool:
        """Tell whether there is such a thing in this call."""
        return name in ("ct", "out", "like_out") or name.removeprefix("like_") in self.bound

    def value(self, name: str) -> Any:
        """Return the value that a rule's parameter names, lazy or not."""
        if name == "ct":
            return self.context.ct
        if name in self.bound:
            return self.bound[name]
        if name.startswith("like_"):
            return self.context.like(self.value(name.removeprefix("like_")))
        return self.context.out


# In the order in which they are asked; the last has an answer or an error for everything.
ENGINES[:] = [
    by_user,
    by_table,
    by_structure,
    by_sum,
    by_parts,
    by_autograd,
    by_black_box,
]

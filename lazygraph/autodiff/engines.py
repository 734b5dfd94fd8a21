"""How a task's derivative is found: the user's rule, the task's parts, the table, autograd."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from lazygraph.autodiff.cotangents import add_n, filled
from lazygraph.autodiff.expansion import expand
from lazygraph.autodiff.local import Edges, Engine, Local
from lazygraph.autodiff.primitive import lazily
from lazygraph.autodiff.rules.kinds import separated
from lazygraph.autodiff.table import Entry, Rule, edge_function, entry_of, refused
from lazygraph.autodiff.traced import by_autograd, by_black_box
from lazygraph.autodiff.users import by_user
from lazygraph.graphs.nodes import Node, node_type
from lazygraph.interop.legacy import value_of
from lazygraph.tasks.function import Function

__all__ = ["derive"]

_VALUE = Function(value_of)


def by_structure(local: Local) -> Edges | None:
    """Of a task that only puts values together: parts of its cotangent."""
    if local.primal is not value_of:
        return None
    (value,) = local.args
    # A part that had no influence has None for a cotangent, where others had some.
    return [
        (leaf, part if part is local.ct else filled(part, local.like(leaf)))
        for leaf, part in local.picked(local.ct, value)
    ]


def by_sum(local: Local) -> Edges | None:
    """Of a sum of cotangents: each has the whole of its own."""
    if local.primal is not add_n:
        return None
    return [(leaf, local.ct) for leaf in local.leaves if local.is_wanted(leaf)]


def by_parts(local: Local) -> Edges | None:
    """Of a task that is made of others: what the way back through those gives."""
    inner = expand(local.primal, local.args, local.kwargs)
    if inner is NotImplemented:
        return None
    kind = node_type()
    goal: Node = inner if type(inner) is kind else lazily(_VALUE, (inner,))
    leaves = dict.fromkeys([leaf for leaf in local.leaves if type(leaf) is kind])
    wanted = [leaf for leaf in leaves if local.is_wanted(leaf)]
    walk = local.back([goal], [local.ct], wanted, leaves)
    totals = ((leaf, walk.total(leaf)) for leaf in wanted)
    return [(leaf, total) for leaf, total in totals if total is not None]


def by_table(local: Local) -> Edges | None:
    """Of a function in the table: one task per argument."""
    entry = entry_of(local.primal)
    reason = refused(local.primal) if entry is None else None
    if reason is not None:
        raise local.refusal(reason)
    given = None if entry is None else entry.bind(local.args, local.kwargs)
    if entry is None or given is None:
        return None
    edges: Edges = []
    needs = _Needs(local, _as_arrays(local, entry, given))
    for param, value in given.items():
        if not local.wanted_in(value):
            continue
        rule = entry.rules.get(param, _NO_RULE)
        if rule is None:
            continue
        if not all(map(needs.has, rule.required)):
            return None
        ct = _edge(needs, param, rule)
        if needs.bound[param] is not value:
            ct = local.task(_SEPARATED, ct, local.like(value))
        edges += local.picked(ct, value)
    return edges


def _as_arrays(local: Local, entry: Entry, given: dict[str, Any]) -> dict[str, Any]:
    """The arguments, lists of numbers made the arrays that numpy takes them for."""
    if entry.takes_lists:
        return given
    bound = given
    for param, value in given.items():
        if type(value) in (list, tuple) and entry.rules.get(param) is not None:
            bound = {**bound, param: local.task(_ARRAY, value)}
    return bound


_ARRAY = Function(np.array)
_SEPARATED = Function(separated)
#: Needs what no call has.
_NO_RULE = Rule(value_of, ("",), ())


def _edge(needs: _Needs, param: str, rule: Rule) -> Node:
    local, bound = needs
    given = [needs.value(name) for name in rule.required]
    optional = {name: bound[name] for name in rule.optional if name in bound}
    return local.task(edge_function(local.primal, param), *given, **optional)


class _Needs(NamedTuple):
    """What a rule may ask for, by name."""

    local: Local
    bound: dict[str, Any]

    def has(self, name: str) -> bool:
        """Whether there is such a thing in this call."""
        return name in ("ct", "out", "like_out") or name.removeprefix("like_") in self.bound

    def value(self, name: str) -> Any:
        """The thing itself, lazy or not."""
        if name == "ct":
            return self.local.ct
        if name in self.bound:
            return self.bound[name]
        if name.startswith("like_"):
            return self.local.like(self.value(name.removeprefix("like_")))
        return self.local.out


#: In the order in which they are asked; the last has an answer or an error for everything.
ENGINES: tuple[Engine, ...] = (
    by_user,
    by_table,
    by_structure,
    by_sum,
    by_parts,
    by_autograd,
    by_black_box,
)


def derive(local: Local) -> Edges:
    """The lazy arguments of a task that lead on, each with its part of the derivative.

    Raises
    ------
    NotDifferentiable
        If there is no telling how the result changes with them.
    """
    for engine in ENGINES:
        edges = engine(local)
        if edges is not None:
            return edges
    raise local.refusal("no rule is known for it")

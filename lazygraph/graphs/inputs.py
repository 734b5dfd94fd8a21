"""Inputs: lazy values whose values are given when a graph runs; how they are put in their places."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from lazygraph.errors import InputError
from lazygraph.graphs.graph import Graph
from lazygraph.graphs.nodes import GivenKey, Node, make_node, node_type
from lazygraph.graphs.plan import Plan
from lazygraph.tasks.function import Function
from lazygraph.tasks.keys import Key
from lazygraph.tasks.options import Options
from lazygraph.tasks.reprs import short_repr

__all__ = [
    "NO_DEFAULT",
    "Input",
    "bind",
    "bind_graph",
    "inputs_of",
    "make_input",
    "name_of",
    "read_inputs",
]


class Unbound(NamedTuple):
    """Stands in the place of an input's value, where there is no default."""

    name: str

    def __repr__(self) -> str:
        return "input"


class Input:
    """The function of an input's task: gives the value that is in its place."""

    def __init__(self, name: str) -> None:
        self.__name__ = name

    def __call__(self, value: Any) -> Any:
        """The value."""
        if type(value) is Unbound:  # in a graph that is run by other means than ours
            raise InputError.missing([self.__name__], [self.__name__])
        return value

    def __reduce__(self) -> tuple[Any, ...]:
        return Input, (self.__name__,)


#: A fused input could not be found any more.
_OPTIONS = Options(fuse=False)
NO_DEFAULT: Any = object()


def make_input(name: str, default: Any, site: tuple[Any, int]) -> Node:
    """The lazy value of an input. Its key is its name: two of one name are one input."""
    function = Function(Input(name), name=name, options=_OPTIONS)
    # With a default, two of one name are one only if that is equal too: this is checked.
    key, value = (name, Unbound(name)) if default is NO_DEFAULT else (GivenKey(name), default)
    made: Node = make_node(node_type(), function, (value,), None, key, *site)
    return made


def name_of(item: Any) -> str | None:
    """The name of an input; None for anything else."""
    if type(item) is not node_type() or type(item._function.func) is not Input:
        return None
    return item._function.func.__name__


def read_inputs(given: Any) -> dict[str, Any]:
    """Values by name, from a mapping by name or by input.

    Raises
    ------
    InputError
        If it is no such mapping, or one input is given twice.
    """
    if not isinstance(given, Mapping):
        raise InputError(f"inputs is a dict of values by input or name, not {short_repr(given)}")
    values: dict[str, Any] = {}
    for item, value in given.items():
        name = item if type(item) is str else name_of(item)
        if name is None:
            raise InputError(f"inputs has {short_repr(item)}, which is neither input nor name")
        if name in values:
            raise InputError(f"input {name!r} is given twice, by name and by itself")
        if type(value) is node_type():
            raise InputError(
                f"input {name!r} is given {value!r}, which is lazy: compute() it first, or build "
                "the graph on it rather than on an input"
            )
        values[name] = value
    return values


def inputs_of(plan: Plan) -> dict[str, int]:
    """The inputs that a plan needs by name, with the place of each among its constants."""
    return {
        call.__name__: -1 - plan.slots[step][0]
        for step, call in enumerate(plan.calls)
        if type(call) is Input
    }


def bind(plan: Plan, values: Mapping[str, Any] | None) -> Plan:
    """The plan with inputs' values in their places.

    Raises
    ------
    InputError
        If an input is missing, or is none of the plan's.
    """
    if not values:
        if Unbound in set(map(type, plan.constants)):
            places = inputs_of(plan)
            _refuse_missing(places, [plan.constants[place] for place in places.values()])
        return plan
    places = inputs_of(plan)
    refuse_unknown(values, places)
    constants = list(plan.constants)
    for name, value in values.items():
        constants[places[name]] = value
    _refuse_missing(places, [constants[place] for place in places.values()])
    return plan.with_constants(constants)


def bind_graph(graph: Graph, keys: Sequence[Key], values: Mapping[str, Any] | None) -> Graph:
    """The same for what `keys` need of a graph."""
    found = {
        task.name: key
        for key, task in graph.subgraph(keys).items()
        if type(task._function.func) is Input
    }
    if not found and not values:
        return graph
    refuse_unknown(values or {}, found)
    bound = graph.copy()
    for name, value in (values or {}).items():
        bound.replace(found[name], graph[found[name]].with_leaves((value,)))
    _refuse_missing(found, [bound[key]._leaves[0] for key in found.values()])
    return bound


def refuse_unknown(values: Iterable[str], wanted: Iterable[str]) -> None:
    """Raise InputError for a name that is not wanted."""
    known = list(wanted)
    for name in values:
        if name not in known:
            raise InputError.unknown(name, known)


def _refuse_missing(names: Iterable[str], values: Iterable[Any]) -> None:
    wanted = list(names)
    missing = [name for name, v in zip(wanted, values, strict=True) if type(v) is Unbound]
    if missing:
        raise InputError.missing(missing, wanted)

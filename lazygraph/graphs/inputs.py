"""Inputs: lazy values whose values are given when a graph runs; how they are put in their places."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

from lazygraph.errors import CaptureError, InputError
from lazygraph.graphs.nodes import Given, Node, make_node, node_type
from lazygraph.graphs.plan import Plan
from lazygraph.tasks.function import Function
from lazygraph.tasks.options import Options
from lazygraph.tasks.pytree import LAZY, PLAIN, flatten
from lazygraph.tasks.reprs import short_repr

__all__ = [
    "NO_DEFAULT",
    "Input",
    "bind",
    "inputs_of",
    "make_input",
    "name_of",
    "read_inputs",
    "refuse_lazy",
    "refuse_unknown",
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
        """Return the value."""
        if type(value) is Unbound:  # in a graph that is run by other means than ours
            raise InputError.missing([self.__name__], [self.__name__])
        return value

    def __reduce__(self) -> tuple[Any, ...]:
        return Input, (self.__name__,)


#: A fused input could not be found any more.
_OPTIONS = Options(fuse=False)
NO_DEFAULT: Any = object()


def make_input(name: str, default: Any, site: tuple[Any, int]) -> Node:
    """Return the lazy value of an input. Its key is its name: two of one name are one input.

    Raises
    ------
    InputError
        If the default is lazy, or holds something lazy: an input's value is a constant.
    CaptureError
        If the default can be read only once, or contains itself.
    """
    function = Function(Input(name), name=name, options=_OPTIONS)
    value = Unbound(name) if default is NO_DEFAULT else _kept(name, default)
    # Given, as a user's key is: what else bears it must be an input with an equal default.
    made: Node = make_node(node_type(), function, (value,), None, Given(name), *site)
    return made


def _kept(name: str, default: Any) -> Any:
    """Return what a default is kept as: containers are copied, as those of a call are."""
    leaves, template = flatten((default,))
    if template is not None or type(leaves[0]) in LAZY:
        raise InputError(
            f"the default of input {name!r} is {short_repr(default)}, which is lazy or holds "
            "something lazy: compute() it first, or build the graph on it rather than on an input"
        )
    return leaves[0]


def name_of(item: Any) -> str | None:
    """Return the name of an input; None for anything else."""
    if type(item) is not node_type() or type(item._function.func) is not Input:
        return None
    return item._function.func.__name__


def read_inputs(given: Any) -> dict[str, Any]:
    """Values by name, from a mapping by name or by input.

    Raises
    ------
    InputError
        If it is no such mapping, one input is given twice, or a value is lazy or holds
        something lazy.
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
        refuse_lazy(name, value)
        values[name] = value
    return values


def refuse_lazy(name: str, value: Any) -> None:
    """Raise InputError if an input's value is lazy or holds something lazy. O(items of it)."""
    if type(value) in PLAIN:
        return
    try:
        leaves, template = flatten((value,))
    except CaptureError:  # an iterator, which must not be read here, or what contains itself
        return
    if template is not None or type(leaves[0]) in LAZY:
        raise InputError(
            f"input {name!r} is given {short_repr(value)}, which is lazy or holds something lazy: "
            "compute() it first, or build the graph on it rather than on an input"
        )


def inputs_of(plan: Plan) -> dict[str, int]:
    """Return the inputs that a plan needs by name, with each one's place among its constants.

    O(steps). An input that an edit of the graph has made the value of another task is none.
    """
    return {
        func.__name__: -1 - plan.slots[step][0]
        for step, func in enumerate(plan.funcs)
        if type(func) is Input and plan.slots[step][0] < 0
    }


def bind(plan: Plan, values: Mapping[str, Any] | None) -> Plan:
    """Return the plan with inputs' values in their places.

    The one place where inputs get their values: after passes, whatever the plan was made from.

    Raises
    ------
    InputError
        If an input is missing, or is none of the plan's.

    Notes
    -----
    O(steps + constants).
    """
    if not values and Unbound not in set(map(type, plan.constants)):
        return plan
    places = inputs_of(plan)
    refuse_unknown(values or {}, places)
    constants = list(plan.constants)
    for name, value in (values or {}).items():
        constants[places[name]] = value
    missing = [name for name, place in places.items() if type(constants[place]) is Unbound]
    if missing:
        raise InputError.missing(missing, list(places))
    return plan.with_constants(constants)


def refuse_unknown(values: Iterable[str], wanted: Collection[str]) -> None:
    """Raise InputError for a name that is not among `wanted`, a set or mapping of names."""
    for name in values:
        if name not in wanted:
            raise InputError.unknown(name, list(wanted))

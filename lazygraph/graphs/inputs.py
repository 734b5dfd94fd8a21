"""Inputs: lazy values whose values are given when a graph runs; how they are put in their places."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from math import prod
from typing import Any, NamedTuple, TypeAlias

from lazygraph.config import whole_number
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
    "declared_inputs",
    "inputs_of",
    "make_input",
    "name_of",
    "read_dtype",
    "read_inputs",
    "read_shape",
    "refuse_lazy",
    "refuse_unknown",
]


Shape: TypeAlias = tuple[int | None, ...]


class Unbound(NamedTuple):
    """Stands in the place of an input's value, where there is no default."""

    name: str

    def __repr__(self) -> str:
        return "input"


class Input:
    """The function of an input's task: gives the value that is in its place.

    Parameters
    ----------
    name : str
    shape : tuple of int or None, optional
        Of every value that is given; None for a length that is not known.
    dtype : numpy.dtype, optional
        Likewise.
    """

    def __init__(self, name: str, shape: Shape | None = None, dtype: Any = None) -> None:
        self.__name__ = name
        self.shape, self.dtype = shape, dtype

    @property
    def is_declared(self) -> bool:
        """Whether anything is known of its values."""
        return self.shape is not None or self.dtype is not None

    def known(self, name: str) -> Any:
        """Return what an attribute of every value is; None if that is not known."""
        if name == "dtype" or self.shape is None:
            return self.dtype if name == "dtype" else None
        if name == "ndim":
            return len(self.shape)
        is_size = name == "size" and None not in self.shape
        return prod(self.shape) if is_size else None

    def check(self, value: Any) -> None:
        """Raise InputError for a value of another shape or dtype than declared."""
        shape, dtype = _shape_and_dtype(value)
        if self.shape is not None and not _fits(self.shape, shape):
            self._refuse("shape", self.shape, shape, value)
        if self.dtype is not None and str(self.dtype) != str(dtype):
            self._refuse("dtype", self.dtype, dtype, value)

    def _refuse(self, what: str, declared: Any, got: Any, value: Any) -> None:
        found = f"no {what}" if got is None else f"the {what} {got}"
        raise InputError(
            f"input {self.__name__!r} is declared with the {what} {declared}, and the value given "
            f"has {found}: {short_repr(value)}"
        )

    def __call__(self, value: Any) -> Any:
        """Return the value."""
        if type(value) is Unbound:  # in a graph that is run by other means than ours
            raise InputError.missing([self.__name__], [self.__name__])
        return value

    def __reduce__(self) -> tuple[Any, ...]:
        return Input, (self.__name__, self.shape, self.dtype)


def _shape_and_dtype(value: Any) -> tuple[Any, Any]:
    """Return those of an array or number; (None, None) for what has none, as a list."""
    if type(value) in (bool, int, float, complex):
        import numpy as np  # late: `import lazygraph` must not, and a dtype is numpy's

        return (), np.asarray(value).dtype
    return getattr(value, "shape", None), getattr(value, "dtype", None)


def _fits(declared: Shape, shape: Any) -> bool:
    if shape is None or len(shape) != len(declared):
        return False
    return all(want in (None, n) for want, n in zip(declared, shape, strict=True))


def read_shape(given: Any) -> Shape | None:
    """Return a declared shape as a tuple; raise CaptureError if it is none."""
    if given is None:
        return None
    shape = tuple(given) if isinstance(given, (tuple, list)) else (given,)
    read = tuple([n if n is None else whole_number(n) for n in shape])
    if any(n is not None and (m is None or m < 0) for n, m in zip(shape, read, strict=True)):
        raise CaptureError(
            f"a shape is a length, or a tuple of lengths, of which None is not known, not {given!r}"
        )
    return read


def read_dtype(given: Any) -> Any:
    """Return numpy's dtype; raise CaptureError if it is none."""
    if given is None:
        return None
    import numpy as np  # late, as above

    try:
        return np.dtype(given)
    except TypeError as error:
        raise CaptureError(f"a dtype is numpy's, or its name, not {given!r}") from error


#: A fused input could not be found any more.
_OPTIONS = Options(fuse=False)
NO_DEFAULT: Any = object()


def make_input(func: Input, default: Any, site: tuple[Any, int]) -> Node:
    """Return the lazy value of an input. Its key is its name: two of one name are one input.

    Raises
    ------
    InputError
        If the default is lazy, or holds something lazy: an input's value is a constant; or if
        it is not as declared.
    CaptureError
        If the default can be read only once, or contains itself.
    """
    name = func.__name__
    nout = func.shape[0] if func.shape else None  # which is what `len` and `iter` go by
    function = Function(func, name=name, nout=nout, options=_OPTIONS)
    value: Any = Unbound(name)
    if default is not NO_DEFAULT:
        value = _kept(name, default)
        if func.is_declared:
            func.check(value)
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
    return {func.__name__: place for func, place in _bound(plan)}


def declared_inputs(plan: Plan) -> list[tuple[Input, int]]:
    """Return the inputs of which a shape or dtype is known, with their places."""
    return [(func, place) for func, place in _bound(plan) if func.is_declared]


def _bound(plan: Plan) -> Iterator[tuple[Input, int]]:
    for step, func in enumerate(plan.funcs):
        if type(func) is Input and plan.slots[step][0] < 0:
            yield func, -1 - plan.slots[step][0]


def bind(plan: Plan, values: Mapping[str, Any] | None) -> Plan:
    """Return the plan with inputs' values in their places.

    The one place where inputs get their values: after passes, whatever the plan was made from.

    Raises
    ------
    InputError
        If an input is missing, is none of the plan's, or is not of its declared shape or dtype.

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
    for func, place in declared_inputs(plan):
        func.check(constants[place])
    return plan.with_constants(constants)


def refuse_unknown(values: Iterable[str], wanted: Collection[str]) -> None:
    """Raise InputError for a name that is not among `wanted`, a set or mapping of names."""
    for name in values:
        if name not in wanted:
            raise InputError.unknown(name, list(wanted))

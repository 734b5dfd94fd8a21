"""The table of rules: for a function, by parameter, the cotangent of that argument.

A rule names what it needs as its parameters: ``ct``, the cotangent of the result; ``out``, the
result; any parameter of the function, for that argument; ``like_x`` for the `Like` of argument
x (its shape and dtype: the data itself can then be let go); ``like_out``. ::

    define([np.tanh], "x", x=lambda ct, out: ct * (1 - out * out))
    define([np.sum], "x axis keepdims", x=spread_sum, axis=None)

A rule None says that the derivative is zero. A call with an argument that the entry does not
name is left to other engines. Rules are written with operators, numpy and primitives, so that
they work on values and, to be differentiated again, on lazy values.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from lazygraph.autodiff.cotangents import unbroadcast
from lazygraph.autodiff.primitive import RECORDERS, TRACED
from lazygraph.errors import NotDifferentiable
from lazygraph.tasks.function import Function
from lazygraph.tasks.keys import function_name
from lazygraph.tasks.operators import Method, Nth

__all__ = [
    "NO_SLOPE",
    "Attribute",
    "EdgeRule",
    "Entry",
    "Rule",
    "constant",
    "define",
    "edge_function",
    "elementwise",
    "entry_of",
    "is_constant",
    "later",
    "refuse",
    "refused",
]

#: function -> its entry
ENTRIES: dict[Any, Entry] = {}
#: name of an array's method -> its entry; the array itself is the first parameter
METHODS: dict[str, Entry] = {}
#: name of an array's attribute -> its entry, with the one parameter "x"
ATTRIBUTES: dict[str, Entry] = {}
#: Functions whose results do not change with their arguments, wherever there is a derivative.
CONSTANT: set[Any] = set()
#: Likewise methods and attributes of arrays, by name.
CONSTANT_NAMES: set[str] = set()
#: module -> what puts its functions' entries into the table
LATER: dict[str, Callable[[Any], None]] = {}
#: function -> why it has no derivative, and what would help
REFUSED: dict[Any, str] = {}


class Rule(NamedTuple):
    """The cotangent of one argument, and what it is computed from."""

    func: Callable[..., Any]
    required: tuple[str, ...]
    optional: tuple[str, ...]


class Entry(NamedTuple):
    """What is known of a function's derivatives.

    Attributes
    ----------
    params : tuple of str
        Of the function, in the order of positional arguments.
    rules : mapping of str to Rule or None
        By parameter; None where the derivative is zero.
    also : mapping of str to str
        From further keywords, for the same parameters.
    takes_lists : bool
        Whether lists, tuples and dicts are more to it than arrays of numbers.
    """

    params: tuple[str, ...]
    rules: Mapping[str, Rule | None]
    also: Mapping[str, str] = MappingProxyType({})
    takes_lists: bool = False

    def bind(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any] | None:
        """Return the arguments by parameter; None if the entry does not know some of them."""
        if len(args) > len(self.params):
            return None
        bound = dict(zip(self.params, args, strict=False))
        for given, value in kwargs.items():
            name = self.also.get(given, given)
            if name in bound or name not in self.params:
                return None
            bound[name] = value
        return bound


#: Of methods and attributes of arrays that have no slope anywhere; whatever else they are given.
NO_SLOPE = Entry((), {})


def _read(func: Callable[..., Any] | Rule | None) -> Rule | None:
    """Return the rule made of a function whose parameters say what it needs."""
    if func is None or isinstance(func, Rule):
        return func
    code, n_optional = func.__code__, len(func.__defaults__ or ())
    names = code.co_varnames[: code.co_argcount]
    n = len(names) - n_optional
    return Rule(func, names[:n], names[n:])


def define(
    funcs: Iterable[Any],
    params: str,
    *,
    method: str | None = None,
    attribute: str | None = None,
    also: Mapping[str, str] = MappingProxyType({}),
    takes_lists: bool = False,
    **rules: Callable[..., Any] | Rule | None,
) -> None:
    """Put an entry into the table.

    Parameters
    ----------
    funcs : iterable of callable
        The functions that it is for.
    params : str
        Their parameters that may be given, in the order of positional arguments.
    method, attribute : str, optional
        Of arrays, that do the same.
    also : mapping of str to str, optional
        Further keywords that numpy has for some of the parameters.
    takes_lists : bool
        Whether lists, tuples and dicts are more to it than arrays of numbers.
    **rules
        By parameter: what gives its cotangent (see the module's text), or None for zero.
    """
    read = {name: _read(func) for name, func in rules.items()}
    entry = Entry(tuple(params.split()), read, also, takes_lists)
    for func in funcs:
        ENTRIES[func] = entry
    if method is not None:
        METHODS[method] = entry
    if attribute is not None:
        ATTRIBUTES[attribute] = entry


def elementwise(*funcs: Any, method: str | None = None, **rules: Callable[..., Any] | None) -> None:
    """Define the entry of a function of numbers that numpy broadcasts over arrays.

    Its parameters are the rules' names, in order; with two or more, the cotangents are summed
    over what broadcasting has stretched.
    """
    read: dict[str, Any] = rules
    if len(rules) > 1:
        read = {name: func and _summing(name, func) for name, func in rules.items()}
    define(funcs, " ".join(rules), method=method, **read)


def _summing(name: str, func: Callable[..., Any]) -> Rule:
    rule: Any = _read(func)

    def summed(form: Any, *needed: Any, **optional: Any) -> Any:
        return unbroadcast(func(*needed, **optional), form)

    return Rule(summed, (f"like_{name}", *rule.required), rule.optional)


def later(module: str, fill: Callable[[Any], None]) -> None:
    """Let `fill` put entries into the table once a module that we do not import is there."""
    LATER[module] = fill


def constant(*funcs: Any, names: str = "") -> None:
    """Note functions, and methods or attributes by name, that have no slope anywhere."""
    CONSTANT.update(funcs)
    CONSTANT_NAMES.update(names.split())


def refuse(funcs: Iterable[Any], reason: str) -> None:
    """Note functions that jump: a gradient through them would be a silent zero."""
    REFUSED.update(dict.fromkeys(funcs, reason))


class Attribute:
    """Takes an attribute of a value, its name known: what a lazy ``x.T`` stands for."""

    def __init__(self, name: str) -> None:
        self.__name__ = name

    def __call__(self, value: Any) -> Any:
        """Return the attribute of a value."""
        return getattr(value, self.__name__)

    def __eq__(self, other: object) -> bool:
        return type(other) is Attribute and other.__name__ == self.__name__

    def __hash__(self) -> int:
        return hash(self.__name__)

    def __reduce__(self) -> tuple[Any, ...]:
        return Attribute, (self.__name__,)


def entry_of(primal: Any) -> Entry | None:
    """Return what the table has for a function; None if nothing."""
    kind = type(primal)
    if kind in (Method, Attribute):
        named = METHODS if kind is Method else ATTRIBUTES
        return NO_SLOPE if primal.__name__ in CONSTANT_NAMES else named.get(primal.__name__)
    try:
        entry = ENTRIES.get(kind if kind is Nth else primal)
    except TypeError:  # a callable that cannot be hashed
        return None
    return entry_of(primal) if entry is None and _filled() else entry


def _filled() -> bool:
    """Fill in what waits for modules that are imported by now, if there are such."""
    ready = [module for module in LATER if module in sys.modules]
    for module in ready:
        LATER.pop(module)(sys.modules[module])
    return bool(ready)


def refused(primal: Any) -> str | None:
    """Tell why a function has no derivative; None if it is not known to have none."""
    try:
        return REFUSED.get(primal)
    except TypeError:
        return None


def is_constant(primal: Any) -> bool:
    """Tell whether a function's results have no slope anywhere: comparisons, shapes, positions.

    Not so what is called by a name, as a method is: objects of any class may have such.
    """
    try:
        return primal in CONSTANT
    except TypeError:
        return False


class EdgeRule:
    """The function of the task that computes one edge's derivative: a rule of the table."""

    _is_early = True

    def __init__(self, primal: Any, param: str, rule: Rule) -> None:
        self.primal, self.param, self.rule = primal, param, rule
        self.__name__ = f"d_{function_name(primal)}/d_{param}"

    def __call__(self, /, *needed: Any, **optional: Any) -> Any:
        """Return the cotangent of the argument."""
        if not TRACED.isdisjoint(map(type, needed)):
            needed = _lifted(needed)
        try:
            return self.rule.func(*needed, **optional)
        except ZeroDivisionError:  # of Python's numbers; numpy's have infinite slopes
            with np.errstate(all="ignore"):
                return self.rule.func(*map(_as_numpys, needed), **optional)
        except AttributeError as error:
            if error.name in ("shape", "dtype") and type(error.obj) in (list, tuple, dict):
                kind = type(error.obj).__name__
                raise NotDifferentiable(function_name(self.primal), _LISTED.format(kind)) from None
            raise

    def __reduce__(self) -> tuple[Any, ...]:
        return _edge_rule, (self.primal, self.param)

    def __repr__(self) -> str:
        return f"EdgeRule({self.__name__})"


def _lifted(needed: tuple[Any, ...]) -> tuple[Any, ...]:
    """Trace arrays among traced values: a rule may change in place what it makes of them."""
    tracer = next(value for value in needed if type(value) in RECORDERS)
    return tuple([tracer._lift(value) for value in needed])


def _as_numpys(value: Any) -> Any:
    return np.asarray(value)[()] if type(value) in (int, float, complex) else value


_LISTED = (
    "it was given a {} where its rule wants a number or an array: make an array of "
    "it, by delayed(np.array)(...)"
)


def _edge_rule(primal: Any, param: str) -> EdgeRule:
    entry = entry_of(primal)
    rule = entry and entry.rules[param]
    if rule is None:
        raise LookupError(f"the table has no rule for {param!r} of {function_name(primal)}")
    return EdgeRule(primal, param, rule)


@lru_cache(maxsize=1024)
def edge_function(primal: Any, param: str) -> Function:
    """Return the shared `Function` of the derivative by a parameter; LookupError without one."""
    return Function(_edge_rule(primal, param))

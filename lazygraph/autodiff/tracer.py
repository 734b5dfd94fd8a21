"""A lazy value that knows its value: what a traced function is given for its numbers.

What is done with it is done at once, and recorded as a task besides, of the same functions and
with the same rules as tasks have. So control flow goes by values, and the way back by tasks.
"""

from __future__ import annotations

import math
import operator as op
from collections.abc import Callable, Iterator
from functools import cache
from itertools import count
from typing import Any, NoReturn
from weakref import ref

import numpy as np

from lazygraph.autodiff.primitive import RECORDERS, lazily
from lazygraph.autodiff.rules.items import with_item
from lazygraph.autodiff.structures import is_inexact
from lazygraph.autodiff.table import is_constant
from lazygraph.autodiff.users import rule_of
from lazygraph.graphs.nodes import Node, node_type
from lazygraph.tasks.function import Function
from lazygraph.tasks.operators import value_of
from lazygraph.tasks.pytree import LAZY

__all__ = ["Escaped", "Trace", "Tracer", "has_tracer", "raw", "record", "shared_function"]


class Escaped(TypeError):  # noqa: N818  # says what happened
    """A traced value was to become one that cannot be traced."""


class NoAttributeError(Escaped, AttributeError):
    """A traced value was asked for what it has none of."""


_PLAIN = (
    "a plain {} was to be made of one that is watched, by float(x), np.asarray(x, float), "
    "assignment into an array, or a function that is not numpy's own: use x itself, numpy's "
    "functions, and np.stack([...]) to put several together"
)
_DIVISION = "x // y, an integer division, has no derivative: np.floor(x / y) counts as constant"
_TEXT = "it was made a text, and what was read from there cannot be watched"
_IN_PLACE = (
    "it changes an array in place which is an argument, or of which there are views, by {}: write "
    "a = a + x, or use np.where or np.concatenate"
)
#: Arrays up to this many bytes are copied when they are recorded; larger ones are made read-only.
_MOST_COPIED = 1 << 16
_LEVELS = count()
_HOLD, _WITH_ITEM = Function(value_of), Function(with_item)
_GETITEM, _CAST = Function(op.getitem), Function(np.asarray)


#: Types that nothing traced is inside of, at a glance.
_LEAVES = frozenset(
    {float, int, bool, complex, str, type(None), np.ndarray, np.float64, np.float32, node_type()}
)


@cache
def shared_function(func: Any) -> Function:
    """Return the `Function` of a function that lives as long as the process does."""
    return Function(func)


class Trace:
    """One run of a function: the values of all tasks recorded; inner traces have higher levels."""

    def __init__(self, kind: type[Tracer]) -> None:
        self.kind, self.level = kind, next(_LEVELS)
        self.values: dict[Node, Any] = {}
        self.escapes: list[str] = []  # also of those whose error was caught
        self._locked: list[Any] = []

    def root(self, value: Any) -> Tracer:
        """Return a traced value that depends on no other."""
        return self.kind(value, lazily(_HOLD, (None,)), self, is_shared=True)

    def buffer(self, value: Any) -> Tracer:
        """Return a traced constant that may be written to in place."""
        return self.kind(value, lazily(_HOLD, (None,)), self)

    def wrap(self, value: Any, node: Node) -> Any:
        """Return a result traced, part by part; what has no slope as it is."""
        if type(value) in RECORDERS or is_inexact(value):
            return self.kind(value, node, self)
        if isinstance(value, (list, tuple)):
            parts = [self.wrap(v, lazily(_GETITEM, (node, n))) for n, v in enumerate(value)]
            kind: Any = type(value)
            return kind(*parts) if hasattr(kind, "_fields") else kind(parts)
        if type(value) is dict:
            return {k: self.wrap(v, lazily(_GETITEM, (node, k))) for k, v in value.items()}
        return value

    def lock(self, array: Any) -> Any:
        """Return an array as it is now: a copy of a small one; a large one becomes read-only."""
        if not array.flags.writeable:
            return array
        if array.nbytes <= _MOST_COPIED:
            return array.copy()
        array.flags.writeable = False
        self._locked.append(array)
        return array

    def close(self) -> None:
        """Let arrays be written to again."""
        for array in self._locked:
            array.flags.writeable = True


def has_tracer(value: Any) -> bool:
    """Tell whether a value, or something in lists, tuples and dicts, is traced."""
    kind = type(value)
    if kind in RECORDERS or kind in _LEAVES:
        return kind in RECORDERS
    if isinstance(value, (list, tuple)):
        return any(map(has_tracer, value))
    return isinstance(value, dict) and any(map(has_tracer, value.values()))


def raw(value: Any) -> Any:
    """Return a value without its traces."""
    while type(value) in RECORDERS:
        value = value._value
    return value


def _mapped(func: Callable[[Any], Any], value: Any) -> Any:
    if type(value) in RECORDERS or type(value) in _LEAVES:
        return func(value)
    if isinstance(value, (list, tuple)) and has_tracer(value):
        items, kind = [_mapped(func, item) for item in value], type(value)
        return kind(*items) if hasattr(kind, "_fields") else kind(items)
    if isinstance(value, dict):
        return {key: _mapped(func, item) for key, item in value.items()}
    if isinstance(value, slice):
        return slice(*[_mapped(func, item) for item in (value.start, value.stop, value.step)])
    return func(value)


def _innermost(values: Any) -> Trace | None:
    found: Trace | None = None
    for value in values:
        trace = None
        if type(value) in RECORDERS:
            trace = value._trace
        elif type(value) in _LEAVES:
            continue
        elif isinstance(value, (list, tuple)):
            trace = _innermost(value)
        elif isinstance(value, dict):
            trace = _innermost(value.values())
        if trace is not None and (found is None or trace.level > found.level):
            found = trace
    return found


def record(function: Function, args: tuple[Any, ...], kwargs: dict[str, Any] | None = None) -> Any:
    """Call a function with traced values, and remember the call in the innermost trace."""
    named = kwargs or {}
    trace: Any = _innermost((*args, *named.values()))

    def opened(value: Any) -> Any:
        return value._value if type(value) in RECORDERS and value._trace is trace else value

    func = function.func
    value = func(*[_mapped(opened, x) for x in args], **_mapped(opened, named))
    if is_constant(func) and rule_of(function) is None:
        return value

    def kept(value: Any) -> Any:
        if type(value) in RECORDERS:
            return value._node if value._trace is trace else value._snapshot()
        return trace.lock(value) if type(value) is np.ndarray else value

    node = lazily(function, tuple([_mapped(kept, x) for x in args]), _mapped(kept, named))
    made = trace.wrap(value, node)
    array = raw(made)
    if type(array) is np.ndarray and array.base is not None and type(made) in RECORDERS:
        _note_views(made, array, func, args)
    return made


def _note_views(made: Tracer, array: Any, func: Any, args: tuple[Any, ...]) -> None:
    """Tell a result that shares memory with an argument, and the argument, that either is a view.

    Items are known by their places; other views, such as a transposed array, are not.
    """
    for given in args:
        if type(given) in RECORDERS and np.may_share_memory(array, raw(given)):
            given._views.append(ref(made))
            if func is op.getitem and given._trace is made._trace:
                made._base = (given, args[1])
            else:
                made._is_shared = True


class Tracer:
    """A number or array under watch. All that numpy does with it is added by `TracedArray`."""

    __slots__ = ("__weakref__", "_base", "_is_shared", "_node", "_trace", "_value", "_views")

    def __init__(self, value: Any, node: Node, trace: Trace, *, is_shared: bool = False) -> None:
        self._value, self._node, self._trace, self._is_shared = value, node, trace, is_shared
        trace.values[node] = value
        self._base: tuple[Tracer, Any] | None = None  # what it is an item of, and which
        self._views: list[ref[Tracer]] = []  # what has been made of its memory

    def _snapshot(self) -> Tracer:
        """Return the same value, unchanged by what is done to this one in place."""
        return type(self)(self._value, self._node, self._trace)

    def _lift(self, value: Any) -> Any:
        """Return an array as a traced constant, anything else as it is."""
        return self._trace.buffer(value) if type(value) is np.ndarray else value

    def _change(self, new: Any, how: str) -> Tracer:
        """Become another value in place, as the array that this one stands for would."""
        old = raw(self)
        if old.shape != raw(new).shape:
            raise ValueError(f"output of shape {old.shape} doesn't match {raw(new).shape}")
        if old.dtype != raw(new).dtype:
            np.can_cast(raw(new).dtype, old.dtype, "same_kind") or self._escape(how)
            new = record(_CAST, (new,), {"dtype": old.dtype})
        self._become(new, how, None)
        return self

    def _become(self, new: Tracer, how: str, view: Tracer | None) -> None:
        """Change, with what this is an item of; raise where another view would not change."""
        others = [x for known in self._views if (x := known()) is not None and x is not view]
        if self._is_shared or others:
            self._escape(_IN_PLACE.format(how))
        if self._base is not None:
            base, where = self._base
            base._become(record(_WITH_ITEM, (base, where, new)), how, self)
        self._value, self._node = new._value, new._node

    # So that isinstance(x, np.ndarray), or float, is as true as of what it stands for.
    __class__ = property(lambda self: type(raw(self)))
    __hash__ = object.__hash__

    # ------------------------------------------------------------- ways out
    def _escape(self, reason: str) -> NoReturn:
        self._trace.escapes.append(reason)
        raise Escaped(reason)

    def __float__(self) -> float:
        self._escape(_PLAIN.format("number"))

    def __complex__(self) -> complex:
        self._escape(_PLAIN.format("number"))

    def __int__(self) -> int:
        self._escape("int(x) has no derivative: np.floor(x) counts as constant")

    def __index__(self) -> int:  # noqa: PLE0305  # it never returns
        self._escape("it is used as a position or a count, which has no derivative")

    def __floordiv__(self, other: Any) -> Any:
        self._escape(_DIVISION)

    __rfloordiv__ = __divmod__ = __rdivmod__ = __floordiv__

    def __reduce__(self) -> NoReturn:
        self._escape("it was to be pickled, for another process or a file")

    def _text(self, text: str) -> str:
        self._trace.escapes.append(_TEXT)
        return _Text(text)

    def __str__(self) -> str:
        return self._text(str(raw(self)))

    def __repr__(self) -> str:
        return self._text(repr(raw(self)))

    def __format__(self, spec: str) -> str:
        return self._text(format(raw(self), spec))

    # --------------------------------------------------- what has no slope
    def __bool__(self) -> bool:
        return bool(raw(self))

    def __len__(self) -> int:
        return len(raw(self))

    def __contains__(self, item: Any) -> bool:
        return raw(item) in raw(self)

    def __round__(self, digits: int | None = None) -> Any:
        return round(raw(self), digits)

    def __floor__(self) -> Any:
        return math.floor(raw(self))

    def __ceil__(self) -> Any:
        return math.ceil(raw(self))

    def __trunc__(self) -> Any:
        return math.trunc(raw(self))

    # ------------------------------------------------------------- items
    __getitem__: Any

    def __iter__(self) -> Iterator[Any]:
        return iter([self[n] for n in range(len(self))])

    def __setitem__(self, where: Any, value: Any) -> None:
        is_there = type(value) in RECORDERS and value._base is not None
        if is_there and value._base[0] is self and _are_same(value._base[1], where):
            return  # x[n] += y: the item has changed, and this with it
        self._change(record(_WITH_ITEM, (self, where, value)), "x[...] = y")

    def __copy__(self) -> Any:
        return self._snapshot()

    def __deepcopy__(self, memo: Any) -> Any:
        return self._snapshot()


def _are_same(place: Any, other: Any) -> bool:
    """Tell whether two places are one; of arrays of positions, only if they are one array."""
    if isinstance(place, tuple) and isinstance(other, tuple) and len(place) == len(other):
        return all(map(_are_same, place, other))
    if type(place) is not type(other) or isinstance(place, np.ndarray):
        return place is other
    return bool(place == other)


class _Text(str):
    """A text made of a traced value: no number can be read from it."""

    __slots__ = ()

    def __float__(self) -> float:
        raise Escaped(_TEXT)

    __int__ = __complex__ = __float__


def _unary(func: Any) -> Any:
    function = shared_function(func)
    return lambda self: record(function, (self,))


def _binary(func: Any, *, is_reflected: bool = False) -> Any:
    function = shared_function(func)

    def method(self: Any, other: Any) -> Any:
        if type(other) in LAZY:
            return NotImplemented
        return record(function, (other, self) if is_reflected else (self, other))

    return method


def _in_place(func: Any) -> Any:
    function = shared_function(func)

    def method(self: Any, other: Any) -> Any:
        made = record(function, (self, other))
        is_array = type(raw(self)) is np.ndarray
        return self._change(made, f"a {func.__name__}= x") if is_array else made

    return method


def _define_operators() -> None:
    for name in ("neg", "pos", "abs"):
        setattr(Tracer, f"__{name}__", _unary(getattr(op, name)))
    for name in ("lt", "le", "gt", "ge", "eq", "ne", "getitem"):
        setattr(Tracer, f"__{name}__", _binary(getattr(op, name)))
    for name in ("add", "sub", "mul", "truediv", "mod", "pow", "matmul"):
        func = getattr(op, name)
        setattr(Tracer, f"__{name}__", _binary(func))
        setattr(Tracer, f"__r{name}__", _binary(func, is_reflected=True))
        setattr(Tracer, f"__i{name}__", _in_place(func))


_define_operators()

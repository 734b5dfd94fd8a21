"""The type of an argument -> the rule by which it is kept as something else than it is."""

from __future__ import annotations

import types
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import chain, islice
from typing import Any, NoReturn, TypeAlias

from lazygraph.errors import CaptureError
from lazygraph.tasks.containers import LAZY

__all__ = ["ItemCheck", "LeafRules", "listed"]

#: From an argument to the leaf that it is kept as.
Rule: TypeAlias = Callable[[Any], Any]

_READ_ONCE = (types.GeneratorType, types.AsyncGeneratorType, map, filter, zip, enumerate)
#: How many types to remember: classes made at run time must not pile up.
_MOST_TYPES = 4_096


def listed(value: Any) -> Any:
    """Return the items of a generator or the like as a list; any other value as it is."""
    is_read_once = isinstance(value, _READ_ONCE) and hasattr(value, "__next__")
    return list(value) if is_read_once else value


def _refuse_iterator(value: Any) -> Any:
    raise CaptureError(
        f"a {type(value).__name__} can be read only once, but a task may run again: "
        "pass a list of its items, or literal(...) to hand it over as it is"
    )


_EMPTY: dict[Any, Any] = {}
#: What reads a builtin container without a subclass's own code; dicts give keys and values.
_ITEMS: dict[type, Callable[[Any], Iterable[Any]]] = {
    dict: lambda value: chain(dict.keys(value), dict.values(value)),
    **{kind: kind.__iter__ for kind in (list, tuple, set, frozenset, deque)},
    **dict.fromkeys((type(_EMPTY.keys()), type(_EMPTY.values())), iter),
    type(_EMPTY.items()): chain.from_iterable,
}


class ItemCheck:
    """The rule for what holds others and is not looked into: no lazy value may be in it."""

    def __init__(self, *items_of: Callable[[Any], Iterable[Any]]) -> None:
        self._items_of = items_of

    def __call__(self, value: Any) -> Any:
        """Return the value."""
        for items_of in self._items_of:
            if not LAZY.isdisjoint(map(type, items_of(value))):
                self._refuse(type(value).__name__)
        return value

    def _refuse(self, kind: str) -> NoReturn:
        raise CaptureError(
            f"a {kind} holds lazy values, and nothing says how another is made of their results: "
            f"pass a list or dict, or tell it by register_container({kind}, ...); literal(...) "
            "hands it over as it is"
        )


class _ArrayCheck(ItemCheck):
    """The rule for NumPy's arrays, of which few are of objects."""

    def __call__(self, value: Any) -> Any:
        return super().__call__(value) if value.dtype.hasobject else value

    def _refuse(self, kind: str) -> NoReturn:
        raise CaptureError(
            f"an {kind} of objects holds lazy values, which no task would see computed: pass a "
            "list, or delayed(np.stack)([...]); literal(...) hands it over as it is"
        )


class _TableCheck(ItemCheck):
    """The rule for pandas' tables and series."""

    def _refuse(self, kind: str) -> NoReturn:
        raise CaptureError(
            f"a {kind} holds lazy values, which no task would see computed: make it of their "
            f"results, by delayed(pandas.{kind})(...); literal(...) hands it over as it is"
        )


#: How many items are looked at of what is met in many calls, and may be large.
_FIRST = 100
_IS_HEAP_TYPE = 1 << 9  # of `type.__flags__`: a class that Python code has made


def _first_of_array(array: Any) -> Iterable[Any]:
    return islice(array.flat, _FIRST)


def _first_of_table(table: Any) -> Iterator[Any]:
    """Yield the first items of each column of objects."""
    # By way of its blocks: `dtypes` takes a hundred times as long.
    for block in getattr(getattr(table, "_mgr", None), "blocks", ()):
        if getattr(block.values.dtype, "hasobject", False):
            yield from islice(block.values[..., :_FIRST].flat, _FIRST * _FIRST)


def _attributes_of(kind: type) -> Callable[[Any], Iterable[Any]] | None:
    """Return what gives the attributes of a class's instances, and the first items of each."""
    if kind.__module__.startswith("lazygraph."):  # tracers, functions of graphs: meant to
        return None
    own = [base for base in kind.__mro__ if base.__flags__ & _IS_HEAP_TYPE]
    members = chain.from_iterable([vars(base).values() for base in own])
    slots = [slot for slot in members if type(slot) is types.MemberDescriptorType]
    if not own or issubclass(kind, type) or not (slots or kind.__dictoffset__):
        return None

    has_dict = bool(kind.__dictoffset__)

    def attributes(value: Any) -> Iterator[Any]:
        held = list(object.__getattribute__(value, "__dict__").values()) if has_dict else []
        for slot in slots:
            with suppress(AttributeError):  # never set
                held.append(slot.__get__(value))
        for each in held:
            yield each
            read = _ITEMS.get(type(each))
            if read is not None:
                yield from tuple(islice(read(each), _FIRST))

    return attributes


def _check_for(kind: type) -> ItemCheck | None:
    """Return what looks for lazy values in instances of a class, if they can hold any."""
    if hasattr(kind, "__array_interface__") and hasattr(kind, "flat"):
        return _ArrayCheck(_first_of_array)
    if any(base.__module__.partition(".")[0] == "pandas" for base in kind.__mro__):
        return _TableCheck(_first_of_table)
    items_of = [read for base, read in _ITEMS.items() if issubclass(kind, base)][:1]
    attributes = _attributes_of(kind)
    places = [*items_of, attributes] if attributes else items_of
    return ItemCheck(*places) if places else None


class LeafRules(dict[type, "Rule | None"]):
    """Rules by type; None for a type whose instances are kept as they are.

    What is put in is for exactly that type. `by_attribute` has rules for all types that have
    an attribute; which those are is found out once per type.
    """

    def __init__(self) -> None:
        super().__init__()
        self.by_attribute: dict[str, Rule] = {}
        self._found: dict[type, Rule | None] = {}

    def __missing__(self, kind: type) -> Rule | None:
        found = self._found
        if kind not in found:
            if len(found) >= _MOST_TYPES:
                found.clear()
            found[kind] = self._find(kind)
        return found[kind]

    def _find(self, kind: type) -> Rule | None:
        is_of_itertools = kind.__module__ == "itertools" and hasattr(kind, "__next__")
        if issubclass(kind, _READ_ONCE) or is_of_itertools:
            return _refuse_iterator
        # Questions go to the type: an instance's __getattr__ may answer anything.
        for name, rule in self.by_attribute.items():
            if hasattr(kind, name):
                return rule
        return _check_for(kind)

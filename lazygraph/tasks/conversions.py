"""The type of an argument -> the rule by which it is kept as something else than it is."""

from __future__ import annotations

import types
from collections import deque
from collections.abc import Callable, Iterable
from itertools import chain
from typing import Any, TypeAlias

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
    """The rule for containers that are not looked into: no lazy value may be in them."""

    def __init__(self, items_of: Callable[[Any], Iterable[Any]]) -> None:
        self._items_of = items_of

    def __call__(self, value: Any) -> Any:
        """Return the value."""
        own = getattr(value, "__dict__", {})
        if LAZY.isdisjoint(map(type, chain(self._items_of(value), own.values()))):
            return value
        kind = type(value).__name__
        raise CaptureError(
            f"a {kind} holds lazy values, and nothing says how another is made of their results: "
            f"pass a list or dict, or tell it by register_container({kind}, ...); literal(...) "
            "hands it over as it is"
        )


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
        for base, items_of in _ITEMS.items():
            if issubclass(kind, base):
                return ItemCheck(items_of)
        return None

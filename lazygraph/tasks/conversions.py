"""The type of an argument -> the rule by which it is kept as something else than it is."""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any, TypeAlias

from lazygraph.errors import CaptureError

__all__ = ["LeafRules", "listed"]

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
        if issubclass(kind, _READ_ONCE):
            return _refuse_iterator
        # Questions go to the type: an instance's __getattr__ may answer anything.
        for name, rule in self.by_attribute.items():
            if hasattr(kind, name):
                return rule
        return None

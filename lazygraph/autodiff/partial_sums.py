"""The parts of one cotangent -> their sum, few of them at a time: a running sum in the graph."""

from __future__ import annotations

import operator as op

from lazygraph.autodiff.cotangents import add_n
from lazygraph.autodiff.primitive import lazily
from lazygraph.autodiff.rules.items import put_all_back
from lazygraph.autodiff.table import EdgeRule
from lazygraph.graphs.nodes import Node
from lazygraph.tasks.function import Function

__all__ = ["PartialSum"]

#: So many cotangents of one value are kept before they are added up.
_MOST_PARTS = 4
#: So many look-ups in one value (``E[i]``) are kept, each as small as what was looked up.
_MOST_LOOKUPS = 32

_PUT_ALL_BACK = Function(put_all_back, name="put_all_back")


class PartialSum:
    """Adds cotangents up as they come: the memory of a sum does not grow with its parts.

    Items that were taken from a value are put back together into one array of zeros, rather than
    each into its own.
    """

    __slots__ = ("_lookups", "_parts", "_total")

    def __init__(self) -> None:
        self._parts: list[Node] = []
        self._lookups: list[Node] = []
        self._total: Node | None = None

    def add(self, ct: Node) -> None:
        """Add one more part."""
        self._total = None
        if _is_lookup(ct):
            self._lookups.append(ct)
            if len(self._lookups) == _MOST_LOOKUPS:
                self._merge_lookups()
        else:
            self._parts.append(ct)
        if len(self._parts) == _MOST_PARTS:
            self._parts = [add_n(*self._parts)]

    def total(self) -> Node:
        """Return the sum of all parts so far."""
        if self._total is None:
            self._merge_lookups()
            parts = self._parts
            self._total = parts[0] if len(parts) == 1 else add_n(*parts)
            self._parts = [self._total]
        return self._total

    def _merge_lookups(self) -> None:
        lookups, self._lookups = self._lookups, []
        if len(lookups) < 2:
            self._parts += lookups
            return
        cts, forms, indices = zip(
            *[node._arguments(node._leaves)[0] for node in lookups], strict=True
        )
        first = lookups[0]
        args = (list(cts), forms[0], list(indices))
        self._parts.append(lazily(_PUT_ALL_BACK, args, {}, first._code, first._lasti))


def _is_lookup(ct: Node) -> bool:
    func = ct._function.func
    return type(func) is EdgeRule and func.primal is op.getitem and func.param == "x"

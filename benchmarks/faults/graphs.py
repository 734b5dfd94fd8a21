"""Graphs of mixed shapes, small and large results; and what plain Python makes of the same calls."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from itertools import product
from typing import Any, NamedTuple

from benchmarks.faults.tasks import mix_arrays, mix_numbers
from benchmarks.workloads import WORKLOADS, Lift, first
from lazygraph import Failed, Skipped, delayed

__all__ = ["CASES", "SMALL", "Case", "compare", "is_same"]

_N_TASKS = 40
_KINDS: dict[str, Callable[..., Any]] = {"numbers": mix_numbers, "arrays": mix_arrays}


class Case(NamedTuple):
    """A shape of graph, and a kind of result."""

    workload: str
    kind: str

    def _build(self, lift: Lift) -> list[Any]:
        mix = _KINDS[self.kind]
        prepared = WORKLOADS[self.workload](_N_TASKS)
        return prepared.build(lambda func: lift(mix if func is first else func))

    def lazies(self) -> list[Any]:
        """The graph's outputs, not yet computed."""
        return self._build(delayed)

    def expected(self) -> list[Any]:
        """The outputs' values: the same calls, made directly."""
        return _expected(self)


@cache
def _expected(case: Case) -> list[Any]:
    return case._build(lambda func: func)


CASES = tuple(Case(*pair) for pair in product(WORKLOADS, _KINDS))
SMALL = tuple(Case("fan", kind) for kind in _KINDS)


def is_same(value: Any, expected: Any) -> bool:
    """Whether two results are alike in type and value; arrays in every item."""
    if type(value) is not type(expected):
        return False
    if type(value).__module__ == "numpy":
        import numpy as np

        return value.dtype == expected.dtype and np.array_equal(value, expected)
    return bool(value == expected)


def compare(values: Sequence[Any], expected: Iterable[Any]) -> tuple[int, int]:
    """How many results are lost, and how many wrong."""
    lost = wrong = 0
    for value, right in zip(values, expected, strict=True):
        if isinstance(value, (Failed, Skipped)):
            lost += 1
        elif not is_same(value, right):
            wrong += 1
    return lost, wrong

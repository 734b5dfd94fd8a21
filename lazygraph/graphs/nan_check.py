"""Calls that look at their results: the first to give a NaN or an infinity is named."""

from __future__ import annotations

import cmath
import sys
from collections.abc import Callable, Coroutine, Iterator
from types import CoroutineType
from typing import Any

from lazygraph.errors import NotFiniteError
from lazygraph.graphs.plan import Plan
from lazygraph.tasks.tree_paths import distinct_leaves, path_text

__all__ = ["Checked", "checked"]


def checked(plan: Plan) -> Plan:
    """Return the plan, with steps that raise NotFiniteError for a number that is not finite."""
    return plan.with_funcs([Checked(call) for call in plan.funcs])


class Checked:
    """Calls a function and looks at what it gives."""

    def __init__(self, call: Callable[..., Any]) -> None:
        self.call = call

    def __call__(self, /, *values: Any, **named: Any) -> Any:
        """Return what the function gives, if its numbers are finite."""
        result = self.call(*values, **named)
        if type(result) is CoroutineType:
            return self._awaited(result)
        return _check(result)

    async def _awaited(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return _check(await coroutine)

    def __reduce__(self) -> tuple[Any, ...]:
        return Checked, (self.call,)


def _check(result: Any) -> Any:
    for number, where in _wrong(result):
        raise NotFiniteError(number, where)
    return result


def _wrong(result: Any) -> Iterator[tuple[str, str]]:
    """Numbers that are not finite, and where each is; numpy is not imported for it."""
    np = sys.modules.get("numpy")
    for leaf, path in distinct_leaves(result):
        if isinstance(leaf, (float, complex)):
            if not cmath.isfinite(leaf):
                yield str(leaf), path_text(path)
        elif np is not None and isinstance(leaf, (np.ndarray, np.generic)):
            yield from _wrong_in_array(np, leaf, path_text(path))


def _wrong_in_array(np: Any, array: Any, path: str) -> Iterator[tuple[str, str]]:
    if array.dtype.kind not in "fc" or np.isfinite(array).all():
        return
    if not array.shape:
        yield str(array), path
        return
    is_wrong = ~np.isfinite(array)
    first = tuple(int(i) for i in np.argwhere(is_wrong)[0])
    yield str(array[first]), f"{path}{list(first)}, {np.sum(is_wrong)} of {array.size} numbers"

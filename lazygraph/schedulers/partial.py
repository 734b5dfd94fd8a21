"""From the values of a run that failed to what the user can still have of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from types import NoneType
from typing import Any

from lazygraph.graphs.plan import PENDING, Plan
from lazygraph.tasks.keys import Key

__all__ = ["Partial", "keep_partial"]


def _as_it_is(value: Any) -> Any:
    return value


class Partial(Mapping[Key, Any]):
    """The results that a failed run had finished and not yet released, by key.

    Keys are made when first asked for. A pickled copy is empty.
    """

    def __init__(
        self, plan: Plan, values: Mapping[int, Any], read: Callable[[Any], Any] = _as_it_is
    ) -> None:
        self._plan, self._values, self._read = plan, values, read

    @cached_property
    def _steps(self) -> dict[Key, int]:
        return {self._plan.key(step): step for step in self._values}

    def __getitem__(self, key: Key) -> Any:
        return self._read(self._values[self._steps[key]])

    def __iter__(self) -> Iterator[Key]:
        return iter(self._steps)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Partial({len(self)} of {len(self._plan)} results)"

    def __reduce__(self) -> tuple[Any, ...]:
        return dict, ()  # results do not travel with a pickled exception


def keep_partial(
    error: BaseException,
    plan: Plan,
    values: Sequence[Any],
    read: Callable[[Any], Any] = _as_it_is,
) -> None:
    """Give an exception the attribute ``partial``: what is left of the run's results.

    Parameters
    ----------
    values
        By slot; `PENDING` where there is no result.
    read
        What makes a result from such a value.
    """
    steps = range(len(plan)) if values else ()
    alive = {step: values[step] for step in steps if values[step] is not PENDING}
    with suppress(Exception):
        if type(_own(error)) in (Partial, NoneType):
            object.__setattr__(error, "partial", Partial(plan, alive, read))


def _own(error: BaseException) -> Any:
    """What an exception has by that name already: `http.client.IncompleteRead` has bytes."""
    try:
        return object.__getattribute__(error, "partial")
    except AttributeError:
        return None

"""A Dask collection among a lazy function's arguments -> what stands for it until a plan is made."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from lazygraph.tasks.keys import Key
from lazygraph.tasks.task import Task

__all__ = ["Guest", "guest_of"]


def guest_of(value: Any) -> Guest | None:
    """What stands for `value` if it is a Dask collection; None if it is none.

    Some classes (xarray's) have Dask's protocol and hold a collection only at times.
    """
    if "dask" not in sys.modules:
        return None
    from dask.base import is_dask_collection  # late: it is imported already

    return Guest(value) if is_dask_collection(value) else None


class Guest:
    """A Dask collection: its key, and the tasks that compute it.

    Parameters
    ----------
    collection
        An array, a bag, a dataframe, a `dask.delayed` object, ...
    in_parts : bool
        Whether the result is a dict of its chunks by key, rather than the finished value.
    """

    __slots__ = ("_key", "collection", "in_parts")

    def __init__(self, collection: Any, *, in_parts: bool = False) -> None:
        self.collection, self.in_parts = collection, in_parts
        self._key: Key = None

    def __repr__(self) -> str:
        return f"Guest({type(self.collection).__name__})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _guest, (self.collection, self.in_parts)

    @property
    def key(self) -> Key:
        """The key of a `dask.delayed` object is its own; another's follows from its content."""
        if self._key is None:
            from lazygraph.interop.joint import key_of  # late: there is a collection, and so Dask

            self._key = key_of(self)
        return self._key

    def as_parts(self) -> Guest:
        """The same collection, its chunks wanted."""
        return Guest(self.collection, in_parts=True)

    def with_results(self, parts: Mapping[Key, Any]) -> Any:
        """The collection, with results in the place of its tasks."""
        rebuild, extra = self.collection.__dask_postpersist__()
        return rebuild(dict(parts), *extra)

    def optimized(self, others: Sequence[Guest]) -> Sequence[Any]:
        """The collections of `others` as `dask.optimize` gives them."""
        from lazygraph.interop.joint import base  # late, as above

        made: Sequence[Any] = base.optimize(*[other.collection for other in others])
        return made

    def tasks(self, others: Sequence[Guest]) -> dict[Key, Task]:
        """Tasks for all of `others`, this one too, by their keys and those that they need.

        Each kind of collection is optimized by its own rules, all of a kind together.
        """
        from lazygraph.interop.joint import joint_tasks  # late, as above

        return joint_tasks(others)


def _guest(collection: Any, in_parts: bool) -> Guest:
    return Guest(collection, in_parts=in_parts)

"""What makes a lazy value a collection to Dask; imports Dask when Dask asks, not before."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import FrameType
from typing import Any

from lazygraph.tasks.keys import Key
from lazygraph.tasks.task import Task

__all__ = ["DaskCollection", "is_asked_by_dask"]


def is_asked_by_dask(frame: FrameType) -> bool:
    """Whether it is Dask's code in a frame that asks whether there is an attribute `expr`.

    Its releases before 2026.6 take whatever has one for an expression of theirs; of a lazy
    value it is one more task.
    """
    return str(frame.f_globals.get("__name__")).startswith("dask.")


class _DefaultScheduler:
    """Dask's own function for threads, on the class as on its instances."""

    def __get__(self, instance: Any, owner: Any) -> Callable[..., Any]:
        from dask.threaded import get  # late: Dask asks

        return get


def _unchanged(dsk: Any, _keys: Any, **_: Any) -> Any:
    return dsk


class _Optimize:
    """What Dask improves a graph by: nothing, on each instance by a function of its own.

    Dask joins collections that have the same one, and then gives their results in the order of
    the groups: of ``dask.compute(x, array, y)`` the last two would be exchanged.
    """

    def __get__(self, instance: Any, owner: Any) -> Callable[..., Any]:
        return _unchanged if instance is None else partial(_unchanged)


class DaskCollection:
    """Dask's collection protocol, for a class that has `_get_key` and says what its tasks are.

    Nothing here makes a graph: what Dask is given is a layer that makes its tasks when they
    are read.
    """

    __slots__ = ()

    def _get_key(self) -> Key:
        raise NotImplementedError

    @classmethod
    def _tasks_of(cls, nodes: Sequence[Any]) -> Any:
        """Return the tasks of lazy values by key; in an order in which they can run."""
        raise NotImplementedError

    @classmethod
    def _held(cls, key: Key, tasks: Mapping[Key, Task], like: Any) -> Any:
        """Return the lazy value of a key of `tasks`, otherwise as `like`."""
        raise NotImplementedError

    @property
    def dask(self) -> Any:
        """The graph, as Dask's `HighLevelGraph`; its tasks are made when they are read."""
        from lazygraph.interop.layer import graph_for_dask  # late: Dask asks

        return graph_for_dask(self, self._get_key(), type(self)._tasks_of)

    def __dask_graph__(self) -> Any:
        return self.dask

    def __dask_keys__(self) -> list[Key]:
        return [self._get_key()]

    def __dask_layers__(self) -> tuple[Key]:
        return (self._get_key(),)

    def __dask_tokenize__(self) -> tuple[str, Key]:
        return ("lazygraph", self._get_key())

    __dask_scheduler__ = _DefaultScheduler()
    __dask_optimize__ = _Optimize()

    def __dask_postcompute__(self) -> tuple[Callable[..., Any], tuple[()]]:
        from dask.delayed import single_key  # late; by it Dask knows that keys may be kept

        return single_key, ()

    def __dask_postpersist__(self) -> tuple[Callable[..., Any], tuple[()]]:
        return self._rebuild, ()

    def _rebuild(self, dsk: Any, *, rename: Any = None) -> Any:
        from lazygraph.interop.layer import held, renamed  # late: Dask asks

        key = renamed(self._get_key(), rename)
        return type(self)._held(key, held(key, dsk), self)

"""A task's exception on its way between processes, inside one that any process can read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lazygraph.tasks.keys import Key

__all__ = ["TaskRaised", "task_raised_in"]

_MOST_CHARACTERS = 500


class TaskRaised(Exception):  # noqa: N818  # never reaches a user: schedulers unwrap it
    """Carries what a task raised from another process, and what only that process knows.

    Attributes
    ----------
    outer_key, key : Key
        Of the step; and of the task in it that raised, where several run as one.
    shown : str
        The call in short.
    site : str, optional
        Where the call was captured, if that is known there.
    wire : bytes
        The exception, as `to_wire` gives it.
    """

    def __init__(self, outer_key: Key, key: Key, shown: str, site: str | None, wire: bytes) -> None:
        super().__init__(outer_key, key, shown, site, wire)
        self.outer_key, self.key, self.shown, self.site, self.wire = (
            outer_key,
            key,
            shown,
            site,
            wire,
        )

    def __str__(self) -> str:
        # For Dask's own logs and dashboard.
        try:
            error = self.unwrap()
            text = f"{type(error).__name__}: {error}"[:_MOST_CHARACTERS]
        except Exception:
            text = "an exception that cannot be shown"
        return f"{text} (task {self.key!r}: {self.shown})"[: 2 * _MOST_CHARACTERS]

    __repr__ = __str__

    def renamed(self, names: Mapping[Key, Key]) -> TaskRaised:
        """Return the same with other keys."""
        outer, key = (names.get(given, given) for given in (self.outer_key, self.key))
        return TaskRaised(outer, key, self.shown, self.site, self.wire)

    def unwrap(self) -> BaseException:
        """Return what the task raised."""
        from lazygraph.transport.remote import from_wire  # late: only errors need it

        return from_wire(self.wire)


def task_raised_in(error: BaseException | None) -> TaskRaised | None:
    """Return what brings a task's exception, in an exception of Dask's or behind it."""
    for each in _wrapped(error):
        if isinstance(each, TaskRaised):
            return each
    return None


def _wrapped(error: BaseException | None) -> Iterator[Any]:
    yield error
    yield getattr(error, "exception", None)  # as Dask's RemoteException has it

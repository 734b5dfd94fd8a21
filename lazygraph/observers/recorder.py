"""Keeps every event, and answers the questions that tests and the curious ask of them."""

from __future__ import annotations

from lazygraph.protocols import (
    Event,
    Released,
    TaskEnded,
    TaskFailed,
    TaskRetried,
    TaskSkipped,
    TaskStarted,
)
from lazygraph.tasks.keys import Key

__all__ = ["Recorder"]


class Recorder:
    """An observer that keeps what it is told.

    Attributes
    ----------
    events : list of Event
        All of them, in order.

    Examples
    --------
    >>> import lazygraph
    >>> recorder = Recorder()
    >>> lazygraph.get({"x": 1, "y": (abs, "x")}, "y", observers=[recorder])
    1
    >>> recorder.started
    ['x', 'y']
    """

    def __init__(self) -> None:
        self.events: list[Event] = []

    def __repr__(self) -> str:
        return f"Recorder({len(self.events)} events)"

    def notify(self, event: Event, /) -> None:
        """Keep the event."""
        self.events.append(event)

    def _keys(
        self,
        kind: type[TaskStarted | TaskEnded | TaskFailed | TaskRetried | TaskSkipped | Released],
    ) -> list[Key]:
        return [event.key for event in self.events if isinstance(event, kind)]

    @property
    def started(self) -> list[Key]:
        """The keys of the tasks that began, in that order."""
        return self._keys(TaskStarted)

    @property
    def ended(self) -> list[Key]:
        """The keys of the tasks that returned, in that order."""
        return self._keys(TaskEnded)

    @property
    def failed(self) -> list[Key]:
        """The keys of the tasks that raised, for good."""
        return self._keys(TaskFailed)

    @property
    def retried(self) -> list[Key]:
        """The keys of the tasks that failed and were tried again, once for each time."""
        return self._keys(TaskRetried)

    @property
    def skipped(self) -> list[Key]:
        """The keys of the tasks that did not run, since one that they need had failed."""
        return self._keys(TaskSkipped)

    @property
    def released(self) -> list[Key]:
        """The keys whose results were forgotten, in that order."""
        return self._keys(Released)

    @property
    def most_alive(self) -> int:
        """The most results that were held at one time."""
        alive = most = 0
        for event in self.events:
            if isinstance(event, TaskEnded):
                alive += 1
                most = max(most, alive)
            elif isinstance(event, Released):
                alive -= 1
        return most

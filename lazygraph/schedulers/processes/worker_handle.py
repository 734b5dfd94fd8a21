"""What the parent knows of a worker process."""

from __future__ import annotations

from time import perf_counter
from typing import Any

from lazygraph.schedulers.processes.messages import Setting
from lazygraph.schedulers.processes.process import Process

__all__ = ["Worker"]


class Worker:
    """What the parent knows of a worker process."""

    def __init__(self, process: Process, number: int, with_unsent: set[Worker]) -> None:
        self.process, self.name, self._with_unsent = process, f"process-{number}", with_unsent
        self.started = perf_counter()
        self.has_begun = False  # its interpreter has started
        self.is_ready = False  # its initializer has run
        self.setting: Setting | None = None  # the surroundings it was told of

    def __repr__(self) -> str:
        return f"Worker({self.name}, pid {self.process.pid})"

    def send(self, message: Any) -> None:
        """Send a message, now or as soon as it is read."""
        self.process.channel.send(message)
        if self.process.channel.has_unsent:
            self._with_unsent.add(self)

    @property
    def sources(self) -> list[Any]:
        """What a selector waits for: its messages, and its death where the system tells of it."""
        process = self.process
        return [source for source in (process.channel, process.ending) if source is not None]

    @property
    def owner(self) -> int:
        """Its number in the arena."""
        return self.process.owner

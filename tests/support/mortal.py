"""A scheduler whose workers are killed at random, for property tests."""

from __future__ import annotations

import os
import random
import signal
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Self

from lazygraph.graphs.plan import Plan
from lazygraph.protocols import Observer
from lazygraph.schedulers import Processes
from lazygraph.tasks.options import NO_TERMS, Terms

__all__ = ["MortalProcesses"]

_MOST_DEATHS = 2  # in one run: a task survives as many


class MortalProcesses:
    """Two workers; in each run up to two are killed, when and which of them a seed decides."""

    name = Processes.name
    honours = Processes.honours

    def __init__(self, seed: int = 0) -> None:
        self._random = random.Random(seed)
        self._processes = Processes(2)
        self.n_killed = 0

    def __enter__(self) -> Self:
        self._processes.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._processes.__exit__(None, None, None)

    def run(
        self, plan: Plan, observers: Sequence[Observer] = (), terms: Terms = NO_TERMS, /
    ) -> list[Any]:
        """The values of the plan's outputs."""
        moments = [self._random.expovariate(1000) for _ in range(self._random.randrange(3))]
        is_over = threading.Event()
        killer = threading.Thread(target=self._kill, args=(moments[:_MOST_DEATHS], is_over))
        killer.start()
        try:
            return self._processes.run(plan, observers, terms)
        finally:
            is_over.set()
            killer.join()

    def _kill(self, moments: list[float], is_over: threading.Event) -> None:
        for seconds in moments:
            if is_over.wait(seconds):
                return
            pids = self._processes.pids
            if pids:
                with suppress(ProcessLookupError):  # it has died already
                    os.kill(self._random.choice(pids), signal.SIGKILL)
                    self.n_killed += 1

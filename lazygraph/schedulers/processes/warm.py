"""Pools that wait for the next compute: kept a while, closed when idle and at exit."""

from __future__ import annotations

import atexit
import os
import threading
from contextlib import suppress
from time import monotonic

from lazygraph.schedulers.processes.pool import Pool, Recipe

__all__ = ["WarmPools", "close", "warm_pools"]

_IDLE_SECONDS = 60.0
_LOOK_SECONDS = 1.0


class WarmPools:
    """Pools by recipe, each either leased to one run or waiting here."""

    def __init__(self, idle_seconds: float = _IDLE_SECONDS) -> None:
        self._idle_seconds = idle_seconds
        self._lock = threading.Lock()
        self._waiting: list[tuple[float, Pool]] = []  # since when
        self._keeper: threading.Thread | None = None
        self._is_over = threading.Event()

    def lease(self, recipe: Recipe) -> Pool:
        """A pool for one run: one that waits, or a new one."""
        with self._lock:
            found = [entry for entry in self._waiting if entry[1].recipe == recipe]
            for entry in reversed(found):  # the one used last: the others may then go
                self._waiting.remove(entry)
                if not entry[1].reloads.any:
                    return entry[1]
                entry[1].close()
        return Pool(recipe)

    def give_back(self, pool: Pool) -> None:
        """Let a pool wait for the next run."""
        if pool.is_closed:
            return
        pool.reloads.note()
        with self._lock:
            self._waiting.append((monotonic(), pool))
            if self._keeper is None:
                keeper = threading.Thread(target=self._keep, name="lazygraph-pools", daemon=True)
                with suppress(RuntimeError):  # no more threads: the next run tries again
                    keeper.start()
                    self._keeper = keeper

    def _keep(self) -> None:
        """Give back what memory there is to give, and close what nobody wants."""
        while not self._is_over.wait(_LOOK_SECONDS):
            with self._lock:
                for entry in list(self._waiting):
                    since, pool = entry
                    if monotonic() - since > self._idle_seconds:
                        self._waiting.remove(entry)
                        pool.close()
                    else:
                        try:
                            pool.settle()
                        except Exception:  # the next run takes another
                            pool.abandon()
                        if pool.is_closed:
                            self._waiting.remove(entry)
                if not self._waiting:
                    self._keeper = None
                    return

    def close(self) -> None:
        """Close the pools that wait."""
        with self._lock:
            for _, pool in self._waiting:
                pool.close()
            self._waiting.clear()

    def forget(self) -> None:
        """In a forked child: the pools are the parent's."""
        self.__init__(self._idle_seconds)  # type: ignore[misc]  # as new, its lock too


#: The one set of them: with the defaults' ContextVar, all that outlives a call.
warm_pools = WarmPools()
atexit.register(warm_pools.close)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=warm_pools.forget)


def close() -> None:
    """End the workers that wait for the next compute."""
    warm_pools.close()

"""Pools that wait for the next compute: kept a while, closed when idle and at exit."""

from __future__ import annotations

import atexit
import os
import threading
from contextlib import suppress
from time import monotonic

from lazygraph.schedulers.processes.forks import forget_in_children
from lazygraph.schedulers.processes.pool import Pool, Recipe
from lazygraph.schedulers.workers import usable_cores

__all__ = ["WarmPools", "close", "warm_pools"]

_IDLE_SECONDS = 60.0
_LOOK_SECONDS = 1.0
_MOST_WAITING, _MOST_WAITING_PER_CORE = 8, 2  # workers of all pools


class WarmPools:
    """Pools by recipe, each either leased to one run or waiting here."""

    def __init__(self, idle_seconds: float = _IDLE_SECONDS) -> None:
        self._idle_seconds = idle_seconds
        self._lock = threading.Lock()
        self._waiting: list[tuple[float, Pool]] = []  # since when
        self._keeper: threading.Thread | None = None
        self._pid = os.getpid()
        self._is_over = threading.Event()

    def lease(self, recipe: Recipe) -> Pool:
        """Return a pool for one run: one that waits, or a new one."""
        self._check_process()
        with self._lock:
            found, unwanted = self._take(recipe)
        _close_all(unwanted)
        return Pool(recipe) if found is None else found

    def _check_process(self) -> None:
        """Let go of the pools of another process, of which this is a fork unknown to Python."""
        if self._pid != os.getpid():
            self.forget()

    def _take(self, recipe: Recipe) -> tuple[Pool | None, list[Pool]]:
        """Take out a pool of that recipe, and those that are not to wait any longer."""
        unwanted: list[Pool] = []
        for entry in [entry for entry in reversed(self._waiting) if entry[1].recipe == recipe]:
            self._waiting.remove(entry)  # the one used last: the others may then go
            if not entry[1].reloads.any:
                return entry[1], unwanted
            unwanted.append(entry[1])
        return None, unwanted + self._take_surplus(recipe.num_workers)

    def _take_surplus(self, coming: int = 0) -> list[Pool]:
        """Take out the pools that have waited longest, so that no more workers wait than may.

        With none to come the pool used last stays, whatever its size.
        """
        taken: list[Pool] = []
        most = max(_MOST_WAITING, _MOST_WAITING_PER_CORE * usable_cores())
        n_workers = coming + sum(len(pool.workers) for _, pool in self._waiting)
        while n_workers > most and len(self._waiting) > (not coming):
            taken.append(self._waiting.pop(0)[1])
            n_workers -= len(taken[-1].workers)
        return taken

    def give_back(self, pool: Pool) -> None:
        """Let a pool wait for the next run."""
        if pool.is_closed:
            return
        pool.reloads.note()
        with self._lock:
            self._waiting.append((monotonic(), pool))
            surplus = self._take_surplus()
            self._start_keeper()
        _close_all(surplus)

    def _start_keeper(self) -> None:
        if self._keeper is None:
            keeper = threading.Thread(target=self._keep, name="lazygraph-pools", daemon=True)
            with suppress(RuntimeError):  # no more threads: the next run tries again
                keeper.start()
                self._keeper = keeper

    def _keep(self) -> None:
        """Give back what memory there is to give, and close what nobody wants."""
        is_needed = True
        while is_needed and not self._is_over.wait(_LOOK_SECONDS):
            with self._lock:
                idle = self._take_idle()
                for _, pool in self._waiting:
                    _settle(pool)
                self._waiting = [entry for entry in self._waiting if not entry[1].is_closed]
                if not self._waiting:
                    self._keeper, is_needed = None, False
            _close_all(idle)

    def _take_idle(self) -> list[Pool]:
        oldest = monotonic() - self._idle_seconds
        idle = [pool for since, pool in self._waiting if since < oldest]
        self._waiting = [entry for entry in self._waiting if entry[0] >= oldest]
        return idle

    def close(self) -> None:
        """Close the pools that wait."""
        self._check_process()
        with self._lock:
            pools, self._waiting = [pool for _, pool in self._waiting], []
        _close_all(pools)

    def forget(self) -> None:
        """Go on in a forked child: the pools are the parent's, and the lock may be held there."""
        for _, pool in self._waiting:
            pool.forget()
        self.__init__(self._idle_seconds)  # type: ignore[misc]  # as new, its lock too


def _close_all(pools: list[Pool]) -> None:
    for pool in pools:
        pool.close()


def _settle(pool: Pool) -> None:
    try:
        pool.settle()
    except Exception:  # the next run takes another
        pool.abandon()


#: The one set of them: with the defaults' ContextVar, all that outlives a call.
warm_pools = WarmPools()
atexit.register(warm_pools.close)
forget_in_children(warm_pools)


def close() -> None:
    """End the workers that wait for the next compute."""
    warm_pools.close()

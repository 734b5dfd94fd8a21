"""Keeps account of shared blocks: who looks at which, and which are nobody's any more.

Bookkeeping only, without a system call or a process in it. A block is written by its owner, and
adopted here as soon as its parcel is heard of, whatever becomes of the parcel. It is lent to the
workers that are sent its handle. When the last reference in this process goes, those workers are
told to drop it; when all have said that nothing there shows it any more, or have died, its owner
may use it again.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterable
from contextlib import suppress

from lazygraph.schedulers.processes.space import Handle

__all__ = ["Block", "Ledger"]


class Block:
    """A handle whose block is in use as long as this object lives.

    Parameters
    ----------
    handle : Handle
    released : callable
        Called with the handle when nothing refers to this object any more, on any thread,
        whatever lock is held.
    """

    __slots__ = ("__weakref__", "_released", "handle")

    def __init__(self, handle: Handle, released: Callable[[Handle], object]) -> None:
        self.handle, self._released = handle, released

    def __del__(self) -> None:
        with suppress(Exception):  # half made, or at the interpreter's exit
            self._released(self.handle)

    def __repr__(self) -> str:
        return f"Block({self.handle!r})"


class Ledger:
    """The blocks of one pool that are in use.

    Attributes
    ----------
    nbytes : int
        How many bytes they hold in all.
    """

    def __init__(self) -> None:
        self.nbytes = 0
        # Blocks that nothing in this process refers to any more, as they were released: a
        # deque, since that may be on any thread, and within any call.
        self._released: deque[Handle] = deque()
        self._after_close: Callable[[Handle], object] | None = None
        self._borrowers: dict[Handle, set[int]] = {}  # of each block in use: who may look at it
        self._lent: defaultdict[int, set[Handle]] = defaultdict(set)  # by borrower, likewise
        self._dropped: set[Handle] = set()  # in use by borrowers alone, who have been told

    def adopt(self, handles: Iterable[Handle]) -> dict[Handle, Block]:
        """Keep blocks in use for as long as what this returns lives."""
        release = self._release
        blocks = {handle: Block(handle, release) for handle in set(handles)}
        for handle in blocks:
            self._borrowers[handle] = set()
            self.nbytes += handle.nbytes
        return blocks

    def _release(self, handle: Handle) -> None:
        if self._after_close is None:
            self._released.append(handle)
        else:
            self._after_close(handle)

    def lend(self, handles: Iterable[Handle], borrower: int) -> None:
        """Note that a worker is sent these blocks."""
        for handle in handles:
            self._borrowers[handle].add(borrower)
            self._lent[borrower].add(handle)

    @property
    def has_released(self) -> bool:
        """Whether `drop` has something to do."""
        return bool(self._released)

    def drop(self) -> tuple[list[Handle], dict[int, list[Handle]]]:
        """Take note of the blocks that were released.

        Returns
        -------
        free : list of Handle
            Those that nobody looks at.
        told : dict of int to list of Handle
            Those that workers may look at, by worker: to be told.
        """
        free: list[Handle] = []
        told: defaultdict[int, list[Handle]] = defaultdict(list)
        while self._released:
            handle = self._released.popleft()
            for borrower in self._borrowers[handle]:
                told[borrower].append(handle)
            if self._borrowers[handle]:
                self._dropped.add(handle)
            else:
                free.append(self._forget(handle))
        return free, told

    def acknowledge(self, borrower: int, handles: Iterable[Handle]) -> list[Handle]:
        """Note that a worker looks at some blocks no more; return those that are free by that.

        A worker may say so unasked, of a block that it was lent in a run before.
        """
        lent = self._lent[borrower]
        returned = [handle for handle in handles if handle in lent]
        lent.difference_update(returned)
        return self._returned(returned, borrower)

    def borrower_died(self, borrower: int) -> list[Handle]:
        """Note that a worker looks at nothing any more; return the blocks free by that."""
        return self._returned(self._lent.pop(borrower, ()), borrower)

    def _returned(self, handles: Iterable[Handle], borrower: int) -> list[Handle]:
        free = []
        for handle in handles:
            borrowers = self._borrowers[handle]
            borrowers.discard(borrower)
            if not borrowers and handle in self._dropped:
                free.append(self._forget(handle))
        return free

    def _forget(self, handle: Handle) -> Handle:
        self._dropped.discard(handle)
        del self._borrowers[handle]
        self.nbytes -= handle.nbytes
        return handle

    def in_use(self, owner: int) -> list[Handle]:
        """Return the blocks of one owner that are in use."""
        return [handle for handle in self._borrowers if handle.owner == owner]

    def close(self, after_close: Callable[[Handle], object]) -> list[Handle]:
        """Note that there are no workers any more; return the blocks still in use here.

        Parameters
        ----------
        after_close : callable
            Called with each of them when it is released, on any thread.
        """
        self._after_close = after_close
        for borrower in list(self._lent):
            self.borrower_died(borrower)
        self.drop()
        return list(self._borrowers)

"""The page on which each worker notes what it is running, for whoever has to know after its death."""

from __future__ import annotations

import mmap
import os
import struct
from contextlib import suppress
from time import perf_counter_ns
from typing import NamedTuple

from lazygraph.schedulers.processes.arena import Arena, Handle

__all__ = ["Status", "StatusPage", "erase_status", "read_status"]

_PAGE = mmap.ALLOCATIONGRANULARITY
_FIRST = 1 << 61  # beyond every owner's region of the arena's file
_NEVER_NS = 1 << 62
_CELLS = struct.Struct("qq")


class Status(NamedTuple):
    """What a worker runs: the step, or -1 for none; since when, in seconds of perf_counter."""

    step: int
    since: float


def _place(owner: int) -> Handle:
    return Handle(_FIRST + owner * _PAGE, _PAGE)


class StatusPage:
    """A worker's own page: two numbers, written without asking anyone, 0.1 us."""

    def __init__(self, arena: Arena) -> None:
        page = mmap.mmap(arena.fd, _PAGE, offset=_place(arena.owner).offset)
        self._cells = memoryview(page).cast("q")

    def begin(self, step: int) -> int:
        """Note that a step begins; return the time, in ns."""
        cells, now = self._cells, perf_counter_ns()
        cells[1] = now
        cells[0] = step + 1
        return now

    def load(self) -> None:
        """Note that what runs has not begun: what it needs is being loaded, however long."""
        self._cells[1] = _NEVER_NS

    def begin_again(self) -> None:
        """Note that what runs begins now."""
        self._cells[1] = perf_counter_ns()

    @property
    def step(self) -> int:
        """The step that runs; -1 for none."""
        return self._cells[0] - 1

    def rest(self) -> None:
        """Note that nothing runs."""
        self._cells[0] = 0


def read_status(arena: Arena, owner: int) -> Status:
    """Return what a worker noted last; it may be dead."""
    place = _place(owner)
    step, since = _CELLS.unpack(os.pread(arena.fd, _CELLS.size, place.offset))
    return Status(step - 1, since / 1e9)


def erase_status(arena: Arena, owner: int) -> None:
    """Give back a worker's page."""
    with suppress(OSError):
        arena.discard(_place(owner))

"""Where each worker notes what it is running, for whoever has to know after its death.

::

    | step, since, phase |  stack, as text, of a crash or of where it hangs  |
    0                  page                                               _SPAN
"""

from __future__ import annotations

import faulthandler
import mmap
import os
import signal
import struct
from contextlib import suppress
from time import perf_counter_ns
from typing import NamedTuple

from lazygraph.schedulers.processes.arena import Arena, Handle

__all__ = ["STACK_SIGNAL", "Status", "StatusPage", "erase_status", "read_status", "stack_written"]

_PAGE = mmap.ALLOCATIONGRANULARITY
_FIRST = 1 << 61  # beyond every owner's region of the arena's file
_SPAN = 1 << 18
_CELLS = struct.Struct("qqq")
_RUNNING, _LOADING, _IMPORTING = range(3)
_IMPORT_NS = 60 * 10**9  # so much longer may a step take if modules are imported for it
#: Asks a worker for its stack: the signal that users are least likely to need.
STACK_SIGNAL = getattr(signal, "SIGRTMAX", None)


class Status(NamedTuple):
    """What a worker runs.

    Attributes
    ----------
    step : int
        -1 for none.
    since : float
        In seconds of perf_counter; in the future while modules are imported for it.
    is_loading : bool
        Whether what the step needs is still being unpickled.
    """

    step: int
    since: float
    is_loading: bool


def _place(owner: int) -> Handle:
    return Handle(_FIRST + owner * _SPAN, _SPAN)


class StatusPage:
    """A worker's own page: three numbers, written without asking anyone, 0.1 us."""

    def __init__(self, arena: Arena) -> None:
        page = mmap.mmap(arena.fd, _PAGE, offset=_place(arena.owner).offset)
        self._cells = memoryview(page).cast("q")
        with suppress(OSError):  # not Linux: there are no stacks
            _write_stacks(arena)

    def begin(self, step: int) -> int:
        """Note that a step begins; return the time, in ns."""
        cells, now = self._cells, perf_counter_ns()
        cells[1] = now
        cells[0] = step + 1
        return now

    def load(self) -> None:
        """Note that what the step needs is being unpickled."""
        self._cells[2] = _LOADING

    def importing(self) -> None:
        """Note that modules are imported for the step, which may take long the first time."""
        if self._cells[2] == _LOADING:
            self._cells[1] = perf_counter_ns() + _IMPORT_NS
            self._cells[2] = _IMPORTING

    def loaded(self) -> None:
        """Note that the step has what it needs; imports do not count for its time limit."""
        if self._cells[2] == _IMPORTING:
            self._cells[1] = perf_counter_ns()
        self._cells[2] = _RUNNING

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
    step, since, phase = _CELLS.unpack(os.pread(arena.fd, _CELLS.size, place.offset))
    return Status(step - 1, since / 1e9, phase != _RUNNING)


def erase_status(arena: Arena, owner: int) -> None:
    """Give back a worker's pages."""
    with suppress(OSError):
        arena.discard(_place(owner))


# ------------------------------------------------------------------------------- stacks
def _write_stacks(arena: Arena) -> None:
    """Let C code write this process's stack when it crashes, and when it is asked to."""
    # Another open file than the arena's, for it has its own position.
    number = os.open(f"/proc/self/fd/{arena.fd}", os.O_WRONLY | os.O_CLOEXEC)
    os.lseek(number, _place(arena.owner).offset + _PAGE, os.SEEK_SET)
    faulthandler.enable(number, all_threads=False)
    if STACK_SIGNAL is not None:
        faulthandler.register(STACK_SIGNAL, number, all_threads=False)


def stack_written(arena: Arena, owner: int) -> str:
    """Return what a worker has written of its stack so far, the innermost frame first."""
    written = os.pread(arena.fd, _SPAN - _PAGE, _place(owner).offset + _PAGE)
    return written.rstrip(b"\0").decode(errors="replace")

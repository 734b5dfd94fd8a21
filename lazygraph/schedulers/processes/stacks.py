"""Where a worker crashed or hangs: the stack that its C code has written beside its status."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from time import monotonic, sleep
from traceback import FrameSummary

from lazygraph.schedulers.explain import stack_text
from lazygraph.schedulers.processes.arena import Arena
from lazygraph.schedulers.processes.status import STACK_SIGNAL, stack_written

__all__ = ["read_stack", "stack_of_hanging"]

_STACK_SECONDS = 0.5  # which a worker has to write its stack, before it is ended
_FRAME = re.compile(r'^  File "(.*)", line (\d+) in (.*)$', re.MULTILINE)


def read_stack(arena: Arena, owner: int) -> str:
    """Return where a worker was when it crashed, as a traceback's lines; empty if nobody knows."""
    found = _FRAME.findall(stack_written(arena, owner))
    return stack_text([FrameSummary(file, int(line), name) for file, line, name in found[::-1]])


def stack_of_hanging(arena: Arena, owner: int, pid: int) -> str:
    """Return where a live worker is, which is then to be ended; takes half a second at most."""
    if STACK_SIGNAL is None:
        return ""
    with suppress(ProcessLookupError):
        os.kill(pid, STACK_SIGNAL)
    end = monotonic() + _STACK_SECONDS
    while monotonic() < end and not _is_whole(stack_written(arena, owner)):
        sleep(0.001)
    return read_stack(arena, owner)


def _is_whole(written: str) -> bool:
    """Whether the outermost frame is written, that of the worker's program, or all that is shown."""
    last = written.rsplit("\n", 2)[-2:]
    return len(last) == 2 and last[0].startswith(('  File "<string>"', "  ..."))

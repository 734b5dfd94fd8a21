"""What a process leaves behind: processes, and shared memory that they hold or that has a name."""

from __future__ import annotations

import ctypes
import os
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

__all__ = [
    "Named",
    "adopt_orphans",
    "clear_away",
    "descendants",
    "end_with_parent",
    "held_memory",
    "n_strays",
    "wait_until",
]

_PROC, _NAMED = Path("/proc"), Path("/dev/shm")  # is looked at, not written to
_HELD = "/memfd:lazygraph"
_PREFIX = "lazygraph"  # other programs of this user have shared memory with names, too
_SET_PDEATHSIG, _SET_CHILD_SUBREAPER = 1, 36
_POLL_SECONDS = 0.005
# How long what is on its way out is waited for.
_GRACE_SECONDS = 2.0


def wait_until(is_true: Callable[[], object], seconds: float) -> bool:
    """Whether something becomes true in time: for what only the operating system tells."""
    end = time.monotonic() + seconds
    while not is_true():
        if time.monotonic() > end:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def adopt_orphans() -> None:
    """Become the parent of descendants whose parent ends: none can get out of sight."""
    _prctl(_SET_CHILD_SUBREAPER, 1)


def end_with_parent() -> None:
    """Be killed when the parent ends, however it does."""
    _prctl(_SET_PDEATHSIG, signal.SIGKILL)


def _prctl(option: int, value: int) -> None:
    if ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")


def _parents() -> dict[int, int]:
    """Process -> its parent, dead ones that nobody has waited for included."""
    found: dict[int, int] = {}
    for path in _PROC.glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:  # it has ended meanwhile
            continue
        found[int(path.parent.name)] = int(fields[1])
    return found


def descendants(ancestor: int | None = None) -> list[int]:
    """The children of a process (this one), theirs, and so on."""
    parents = _parents()
    family = {os.getpid() if ancestor is None else ancestor}
    found: list[int] = []
    while news := [pid for pid, parent in parents.items() if parent in family]:
        found += news
        family = set(news)
    return found


def n_strays(workers: Callable[[], Iterable[int]] = tuple) -> int:
    """Descendants that are none of the workers, the unburied dead included; in a while."""

    def strays() -> set[int]:
        found = set(descendants())  # first: a worker may be starting
        return found - set(workers())

    wait_until(lambda: not strays(), _GRACE_SECONDS)
    return len(strays())


def held_memory(pids: Iterable[int]) -> set[int]:
    """The inodes of lazygraph's shared memory that processes have open or mapped."""
    return {inode for pid in pids for inode in (*_opened(pid), *_mapped(pid))}


def _opened(pid: int) -> Iterator[int]:
    for link in _listed(_PROC / str(pid) / "fd"):
        try:
            if str(link.readlink()).startswith(_HELD):
                yield link.stat().st_ino
        except OSError:  # closed meanwhile
            continue


def _mapped(pid: int) -> Iterator[int]:
    try:
        lines = (_PROC / str(pid) / "maps").read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, _, _, _, inode, *name = line.split(maxsplit=5)
        if name and name[0].startswith(_HELD):
            yield int(inode)


def _listed(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


class Named:
    """Lazygraph's shared memory with a name, since this was made: there should be none."""

    def __init__(self) -> None:
        self._before = _named()

    def new(self) -> set[str]:
        """What was not there before."""
        return _named() - self._before


def _named() -> set[str]:
    found = set()
    for path in _listed(_NAMED):
        try:
            if path.name.startswith(_PREFIX) and path.stat().st_uid == os.getuid():
                found.add(path.name)
        except OSError:
            continue
    return found


def clear_away(named: Named) -> tuple[int, int]:
    """How many processes and pieces of memory are there after a while; then end the processes.

    Parameters
    ----------
    named : Named
        From before the processes were started.

    Notes
    -----
    Only descendants of this process are looked at, which none can escape once orphans are
    adopted: other programs that use lazygraph at the same time are left alone.
    """

    def left() -> list[int]:
        return [pid for pid in descendants() if not _is_reaped(pid)]

    wait_until(lambda: not left() and not named.new(), _GRACE_SECONDS)
    pids = left()
    n_memory = len(held_memory(pids)) + len(named.new())
    for pid in pids:
        _kill(pid)
    wait_until(lambda: not left(), _GRACE_SECONDS)
    return len(pids), n_memory


def _is_reaped(pid: int) -> bool:
    """Whether an adopted child was dead already; then it no longer is there at all."""
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:  # a grandchild: its parent's to wait for
        return False


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)

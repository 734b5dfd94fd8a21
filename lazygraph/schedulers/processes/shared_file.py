"""The file in which a pool's shared memory lies: made, written, read and mapped."""

from __future__ import annotations

import errno
import mmap
import os
import sys
import tempfile
import threading
import weakref
from collections.abc import Iterator
from contextlib import nullcontext
from functools import partial
from typing import Any

from lazygraph.schedulers.processes.descriptors import Descriptor, standard_taken
from lazygraph.schedulers.processes.forks import forget_in_children, keep_for_children
from lazygraph.schedulers.processes.space import Handle

try:
    import resource
except ImportError:  # not POSIX
    resource = None  # type: ignore[assignment]

__all__ = [
    "FILE_BYTES",
    "Mapping",
    "anonymous_file",
    "extents",
    "map_file",
    "read_all",
    "write_all",
]

FILE_BYTES = 1 << 62  # of offsets, not of memory: no process ever has to make it longer
_MFD_NOEXEC_SEAL = 8  # from Linux 6.3 on
_SHARED_FOLDER = "/dev/shm"  # noqa: S108  # a file system in memory, where there is one
#: Before 3.13 every mapping holds a file descriptor, of which there may be as few as 256.
_HOLDS_DESCRIPTOR = sys.version_info < (3, 13)
_MOST_MAPPINGS = 100 if _HOLDS_DESCRIPTOR else 10_000
_MAP_OPTIONS: dict[str, Any] = {} if _HOLDS_DESCRIPTOR else {"trackfd": False}


class Mapping(mmap.mmap):
    """Part of a pool's file in this process's memory; keeps a block in use as long as it lives."""

    keep: object = None


class _Kept:
    """What keeps the blocks in use that private mappings show."""

    def shown(self) -> list[object]:
        """Return what all mappings of this process keep in use."""
        with _mappings_lock:
            return [made.keep for made in _mappings if made.keep is not None]

    def forget(self) -> None:
        """Go on in a forked child: some thread of the parent may hold the lock."""
        global _mappings_lock  # noqa: PLW0603  # of this process
        _mappings_lock = threading.Lock()


_mappings_lock = threading.Lock()
_kept = _Kept()
forget_in_children(_kept)
keep_for_children(_kept)

#: All of this process, whatever pool they show: each may hold a descriptor of its limited number.
_mappings: weakref.WeakSet[Mapping] = weakref.WeakSet()


def map_file(file: Descriptor, offset: int, size: int, access: int) -> Mapping:
    """Map a part of a file.

    Raises
    ------
    OSError
        If there is no address space for it, or this process has too many.
    """
    if len(_mappings) >= _most_mappings():
        raise OSError(errno.EMFILE, "too many mappings")
    with standard_taken() if _HOLDS_DESCRIPTOR else nullcontext():
        made = Mapping(file.number, size, access=access, offset=offset, **_MAP_OPTIONS)
    with _mappings_lock:
        _mappings.add(made)
    return made


def _most_mappings() -> int:
    """Return how many mappings this process may have, so that others find descriptors left."""
    if not _HOLDS_DESCRIPTOR or resource is None:
        return _MOST_MAPPINGS
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return min(_MOST_MAPPINGS, soft // 4) if soft != resource.RLIM_INFINITY else _MOST_MAPPINGS


def anonymous_file() -> Descriptor:
    """Return a file without a name, as long as there are offsets.

    Raises
    ------
    OSError
        If the system has neither such memory nor a folder whose files may be that long.
    """
    refusals: list[OSError] = []
    for make in (_memory_file, partial(_temporary_file, _SHARED_FOLDER), _temporary_file):
        try:
            made = make()
            os.ftruncate(made.number, FILE_BYTES)
        except OSError as error:
            refusals.append(error)
        else:
            return made
    raise refusals[0]


def _memory_file() -> Descriptor:
    """Return a file in memory alone; Linux has them."""
    if not hasattr(os, "memfd_create"):
        raise OSError(errno.ENOSYS, "the system has no memfd_create")
    try:  # systems may insist on what old ones do not know
        return Descriptor(os.memfd_create("lazygraph", os.MFD_CLOEXEC | _MFD_NOEXEC_SEAL))
    except OSError:
        return Descriptor(os.memfd_create("lazygraph", os.MFD_CLOEXEC))


def _temporary_file(folder: str | None = None) -> Descriptor:
    with tempfile.TemporaryFile(prefix="lazygraph-", dir=folder) as file:
        return Descriptor(os.dup(file.fileno()))


def write_all(number: int, flat: memoryview, offset: int) -> None:
    """Write it all: the system takes at most 2 GB at a time."""
    done = os.pwrite(number, flat, offset)
    while done < flat.nbytes:
        done += os.pwrite(number, flat[done:], offset + done)


def read_all(number: int, handle: Handle) -> bytearray:
    """Copy a block out of the file; raise OSError if the file ends before it."""
    made = bytearray(handle.nbytes)
    with memoryview(made) as view:
        done = 0
        while done < handle.nbytes:
            count = os.preadv(number, [view[done:]], handle.offset + done)
            if not count:
                raise OSError(errno.EIO, "the pool's shared memory ends before the block")
            done += count
    return made


def extents(number: int, start: int, stop: int) -> Iterator[tuple[int, int]]:
    """Where the file has memory between two offsets."""
    while start < stop:
        try:
            begin = os.lseek(number, start, os.SEEK_DATA)
        except OSError:  # none up to the file's end
            return
        if begin >= stop:
            return
        start = min(os.lseek(number, begin, os.SEEK_HOLE), stop)
        yield begin, start

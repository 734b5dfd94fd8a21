"""Turns big buffers into handles that other processes can look at: one pool's shared memory.

One anonymous file holds it all, so that the kernel frees everything with the last process.
Each process (an **owner**) allocates in a region of file offsets of its own and nowhere else;
everyone may read everywhere. Writing goes through the file: on new memory `os.pwrite` is
five times as quick as filling a mapping page fault by page fault, other threads run
meanwhile, and a full file system is an OSError where a mapping would end the process with
SIGBUS. Reading goes through mappings.
"""

from __future__ import annotations

import errno
import mmap
import os
import threading
from collections.abc import Iterable
from contextlib import suppress
from pickle import PickleBuffer
from typing import TypeAlias

from lazygraph.schedulers.processes.descriptors import Descriptor
from lazygraph.schedulers.processes.forks import (
    forget_in_children,
    keep_for_children,
    release_ended,
)
from lazygraph.schedulers.processes.memory import available_bytes
from lazygraph.schedulers.processes.shared_file import (
    FILE_BYTES,
    Mapping,
    anonymous_file,
    extents,
    map_file,
    read_all,
    write_all,
)
from lazygraph.schedulers.processes.space import (
    Handle,
    Space,
    region_of,
    whole_pages,
    window_of,
)

__all__ = ["BIG", "Arena", "Buffer", "Handle"]

#: Whatever bytes can be taken from.
Buffer: TypeAlias = bytes | bytearray | memoryview | PickleBuffer

#: Buffers of fewer bytes stay in the pipe.
BIG = 64 * 1024

_MB = 1 << 20
_IDLE_WINDOWS = 4
#: Of free blocks, in all processes of a pool: they are several times quicker to write to.
_KEEP_BYTES = 768 * _MB
_CHECK_BYTES = 32 * _MB  # written since somebody last asked how much memory there is
_RESERVE_BYTES = 64 * _MB  # left to others
_PIECE_BYTES = 64 * _MB  # mapped at once to give memory back
#: Copying is quicker than mapping below this, and holds no shared memory.
_COPY_BYTES = _MB
_CLOSED = Descriptor(-1)


class Arena:
    """Shared memory of one pool, as one of its processes sees it; usable by several threads.

    Parameters
    ----------
    file : int or Descriptor
        The file; a number, inherited, is the arena's to close.
    owner : int
        The number of this process: no other one has it, not even one that has ended.
    sharers : int
        How many processes share what memory of free blocks is kept.
    """

    def __init__(self, file: int | Descriptor, owner: int, sharers: int = 1) -> None:
        self.owner, self._keep_bytes = owner, _KEEP_BYTES // sharers
        self._unchecked_bytes = _CHECK_BYTES  # written since there was found to be memory for it
        self._file = Descriptor(file) if isinstance(file, int) else file
        self._identity = _identity(self._file)
        self._space = Space(owner)
        self._lock = threading.Lock()
        self._windows: dict[tuple[int, int], Mapping] = {}
        # A view is handed out through an inner one, which cannot be released while the outer
        # or anything made from it lives: memoryviews of one object do not know of each other.
        self._inner: dict[Handle, memoryview] = {}
        self._outer: dict[Handle, memoryview] = {}
        self._held: set[Handle] = set()  # dropped, yet something still looks at them
        forget_in_children(self)
        keep_for_children(self)

    def lasting(self) -> Arena:
        """Return the same memory, to read in after this object is closed."""
        return Arena(self._opened(), self.owner)

    @classmethod
    def create(cls, sharers: int = 1) -> Arena:
        """Make an arena for the parent (owner 0).

        Raises
        ------
        OSError
            If the system refuses one, as it does under a limit on file sizes.
        """
        return cls(anonymous_file(), 0, sharers)

    @property
    def fd(self) -> int:
        """The file's number, for `pass_fds`; -1 when closed."""
        return self._file.number

    @property
    def nbytes_used(self) -> int:
        """Memory that the whole file takes, of all owners, in bytes."""
        return 0 if self._file.number < 0 else os.fstat(self._file.number).st_blocks * 512

    def write(self, buffer: Buffer) -> Handle:
        """Copy a buffer's bytes into a block of this owner's.

        Raises
        ------
        OSError
            If the file can have no more; nothing is kept then.
        MemoryError
            If there is no memory for it.
        """
        with memoryview(buffer) as view, PickleBuffer(view).raw() as flat:
            with suppress(OSError):
                return self._write(flat)
            return self._write(flat)  # what was free is given back by now

    def _write(self, flat: memoryview) -> Handle:
        file = self._opened()
        with self._lock:
            warm = self._space.warm_bytes
            handle = Handle(self._space.take(flat.nbytes), flat.nbytes)
            is_warm = self._space.warm_bytes < warm
        try:
            if not is_warm:
                self._check_memory(flat.nbytes)
            write_all(file.number, flat, handle.offset)
        except BaseException as error:
            self.free([handle])
            if isinstance(error, OSError):
                self.trim(0)
            raise
        return handle

    def _check_memory(self, nbytes: int) -> None:
        """Refuse what would make the system kill processes: these pages are in none's account."""
        self._unchecked_bytes += nbytes
        if self._unchecked_bytes < _CHECK_BYTES:
            return
        left = available_bytes()
        if left is not None and nbytes + _RESERVE_BYTES > left:
            self.trim(0)
            left = available_bytes()
            if left is not None and nbytes + _RESERVE_BYTES > left:
                raise MemoryError(f"{nbytes} bytes are to be shared, and {left} bytes are left")
        self._unchecked_bytes = 0

    def _opened(self) -> Descriptor:
        if self._file.number < 0:
            raise OSError(errno.EBADF, "the pool's shared memory is closed")
        if _identity(self._file) != self._identity:
            self._file.number = -1  # another file's by now
            raise OSError(errno.EBADF, "the program has closed the pool's shared memory")
        return self._file

    def read(self, offset: int, nbytes: int) -> bytes:
        """Return a copy of some bytes, wherever they are."""
        return bytes(read_all(self._opened().number, Handle(offset, nbytes)))

    def view(self, handle: Handle) -> memoryview:
        """Return a block's bytes, read-only, not copied; the same object until dropped."""
        with self._lock:
            outer = self._outer.get(handle)
            if outer is None:
                self._held.discard(handle)
                inner = self._inner.get(handle)
                if inner is None:
                    inner = self._inner[handle] = self._look(handle)
                outer = self._outer[handle] = memoryview(PickleBuffer(inner))
            return outer

    def private(self, handle: Handle, keep: object) -> memoryview:
        """Return a block's bytes, writable, in memory of this process alone.

        Pages are copied when first written; a small block is copied at once.

        Parameters
        ----------
        keep
            Lives as long as anything looks at the block.
        """
        if handle.nbytes >= _COPY_BYTES:
            with suppress(OSError):
                return memoryview(self._map_private(handle, keep))
        return memoryview(read_all(self._opened().number, handle))

    def _map_private(self, handle: Handle, keep: object) -> Mapping:
        made = map_file(self._opened(), handle.offset, handle.nbytes, mmap.ACCESS_COPY)
        made.keep = keep
        return made

    def _look(self, handle: Handle) -> memoryview:
        """Return a block in its window, or a copy of it where no window can be had."""
        start, size = window_of(handle)
        try:
            window = self._window(start, size)
        except OSError:  # no address space, or no file descriptors
            return memoryview(read_all(self._opened().number, handle)).toreadonly()
        begin = handle.offset - start
        return memoryview(window)[begin : begin + handle.nbytes]

    def _window(self, start: int, size: int) -> Mapping:
        window = self._windows.get((start, size))
        if window is None:
            if len(self._windows) >= _IDLE_WINDOWS:
                self._unmap_idle()
            window = map_file(self._opened(), start, size, mmap.ACCESS_READ)
            self._windows[start, size] = window
        return window

    def _unmap_idle(self) -> None:
        for key in list(self._windows):
            self._unmap(key)

    def _unmap(self, key: tuple[int, int]) -> None:
        with suppress(BufferError, KeyError):  # someone looks through it; it is not mapped
            self._windows[key].close()
            del self._windows[key]

    def drop(self, handles: Iterable[Handle]) -> list[Handle]:
        """Forget the views of some blocks.

        Returns
        -------
        list of Handle
            Those that nothing in this process looks at any more. The others, which an
            array that someone keeps still shows, are for `recheck`.
        """
        with self._lock:
            return [handle for handle in handles if self._forget(handle)]

    def recheck(self) -> list[Handle]:
        """Return those blocks dropped earlier that nothing looks at any more since."""
        release_ended()
        with self._lock:
            return [handle for handle in list(self._held) if self._forget(handle)]

    def _forget(self, handle: Handle) -> bool:
        self._outer.pop(handle, None)
        inner = self._inner.get(handle)
        if inner is not None:
            try:
                inner.release()
            except BufferError:
                self._held.add(handle)
                return False
            del self._inner[handle]
        self._held.discard(handle)
        window = window_of(handle)
        if window[0] == handle.offset and window[1] == handle.nbytes:
            self._unmap(window)  # its own: nobody else will look through it
        return True

    def free(self, handles: Iterable[Handle]) -> None:
        """Let blocks of this owner be used again, by coming writes."""
        with self._lock:
            for handle in handles:
                self._space.give(handle.offset)

    def trim(self, keep_bytes: int | None = None) -> None:
        """Give the operating system the memory of free blocks, but for so many bytes.

        By default they are this process's share of what a pool keeps.

        Takes no time when there is nothing to give: call it whenever blocks were freed.
        """
        keep_bytes = self._keep_bytes if keep_bytes is None else keep_bytes
        while self._space.warm_bytes > keep_bytes:
            with self._lock:
                if self._space.warm_bytes <= keep_bytes:
                    return
                offset, size = self._space.pop_oldest()
            self._punch(offset, offset + size)
            with self._lock:
                self._space.give_cold(offset, size)

    def discard(self, handle: Handle) -> None:
        """Give back the memory of a block whose owner has ended."""
        self._punch(handle.offset, handle.offset + whole_pages(handle.nbytes))

    def sweep(self, owner: int, live: Iterable[Handle]) -> None:
        """Give back the memory of an owner that has ended, but for the blocks still in use."""
        region = region_of(owner)
        self._punch_between(region.start, region.stop, live)

    def sweep_all(self, live: Iterable[Handle]) -> None:
        """Give back the memory of all owners, who have ended, but for the blocks still in use."""
        self._punch_between(0, FILE_BYTES, live)

    def _punch_between(self, start: int, stop: int, live: Iterable[Handle]) -> None:
        for handle in sorted(live):
            self._punch_data(start, handle.offset)
            start = handle.offset + whole_pages(handle.nbytes)
        self._punch_data(start, stop)

    def _punch_data(self, start: int, stop: int) -> None:
        for begin, end in extents(self._opened().number, start, stop):
            self._punch(begin, end)

    def _punch(self, start: int, stop: int) -> None:
        """Free the memory between two offsets; where that cannot be done it stays taken."""
        advice = getattr(mmap, "MADV_REMOVE", None)  # Linux has it
        if advice is None or self._file.number < 0:
            return
        for begin in range(start, stop, _PIECE_BYTES):
            size = min(_PIECE_BYTES, stop - begin)
            with suppress(OSError), mmap.mmap(self._opened().number, size, offset=begin) as mapped:
                mapped.madvise(advice)

    def shown(self) -> list[PickleBuffer]:
        """Return what keeps all blocks that this process looks at from being let go of."""
        return [PickleBuffer(inner) for inner in list(self._inner.values())]

    def forget(self) -> None:
        """Go on in a forked child: some thread of the parent may hold the lock."""
        self._lock = threading.Lock()

    def close(self) -> None:
        """Let go of the file; what somebody still looks at stays readable."""
        with self._lock:
            for handle in list(self._inner):
                self._forget(handle)
            self._unmap_idle()
            self._file = _CLOSED


def _identity(file: Descriptor) -> tuple[int, int]:
    """Return what tells a file from one that has its number later."""
    found = os.fstat(file.number)
    return found.st_dev, found.st_ino

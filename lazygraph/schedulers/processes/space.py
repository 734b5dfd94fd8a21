"""Turns sizes into offsets: which parts of an owner's region of the shared file are in use.

Bookkeeping only; the memory itself is the arena's.
"""

from __future__ import annotations

import errno
import mmap
from collections import OrderedDict, deque
from typing import NamedTuple

__all__ = ["Handle", "Space", "region_of", "whole_pages", "window_of"]

_MB = 1 << 20
_PAGE = mmap.ALLOCATIONGRANULARITY
_REGION_BITS = 40
#: Blocks up to this size share windows, bigger ones have one each, in the region's second part.
_MOST_SHARED = 16 * _MB
_FIRST_WINDOW, _LAST_WINDOW = 4 * _MB, 64 * _MB
_SHARED_BYTES = 1 << 38


class Handle(NamedTuple):
    """Where a buffer's bytes are: the same for all processes of a pool."""

    offset: int
    nbytes: int

    @property
    def owner(self) -> int:
        """The process that may write here: 0 is the parent."""
        return self.offset >> _REGION_BITS


def region_of(owner: int) -> range:
    """Return the file offsets where one owner may write."""
    return range(owner << _REGION_BITS, (owner + 1) << _REGION_BITS)


def window_of(handle: Handle) -> tuple[int, int]:
    """Offset and size of what is mapped to look at a block.

    The first windows of a region are 4, 4, 8, 16 and 32 MB, so that little data maps little;
    all further ones 64 MB.
    """
    within = handle.offset & ((1 << _REGION_BITS) - 1)
    if within >= _SHARED_BYTES:
        return handle.offset, handle.nbytes
    start, size = _shared_window(within)
    return handle.offset - within + start, size


def _shared_window(within: int) -> tuple[int, int]:
    if within >= _LAST_WINDOW:
        return within & -_LAST_WINDOW, _LAST_WINDOW
    if within < _FIRST_WINDOW:
        return 0, _FIRST_WINDOW
    size: int = 1 << (within.bit_length() - 1)
    return size, size


def whole_pages(nbytes: int) -> int:
    """Return the size of the pages that so many bytes take; of one, if there are none."""
    return max(1, -(-nbytes // _PAGE)) * _PAGE


def _block_size(nbytes: int) -> int:
    """Return the size of the block for so many bytes: whole pages, eight sizes to an octave."""
    pages = whole_pages(nbytes) // _PAGE
    step = 1 << max(0, pages.bit_length() - 4)
    return -(-pages // step) * step * _PAGE


class Space:
    """Which offsets of one owner's region are in use; bookkeeping only.

    Free blocks are **warm** while the operating system keeps their pages, which makes them
    several times quicker to write; cold ones have been given back.
    """

    def __init__(self, owner: int) -> None:
        self._region = region_of(owner)
        self._next_shared = self._region.start
        self._next_own = self._region.start + _SHARED_BYTES
        self._in_use: dict[int, int] = {}  # offset -> size, as in the next one
        self._warm: OrderedDict[int, int] = OrderedDict()  # the longest free first
        self._warm_of: dict[int, deque[int]] = {}  # size -> offsets, likewise
        self._cold_of: dict[int, list[int]] = {}
        self.warm_bytes = 0

    def take(self, nbytes: int) -> int:
        """Return the offset of a block that nobody uses."""
        size = _block_size(nbytes)
        larger = _block_size(size + 1)
        for candidate in (size, larger, _block_size(larger + 1)):
            if self._warm_of.get(candidate):
                return self._reuse(candidate)
        cold = self._cold_of.get(size)
        offset = cold.pop() if cold else self._new(size)
        self._in_use[offset] = size
        return offset

    def _reuse(self, size: int) -> int:
        offset = self._warm_of[size].pop()  # the last one freed: its pages may be in the cache
        self._in_use[offset] = self._warm.pop(offset)
        self.warm_bytes -= size
        return offset

    def _new(self, size: int) -> int:
        start = self._region.start
        if size > _MOST_SHARED:
            offset, self._next_own = self._next_own, self._next_own + size
            end = self._region.stop
        else:
            offset = start + _place(self._next_shared - start, size)
            self._next_shared = offset + size
            end = start + _SHARED_BYTES
        if offset + size > end:
            raise OSError(errno.ENOSPC, "the pool's shared memory has no offsets left")
        return offset

    def give(self, offset: int) -> None:
        """Let a block be used again; one that is free already stays so."""
        size = self._in_use.pop(offset, None)
        if size is not None:
            self._warm[offset] = size
            self._warm_of.setdefault(size, deque()).append(offset)
            self.warm_bytes += size

    def pop_oldest(self) -> tuple[int, int]:
        """Offset and size of the block that has been free and warm for longest."""
        offset, size = self._warm.popitem(last=False)
        self._warm_of[size].popleft()
        self.warm_bytes -= size
        return offset, size

    def give_cold(self, offset: int, size: int) -> None:
        """Let a block be used again whose pages have been given back."""
        self._cold_of.setdefault(size, []).append(offset)


def _place(within: int, size: int) -> int:
    """Return the first offset from `within` on where a block does not leave its window."""
    while True:
        start, window = _shared_window(within)
        if within + size <= start + window:
            return within
        within = start + window

"""Owns the file descriptors of this process's side of a pool: each is closed with its last use."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress

__all__ = ["Descriptor", "pipe", "socket_pair", "standard_taken"]

_LAST_STANDARD = 2


class Descriptor:
    """An open file: above the standard three, not inherited, closed with its last reference.

    A number among the standard three, free where a program has closed one of them, would be
    overwritten in a child, or written to by C code that prints. A number without an owner may
    be another file's by the time it is closed.

    Parameters
    ----------
    number : int
        An open descriptor, or -1 for none; this object closes it, or has exchanged it for another number.

    Raises
    ------
    OSError
        If there is no other number for it; it is closed then.
    """

    __slots__ = ("number",)

    def __init__(self, number: int) -> None:
        self.number = number
        if 0 <= number <= _LAST_STANDARD:
            self.number = _raised(number)

    def fileno(self) -> int:
        """Return the number, for selectors; -1 when closed."""
        return self.number

    def close(self) -> None:
        """Close the file; more than once does no harm."""
        number, self.number = self.number, -1
        if number >= 0:
            os.close(number)

    def __del__(self) -> None:
        with suppress(Exception):  # half made, or at the interpreter's exit
            self.close()


def _raised(number: int) -> int:
    """Exchange a number for one above the standard three."""
    low = [number]
    try:
        while low[-1] <= _LAST_STANDARD:
            low.append(os.dup(low[-1]))  # takes the lowest that is free
        return low.pop()
    finally:
        for each in low:
            os.close(each)


@contextmanager
def standard_taken() -> Iterator[None]:
    """Keep the standard three numbers from what is opened meanwhile without our doing."""
    taken: list[int] = []
    try:
        while not taken or taken[-1] <= _LAST_STANDARD:
            taken.append(os.open(os.devnull, os.O_RDWR))
        yield
    finally:
        for number in taken:
            os.close(number)


def pipe() -> tuple[Descriptor, Descriptor]:
    """Return the two ends of a pipe: to read from, to write to."""
    read, write = os.pipe()
    try:
        ours = Descriptor(read)
    except BaseException:
        os.close(write)
        raise
    return ours, Descriptor(write)


def socket_pair(buffer_bytes: int) -> tuple[socket.socket, socket.socket]:
    """Return two connected sockets whose numbers are above the standard three.

    Parameters
    ----------
    buffer_bytes : int
        How much each holds unread before its sender has to wait.
    """
    ends = socket.socketpair()
    try:
        for end in ends:
            end.setblocking(True)  # whatever timeout the program has set for new sockets
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, buffer_bytes)
        return _socket(ends[0]), _socket(ends[1])
    except BaseException:
        for end in ends:
            end.close()
        raise


def _socket(end: socket.socket) -> socket.socket:
    if end.fileno() > _LAST_STANDARD:
        return end
    made = socket.socket(fileno=_raised(end.detach()))
    made.setblocking(True)
    return made

"""Makes one system call of a kind fail, the n-th, as it does when there is no more of something."""

from __future__ import annotations

import errno
import mmap
import os
import select
import selectors
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from time import monotonic
from typing import Any, NamedTuple

from lazygraph.schedulers.processes import shared_file

__all__ = ["CALLS", "Call", "Count", "fail_from_now_on", "failing"]


class Call(NamedTuple):
    """Where a system call is made: the attribute of a module or a class, and how it can fail."""

    owner: Any
    name: str
    errors: tuple[int, ...]


CALLS = {
    "memfd_create": Call(os, "memfd_create", (errno.EMFILE, errno.ENOMEM)),
    "ftruncate": Call(os, "ftruncate", (errno.ENOSPC, errno.EFBIG)),
    "pwrite": Call(os, "pwrite", (errno.ENOSPC, errno.EIO)),
    "pread": Call(os, "pread", (errno.EIO,)),
    "preadv": Call(os, "preadv", (errno.EIO, errno.ENOMEM)),
    "lseek": Call(os, "lseek", (errno.EINVAL,)),
    "dup": Call(os, "dup", (errno.EMFILE,)),
    "open": Call(os, "open", (errno.EMFILE, errno.ENOMEM)),
    "pipe": Call(os, "pipe", (errno.EMFILE, errno.ENFILE)),
    "read": Call(os, "read", (errno.EAGAIN, errno.EIO)),
    "write": Call(os, "write", (errno.EAGAIN, errno.EPIPE)),
    "pidfd_open": Call(os, "pidfd_open", (errno.EMFILE, errno.ENOSYS)),
    "mmap": Call(mmap, "mmap", (errno.ENOMEM, errno.EMFILE)),
    "mapping": Call(shared_file, "Mapping", (errno.ENOMEM, errno.EMFILE)),
    "epoll": Call(select, "epoll", (errno.EMFILE,)),
    "register": Call(selectors.DefaultSelector, "register", (errno.ENOSPC, errno.ENOMEM)),
    "modify": Call(selectors.DefaultSelector, "modify", (errno.ENOMEM,)),
    "socketpair": Call(socket, "socketpair", (errno.EMFILE,)),
    "setsockopt": Call(socket.socket, "setsockopt", (errno.ENOMEM,)),
    "send": Call(socket.socket, "send", (errno.EPIPE, errno.EAGAIN, errno.ENOBUFS)),
    "recv": Call(socket.socket, "recv", (errno.ECONNRESET, errno.EAGAIN, errno.ENOMEM)),
    "Popen": Call(subprocess, "Popen", (errno.EAGAIN, errno.ENOMEM)),
    "thread": Call(threading.Thread, "start", (errno.EAGAIN,)),
}


class Count:
    """How often a call was made, and which of them is to fail: all, without a number."""

    def __init__(self, n: int | None) -> None:
        self.n, self.calls, self._began = n, 0, monotonic()
        self._lock = threading.Lock()

    def is_due(self) -> bool:
        """Whether this call is the one that fails."""
        with self._lock:
            self.calls += 1
            return self.n is None or self.calls == self.n

    @property
    def seconds(self) -> float:
        """For how long calls have been counted."""
        return monotonic() - self._began

    @property
    def has_failed(self) -> bool:
        """Whether there were so many calls."""
        return self.n is not None and self.calls >= self.n


def _error(kind: str, number: int | type[BaseException]) -> BaseException:
    if not isinstance(number, int):
        return number()
    if kind == "thread":  # threading says nothing else
        return RuntimeError("can't start new thread")
    return OSError(number, os.strerror(number))


def _put_in_place(kind: str, number: int | type[BaseException], count: Count) -> Callable[[], None]:
    """Replace the call by one that may fail; return what takes it back.

    Calls of threads that run already succeed: they are those of a cluster that tests share.
    """
    owner, name, _ = CALLS[kind]
    original, is_inherited = getattr(owner, name), name not in vars(owner)
    bystanders = set(threading.enumerate()) - {threading.current_thread()}

    def call(*args: Any, **kwargs: Any) -> Any:
        if threading.current_thread() not in bystanders and count.is_due():
            raise _error(kind, number)
        return original(*args, **kwargs)

    setattr(owner, name, call)
    return (
        partial(delattr, owner, name) if is_inherited else partial(setattr, owner, name, original)
    )


@contextmanager
def failing(kind: str, n: int | None, number: int | type[BaseException]) -> Iterator[Count]:
    """Make the n-th call of a kind, or all, fail while the block runs.

    Parameters
    ----------
    number : int or class
        Of the error, or what is raised instead.
    """
    count = Count(n)
    take_back = _put_in_place(kind, number, count)
    try:
        yield count
    finally:
        take_back()


def fail_from_now_on(kind: str, n: int, number: int) -> None:
    """Make the n-th call of a kind fail in this process: for a worker's initializer."""
    _put_in_place(kind, number, Count(n))

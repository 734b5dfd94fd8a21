"""Messages between the parent and one worker, over a pair of sockets."""

from __future__ import annotations

import errno
import os
import pickle
import socket
import struct
import sys
import threading
from collections import deque
from contextlib import suppress
from typing import Any

__all__ = ["Channel", "WorkerChannel"]

_LENGTH = struct.Struct("Q")
_READ_BYTES = 1 << 20
#: Without it, a program that lets SIGPIPE end it would end with the first worker that has.
_SEND_FLAGS = getattr(socket, "MSG_NOSIGNAL", 0)
_SO_NOSIGPIPE = 0x1022 if sys.platform == "darwin" else None  # which has no such flag


def _framed(message: Any) -> bytes:
    return _frame(pickle.dumps(message, 5))


def _frame(body: bytes) -> bytes:
    return _LENGTH.pack(len(body)) + body


class Channel:
    """The parent's end: it never waits, neither to read nor to write.

    A worker that is busy does not read; if the parent waited for it while the worker waited
    for the parent to take a big result, both would wait for ever.
    """

    def __init__(self, end: socket.socket) -> None:
        end.setblocking(False)
        if _SO_NOSIGPIPE is not None:
            end.setsockopt(socket.SOL_SOCKET, _SO_NOSIGPIPE, 1)
        self.socket = end
        self._unsent: deque[memoryview] = deque()
        self._arrived = bytearray()
        self.is_closed = False

    def fileno(self) -> int:
        """For selectors."""
        return self.socket.fileno()

    def send(self, message: Any) -> None:
        """Send now what the system takes now; `flush` sends the rest."""
        self.send_bytes(pickle.dumps(message, 5))

    def send_bytes(self, body: bytes) -> None:
        """Send what is read as it is."""
        self._unsent.append(memoryview(_frame(body)))
        self.flush()

    @property
    def has_unsent(self) -> bool:
        """Whether `flush` has something to do."""
        return bool(self._unsent)

    def flush(self) -> None:
        """Send more of what is unsent."""
        try:
            while self._unsent:
                piece = self._unsent[0]
                sent = self.socket.send(piece, _SEND_FLAGS)
                if sent == len(piece):
                    self._unsent.popleft()
                else:
                    self._unsent[0] = piece[sent:]
        except BlockingIOError:
            pass
        except OSError:  # the worker is gone, or has not got what it was sent: both ends are told
            self._unsent.clear()
            with suppress(OSError):
                self.socket.shutdown(socket.SHUT_RDWR)

    def receive(self) -> list[Any]:
        """Return the messages that have arrived; `is_closed` is set when there will be no more."""
        self._read()
        arrived, begin = self._arrived, 0
        found: list[Any] = []
        while len(arrived) - begin >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(arrived, begin)
            end = begin + _LENGTH.size + length
            if len(arrived) < end:
                break
            with memoryview(arrived)[begin + _LENGTH.size : end] as body:
                found.append(pickle.loads(body))  # noqa: S301  # our own worker's
            begin = end
        del arrived[:begin]
        return found

    def _read(self) -> None:
        """All there is, but at most for a moment: other workers are waiting."""
        try:
            for _ in range(64):
                piece = self.socket.recv(_READ_BYTES)
                if not piece:
                    self.is_closed = True
                    return
                self._arrived += piece
                if len(piece) < _READ_BYTES // 16:
                    return
        except BlockingIOError:
            pass
        except OSError:
            self.is_closed = True

    def close(self) -> None:
        """Close the socket: the worker, if alive, ends."""
        self.is_closed = True
        self.socket.close()


class WorkerChannel:
    """The worker's end: it waits. Any thread may send, finalisers and signal handlers included.

    These may interrupt a `send` of their own thread at any line, and handlers may end it by an
    exception: neither may wait for the frame that is being sent, nor leave it torn. So frames
    stand in a queue, which one caller at a time sends; one that has interrupted it leaves its
    frame there, and after an exception the next caller goes on where the last has stopped.
    """

    def __init__(self, end: socket.socket) -> None:
        self._socket, self._pid = end, os.getpid()
        self._file = end.makefile("rb", buffering=_READ_BYTES)
        self._lock = threading.RLock()  # held by who sends
        self._is_sending = False
        self._unsent: deque[tuple[bytes, list[int]]] = deque()  # and how much is sent, in pieces

    def send(self, message: Any) -> None:
        """Send, and wait until it is sent.

        Raises
        ------
        OSError
            If the parent is gone, or this process is a fork of the worker.
        """
        if os.getpid() != self._pid:
            raise OSError(errno.EPIPE, "only a worker, and no fork of it, speaks to its parent")
        self._unsent.append((_framed(message), []))
        with self._lock:
            if self._is_sending:  # this thread, further up its stack: it will send this, too
                return
            try:
                self._is_sending = True
                while self._unsent:
                    self._send_first()
            finally:
                self._is_sending = False

    def _send_first(self) -> None:
        frame, sent = self._unsent[0]
        while (begin := sum(sent)) < len(frame):
            # An exception may come between a call and the assignment of what it returned, but
            # not inside this one: what was sent is known, whatever happens.
            sent.extend(map(self._socket.send, (memoryview(frame)[begin:],)))
        self._unsent.popleft()

    def close(self) -> None:
        """Close this copy of the socket."""
        os.close(self._socket.detach())

    def receive(self) -> Any:
        """Return the next message.

        Raises
        ------
        EOFError
            If the parent is gone.
        """
        head = self._file.read(_LENGTH.size)
        if len(head) < _LENGTH.size:
            raise EOFError
        (length,) = _LENGTH.unpack(head)
        body = self._file.read(length)
        if len(body) < length:
            raise EOFError
        return pickle.loads(body)  # noqa: S301  # our own parent's

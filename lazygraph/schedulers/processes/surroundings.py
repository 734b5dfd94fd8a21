"""What tasks print and log in a worker: to the parent, which prints and logs it."""

from __future__ import annotations

import io
import logging
import pickle
import sys
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, TextIO

from lazygraph.schedulers.processes.channel import WorkerChannel
from lazygraph.schedulers.processes.messages import Logged, Printed
from lazygraph.tasks.keys import Key
from lazygraph.transport.pickling import dumps

__all__ = ["flush_output", "forward_output", "log", "print_text"]


# ---------------------------------------------------------------- the parent's
def print_text(message: Printed) -> None:
    """Print, in the parent, what a task printed in a worker."""
    stream = getattr(sys, message.stream)
    with suppress(OSError, ValueError):  # closed: as lost as it would be here
        if stream is not None:
            stream.write(_encodable(message.text, stream))


def _encodable(text: str, stream: TextIO) -> str:
    """The text, with escapes for what the stream's encoding has no signs for."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)


def log(message: Logged, key: Key | None) -> None:
    """Log, in the parent, what a task logged in a worker; the record's `task` is its key."""
    try:
        record = pickle.loads(message.record)  # noqa: S301  # our own worker's
    except Exception:  # its extra is of a class that is not to be had here
        return
    record.task = key
    logger = logging.getLogger(record.name)
    if logger.isEnabledFor(record.levelno):
        logger.handle(record)


# ---------------------------------------------------------------- the worker's
class _Forward(io.TextIOBase):
    """A text stream whose lines go to the parent."""

    def __init__(self, name: str, channel: WorkerChannel) -> None:
        self._name, self._channel = name, channel
        self._held: deque[str] = deque()  # no lock: a finaliser or a signal handler may print, too

    encoding = "utf-8"

    def writable(self) -> bool:
        return True

    def write(self, text: str, /) -> int:
        self._held.append(text)
        if "\n" in text:
            self.flush()
        return len(text)

    def fileno(self) -> int:
        """Return the worker's own descriptor: for other programs, and for faulthandler."""
        return {"stdout": 1, "stderr": 2}[self._name]

    @property
    def buffer(self) -> _Bytes:
        """A stream of bytes, which are text as the parent prints it."""
        return _Bytes(self)

    errors = "backslashreplace"

    def flush(self) -> None:
        text = "".join(_taken(self._held))
        if text:
            self._channel.send(Printed(self._name, text))


def _taken(held: deque[str]) -> Iterator[str]:
    with suppress(IndexError):
        while True:
            yield held.popleft()


class _Bytes(io.RawIOBase):
    """The bytes of a text stream."""

    def __init__(self, text: _Forward) -> None:
        self._text = text

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        self._text.write(bytes(data).decode(errors="backslashreplace"))
        return len(data)

    def flush(self) -> None:
        self._text.flush()


class _Forwarder(logging.Handler):
    """Sends log records to the parent, each with its step."""

    def __init__(self, channel: WorkerChannel, step: Callable[[], int]) -> None:
        super().__init__()
        self._channel, self._step = channel, step

    def emit(self, record: logging.LogRecord) -> None:
        try:
            packed = _packed(record)
        except Exception:  # a message that does not fit its arguments
            self.handleError(record)
        else:
            self._channel.send(Logged(packed, self._step()))


def _packed(record: logging.LogRecord) -> bytes:
    """A record's pickle; of what cannot be pickled, its repr."""
    found = {**vars(record), "msg": record.getMessage(), "args": None, "exc_info": None}
    if record.exc_info:
        found["exc_text"] = logging.Formatter().formatException(record.exc_info)
    try:
        return dumps(logging.makeLogRecord(found))
    except Exception:
        return dumps(logging.makeLogRecord({n: _plain(value) for n, value in found.items()}))


def _plain(value: object) -> object:
    try:
        dumps(value)
    except Exception:
        return repr(value)
    return value


def forward_output(channel: WorkerChannel, step: Callable[[], int]) -> None:
    """Send to the parent what is printed and logged from now on; `step` says by whom."""
    sys.stdout, sys.stderr = _forwards[:] = [_Forward(n, channel) for n in ("stdout", "stderr")]
    logging.root.addHandler(_Forwarder(channel, step))


def leave_to_parent(channel: WorkerChannel) -> None:
    """In a forked child of a task: let go of what is the worker's.

    Or the parent would not hear of the worker's death while the child lives.
    """
    channel.close()
    sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__
    for handler in logging.root.handlers[:]:
        if isinstance(handler, _Forwarder):
            logging.root.removeHandler(handler)


#: The streams that this process forwards; a task may have put others in their place.
_forwards: list[_Forward] = []


def flush_output() -> None:
    """Send what was printed without an end of line; never raises."""
    for stream in (*_forwards, sys.stdout, sys.stderr):
        with suppress(Exception):  # a task's own: closed, or None
            stream.flush()

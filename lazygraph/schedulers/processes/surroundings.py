"""What tasks print and log in a worker: to the parent, which prints and logs it."""

from __future__ import annotations

import io
import logging
import pickle
import sys
import warnings
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from types import FrameType
from typing import Any, TextIO

from lazygraph.schedulers.processes.channel import WorkerChannel
from lazygraph.schedulers.processes.messages import Logged, Printed, Warned
from lazygraph.tasks.keys import Key
from lazygraph.transport.pickling import dumps, loads

__all__ = ["flush_output", "forward_output", "leave_to_parent", "show"]


# ---------------------------------------------------------------- the parent's
def show(message: Printed | Logged | Warned, key: Key | None) -> None:
    """Print, log or warn, in the parent, as a task did in a worker; `key` is the task's."""
    match message:
        case Printed(name, text):
            _print(name, text)
        case Logged():
            _log(message, key)
        case Warned():
            _warn(message)


def _print(name: str, text: str) -> None:
    stream = getattr(sys, name)
    with suppress(OSError, ValueError):  # closed: as lost as it would be here
        if stream is not None:
            stream.write(_encodable(text, stream))


def _warn(message: Warned) -> None:
    """Warn as on threads: by the filters there are, and once where they say once."""
    try:
        warning, category, filename, line, module = loads(message.packed)
    except Exception:  # of a class that is not to be had here
        _print("stderr", message.text)
        return
    known = vars(sys.modules[module]) if module in sys.modules else {}
    registry = known.setdefault("__warningregistry__", {})
    # A filter that makes errors has made one in the task, or is newer than the run.
    with suppress(Warning):
        warnings.warn_explicit(warning, category, filename, line, module, registry)


def _encodable(text: str, stream: TextIO) -> str:
    """Return the text, with escapes for what the stream's encoding has no signs for."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)


def _log(message: Logged, key: Key | None) -> None:
    """Log a record; its `task` is the key."""
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
    """Return a record's pickle; of what cannot be pickled, its repr."""
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


def _module_of(filename: str, line: int) -> str | None:
    """Return the module whose running code is in that line."""
    frame: FrameType | None = sys._getframe()
    while frame is not None and (frame.f_code.co_filename, frame.f_lineno) != (filename, line):
        frame = frame.f_back
    return None if frame is None else frame.f_globals.get("__name__")


def _forward_warning(
    channel: WorkerChannel,
    message: Warning,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """Stand in for `warnings.showwarning`."""
    text = warnings.formatwarning(message, category, filename, lineno, line)
    if file is not None:
        file.write(text)
        return
    where = filename, lineno, _module_of(filename, lineno)
    try:
        packed = dumps((message, category, *where))
    except Exception:  # it holds what cannot be pickled
        known = next(base for base in category.__mro__ if base.__module__ == "builtins")
        packed = dumps((str(message), known, *where))
    channel.send(Warned(packed, text))


def forward_output(channel: WorkerChannel, step: Callable[[], int]) -> None:
    """Send to the parent what is printed, logged and warned of from now on; `step` says by whom."""
    warnings.showwarning = partial(_forward_warning, channel)
    sys.stdout, sys.stderr = _forwards[:] = [_Forward(n, channel) for n in ("stdout", "stderr")]
    logging.root.addHandler(_Forwarder(channel, step))


def leave_to_parent(channel: WorkerChannel) -> None:
    """In a forked child of a task: let go of what is the worker's.

    Or the parent would not hear of the worker's death while the child lives.
    """
    channel.close()
    warnings.showwarning = _showwarning
    sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__
    for handler in logging.root.handlers[:]:
        if isinstance(handler, _Forwarder):
            logging.root.removeHandler(handler)


_showwarning = warnings.showwarning
#: The streams that this process forwards; a task may have put others in their place.
_forwards: list[_Forward] = []


def flush_output() -> None:
    """Send what was printed without an end of line; never raises."""
    for stream in (*_forwards, sys.stdout, sys.stderr):
        with suppress(Exception):  # a task's own: closed, or None
            stream.flush()

"""What a task finds around it in a worker: the parent's settings; and its output, the way back."""

from __future__ import annotations

import io
import logging
import os
import pickle
import sys
import threading
import warnings
from collections.abc import Callable
from contextlib import suppress
from typing import TextIO

from lazygraph import config
from lazygraph.schedulers.processes.channel import WorkerChannel
from lazygraph.schedulers.processes.messages import Logged, Printed, Setting
from lazygraph.tasks.keys import Key
from lazygraph.tasks.registration import adopt_registration, registrations
from lazygraph.transport.pickling import dumps, loads

__all__ = ["current", "flush_output", "forward_output", "log", "print_text", "take_over"]


# ---------------------------------------------------------------- the parent's
def current() -> Setting:
    """The surroundings of this process."""
    try:
        cwd = os.getcwd()  # noqa: PTH109  # pathlib is slow to import
    except OSError:  # it was removed
        cwd = None
    environ = dict(os.environ)
    return Setting(
        cwd,
        sys.path[:],
        sys.argv[:],
        environ,
        _levels(),
        _filters(),
        config.portable(),
        _containers(),
    )


def _levels() -> dict[str, int]:
    """The levels of the loggers that have one of their own."""
    known = logging.root.manager.loggerDict
    found = {"": logging.root.level}
    for name, logger in list(known.items()):
        if isinstance(logger, logging.Logger) and logger.level:
            found[name] = logger.level
    return found


def _filters() -> bytes:
    try:
        return dumps(warnings.filters)
    except Exception:  # a category of a local class: then workers warn as they please
        return b""


def _containers() -> list[bytes]:
    """Return the classes of `register_container`, packed: a worker may make instances itself."""
    packed = []
    for each in registrations().values():
        with suppress(Exception):  # a class that cannot travel: nor can its instances
            packed.append(dumps(tuple(each)))
    return packed


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
def take_over(setting: Setting, before: Setting) -> None:
    """Change what has changed in the parent: what an initializer has set here else stays."""
    if setting.cwd is not None:
        with suppress(OSError):  # it was removed since
            os.chdir(setting.cwd)
    if setting.path != before.path:
        sys.path[:] = setting.path
    sys.argv[:] = setting.argv
    for name in before.environ.keys() - setting.environ.keys():
        os.environ.pop(name, None)
    os.environ.update(setting.environ.items() - before.environ.items())
    config.adopt(setting.settings)
    for packed in setting.containers if setting.containers != before.containers else ():
        with suppress(Exception):  # of a module that is not to be had here
            adopt_registration(*loads(packed))
    for name, level in setting.levels.items() - before.levels.items():
        logging.getLogger(name).setLevel(level)
    if setting.filters != before.filters:
        with suppress(Exception):  # a category of a module that is not to be had here
            warnings.filters[:] = loads(setting.filters)  # type: ignore[index]
            warnings._filters_mutated()  # type: ignore[attr-defined]


class _Forward(io.TextIOBase):
    """A text stream whose lines go to the parent."""

    def __init__(self, name: str, channel: WorkerChannel) -> None:
        self._name, self._channel = name, channel
        self._held = ""
        self._lock = threading.Lock()  # a task may print from several threads

    encoding = "utf-8"

    def writable(self) -> bool:
        return True

    def write(self, text: str, /) -> int:
        with self._lock:
            self._held += text
        if "\n" in text:
            self.flush()
        return len(text)

    def flush(self) -> None:
        with self._lock:
            text, self._held = self._held, ""
            if text:
                self._channel.send(Printed(self._name, text))


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
    sys.stdout, sys.stderr = _Forward("stdout", channel), _Forward("stderr", channel)
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


def flush_output() -> None:
    """Send what was printed without an end of line."""
    sys.stdout.flush()
    sys.stderr.flush()

"""What a task may rely on around it: measured in the parent, put in force in each worker.

A setting is one value under a name, such as ``("environ", "HOME")``. A worker compares what a
run wants with what is, whatever tasks of earlier runs have changed.
"""

from __future__ import annotations

import logging
import os
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, TypeAlias

from lazygraph import config
from lazygraph.tasks.registration import adopt_registration, registrations
from lazygraph.transport.pickling import dumps, loads

__all__ = ["InForce", "Settings", "measured"]

#: A kind, and the name of one among several of it; its value.
Settings: TypeAlias = dict[tuple[str, str], Any]

_MISSING: Any = object()
_NUMPY_ERRORS = {"divide": "warn", "over": "warn", "under": "ignore", "invalid": "warn"}


def measured() -> Settings:
    """Return the settings in force in this process and on this thread."""
    return {(kind, name): value for kind, get in _GET.items() for name, value in get()}


def _one(get: Callable[[], Any]) -> Callable[[], Iterator[tuple[str, Any]]]:
    """Turn a function of one value into one of named values; None for no value."""

    def named() -> Iterator[tuple[str, Any]]:
        value = get()
        if value is not None:
            yield "", value

    return named


def _cwd() -> str | None:
    try:
        return os.getcwd()  # noqa: PTH109  # pathlib is slow to import
    except OSError:  # it was removed
        return None


def _levels() -> Iterator[tuple[str, int]]:
    """Yield the levels of the loggers that have one of their own."""
    yield "", logging.root.level
    for name, logger in list(logging.root.manager.loggerDict.items()):
        if isinstance(logger, logging.Logger) and logger.level:
            yield name, logger.level


def _filters() -> bytes | None:
    try:
        return dumps(warnings.filters)
    except Exception:  # a category of a local class: then workers warn as they please
        return None


def _umask() -> int | None:
    """Return the mask of new files' modes, where it can be read without being changed."""
    with suppress(OSError), open("/proc/self/status", encoding="ascii", errors="replace") as file:  # noqa: PTH123  # as above
        for line in file:
            if line.startswith("Umask:"):
                return int(line.split()[1], 8)
    return None


def _decimal() -> tuple[Any, ...] | None:
    """Return the context of decimal numbers, but for its flags, if it is not the usual one."""
    decimal: Any = sys.modules.get("decimal")
    if decimal is None:
        return None
    now = _parts(decimal.getcontext())
    return None if now == _parts(decimal.DefaultContext) else now


def _parts(context: Any) -> tuple[Any, ...]:
    traps = [signal for signal, is_on in context.traps.items() if is_on]
    c = context
    return c.prec, c.rounding, c.Emin, c.Emax, c.capitals, c.clamp, [], traps


def _numpy_errors() -> dict[str, str] | None:
    """Return what NumPy does about errors of arithmetic, if it is not the usual."""
    numpy: Any = sys.modules.get("numpy")
    errors: dict[str, str] = {} if numpy is None else getattr(numpy, "geterr", dict)()
    return errors if errors and errors != _NUMPY_ERRORS else None


def _containers() -> list[bytes]:
    """Return the classes of `register_container`, packed: a worker may make instances itself."""
    packed = []
    for each in registrations().values():
        with suppress(Exception):  # a class that cannot travel: nor can its instances
            packed.append(dumps(tuple(each)))
    return packed


_GET: dict[str, Callable[[], Any]] = {
    "cwd": _one(_cwd),
    "path": _one(lambda: [entry for entry in sys.path if isinstance(entry, str)]),
    "argv": _one(lambda: sys.argv[:]),
    "environ": lambda: dict(os.environ).items(),
    "level": _levels,
    "disabled": _one(lambda: logging.root.manager.disable),
    "filters": _one(_filters),
    "umask": _one(_umask),
    "recursion": _one(sys.getrecursionlimit),
    "digits": _one(sys.get_int_max_str_digits),
    "decimal": _one(_decimal),
    "numpy": _one(_numpy_errors),
    "config": _one(config.portable),
    "containers": _one(_containers),
}


# ---------------------------------------------------------------- the worker's
def _set_environ(name: str, value: Any) -> None:
    if value is _MISSING:
        os.environ.pop(name, None)
    else:
        os.environ[name] = value
    if name == "TZ":
        time.tzset()


def _set_filters(_: str, value: Any) -> None:
    if value is not _MISSING:
        warnings.filters[:] = loads(value)  # type: ignore[index]
        warnings._filters_mutated()  # type: ignore[attr-defined]


def _set_decimal(_: str, value: Any) -> None:
    import decimal  # late: few tasks need it

    made = decimal.DefaultContext.copy() if value is _MISSING else decimal.Context(*value)
    decimal.setcontext(made)


def _set_numpy_errors(_: str, value: Any) -> None:
    import numpy as np  # late: it takes 100 ms to import

    np.seterr(**(_NUMPY_ERRORS if value is _MISSING else value))


def _set_containers(_: str, value: Any) -> None:
    for packed in () if value is _MISSING else value:
        with suppress(Exception):  # of a module that is not to be had here
            adopt_registration(*loads(packed))


def _if_there(put: Callable[[Any], Any]) -> Callable[[str, Any], None]:
    """Turn a function that takes a value into one that takes none of what is missing."""

    def set_it(_: str, value: Any) -> None:
        if value is not _MISSING:
            put(value)

    return set_it


_SET: dict[str, Callable[[str, Any], None]] = {
    "cwd": _if_there(os.chdir),
    "path": _if_there(lambda value: sys.path.__setitem__(slice(None), value)),
    "argv": _if_there(lambda value: sys.argv.__setitem__(slice(None), value)),
    "environ": _set_environ,
    "level": lambda name, value: logging.getLogger(name).setLevel(
        0 if value is _MISSING else value
    ),
    "disabled": _if_there(logging.disable),
    "filters": _set_filters,
    "umask": _if_there(os.umask),
    "recursion": _if_there(sys.setrecursionlimit),
    "digits": _if_there(sys.set_int_max_str_digits),
    "decimal": _set_decimal,
    "numpy": _set_numpy_errors,
    "config": _if_there(config.adopt),
    "containers": _set_containers,
}


class InForce:
    """What a worker was told, and what its initializer has set in spite of that."""

    def __init__(self) -> None:
        self._wanted: Settings = {}
        self._own: dict[tuple[str, str], tuple[Any, Any]] = {}  # the parent's then; the worker's
        self._streams = sys.stdout, sys.stderr

    def keep_own(self) -> None:
        """Let what is in force now last until the parent wants something else there."""
        wanted, now = self._wanted, measured()
        self._own = {
            key: (wanted.get(key, _MISSING), now.get(key, _MISSING))
            for key in wanted.keys() | now.keys()
            if wanted.get(key, _MISSING) != now.get(key, _MISSING)
        }
        self._streams = sys.stdout, sys.stderr

    def put(self, wanted: Settings | None) -> None:
        """Put settings in force; None for those told last."""
        if wanted is not None:
            self._wanted = wanted
        now = measured()
        for key in now.keys() | self._wanted.keys() | self._own.keys():
            value = self._wanted.get(key, _MISSING)
            before, own = self._own.get(key, (_MISSING, _MISSING))
            if key in self._own and before == value:
                value = own
            if value != now.get(key, _MISSING):
                with suppress(Exception):  # a folder that is gone, a class not to be had here
                    _SET[key[0]](key[1], value)
        sys.stdout, sys.stderr = self._streams

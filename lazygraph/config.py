"""The defaults that a compute uses when it is told nothing else, and what checks such values."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar, Token
from operator import index
from types import MappingProxyType, TracebackType
from typing import Any, Literal, Protocol, SupportsIndex, TypeAlias, TypedDict, Unpack, get_args

from lazygraph.errors import OptionError, UnknownSchedulerError, nearest

__all__ = ["get", "set"]

_MOST_WORKERS = 4096

SchedulerName = Literal[
    "synchronous",
    "sync",
    "single-threaded",
    "threads",
    "threading",
    "processes",
    "multiprocessing",
    "dask",
    "dask-sync",
    "dask-threads",
    "dask-processes",
    "distributed",
]
SCHEDULER_NAMES: tuple[str, ...] = get_args(SchedulerName)


class _Runner(Protocol):
    """A scheduler, as far as type checkers are told here."""

    def run(self, plan: Any, observers: Any = ..., terms: Any = ..., /) -> list[Any]: ...


class _Client(Protocol):
    """A `distributed.Client`, likewise."""

    def get(self, dsk: Any, keys: Any, **kwargs: Any) -> Any: ...


class _Observer(Protocol):
    def notify(self, event: Any, /) -> None: ...


AnyScheduler: TypeAlias = SchedulerName | str | _Runner | _Client | Callable[..., Any]


class Defaults(TypedDict, total=False):
    """The keywords of a run that can also be set as defaults."""

    scheduler: AnyScheduler | None
    num_workers: SupportsIndex | None
    observers: Sequence[_Observer] | None
    limits: Mapping[str, float] | None
    on_error: Literal["raise", "collect"] | None
    seed: SupportsIndex | None


# ------------------------------------------------------------------ what checks values
def whole_number(value: Any) -> int | None:
    """Return a whole number of any type, NumPy's too, as an int; None for anything else."""
    if type(value) is bool:
        return None
    try:
        return index(value)
    except TypeError:
        return None


def real_number(value: Any) -> float | None:
    """Return a finite real number of any type as an int or float; None for anything else."""
    if type(value) not in (int, float):
        from numbers import Real  # late: few numbers are of other types

        if type(value) is bool or not isinstance(value, Real):
            return None
        whole = whole_number(value)
        value = float(value) if whole is None else whole
    try:
        return value if math.isfinite(value) else None
    except OverflowError:  # no float can hold it
        return None


def read_scheduler(given: Any) -> Any:
    """Return what leads to a scheduler, if it may be one; which one, `schedulers.choose` finds."""
    if isinstance(given, str):
        if given.lower() in SCHEDULER_NAMES:
            return given
    elif not isinstance(given, type) and (
        callable(given) or hasattr(given, "run") or hasattr(given, "get")
    ):
        return given
    raise unknown_scheduler(given)


def unknown_scheduler(given: Any) -> UnknownSchedulerError:
    """Make the error for what is no scheduler; it lists the names."""
    near = nearest(given, SCHEDULER_NAMES) if isinstance(given, str) else None
    hint = f"; did you mean {near!r}?" if near is not None else ""
    if isinstance(given, type):
        hint = f"; an object of it is wanted: {given.__name__}()"
    return UnknownSchedulerError(
        f"scheduler {given!r} is not known{hint} (known: {', '.join(SCHEDULER_NAMES)}; "
        "or a Scheduler object, a distributed.Client, or a function get(dsk, keys))"
    )


def read_num_workers(given: Any) -> int | None:
    """Return a sensible number of workers; None stands for the number of usable cores."""
    number = whole_number(given)
    if given is not None and (number is None or not 1 <= number <= _MOST_WORKERS):
        raise OptionError(
            f"num_workers is a number from 1 to {_MOST_WORKERS}, not {given!r}; leave it out, or "
            "give None, for one per core"
        )
    return number


def _read_observers(given: Any) -> Sequence[Any]:
    if isinstance(given, (list, tuple)) and not any(
        isinstance(each, type) or not callable(getattr(each, "notify", None)) for each in given
    ):
        return given
    raise OptionError(f"observers is a list of objects with notify(event), not {given!r}")


def _read_limits(given: Any) -> Mapping[str, float]:
    if isinstance(given, Mapping):
        amounts = {what: real_number(amount) for what, amount in given.items()}
        read = {k: n for k, n in amounts.items() if type(k) is str and n is not None and n >= 0}
        if len(read) == len(given):
            return MappingProxyType(read)
    raise OptionError(f"limits is a dict of amounts, 0 or more, as {{'db': 2}}, not {given!r}")


def _read_on_error(given: Any) -> str:
    if type(given) is str and given in ("raise", "collect"):
        return given
    raise OptionError(f"on_error is 'raise' or 'collect', not {given!r}")


def _read_seed(given: Any) -> int:
    number = whole_number(given)
    if number is None or number < 0:
        raise OptionError(f"seed is a whole number, 0 or more, not {given!r}")
    return number


#: keyword -> its default, and what checks a value and brings it into its lasting form
_FIELDS: Mapping[str, tuple[Any, Callable[[Any], Any]]] = {
    "scheduler": ("threads", read_scheduler),
    "num_workers": (None, read_num_workers),
    "observers": ((), _read_observers),
    "limits": (None, _read_limits),
    "on_error": ("raise", _read_on_error),
    "seed": (None, _read_seed),
}
READERS = {name: read for name, (_, read) in _FIELDS.items()}


# ------------------------------------------------------------------------ the defaults
class DefaultSeed:
    """A seed that was set as default: each run that begins under it is another one of it."""

    def __init__(self, number: int) -> None:
        self.number = number
        self._runs = itertools.count()

    def next_run(self) -> int:
        """Return how many runs have begun before."""
        return next(self._runs)  # atomic: threads may share the context

    def __reduce__(self) -> tuple[Any, ...]:
        return DefaultSeed, (self.number,)


_DEFAULTS: Mapping[str, Any] = MappingProxyType({name: d for name, (d, _) in _FIELDS.items()})

# A ContextVar, so that a thread or an asyncio task never sees another's settings.
_settings: ContextVar[Mapping[str, Any]] = ContextVar("lazygraph_settings", default=_DEFAULTS)


def settings() -> Mapping[str, Any]:
    """Return all defaults in force; the same object as long as nothing is set."""
    return _settings.get()


def get(name: str) -> Any:
    """Return the default in force for a keyword of `lazygraph.compute`.

    Parameters
    ----------
    name : str
        "scheduler", "num_workers", "observers", "limits", "on_error" or "seed".

    Returns
    -------
    object
        As it was set; else the library's own default.

    Raises
    ------
    OptionError
        If there is no such default.

    Examples
    --------
    >>> get("scheduler"), get("seed")
    ('threads', None)
    """
    _check_known(name)
    value = _settings.get()[name]
    return value.number if type(value) is DefaultSeed else value


def portable() -> dict[str, Any]:
    """Return the settings that mean the same in another process; a scheduler only by name."""
    found = dict(_settings.get())
    del found["observers"]
    if not isinstance(found["scheduler"], str):
        del found["scheduler"]
    if found["limits"] is not None:
        found["limits"] = dict(found["limits"])
    return found


def adopt(portable: Mapping[str, Any]) -> None:
    """Put settings of another process into force, for the current context."""
    _settings.set(MappingProxyType({**_DEFAULTS, **portable}))


def _check_known(name: str) -> None:
    if name not in _DEFAULTS:
        raise OptionError.unknown("config", name, _DEFAULTS)


def _read(name: str, value: Any) -> Any:
    _check_known(name)
    if value is None and _DEFAULTS[name] is None:
        return None
    read = READERS[name](value)
    return DefaultSeed(read) if name == "seed" else read


class set:  # noqa: A001, N801  # read as config.set(...), as in Dask
    """Set defaults from here on, or for a ``with`` block.

    Parameters
    ----------
    scheduler : str, Scheduler, distributed.Client or callable
        What runs tasks: "threads" (the default), "synchronous", ...
    num_workers : int
        How many tasks run at once; None, the default, for the number of usable cores. As a
        default it is for schedulers chosen by name: objects, clusters and "synchronous" have
        numbers of their own.
    observers : sequence of Observer
        Who is told what happens in every run.
    limits : mapping of str to float
        How much there is of each resource that tasks use.
    on_error : str
        "raise" or "collect".
    seed : int
        Where tasks draw random numbers from. EACH COMPUTE UNDER A DEFAULT SEED DRAWS OTHER
        NUMBERS than the ones before it, as after ``numpy.random.seed``: a program that is
        started again draws the same ones in the same order. ``compute(..., seed=0)`` itself
        draws the same numbers each time it is called.

    Raises
    ------
    OptionError
        For a keyword that is none of these, or a bad value of one.

    Notes
    -----
    Settings belong to the current context (`contextvars`): to this thread and to the tasks
    that it runs, on whatever worker. A thread that you start yourself begins with the
    defaults, unless you start it with ``contextvars.copy_context().run``.

    Examples
    --------
    >>> with set(scheduler="synchronous"):
    ...     get("scheduler")
    'synchronous'
    >>> get("scheduler")
    'threads'
    """

    def __init__(
        self, given: Mapping[str, Any] | None = None, /, **settings: Unpack[Defaults]
    ) -> None:
        named = {**(given or {}), **settings}
        read = {name: _read(name, value) for name, value in named.items()}
        self._token: Token[Mapping[str, Any]] | None = _settings.set(
            MappingProxyType({**_settings.get(), **read})
        )

    def __enter__(self) -> None:
        return None

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._token is not None:
            _settings.reset(self._token)
            self._token = None

"""The defaults that a compute uses when it is told nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar, Token
from types import MappingProxyType, TracebackType
from typing import Any

from lazygraph.errors import OptionError

__all__ = ["get", "set"]

_DEFAULTS: Mapping[str, Any] = MappingProxyType(
    {
        "scheduler": "threads",
        "num_workers": None,
        "observers": (),
        "limits": None,
        "on_error": "raise",
        "seed": None,
    }
)

# A ContextVar, so that a thread or an asyncio task never sees another's settings.
_settings: ContextVar[Mapping[str, Any]] = ContextVar("lazygraph_settings", default=_DEFAULTS)


def settings() -> Mapping[str, Any]:
    """All defaults in force; the same object as long as nothing is set."""
    return _settings.get()


def get(name: str) -> Any:
    """The default in force for `name`: "scheduler", "num_workers", ..."""
    _check_known(name)
    return _settings.get()[name]


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


class set:  # noqa: A001, N801  # read as config.set(...), as in Dask
    """Set defaults from here on, or for a ``with`` block.

    Parameters
    ----------
    scheduler : str, Scheduler or callable
        What runs tasks: "threads" (the default), "synchronous", ...
    num_workers : int
        How many tasks run at once; None, the default, for the number of usable cores.
    observers : sequence of Observer
        Who is told what happens in every run.
    limits : mapping of str to float
        How much there is of each resource that tasks use.
    on_error : str
        "raise" or "collect".
    seed : int
        Where tasks draw random numbers from.

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

    def __init__(self, given: Mapping[str, Any] | None = None, /, **settings: Any) -> None:
        settings = {**(given or {}), **settings}
        for name in settings:
            _check_known(name)
        self._token: Token[Mapping[str, Any]] | None = _settings.set(
            MappingProxyType({**_settings.get(), **settings})
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

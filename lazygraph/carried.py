"""What follows tasks into other processes: settings, registered by the rooms that own them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["carried", "carry", "put_down"]

_rooms: dict[str, tuple[Callable[[], Any], Callable[[Any], None]]] = {}


def carry(name: str, get: Callable[[], Any], put: Callable[[Any], None]) -> None:
    """Let a setting travel.

    Parameters
    ----------
    get
        Gives what is in force here, as something that any process can unpickle.
    put
        Puts that into force over there, for the main thread.
    """
    _rooms[name] = get, put


def carried() -> dict[str, Any]:
    """What is in force in this process."""
    return {name: get() for name, (get, _) in _rooms.items()}


def put_down(settings: dict[str, Any]) -> None:
    """Put into force what was carried here."""
    for name, (_, put) in _rooms.items():
        if name in settings:
            put(settings[name])

"""What a fork of this process leaves alone, and what it may go on looking at.

A child has this process's mappings, also of what this process lets go of later; where files are
mapped, pages that it has not written to show what the file holds now. So what is mapped at a fork
is kept until the child, and all that it forks, has ended: a pipe tells, whose other end is theirs.
A fork of which Python is not told (C code's) cannot be met like this.
"""

from __future__ import annotations

import os
import threading
import weakref
from contextlib import suppress
from typing import Any, Protocol

from lazygraph.schedulers.processes.descriptors import Descriptor, pipe

__all__ = ["Forgets", "Shows", "forget_in_children", "keep_for_children", "release_ended"]


class Forgets(Protocol):
    """What belongs to one process alone."""

    def forget(self) -> None:
        """Let go of it, in a forked child; no lock of it can be counted on."""


class Shows(Protocol):
    """What lets go of what a child may still look at."""

    def shown(self) -> list[Any]:
        """Return what keeps all of it from being let go of."""


_forgetting: weakref.WeakSet[Any] = weakref.WeakSet()
_showing: weakref.WeakSet[Any] = weakref.WeakSet()
#: What is kept for children, each with what is at its end when the last of them is.
_kept: list[tuple[Descriptor | None, list[Any]]] = []
_theirs: list[Descriptor] = []  # in a child: open until it ends
_fork = threading.local()


def forget_in_children(thing: Forgets) -> None:
    """Have `thing.forget()` called in each child that is forked while it lives."""
    _forgetting.add(thing)


def keep_for_children(thing: Shows) -> None:
    """Have what `thing.shown()` returns at a fork kept until the child has ended."""
    _showing.add(thing)


def release_ended() -> None:
    """Let go of what was kept for children that have ended."""
    _kept[:] = [entry for entry in _kept if not _is_at_end(entry[0])]


def _is_at_end(read: Descriptor | None) -> bool:
    if read is None:
        return False
    try:
        return not os.read(read.number, 1)
    except OSError:  # a child has the other end
        return False


def _before() -> None:
    things = [each for thing in list(_showing) for each in thing.shown()]
    _fork.write = None
    if not things:
        return
    try:
        read, _fork.write = pipe()
        os.set_blocking(read.number, False)
        _kept.append((read, things))
    except OSError:  # no descriptors: kept for good
        _kept.append((None, things))


def _after_in_parent() -> None:
    _fork.write = None


def _after_in_child() -> None:
    if _fork.write is not None:
        _theirs.append(_fork.write)
    _kept.clear()
    for thing in list(_forgetting):
        with suppress(Exception):  # the others are to be forgotten, too
            thing.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before, after_in_parent=_after_in_parent, after_in_child=_after_in_child
    )

"""Lets a task's code know who runs it: a compute in there stays on its thread, or joins in."""

from __future__ import annotations

import os
import threading
from contextvars import ContextVar
from typing import Protocol

__all__ = ["Host", "current_host", "enter_task", "is_on_loop"]


class Host(Protocol):
    """Whoever runs a task, on a thread that a run has for it."""

    @property
    def is_dismissed(self) -> bool:
        """Whether nobody wants the task's result any more: a run inside it may end."""


#: Who runs the current task.
_host: ContextVar[Host | None] = ContextVar("lazygraph_host", default=None)
#: The thread whose event loop runs the current task, if it is an ``async def`` one.
_loop_thread: ContextVar[int] = ContextVar("lazygraph_loop", default=-1)


def current_host() -> Host | None:
    """Return who runs the caller, if it is a task of a run that has threads or workers for it."""
    return _host.get()


def is_on_loop() -> bool:
    """Whether the caller is an ``async def`` task: what blocks here blocks all of them."""
    return _loop_thread.get() == threading.get_ident()


def enter_task(host: Host, *, is_loop: bool = False) -> None:
    """Let the tasks of this context know who runs them."""
    _host.set(host)
    _loop_thread.set(threading.get_ident() if is_loop else -1)


def _forget_host() -> None:
    _host.set(None)
    _loop_thread.set(-1)


if hasattr(os, "register_at_fork"):  # the threads of whoever runs the task are not in the child
    os.register_at_fork(after_in_child=_forget_host)

"""Interrupts what runs on the main thread when its time is up, by the system's alarm clock."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable
from time import perf_counter
from types import FrameType
from typing import Any, TypeVar

__all__ = ["Alarm", "can_interrupt"]

T = TypeVar("T")

_LEAST_SECONDS = 1e-6  # 0 would switch the clock off
#: After what time it is raised again where something has swallowed it: a ``__del__``, a callback.
_AGAIN_SECONDS = 1.0
_MOST_SECONDS = 1e8  # three years: the clock takes no more than some systems' integers


def can_interrupt() -> bool:
    """Return whether this thread can be interrupted: the main one, where there is an alarm."""
    if (
        not hasattr(signal, "setitimer")
        or threading.current_thread() is not threading.main_thread()
    ):
        return False
    handler = signal.getsignal(signal.SIGALRM)
    if handler is None:  # set by other than Python
        return False
    try:
        signal.signal(signal.SIGALRM, handler)
    except ValueError:  # a subinterpreter, which has a main thread and no signals
        return False
    return True


class Alarm:
    """Time a task: after `seconds` of it, what `make_error` gives is raised inside.

    The user's own alarm, of this or an outer task, rings meanwhile as it would have, and goes
    on afterwards; so does the user's own handler.
    """

    def __init__(self, seconds: float, make_error: Callable[[], Exception]) -> None:
        self._make_error = make_error
        self._due = perf_counter() + seconds
        self._before: Any = signal.getsignal(signal.SIGALRM)
        self._users_due: float | None = None
        self._interval = 0.0  # of the user's alarm
        self._raised: list[BaseException] = []
        self._is_over = self._is_restored = False

    def watch(self, call: Callable[[], T]) -> T:
        """Return what `call` gives, if it does so in time."""
        try:
            try:
                self._start()
                return call()
            finally:
                self._stop()
        finally:
            self._stop()  # it may have rung on the way into the first

    def _start(self) -> None:
        signal.signal(signal.SIGALRM, self._ring)
        left, self._interval = signal.setitimer(signal.ITIMER_REAL, 0)
        self._users_due = perf_counter() + left if left else None
        self._wind()

    def _wind(self) -> None:
        """Let the clock ring for whichever is due first: this task, or the user."""
        moments = [] if self._is_over else [self._due]
        if self._users_due is not None:
            moments.append(self._users_due)
        if moments:
            seconds = min(moments) - perf_counter()
            seconds = min(max(seconds, _LEAST_SECONDS), _MOST_SECONDS)
            signal.setitimer(signal.ITIMER_REAL, seconds)

    def _ring(self, number: int, frame: FrameType | None) -> None:
        now = perf_counter()
        if self._users_due is not None and self._users_due <= now:
            self._users_due = now + self._interval if self._interval else None
            self._wind()
            self._ring_for_user(number, frame)
        elif self._is_over or now < self._due:
            self._wind()
        else:
            self._due = now + _AGAIN_SECONDS
            self._wind()
            if not self._is_handled():
                self._raised.append(self._make_error())
                raise self._raised[-1]  # no name of this frame, which its traceback leads to

    def _is_handled(self) -> bool:
        """Return whether the task cleans up after the error: then it may take its time."""
        error = sys.exc_info()[1]
        while error is not None and not any(error is raised for raised in self._raised):
            error = error.__context__
        return error is not None

    def _ring_for_user(self, number: int, frame: FrameType | None) -> None:
        if callable(self._before):
            self._before(number, frame)
        elif self._before == signal.SIG_DFL:  # which ends the process
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.raise_signal(signal.SIGALRM)

    def _stop(self) -> None:
        self._is_over = True
        self._raised.clear()  # whose frames lead here
        if self._is_restored:
            return
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, self._before)
        self._is_restored = True
        if self._users_due is not None:
            left = max(self._users_due - perf_counter(), _LEAST_SECONDS)
            signal.setitimer(signal.ITIMER_REAL, min(left, _MOST_SECONDS), self._interval)

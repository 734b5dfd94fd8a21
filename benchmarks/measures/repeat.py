"""Trials of one thing within one process."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from time import perf_counter
from typing import TypeVar

__all__ = ["repeated"]

T = TypeVar("T")

_SECONDS = 0.3
_MOST = 20


def repeated(trial: Callable[[], T]) -> Iterator[T]:
    """What each trial returns: one at least, then as many as begin within a third of a second.

    The garbage collector stays on; it is run once before each trial.
    """
    end = perf_counter() + _SECONDS
    for number in range(_MOST):
        if number and perf_counter() > end:
            return
        gc.collect()
        yield trial()

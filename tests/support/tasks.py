"""The functions that tests run: of a module, so that every scheduler can pickle them."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lazygraph import delayed


def inc(x: int) -> int:
    return x + 1


def double(x: int) -> int:
    return 2 * x


def add(x: int, y: int) -> int:
    return x + y


def sub(x: int, y: int = 0) -> int:
    return x - y


def total(values: Any) -> int:
    """Of numbers nested in lists, tuples, dicts' values."""
    if isinstance(values, dict):
        values = list(values.values())
    return sum(total(v) if isinstance(v, (list, tuple, dict)) else v for v in values)


def keyword(x: int, *, by: Any = 1) -> int:
    return x * 3 + total(by if isinstance(by, (list, tuple, dict)) else [by])


def fail(x: Any) -> Any:
    raise ValueError(f"cannot use {x}")


def identity(x: Any) -> Any:
    return x


def wait_until(is_true: Callable[[], bool], seconds: float = 60.0) -> bool:
    """Whether something became true in time: for what only the operating system tells."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if is_true():
            return True
        time.sleep(0.001)
    return is_true()


@delayed
def decorated(x: int, y: int = 2) -> int:
    """Add two numbers."""
    return x + y


class Account:
    def __init__(self, start: int) -> None:
        self.balance = start

    @delayed
    def plus(self, amount: int) -> int:
        return self.balance + amount

    def minus(self, amount: int, fee: int = 0) -> int:
        return self.balance - amount - fee


def counting(calls: list[int]) -> Any:
    def count(x: int) -> int:
        calls.append(x)
        return x

    return count


# ------------------------------------------------- what tasks tell by files, from any process
def append(path: Path, text: str) -> None:
    """Add to a file, in one piece."""
    file = os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY)
    try:
        os.write(file, text.encode())
    finally:
        os.close(file)


def said(path: Path) -> str:
    """What has been appended to a file so far."""
    return path.read_text() if path.exists() else ""


def tallied(path: Path, x: Any = None) -> Any:
    """Note a call in a file; `x`."""
    append(path, ".")
    return x


def flaky(path: Path, fails: int, x: Any, kind: type[BaseException] = OSError) -> Any:
    """`x`, but the first `fails` calls raise."""
    append(path, ".")
    made = len(said(path))
    if made <= fails:
        raise kind(f"call {made}")
    return x


def most_at_once(log: str) -> int:
    """How many have been inside at a time, by a log of ``+`` and ``-``."""
    inside = most = 0
    for sign in log:
        inside += 1 if sign == "+" else -1
        most = max(most, inside)
    return most


def crowded(path: Path, limit: int, x: Any = None) -> Any:
    """`x`; stays inside for a moment, but for less if more than `limit` are."""
    append(path, "+")
    wait_until(lambda: most_at_once(said(path)) > limit, 0.02)
    append(path, "-")
    return x


class Flaky:
    """A function whose first `fails` calls raise, by a file that counts them."""

    def __init__(self, func: Callable[..., Any], path: Path, fails: int) -> None:
        self.func, self.path, self.fails = func, path, fails

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        flaky(self.path, self.fails, None)
        return self.func(*args, **kwargs)

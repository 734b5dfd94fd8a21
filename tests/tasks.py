"""The functions that tests run: of a module, so that every scheduler can pickle them."""

from __future__ import annotations

import time
from collections.abc import Callable
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


def wait_until(is_true: Callable[[], bool], seconds: float = 10.0) -> bool:
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

"""The number of a step -> its learning rate.

A schedule is any function ``n -> float`` of the steps done before, 0 at the first; a number is the
schedule that never changes. These have a repr that tells their settings, which checkpoints compare.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import cos, isfinite, pi
from typing import TypeAlias

from lazygraph.errors import OptionError

__all__ = ["Cosine", "Decay", "Schedule", "Warmup", "check_rate", "rate_at"]

Schedule: TypeAlias = float | Callable[[int], float]


def rate_at(schedule: Schedule, n: int) -> float:
    """Return the learning rate of step `n`; raise OptionError if it is no number, 0 or more."""
    if not callable(schedule):
        return schedule
    return check_rate("a learning rate", schedule(n))


def check_rate(what: str, value: float, most: float = float("inf")) -> float:
    """Return a number, 0 or more and at most `most`; raise OptionError for another value."""
    try:
        fits = isfinite(value) and 0 <= value <= most
    except TypeError:
        fits = False
    if not fits:
        limit = "" if most == float("inf") else f", at most {most}"
        raise OptionError(f"{what} is a finite number, 0 or more{limit}, not {value!r}")
    return value


def check_count(what: str, value: int) -> None:
    """Raise OptionError for what is no count of steps, 1 or more."""
    if type(value) is not int or value < 1:
        raise OptionError(f"{what} is a count, 1 or more, not {value!r}")


@dataclass(frozen=True)
class Cosine:
    """Fall from `start` to `end` along half a cosine, in `n_steps` steps; then stay.

    Source: Loshchilov & Hutter (2017), "SGDR: stochastic gradient descent with warm restarts".

    Examples
    --------
    >>> schedule = Cosine(0.1, n_steps=100)
    >>> schedule(0), round(schedule(50), 12), schedule(100), schedule(500)
    (0.1, 0.05, 0.0, 0.0)
    """

    start: float
    n_steps: int
    end: float = 0.0

    def __post_init__(self) -> None:
        check_rate("start", self.start)
        check_rate("end", self.end)
        check_count("n_steps", self.n_steps)

    def __call__(self, n: int) -> float:
        """Return the learning rate of step `n`."""
        share = min(n / self.n_steps, 1.0)
        return self.end + (self.start - self.end) * (1 + cos(pi * share)) / 2


@dataclass(frozen=True)
class Decay:
    """Multiply by `factor` after every `every` steps: at once, or bit by bit if `smooth`.

    Examples
    --------
    >>> [Decay(1.0, 0.5, every=2)(n) for n in range(5)]
    [1.0, 1.0, 0.5, 0.5, 0.25]
    >>> Decay(1.0, 0.25, every=2, smooth=True)(1)
    0.5
    """

    start: float
    factor: float
    every: int = 1
    smooth: bool = False

    def __post_init__(self) -> None:
        check_rate("start", self.start)
        check_rate("factor", self.factor)
        check_count("every", self.every)

    def __call__(self, n: int) -> float:
        """Return the learning rate of step `n`."""
        times = n / self.every if self.smooth else n // self.every
        return float(self.start * self.factor**times)


@dataclass(frozen=True)
class Warmup:
    """Rise evenly to the first rate of `then` in `n_steps` steps; then go on with `then`.

    Step `n` has the share ``(n + 1) / n_steps``, so that the first step moves something.

    Source: Goyal et al. (2017), "Accurate, large minibatch SGD".

    Examples
    --------
    >>> [Warmup(4, then=1.0)(n) for n in range(6)]
    [0.25, 0.5, 0.75, 1.0, 1.0, 1.0]
    >>> Warmup(10, then=Cosine(0.1, 100))(10)
    0.1
    """

    n_steps: int
    then: Schedule

    def __post_init__(self) -> None:
        check_count("n_steps", self.n_steps)
        if not callable(self.then):
            check_rate("then", self.then)

    def __call__(self, n: int) -> float:
        """Return the learning rate of step `n`."""
        if n >= self.n_steps:
            return rate_at(self.then, n - self.n_steps)
        return rate_at(self.then, 0) * (n + 1) / self.n_steps

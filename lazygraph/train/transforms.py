"""Gradients -> what is subtracted from parameters, one transformation after the other.

A transformation is called with a step's gradients, leaf by leaf in a list, its own state, which is
None before the first step, and the `Step`; it gives other gradients and a state. It changes nothing
in place. Any function of this form may stand in `chain`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np

from lazygraph.train.schedules import Schedule, check_rate, rate_at

__all__ = ["Adam", "ClipNorm", "ClipValue", "Momentum", "Scale", "Step", "Transform", "WeightDecay"]


class Step(NamedTuple):
    """Where a transformation is: how many steps are done, and the parameters, leaf by leaf."""

    n: int
    params: list[Any]


class Transform(Protocol):
    """What stands in a chain."""

    def __call__(self, grads: list[Any], state: Any, step: Step, /) -> tuple[list[Any], Any]:
        """Return what the gradients become, and the state for the next step."""


@dataclass(frozen=True)
class Scale:
    """Multiply by the learning rate: a number, or a schedule."""

    lr: Schedule

    def __post_init__(self) -> None:
        if not callable(self.lr):
            check_rate("lr", self.lr)

    def __call__(self, grads: list[Any], state: Any, step: Step) -> tuple[list[Any], Any]:
        """Return ``lr * g``."""
        lr = rate_at(self.lr, step.n)
        return [lr * g for g in grads], state


@dataclass(frozen=True)
class ClipNorm:
    """Shorten gradients so that their norm, that of all leaves as one vector, is at most `limit`.

    Source: Pascanu et al. (2013), "On the difficulty of training recurrent neural networks".
    """

    limit: float

    def __post_init__(self) -> None:
        check_rate("limit", self.limit)

    def __call__(self, grads: list[Any], state: Any, _: Step) -> tuple[list[Any], Any]:
        """Return gradients of a norm of at most `limit`."""
        norm = np.linalg.norm([np.linalg.norm(np.asarray(g, float)) for g in grads])
        if norm <= self.limit:
            return grads, state
        factor = float(self.limit / norm)
        return [factor * g for g in grads], state


@dataclass(frozen=True)
class ClipValue:
    """Bring every number of a gradient between ``-limit`` and ``limit``."""

    limit: float

    def __post_init__(self) -> None:
        check_rate("limit", self.limit)

    def __call__(self, grads: list[Any], state: Any, _: Step) -> tuple[list[Any], Any]:
        """Return gradients of numbers between ``-limit`` and ``limit``."""
        return [np.clip(g, -self.limit, self.limit) for g in grads], state


@dataclass(frozen=True)
class WeightDecay:
    """Add ``rate * p``: before an optimizer a penalty on squares, inside `adamw` decay alone."""

    rate: float

    def __post_init__(self) -> None:
        check_rate("rate", self.rate)

    def __call__(self, grads: list[Any], state: Any, step: Step) -> tuple[list[Any], Any]:
        """Return ``g + rate * p``."""
        return [g + self.rate * p for g, p in zip(grads, step.params, strict=True)], state


@dataclass(frozen=True)
class Momentum:
    """Gather velocity: ``v = decay * v + g``, or ``g + decay * v`` of it if `nesterov`."""

    decay: float = 0.9
    nesterov: bool = False

    def __post_init__(self) -> None:
        check_rate("decay", self.decay)

    def __call__(self, grads: list[Any], state: Any, _: Step) -> tuple[list[Any], Any]:
        """Return the velocity, which is the state too."""
        velocity = grads
        if state is not None:
            velocity = [self.decay * v + g for v, g in zip(state, grads, strict=True)]
        if not self.nesterov:
            return velocity, velocity
        return [g + self.decay * v for v, g in zip(velocity, grads, strict=True)], velocity


@dataclass(frozen=True)
class Adam:
    """Divide the running mean of gradients by the root of that of their squares."""

    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8

    def __post_init__(self) -> None:
        for beta in self.betas:
            check_rate("a beta", beta, most=1)
        check_rate("eps", self.eps)

    def __call__(self, grads: list[Any], state: Any, step: Step) -> tuple[list[Any], Any]:
        """Return the quotients; the state is the two running means, without correction."""
        first, second = self.betas
        means, squares = state or ([np.zeros_like(g) for g in grads],) * 2
        means = [first * m + (1 - first) * g for m, g in zip(means, grads, strict=True)]
        squares = [second * s + (1 - second) * (g * g) for s, g in zip(squares, grads, strict=True)]
        scale = 1 - first ** (step.n + 1)
        root = scale / (1 - second ** (step.n + 1)) ** 0.5
        pairs = zip(means, squares, strict=True)
        return [m / (np.sqrt(s) * root + self.eps * scale) for m, s in pairs], (means, squares)

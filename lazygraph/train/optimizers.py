"""Parameters and gradients -> better parameters.

Each is a plain function ``(params, grads, state, ...) -> (params, state)``: nothing is changed in
place, arrays keep their dtype, and the state is None before the first step. Parameters and
gradients are arrays or numbers, nested alike in dicts, lists and tuples.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from lazygraph.train.trees import mapped

__all__ = ["adam", "momentum", "sgd"]


def sgd(params: Any, grads: Any, state: Any = None, *, lr: float = 0.01) -> tuple[Any, Any]:
    """A step of gradient descent: ``p - lr * g``.

    Source: Robbins & Monro (1951), "A stochastic approximation method".

    Examples
    --------
    >>> sgd({"w": 1.0}, {"w": 0.5}, lr=0.1)
    ({'w': 0.95}, None)
    """
    return mapped(lambda p, g: p - lr * g, params, grads), state


def momentum(
    params: Any,
    grads: Any,
    state: Any = None,
    *,
    lr: float = 0.01,
    decay: float = 0.9,
    nesterov: bool = False,
) -> tuple[Any, Any]:
    """A step of gradient descent with momentum: ``v = decay * v + g``, ``p - lr * v``.

    Parameters
    ----------
    decay : float
        How much of the last velocity is kept; the state is the velocity.
    nesterov : bool
        Whether to look ahead: ``p - lr * (g + decay * v)``.

    Source: Polyak (1964); Sutskever et al. (2013), "On the importance of initialization and
    momentum in deep learning".
    """
    velocity = grads if state is None else mapped(lambda v, g: decay * v + g, state, grads)
    ahead = mapped(lambda v, g: g + decay * v, velocity, grads) if nesterov else velocity
    return mapped(lambda p, v: p - lr * v, params, ahead), velocity


def adam(
    params: Any,
    grads: Any,
    state: Any = None,
    *,
    lr: float = 0.001,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
) -> tuple[Any, Any]:
    """A step of Adam: gradients divided by the root of the mean of their squares.

    Parameters
    ----------
    betas : tuple of float
        How much of the running means, of gradients and of their squares, is kept.
    eps : float
        Keeps the divisor from zero.

    Source: Kingma & Ba (2015), "Adam: a method for stochastic optimization", algorithm 1.
    """
    first, second = betas
    n, means, squares = state or (0, mapped(np.zeros_like, grads), mapped(np.zeros_like, grads))
    n += 1
    means = mapped(lambda m, g: first * m + (1 - first) * g, means, grads)
    squares = mapped(lambda s, g: second * s + (1 - second) * (g * g), squares, grads)
    rate, scale = lr / (1 - first**n), (1 - second**n) ** 0.5

    def moved(p: Any, m: Any, s: Any) -> Any:
        return p - rate * (m / (np.sqrt(s) / scale + eps))

    return mapped(moved, params, means, squares), (n, means, squares)

"""Parameters and gradients -> better parameters.

Each is a plain function ``(params, grads, state, ...) -> (params, state)``: nothing is changed in
place, arrays keep their dtype, and the state is None before the first step. Parameters and
gradients are real arrays or numbers, nested alike in containers of any kind, in equal shapes;
others are a `TrainingError`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from lazygraph.errors import TrainingError
from lazygraph.train.trees import mapped

__all__ = ["adam", "momentum", "sgd"]


def sgd(params: Any, grads: Any, state: Any = None, *, lr: float = 0.01) -> tuple[Any, Any]:
    """Make a step of gradient descent: ``p - lr * g``.

    Source: Robbins & Monro (1951), "A stochastic approximation method".

    Examples
    --------
    >>> sgd({"w": 1.0}, {"w": 0.5}, lr=0.1)
    ({'w': 0.95}, None)
    """
    return mapped(lambda p, g: _moved(p, lr * _fitting(p, g)), params, grads), state


def momentum(
    params: Any,
    grads: Any,
    state: Any = None,
    *,
    lr: float = 0.01,
    decay: float = 0.9,
    nesterov: bool = False,
) -> tuple[Any, Any]:
    """Make a step of gradient descent with momentum: ``v = decay * v + g``, ``p - lr * v``.

    Parameters
    ----------
    decay : float
        How much of the last velocity is kept; the state is the velocity.
    nesterov : bool
        Whether to look ahead: ``p - lr * (g + decay * v)``.

    Source: Polyak (1964); Sutskever et al. (2013), "On the importance of initialization and
    momentum in deep learning".
    """
    grads = mapped(_fitting, params, grads)
    velocity = grads if state is None else mapped(lambda v, g: decay * v + g, state, grads)
    ahead = mapped(lambda v, g: g + decay * v, velocity, grads) if nesterov else velocity
    return mapped(lambda p, v: _moved(p, lr * v), params, ahead), velocity


def adam(
    params: Any,
    grads: Any,
    state: Any = None,
    *,
    lr: float = 0.001,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
) -> tuple[Any, Any]:
    """Make a step of Adam: gradients divided by the root of the mean of their squares.

    Parameters
    ----------
    betas : tuple of float
        How much of the running means, of gradients and of their squares, is kept.
    eps : float
        Keeps the divisor from zero.

    Source: Kingma & Ba (2015), "Adam: a method for stochastic optimization", algorithm 1.
    """
    first, second = betas
    grads = mapped(_fitting, params, grads)
    n, means, squares = state or (0, mapped(np.zeros_like, grads), mapped(np.zeros_like, grads))
    n += 1
    means = mapped(lambda m, g: first * m + (1 - first) * g, means, grads)
    squares = mapped(lambda s, g: second * s + (1 - second) * (g * g), squares, grads)
    rate, scale = lr / (1 - first**n), (1 - second**n) ** 0.5

    def adapted(p: Any, m: Any, s: Any) -> Any:
        return _moved(p, rate * (m / (np.sqrt(s) / scale + eps)))

    return mapped(adapted, params, means, squares), (n, means, squares)


def _fitting(p: Any, g: Any) -> Any:
    """Return the gradient; raise if its shape is not that of `p`, or if it is complex."""
    if np.shape(p) != np.shape(g):
        raise TrainingError(
            f"a parameter of shape {np.shape(p)} has a gradient of shape {np.shape(g)}"
        )
    if np.iscomplexobj(g):
        raise TrainingError(
            "a gradient is complex: train the real and the imaginary part as two parameters"
        )
    return g


def _moved(p: Any, by: Any) -> Any:
    """Return ``p - by`` in the dtype of `p`, unless that is of whole numbers."""
    new, dtype = p - by, getattr(p, "dtype", None)
    return new if dtype is None or new.dtype == dtype or dtype.kind != "f" else new.astype(dtype)

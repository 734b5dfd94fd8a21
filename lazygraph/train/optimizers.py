"""Parameters and gradients -> better parameters.

An optimizer is a chain of transformations of gradients; what comes out is subtracted. Nothing is
changed in place, and arrays keep their dtype. Parameters and gradients are real arrays or numbers,
nested alike in containers of any kind, in equal shapes; others are a `TrainingError`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from lazygraph.errors import StructureError, TrainingError
from lazygraph.tasks.containers import children_of
from lazygraph.tasks.reprs import short_repr
from lazygraph.tasks.treedef import TreeDef, tree_flatten
from lazygraph.train.schedules import Schedule
from lazygraph.train.transforms import Adam, Momentum, Scale, Step, Transform, WeightDecay

__all__ = ["Optimizer", "adam", "adamw", "chain", "momentum", "sgd"]


class State(NamedTuple):
    """What an optimizer remembers: steps done, how parameters nest, each transformation's state."""

    n: int
    treedef: TreeDef
    parts: tuple[Any, ...]


@dataclass(frozen=True)
class Optimizer:
    """Moves parameters: ``update(params, grads, state)`` gives parameters and a state.

    Made by `chain`, `sgd`, `momentum`, `adam` and `adamw`.

    Attributes
    ----------
    parts : tuple of Transform
        What gradients go through, one after the other, before they are subtracted.
    """

    parts: tuple[Transform, ...]

    def __call__(self, params: Any, grads: Any, state: Any = None) -> tuple[Any, State]:
        """Make a step.

        Parameters
        ----------
        params, grads : array or number, or containers of such
            Nested alike, in equal shapes. Left alone.
        state : optional
            What the step before gave; None before the first.

        Raises
        ------
        TrainingError
            If they do not nest alike, in shapes or in a state of other parameters or of another
            optimizer, or if a gradient is complex.
        """
        leaves, treedef = tree_flatten(params)
        updates = list(map(_fitting, leaves, _leaves_like(treedef, grads)))
        step = Step(state.n if state else 0, leaves)
        states = []
        for part, before in zip(self.parts, self._states(treedef, state), strict=True):
            updates, after = part(updates, before, step)
            states.append(after)
        moved = treedef.unflatten(list(map(_moved, leaves, updates)))
        return moved, State(step.n + 1, treedef, tuple(states))

    def _states(self, treedef: TreeDef, state: State | None) -> tuple[Any, ...]:
        if state is None:
            return (None,) * len(self.parts)
        if state.treedef != treedef or len(state.parts) != len(self.parts):
            raise TrainingError(
                "parameters, gradients and an optimizer's state nest alike; this state is of "
                "other parameters, or of another optimizer"
            )
        return state.parts


def chain(*parts: Transform | Optimizer) -> Optimizer:
    """Return the optimizer that puts gradients through transformations, one after the other.

    Parameters
    ----------
    *parts : Transform or Optimizer
        `ClipNorm`, `ClipValue`, `WeightDecay`, ..., a function of yours of the same form, or
        an optimizer, which stands for its parts.

    Examples
    --------
    >>> from lazygraph.train import ClipValue
    >>> update = chain(ClipValue(1.0), sgd(lr=0.25))
    >>> update({"w": 1.0}, {"w": 30.0})[0]["w"]
    np.float64(0.75)
    """
    return Optimizer(tuple(_flat(parts)))


def _flat(parts: tuple[Transform | Optimizer, ...]) -> Iterator[Transform]:
    for part in parts:
        if isinstance(part, Optimizer):
            yield from part.parts
        else:
            yield part


def sgd(*, lr: Schedule = 0.01) -> Optimizer:
    """Return the optimizer of gradient descent: ``p - lr * g``.

    Parameters
    ----------
    lr : float or callable
        The learning rate, or a schedule: its function of the number of the step, 0 at first.

    Source: Robbins & Monro (1951), "A stochastic approximation method".

    Examples
    --------
    >>> params, state = sgd(lr=0.1)({"w": 1.0}, {"w": 0.5})
    >>> params, state.n
    ({'w': 0.95}, 1)
    """
    return chain(Scale(lr))


def momentum(*, lr: Schedule = 0.01, decay: float = 0.9, nesterov: bool = False) -> Optimizer:
    """Return the optimizer of gradient descent with momentum: ``v = decay * v + g``, ``p - lr * v``.

    Parameters
    ----------
    lr : float or callable
        The learning rate, or a schedule.
    decay : float
        How much of the last velocity is kept.
    nesterov : bool
        Whether to look ahead: ``p - lr * (g + decay * v)``.

    Source: Polyak (1964); Sutskever et al. (2013), "On the importance of initialization and
    momentum in deep learning".
    """
    return chain(Momentum(decay, nesterov), Scale(lr))


def adam(
    *, lr: Schedule = 0.001, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8
) -> Optimizer:
    """Return Adam: gradients divided by the root of the mean of their squares.

    Parameters
    ----------
    lr : float or callable
        The learning rate, or a schedule.
    betas : tuple of float
        How much of the running means, of gradients and of their squares, is kept.
    eps : float
        Keeps the divisor from zero.

    Source: Kingma & Ba (2015), "Adam: a method for stochastic optimization", algorithm 1.
    """
    return chain(Adam(betas, eps), Scale(lr))


def adamw(
    *,
    lr: Schedule = 0.001,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0.01,
) -> Optimizer:
    """Return Adam with weights that decay by ``lr * weight_decay`` of themselves in each step.

    Parameters
    ----------
    lr, betas, eps
        As of `adam`.
    weight_decay : float
        How fast, apart from gradients and from their running means.

    Source: Loshchilov & Hutter (2019), "Decoupled weight decay regularization", algorithm 2.
    """
    return chain(Adam(betas, eps), WeightDecay(weight_decay), Scale(lr))


def _leaves_like(treedef: TreeDef, grads: Any) -> list[Any]:
    """Return the leaves of gradients that nest as parameters do; raise if they do not."""
    try:
        leaves = treedef.flatten_up_to(grads)
        for leaf in leaves:
            if children_of(leaf) is not None:
                raise StructureError("", "a number or an array", short_repr(leaf))
    except StructureError as error:
        raise TrainingError(
            f"parameters, gradients and an optimizer's state nest alike; here {error}"
        ) from error
    return leaves


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

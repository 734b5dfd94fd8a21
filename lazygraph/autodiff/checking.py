"""Derivatives held against finite differences: `check_grads`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from lazygraph.autodiff.cotangents import Like, fit, like
from lazygraph.autodiff.cutout import cut
from lazygraph.autodiff.gradients import jvp, vjp
from lazygraph.autodiff.targets import Targets
from lazygraph.errors import GradientMismatch
from lazygraph.graphs.compile import unique_nodes
from lazygraph.graphs.nodes import Node
from lazygraph.run import Run
from lazygraph.schedulers.explain import short_traceback

__all__ = ["check_grads"]


@short_traceback
def check_grads(
    outputs: Any,
    wrt: Any,
    *,
    order: int = 1,
    rtol: float | None = None,
    seed: int = 0,
    **options: Any,
) -> None:
    """Compare the derivatives of a graph with central differences, along a random direction.

    Parameters
    ----------
    outputs, wrt : Delayed, or list, tuple or dict of such
        Of any shapes.
    order : int
        2 checks the derivatives of the derivatives too, and so on.
    rtol : float, optional
        By how much they may differ, relative to the larger; by default the cube root of the
        dtype's precision: 6e-6 for float64.
    seed : int
        Of the direction, and of the weights by which outputs are summed.
    **options
        As for `compute`: ``inputs``, ``scheduler``, ...

    Raises
    ------
    GradientMismatch
        If they differ; it says where, and by how much.

    Notes
    -----
    Runs the graph some six times for each order. Differences are taken with a step of the cube
    root of the dtype's precision, relative to the values.

    Examples
    --------
    >>> import numpy as np
    >>> from lazygraph import delayed
    >>> x = delayed(np.array([0.5, 1.0]))
    >>> check_grads(x * x * x, x, order=2)
    """
    ends, targets = Targets(outputs, "outputs").nodes, _distinct(Targets(wrt).nodes)
    rng = np.random.default_rng(seed)
    for n in range(1, order + 1):
        check = _Check(ends, targets, rng, options)
        for way, found in check.derivatives().items():
            check.compare(f"order {n}, {way}", found, rtol)
        ends = vjp(ends, targets, check.weights)


def _distinct(nodes: Sequence[Node]) -> list[Node]:
    """Return one node of each key: what is moved along a direction is a value, not a node."""
    steps, position, _ = unique_nodes(nodes)
    return [steps[n] for n in dict.fromkeys(position[node] for node in nodes)]


class _Check:
    """The graph between some values and others, along one direction."""

    def __init__(
        self,
        outputs: Sequence[Node],
        wrt: Sequence[Node],
        rng: np.random.Generator,
        options: dict[str, Any],
    ) -> None:
        self._outputs, self._wrt, self._options = outputs, wrt, options
        self._cutout, outside = cut(outputs, wrt)
        values = self._run([*wrt, *outputs, *outside])
        n, m = len(wrt), len(outputs)
        self._values, self._outside = values[:n], values[n + m :]
        self._direction = [_random(rng, like(value)) for value in self._values]
        self.weights = [_random(rng, like(value)) for value in values[n : n + m]]

    def _run(self, nodes: Sequence[Node]) -> list[Any]:
        return Run("check_grads", self._options).nodes(nodes)

    def derivatives(self) -> dict[str, float]:
        """Return the derivative along the direction, by the vjp and by the jvp."""
        cts = self._run(vjp(self._outputs, self._wrt, self.weights))
        changes = self._run(jvp(self._outputs, self._wrt, self._direction))
        return {"vjp": _dot(cts, self._direction), "jvp": _dot(changes, self.weights)}

    def compare(self, what: str, found: float, rtol: float | None) -> None:
        """Raise GradientMismatch unless a derivative is what the values say."""
        step = self._step()
        there, back = self._goal(step), self._goal(-step)
        expected = (there - back) / (2 * step)
        rtol = self._precision() ** (1 / 3) if rtol is None else rtol
        allowed = rtol * max(abs(found), abs(expected))
        # What rounding alone may do to the difference of two values.
        noise = self._precision() * max(abs(there), abs(back)) / step
        if not abs(found - expected) <= max(allowed, 10 * noise):
            raise GradientMismatch(what, found, expected)

    def _precision(self) -> float:
        dtypes = [np.asarray(value).dtype for value in self._direction]
        return max(float(np.finfo(dtype).eps) for dtype in dtypes)

    def _step(self) -> float:
        size = max(1.0, *(float(np.max(np.abs(v), initial=0)) for v in self._values))
        return float(self._precision() ** (1 / 3)) * size

    def _goal(self, step: float) -> float:
        moved = [v + step * d for v, d in zip(self._values, self._direction, strict=True)]
        return _dot(self._cutout(*moved, *self._outside), self.weights)


def _random(rng: np.random.Generator, form: Like) -> Any:
    """Draw numbers from the standard normal distribution, in a shape and dtype."""
    drawn = rng.standard_normal(form.shape)
    return fit(drawn if form.shape else float(drawn), form)


def _dot(values: Sequence[Any], others: Sequence[Any]) -> float:
    products = (np.sum(np.real(a * b)) for a, b in zip(values, others, strict=True))
    return float(sum(products))

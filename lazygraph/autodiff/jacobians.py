"""Lazy values -> their whole derivatives: `jacobian`, `hessian`."""

from __future__ import annotations

from collections.abc import Iterator
from operator import getitem
from typing import Any

import numpy as np

from lazygraph.autodiff.backward_pass import BackwardPass
from lazygraph.autodiff.cotangents import Like, like, part, zeros
from lazygraph.autodiff.cutout import Cutout, cut
from lazygraph.autodiff.gradients import grad
from lazygraph.autodiff.primitive import lazily
from lazygraph.autodiff.targets import Targets
from lazygraph.graphs.nodes import Node
from lazygraph.schedulers.explain import short_traceback
from lazygraph.tasks.function import Function

__all__ = ["hessian", "jacobian"]


@short_traceback
def jacobian(outputs: Any, wrt: Any) -> Any:
    """The derivative of every number of `outputs` by every number of `wrt`, itself lazy.

    Parameters
    ----------
    outputs, wrt : Delayed, or list, tuple or dict of such
        Numbers or arrays of any shapes.

    Returns
    -------
    as outputs
        In the place of each output something as `wrt`, with arrays of shape
        ``output.shape + value.shape``, of the value's dtype.

    Notes
    -----
    The way back is gone once per number of `outputs`, one after the other, in one task for each
    output; what is computed forward is computed once. That task itself has no derivative:
    for the second, use `hessian`, or the jacobian of a gradient.

    Examples
    --------
    >>> from lazygraph import delayed
    >>> x, y = delayed(3.0), delayed(2.0)
    >>> [d.compute().tolist() for d in jacobian(x * y, [x, y])]
    [2.0, 3.0]
    """
    ends, targets = Targets(outputs, "outputs"), Targets(wrt)
    return ends.put([targets.put(_rows(end, targets)) for end in ends.nodes])


@short_traceback
def hessian(y: Any, wrt: Any) -> Any:
    """The second derivative of a scalar: ``jacobian(grad(y, wrt), wrt)``.

    Its blocks are nested as `wrt` twice: ``hessian(y, {"a": a, "b": b}).compute()["a"]["b"]``
    has shape ``a.shape + b.shape``.
    """
    return jacobian(grad(y, wrt), wrt)


def _rows(end: Node, targets: Targets) -> Iterator[Node]:
    """The Jacobians of one output by each of the targets."""
    probe: Node = zeros(like(end))
    cts = targets.cotangents(BackwardPass([end], [probe], targets.nodes))
    inner, outside = cut(cts, [probe])
    rows = lazily(Function(_Rows(inner)), (like(end), *outside), {}, end._code, end._lasti)
    return (part(rows, ((getitem, n),)) for n in range(len(cts)))


class _Rows:
    """Goes back once for each number of an output."""

    __name__ = "jacobian"

    def __init__(self, inner: Cutout) -> None:
        self.inner = inner

    def __reduce__(self) -> tuple[Any, ...]:
        return _Rows, (self.inner,)

    def __call__(self, form: Like, *outside: Any) -> list[Any]:
        """One array for each of the targets; `outside` is what the way back needs."""
        like_a_row = self.inner(zeros(form), *outside)
        made = [np.empty((*form.shape, *np.shape(ct)), np.asarray(ct).dtype) for ct in like_a_row]
        for place in np.ndindex(form.shape):
            for jacobian, ct in zip(made, self.inner(_unit(form, place), *outside), strict=True):
                jacobian[place] = ct
        return [jacobian[()] for jacobian in made]


def _unit(form: Like, place: tuple[int, ...]) -> Any:
    """A cotangent that is one at one place."""
    unit = np.asarray(zeros(form))
    unit[place] = 1
    return unit[()] if form.shape == () else unit

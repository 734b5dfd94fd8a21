"""Lazy values -> their whole derivatives: `jacobian`, `hessian`."""

from __future__ import annotations

from collections.abc import Iterator
from operator import getitem
from typing import Any

from lazygraph.autodiff.backward_pass import BackwardPass
from lazygraph.autodiff.cotangents import like, ones, part, zeros
from lazygraph.autodiff.cutout import Cutout, cut
from lazygraph.autodiff.gradients import grad
from lazygraph.autodiff.primitive import lazily
from lazygraph.autodiff.targets import Targets
from lazygraph.autodiff.transforms import Transformed, is_function, jacobian_of, rows_of, stacked
from lazygraph.graphs.nodes import Node
from lazygraph.schedulers.explain import short_traceback
from lazygraph.tasks.function import Function

__all__ = ["hessian", "jacobian"]


@short_traceback
def jacobian(outputs: Any, wrt: Any = None, *, argnums: Any = 0, holomorphic: bool = False) -> Any:
    """Return the derivative of every number of `outputs` by every number of `wrt`, itself lazy.

    Parameters
    ----------
    outputs, wrt : Delayed, or list, tuple or dict of such
        Numbers or arrays of any shapes. Or `outputs` is a function of such, without `wrt`.
    argnums : int or str, or tuple of such
        Of a function, by which arguments: by position or by name; several give a tuple.
    holomorphic : bool
        Whether outputs may be complex where values are: their complex derivative is meant.

    Returns
    -------
    as outputs
        In the place of each output something as `wrt`, with arrays of shape
        ``output.shape + value.shape``, of the value's dtype.

    Raises
    ------
    NotDifferentiable
        For a task on the way that has no derivative.
    GoalError
        When computed, if an output is a container, or complex where that was not asked for.

    Notes
    -----
    The way back is gone once per number of `outputs`, one after the other, in one task for each
    output; what is computed forward is computed once. Of a function, ``jacobian(f)`` is one of
    its arguments.

    Examples
    --------
    >>> from lazygraph import delayed
    >>> x, y = delayed(3.0), delayed(2.0)
    >>> [d.compute().tolist() for d in jacobian(x * y, [x, y])]
    [2.0, 3.0]
    """
    if wrt is None and is_function(outputs):
        find = jacobian_of(holomorphic=holomorphic)
        return Transformed(
            outputs, argnums, find, lambda y, wrt: jacobian(y, wrt, holomorphic=holomorphic)
        )
    ends, targets = Targets(outputs, "outputs"), Targets(wrt)
    return ends.put([targets.put(_rows(end, targets, holomorphic)) for end in ends.nodes])


@short_traceback
def hessian(y: Any, wrt: Any = None, *, argnums: Any = 0) -> Any:
    """Return the second derivative of a scalar: ``jacobian(grad(y, wrt), wrt)``.

    Of a function, ``hessian(f)`` is one of its arguments.

    Parameters
    ----------
    y : Delayed, or callable
        The goal: its value is to be one real number. Or a function that gives such.
    wrt : Delayed, or list, tuple or dict of such
        What to differentiate by, twice.
    argnums : int or str, or tuple of such
        Of a function, by which arguments: by position or by name; several give a tuple.

    Returns
    -------
    as wrt, nested twice
        Lazy blocks: the one at ``["a"]["b"]``, for ``wrt={"a": a, "b": b}``, has shape
        ``a.shape + b.shape``.

    Raises
    ------
    NotDifferentiable
        For a task on the way that has no derivative, or whose derivative has none.
    GoalError
        When computed, if `y` is not one real number.

    Notes
    -----
    One backward pass for each number of `wrt`; for the product with vectors alone, `hvp` is
    quicker.

    Examples
    --------
    >>> from lazygraph import delayed
    >>> x = delayed(2.0)
    >>> float(hessian(x * x * x, x).compute())
    12.0
    """
    if wrt is None and is_function(y):
        return jacobian(grad(y, argnums=argnums), argnums=argnums)
    return jacobian(grad(y, wrt), wrt)


def _rows(end: Node, targets: Targets, holomorphic: bool) -> Iterator[Node]:
    """Return the Jacobians of one output by each of the targets."""
    probe: Node = ones(like(end))
    cts = targets.cotangents(BackwardPass([end], [probe], targets.nodes))
    inner, outside = cut(cts, [probe])
    rows = lazily(
        Function(_Rows(inner, holomorphic)), (like(end), *outside), {}, end._code, end._lasti
    )
    return (part(rows, ((getitem, n),)) for n in range(len(cts)))


class _Rows:
    """Goes back once for each number of an output."""

    __name__ = "jacobian"

    def __init__(self, inner: Cutout, holomorphic: bool) -> None:
        self.inner, self.holomorphic = inner, holomorphic

    def __reduce__(self) -> tuple[Any, ...]:
        return _Rows, (self.inner, self.holomorphic)

    def __call__(self, form: Any, *outside: Any) -> list[Any]:
        """Compute one array for each target; `outside` is what the backward pass needs."""
        rows = [self.inner(row, *outside) for row in rows_of(form)]
        nothing = self.inner(zeros(form), *outside)
        return [
            stacked(form, [row[n] for row in rows], ct, holomorphic=self.holomorphic)
            for n, ct in enumerate(nothing)
        ]

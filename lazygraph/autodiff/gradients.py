"""Lazy values -> the lazy derivatives of one by others: `grad`, `vjp`, `jvp` and their kin."""

from __future__ import annotations

from typing import Any

from lazygraph.autodiff.backward_pass import BackwardPass
from lazygraph.autodiff.cotangents import like, ones
from lazygraph.autodiff.primitive import forward
from lazygraph.autodiff.table import constant
from lazygraph.autodiff.targets import Targets, check_goal, fitted, seeded
from lazygraph.autodiff.transforms import (
    Transformed,
    gradient_of,
    is_function,
    jvp_of,
    vjp_of,
)
from lazygraph.schedulers.explain import short_traceback
from lazygraph.tasks.pytree import flatten

__all__ = ["grad", "hvp", "jvp", "stop_gradient", "value_and_grad", "vjp"]


@short_traceback
def grad(
    y: Any,
    wrt: Any = None,
    *,
    argnums: Any = 0,
    strict: bool = False,
    holomorphic: bool = False,
) -> Any:
    """Return the derivative of a scalar by lazy values, itself lazy; or of a function, a function.

    ``grad(f)`` is a function of the arguments of `f`, and gives the derivative by the first, or
    by those that `argnums` names: ``grad(f)(3.0)``. Given lazy values, it gives lazy ones.

    Parameters
    ----------
    y : Delayed, or callable
        The goal: its value is to be one number. Or a function of numbers, arrays and containers
        of such that gives one number, written with numpy and operators.
    wrt : Delayed, or list, tuple or dict of such
        What to differentiate by, nested as one likes.
    argnums : int or str, or tuple of such
        Of a function, by which arguments: by position or by name; several give a tuple.
    strict : bool
        Whether what `y` does not depend on is an error, rather than has zeros.
    holomorphic : bool
        Whether `y` may be complex: a holomorphic function of complex values, whose complex
        derivative is meant.

    Returns
    -------
    Delayed, or as `wrt`
        Of each the derivative, in its shape and dtype (of whole numbers: float64). They are
        more tasks of the same graph: what is computed forward is computed once.

    Raises
    ------
    NotDifferentiable
        For a task on the way that has no derivative.
    NotReachedError
        If `strict`, and `y` does not depend on one of `wrt`.
    GoalError
        When computed, if `y` is not one real number.
    CaptureError
        If `y`, or a part of `wrt`, is not lazy.

    Notes
    -----
    O(tasks + arguments) to make, iterative. Complex values: the derivative of a real goal
    by z = a + ib is dy/da - i dy/db, as in autograd and JAX.

    A function that no rule is known for is run once more on the way back, watched by autograd
    (``pip install 'lazygraph[grad]'``): it is to be written with numpy and operators, and what it
    does besides happens twice. Random numbers are drawn in a task of their own.

    Source: reverse mode; Linnainmaa (1970), Griewank & Walther (2008).

    Examples
    --------
    >>> from lazygraph import delayed
    >>> x, y, z = delayed(1), delayed(2), delayed(3)
    >>> [d.compute() for d in grad((x + y) * z, [x, y, z])]
    [3.0, 3.0, 3.0]
    """
    if wrt is None and is_function(y):
        find = gradient_of(holomorphic=holomorphic)
        return Transformed(y, argnums, find, lambda y, wrt: grad(y, wrt, holomorphic=holomorphic))
    return value_and_grad(y, wrt, strict=strict, holomorphic=holomorphic)[1]


@short_traceback
def value_and_grad(
    y: Any,
    wrt: Any = None,
    *,
    argnums: Any = 0,
    strict: bool = False,
    holomorphic: bool = False,
) -> Any:
    """Return the goal and its derivative, to be computed together: ``(y, grad(y, wrt))``.

    Of a function, a function that gives both.

    Parameters
    ----------
    y, wrt, argnums, strict, holomorphic
        As for `grad`.

    Returns
    -------
    tuple of Delayed and as `wrt`
        The goal itself, and of each of `wrt` the derivative, in its shape and dtype.

    Raises
    ------
    NotDifferentiable, NotReachedError, GoalError
        As `grad`.

    Notes
    -----
    O(tasks + arguments) to make. What is computed forward is computed once for both.

    Examples
    --------
    >>> value_and_grad(lambda x, y: x * y * y, argnums=(0, 1))(2.0, 3.0)
    (18.0, (9.0, 12.0))
    """
    if wrt is None and is_function(y):
        find = gradient_of(holomorphic=holomorphic)
        return Transformed(
            y,
            argnums,
            find,
            lambda y, wrt: grad(y, wrt, holomorphic=holomorphic),
            with_value=True,
        )
    goal, targets = check_goal(y), Targets(wrt)
    ct = seeded(goal, holomorphic=holomorphic)
    back = BackwardPass([goal], [ct], targets.nodes)
    return y, targets.put(targets.cotangents(back, strict=strict, after=ct))


@short_traceback
def vjp(outputs: Any, wrt: Any, *cotangents: Any, strict: bool = False) -> Any:
    """Return the cotangents of `wrt`, given those of `outputs`: the vector-Jacobian product.

    Of a function, ``vjp(f, *arguments)`` gives its result, and a function from the cotangent of
    that to a tuple of the arguments'.

    Parameters
    ----------
    outputs : Delayed, or list, tuple or dict of such
        Of any shapes.
    wrt : as outputs
        What to differentiate by.
    cotangents : as outputs
        Values or lazy values, each in the shape of its output; None for zero.

    strict : bool
        Whether what `outputs` do not depend on is an error, rather than has zeros.

    Returns
    -------
    as wrt
        Lazy, each in the shape and dtype of its value (of whole numbers: float64).

    Raises
    ------
    NotDifferentiable
        For a task on the way that has no derivative.
    NotReachedError
        If `strict`, and `outputs` do not depend on one of `wrt`.
    CotangentError
        When computed, if a cotangent has another shape than its output.

    Notes
    -----
    O(tasks + arguments) to make: one backward pass, however many outputs there are.

    Examples
    --------
    >>> from lazygraph import delayed
    >>> x, y = delayed(3.0), delayed(2.0)
    >>> [ct.compute() for ct in vjp([x * y, x + y], [x, y], [1.0, 10.0])]
    [12.0, 13.0]
    """
    if is_function(outputs):
        return vjp_of(outputs, (wrt, *cotangents))
    (given,) = cotangents
    ends, targets = Targets(outputs, "outputs"), Targets(wrt)
    back = BackwardPass(ends.nodes, ends.beside(given, "cotangents"), targets.nodes)
    return targets.put(targets.cotangents(back, strict=strict))


@short_traceback
def jvp(outputs: Any, wrt: Any, tangents: Any) -> Any:
    """Return the change of `outputs` as `wrt` change along `tangents`: the Jacobian-vector product.

    The way back, whose cotangents are linear, is gone back once more. Of a function,
    ``jvp(f, arguments, tangents)`` gives its result and the change: both tuples (or lists) with
    one value for each argument, or both the value for the only argument, if that is no list.

    Parameters
    ----------
    outputs, wrt : Delayed, or list, tuple or dict of such
        Of any shapes.
    tangents : as wrt
        Values or lazy values, each in the shape of its own; None for zero.

    Returns
    -------
    as outputs
        Lazy, each in the shape and dtype of its output (of whole numbers: float64).

    Raises
    ------
    NotDifferentiable
        For a task on the way that has no derivative, or whose derivative has none.
    CotangentError
        When computed, if a tangent has another shape than its value.

    Notes
    -----
    O(tasks + arguments) to make: two backward passes, however many of `wrt` there are.

    Examples
    --------
    >>> from lazygraph import delayed
    >>> x, y = delayed(3.0), delayed(2.0)
    >>> jvp(x * y, [x, y], [1.0, 10.0]).compute()
    32.0
    """
    if is_function(outputs):
        is_one = not isinstance(wrt, (tuple, list))
        if is_one or not isinstance(tangents, (tuple, list)):
            wrt, tangents = (wrt,) if is_one else wrt, (tangents,)
        return jvp_of(outputs, tuple(wrt), tuple(tangents))
    ends, targets = Targets(outputs, "outputs"), Targets(wrt)
    # Not zeros: a rule may look at its cotangent, and do otherwise for none.
    probes = [ones(like(node)) for node in ends.nodes]
    there = BackwardPass(ends.nodes, probes, targets.nodes)
    found = [(n, there.total(node)) for n, node in enumerate(targets.nodes)]
    along = targets.beside(tangents, "tangents")
    back = BackwardPass(
        [ct for _, ct in found if ct is not None],
        [along[n] for n, ct in found if ct is not None],
        probes,
    )
    forms = [there.like(end) for end in ends.nodes]
    return ends.put(fitted([back.total(probe) for probe in probes], forms))


@short_traceback
def hvp(y: Any, wrt: Any, vectors: Any) -> Any:
    """Return the product of the Hessian of a scalar with `vectors`, which are as `wrt`.

    Parameters
    ----------
    y : Delayed
        The goal: its value is to be one real number.
    wrt : Delayed, or list, tuple or dict of such
        What to differentiate by, twice.
    vectors : as wrt
        Values or lazy values, each in the shape of its own; None for zero.

    Returns
    -------
    as wrt
        Lazy, each in the shape and dtype of its value.

    Raises
    ------
    NotDifferentiable
        For a task on the way that has no derivative, or whose derivative has none.
    CotangentError, GoalError
        When computed, if a vector has another shape than its value, or `y` is not one number.

    Notes
    -----
    O(tasks + arguments) to make: two backward passes. The Hessian itself is never made.

    Examples
    --------
    >>> from lazygraph import delayed
    >>> x = delayed(2.0)
    >>> hvp(x * x * x, x, 10.0).compute()
    120.0
    """
    return vjp(grad(y, wrt), wrt, vectors)


def stop_gradient(x: Any) -> Any:
    """Return `x`, a constant to derivatives; likewise what is in lists, tuples and dicts.

    Parameters
    ----------
    x
        A value, lazy or not, or containers of such.

    Returns
    -------
    as x
        Equal to `x`: lazy where that is, with a derivative of zero.

    Examples
    --------
    >>> from lazygraph import delayed
    >>> x = delayed(3.0)
    >>> grad(x * stop_gradient(x), x).compute()
    3.0
    """
    leaves, template = flatten((x,))
    kept = tuple([_stopped(leaf) for leaf in leaves])
    return kept[0] if template is None else template.build(kept)[0][0]


@forward
def _stopped(x: Any) -> Any:
    return x


constant(_stopped)

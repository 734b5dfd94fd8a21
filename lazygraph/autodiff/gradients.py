"""Lazy values -> the lazy derivatives of one by others: `grad`, `vjp`, `jvp` and their kin."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lazygraph.autodiff.cotangents import fit, like, seed, zeros
from lazygraph.autodiff.local import pick
from lazygraph.autodiff.primitive import primitive
from lazygraph.autodiff.table import constant
from lazygraph.autodiff.walk import Walk
from lazygraph.errors import CaptureError, CotangentError, NotReachedError
from lazygraph.nodes import Node, node_type
from lazygraph.running import Lazies
from lazygraph.shorten import short_repr
from lazygraph.ways import at, places

__all__ = ["grad", "hvp", "jvp", "stop_gradient", "value_and_grad", "vjp"]


def grad(y: Any, wrt: Any, *, strict: bool = False) -> Any:
    """The derivative of a scalar by lazy values, itself lazy.

    Parameters
    ----------
    y : Delayed
        The goal: its value is to be one number.
    wrt : Delayed, or list, tuple or dict of such
        What to differentiate by, nested as one likes.
    strict : bool
        Whether what `y` does not depend on is an error, rather than has zeros.

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
        When computed, if `y` is not one number.

    Notes
    -----
    O(tasks + arguments) to make, iterative. Complex values: the derivative of a real goal
    by z = a + ib is dy/da - i dy/db, as in autograd and JAX.

    Source: reverse mode; Linnainmaa (1970), Griewank & Walther (2008).

    Examples
    --------
    >>> from lazygraph import delayed
    >>> x, y, z = delayed(1), delayed(2), delayed(3)
    >>> [d.compute() for d in grad((x + y) * z, [x, y, z])]
    [3.0, 3.0, 3.0]
    """
    return value_and_grad(y, wrt, strict=strict)[1]


def value_and_grad(y: Any, wrt: Any, *, strict: bool = False) -> tuple[Any, Any]:
    """The goal and its derivative, to be computed together: ``(y, grad(y, wrt))``."""
    goal, targets = _goal(y), _Targets(wrt)
    walk = Walk([goal], [seed(goal)], targets.nodes)
    return y, targets.fill(walk, strict=strict)


def vjp(outputs: Any, wrt: Any, cotangents: Any, *, strict: bool = False) -> Any:
    """The cotangents of `wrt`, given those of `outputs`: the vector-Jacobian product.

    Parameters
    ----------
    outputs : Delayed, or list, tuple or dict of such
        Of any shapes.
    wrt : as outputs
        What to differentiate by.
    cotangents : as outputs
        Values or lazy values, each in the shape of its output; None for zero.

    Returns
    -------
    as wrt
        Lazy.
    """
    ends, targets = _Targets(outputs, "outputs"), _Targets(wrt)
    walk = Walk(ends.nodes, ends.beside(cotangents, "cotangents"), targets.nodes)
    return targets.fill(walk, strict=strict)


def jvp(outputs: Any, wrt: Any, tangents: Any) -> Any:
    """How `outputs` change as `wrt` change along `tangents`: the Jacobian-vector product.

    The way back, whose cotangents are linear, is gone back once more.

    Parameters
    ----------
    outputs, wrt : Delayed, or list, tuple or dict of such
        Of any shapes.
    tangents : as wrt
        Values or lazy values, each in the shape of its own; None for zero.

    Returns
    -------
    as outputs
        Lazy.
    """
    ends, targets = _Targets(outputs, "outputs"), _Targets(wrt)
    probes = [zeros(like(node)) for node in ends.nodes]
    there = Walk(ends.nodes, probes, targets.nodes)
    found = [(n, there.total(node)) for n, node in enumerate(targets.nodes)]
    along = targets.beside(tangents, "tangents")
    pairs = [(ct, along[n]) for n, ct in found if ct is not None]
    back = Walk([ct for ct, _ in pairs], [given for _, given in pairs], probes)
    made = [
        _or_zeros(back.total(probe), end) for probe, end in zip(probes, ends.nodes, strict=True)
    ]
    return ends.lazies.fill(made)[0]


def hvp(y: Any, wrt: Any, vectors: Any) -> Any:
    """The product of the Hessian of a scalar with `vectors`, which are as `wrt`."""
    return vjp(grad(y, wrt), wrt, vectors)


def stop_gradient(x: Any) -> Any:
    """`x`, which counts as a constant to derivatives."""
    return _stopped(x)


@primitive
def _stopped(x: Any) -> Any:
    return x


constant(_stopped)


def _or_zeros(ct: Node | None, node: Node) -> Any:
    return fit(ct, like(node)) if ct is not None else zeros(like(node))


def _goal(y: Any) -> Node:
    if type(y) is node_type():
        return y  # type: ignore[no-any-return]
    hint = "; call it first: what is differentiated is a result" if callable(y) else ""
    raise CaptureError(f"the goal is a lazy value, not {short_repr(y)}{hint}")


class _Targets:
    """Lazy values in nested containers, and the way to put others in their places."""

    def __init__(self, given: Any, what: str = "wrt") -> None:
        self.lazies = Lazies((given,))
        self._ways = [way for leaf, way in places(given) if _checked(leaf, way, what)]
        self.nodes = self.lazies.nodes
        if not self.nodes:
            raise CaptureError(f"{what} holds no lazy value: {short_repr(given)}")

    def beside(self, given: Any, what: str) -> list[Any]:
        """Of a structure like this one, what stands where the lazy values do, fit to them."""
        parts = [_part(given, way, what) for way in self._ways]
        shown = what.removesuffix("s")
        return [
            fit(part, like(node), f"a {shown}")
            for part, node in zip(parts, self.nodes, strict=True)
        ]

    def fill(self, walk: Walk, *, strict: bool) -> Any:
        """The structure, with the cotangents that a way back has found."""
        cts = [walk.total(node) for node in self.nodes]
        if strict:
            _check_reached(self.nodes, cts)
        made = (_or_zeros(ct, node) for ct, node in zip(cts, self.nodes, strict=True))
        return self.lazies.fill(made)[0]


def _checked(leaf: Any, way: Any, what: str) -> bool:
    if type(leaf) is not node_type() or way is None:
        raise CaptureError(
            f"{what} is a lazy value, or lists, tuples and dicts of such: {short_repr(leaf)} is "
            "none; lazygraph.inputs(...) or delayed(value) makes one"
        )
    return True


def _part(given: Any, way: Any, what: str) -> Any:
    if type(given) is node_type():
        return pick(given, way)
    try:
        return at(given, way)
    except (LookupError, TypeError, AttributeError):
        shown = "".join(f"[{name!r}]" for _, name in way)
        raise CotangentError(f"{what} have nothing at {shown}: {short_repr(given)}") from None


def _check_reached(nodes: Sequence[Node], cts: Sequence[Node | None]) -> None:
    missed = [node._get_key() for node, ct in zip(nodes, cts, strict=True) if ct is None]
    if missed:
        raise NotReachedError(f"the goal does not depend on {', '.join(map(repr, missed))}")

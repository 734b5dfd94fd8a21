"""A user's nested lazy values -> nodes, and back: what is differentiated, and by what."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from lazygraph.autodiff.backward_pass import BackwardPass
from lazygraph.autodiff.cotangents import MOST_SOURCES, add_n, fit, like, owned, seed, zeros
from lazygraph.autodiff.primitive import lazily
from lazygraph.autodiff.table import EdgeRule
from lazygraph.autodiff.vjp_context import pick
from lazygraph.errors import CaptureError, CotangentError, NotReachedError
from lazygraph.graphs.nodes import Node, node_type
from lazygraph.run import Lazies
from lazygraph.tasks.function import Function
from lazygraph.tasks.fused import Fused
from lazygraph.tasks.keys import Key
from lazygraph.tasks.reprs import short_repr
from lazygraph.tasks.tree_paths import get_in, leaves_with_path

__all__ = ["Targets", "check_goal", "fitted", "seeded"]


def check_goal(y: Any) -> Node:
    """Return the goal; raise `CaptureError` if it is not lazy."""
    if type(y) is node_type():
        return y  # type: ignore[no-any-return]
    hint = "; call it first: what is differentiated is a result" if callable(y) else ""
    raise CaptureError(f"the goal is a lazy value, not {short_repr(y)}{hint}")


_SEED = Function(seed, name="seed")


def seeded(goal: Node, *, holomorphic: bool = False) -> Node:
    """Return the cotangent that a goal begins with; its error names the line that made the goal."""
    given = (goal, True) if holomorphic else (goal,)
    return lazily(_SEED, given, {}, goal._code, goal._lasti)


class Targets:
    """Lazy values in nested containers, and the way to put others in their places."""

    def __init__(self, given: Any, what: str = "wrt") -> None:
        self._lazies = Lazies((given,))
        self._ways = [way for leaf, way in leaves_with_path(given) if _checked(leaf, way, what)]
        self.nodes = self._lazies.nodes
        if not self.nodes:
            raise CaptureError(f"{what} holds no lazy value: {short_repr(given)}")

    def put(self, values: Iterable[Any]) -> Any:
        """Return the structure, with these values in the places of its lazy values."""
        return self._lazies.fill(values)[0]

    def beside(self, given: Any, what: str) -> list[Any]:
        """Return what stands in a like structure where the lazy values do, fit to them."""
        parts = [_part(given, way, what) for way in self._ways]
        shown = what.removesuffix("s")
        return [
            fit(part, like(node), f"a {shown}")
            for part, node in zip(parts, self.nodes, strict=True)
        ]

    def cotangents(
        self, back: BackwardPass, *, strict: bool = False, after: Node | None = None
    ) -> list[Node]:
        """Return what a backward pass found for each; zeros, or an error, where it has nothing.

        Zeros wait for `after`: what checks the goal does so even if nothing leads to it.
        """
        cts = [back.total(node) for node in self.nodes]
        missed = [node._get_key() for node, ct in zip(self.nodes, cts, strict=True) if ct is None]
        if missed:
            _check_fused(missed, back)
        if missed and strict:
            raise NotReachedError(f"the goal does not depend on {', '.join(map(repr, missed))}")
        return fitted(cts, [back.like(node) for node in self.nodes], after)


def fitted(
    cts: Sequence[Node | None], forms: Sequence[Node], after: Node | None = None
) -> list[Node]:
    """Return cotangents in the shapes and dtypes of values like `forms`; zeros for None.

    Each in memory of its own: users change gradients in place.
    """
    used: set[Node | None] = set()
    made: list[Node] = []
    for ct, form in zip(cts, forms, strict=True):
        made.append(
            zeros(form, after) if ct is None else owned(ct, form, *_sources(ct, ct in used))
        )
        used.add(ct)
    return made


def _sources(ct: Node, is_used: bool) -> list[Node]:
    """Return the nodes whose memory a cotangent may share; [] if they are not known."""
    func = ct._function.func
    if is_used or not (type(func) is EdgeRule or func is add_n):
        return []
    sources = [leaf for leaf in ct._leaves if type(leaf) is node_type()]
    return sources if len(sources) <= MOST_SOURCES else []


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
        return get_in(given, way)
    except (LookupError, TypeError, AttributeError):
        shown = "".join(f"[{name!r}]" for _, name in way)
        raise CotangentError(f"{what} have nothing at {shown}: {short_repr(given)}") from None


def _check_fused(missed: Sequence[Key], back: BackwardPass) -> None:
    """Refuse zeros for what the goal does depend on, by way of a task that has swallowed it."""
    for node in back.steps:
        func = node._function.func
        for member in func.members if type(func) is Fused else ():
            if member.key in missed:
                raise NotReachedError(
                    f"{member.key!r} is part of the fused task {node._get_key()!r}: "
                    "differentiate first, then optimize"
                )

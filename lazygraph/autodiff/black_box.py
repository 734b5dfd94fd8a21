"""Derivatives of any function that is written with numpy; and of those that autograd has rules for.

A black box is run again on the way back, traced: what it draws at random, reads
from the clock or does besides happens twice. Numbers from `lazygraph.rng` would be others then,
and are refused; so are, with the line that does it, steps that lead a value out of sight
(``float(x)``, ``math.sin``, item assignment, ``out=``). A function's containers are taken
apart: parameters in dicts and lists, results in tuples have derivatives part by part.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import getitem
from types import CodeType
from typing import Any

from lazygraph.autodiff.autograd_rows import ORDERS, has_row, is_trusted, row_cts
from lazygraph.autodiff.cotangents import filled, fit, like
from lazygraph.autodiff.explaining import EXPLAINED, numpy_twin, reason_of
from lazygraph.autodiff.numpy_text import has_text, making_for, with_our_names
from lazygraph.autodiff.primitive import derived
from lazygraph.autodiff.pull_back import as_float, pull_back
from lazygraph.autodiff.table import EdgeRule
from lazygraph.autodiff.users import WholeVjp
from lazygraph.autodiff.vjp_context import Edges, VjpContext, pick
from lazygraph.errors import DerivativeError, NotDifferentiable
from lazygraph.graphs.nodes import Node
from lazygraph.randomness import forbidden
from lazygraph.tasks.callsites import site_text
from lazygraph.tasks.function import Function
from lazygraph.tasks.pytree import Template

__all__ = ["BlackBox", "Known", "by_autograd", "by_black_box"]

_NO_RNG = (
    "it draws random numbers by rng(), and on the way back would draw others: draw them in a "
    "task of their own, and pass them to this one"
)


def by_autograd(context: VjpContext) -> Edges | None:
    """Return the edges of a function, by autograd's rule, without running it; None without."""
    function, args, kwargs = context.node._function, context.args, context.kwargs
    wanted = tuple(n for n, value in enumerate(args) if context.wanted_in(value))
    is_direct = sum(map(context.is_wanted, context.leaves)) == len(wanted) and all(
        context.is_wanted(args[n]) for n in wanted
    )
    is_known = is_trusted(function.func) or (has_row(function.func) and not has_text(function.func))
    if kwargs.keys() - {"axis", "axes", "keepdims"} or not is_direct or not is_known:
        return None
    if 0 in wanted and function.name in ORDERS:
        raise context.refusal("its derivative by its order is not known")
    code, lasti = context.node._code, context.node._lasti
    known = derived(
        function,
        ("autograd", wanted, code, lasti),
        lambda: Function(Known(function, None, wanted, site_text(code, lasti))),
    )
    cts = context.task(known, context.ct, context.out, *args, **kwargs)
    return _edges(cts, [args[n] for n in wanted])


def by_black_box(context: VjpContext) -> Edges | None:
    """Return the edges of any function, which is run once more, traced."""
    function, leaves, node = context.node._function, context.leaves, context.node
    if function.is_early and type(function.func) not in _OF_OTHERS:
        raise context.refusal("it is of the way back, and has no rule")
    twin = numpy_twin(function.func)
    if twin is not None:
        raise context.refusal(f"it takes plain numbers only; use {twin}")
    for value in (*context.args, *context.kwargs.values()):
        context.wanted_in(value)  # raises for what is in a set or the key of a dict
    wanted = tuple(n for n, leaf in enumerate(leaves) if context.is_wanted(leaf))
    box = _black_box(function, node._template, wanted, node._code, node._lasti)
    # Not where the result is not kept: it would have to be computed for the comparison alone.
    out = [] if function.options.remat else [context.out]
    return _edges(context.task(box, context.ct, out, *leaves), [leaves[n] for n in wanted])


def _edges(cts: Node, leaves: list[Node]) -> Edges:
    if len(leaves) == 1:
        return [(leaves[0], cts)]
    return [(leaf, pick(cts, ((getitem, n),))) for n, leaf in enumerate(leaves)]


class _Back:
    """What the functions of both kinds of task have in common; frozen."""

    def __init__(
        self,
        function: Function,
        template: Template | None,
        wanted: tuple[int, ...],
        site: str | None,
    ) -> None:
        self.function, self.template, self.wanted, self.site = function, template, wanted, site
        self.__name__ = f"d_{function.name}"

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.function, self.template, self.wanted, self.site)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.function.name})"

    def _explained(self, find: Callable[[], list[Any]]) -> Any:
        """Return the cotangents that `find` gives: one as it is, several in a tuple.

        Raises
        ------
        NotDifferentiable
            If it raises what a function raises because it is watched.
        """
        try:
            cts = find()
        except DerivativeError as error:
            if type(error) is NotDifferentiable and error.site is None:
                raise NotDifferentiable(self.function.name, error.reason, self.site) from None
            raise
        except EXPLAINED as error:
            reason = reason_of(error)
            if reason is None:
                error.add_note("lazygraph: raised while it ran once more, for its derivative")
                raise
            raise NotDifferentiable(self.function.name, reason, self.site) from error
        return cts[0] if len(cts) == 1 else tuple(cts)


class Known(_Back):
    """The function of a task that computes cotangents by a rule of autograd's."""

    _is_early = True

    def __call__(self, ct: Any, out: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Return the cotangents of the wanted arguments."""
        return self._explained(lambda: self._found(ct, out, args, kwargs))

    def _found(self, ct: Any, out: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Any]:
        given = tuple([as_float(x) if n in self.wanted else x for n, x in enumerate(args)])
        cts = row_cts(self.function.func, filled(ct, like(out)), out, given, kwargs, self.wanted)
        what = f"autograd's rule for {self.function.name}: a cotangent"
        return [fit(part, like(args[n]), what) for n, part in zip(self.wanted, cts, strict=True)]


class BlackBox(_Back):
    """The function of a task that runs another's once more, watched, for its cotangents."""

    _is_early = True

    def __call__(self, ct: Any, out: Any, /, *leaves: Any) -> Any:
        """Return the cotangents of the wanted leaves; `out` holds the result, if it is known."""
        return self._explained(lambda: pull_back(self._call, ct, leaves, self.wanted, *out))

    def _call(self, leaves: list[Any]) -> Any:
        args: Any = leaves
        kwargs: dict[str, Any] = {}
        if self.template is not None:
            args, kwargs = self.template.build(leaves)
        func = with_our_names(self.function.func)
        with forbidden(self._no_rng), making_for([*args, *kwargs.values()]):
            made = func(*args, **kwargs)
            if not self.function.options.is_async:
                return made
            import asyncio  # late: few functions are async

            return asyncio.run(made)

    def _no_rng(self) -> NotDifferentiable:
        return NotDifferentiable(self.function.name, _NO_RNG, self.site)


def _black_box(
    function: Function,
    template: Template | None,
    wanted: tuple[int, ...],
    code: CodeType | str | None,
    lasti: int,
) -> Function:
    def make() -> Function:
        options = function.options.without(("vjp", "remat", "is_async"))
        box = BlackBox(function, template, wanted, site_text(code, lasti))
        return Function(box, options=options)

    return derived(function, ("black box", template, wanted, code, lasti), make)


_OF_OTHERS = (BlackBox, Known, WholeVjp, EdgeRule)

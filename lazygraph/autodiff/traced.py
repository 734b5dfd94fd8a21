"""Derivatives by autograd: of its primitives, and of any function that is written with numpy.

A black box is run again on the way back, watched by autograd: what it draws at random, reads
from the clock or does besides happens twice. Numbers from `lazygraph.rng` would be others then,
and are refused; so are, with the line that does it, steps that lead a value out of sight
(``float(x)``, ``math.sin``, item assignment, ``out=``). A function's containers are taken
apart: parameters in dicts and lists, results in tuples have derivatives part by part.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from operator import getitem
from types import CodeType
from typing import Any

from lazygraph.autodiff.explaining import EXPLAINED, numpy_twin, reason_of
from lazygraph.autodiff.local import Edges, Local, pick
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


def _watching() -> Any:
    """The room that brings autograd; ImportError where that is not installed."""
    from lazygraph.autodiff import watching  # late: autograd is optional

    return watching


def by_autograd(local: Local) -> Edges | None:
    """Of a function that autograd has a rule for: it is not run again."""
    try:
        watching = _watching()
    except ImportError:
        return None
    if watching.is_constant_to_autograd(local.primal):
        return []
    args, kwargs = local.args, local.kwargs
    wanted = tuple(n for n, value in enumerate(args) if local.wanted_in(value))
    is_direct = sum(map(local.is_wanted, local.leaves)) == len(wanted) and all(
        local.is_wanted(args[n]) for n in wanted
    )
    if kwargs.keys() - {"axis", "axes", "keepdims"} or not is_direct:
        return None
    if not watching.has_rule(local.primal) or len(args) > _MOST_POSITIONAL:
        return None
    known = _known(local.node._function, wanted, local.node._code, local.node._lasti)
    cts = local.task(known, local.ct, local.out, *args, **kwargs)
    return _edges(cts, [args[n] for n in wanted])


#: autograd's rules name their parameters in an order of their own after the first few.
_MOST_POSITIONAL = 2


def by_black_box(local: Local) -> Edges | None:
    """Of any function: autograd watches it run once more."""
    function, leaves = local.node._function, local.leaves
    twin = numpy_twin(function.func)
    if twin is not None:
        raise local.refusal(f"it takes plain numbers only; use {twin}")
    try:
        _watching()
    except ImportError as error:
        raise local.refusal(
            "the library has no rule of its own for it, and autograd, which finds derivatives of "
            f"functions written with numpy, cannot be had ({error}): pip install "
            "'lazygraph[grad]', or say how it is differentiated, by @delayed(vjp=...)"
        ) from None
    for value in (*local.args, *local.kwargs.values()):
        local.wanted_in(value)  # raises for what is in a set or the key of a dict
    wanted = tuple(n for n, leaf in enumerate(leaves) if local.is_wanted(leaf))
    node = local.node
    made = _black_box(function, node._template, wanted, node._code, node._lasti)
    return _edges(local.task(made, local.ct, *leaves), [leaves[n] for n in wanted])


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
        """The cotangents that `find` gives: one as it is, several in a tuple.

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
            raise NotDifferentiable(self.function.name, reason, self.site) from error
        return cts[0] if len(cts) == 1 else tuple(cts)


class Known(_Back):
    """The function of a task that computes cotangents by a rule of autograd's."""

    _is_early = True

    def __call__(self, ct: Any, out: Any, /, *args: Any, **kwargs: Any) -> Any:
        """The cotangents of the wanted arguments."""
        watching = _watching()
        func = self.function.func
        return self._explained(
            lambda: watching.pull_back_known(func, ct, out, args, kwargs, self.wanted)
        )


class BlackBox(_Back):
    """The function of a task that runs another's once more, watched, for its cotangents."""

    _is_early = True

    def __call__(self, ct: Any, /, *leaves: Any) -> Any:
        """The cotangents of the wanted leaves."""
        watching = _watching()
        return self._explained(lambda: watching.pull_back(self._call, ct, leaves, self.wanted))

    def _call(self, leaves: list[Any]) -> Any:
        args: Any = leaves
        kwargs: dict[str, Any] = {}
        if self.template is not None:
            args, kwargs = self.template.build(leaves)
        with forbidden(self._no_rng):
            made = self.function.func(*args, **kwargs)
            if not self.function.options.is_async:
                return made
            import asyncio  # late: few functions are async

            return asyncio.run(made)

    def _no_rng(self) -> NotDifferentiable:
        return NotDifferentiable(self.function.name, _NO_RNG, self.site)


@lru_cache(maxsize=1024)
def _known(
    function: Function, wanted: tuple[int, ...], code: CodeType | str | None, lasti: int
) -> Function:
    return Function(Known(function, None, wanted, site_text(code, lasti)))


@lru_cache(maxsize=1024)
def _black_box(
    function: Function,
    template: Template | None,
    wanted: tuple[int, ...],
    code: CodeType | str | None,
    lasti: int,
) -> Function:
    options = function.options.without(("vjp", "remat", "is_async"))
    return Function(BlackBox(function, template, wanted, site_text(code, lasti)), options=options)

"""Rules that users give, for a whole function: ``@delayed(vjp=...)`` and `defvjp`."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain
from operator import getitem
from typing import Any

from lazygraph.autodiff.cotangents import filled, fit, like
from lazygraph.autodiff.primitive import derived
from lazygraph.autodiff.vjp_context import Edges, VjpContext, pick
from lazygraph.errors import CaptureError, CotangentError
from lazygraph.graphs.nodes import node_type
from lazygraph.tasks.function import Function
from lazygraph.tasks.reprs import counted, short_repr

__all__ = ["WholeVjp", "by_user", "defvjp", "rule_of"]

#: A place among a call's arguments: a position, or a keyword.
Slot = int | str
#: function -> the rule that `defvjp` was given
_RULES: dict[Any, Callable[..., Any]] = {}


def defvjp(func: Callable[..., Any], vjp: Callable[..., Any]) -> None:
    """Say how a function is differentiated, here and from now on.

    Parameters
    ----------
    func : callable
        The function itself, not the lazy one.
    vjp : callable
        ``vjp(ct, out, *args, **kwargs)`` gives the cotangents of the arguments, one per
        argument of the call in the order of the function's signature: a tuple, or for one
        argument the cotangent itself. Each has the shape of its argument; of a list, tuple or
        dict it is one like it; None stands for zero. `ct` is the cotangent of the result `out`.

    Raises
    ------
    CaptureError
        If one of the two is no function, or `func` has no hash.

    Notes
    -----
    It goes before the library's own rules; the option ``@delayed(vjp=...)`` before both.
    Written with numpy and operators, it can be differentiated in turn.

    Examples
    --------
    >>> import math
    >>> from lazygraph import delayed
    >>> from lazygraph.autodiff import grad
    >>> defvjp(math.sqrt, lambda ct, out, x: ct / (2 * out))
    >>> x = delayed(4.0)
    >>> grad(delayed(math.sqrt)(x), x).compute()
    0.25
    """
    target = getattr(func, "_target", None)
    is_result = type(func) is node_type() and target is None
    if is_result or not callable(func) or not callable(vjp):
        raise CaptureError(f"defvjp takes two functions, not {short_repr(func)}, {short_repr(vjp)}")
    try:
        _RULES[func if target is None else target.func] = vjp
    except TypeError:
        raise CaptureError(
            f"defvjp finds functions by their hash, and {short_repr(func)} has none: give the rule "
            "as @delayed(vjp=...)"
        ) from None


def by_user(local: VjpContext) -> Edges | None:
    """Return the edges by a user's rule, with one task for all arguments; None without a rule."""
    function = local.node._function
    vjp = rule_of(function)
    if vjp is None:
        return None
    args, kwargs = local.args, local.kwargs
    arguments: dict[Slot, Any] = dict(chain(enumerate(args), kwargs.items()))
    wanted = tuple(slot for slot, value in arguments.items() if local.wanted_in(value))
    order = _in_order(function, args, kwargs)
    whole = derived(
        function,
        (vjp, order, wanted),
        lambda: Function(WholeVjp(vjp, function.name, order, wanted)),
    )
    cts = local.task(whole, local.ct, local.out, *args, **kwargs)
    return [
        edge
        for slot in wanted
        for edge in local.picked(pick(cts, ((getitem, slot),)), arguments[slot])
    ]


def rule_of(function: Function) -> Callable[..., Any] | None:
    """Return the rule the user has given for a function, in its options or for it everywhere."""
    return function.options.vjp or _rule_of_func(function.func)


def _rule_of_func(func: Any) -> Callable[..., Any] | None:
    try:
        return _RULES.get(func)
    except TypeError:  # a callable that cannot be hashed
        return None


def _in_order(
    function: Function, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[Slot, ...]:
    """Return the arguments' slots in the order of the function's signature."""
    signature = function.signature
    names = [] if signature is None else [name for name in signature.parameters if name in kwargs]
    # What no parameter is named for goes into **kwargs, in the order of the call.
    return (*range(len(args)), *names, *[name for name in kwargs if name not in names])


class WholeVjp:
    """The function of a task that calls a user's rule, and checks what it gives."""

    _is_early = True

    def __init__(
        self,
        vjp: Callable[..., Any],
        name: str,
        order: tuple[Slot, ...],
        wanted: tuple[Slot, ...],
    ) -> None:
        self.vjp, self.name, self.order, self.wanted = vjp, name, order, wanted
        self.__name__ = f"d_{name}"

    def __reduce__(self) -> tuple[Any, ...]:
        return WholeVjp, (self.vjp, self.name, self.order, self.wanted)

    def __call__(self, ct: Any, out: Any, /, *args: Any, **kwargs: Any) -> dict[Slot, Any]:
        """Return the cotangents of the wanted arguments by slot."""
        cts = self.read(self.vjp(filled(ct, like(out)), out, *args, **kwargs))
        arguments: dict[Slot, Any] = dict(chain(enumerate(args), kwargs.items()))
        return {
            slot: fit(cts[slot], like(arguments[slot]), self._what(slot)) for slot in self.wanted
        }

    def _what(self, slot: Slot) -> str:
        shown = f"argument {slot + 1}" if type(slot) is int else f"argument {slot!r}"
        return f"what the vjp of {self.name} gives for {shown}"

    def read(self, given: Any) -> dict[Slot, Any]:
        """Return the cotangents by slot; raise `CotangentError` if their number is wrong."""
        order = self.order
        cts = (given,) if len(order) == 1 and not _is_one(given) else given
        if not isinstance(cts, (tuple, list)) or len(cts) != len(order):
            shown = (
                counted(len(cts), "value") if isinstance(cts, (tuple, list)) else short_repr(cts)
            )
            raise CotangentError(
                f"the vjp of {self.name} gives {shown}, and the call has {counted(len(order), 'argument')}: "
                "it is to give a tuple with one cotangent for each"
            )
        return dict(zip(order, cts, strict=True))


def _is_one(given: Any) -> bool:
    return type(given) is tuple and len(given) == 1

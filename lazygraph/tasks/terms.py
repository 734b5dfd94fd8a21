"""What a user asks of a whole run: limits, what becomes of errors, a seed, results one by one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from lazygraph.errors import OptionError
from lazygraph.randomness import Seed
from lazygraph.tasks.options import is_number

__all__ = ["NO_TERMS", "TERMS", "Terms", "read_terms"]

#: What a scheduler that knows of terms honours.
TERMS = frozenset({"limits", "on_error", "seed"})
_ON_ERROR = ("raise", "collect")


class Terms(NamedTuple):
    """How a plan is to be run; what a scheduler needs to know besides the plan.

    Attributes
    ----------
    limits : mapping of str to float
        How much there is of each resource that tasks use.
    on_error : str
        "raise": the first task to fail ends the run. "collect": what does not need it goes on.
    seed : Seed, optional
        Where tasks draw random numbers from.
    """

    limits: Mapping[str, float] = MappingProxyType({})
    on_error: str = "raise"
    seed: Seed | None = None

    @property
    def named(self) -> Iterator[str]:
        """Those that ask for something, by the names that `Scheduler.honours` has for them."""
        if self.limits:
            yield "limits"
        if self.on_error != "raise":
            yield "on_error"
        if self.seed is not None:
            yield "seed"


#: The terms of a run of which nothing is asked.
NO_TERMS = Terms()


def read_terms(limits: Any, on_error: Any, seed: Seed | None) -> Terms:
    """The terms that a user's keywords, and a seed made of one, stand for.

    Raises
    ------
    OptionError
        For a value that is not permitted.
    """
    if type(on_error) is not str or on_error not in _ON_ERROR:
        raise OptionError(f"on_error is 'raise' or 'collect', not {on_error!r}")
    terms = Terms(_limits(limits), on_error, seed)
    return NO_TERMS if terms == NO_TERMS else terms


def _limits(given: Any) -> Mapping[str, float]:
    if given is None:
        return NO_TERMS.limits
    if isinstance(given, Mapping) and all(
        type(what) is str and is_number(amount) and amount >= 0 for what, amount in given.items()
    ):
        return MappingProxyType(dict(given))
    raise OptionError(f"limits is a dict of amounts, 0 or more, as {{'db': 2}}, not {given!r}")

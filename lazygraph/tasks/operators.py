"""What the tasks call that operations on a lazy value become, where Python has no function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lazygraph.errors import UnpackError
from lazygraph.tasks.reprs import counted, short_repr

__all__ = ["Method", "Nth", "apply", "power", "rounded", "value_of"]


def value_of(value: Any) -> Any:
    """Return `value`: the function of a task that only holds data."""
    return value


def power(base: Any, exponent: Any, modulus: Any = None) -> Any:
    """Return ``x ** y``."""
    return pow(base, exponent, modulus)


def rounded(value: Any, digits: Any = None) -> Any:
    """Return ``round(x)``."""
    return round(value) if digits is None else round(value, digits)


def apply(func: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    """Call what a lazy value has become."""
    return func(*args, **kwargs)


class Method:
    """Calls the method `name` of its first argument."""

    def __init__(self, name: str) -> None:
        self.__name__ = name

    def __call__(self, owner: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Call the method."""
        return getattr(owner, self.__name__)(*args, **kwargs)

    def __reduce__(self) -> tuple[Any, ...]:
        return Method, (self.__name__,)


class Nth:
    """Takes one of the `nout` values that a task returned."""

    def __init__(self, nout: int) -> None:
        self.nout = nout

    def __call__(self, returned: Any, index: int) -> Any:
        """Return the value, or an error that says how many there are."""
        try:
            return returned[index]
        except (TypeError, IndexError, KeyError):
            pass
        try:
            what = counted(len(returned), "value")
        except TypeError:
            what = short_repr(returned)
        raise UnpackError(f"{what} ({type(returned).__name__})", self.nout)

    def __reduce__(self) -> tuple[Any, ...]:
        return Nth, (self.nout,)

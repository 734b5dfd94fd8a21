"""What the tasks call that operations on a lazy value become, where Python has no function."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from lazygraph.errors import UnpackError
from lazygraph.tasks.reprs import short_repr

__all__ = ["Method", "Nth", "apply", "nout_of", "power", "rounded", "value_of"]


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
            what = f"{len(returned)} values"
        except TypeError:
            what = short_repr(returned)
        raise UnpackError(f"{what} ({type(returned).__name__})", self.nout)

    def __reduce__(self) -> tuple[Any, ...]:
        return Nth, (self.nout,)


#: How many results functions of numpy's give, where that is always so.
_NOUT = {"eig": 2, "eigh": 2, "slogdet": 2, "qr": 2, "svd": 3, "lstsq": 4}


def nout_of(name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> int | None:
    """Return how many results a call of a function of numpy's gives; None for one, or unknown."""
    if name in ("meshgrid", "broadcast_arrays"):
        return len(args)
    mode = kwargs.get("mode", args[1] if len(args) > 1 else "reduced")
    has_vectors = kwargs.get("compute_uv", args[2] if len(args) > 2 else True)
    if (name == "qr" and mode not in ("reduced", "complete")) or (
        name == "svd" and not has_vectors
    ):
        return None
    return _NOUT.get(name)

"""A class of the user's -> a container like any other: `register_container`."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from itertools import repeat
from typing import Any, NamedTuple, TypeVar

from lazygraph.errors import CaptureError
from lazygraph.tasks.containers import (
    LAZY,
    OPENERS,
    Opened,
    is_known,
    nth_child,
)

__all__ = ["RegisteredOf", "adopt_registration", "register_container", "registrations"]

T = TypeVar("T")


class RegisteredOf(NamedTuple):
    """Builds an instance of a class of `register_container`."""

    kind: type
    aux: Hashable
    tag: str = "registered"

    def __call__(self, items: list[Any]) -> Any:
        """Return the instance."""
        made = _REGISTERED[self.kind].unflatten(self.aux, tuple(items))
        if type(made) is not self.kind:
            raise CaptureError(
                f"unflatten(aux, children) of {self.kind.__qualname__} returned "
                f"a {type(made).__name__}"
            )
        return made

    def steps(self, k: int) -> Iterator[Any]:
        """Yield the last step of the path to each child."""
        return zip(repeat(nth_child), range(k))

    def __reduce__(self) -> tuple[Any, ...]:
        # The registration goes along: what unpickles may never have seen the class.
        return _registered_of, (*_REGISTERED[self.kind], self.aux)


def _registered_of(kind: type, flatten: Any, unflatten: Any, aux: Hashable) -> RegisteredOf:
    adopt_registration(kind, flatten, unflatten)
    return RegisteredOf(kind, aux)


def adopt_registration(kind: type, flatten: Any, unflatten: Any) -> None:
    """Take over what another process has registered, unless the class is known here."""
    if kind not in _REGISTERED:
        _register(Registration(kind, flatten, unflatten))


class Registration(NamedTuple):
    """A class of the user's, and how it is taken apart and built."""

    kind: type
    flatten: Callable[[Any], tuple[Iterable[Any], Hashable]]
    unflatten: Callable[[Any, tuple[Any, ...]], Any]

    def open(self, value: Any) -> Opened:
        """Return the builder and the children of an instance; what is wrong is the user's."""
        name = self.kind.__qualname__
        try:
            children, aux = self.flatten(value)
            children = list(children)
        except (TypeError, ValueError) as error:
            raise CaptureError(
                f"flatten of {name} must return (children, aux), an iterable and a hashable "
                f"value: {error}"
            ) from error
        if not LAZY.isdisjoint(map(type, aux if type(aux) is tuple else (aux,))):
            raise CaptureError(f"flatten of {name} returned a lazy value in aux: make it a child")
        try:
            hash(aux)
        except TypeError as error:
            raise CaptureError(
                f"flatten of {name} returned an aux that cannot be hashed ({error}): "
                "return a tuple of what it holds"
            ) from error
        return RegisteredOf(self.kind, aux), children


_REGISTERED: dict[type, Registration] = {}


def register_container(
    cls: type[T],
    flatten: Callable[[T], tuple[Iterable[Any], Hashable]],
    unflatten: Callable[[Any, tuple[Any, ...]], T],
) -> None:
    """Let lazy values be found inside instances of a class, as inside a list.

    From then on arguments of delayed calls, `compute` and its kin, and ``check_finite`` look
    into it.

    Parameters
    ----------
    cls : type
        Exactly this class; subclasses are registered themselves. Lists, tuples, dicts, sets,
        dataclasses and namedtuples are known without.
    flatten : callable
        ``flatten(instance) -> (children, aux)``: an iterable of what may be or hold lazy
        values, and a hashable value that tells the rest.
    unflatten : callable
        ``unflatten(aux, children) -> instance``, with as many children, in a tuple. They may
        be placeholders (a lazy value, a key), so it must not look at them.

    Raises
    ------
    CaptureError
        If `cls` is no class, is known already, or the others cannot be called.

    Notes
    -----
    An instance without anything lazy inside is passed as it is. The registration goes into
    pickles and to worker processes with what needs it; both functions must pickle for that,
    as a task's function must. In processes of Dask's, instances that a task makes itself are
    known only if the module that defines the class registers it.

    Examples
    --------
    >>> import lazygraph
    >>> class Interval:
    ...     def __init__(self, low, high):
    ...         self.low, self.high = low, high
    >>> lazygraph.register_container(
    ...     Interval,
    ...     lambda x: ((x.low, x.high), None),
    ...     lambda aux, children: Interval(*children),
    ... )
    >>> found = lazygraph.delayed(lambda x: x.high - x.low)(Interval(2, lazygraph.delayed(abs)(-5)))
    >>> found.compute()
    3
    """
    if not isinstance(cls, type):
        raise CaptureError(f"register_container takes a class, not {cls!r}")
    for name, given in (("flatten", flatten), ("unflatten", unflatten)):
        if not callable(given):
            raise CaptureError(f"register_container takes a function as {name}, not {given!r}")
    if is_known(cls) and cls not in _REGISTERED:
        raise CaptureError(f"lazygraph itself knows how {cls.__qualname__} is taken apart")
    made = Registration(cls, flatten, unflatten)
    known = _REGISTERED.get(cls)
    if known is not None and not _is_again(known, made):
        raise CaptureError(
            f"{cls.__qualname__} is registered already, by {known.flatten!r} and "
            f"{known.unflatten!r}"
        )
    _register(made)


def _is_again(known: Registration, made: Registration) -> bool:
    """Whether the same code runs once more, as a cell of a notebook does."""
    return _names(known) == _names(made)


def _names(registration: Registration) -> list[tuple[Any, Any]]:
    return [(getattr(f, "__module__", f), getattr(f, "__qualname__", f)) for f in registration[1:]]


def _register(registration: Registration) -> None:
    _REGISTERED[registration.kind] = registration
    OPENERS[registration.kind] = registration.open


def registrations() -> Mapping[type, Registration]:
    """Return every registration by its class."""
    return _REGISTERED

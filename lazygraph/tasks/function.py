"""What tasks share of a decorated function: the function, its name, how its results unpack."""

from __future__ import annotations

import typing
from collections.abc import Callable, Coroutine
from functools import cached_property, partial
from types import FunctionType, MethodType
from typing import TYPE_CHECKING, Any

from lazygraph.config import whole_number
from lazygraph.errors import CaptureError, OptionError
from lazygraph.randomness import Seed, current_seed, seeded
from lazygraph.tasks.keys import function_name
from lazygraph.tasks.options import NO_OPTIONS, Options
from lazygraph.transport.pickling import by_value, loads, pack_function

if TYPE_CHECKING:
    import inspect

__all__ = ["Function", "check_nout"]

_CO_COROUTINE = 0x80  # inspect.CO_COROUTINE, without the 6 ms that inspect takes to import


def check_nout(nout: Any) -> int | None:
    """`nout` if it is None or a count; otherwise an error that says so."""
    number = whole_number(nout)
    if nout is None or (number is not None and number >= 0):
        return number
    # Both a TypeError (ours) and, as Dask has it, a ValueError.
    raise _NoutError(f"nout must be None or a non-negative integer, got {nout!r}")


class _NoutError(OptionError, ValueError):
    """A bad `nout`."""


def declared_nout(func: Callable[..., Any]) -> int | None:
    """How many values the annotation ``-> tuple[A, B]`` promises; None if it does not say."""
    try:
        returns = typing.get_type_hints(_inner(func)).get("return")
    except Exception:  # an annotation may name what cannot be resolved here
        return None
    if typing.get_origin(returns) is not tuple:
        return None
    items = typing.get_args(returns)
    has_any_number = Ellipsis in items or any(typing.get_origin(i) is typing.Unpack for i in items)
    return None if has_any_number else len(items)


def _is_coroutine_function(func: Any) -> bool:
    """Whether calling `func` gives a coroutine: an ``async def``, a method or a partial of one.

    Or a function that `inspect.markcoroutinefunction` has marked.
    """
    while type(func) in (partial, MethodType, ByArguments):
        func = func.__func__ if type(func) is MethodType else func.func
    if type(func) is not FunctionType:
        func = getattr(type(func), "__call__", None)  # noqa: B004  # what it is, not whether
    if type(func) is not FunctionType:
        return False
    return bool(func.__code__.co_flags & _CO_COROUTINE) or "_is_coroutine_marker" in vars(func)


def _is_early(func: Any) -> bool:
    """Whether a function of this library is marked so; by `vars`, since users' may answer all."""
    marked = func if type(func) is FunctionType else type(func)
    return "_is_early" in vars(marked)


class ByArguments:
    """A function whose calls draw random numbers by its name and their arguments.

    It sets the stream where and when it is called: no scheduler need know of it.
    """

    def __init__(self, func: Callable[..., Any]) -> None:
        self.func = func
        self.__name__ = function_name(func)

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        """Call the function; what it draws follows from the arguments."""
        around = current_seed()
        if around is None:
            return self.func(*args, **kwargs)
        seed = self._seed(around, args, kwargs)
        if _is_coroutine_function(self.func):
            return _awaited(seed, self.func(*args, **kwargs))
        with seeded(seed):
            return self.func(*args, **kwargs)

    def _seed(self, around: Seed, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Seed:
        try:
            return around.stream((self.__name__, args, sorted(kwargs.items())))
        except OptionError:  # not plain numbers and texts: told by their content
            from dask.tokenize import TokenizationError, tokenize  # late: it takes 200 ms
        try:
            token = tokenize(args, kwargs, ensure_deterministic=True)
        except TokenizationError as error:
            raise OptionError(
                f"seed_by='args' reads the content of arguments, and {self.__name__} has one that "
                f"Dask cannot tell from its like ({error}): draw from rng(key) with a key instead"
            ) from None
        return around.stream((self.__name__, token))

    def __repr__(self) -> str:
        return f"ByArguments({self.__name__})"

    def __dask_tokenize__(self) -> Any:
        return ("ByArguments", self.func)

    def __reduce__(self) -> tuple[Any, ...]:
        return _loaded, (pack_function(self.func),)


async def _awaited(seed: Seed, coroutine: Coroutine[Any, Any, Any]) -> Any:
    with seeded(seed):
        return await coroutine


def _loaded(func: bytes) -> ByArguments:
    return ByArguments(loads(func))


def by_arguments(func: Callable[..., Any], seed_by: Any) -> Callable[..., Any]:
    """Return `func` so that it draws as ``seed_by=`` says."""
    if seed_by != "args":
        raise OptionError(f"seed_by is 'args' or None, not {seed_by!r}")
    return func if type(func) is ByArguments else ByArguments(func)


def _inner(func: Any) -> Any:
    """Return the user's function, without the wrapper of ``seed_by=``."""
    return func.func if type(func) is ByArguments else func


class Function:
    """A function as tasks share it; frozen.

    One object per decorated function: a task holds a reference to it and nothing more.
    """

    def __init__(
        self,
        func: Callable[..., Any],
        *,
        name: str | None = None,
        pure: bool = False,
        nout: int | None = None,
        options: Options = NO_OPTIONS,
    ) -> None:
        self.func = func
        self.pure = pure
        if _is_coroutine_function(func):
            options = options.replace(is_async=True)
        self.options = options
        #: Its tasks run as soon as they can: what they need may be let go then.
        self.is_early = _is_early(func)
        self._nout = nout
        self._name = name
        self._shapes: set[Any] = set()  # (number of positionals, *keywords) known to fit

    def __repr__(self) -> str:
        return f"Function({self.name})"

    def __reduce__(self) -> tuple[Any, ...]:
        func, vjp, *rest = self._parts()[1]
        packed = pack_function(func), None if vjp is None else pack_function(vjp)
        return _unpacked, (*packed, *rest)

    def _parts(self) -> tuple[Any, ...]:
        # The rule of its derivative is a function too, and may be a lambda.
        vjp, options = self.options.vjp, self.options.without(("vjp",))
        return _remake, (self.func, vjp, self._name, self.pure, self._nout, options)

    @cached_property
    def name(self) -> str:
        """The function's name: the prefix of its tasks' keys, the label of its drawings."""
        return self._name or function_name(self.func)

    @cached_property
    def nout(self) -> int | None:
        """How many values a result unpacks into; inferred from the annotation if not given."""
        return declared_nout(self.func) if self._nout is None else self._nout

    def replace(self, **changes: Any) -> Function:
        """Return the same function with another `func`, `pure`, `nout` or `options`."""
        given = {
            "func": self.func,
            "name": self._name,
            "pure": self.pure,
            "nout": self._nout,
            "options": self.options,
            **changes,
        }
        return Function(**given)

    @cached_property
    def signature(self) -> inspect.Signature | None:
        """What the function itself accepts; None for those that do not say (some builtins).

        A wrapper's own signature counts, not that of the function it wraps: the wrapper is
        what will be called.
        """
        import inspect  # late: it takes 6 ms to import

        func = _inner(self.func)
        if hasattr(func, "__wrapped__") and "__signature__" in vars(func):
            return None  # copied from the function that it wraps, by functools.wraps

        try:
            return inspect.signature(func, follow_wrapped=False)
        except Exception:  # builtins without one; classes that answer any attribute
            return None

    def check_call(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Raise CaptureError unless the function accepts such arguments."""
        shape = (len(args), *kwargs) if kwargs else len(args)
        if shape in self._shapes:
            return
        if self.signature is not None:
            try:
                self.signature.bind(*args, **kwargs)
            except TypeError as error:
                raise CaptureError(f"{self.name}{_plain(self.signature)}: {error}") from None
        self._shapes.add(shape)


def _plain(signature: inspect.Signature) -> inspect.Signature:
    """Return the signature without annotations: what matters when arguments do not fit."""
    parameters = [p.replace(annotation=p.empty) for p in signature.parameters.values()]
    return signature.replace(parameters=parameters, return_annotation=signature.empty)


def _unpacked(func: bytes, vjp: bytes | None, *rest: Any) -> Function:
    return _remake(loads(func), None if vjp is None else loads(vjp), *rest)


def _remake(
    func: Callable[..., Any],
    vjp: Callable[..., Any] | None,
    name: str | None,
    pure: bool,
    nout: int | None,
    options: Options,
) -> Function:
    if vjp is not None:
        options = options.replace(vjp=vjp)
    options = NO_OPTIONS if options == NO_OPTIONS else options
    return Function(func, name=name, pure=pure, nout=nout, options=options)


# A function of the script that calls its own delayed self leads back to itself.
by_value[Function] = Function._parts
by_value[ByArguments] = lambda wrapper: (ByArguments, (wrapper.func,))

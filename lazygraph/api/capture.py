"""A call becomes a task: `delayed`."""

from __future__ import annotations

import contextlib
import types
from collections.abc import Callable, Coroutine, Iterable
from functools import partial, update_wrapper
from typing import Any, Generic, Protocol, Self, TypeVar, overload

from lazygraph.api.lazy import Delayed, call_lazily, caller
from lazygraph.errors import CaptureError, OptionError
from lazygraph.graphs.inputs import NO_DEFAULT, make_input
from lazygraph.graphs.nodes import CONTENT, GivenKey, make_node
from lazygraph.tasks.function import Function, check_nout
from lazygraph.tasks.keys import Key, check_key
from lazygraph.tasks.operators import value_of
from lazygraph.tasks.options import read_options
from lazygraph.tasks.pytree import ATOMS, LEAF_RULES, Literal, flatten, leaf_of

__all__ = ["DelayedFunction", "delayed", "inputs", "is_delayed"]

T = TypeVar("T")


class DelayedFunction(Delayed[Callable[..., Any]], Generic[T]):
    """A function whose calls become tasks; itself the lazy value of the function."""

    # Not slotted: it bears the function's name, docstring and signature.
    _target: Function
    _target_key: Any

    def __new__(cls, target: Function, key: Any, frame: types.FrameType) -> Self:
        """Made by `delayed`."""
        holder = Function(value_of, name=target.name)
        self = make_node(cls, holder, (target.func,), None, key, frame.f_code, frame.f_lasti)
        self._target = target
        self._target_key = CONTENT if target.pure else None
        # A callable whose attributes raise goes without a name.
        with contextlib.suppress(Exception):
            update_wrapper(self, target.func, updated=())
        return self

    def __call__(self, /, *args: Any, **kwargs: Any) -> Delayed[T]:
        """The lazy result of calling the function with these arguments."""
        function = self._target
        if kwargs or len(args) not in function._shapes:
            return call_lazily(function, self._target_key, args, kwargs, caller(1))
        for arg in args:
            if type(arg) not in ATOMS:
                return call_lazily(function, self._target_key, args, kwargs, caller(1))
        # The common call, at full length: another function would cost a fifth of it.
        node: Delayed[T] = _new(Delayed)
        node._function, node._leaves, node._template = function, args, None
        node._key = self._target_key
        frame = caller(1)
        node._code, node._lasti = frame.f_code, frame.f_lasti
        return node

    def __repr__(self) -> str:
        return f"DelayedFunction({self._target.name})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _remake, (self._target, self._key)


_new: Any = object.__new__
_NOTHING: Any = object()


def _remake(target: Function, key: Any) -> DelayedFunction[Any]:
    return DelayedFunction(target, key, caller(0))


def _raw_function(function: DelayedFunction[Any]) -> Any:
    return function._target.func


# Given as an argument, a delayed function is the function itself.
LEAF_RULES[DelayedFunction] = _raw_function


class _Decorator(Protocol):
    """What `delayed` gives when it is given options alone."""

    @overload
    def __call__(self, func: Callable[..., Coroutine[Any, Any, T]], /) -> DelayedFunction[T]: ...
    @overload
    def __call__(self, func: Callable[..., T], /) -> DelayedFunction[T]: ...


@overload
def delayed(
    obj: DelayedFunction[T],
    name: Key | None = None,
    pure: bool | None = None,
    nout: int | None = None,
    traverse: bool = True,
    **options: Any,
) -> DelayedFunction[T]: ...
@overload
def delayed(
    obj: Delayed[T],
    name: Key | None = None,
    pure: bool | None = None,
    nout: int | None = None,
    traverse: bool = True,
    **options: Any,
) -> Delayed[T]: ...
@overload
def delayed(
    obj: Callable[..., Coroutine[Any, Any, T]],
    name: Key | None = None,
    pure: bool | None = None,
    nout: int | None = None,
    traverse: bool = True,
    **options: Any,
) -> DelayedFunction[T]: ...
@overload
def delayed(
    obj: Callable[..., T],
    name: Key | None = None,
    pure: bool | None = None,
    nout: int | None = None,
    traverse: bool = True,
    **options: Any,
) -> DelayedFunction[T]: ...
@overload
def delayed(
    *,
    name: Key | None = None,
    pure: bool | None = None,
    nout: int | None = None,
    traverse: bool = True,
    **options: Any,
) -> _Decorator: ...
@overload
def delayed(
    obj: T,
    name: Key | None = None,
    pure: bool | None = None,
    nout: int | None = None,
    traverse: bool = True,
    **options: Any,
) -> Delayed[T]: ...
def delayed(
    obj: Any = _NOTHING,
    name: Key | None = None,
    pure: bool | None = None,
    nout: int | None = None,
    traverse: bool = True,
    **options: Any,
) -> Any:
    """Make a function's calls, or any object, lazy.

    Parameters
    ----------
    obj : callable or object, optional
        A function, method or class, whose calls become tasks; or any value, to be used in
        lazy expressions. Without it, a decorator with the other arguments.
    name : Key, optional
        The key of the lazy object itself (calls of a function get keys of their own; name
        one of them by ``f(x, dask_key_name="first")``).
    pure : bool, optional
        Equal arguments give equal results: equal calls then are one task, known by its
        content. False by default. Arrays among the arguments are read once per compute.
    nout : int, optional
        How many values a call returns, so that the lazy result can be unpacked; inferred
        from an annotation ``-> tuple[A, B]``.
    traverse : bool
        Whether to look for lazy values inside `obj`, when it is a container.
    **options
        Options for every call of the function: see `lazygraph.Options`.

    Returns
    -------
    DelayedFunction or Delayed

    Raises
    ------
    OptionError
        For an unknown option, or a bad value.

    Notes
    -----
    A call costs about half a microsecond, whatever its arguments were made from. Mistakes in
    the number or names of arguments are raised at the call.

    Examples
    --------
    >>> @delayed
    ... def square(x):
    ...     return x * x
    >>> delayed(sum)([square(1), square(2)]).compute()
    5
    >>> delayed([square(1), 10])[0].compute()
    1
    """
    if obj is _NOTHING:
        return partial(delayed, name=name, pure=pure, nout=nout, traverse=traverse, **options)
    nout = check_nout(nout)
    if isinstance(obj, Delayed):
        return _with_options(obj, options)
    opts = read_options(options)
    key: Any = None if name is None else GivenKey(check_key(name))
    leaves, template = flatten((obj,)) if traverse else ((leaf_of(obj),), None)
    frame = caller(1)
    if callable(obj) and leaves[0] is obj:
        called = name if isinstance(name, str) else None
        target = Function(obj, name=called, pure=bool(pure), nout=nout, options=opts)
        return DelayedFunction(target, key, frame)
    function = Function(value_of, name=_value_name(obj), nout=nout, options=opts)
    if key is None and pure:
        key = CONTENT
    return make_node(Delayed, function, leaves, template, key, frame.f_code, frame.f_lasti)


def inputs(names: str | Iterable[str], *, default: Any = NO_DEFAULT) -> Any:
    """Lazy values whose values are given when a graph runs.

    Parameters
    ----------
    names : str or iterable of str
        One or more names, with spaces or commas between.
    default : object, optional
        The value of each, where none is given.

    Returns
    -------
    Delayed or tuple of Delayed
        One for a text with one name, else a tuple. An input is known by its name, which is its
        key: two of one name in one graph are one input.

    Raises
    ------
    CaptureError
        If there is no name, one stands twice, or something is no name.

    Examples
    --------
    >>> x, y, z = inputs("x y z")
    >>> f = (x + y) * z
    >>> f.compute(inputs={x: 1, y: 2, "z": 3})
    9
    """
    is_text = isinstance(names, str)
    read = names.replace(",", " ").split() if isinstance(names, str) else list(names)
    if not read or len(set(read)) < len(read) or not all(isinstance(n, str) and n for n in read):
        raise CaptureError(f"inputs takes different names, as in inputs('x y z'), not {names!r}")
    frame = caller(1)
    made = tuple([make_input(name, default, (frame.f_code, frame.f_lasti)) for name in read])
    return made[0] if is_text and len(made) == 1 else made


def _with_options(obj: Delayed[T], given: dict[str, Any]) -> Delayed[T]:
    """A lazy object as it is; a lazy function with options of its own and those given."""
    if not given:
        return obj
    if not isinstance(obj, DelayedFunction):
        raise OptionError(f"options belong to a function, and {obj!r} is a result: give them there")
    target = obj._target.replace(options=read_options(given, obj._target.options))
    made: Any = DelayedFunction(target, obj._key, caller(2))
    return made  # type: ignore[no-any-return]


def _value_name(obj: Any) -> str:
    obj = obj.value if type(obj) is Literal else obj
    name = getattr(obj, "__name__", None)
    return name if type(name) is str else type(obj).__name__


def is_delayed(obj: Any) -> bool:
    """Whether `obj` is a lazy value (or a function made lazy).

    Examples
    --------
    >>> is_delayed(delayed(abs)(-1)), is_delayed(1)
    (True, False)
    """
    return isinstance(obj, Delayed)

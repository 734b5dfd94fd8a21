"""A call becomes a task: `delayed`."""

from __future__ import annotations

import contextlib
import types
from collections.abc import Callable, Coroutine
from functools import partial, update_wrapper
from typing import Any, Generic, Protocol, Self, SupportsIndex, TypeVar, Unpack, overload

from lazygraph.api.lazy import Delayed, call_lazily, caller
from lazygraph.errors import OptionError
from lazygraph.graphs.nodes import FRESH, PURE, Given, Name, make_node
from lazygraph.tasks.function import Function, by_arguments, check_nout
from lazygraph.tasks.keys import Key, check_key
from lazygraph.tasks.operators import value_of
from lazygraph.tasks.options import SeedBy, TaskOptions, read_options
from lazygraph.tasks.pytree import ATOMS, LEAF_RULES, Literal, flatten, whole_leaf_of
from lazygraph.tasks.reprs import short_repr

__all__ = ["DelayedFunction", "delayed", "is_delayed"]

T = TypeVar("T")


class DelayedFunction(Delayed[Callable[..., Any]], Generic[T]):
    """A function whose calls become tasks; itself the lazy value of the function."""

    # Not slotted: it bears the function's name, docstring and signature.
    _target: Function
    _target_name: Name

    def __new__(cls, target: Function, key: Any, frame: types.FrameType) -> Self:
        """Made by `delayed`."""
        holder = Function(value_of, name=target.name)
        self = make_node(cls, holder, (target.func,), None, key, frame.f_code, frame.f_lasti)
        self._target = target
        self._target_name = PURE if target.pure else FRESH
        # A callable whose attributes raise goes without a name.
        with contextlib.suppress(Exception):
            update_wrapper(self, target.func, updated=())
        return self

    def __call__(self, /, *args: Any, **kwargs: Any) -> Delayed[T]:
        """Return the lazy result of calling the function with these arguments."""
        function = self._target
        if kwargs or len(args) not in function._shapes:
            return call_lazily(function, self._target_name, args, kwargs, caller(1))
        for arg in args:
            if type(arg) not in ATOMS:
                return call_lazily(function, self._target_name, args, kwargs, caller(1))
        # The common call, at full length: another function would cost a fifth of it.
        node: Delayed[T] = _new(Delayed)
        node._function, node._leaves, node._template = function, args, None
        node._name = self._target_name
        frame = caller(1)
        node._code, node._lasti = frame.f_code, frame.f_lasti
        return node

    def with_options(
        self,
        *,
        name: Key | None = None,
        pure: bool | None = None,
        nout: SupportsIndex | None = None,
        seed_by: SeedBy | None = None,
        **options: Unpack[TaskOptions],
    ) -> DelayedFunction[T]:
        """Return the function with other options, for some of its calls.

        Parameters
        ----------
        name, pure, nout, seed_by, **options
            As for `delayed`; what is not given stays as it is.

        Raises
        ------
        OptionError
            For an unknown option, or a bad value.

        Examples
        --------
        >>> read = delayed(open, timeout=10)
        >>> read.with_options(retries=3)("data.csv")._function.options
        Options(retries=3, timeout=10)
        """
        given = {"name": name, "pure": pure, "nout": nout, "seed_by": seed_by, **options}
        made: Any = _with_options(self, given, caller(1))
        return made  # type: ignore[no-any-return]

    def __getattr__(self, name: str) -> Delayed[Any]:
        if not name.startswith("_") and _lacks(self._target.func, name):
            hint = _OTHERS_WORDS.get(name, f"delayed(getattr)(f, {name!r}) would look it up later")
            raise AttributeError(f"{self._target.name} is a function without {name!r}: {hint}")
        return super().__getattr__(name)

    def __repr__(self) -> str:
        return f"DelayedFunction({self._target.name})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _remake, (self._target, self._name)


#: What other libraries' functions have, and what to write here.
_OTHERS_WORDS = {
    "remote": "call it, f(x), and compute(...) the result",
    "options": "write f.with_options(retries=3)(x), or delayed(f, retries=3)",
    "delay": "call it, f(x), and compute(...) the result",
    "submit": "call it, f(x), and compute(...) the result",
    "map": "write [f(x) for x in items], and compute(...) the list",
    "starmap": "write [f(*x) for x in items], and compute(...) the list",
}


def _lacks(func: Any, name: str) -> bool:
    """Whether a function is sure to have no such attribute when it is looked up."""
    try:
        return not hasattr(func, name)
    except Exception:  # it may do anything with attributes
        return False


_new: Any = object.__new__
_NOTHING: Any = object()


def _remake(target: Function, key: Any) -> DelayedFunction[Any]:
    return DelayedFunction(target, key, caller(0))


def _raw_function(function: DelayedFunction[Any]) -> Any:
    return function._target.func


# Given as an argument, a delayed function is the function itself.
LEAF_RULES[DelayedFunction] = _raw_function


class _Decorator(Protocol):
    """Type of ``delayed(**options)``: a decorator."""

    @overload
    def __call__(self, func: Callable[..., Coroutine[Any, Any, T]], /) -> DelayedFunction[T]: ...
    @overload
    def __call__(self, func: Callable[..., T], /) -> DelayedFunction[T]: ...


@overload
def delayed(
    obj: DelayedFunction[T],
    name: Key | None = None,
    pure: bool | None = None,
    nout: SupportsIndex | None = None,
    traverse: bool = True,
    seed_by: SeedBy | None = None,
    **options: Unpack[TaskOptions],
) -> DelayedFunction[T]: ...
@overload
def delayed(  # type: ignore[overload-overlap]  # a lazy value can be called, lazily
    obj: Delayed[T],
    name: Key | None = None,
    pure: bool | None = None,
    nout: SupportsIndex | None = None,
    traverse: bool = True,
    seed_by: SeedBy | None = None,
    **options: Unpack[TaskOptions],
) -> Delayed[T]: ...
@overload
def delayed(
    obj: Callable[..., Coroutine[Any, Any, T]],
    name: Key | None = None,
    pure: bool | None = None,
    nout: SupportsIndex | None = None,
    traverse: bool = True,
    seed_by: SeedBy | None = None,
    **options: Unpack[TaskOptions],
) -> DelayedFunction[T]: ...
@overload
def delayed(
    obj: Callable[..., T],
    name: Key | None = None,
    pure: bool | None = None,
    nout: SupportsIndex | None = None,
    traverse: bool = True,
    seed_by: SeedBy | None = None,
    **options: Unpack[TaskOptions],
) -> DelayedFunction[T]: ...
@overload
def delayed(
    *,
    name: Key | None = None,
    pure: bool | None = None,
    nout: SupportsIndex | None = None,
    traverse: bool = True,
    seed_by: SeedBy | None = None,
    **options: Unpack[TaskOptions],
) -> _Decorator: ...
@overload
def delayed(
    obj: T,
    name: Key | None = None,
    pure: bool | None = None,
    nout: SupportsIndex | None = None,
    traverse: bool = True,
    seed_by: SeedBy | None = None,
    **options: Unpack[TaskOptions],
) -> Delayed[T]: ...
def delayed(
    obj: Any = _NOTHING,
    name: Key | None = None,
    pure: bool | None = None,
    nout: SupportsIndex | None = None,
    traverse: bool = True,
    seed_by: SeedBy | None = None,
    **options: Unpack[TaskOptions],
) -> Any:
    """Make a function's calls, or any object, lazy.

    Parameters
    ----------
    obj : callable or object, optional
        A function, method or class, whose calls become tasks; or any value, to be used in
        lazy expressions. Without it, a decorator with the other arguments. A function that is
        delayed already keeps what is not given anew.
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
    seed_by : str, optional
        "args": what `lazygraph.rng` draws in a call follows from the run's seed, the
        function's name and the arguments alone, not from the task's place in the graph: a
        subset of a sweep repeats the sweep's numbers. Arguments are read at each call.
    **options
        Options of every call of the function, as `lazygraph.Options` describes them:
        ``retries``, ``retry_on``, ``backoff``, ``timeout``, ``uses``, ``priority``, ``rerun``,
        ``local`` (control); ``inline``, ``fuse`` (`optimize`); ``vjp``, ``remat`` (gradients);
        ``workers``, ``allow_other_workers`` (clusters).

    Returns
    -------
    DelayedFunction or Delayed

    Raises
    ------
    OptionError
        For an unknown option, or a bad value; for options of what is no function.

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
    given = {"name": name, "pure": pure, "nout": nout, "seed_by": seed_by, **options}
    if obj is _NOTHING:
        return partial(delayed, traverse=traverse, **given)
    if isinstance(obj, Delayed):
        return _with_options(obj, given, caller(1))
    leaves, template = flatten((obj,)) if traverse else ((whole_leaf_of(obj),), None)
    if callable(obj) and leaves[0] is obj:
        return _lazy_function(Function(obj), FRESH, given, caller(1))
    return _lazy_value(obj, leaves, template, given, caller(1))


def _lazy_function(
    target: Function, key: Name, given: dict[str, Any], frame: types.FrameType
) -> DelayedFunction[Any]:
    """Return a lazy function: `target` with what is `given` beside it."""
    name, pure, nout, seed_by, options = _taken_apart(given)
    changes: dict[str, Any] = {"options": read_options(options, target.options)}
    if isinstance(name, str):
        changes["name"] = name  # what pictures and messages call it
    if pure is not None:
        changes["pure"] = bool(pure)
    if nout is not None:
        changes["nout"] = check_nout(nout)
    if seed_by is not None:
        changes["func"] = by_arguments(target.func, seed_by)
    key = key if name is None else Given(check_key(name))
    return DelayedFunction(target.replace(**changes), key, frame)


def _lazy_value(
    obj: Any, leaves: Any, template: Any, given: dict[str, Any], frame: types.FrameType
) -> Delayed[Any]:
    name, pure, nout, seed_by, options = _taken_apart(given)
    if seed_by is not None:
        raise OptionError(
            f"seed_by belongs to a function that draws, and {short_repr(obj)} is none"
        )
    key: Name = PURE if pure else FRESH
    if name is not None:
        key = Given(check_key(name))
    opts = read_options(options)
    function = Function(value_of, name=_value_name(obj), nout=check_nout(nout), options=opts)
    return make_node(Delayed, function, leaves, template, key, frame.f_code, frame.f_lasti)


#: What `delayed` takes beside options; None stands for what was so before.
_WORDS = ("name", "pure", "nout", "seed_by")


def _taken_apart(given: dict[str, Any]) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
    options = dict(given)
    own = [options.pop(word, None) for word in _WORDS]
    return own[0], own[1], own[2], own[3], options


def _with_options(obj: Delayed[T], given: dict[str, Any], frame: types.FrameType) -> Delayed[T]:
    """Return a lazy object as it is; a lazy function with what it has and what is given."""
    given = {w: v for w, v in given.items() if v is not None or w not in _WORDS}
    if not given:
        return obj
    if not isinstance(obj, DelayedFunction):
        raise OptionError(
            f"options belong to a function, and {obj!r} is a result: give {', '.join(given)} "
            "where the function is made lazy, or by its with_options(...)"
        )
    made: Any = _lazy_function(obj._target, obj._name, given, frame)
    return made  # type: ignore[no-any-return]


def _value_name(obj: Any) -> str:
    obj = obj.value if type(obj) is Literal else obj
    name = getattr(obj, "__name__", None)
    return name if type(name) is str else type(obj).__name__


def is_delayed(obj: Any) -> bool:
    """Return whether `obj` is a lazy value, or a function made lazy.

    Examples
    --------
    >>> is_delayed(delayed(abs)(-1)), is_delayed(1)
    (True, False)
    """
    return isinstance(obj, Delayed)

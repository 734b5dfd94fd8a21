"""A function -> the function of its derivatives: ``grad(f)`` and its kin, for ordinary functions.

The function is run on traced values, as it stands: control flow goes by values. Given lazy values
it is called with those, and the derivative is lazy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import update_wrapper
from typing import Any

import numpy as np

from lazygraph.autodiff.cotangents import Like, check_real, fit, like, ones, seed
from lazygraph.autodiff.explaining import EXPLAINED, numpy_twin, reason_of
from lazygraph.autodiff.primitive import lazily
from lazygraph.autodiff.pull_back import TracedRun, pull_back, run_traced
from lazygraph.errors import (
    CaptureError,
    CotangentError,
    DerivativeError,
    GoalError,
    NotDifferentiable,
)
from lazygraph.graphs.nodes import node_type
from lazygraph.tasks.function import Function
from lazygraph.tasks.keys import function_name
from lazygraph.tasks.operators import value_of
from lazygraph.tasks.reprs import counted
from lazygraph.tasks.treedef import tree_flatten, tree_map

__all__ = [
    "Transformed",
    "gradient_of",
    "is_function",
    "jacobian_of",
    "jvp_of",
    "rows_of",
    "stacked",
    "vjp_of",
]

_VALUE = Function(value_of)
#: What gives the results of a traced run of a function, one for each of the arguments asked for.
Find = Callable[[TracedRun], list[Any]]


def is_function(value: Any) -> bool:
    """Tell whether a value is a function, rather than a result that may be callable too."""
    return callable(value) and type(value) is not node_type()


def called_by(func: Any) -> Any:
    """Return the function itself, of one that `delayed` has made lazy."""
    target = getattr(func, "_target", None)
    return target.func if isinstance(target, Function) else func


class Transformed:
    """What ``grad(f)`` and its kin give: a function of the same arguments.

    Parameters
    ----------
    func : callable
        An ordinary function of numbers, arrays and containers of such.
    argnums : int or str, or tuple of such
        What to differentiate by: arguments by position or by name.
    find : callable
        What gives the results of a traced run.
    lazily_found : callable
        ``lazily_found(y, wrt)``: what gives them where arguments are lazy.
    with_value : bool
        Whether the function's own result is given too, before the derivatives.
    """

    def __init__(
        self,
        func: Any,
        argnums: Any,
        find: Find,
        lazily_found: Callable[[Any, Any], Any],
        *,
        with_value: bool = False,
    ) -> None:
        self._func, self._find, self._lazily, self._with_value = (
            func,
            find,
            lazily_found,
            with_value,
        )
        self._argnums = argnums if isinstance(argnums, tuple) else (argnums,)
        self._is_one = not isinstance(argnums, tuple)
        update_wrapper(self, called_by(func), updated=())

    def __repr__(self) -> str:
        return f"<derivative of {function_name(called_by(self._func))}>"

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        """Return the derivative at these arguments: of one, or a tuple of several."""
        values: dict[Any, Any] = {**dict(enumerate(args)), **kwargs}
        wanted = [self._named(values, len(args), each) for each in self._argnums]
        if any(type(leaf) is node_type() for leaf in tree_flatten([*values.values()])[0]):
            return self._lazily_called(values, wanted)
        # Each as a list of its parts: whatever container they come in, the answer is like it.
        flat = [tree_flatten(values[name]) for name in wanted]

        def call(given: list[Any]) -> Any:
            built = [tree.unflatten(parts) for (_, tree), parts in zip(flat, given, strict=True)]
            changed: dict[Any, Any] = dict(zip(wanted, built, strict=True))
            return _call(called_by(self._func), values | changed)

        parts = [parts for parts, _ in flat]
        with _traced(self._func, call, parts) as run, _explained(self._func):
            cts = zip(flat, self._find(run), strict=True)
            found = [tree.unflatten(parts) for (_, tree), parts in cts]
            made = found[0] if self._is_one else tuple(found)
            return (run.value(), made) if self._with_value else made

    def _named(self, values: Any, n: int, which: Any) -> Any:
        name = which % n if isinstance(which, int) and -n <= which < n else which
        if name not in values:
            shown = ", ".join(map(repr, values))
            raise CaptureError(f"argnums={which!r} is none of the arguments of this call: {shown}")
        return name

    def _lazily_called(self, values: Any, wanted: list[Any]) -> Any:
        for name in wanted:
            values[name] = tree_map(_lifted, values[name])
        wrt = [values[name] for name in wanted]
        y = _call(lambda *args, **kwargs: _lazy_call(self._func, args, kwargs), values)
        found = self._lazily(y, wrt[0] if self._is_one else wrt)
        return (y, found) if self._with_value else found


def _lifted(leaf: Any) -> Any:
    return leaf if type(leaf) is node_type() else lazily(_VALUE, (leaf,))


def _call(func: Any, values: dict[Any, Any]) -> Any:
    args = [value for name, value in values.items() if isinstance(name, int)]
    return func(*args, **{name: value for name, value in values.items() if isinstance(name, str)})


def _lazy_call(func: Any, args: Any, kwargs: Any) -> Any:
    try:
        return func(*args, **kwargs)
    except CaptureError:  # it goes by values: one task, then, which is traced when it runs
        return lazily(Function(called_by(func)), args, kwargs)


def _traced(
    func: Any, call: Callable[[list[Any]], Any], parts: Iterable[Any]
) -> AbstractContextManager[TracedRun]:
    """Run a function traced, by all of `parts`, and explain what it raises because it is.

    An error that it raises of the plain values too is the user's own, and comes as it is.
    """
    parts = list(parts)
    try:
        with _explained(func):
            return run_traced(call, parts, tuple(range(len(parts))))
    except NotDifferentiable as error:
        explained = error
    call(parts)
    raise explained


@contextmanager
def _explained(func: Any) -> Iterator[None]:
    """Explain, inside the block, what a function raises because it is traced."""
    called = called_by(func)
    try:
        yield
    except DerivativeError:
        raise
    except EXPLAINED as error:
        twin = numpy_twin(called)
        reason = f"it takes plain numbers only; use {twin}" if twin else reason_of(error)
        if reason is None:
            raise
        raise NotDifferentiable(function_name(called), reason) from error


# --------------------------------------------------------------- what is found
def gradient_of(*, holomorphic: bool = False) -> Find:
    """Return what finds, in a run, the cotangents of one real number."""
    return lambda run: run.cts(seed(run.value(), holomorphic))


def jacobian_of(*, holomorphic: bool = False) -> Find:
    """Return what finds, in a run, one array for each argument or part of it, row by row."""

    def find(run: TracedRun) -> list[Any]:
        form = like(run.value())
        rows = [run.cts(row) for row in rows_of(form)]
        nothing = run.cts(None)
        return [
            _stacked(form, [row[n] for row in rows], ct, holomorphic=holomorphic)
            for n, ct in enumerate(nothing)
        ]

    return find


def rows_of(form: Any) -> Iterator[Any]:
    """Yield cotangents that are one at one place, 0 elsewhere; and -1j there, if complex."""
    if type(form) is not Like:
        raise GoalError(
            "a Jacobian is that of a number or an array, and the result is a container: ask for "
            "that of each of its parts"
        )
    is_complex = np.dtype(form.dtype).kind == "c"
    for place in np.ndindex(form.shape):
        for unit in (1.0, -1j) if is_complex else (1.0,):
            row = np.zeros(form.shape, np.result_type(ones(Like((), form.dtype))))
            row[place] = unit
            yield row[()]


def _stacked(form: Like, rows: list[Any], nothing: Any, *, holomorphic: bool) -> Any:
    if isinstance(nothing, (list, tuple, dict)):
        return tree_map(
            lambda each, *parts: _stacked(form, list(parts), each, holomorphic=holomorphic),
            nothing,
            *rows,
        )
    return stacked(form, rows, nothing, holomorphic=holomorphic)


def stacked(form: Like, rows: list[Any], nothing: Any, *, holomorphic: bool = False) -> Any:
    """Return the Jacobian by one value, from its rows."""
    shape = (*form.shape, *np.shape(nothing))
    if not rows:
        return np.zeros(shape, np.result_type(nothing))
    made = np.stack(rows)
    if np.dtype(form.dtype).kind == "c":
        is_real = np.result_type(nothing).kind != "c"
        if not is_real and not holomorphic:
            check_real(np.ones((), form.dtype), holomorphic=False)
        made = made[::2] + 1j * made[1::2] if is_real else made[::2]
    return np.reshape(made, shape)[()]


def vjp_of(func: Any, primals: tuple[Any, ...]) -> tuple[Any, Callable[[Any], tuple[Any, ...]]]:
    """Return a function's result, and a function that gives the cotangents of its arguments."""

    def call(given: list[Any]) -> Any:
        return called_by(func)(*given)

    with _traced(func, call, primals) as run:
        pass

    def pulled(ct: Any) -> tuple[Any, ...]:
        with _explained(func):
            return tuple(run.cts(ct))

    return run.value(), pulled


def jvp_of(func: Any, primals: tuple[Any, ...], tangents: tuple[Any, ...]) -> tuple[Any, Any]:
    """Return a function's result, and how it changes as its arguments change along tangents."""
    if len(primals) != len(tangents):
        raise CotangentError(
            f"the tangents are {len(tangents)}, for {counted(len(primals), 'argument')}"
        )
    out, pulled = vjp_of(func, primals)
    along = [tree_map(fit, t, tree_map(like, p)) for p, t in zip(primals, tangents, strict=True)]
    with _explained(func):
        (change,) = pull_back(lambda given: pulled(given[0]), tuple(along), [ones(like(out))], (0,))
    return out, change

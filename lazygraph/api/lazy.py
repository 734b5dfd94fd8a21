"""The lazy value: stands for a result, and turns what is done with it into further tasks."""

from __future__ import annotations

import math
import operator
import os
import sys
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar, Unpack

from lazygraph.api.compute import compute, persist
from lazygraph.api.misspelt import refuse_misspelt
from lazygraph.api.numpy_results import nout_of
from lazygraph.api.visualize import visualize
from lazygraph.errors import CaptureError
from lazygraph.graphs.compile import graph_of, link
from lazygraph.graphs.graph import Graph
from lazygraph.graphs.inputs import Input
from lazygraph.graphs.nodes import FRESH, PURE, Given, Made, Name, Node, foreign_node, make_node
from lazygraph.graphs.pickling import pack, unpack
from lazygraph.interop.collection import DaskCollection, is_asked_by_dask
from lazygraph.schedulers.explain import short_traceback
from lazygraph.tasks.function import Function, check_nout
from lazygraph.tasks.keys import Key, check_key
from lazygraph.tasks.operators import Method, Nth, apply, power, rounded
from lazygraph.tasks.options import RunOptions
from lazygraph.tasks.pytree import ATOMS, LEAF_RULES, bound_instance, flatten, register_lazy
from lazygraph.tasks.task import Task
from lazygraph.viz import Drawing

if TYPE_CHECKING:
    from lazygraph.viz.look import PictureOptions

__all__ = ["Delayed", "call_lazily"]

T = TypeVar("T")

caller = sys._getframe


def _operation(function: Function, leaves: tuple[Any, ...], frame: types.FrameType) -> Delayed[Any]:
    """Return the lazy result of a call whose arguments may be anything."""
    template = None
    for leaf in leaves:
        if type(leaf) not in ATOMS:
            leaves, template = flatten(leaves)
            break
    return make_node(Delayed, function, leaves, template, FRESH, frame.f_code, frame.f_lasti)


def _unary(func: Callable[[Any], Any], name: str) -> Callable[[Delayed[Any]], Delayed[Any]]:
    function = Function(func, name=name)

    def method(self: Delayed[Any]) -> Delayed[Any]:
        return _operation(function, (self,), caller(1))

    return method


def _binary(
    func: Callable[[Any, Any], Any], name: str
) -> Callable[[Delayed[Any], Any], Delayed[Any]]:
    function = Function(func, name=name)

    def method(self: Delayed[Any], other: Any) -> Delayed[Any]:
        return _operation(function, (self, other), caller(1))

    return method


def _reflected(
    func: Callable[[Any, Any], Any], name: str
) -> Callable[[Delayed[Any], Any], Delayed[Any]]:
    function = Function(func, name=name)

    def method(self: Delayed[Any], other: Any) -> Delayed[Any]:
        return _operation(function, (other, self), caller(1))

    return method


def _refused(what: str, instead: str) -> Any:
    def method(*_: Any) -> Any:
        raise CaptureError(f"{what} of a lazy value {instead}")

    return method


_NOT_KNOWN = (
    "is not known before it is computed: compute() it, or put the code in a delayed function"
)


def _declared(func: Input, name: str, unknown: Delayed[Any]) -> Any:
    """Return an attribute of an input's values, as far as it is known; the rest is lazy."""
    if name == "shape" and func.shape is not None:
        return tuple([unknown[i] if n is None else n for i, n in enumerate(func.shape)])
    known = func.known(name)
    return unknown if known is None else known


_GETATTR = Function(getattr, name="getattr")
_POW = Function(power, name="pow")
_ROUND = Function(rounded, name="round")


class Delayed(Node, DaskCollection, Generic[T]):
    """The result of a call that has not been made yet.

    Operators, attributes, items, calls and methods of it give further lazy values; nothing
    runs before `compute`. Attributes that do not start with an underscore are looked up on
    the result, but for `compute`, `persist`, `visualize`, `key`, `graph` and `dask`; a call by
    such a name with a slip in it, ``x.comute()``, is an AttributeError. To Dask a lazy value is
    one of its collections.

    Parameters
    ----------
    key : Key
        A task of `dsk`.
    dsk : Graph or mapping
        A graph, or its classic form. (Most lazy values come from `delayed`.)

    Examples
    --------
    >>> from lazygraph import delayed
    >>> total = delayed(abs)(-1) + 2
    >>> total.compute()
    3
    >>> Delayed("y", {"x": 1, "y": (abs, "x")}).compute()
    1
    """

    __slots__ = ()

    def __new__(cls, key: Key, dsk: Any, length: int | None = None) -> Delayed[Any]:
        """Return the lazy value of a task of a graph."""
        graph = dsk if isinstance(dsk, Graph) else Graph.from_dict(dsk)
        made = link(graph, [key], Delayed)[0]
        if length is not None:
            made._function = made._function.replace(nout=check_nout(length))
        return made

    @property
    def key(self) -> Key:
        """What names the task; made when first asked for."""
        return self._get_key()

    @property
    def graph(self) -> Graph:
        """The task and all that it needs, as a `Graph`; O(tasks), made anew each time."""
        return graph_of([self])

    @classmethod
    def _tasks_of(cls, nodes: Sequence[Node]) -> Graph:
        return graph_of(nodes)

    @classmethod
    def _held(cls, key: Key, tasks: Mapping[Key, Task], like: Delayed[Any]) -> Delayed[Any]:
        made = link(tasks, [key], Delayed, Made)[0]
        made._function = made._function.replace(nout=like._function.nout)
        return made

    @short_traceback
    def compute(self, **options: Unpack[RunOptions]) -> T:
        """Run the task and what it needs; return its result. See `lazygraph.compute`."""
        result: T = compute(self, **options)[0]
        return result

    @short_traceback
    def persist(self, **options: Unpack[RunOptions]) -> Delayed[T]:
        """Run the task; return a lazy value that holds its result. See `lazygraph.persist`."""
        made: Delayed[T] = persist(self, **options)[0]
        return made

    @short_traceback
    def visualize(
        self, filename: str | os.PathLike[str] | None = None, **options: Unpack[PictureOptions]
    ) -> Drawing:
        """Draw the graph, and write it to `filename`; takes the keywords of `lazygraph.visualize`."""
        return visualize(self, filename=filename, **options)

    # ------------------------------------------------------- as an object
    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._get_key()!r})"

    def __copy__(self) -> Self:
        return self  # immutable

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return unpack, pack(self)

    def __dir__(self) -> list[str]:
        return [name for name in super().__dir__() if name.startswith("__") or name[0] != "_"]

    # ---------------------------------------------------- further lazy values
    def __getattr__(self, name: str) -> Delayed[Any]:
        if name.startswith("_") or (name == "expr" and is_asked_by_dask(caller(1))):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        made = _operation(_GETATTR, (self, name), caller(1))
        func: Any = self._function.func
        return _declared(func, name, made) if type(func) is Input else made

    def __call__(self, /, *args: Any, **kwargs: Any) -> Delayed[Any]:
        """Call the result, or the method that this attribute is, lazily."""
        frame = caller(1)
        if self._function is _GETATTR:  # x.method(...) is one task
            owner, name = self._leaves
            if len(args) <= 1:
                refuse_misspelt(name, args)
            return call_lazily(_method(name), FRESH, (owner, *args), kwargs, frame)
        return call_lazily(_APPLY, FRESH, (self, *args), kwargs, frame)

    def __iter__(self) -> Iterator[Delayed[Any]]:
        nout = self._function.nout
        if nout is None:
            raise CaptureError(
                "a lazy value of unknown length cannot be iterated over: declare how many "
                "values the function returns, by delayed(..., nout=2) or -> tuple[A, B]"
            )
        function, frame = _nth(nout), caller(1)
        return iter([_operation(function, (self, index), frame) for index in range(nout)])

    def __len__(self) -> int:
        if self._function.nout is None:
            raise CaptureError(f"the length of a lazy value {_NOT_KNOWN}, or declare nout=")
        return self._function.nout

    def __pow__(self, other: Any, modulus: Any = None) -> Delayed[Any]:
        given = (other,) if modulus is None else (other, modulus)
        return _operation(_POW, (self, *given), caller(1))

    def __round__(self, digits: Any = None) -> Delayed[Any]:
        return _operation(_ROUND, (self, digits), caller(1))

    # ---------------------------------------------- as an argument of numpy
    def __array_ufunc__(self, ufunc: Any, method: str, /, *args: Any, **kwargs: Any) -> Any:
        if kwargs.get("out") is not None or method == "at":
            raise CaptureError(
                f"numpy.{ufunc.__name__} cannot write into an array here: a lazy value is not "
                "known yet; write a = a + x, not a += x, and leave out `out`"
            )
        func = ufunc if method == "__call__" else getattr(ufunc, method)
        nout = getattr(func, "nout", 1)
        return call_lazily(_numpy(func, nout if nout > 1 else None), FRESH, args, kwargs, caller(1))

    def __array_function__(self, func: Any, _types: Any, args: Any, kwargs: Any, /) -> Any:
        if kwargs.get("out") is not None:
            raise CaptureError(f"numpy.{func.__name__} of a lazy value has no `out`")
        nout = nout_of(func.__name__, args, kwargs)
        return call_lazily(_numpy(func, nout), FRESH, tuple(args), dict(kwargs), caller(1))

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        """Itself in an array of objects, if that is asked for."""
        if dtype is not object and getattr(dtype, "kind", None) != "O":
            raise CaptureError(
                f"an array made of a lazy value {_NOT_KNOWN}; np.stack([...]) puts several together"
            )
        import numpy as np  # late: whoever calls this has imported it

        holder: Any = np.empty((), object)
        holder.fill(self)
        return holder

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else types.MethodType(self, bound_instance(instance))

    # ----------------------------------------------------- what cannot be lazy
    def __format__(self, spec: str) -> str:
        if spec:
            raise CaptureError(
                f"a lazy value cannot be formatted by {spec!r}: compute() it first, or use "
                "delayed(format)(x, ...)"
            )
        return repr(self)

    __bool__ = _refused("the truth", _NOT_KNOWN)
    __contains__ = _refused("membership", _NOT_KNOWN)
    __int__ = _refused("the int", _NOT_KNOWN)
    __float__ = _refused("the float", _NOT_KNOWN)
    __complex__ = _refused("the complex number", _NOT_KNOWN)
    __index__ = _refused("the index", _NOT_KNOWN)
    __setitem__ = _refused("an item", "cannot be set: lazy values are immutable")
    __delitem__ = _refused("an item", "cannot be deleted: lazy values are immutable")

    # -------------------------------------------------------------- operators
    __hash__ = Node.__hash__
    # To type checkers a comparison is a bool, whatever class it is of; here it is lazy.
    __eq__ = _binary(operator.eq, "eq")  # type: ignore[assignment]
    __ne__ = _binary(operator.ne, "ne")  # type: ignore[assignment]
    __lt__ = _binary(operator.lt, "lt")
    __le__ = _binary(operator.le, "le")
    __gt__ = _binary(operator.gt, "gt")
    __ge__ = _binary(operator.ge, "ge")
    __getitem__ = _binary(operator.getitem, "getitem")
    __abs__ = _unary(operator.abs, "abs")
    __neg__ = _unary(operator.neg, "neg")
    __pos__ = _unary(operator.pos, "pos")
    __invert__ = _unary(operator.invert, "invert")
    __floor__ = _unary(math.floor, "floor")
    __ceil__ = _unary(math.ceil, "ceil")
    __trunc__ = _unary(math.trunc, "trunc")
    __add__ = _binary(operator.add, "add")
    __radd__ = _reflected(operator.add, "add")
    __sub__ = _binary(operator.sub, "sub")
    __rsub__ = _reflected(operator.sub, "sub")
    __mul__ = _binary(operator.mul, "mul")
    __rmul__ = _reflected(operator.mul, "mul")
    __matmul__ = _binary(operator.matmul, "matmul")
    __rmatmul__ = _reflected(operator.matmul, "matmul")
    __truediv__ = _binary(operator.truediv, "truediv")
    __rtruediv__ = _reflected(operator.truediv, "truediv")
    __floordiv__ = _binary(operator.floordiv, "floordiv")
    __rfloordiv__ = _reflected(operator.floordiv, "floordiv")
    __mod__ = _binary(operator.mod, "mod")
    __rmod__ = _reflected(operator.mod, "mod")
    __divmod__ = _binary(divmod, "divmod")
    __rdivmod__ = _reflected(divmod, "divmod")
    __rpow__ = _reflected(pow, "pow")
    __lshift__ = _binary(operator.lshift, "lshift")
    __rlshift__ = _reflected(operator.lshift, "lshift")
    __rshift__ = _binary(operator.rshift, "rshift")
    __rrshift__ = _reflected(operator.rshift, "rshift")
    __and__ = _binary(operator.and_, "and")
    __rand__ = _reflected(operator.and_, "and")
    __or__ = _binary(operator.or_, "or")
    __ror__ = _reflected(operator.or_, "or")
    __xor__ = _binary(operator.xor, "xor")
    __rxor__ = _reflected(operator.xor, "xor")


register_lazy(Delayed)


def _lazy_collection(value: Any) -> Any:
    if "dask" not in sys.modules:
        return value
    from lazygraph.interop.foreign import foreign_of  # lazy import (200 ms): Dask is there already

    collection = foreign_of(value)
    return value if collection is None else foreign_node(Delayed, collection)


LEAF_RULES.by_attribute["__dask_graph__"] = _lazy_collection


_APPLY = Function(apply, name="apply")


@lru_cache(maxsize=1024)
def _numpy(func: Any, nout: int | None) -> Function:
    return Function(func, nout=nout)


@lru_cache(maxsize=1024)
def _method(name: str) -> Function:
    return Function(Method(name), name=name)


@lru_cache(maxsize=256)
def _nth(nout: int) -> Function:
    return Function(Nth(nout), name="getitem")


def call_lazily(
    function: Function,
    name: Name,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    frame: types.FrameType,
) -> Delayed[Any]:
    """Return the lazy result of any call, after removing ``pure=`` and ``dask_key_name=``."""
    if "pure" in kwargs:
        pure = kwargs.pop("pure")
        if pure is not None:
            function, name = function.replace(pure=bool(pure)), PURE if pure else FRESH
    key = kwargs.pop("dask_key_name", None)
    if key is not None:
        name = Given(check_key(key))
    function.check_call(args, kwargs)
    leaves, template = flatten(args, kwargs)
    return make_node(Delayed, function, leaves, template, name, frame.f_code, frame.f_lasti)

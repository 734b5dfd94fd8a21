"""What a watched function is given for its arrays: autograd's boxes, with every way out closed.

Importing this needs autograd, and changes three things in it: traces are numbered so that
threads do not mix them up; our boxes are known to it beside its own; a box belongs to us if its
node does. What users do with autograd themselves goes on as before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from threading import Lock
from typing import Any, NoReturn

import autograd.numpy as anp
import numpy as np
from autograd import tracer
from autograd.core import VJPNode, primitive_vjps
from autograd.numpy.numpy_boxes import ArrayBox

from lazygraph.autodiff.cotangents import STAND_INS, StandIn
from lazygraph.autodiff.structures import PARTS

__all__ = ["Escaped", "Traced", "Watch", "WatchedNode", "from_objects", "getval", "isbox"]

getval, isbox = tracer.getval, tracer.isbox


class Escaped(TypeError):  # noqa: N818  # says what happened
    """A watched value was to become one that cannot be watched."""


_PLAIN = (
    "a plain {} was to be made of one that is watched, by float(x), np.asarray(x), assignment into "
    "an array, or a function that is not numpy's own: use x itself, numpy's functions, and "
    "np.stack([...]) to put several together"
)
_DIVISION = "x // y, an integer division, has no derivative: np.floor(x / y) counts as constant"
_TEXT = "it was made a text, and what was read from there cannot be watched"


class Traces:
    """Numbers for traces, each larger than all before it, in every thread.

    autograd counts how deeply traces are nested, in all threads together: two that trace at
    once get each other's numbers. An inner trace begins after the outer one, so that numbers
    that only grow put it above, wherever it runs.
    """

    #: Above the numbers of traces that began before this was installed.
    FIRST = 1 << 32

    def __init__(self) -> None:
        self._lock = Lock()
        self._numbers = count(self.FIRST)

    @contextmanager
    def new_trace(self) -> Iterator[int]:
        """The time of a trace, and its number."""
        with self._lock:
            number = next(self._numbers)
        yield number


class Watch:
    """One function being watched: where its values come from, and what escaped from sight."""

    def __init__(self, trace: int) -> None:
        self.trace = trace
        self.escapes: list[str] = []

    def box(self, value: Any) -> Any:
        """A value under watch."""
        return tracer.new_box(value, self.trace, WatchedNode.new_root(self))

    def has(self, value: Any) -> bool:
        """Whether a value is under this watch."""
        return type(value) is Traced and value._trace == self.trace


class WatchedNode(VJPNode):  # type: ignore[misc]  # autograd has no types
    """How a value under watch came to be."""

    __slots__ = ("watch",)

    watch: Watch

    def __init__(
        self,
        value: Any,
        fun: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        parent_argnums: tuple[int, ...],
        parents: tuple[WatchedNode, ...],
    ) -> None:
        self.watch = parents[0].watch
        if fun not in primitive_vjps:
            raise Escaped(f"autograd has no rule for {_full_name(fun)}")
        super().__init__(value, fun, args, kwargs, parent_argnums, parents)

    def initialize_root(self, watch: Watch) -> None:
        """Begin here."""
        super().initialize_root()
        self.watch = watch


def _full_name(func: Any) -> str:
    module = (getattr(func, "__module__", None) or "").replace("numpy", "np", 1)
    return f"{module}.{func.__name__}" if module.startswith("np") else str(func.__name__)


class Traced(ArrayBox):  # type: ignore[misc]  # autograd has no types
    """An array or number under watch."""

    __slots__ = ()

    # So that isinstance(x, np.ndarray), or float, is as true as of what it stands for.
    __class__ = property(lambda self: type(getval(self)))

    def _escape(self, reason: str) -> NoReturn:
        self._node.watch.escapes.append(reason)
        raise Escaped(reason)

    # -------------------------------------------------- numpy, as users write it
    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        from lazygraph.autodiff.watched_numpy import call_ufunc  # late: it stands on this room

        return call_ufunc(self, ufunc, method, inputs, kwargs)

    def __array_function__(self, func: Any, _types: Any, args: Any, kwargs: Any) -> Any:
        from lazygraph.autodiff.watched_numpy import call_function  # late, as above

        return call_function(self, func, args, kwargs)

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        """A single number in an array of objects, so that np.array([x, y]) holds it."""
        if dtype not in (None, object) or anp.ndim(self) > 0:
            self._escape(_PLAIN.format("array"))
        holder = np.empty((), object)
        holder.fill(self)
        return holder

    # ------------------------------------------------------------- ways out
    def __float__(self) -> float:
        self._escape(_PLAIN.format("number"))

    def __complex__(self) -> complex:
        self._escape(_PLAIN.format("number"))

    def __int__(self) -> int:
        self._escape("int(x) has no derivative: np.floor(x) counts as constant")

    def __index__(self) -> int:  # noqa: PLE0305  # it never returns
        self._escape("it is used as a position or a count, which has no derivative")

    def __setitem__(self, where: Any, value: Any) -> None:
        self._escape("x[...] = y changes an array in place: use np.where, or np.concatenate")

    def __floordiv__(self, other: Any) -> Any:
        self._escape(_DIVISION)

    def __rfloordiv__(self, other: Any) -> Any:
        self._escape(_DIVISION)

    def __str__(self) -> str:
        self._node.watch.escapes.append(_TEXT)
        return str(getval(self))

    def __repr__(self) -> str:
        self._node.watch.escapes.append(_TEXT)
        return repr(getval(self))

    def __format__(self, spec: str) -> str:
        self._node.watch.escapes.append(_TEXT)
        return format(getval(self), spec)

    # ------------------------------------------------ what arrays can do besides
    def __pos__(self) -> Any:
        return self

    def __round__(self, digits: int | None = None) -> Any:
        return anp.round(self, digits or 0)

    def __iter__(self) -> Iterator[Any]:
        if not self.ndim:
            raise TypeError("iteration over a 0-d array")
        return iter([self[n] for n in range(len(self))])

    def __copy__(self) -> Any:
        return self

    def __deepcopy__(self, memo: Any) -> Any:
        return self

    def __reduce__(self) -> NoReturn:
        self._escape("it was to be pickled, for another process or a file")

    # Not the functions themselves, whose examples would be run as ours.
    real = property(lambda self: anp.real(self))  # noqa: PLW0108
    imag = property(lambda self: anp.imag(self))  # noqa: PLW0108
    mT = property(lambda self: anp.swapaxes(self, -1, -2))  # noqa: N815  # numpy's name
    nbytes = property(lambda self: np.asarray(getval(self)).nbytes)
    itemsize = property(lambda self: self.dtype.itemsize)

    def item(self, *where: int) -> Any:
        """The one element."""
        flat = anp.ravel(self)
        if not where and self.size != 1:
            raise ValueError("can only convert an array of size 1 to a Python scalar")
        return flat[0] if not where else (flat[where[0]] if len(where) == 1 else self[where])

    def tolist(self) -> Any:
        """Its elements, watched."""
        return [part.tolist() for part in self] if self.ndim else self

    def copy(self, order: str = "C") -> Any:  # noqa: ARG002  # numpy's parameter
        """Itself: nothing can change it."""
        return self

    def reshape(self, *shape: Any, order: str = "C") -> Any:
        """Its elements in another shape."""
        wanted = shape[0] if len(shape) == 1 else shape
        return anp.reshape(self, wanted, order=order)

    def transpose(self, *axes: Any) -> Any:
        """Its axes in another order."""
        given = axes[0] if len(axes) == 1 else axes
        return anp.transpose(self, given or None)

    def dot(self, other: Any) -> Any:
        """As np.dot."""
        return anp.dot(self, other)

    def astype(self, dtype: Any, *args: Any, **kwargs: Any) -> Any:
        """In another dtype; as whole numbers or truth values it is constant."""
        if np.dtype(dtype).kind == "c" and self.dtype.kind == "f":
            # By a product, on whose way back the imaginary part is left out.
            return ArrayBox.astype(self * (1 + 0j), dtype, *args, **kwargs)
        if np.dtype(dtype).kind in "fc":
            return ArrayBox.astype(self, dtype, *args, **kwargs)
        return np.asarray(getval(self)).astype(dtype)

    def conj(self) -> Any:
        """As np.conj."""
        return anp.conj(self)

    conjugate = conj

    def sort(self, *_: Any, **__: Any) -> NoReturn:
        """Refused."""
        self._escape("x.sort() changes an array in place: use np.sort(x)")

    def fill(self, *_: Any) -> NoReturn:
        """Refused."""
        self._escape("x.fill(...) changes an array in place: use np.full_like(x, ...)")


def _numpys(name: str) -> Callable[..., Any]:
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return getattr(np, name)(self, *args, **kwargs)

    return method


def from_objects(value: Any) -> Any:
    """An array of objects, some watched, as one watched array; anything else as it is."""
    if type(value) is not np.ndarray or value.dtype.kind != "O":
        return value
    flat = value.ravel().tolist()
    return anp.reshape(anp.array_from_args((), {}, *flat), value.shape) if flat else value


def _unary(name: str) -> Callable[[Any], Any]:
    def method(self: Any) -> Any:
        return getattr(anp, name)(self)

    return method


_UNARY = (
    "sin cos tan arcsin arccos arctan sinh cosh tanh arcsinh arccosh arctanh exp exp2 expm1 log "
    "log2 log10 log1p sqrt square reciprocal sign floor ceil fabs rint trunc isnan isinf isfinite"
)
# An array of objects calls np.sin's like as methods of its elements.
for _name in _UNARY.split():
    setattr(Traced, _name, _unary(_name))


_METHODS = (
    "clip compress cumprod cumsum diagonal max mean min prod ptp ravel repeat squeeze std sum "
    "swapaxes take trace var argmax argmin argsort all any nonzero round searchsorted"
)
# As numpy's functions, which know what autograd's rules do not.
for _name in _METHODS.split():
    setattr(Traced, _name, _numpys(_name))


def _maker(theirs: Any) -> Callable[[Any, int, Any], Any]:
    """What makes a box: ours for our nodes, autograd's for autograd's."""

    def make(value: Any, trace: int, node: Any) -> Any:
        kind = Traced if type(node) is WatchedNode else theirs
        return kind(value, trace, node)

    return make


def _install() -> None:
    if not hasattr(tracer, "trace_primitives_map"):
        raise ImportError("autograd is older than 1.9")
    kinds = [kind for kind, box in tracer.box_type_mappings.items() if box is ArrayBox]
    for kind in kinds:
        tracer.box_type_mappings[kind] = _maker(ArrayBox)
    tracer.box_type_mappings[Traced] = _maker(ArrayBox)
    tracer.box_types.add(Traced)
    tracer.notrace_primitives[WatchedNode] = tracer.notrace_primitives[VJPNode]
    tracer.trace_stack = Traces()
    PARTS.add(Traced)
    STAND_INS[Traced] = StandIn(getval, from_objects)


_install()

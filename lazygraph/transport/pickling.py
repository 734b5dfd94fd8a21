"""Turns values and functions into bytes that another process of the same code can read.

By reference as far as that leads anywhere, else by value: the functions and classes of
``__main__``, which is another module in a worker, and local ones.
"""

from __future__ import annotations

import importlib
import io
import pickle
import sys
from collections.abc import Callable
from functools import cached_property, lru_cache
from types import CodeType, FunctionType
from typing import Any

from lazygraph.transport.identity import Namespace, reduced_class, reduced_function

__all__ = ["by_value", "dumps", "loads", "named", "names_main", "pack_function"]

loads = pickle.loads

#: The script: here, and in a child that `multiprocessing` has spawned from it.
_MAINS = ("__main__", "__mp_main__")

#: How objects of these types reduce where functions travel by value, in the same stream.
by_value: dict[type, Callable[[Any], tuple[Any, ...]]] = {}

#: Is shown each buffer that could travel apart; true lets it travel in the stream.
Callback = Callable[[pickle.PickleBuffer], Any]


def dumps(value: Any, collect: Callable[[], Callback | None] = lambda: None) -> bytes:
    """Return the pickle of a value, by reference where possible.

    Parameters
    ----------
    value
        Anything.
    collect : callable
        Makes the buffer callback of one attempt. It may be called twice: what the callback
        of the first attempt was shown is then void.

    Raises
    ------
    Exception
        Whatever pickling raises.
    """
    stream = _dumps_by_reference(value, collect())
    # If it cannot be had: by value, and then with an error that says more.
    return _dumps_by_value(value, collect()) if stream is None else stream


def _dumps_by_reference(value: Any, callback: Callback | None = None) -> bytes | None:
    """Return the plain pickle, or None where it fails or names what is in `__main__`."""
    try:
        stream = pickle.dumps(value, 5, buffer_callback=callback)
    except Exception:  # whatever the value's own code raises
        return None
    return None if names_main(stream) else stream


def names_main(stream: bytes) -> bool:
    """Whether a pickle refers to the script, by the name that it has in spawned children, too."""
    return any(name.encode() in stream for name in _MAINS)


def pack_function(func: Callable[..., Any]) -> bytes:
    """Return the pickle of a function that is to be called elsewhere.

    One behind `delayed` in its own module goes by name, without cloudpickle.
    """
    stream = _dumps_by_reference(func)
    if stream is not None:
        return stream
    if type(func) is FunctionType and _is_behind_delayed(func):
        return pickle.dumps(_Named(func.__module__, func.__qualname__), 5)
    return _dumps_by_value(func, None)


class _Named:
    """Is pickled as what bears a name."""

    def __init__(self, module: str, qualname: str) -> None:
        self._name = module, qualname

    def __reduce__(self) -> tuple[Any, ...]:
        return named, self._name


def named(module: str, qualname: str) -> Any:
    """Return what bears a name in a module: a function, or the one that a decorator made lazy."""
    found: Any = importlib.import_module(module)
    for part in qualname.split("."):
        found = getattr(found, part)
    # Of a function behind `delayed`; whoever pickles makes sure that the name leads back.
    target = vars(found).get("_target") if hasattr(found, "__dict__") else None
    return found if target is None else target.func


def _dumps_by_value(value: Any, callback: Callback | None) -> bytes:
    file = io.BytesIO()
    _by_value()(file, protocol=5, buffer_callback=callback).dump(value)
    return file.getvalue()


@lru_cache(maxsize=1)
def _by_value() -> Any:
    import cloudpickle  # late: most values are pickled by reference

    if "__mp_main__" in sys.modules:
        cloudpickle.register_pickle_by_value(sys.modules["__mp_main__"])

    class ByValue(cloudpickle.Pickler):  # type: ignore[misc]  # it ships no types
        """Cloudpickle's, that knows what `delayed` does to a module's functions.

        And that keeps the identity of classes and functions.
        """

        def reducer_override(self, obj: Any) -> Any:
            kind = type(obj)
            if kind is CodeType:
                make, args = self.dispatch_table[CodeType](obj)[:2]
                return _in_file, (make, args, obj.co_filename)
            if kind is memoryview:
                return _reduced_memoryview(obj)
            if kind in by_value:
                return by_value[kind](obj)
            reduced = super().reducer_override(obj)
            if reduced is NotImplemented or len(reduced) < 6:
                return reduced
            if kind is not FunctionType:
                return reduced_class(obj, reduced)
            if _is_behind_delayed(obj):
                return named, (obj.__module__, obj.__qualname__)
            return reduced_function(obj, reduced, self._namespace(obj, reduced[1][1]))

        def _namespace(self, func: FunctionType, base: dict[str, Any]) -> Namespace:
            """Return the one object that stands for a function's globals in this stream."""
            # `base` is one object for all functions of the same globals, and alive until the end.
            made = self.namespaces.get(id(base))
            if made is None:
                made = self.namespaces[id(base)] = Namespace(func.__globals__, base)
            return made

        @cached_property
        def namespaces(self) -> dict[int, Namespace]:
            """The namespaces of this stream, by the id of cloudpickle's own notion of them."""
            return {}

    return ByValue


def _reduced_memoryview(view: memoryview) -> tuple[Any, ...]:
    """Return how a memoryview is made again: with its format and shape, on a copy of its bytes.

    Raises
    ------
    TypeError
        If its format is none that a memoryview can be cast to.
    """
    try:
        memoryview(bytes(view.itemsize)).cast(view.format)  # type: ignore[call-overload]
    except ValueError as error:
        raise TypeError(f"cannot pickle a memoryview of format {view.format!r}: {error}") from None
    buffer = pickle.PickleBuffer(view if view.c_contiguous else view.tobytes())
    return _memoryview, (buffer, view.format, view.shape)


def _memoryview(buffer: Any, form: Any, shape: tuple[int, ...]) -> memoryview:
    flat = memoryview(buffer).cast("B")
    if form == "B" and len(shape) == 1:
        return flat
    if 0 in shape or not shape:  # which cannot be cast to
        return flat.cast(form, shape=()) if not shape else flat.cast(form)
    return flat.cast(form, shape=shape)


def _in_file(make: Callable[..., CodeType], args: tuple[Any, ...], filename: str) -> CodeType:
    """Make code that knows its file: cloudpickle forgets it from 3.1.3 on, tracebacks show it."""
    return make(*args).replace(co_filename=filename)


def _is_behind_delayed(func: FunctionType) -> bool:
    """Tell whether a function whose name is now another object's is behind that object."""
    module = func.__module__
    if module in _MAINS or module not in sys.modules:
        return False
    try:
        return named(module, func.__qualname__) is func
    except Exception:  # whatever bears the name now may answer attributes as it likes
        return False

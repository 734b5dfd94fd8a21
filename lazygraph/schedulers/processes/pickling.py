"""Turns values and functions into bytes that another process of the same code can read.

By reference as far as that leads anywhere, else by value: the functions and classes of
``__main__``, which is another module in a worker, and local ones.
"""

from __future__ import annotations

import io
import pickle
import sys
from collections.abc import Callable
from functools import lru_cache
from types import CodeType, FunctionType
from typing import Any

from lazygraph.tasks.function import _named

__all__ = ["dumps", "loads", "pack_function"]

loads = pickle.loads

#: Is shown each buffer that could travel apart; true lets it travel in the stream.
Callback = Callable[[pickle.PickleBuffer], Any]


def dumps(value: Any, collect: Callable[[], Callback | None] = lambda: None) -> bytes:
    """The pickle of a value, by reference where possible.

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
    try:
        stream = pickle.dumps(value, 5, buffer_callback=collect())
    except Exception:  # noqa: S110  # by value, and then with an error that says more
        pass
    else:
        if b"__main__" not in stream:
            return stream
    return _dumps_by_value(value, collect())


def pack_function(func: Callable[..., Any]) -> bytes:
    """The pickle of a function that is to be called elsewhere.

    One behind `delayed` in its own module goes by name.
    """
    return dumps(func)


def _dumps_by_value(value: Any, callback: Callback | None) -> bytes:
    file = io.BytesIO()
    _by_value()(file, protocol=5, buffer_callback=callback).dump(value)
    return file.getvalue()


@lru_cache(maxsize=1)
def _by_value() -> Any:
    import cloudpickle  # late: most values are pickled by reference

    class ByValue(cloudpickle.Pickler):  # type: ignore[misc]  # it ships no types
        """Cloudpickle's, that knows what `delayed` does to a module's functions."""

        def reducer_override(self, obj: Any) -> Any:
            if type(obj) is CodeType:
                make, args = self.dispatch_table[CodeType](obj)[:2]
                return _in_file, (make, args, obj.co_filename)
            reduced = super().reducer_override(obj)
            is_by_value = reduced is not NotImplemented and type(obj) is FunctionType
            if is_by_value and _is_behind_delayed(obj):
                return _named, (obj.__module__, obj.__qualname__)
            return reduced

    return ByValue


def _in_file(make: Callable[..., CodeType], args: tuple[Any, ...], filename: str) -> CodeType:
    """Code that knows its file: cloudpickle forgets it from 3.1.3 on, and tracebacks show it."""
    return make(*args).replace(co_filename=filename)


def _is_behind_delayed(func: FunctionType) -> bool:
    """Whether the name of a function leads to it, for one whose name is now another object's."""
    module = func.__module__
    if module == "__main__" or module not in sys.modules:
        return False
    try:
        return _named(module, func.__qualname__) is func
    except Exception:  # whatever bears the name now may answer attributes as it likes
        return False

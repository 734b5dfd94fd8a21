"""What stands as a function in a graph for Dask: calls that only this library can make."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import count
from typing import Any

from lazygraph.errors import UnsupportedOptionError
from lazygraph.tasks.keys import Key
from lazygraph.tasks.options import Options

__all__ = ["IN_CALL", "ON_CLUSTER", "ClusterOnly", "Made", "Retried", "call_with", "fetch"]

#: The options that a call honours by itself, whoever makes it.
IN_CALL = frozenset({"retries", "retry_on", "backoff"})
#: Those that Dask's cluster honours, given as annotations.
ON_CLUSTER = frozenset({"priority", "uses"})


class Made:
    """Builds a container that Dask has no form for (a slice, a dataclass, ...) from its items."""

    __slots__ = ("make",)

    def __init__(self, make: Callable[[list[Any]], Any]) -> None:
        self.make = make

    def __call__(self, /, *items: Any) -> Any:
        """Return the container."""
        return self.make(list(items))

    def __repr__(self) -> str:
        return f"Made({self.make!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return Made, (self.make,)


class Retried:
    """A function that is called again where its options say so; the worker waits meanwhile."""

    def __init__(self, func: Callable[..., Any], options: Options) -> None:
        self.func, self.options = func, options
        self.__name__ = getattr(func, "__name__", type(func).__name__)

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        """Return the function's result, or its last error."""
        options = self.options
        for attempt in count():
            try:
                return self.func(*args, **kwargs)
            except options.retry_on:
                if attempt >= (options.retries or 0):
                    raise
            time.sleep(options.backoff * 2**attempt)
        raise AssertionError  # pragma: no cover  # count() does not end

    def __repr__(self) -> str:
        return f"Retried({self.__name__}, {self.options})"

    def __reduce__(self) -> tuple[Any, ...]:
        return Retried, (self.func, self.options)


def call_with(func: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """Return what `func` returns for arguments in a list and a dict."""
    return func(*args, **kwargs)


def fetch(future: Any) -> Any:
    """Return the result that a cluster holds."""
    return future.result()


class ClusterOnly:
    """A function with options that only Dask's cluster honours; elsewhere they are refused."""

    def __init__(self, func: Callable[..., Any], key: Key, options: Options) -> None:
        self.func, self.key, self.options = func, key, options
        self.__name__ = getattr(func, "__name__", type(func).__name__)

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        """Return the function's result."""
        worker = sys.modules.get("distributed.worker")
        if worker is None or getattr(worker.thread_state, "key", None) is None:
            asked = next(name for name in self.options.changed() if name in ON_CLUSTER)
            raise UnsupportedOptionError(asked, "local Dask", self.key)
        return self.func(*args, **kwargs)

    def __repr__(self) -> str:
        return f"ClusterOnly({self.__name__}, {self.options})"

    def __reduce__(self) -> tuple[Any, ...]:
        return ClusterOnly, (self.func, self.key, self.options)

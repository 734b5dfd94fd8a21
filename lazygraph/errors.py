"""Every exception class of the library.

::

    LazygraphError
    +-- CaptureError (TypeError)          a call or an object that cannot become a task
    +-- GraphError
    |   +-- CycleError (RuntimeError)     tasks wait for each other
    |   +-- MissingKeyError (KeyError)    a task, or the user, asks for an undefined key
    |   +-- KeyCollisionError             one key for two different tasks
    |   +-- GraphEditError                an edit that would break the graph
    +-- OptionError (TypeError)           a name that is no option, or a bad value of one
    |   +-- UnsupportedOptionError        an option that the chosen scheduler cannot honour
    |   +-- UnknownSchedulerError (ValueError)
    +-- DrawingError (ValueError)         a picture that cannot be drawn or written
    +-- UnpackError (TypeError)           fewer values returned than ``nout`` declares
    +-- RunStopped                        a nested compute whose outer run has ended

An exception that a user's function raises is not wrapped in any of these: it keeps its
type and its traceback, and gains a note that names the task.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence

__all__ = [
    "CaptureError",
    "CycleError",
    "DrawingError",
    "GraphEditError",
    "GraphError",
    "KeyCollisionError",
    "LazygraphError",
    "MissingKeyError",
    "OptionError",
    "RunStopped",
    "UnknownSchedulerError",
    "UnpackError",
    "UnsupportedOptionError",
    "nearest",
]

# A graph of a million keys is not searched for a near match: difflib is quadratic in length.
_MOST_CANDIDATES = 10_000


def nearest(name: Hashable, known: Iterable[Hashable]) -> Hashable | None:
    """The member of `known` that is spelled most like `name`, if one is close."""
    by_text: dict[str, Hashable] = {}
    for candidate in known:
        by_text.setdefault(str(candidate), candidate)
        if len(by_text) > _MOST_CANDIDATES:
            return None
    import difflib  # late: only an error needs it, and it brings `re`

    close = difflib.get_close_matches(str(name), by_text, n=1)
    return by_text[close[0]] if close else None


class LazygraphError(Exception):
    """Whatever lazygraph itself refuses."""


class CaptureError(LazygraphError, TypeError):
    """A call or an object cannot become a task, or a lazy value is misused."""


class GraphError(LazygraphError):
    """A graph that cannot be run as it is."""


class CycleError(GraphError, RuntimeError):
    """Tasks wait for each other; `cycle` lists them, each needing the next."""

    def __init__(self, cycle: Sequence[Hashable]) -> None:
        super().__init__(cycle)
        self.cycle = list(cycle)

    def __str__(self) -> str:
        around = [*self.cycle, self.cycle[0]]
        return "tasks wait for each other: " + " -> ".join(repr(key) for key in around)


class MissingKeyError(GraphError, KeyError):
    """A key is asked for, by a task (`key`) or by the user (None), that no task defines."""

    def __init__(self, key: Hashable, missing: Hashable, near: Hashable | None = None) -> None:
        super().__init__(key, missing, near)
        self.key, self.missing, self.near = key, missing, near

    def __str__(self) -> str:
        hint = f"; did you mean {self.near!r}?" if self.near is not None else ""
        if self.key is None:
            return f"{self.missing!r} is not in the graph{hint}"
        return f"task {self.key!r} needs {self.missing!r}, not in the graph{hint}"


class KeyCollisionError(GraphError):
    """One key is given to two tasks that differ."""

    def __init__(self, key: Hashable, first: str, second: str) -> None:
        super().__init__(key, first, second)
        self.key, self.first, self.second = key, first, second

    def __str__(self) -> str:
        return (
            f"two different tasks bear the key {self.key!r}: {self.first} and {self.second}; "
            "give each its own dask_key_name"
        )


class GraphEditError(GraphError):
    """An edit that would leave the graph broken; the graph is as it was."""


class OptionError(LazygraphError, TypeError):
    """A keyword that is no option, or an option's value that is not permitted."""

    @classmethod
    def unknown(cls, where: str, name: str, known: Iterable[str]) -> OptionError:
        """The error for `name`, which `where` does not know; lists the known ones."""
        known = sorted(known)
        near = nearest(name, known)
        hint = f"; did you mean {near!r}?" if near is not None else ""
        return cls(f"{where} has no option {name!r}{hint} (known: {', '.join(known)})")


class UnsupportedOptionError(OptionError):
    """A task carries an option that the scheduler it would run on cannot honour."""

    def __init__(self, option: str, scheduler: str, key: Hashable) -> None:
        super().__init__(option, scheduler, key)
        self.option, self.scheduler, self.key = option, scheduler, key

    def __str__(self) -> str:
        return (
            f"the {self.scheduler} scheduler cannot honour option {self.option!r} "
            f"of task {self.key!r}"
        )


class UnknownSchedulerError(OptionError, ValueError):
    """A scheduler's name that is not known; the message lists those that are."""


class DrawingError(LazygraphError, ValueError):
    """A picture cannot be drawn as asked, or not be written where asked."""


class UnpackError(LazygraphError, TypeError):
    """A task returned fewer values than its `nout` declares."""

    def __init__(self, returned: str, nout: int) -> None:
        super().__init__(returned, nout)
        self.returned, self.nout = returned, nout

    def __str__(self) -> str:
        return f"the task returned {self.returned}, but nout={self.nout} declares {self.nout}"


class RunStopped(LazygraphError):  # noqa: N818  # not a mistake of anyone's
    """A compute inside a task was given up because the run around it has ended."""

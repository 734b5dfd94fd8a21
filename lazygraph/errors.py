"""Every exception class of the library.

::

    LazygraphError
    +-- CaptureError (TypeError)          a call or an object that cannot become a task
    +-- GraphError
    |   +-- CycleError (RuntimeError)     tasks wait for each other
    |   +-- MissingKeyError (KeyError)    a task, or the user, asks for an undefined key
    |   +-- KeyCollisionError             one key for two different tasks
    |   +-- GraphEditError                an edit that would break the graph
    +-- InputError (TypeError)            a value of an input is missing, unknown or given twice
    +-- StructureError (TypeError)        two nested values that must nest alike do not
    +-- NotFiniteError (ArithmeticError)  a task gave a NaN or an infinity under check_finite
    +-- OptionError (TypeError)           a name that is no option, or a bad value of one
    |   +-- UnsupportedOptionError        an option that the chosen scheduler cannot honour
    |   +-- ImpossibleDemandError         a task uses more of a resource than there is
    |   +-- NoSuchWorkerError             a task asks for what no worker of a cluster has
    |   +-- UnknownSchedulerError (ValueError)
    +-- DrawingError (ValueError)         a picture that cannot be drawn or written
    +-- DerivativeError                   a derivative that cannot be had
    |   +-- NotDifferentiable (TypeError) a task on the way to the goal has none
    |   +-- GradientMismatch (AssertionError) it is not what finite differences say
    |   +-- GoalError (ValueError)        the goal is no scalar, or no number
    |   +-- CotangentError (ValueError)   a rule's cotangents do not fit the arguments
    |   +-- NotReachedError (ValueError)  the goal does not depend on it
    +-- UnpackError (TypeError)           fewer values returned than ``nout`` declares
    +-- TaskError                         a task not carried out, for no fault of its function
    |   +-- TaskExited                    it raised what ends a program, as sys.exit() does
    |   +-- TaskTimeout (TimeoutError)    it took longer than its time limit
    |   +-- WorkerDied                    it was running when its worker process died
    |   +-- UnpicklableError (TypeError)  its arguments or its result cannot travel
    |   +-- RemoteError                   it raised what cannot be rebuilt in this process
    +-- WorkerStartError                  worker processes cannot be started
    +-- TrainingError                     a training run that cannot go on
    +-- CheckpointError                   a file that does not hold what it should, or cannot
    +-- RunError (RuntimeError)           a compute from where none can run
    +-- RunStopped                        a nested compute whose outer run has ended

An exception that a user's function raises is not wrapped in any of these: it keeps its
type and its traceback, and gains a note that names the task.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import Any

# A graph of a million keys is not searched for a near match: difflib is quadratic in length.
_MOST_CANDIDATES = 10_000
_MOST_LISTED = 50


def nearest(name: Hashable, known: Iterable[Hashable]) -> Hashable | None:
    """Return the member of `known` that is spelled most like `name`, if one is close."""
    by_text: dict[str, Hashable] = {}
    for candidate in known:
        by_text.setdefault(str(candidate), candidate)
        if len(by_text) > _MOST_CANDIDATES:
            return None
    import difflib  # late: only an error needs it, and it brings `re`

    close = difflib.get_close_matches(str(name), by_text, n=1)
    return by_text[close[0]] if close else None


#: What other libraries call an option -> what it is called here.
_HERE = dict.fromkeys(("retry", "max_retries"), "retries")
_HERE |= dict.fromkeys(("n_jobs", "max_workers"), "num_workers")
_HERE |= {"num_returns": "nout", "resources": "uses", "time_limit": "timeout"}


class LazygraphError(Exception):
    """Whatever lazygraph itself refuses."""


class CaptureError(LazygraphError, TypeError):
    """A call or an object cannot become a task, or a lazy value is misused."""


class StructureError(LazygraphError, TypeError):
    """Two nested values that must nest alike do not: at `where`, `found` is not `expected`."""

    def __init__(self, where: str, expected: str, found: str) -> None:
        super().__init__(where, expected, found)
        self.where, self.expected, self.found = where, expected, found

    def __str__(self) -> str:
        at = self.where and f" at {self.where}"
        return f"the value{at} is {self.found}, not {self.expected}"


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


class InputError(LazygraphError, TypeError):
    """A value of an input is missing, unknown or given twice."""

    @classmethod
    def missing(cls, names: Sequence[str], wanted: Sequence[str]) -> InputError:
        """Make the error for inputs that have no value."""
        return cls(f"no value is given for input {_listed(names)} (wanted: {_listed(wanted)})")

    @classmethod
    def unknown(cls, name: str, wanted: Sequence[str]) -> InputError:
        """Make the error for a value that no input is there for."""
        near = nearest(name, wanted)
        hint = f"; did you mean {near!r}?" if near is not None else ""
        return cls(f"there is no input {name!r}{hint} (wanted: {_listed(wanted) or 'none'})")


def _listed(names: Sequence[str]) -> str:
    more = f", and {len(names) - _MOST_LISTED} more" if len(names) > _MOST_LISTED else ""
    return ", ".join(map(repr, names[:_MOST_LISTED])) + more


class NotFiniteError(LazygraphError, ArithmeticError):
    """A task gave `number`, a NaN or an infinity, at `where` in its result."""

    def __init__(self, number: str, where: str) -> None:
        super().__init__(number, where)
        self.number, self.where = number, where

    def __str__(self) -> str:
        return f"the result has {self.number}{self.where and f' at {self.where}'}"


class OptionError(LazygraphError, TypeError):
    """A keyword that is no option, or an option's value that is not permitted."""

    @classmethod
    def unknown(cls, where: str, name: str, known: Iterable[str]) -> OptionError:
        """Make the error for `name`, which `where` does not know; lists the known ones."""
        known = sorted(known)
        near = _HERE[name] if _HERE.get(name) in known else nearest(name, known)
        hint = f"; did you mean {near!r}?" if near is not None else ""
        return cls(f"{where} has no option {name!r}{hint} (known: {', '.join(known)})")


class UnsupportedOptionError(OptionError):
    """Options that the scheduler cannot honour: the first, with its task if it has one; all as text."""

    def __init__(
        self, option: str, scheduler: str, key: Hashable | None = None, text: str = ""
    ) -> None:
        super().__init__(option, scheduler, key, text)
        self.option, self.scheduler, self.key, self.text = option, scheduler, key, text

    def __str__(self) -> str:
        whose = f" of task {self.key!r}" if self.key is not None else ""
        told = self.text or f"option {self.option!r}{whose}"
        return f"the {self.scheduler} scheduler cannot honour {told}"


class ImpossibleDemandError(OptionError):
    """A task uses more of a resource than there is (`limit`; None: nothing is said of it)."""

    def __init__(self, key: Hashable, resource: str, amount: float, limit: float | None) -> None:
        super().__init__(key, resource, amount, limit)
        self.key, self.resource, self.amount, self.limit = key, resource, amount, limit

    def __str__(self) -> str:
        demand = f"task {self.key!r} uses {self.amount:g} of {self.resource!r}"
        if self.limit is None:
            return (
                f"{demand}, which has no limit: give one, as "
                f"compute(..., limits={{{self.resource!r}: {self.amount:g}}})"
            )
        return f"{demand}, more than the limit of {self.limit:g}: it could never run"


class NoSuchWorkerError(OptionError):
    """A task asks for what no worker of the cluster has; `hint` says what to do about it."""

    def __init__(self, key: Hashable, wish: str, hint: str) -> None:
        super().__init__(key, wish, hint)
        self.key, self.wish, self.hint = key, wish, hint

    def __str__(self) -> str:
        return f"task {self.key!r} {self.wish}: {self.hint}"


class UnknownSchedulerError(OptionError, ValueError):
    """A scheduler's name that is not known; the message lists those that are."""


class DrawingError(LazygraphError, ValueError):
    """A picture cannot be drawn as asked, or not be written where asked."""


class DerivativeError(LazygraphError):
    """A derivative that cannot be had."""


class NotDifferentiable(DerivativeError, TypeError):  # noqa: N818  # a statement
    """A task on the way from the goal has no derivative; `reason` says why, and what would help."""

    def __init__(self, name: str, reason: str, site: str | None = None) -> None:
        super().__init__(name, reason, site)
        self.name, self.reason, self.site = name, reason, site

    def __str__(self) -> str:
        where = f" (captured at {self.site})" if self.site else ""
        return f"{self.name}{where} cannot be differentiated: {self.reason}"


class GoalError(DerivativeError, ValueError):
    """The goal of a gradient is not a scalar number."""


class CotangentError(DerivativeError, ValueError):
    """What a rule gave does not fit: too many cotangents, too few, or of another shape."""


class GradientMismatch(DerivativeError, AssertionError):  # noqa: N818  # a finding, not a fault
    """A derivative is not what finite differences say."""

    def __init__(self, what: str, found: float, expected: float) -> None:
        super().__init__(what, found, expected)
        self.what, self.found, self.expected = what, found, expected

    def __str__(self) -> str:
        return (
            f"{self.what}: the derivative along a random direction is {self.found:.9g}, and "
            f"central differences say {self.expected:.9g}"
        )


class NotReachedError(DerivativeError, ValueError):
    """The goal does not depend on what it is to be differentiated by."""


class UnpackError(LazygraphError, TypeError):
    """A task returned fewer values than its `nout` declares."""

    def __init__(self, returned: str, nout: int) -> None:
        super().__init__(returned, nout)
        self.returned, self.nout = returned, nout

    def __str__(self) -> str:
        return f"the task returned {self.returned}, but nout={self.nout} declares {self.nout}"


class TaskError(LazygraphError):
    """A task was not carried out, though its function raised nothing."""

    stack = ""  # where the task was, as a traceback's lines, if that is known


class TaskExited(TaskError):  # noqa: N818  # says what happened
    """A task raised what ends a program, as ``sys.exit()`` does: the error's cause."""

    def __init__(self, key: Hashable, name: str, raised: str) -> None:
        super().__init__(key, name, raised)
        self.key, self.name, self.raised = key, name, raised

    def __str__(self) -> str:
        return f"task {self.key!r} ({self.name}) raised {self.raised}, which ends a program"


class TaskTimeout(TaskError, TimeoutError):  # noqa: N818  # as asyncio and concurrent name theirs
    """A task took longer than its `timeout` of `seconds`; `fate` says what became of it."""

    def __init__(self, key: Hashable, name: str, seconds: float, fate: str) -> None:
        super().__init__(f"task {key!r} ({name}) took longer than its {seconds:g} s; {fate}")
        self.key, self.name, self.seconds, self.fate = key, name, seconds, fate

    def __reduce__(self) -> tuple[type[TaskTimeout], tuple[Hashable, ...], dict[str, Any]]:
        # Not by `args`, which OSError would read as its own.
        return TaskTimeout, (self.key, self.name, self.seconds, self.fate), vars(self)


class WorkerDied(TaskError):  # noqa: N818  # says what happened
    """A worker process died while it ran a task, once too often.

    `exit_code` is negative for a signal, None if nobody knows it; `times` counts the workers.
    """

    def __init__(self, key: Hashable, name: str, exit_code: int | None, times: int = 1) -> None:
        super().__init__(key, name, exit_code, times)
        self.key, self.name, self.exit_code, self.times = key, name, exit_code, times

    def __str__(self) -> str:
        often = f", {self.times} times" if self.times > 1 else ""
        return f"task {self.key!r} ({self.name}) ended its worker process{often}: {self.cause}"

    @property
    def cause(self) -> str:
        """What the exit code says."""
        if self.exit_code is None:
            return "exit code unknown"
        if self.exit_code >= 0:
            return f"exit code {self.exit_code}"
        import signal  # late: only an error needs it

        try:
            name = signal.Signals(-self.exit_code).name
        except ValueError:
            name = f"signal {-self.exit_code}"
        return f"killed by {name}" + (", likely out of memory" if name == "SIGKILL" else "")


class UnpicklableError(TaskError, TypeError):
    """What a task needs or returned cannot be sent to another process; `path` says what it is."""

    def __init__(
        self,
        key: Hashable,
        name: str,
        path: str,
        hint: str = "@delayed(local=True) runs it in this one",
    ) -> None:
        super().__init__(key, name, path, hint)
        self.key, self.name, self.path, self.hint = key, name, path, hint

    def __str__(self) -> str:
        return (
            f"task {self.key!r} ({self.name}) cannot run in a worker process: {self.path}; "
            f"{self.hint}"
        )


class RemoteError(TaskError):
    """What a task raised in a worker process, where it cannot be rebuilt in this one.

    It is one of the nearest base class that is known here, too, as far as classes permit.
    """

    def __init__(self, type_name: str, text: str, traceback_text: str) -> None:
        super().__init__(type_name, text, traceback_text)
        self.type_name, self.text, self.traceback_text = type_name, text, traceback_text

    def __str__(self) -> str:
        return f"{self.type_name}: {self.text}\n\nIn the worker process:\n{self.traceback_text}"


class TrainingError(LazygraphError):
    """A training run cannot go on."""


class CheckpointError(LazygraphError):
    """A checkpoint is damaged, something else, or cannot be written."""


class WorkerStartError(LazygraphError):
    """Worker processes cannot be started, or their initializer raised."""


class RunError(LazygraphError, RuntimeError):
    """A compute was asked for where none can run."""


class RunStopped(LazygraphError):  # noqa: N818  # not a mistake of anyone's
    """A compute inside a task was given up because the run around it has ended."""

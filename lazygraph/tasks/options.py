"""What a user asks for: of every call of a function (`Options`), of a whole run (`Terms`).

`TaskOptions` and `RunOptions` are the lists of all such keywords: checks, types, what schedulers
honour, help and `migrate` follow from them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, SupportsIndex, TypedDict

from lazygraph import config
from lazygraph.config import real_number, whole_number
from lazygraph.errors import OptionError
from lazygraph.randomness import Seed

__all__ = [
    "CONTROLS",
    "GRADIENT_OPTIONS",
    "NO_OPTIONS",
    "NO_TERMS",
    "PASS_OPTIONS",
    "RUN_OPTIONS",
    "TERMS",
    "Options",
    "RunOptions",
    "TaskOptions",
    "Terms",
    "read_options",
]


#: What ``seed_by=`` of `delayed` takes.
SeedBy = Literal["args"]


class TaskOptions(TypedDict, total=False):
    """The options of `delayed`: of every call of a function. `Options` says what they mean."""

    inline: bool
    fuse: bool
    retries: SupportsIndex | None
    retry_on: type[Exception] | Sequence[type[Exception]]
    backoff: float
    timeout: float | None
    uses: Mapping[str, float] | None
    priority: float
    rerun: bool
    local: bool
    vjp: Callable[..., Any] | None
    remat: bool
    workers: str | int | Sequence[str | int] | AbstractSet[str | int] | None
    allow_other_workers: bool


class RunOptions(config.Defaults, total=False):
    """The keywords of a run: of `compute`, which says what they mean, and of its like."""

    inputs: Mapping[Any, Any] | None
    check_finite: bool
    traverse: bool
    optimize_graph: bool


KNOWN_OPTIONS = tuple(TaskOptions.__annotations__)
RUN_OPTIONS = tuple(RunOptions.__annotations__)


def flag(name: str, value: Any) -> bool:
    if type(value) is bool:
        return value
    raise OptionError(f"option {name!r} is True or False, not {value!r}")


def _retries(name: str, value: Any) -> int | None:
    number = whole_number(value)
    if value is None or (number is not None and number >= 0):
        return number
    raise OptionError(f"option {name!r} is how often to try again, 0 or more, not {value!r}")


def _retry_on(name: str, value: Any) -> tuple[type[Exception], ...]:
    # Of Exception alone: Ctrl-C and sys.exit() end a run, whatever tasks ask for.
    kinds = value if isinstance(value, (tuple, list)) else (value,)
    if kinds and all(isinstance(kind, type) and issubclass(kind, Exception) for kind in kinds):
        return tuple(kinds)
    raise OptionError(
        f"option {name!r} is a subclass of Exception or a tuple of them, as (ConnectionError,), "
        f"not {value!r}"
    )


def _backoff(name: str, value: Any) -> float:
    number = real_number(value)
    if number is not None and number >= 0:
        return number
    raise OptionError(f"option {name!r} is a number of seconds, 0 or more, not {value!r}")


def _timeout(name: str, value: Any) -> float | None:
    number = real_number(value)
    if value is None or (number is not None and number > 0):
        return number
    raise OptionError(f"option {name!r} is a number of seconds above 0, not {value!r}")


def _uses(name: str, value: Any) -> tuple[tuple[str, float], ...]:
    if value is None or value == ():
        return ()
    # In its lasting form it is a tuple of pairs.
    pairs = value.items() if isinstance(value, Mapping) else value
    if type(pairs) is tuple or (isinstance(value, Mapping) and bool(value)):
        amounts = [(what, real_number(amount)) for what, amount in pairs]
        read = [(k, n) for k, n in amounts if type(k) is str and n is not None and n > 0]
        if len(read) == len(amounts):
            return tuple(sorted(read))
    raise OptionError(
        f"option {name!r} is a dict of amounts above 0, as {{'db': 1}}, not {value!r}"
    )


def _workers(name: str, value: Any) -> tuple[str | int, ...]:
    if value is None:
        return ()
    given = value if isinstance(value, (tuple, list, set, frozenset)) else (value,)
    known = [one if type(one) is str and one else whole_number(one) for one in given]
    read = [one for one in known if one is not None]
    if len(read) == len(known):
        return tuple(sorted(read, key=str) if isinstance(given, (set, frozenset)) else read)
    raise OptionError(
        f"option {name!r} is a list of workers' addresses, hosts or names, as "
        f"['tcp://10.0.0.1:4000', 'big-host'], not {value!r}"
    )


def _priority(name: str, value: Any) -> float:
    number = real_number(value)
    if number is not None:
        return number
    raise OptionError(f"option {name!r} is a number, larger for sooner, not {value!r}")


def _vjp(name: str, value: Any) -> Callable[..., Any] | None:
    if value is None or callable(value):
        return value  # type: ignore[no-any-return]
    raise OptionError(
        f"option {name!r} is a function (ct, out, *args, **kwargs) -> cotangents of the arguments, "
        f"not {value!r}"
    )


#: option -> its default, and what checks a value and brings it into its lasting form
_FIELDS: Mapping[str, tuple[Any, Callable[[str, Any], Any]]] = {
    "inline": (False, flag),
    "fuse": (True, flag),
    "retries": (None, _retries),
    "retry_on": ((Exception,), _retry_on),
    "backoff": (0, _backoff),
    "timeout": (None, _timeout),
    "uses": ((), _uses),
    "priority": (0, _priority),
    "rerun": (True, flag),
    "local": (False, flag),
    "vjp": (None, _vjp),
    "remat": (False, flag),
    "workers": ((), _workers),
    "allow_other_workers": (False, flag),
    "is_async": (False, flag),
}
#: What differentiation asks for: the task itself does the same with and without.
GRADIENT_OPTIONS = frozenset({"vjp", "remat"})
#: Options that passes and differentiation act on: no scheduler needs to know them.
PASS_OPTIONS = frozenset({"inline", "fuse"}) | GRADIENT_OPTIONS
#: Options that only a cluster can act on.
CLUSTER_OPTIONS = frozenset({"workers", "allow_other_workers"})
#: Options that schedulers act on.
CONTROLS = frozenset(_FIELDS) - PASS_OPTIONS - CLUSTER_OPTIONS


#: Options that say how to try again, and nothing where nobody tries again.
_NEED_RETRIES = frozenset({"retry_on", "backoff"})


def _without_retries(given: Collection[str]) -> OptionError:
    name = next(name for name in given if name in _NEED_RETRIES)
    return OptionError(
        f"option {name!r} says how to try again, and nothing is tried again: give retries=3, "
        f"or leave out {name!r} (retries=0 switches it off)"
    )


class Options:
    """What a user asks for every call of a function; frozen, shared by all its tasks.

    Parameters
    ----------
    inline : bool
        The function is so cheap that passes may copy its tasks into each dependent,
        where it then runs once per dependent.
    fuse : bool
        False keeps its tasks out of fused chains.
    retries : int, optional
        How often to try again when it raises, 0 by default; and when its worker process
        dies, 2 by default.
    retry_on : subclass of Exception or tuple of them
        Only these are tried again; any `Exception` by default.
    backoff : float
        Seconds to wait before the second attempt; twice as long before each further one.
        The waiting task holds no worker.
    timeout : float, optional
        Seconds that one attempt may take; then it fails with `TaskTimeout`. What becomes of
        the running function depends on the scheduler: processes kill it, synchronous on the
        main thread interrupts it, threads give it up, an ``async`` one is cancelled.
    uses : mapping of str to float
        How much of which resource it takes while it runs; ``compute(..., limits=...)``
        says how much there is. A waiting task holds no worker.
    priority : float
        Of the tasks that are ready, those with the largest run first.
    rerun : bool
        False: if a worker process dies while it runs, the task fails rather than runs again.
    local : bool
        Run it in the process that computes, not in a worker process.
    vjp : callable, optional
        How its results' derivatives lead to its arguments': ``vjp(ct, out, *args, **kwargs)``
        gives one cotangent per argument, given that of the result, `ct`, and the result, `out`.
    remat : bool
        Gradients compute its result again rather than keep it.
    workers : str, int or list of them
        Addresses, hosts or names of the workers of a cluster that may run it; only
        `distributed` knows this one and the next.
    allow_other_workers : bool
        If none of `workers` is there, any other may run it.
    is_async : bool
        The function is an ``async def``; found out by itself.

    Raises
    ------
    OptionError
        For a value that is not permitted.

    Examples
    --------
    >>> Options(retries=3, retry_on=ConnectionError)
    Options(retries=3, retry_on=(<class 'ConnectionError'>,))
    """

    # Not a dataclass: those take a third of the whole library's time to import.
    __slots__ = (*_FIELDS, "_changed", "_hash", "is_controlled")

    inline: bool
    fuse: bool
    retries: int | None
    retry_on: tuple[type[Exception], ...]
    backoff: float
    timeout: float | None
    uses: tuple[tuple[str, float], ...]
    priority: float
    rerun: bool
    local: bool
    vjp: Callable[..., Any] | None
    remat: bool
    workers: tuple[str | int, ...]
    allow_other_workers: bool
    is_async: bool
    _changed: tuple[str, ...]
    _hash: int
    is_controlled: bool  # whether a scheduler has anything to do for them

    def __init__(self, **given: Any) -> None:
        for name in given:
            if name not in _FIELDS:
                raise OptionError.unknown("Options", name, KNOWN_OPTIONS)
        for name, (default, check) in _FIELDS.items():
            value = check(name, given[name]) if name in given else default
            object.__setattr__(self, name, value)
        # Asked for once per task: found out once per object.
        changed = tuple(n for n, (default, _) in _FIELDS.items() if getattr(self, n) != default)
        object.__setattr__(self, "_changed", changed)
        object.__setattr__(self, "is_controlled", not PASS_OPTIONS.issuperset(changed))
        # Without the rule, which may have no hash.
        kept = tuple([(n, getattr(self, n)) for n in changed if n != "vjp"])
        object.__setattr__(self, "_hash", hash(kept))
        if self.retries is None and not _NEED_RETRIES.isdisjoint(changed):
            raise _without_retries(changed)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"Options are frozen: {name!r} cannot be set")

    def __eq__(self, other: object) -> bool:
        return type(other) is Options and self._values() == other._values()

    def __hash__(self) -> int:
        return self._hash

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.changed())
        return f"Options({shown})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _make_options, ({name: getattr(self, name) for name in self.changed()},)

    def _values(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in _FIELDS}

    def changed(self) -> tuple[str, ...]:
        """Return the names of the options that differ from their defaults."""
        return self._changed

    def replace(self, **changes: Any) -> Options:
        """Return the same options with other values for some."""
        return Options(**{**self._values(), **changes})

    def without(self, names: Iterable[str]) -> Options:
        """Return the same options with defaults for `names`."""
        return self.replace(**{name: _FIELDS[name][0] for name in names})


def _make_options(values: dict[str, Any]) -> Options:
    return Options(**values)


#: The options of a function that asked for none: tasks compare with it by identity.
NO_OPTIONS = Options()


def read_options(given: dict[str, Any], base: Options = NO_OPTIONS) -> Options:
    """Return the options object for keywords of `delayed`; an unknown one is an error.

    Parameters
    ----------
    base
        What holds where `given` says nothing.
    """
    if not given:
        return base
    for name in given:
        if name not in KNOWN_OPTIONS:
            known = [*KNOWN_OPTIONS, "name", "nout", "pure", "seed_by", "traverse"]
            raise OptionError.unknown("delayed", name, known)
    options = base.replace(**given)
    return options if options.changed() else NO_OPTIONS


# --------------------------------------------------------------------- of a whole run
#: What of a run's keywords a scheduler has to act on, and says so in `honours`.
TERMS = frozenset({"limits", "observers", "on_error", "seed"})


class Terms(NamedTuple):
    """How a plan is to be run; what a scheduler needs to know besides plan and observers.

    Attributes
    ----------
    limits : mapping of str to float
        How much there is of each resource that tasks use.
    on_error : str
        "raise": the first task to fail ends the run. "collect": what does not need it goes on.
    seed : Seed, optional
        Where tasks draw random numbers from.
    """

    limits: Mapping[str, float] = MappingProxyType({})
    on_error: str = "raise"
    seed: Seed | None = None

    @property
    def requested(self) -> Iterator[str]:
        """The names of those that ask for something, as `Scheduler.honours` has them."""
        if self.limits:
            yield "limits"
        if self.on_error != "raise":
            yield "on_error"
        if self.seed is not None:
            yield "seed"


#: The terms of a run of which nothing is asked.
NO_TERMS = Terms()

"""What a user asks for every call of a function: retries, time limits, resources, ..."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from lazygraph.errors import OptionError

__all__ = ["CONTROLS", "GRADIENT_OPTIONS", "NO_OPTIONS", "PASS_OPTIONS", "Options", "read_options"]


def _flag(name: str, value: Any) -> bool:
    if type(value) is bool:
        return value
    raise OptionError(f"option {name!r} is True or False, not {value!r}")


def is_number(value: Any) -> bool:
    """Whether `value` is a real number that a float can hold; True and False are not."""
    try:
        return isinstance(value, (int, float)) and type(value) is not bool and math.isfinite(value)
    except OverflowError:
        return False


def _retries(name: str, value: Any) -> int | None:
    if value is None or (type(value) is int and value >= 0):
        return value
    raise OptionError(f"option {name!r} is how often to try again, 0 or more, not {value!r}")


def _retry_on(name: str, value: Any) -> tuple[type[Exception], ...]:
    # Of Exception alone: Ctrl-C and sys.exit() end a run, whatever tasks ask for.
    kinds = value if isinstance(value, (tuple, list)) else (value,)
    if kinds and all(isinstance(kind, type) and issubclass(kind, Exception) for kind in kinds):
        return tuple(kinds)
    raise OptionError(
        f"option {name!r} is a subclass of Exception or a tuple of them, as (OSError,), "
        f"not {value!r}"
    )


def _backoff(name: str, value: Any) -> float:
    if is_number(value) and value >= 0:
        return value  # type: ignore[no-any-return]
    raise OptionError(f"option {name!r} is a number of seconds, 0 or more, not {value!r}")


def _timeout(name: str, value: Any) -> float | None:
    if value is None or (is_number(value) and value > 0):
        return value  # type: ignore[no-any-return]
    raise OptionError(f"option {name!r} is a number of seconds above 0, not {value!r}")


def _uses(name: str, value: Any) -> tuple[tuple[str, float], ...]:
    if value is None or value == ():
        return ()
    # In its lasting form it is a tuple of pairs.
    pairs = value.items() if isinstance(value, Mapping) else value
    is_good = type(pairs) is tuple or (isinstance(value, Mapping) and bool(value))
    if is_good and all(type(k) is str and is_number(n) and n > 0 for k, n in pairs):
        return tuple(sorted(pairs))
    raise OptionError(
        f"option {name!r} is a dict of amounts above 0, as {{'db': 1}}, not {value!r}"
    )


def _workers(name: str, value: Any) -> tuple[str | int, ...]:
    if value is None:
        return ()
    given = value if isinstance(value, (tuple, list, set, frozenset)) else (value,)
    if all((type(one) is str and one) or type(one) is int for one in given):
        return tuple(sorted(given, key=str) if isinstance(given, (set, frozenset)) else given)
    raise OptionError(
        f"option {name!r} is a list of workers' addresses, hosts or names, as "
        f"['tcp://10.0.0.1:4000', 'big-host'], not {value!r}"
    )


def _priority(name: str, value: Any) -> float:
    if is_number(value):
        return value  # type: ignore[no-any-return]
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
    "inline": (False, _flag),
    "fuse": (True, _flag),
    "retries": (None, _retries),
    "retry_on": ((Exception,), _retry_on),
    "backoff": (0, _backoff),
    "timeout": (None, _timeout),
    "uses": ((), _uses),
    "priority": (0, _priority),
    "rerun": (True, _flag),
    "local": (False, _flag),
    "vjp": (None, _vjp),
    "remat": (False, _flag),
    "workers": ((), _workers),
    "allow_other_workers": (False, _flag),
    "is_async": (False, _flag),
}
#: What differentiation asks for: the task itself does the same with and without.
GRADIENT_OPTIONS = frozenset({"vjp", "remat"})
#: Options that passes and differentiation act on: no scheduler needs to know them.
PASS_OPTIONS = frozenset({"inline", "fuse"}) | GRADIENT_OPTIONS
#: Options that only a cluster can act on.
CLUSTER_OPTIONS = frozenset({"workers", "allow_other_workers"})
#: Options that schedulers act on.
CONTROLS = frozenset(_FIELDS) - PASS_OPTIONS - CLUSTER_OPTIONS
KNOWN_OPTIONS = tuple(name for name in _FIELDS if name != "is_async")


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
    >>> Options(retries=3, retry_on=OSError)
    Options(retries=3, retry_on=(<class 'OSError'>,))
    """

    # Not a dataclass: those take a third of the whole library's time to import.
    __slots__ = (*_FIELDS, "_changed", "is_controlled")

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

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"Options are frozen: {name!r} cannot be set")

    def __eq__(self, other: object) -> bool:
        return type(other) is Options and self._values() == other._values()

    def __hash__(self) -> int:
        # Without the rule, which may have no hash.
        return hash(tuple([item for item in self._values().items() if item[0] != "vjp"]))

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.changed())
        return f"Options({shown})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _make_options, ({name: getattr(self, name) for name in self.changed()},)

    def _values(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in _FIELDS}

    def changed(self) -> tuple[str, ...]:
        """The names of the options that differ from their defaults."""
        return self._changed

    def replace(self, **changes: Any) -> Options:
        """The same with other values for some."""
        return Options(**{**self._values(), **changes})

    def without(self, names: Iterable[str]) -> Options:
        """The same with defaults for `names`."""
        return self.replace(**{name: _FIELDS[name][0] for name in names})


def _make_options(values: dict[str, Any]) -> Options:
    return Options(**values)


#: The options of a function that asked for none: tasks compare with it by identity.
NO_OPTIONS = Options()


def read_options(given: dict[str, Any], base: Options = NO_OPTIONS) -> Options:
    """The options object for keywords of `delayed`; an unknown one is an error.

    Parameters
    ----------
    base
        What holds where `given` says nothing.
    """
    if not given:
        return base
    for name in given:
        if name not in KNOWN_OPTIONS:
            known = [*KNOWN_OPTIONS, "name", "nout", "pure", "traverse"]
            raise OptionError.unknown("delayed", name, known)
    options = base.replace(**given)
    return options if options.changed() else NO_OPTIONS

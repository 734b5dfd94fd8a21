"""What is a container: its children, and how it is built again from others.

The only place of the package that tells lists, tuples, dicts, sets, slices, dataclasses,
namedtuples and `functools.partial` apart; `registration` adds the user's classes. `pytree` and
`tree_paths` ask here; everything downstream sees flat leaves.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import chain, repeat
from operator import getitem
from typing import Any, NamedTuple, TypeAlias

__all__ = [
    "ATOMS",
    "BUILTIN",
    "LAZY",
    "MUTABLE",
    "OPENERS",
    "PLAIN",
    "Builder",
    "DataclassOf",
    "DictOf",
    "NamedtupleOf",
    "Opened",
    "Path",
    "children_of",
    "dict_of",
    "is_known",
    "list_of",
    "longer",
    "nth_child",
    "open_argument",
    "path_text",
    "register_lazy",
    "steps_of",
]

#: Types whose instances stand for another task's result. Filled at import.
LAZY: set[type] = set()
#: Types that are a literal at a glance.
PLAIN: frozenset[type] = frozenset({int, float, complex, bool, str, bytes, type(None)})
#: Types that are a leaf at a glance: nothing lazy can be inside.
ATOMS: set[type] = set(PLAIN)

#: Builds a container from a list of its children; hashable, so that treedefs are.
Builder: TypeAlias = Any
Opened: TypeAlias = tuple[Builder, Sequence[Any]]


def register_lazy(kind: type) -> None:
    """Let instances of exactly `kind` be found as lazy values inside arguments."""
    LAZY.add(kind)
    ATOMS.add(kind)


# ------------------------------------------------------------------- builders
# Each has a tag of its own among its fields: as tuples, those of two kinds are never equal.
def dict_of(items: list[Any]) -> dict[Any, Any]:
    """Build a dict from its keys and values in turn."""
    return dict(zip(items[::2], items[1::2], strict=True))


def _ordered_dict_of(items: list[Any]) -> OrderedDict[Any, Any]:
    return OrderedDict(dict_of(items))


class _DefaultdictOf(NamedTuple):
    """Builds a defaultdict from its keys and values in turn."""

    factory: Any
    tag: str = "defaultdict"

    def __call__(self, items: list[Any]) -> defaultdict[Any, Any]:
        return defaultdict(self.factory, dict_of(items))


class DictOf(NamedTuple):
    """Builds a dict from its values; its keys are part of how it nests."""

    build: Builder
    keys: tuple[Any, ...]
    tag: str = "dict"

    def __call__(self, items: Sequence[Any]) -> Any:
        """Return the dict."""
        return self.build(list(chain.from_iterable(zip(self.keys, items, strict=True))))

    def steps(self, _: int) -> Iterator[Any]:
        """Yield the last step of the path to each child."""
        return zip(repeat(getitem), self.keys)


def slice_of(items: list[Any]) -> slice:
    """Build a slice from start, stop and step."""
    return slice(*items)


def list_of(items: list[Any]) -> list[Any]:
    """Build what an iterator over a list is kept as."""
    return items


class NamedtupleOf(NamedTuple):
    """Builds a namedtuple without calling its class."""

    kind: type
    tag: str = "namedtuple"

    def __call__(self, items: list[Any]) -> Any:
        """Return the namedtuple."""
        return tuple.__new__(self.kind, items)

    def steps(self, k: int) -> Iterator[Any]:
        """Yield the last step of the path to each child."""
        return zip(repeat(getitem), range(k))


class DataclassOf(NamedTuple):
    """Sets attributes directly: `__post_init__` ran at the call and is not run again."""

    kind: type
    names: tuple[str, ...]
    tag: str = "dataclass"

    def __call__(self, items: list[Any]) -> Any:
        """Return the instance."""
        kind: Any = self.kind
        try:
            made = object.__new__(kind)
        except TypeError:  # it inherits from a builtin, such as Exception
            made = kind.__new__(kind)
        for name, value in zip(self.names, items, strict=True):
            object.__setattr__(made, name, value)
        return made

    def steps(self, _: int) -> Iterator[Any]:
        """Yield the last step of the path to each child."""
        return zip(repeat(getattr), self.names)


class _PartialOf(NamedTuple):
    names: tuple[str, ...]
    tag: str = "partial"

    def __call__(self, items: list[Any]) -> Any:
        n = len(items) - len(self.names)
        func, *args = items[:n]
        if type(func) in LAZY:  # a task shown, not run: what will be called is not known yet
            return (partial, items)
        return partial(func, *args, **dict(zip(self.names, items[n:], strict=True)))


# -------------------------------------------------------------------- openers
def _open_dict(value: Any) -> Opened:
    return dict_of, list(chain.from_iterable(value.items()))


def _open_partial(value: partial[Any]) -> Opened:
    items = [value.func, *value.args, *value.keywords.values()]
    return _PartialOf(tuple(value.keywords)), items


def _open_iterator(value: Iterator[Any]) -> Opened:
    return list_of, list(value)


def _open_dataclass(value: Any) -> Opened:
    """Its fields, and whatever else was put on the instance."""
    from dataclasses import fields  # late: whoever has a dataclass has imported it

    own = [field.name for field in fields(value) if hasattr(value, field.name)]
    names = tuple(dict.fromkeys([*own, *getattr(value, "__dict__", ())]))
    return DataclassOf(type(value), names), [getattr(value, name) for name in names]


#: exact type -> (what builds it again from its children, its children)
OPENERS: dict[type, Callable[[Any], Opened]] = {
    list: lambda value: (list, value),
    tuple: lambda value: (tuple, value),
    set: lambda value: (set, list(value)),
    frozenset: lambda value: (frozenset, list(value)),
    dict: _open_dict,
    OrderedDict: lambda value: (_ordered_dict_of, _open_dict(value)[1]),
    defaultdict: lambda value: (_DefaultdictOf(value.default_factory), _open_dict(value)[1]),
    slice: lambda value: (slice_of, [value.start, value.stop, value.step]),
    partial: _open_partial,
}
#: Read as a list each, and only by `open_argument`.
_ITERATORS: tuple[type, ...] = (type(iter([])), type(iter(())), type(iter(set())))
#: Containers that may change after a call has captured them.
MUTABLE: frozenset[type] = frozenset({list, set, dict, OrderedDict, defaultdict})
#: Containers that are rebuilt when something inside them was copied.
BUILTIN: frozenset[type] = MUTABLE | {tuple, frozenset}
_IS_HEAP_TYPE = 1 << 9  # of `type.__flags__`: a class that Python code has made
_DICTS = (dict, OrderedDict, defaultdict)
_ITERATOR_OPENERS = dict.fromkeys(_ITERATORS, _open_iterator)


def open_argument(value: Any) -> Opened | None:
    """Return the builder and the children of an argument, or None if it is no container.

    Keys of a dict are children, since they may be lazy; an iterator over a list is read.
    """
    kind = type(value)
    opener = OPENERS.get(kind) or _ITERATOR_OPENERS.get(kind)
    return opener(value) if opener is not None else _open_other(value, kind)


def is_known(kind: type) -> bool:
    """Return whether instances of `kind` are taken apart, or left alone, by rules of ours."""
    return kind in ATOMS or kind in OPENERS or kind in _ITERATOR_OPENERS


def _open_other(value: Any, kind: type) -> Opened | None:
    # Questions go to the type: an instance's __getattr__ may answer anything.
    if issubclass(kind, tuple) and type(getattr(kind, "_fields", None)) is tuple:
        return NamedtupleOf(kind), value
    is_dataclass = type(getattr(kind, "__dataclass_fields__", None)) is dict
    return _open_dataclass(value) if is_dataclass and _is_in_attributes(kind) else None


def _is_in_attributes(kind: type) -> bool:
    """Return whether its attributes are all there is to it: it is no dict, array, ... as well."""
    builtin = next(base for base in kind.__mro__ if not base.__flags__ & _IS_HEAP_TYPE)
    return builtin is object or issubclass(builtin, BaseException)


def children_of(value: Any) -> Opened | None:
    """Return the builder and the children of a value, or None if it is a leaf.

    Unlike `open_argument`, it changes nothing: iterators are leaves, and keys of a dict are
    part of the builder.

    Examples
    --------
    >>> build, children = children_of({"a": 1, "b": 2})
    >>> children, build([3, 4])
    ([1, 2], {'a': 3, 'b': 4})
    """
    kind = type(value)
    if kind in ATOMS:
        return None
    if kind in _DICTS:
        build = OPENERS[kind](value)[0]
        return DictOf(build, tuple(value)), list(value.values())
    opener = OPENERS.get(kind)
    return opener(value) if opener is not None else _open_other(value, kind)


# ---------------------------------------------------------------------- paths
#: From a container to something inside it: items, attributes and children, outermost first.
Path: TypeAlias = tuple[tuple[Callable[[Any, Any], Any], Any], ...]


def longer(path: Path | None, step: Any) -> Path | None:
    """Return a path with one more step; None where there is none."""
    return None if path is None or step is None else (*path, step)


def steps_of(build: Builder, k: int) -> Iterator[Any]:
    """Yield the last step of the path to each of the `k` children; None where there is none."""
    if build in (list, tuple):
        return zip(repeat(getitem), range(k))
    if hasattr(build, "steps"):
        found: Iterator[Any] = build.steps(k)
        return found
    return repeat(None, k)


def nth_child(value: Any, n: int) -> Any:
    """Return the n-th child of a container."""
    opened = children_of(value)
    if opened is None:
        raise TypeError(f"a {type(value).__name__} holds no parts")
    return opened[1][n]


def path_text(path: Path | None) -> str:
    """Return a path as Python writes it: ``['w'][0].bias``; the empty text for None."""
    return "".join(f".{name}" if get is getattr else f"[{name!r}]" for get, name in path or ())

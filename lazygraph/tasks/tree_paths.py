"""The ways to what nested containers hold: to find a part, and to find it again elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from operator import getitem
from typing import Any, TypeAlias

from lazygraph.tasks.pytree import (
    ATOMS,
    LAZY,
    Maker,
    _DataclassOf,
    _NamedtupleOf,
    _open,
    _ordered_dict_of,
    dict_of,
)

__all__ = ["Way", "at", "places"]

#: The way from a container to something inside it: items and attributes, outermost first.
Way: TypeAlias = tuple[tuple[Callable[[Any, Any], Any], Any], ...]


def places(value: Any) -> Iterator[tuple[Any, Way | None]]:
    """Every leaf in nested containers, with the way to it; None where there is none.

    Keys of dicts are left out, unless they are lazy; there is no way to those, nor into sets.

    Examples
    --------
    >>> [(leaf, [step[1] for step in way]) for leaf, way in places([1, {"a": 2}])]
    [(1, [0]), (2, [1, 'a'])]
    """
    stack: list[tuple[Any, Way | None]] = [(value, ())]
    while stack:
        item, way = stack.pop()
        opened = None if type(item) in ATOMS else _open(item)
        if opened is None:
            yield item, way
        else:
            stack += reversed([*_inside(item, *opened, way)])


def _to(way: Way | None, name: Any, get: Callable[[Any, Any], Any] = getitem) -> Way | None:
    return None if way is None else (*way, (get, name))


def _inside(
    value: Any, make: Maker, items: Sequence[Any], way: Way | None
) -> Iterator[tuple[Any, Way | None]]:
    """The items of an opened container, with the way to each."""
    if type(make) is _DataclassOf:
        named = zip(make.names, items, strict=True)
        return ((item, _to(way, name, getattr)) for name, item in named)
    if make in (dict_of, _ordered_dict_of):
        keys = ((key, None) for key in items[::2] if type(key) in LAZY)
        values = ((item, _to(way, key)) for key, item in value.items())
        return chain(keys, values)
    if make in (list, tuple) or type(make) is _NamedtupleOf:
        return ((item, _to(way, n)) for n, item in enumerate(items))
    return ((item, None) for item in items)


def at(value: Any, way: Way) -> Any:
    """What is at the end of a way from `value`; None where a None stands on it."""
    for get, name in way:
        if value is None:
            return None
        value = get(value, name)
    return value

"""Values made of numbers and arrays: their parts, one by one, and the same form with others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from lazygraph.tasks.containers import DataclassOf, children_of

__all__ = [
    "PARTS",
    "fields_of",
    "is_container",
    "is_inexact",
    "is_number",
    "is_whole",
    "mapped",
    "parts_beside",
]


#: Types that are a part at a glance.
PARTS: set[type] = {float, int, complex, np.ndarray, np.float64, np.float32, np.complex128}


def is_whole(value: Any) -> bool:
    """Whether a value is a whole number, or an array of such; truth values are not."""
    if isinstance(value, (np.ndarray, np.generic)):
        return value.dtype.kind in "iu"
    return isinstance(value, int) and type(value) is not bool


def is_inexact(value: Any) -> bool:
    """Whether a value is a real or complex number, or an array of such."""
    if isinstance(value, (np.ndarray, np.generic)):
        return value.dtype.kind in "fc"
    return isinstance(value, (float, complex))


def is_number(value: Any) -> bool:
    """Whether a value is a number or an array of numbers: truth values count."""
    if isinstance(value, (np.ndarray, np.generic)):
        return value.dtype.kind in "biufc"
    return isinstance(value, (int, float, complex))


def is_container(value: Any) -> bool:
    """Whether a value is looked into: a list, tuple, dict or dataclass."""
    if type(value) in PARTS:
        return False
    return isinstance(value, (list, tuple, dict)) or fields_of(value) is not None


def fields_of(value: Any) -> dict[str, Any] | None:
    """A dataclass's fields; None for any other value."""
    if type(getattr(type(value), "__dataclass_fields__", None)) is not dict:
        return None
    make, items = children_of(value) or (None, ())
    return dict(zip(make.names, items, strict=True)) if type(make) is DataclassOf else None


def mapped(func: Callable[[Any], Any], value: Any) -> Any:
    """A value with `func` of each part in its place, in new lists, tuples, dicts, dataclasses.

    A part is whatever is none of these.
    """
    if type(value) in PARTS:
        return func(value)
    if isinstance(value, dict):
        made = {key: mapped(func, item) for key, item in value.items()}
        return made if type(value) is dict else _of_kind(value, made)
    if isinstance(value, (list, tuple)):
        items = [mapped(func, item) for item in value]
        if type(value) is list:
            return items
        kind: Any = type(value)
        return kind(*items) if hasattr(kind, "_fields") else kind(items)
    fields = fields_of(value)
    if fields is None:
        return func(value)
    make: Any = (children_of(value) or (None,))[0]
    return make([mapped(func, item) for item in fields.values()])


def _of_kind(value: Any, items: dict[Any, Any]) -> Any:
    """A copy of a dict, of whatever class, with other values."""
    made = value.copy()
    made.update(items)
    return made


def parts_beside(value: Any, ct: Any) -> Iterator[tuple[Any, Any]]:
    """The parts of a value, each with its own of a cotangent like it; not those that have none."""
    if ct is None:
        return
    if type(value) in PARTS:
        yield value, ct
        return
    fields = fields_of(value)
    if isinstance(value, dict) or fields is not None:
        for key, item in (fields or value).items():
            yield from parts_beside(item, ct[key])
    elif isinstance(value, (list, tuple)):
        for item, part in zip(value, ct, strict=True):
            yield from parts_beside(item, part)
    else:
        yield value, ct

"""Values made of numbers and arrays: their parts, one by one, and the same form with others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from lazygraph.tasks.containers import DataclassOf, Opened, children_of, nth_child
from lazygraph.tasks.registration import registrations

__all__ = [
    "PARTS",
    "fields_of",
    "is_container",
    "is_inexact",
    "is_number",
    "is_whole",
    "mapped",
    "parts_beside",
    "registered_parts",
]


#: Types that are a part at a glance.
PARTS: set[type] = {float, int, complex, np.ndarray, np.float64, np.float32, np.complex128}


def is_whole(value: Any) -> bool:
    """Tell whether a value is a whole number, or an array of such; truth values are not."""
    if isinstance(value, (np.ndarray, np.generic)):
        return value.dtype.kind in "iu"
    return isinstance(value, int) and type(value) is not bool


def is_inexact(value: Any) -> bool:
    """Tell whether a value is a real or complex number, or an array of such."""
    if isinstance(value, (np.ndarray, np.generic)):
        return value.dtype.kind in "fc"
    return isinstance(value, (float, complex))


def is_number(value: Any) -> bool:
    """Tell whether a value is a number or an array of numbers: truth values count."""
    if isinstance(value, (np.ndarray, np.generic)):
        return value.dtype.kind in "biufc"
    return isinstance(value, (int, float, complex))


def is_container(value: Any) -> bool:
    """Tell whether a value is looked into: a list, tuple, dict, dataclass or registered class."""
    if type(value) in PARTS:
        return False
    is_ours = isinstance(value, (list, tuple, dict)) or type(value) in registrations()
    return is_ours or fields_of(value) is not None


def fields_of(value: Any) -> dict[str, Any] | None:
    """Return a dataclass's fields; None for any other value."""
    if type(getattr(type(value), "__dataclass_fields__", None)) is not dict:
        return None
    make, items = children_of(value) or (None, ())
    return dict(zip(make.names, items, strict=True)) if type(make) is DataclassOf else None


def registered_parts(value: Any) -> Opened | None:
    """Return the builder and the children of an instance of a registered class; None for others."""
    return children_of(value) if type(value) in registrations() else None


def mapped(func: Callable[[Any], Any], value: Any) -> Any:
    """Return a value with `func` of each part in its place, in new containers.

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
    opened = registered_parts(value) or (children_of(value) if fields_of(value) else None)
    if opened is None:
        return func(value)
    build, children = opened
    return build([mapped(func, item) for item in children])


def _of_kind(value: Any, items: dict[Any, Any]) -> Any:
    """Copy a dict, of whatever class, with other values."""
    made = value.copy()
    made.update(items)
    return made


def parts_beside(value: Any, ct: Any) -> Iterator[tuple[Any, Any]]:
    """Yield each part of a value with its part of a cotangent, but not where that is None."""
    if ct is None:
        return
    if type(value) in PARTS:
        yield value, ct
        return
    fields, opened = fields_of(value), registered_parts(value)
    if isinstance(value, dict) or fields is not None:
        for key, item in (fields or value).items():
            yield from parts_beside(item, ct[key])
    elif opened is not None:
        for n, item in enumerate(opened[1]):
            yield from parts_beside(item, nth_child(ct, n))
    elif isinstance(value, (list, tuple)):
        for item, part in zip(value, ct, strict=True):
            yield from parts_beside(item, part)
    else:
        yield value, ct

"""Rules of what makes one array of several."""

from __future__ import annotations

import math
from itertools import accumulate
from typing import Any

import numpy as np

from lazygraph.autodiff.cotangents import Like, filled, unbroadcast
from lazygraph.autodiff.primitive import primitive
from lazygraph.autodiff.table import define


@primitive
def split(ct: Any, forms: Any, axis: Any = 0) -> Any:
    """Split a cotangent into the parts that belong to the arrays which were concatenated."""
    if type(forms) is Like:  # an array, joined along its first axis
        return unbroadcast(np.stack(np.split(ct, forms.shape[0], axis)), forms)
    if axis is None:
        sizes = [math.prod(form.shape) for form in forms]
        parts = [*map(np.reshape, _cut(ct, sizes, 0), [form.shape for form in forms])]
    else:
        parts = _cut(ct, [form.shape[axis] for form in forms], axis)
    cts = [unbroadcast(part, form) for part, form in zip(parts, forms, strict=True)]
    return cts if isinstance(forms, list) else tuple(cts)


def _cut(x: Any, lengths: list[int], axis: int) -> list[Any]:
    """Cut an array into parts of these lengths along an axis."""
    before = (slice(None),) * (axis % x.ndim)
    ends = [*accumulate(lengths)]
    return [x[*before, end - n : end] for n, end in zip(lengths, ends, strict=True)]


@primitive
def joined(parts: Any, axis: Any = 0) -> Any:
    """Join arrays one after the other."""
    return np.concatenate(parts, axis)


@primitive
def unstacked(ct: Any, forms: Any, axis: Any = 0) -> Any:
    """Split a cotangent into the parts that belong to the arrays which were stacked."""
    if type(forms) is Like:  # an array, stacked along its first axis
        return unbroadcast(np.moveaxis(ct, axis, 0), forms)
    parts = zip(np.moveaxis(ct, axis, 0), forms, strict=True)
    cts = [unbroadcast(part, form) for part, form in parts]
    return cts if isinstance(forms, list) else tuple(cts)


@primitive
def stacked(parts: Any, axis: Any = 0) -> Any:
    """Stack arrays along a new axis."""
    return np.stack(parts, axis)


define(
    [np.concatenate, joined],
    "arrays axis",
    takes_lists=True,
    arrays=lambda ct, like_arrays, axis=0: split(ct, like_arrays, axis),
)
define(
    [np.stack, stacked],
    "arrays axis",
    takes_lists=True,
    arrays=lambda ct, like_arrays, axis=0: unstacked(ct, like_arrays, axis),
)
define(
    [split],
    "x forms axis",
    takes_lists=True,
    x=lambda ct, like_out, axis=0: joined(filled(ct, like_out), axis),
    forms=None,
)
define(
    [unstacked],
    "x forms axis",
    takes_lists=True,
    x=lambda ct, like_out, axis=0: stacked(filled(ct, like_out), axis),
    forms=None,
)


#: Of numpy's joins that add axes to what has too few: how many there are to be, and which grows.
_JOINS = {"vstack": (2, 0), "hstack": (1, 1), "column_stack": (2, 1), "dstack": (3, 2)}


@primitive
def unjoined(ct: Any, forms: Any, how: str) -> Any:
    """Split a cotangent into the parts that belong to the arrays which were joined by `how`."""
    if type(forms) is Like:  # an array, joined along its first axis
        form = Like(forms.shape[1:], forms.dtype)
        return np.stack(unjoined(ct, [form] * forms.shape[0], how))
    n_least, axis = _JOINS[how]
    axis = min(axis, ct.ndim - 1)  # hstack joins vectors along the only axis they have
    lengths = [
        math.prod(form.shape[axis : axis + 1]) if len(form.shape) >= n_least else 1
        for form in forms
    ]
    parts = zip(_cut(ct, lengths, axis), forms, strict=True)
    cts = [unbroadcast(part.reshape(form.shape), form) for part, form in parts]
    return cts if isinstance(forms, list) else tuple(cts)


@primitive
def rejoined(parts: Any, how: str) -> Any:
    """Join arrays by one of numpy's functions."""
    return getattr(np, how)(parts)


def _define_join(how: str) -> None:
    define(
        [getattr(np, how)],
        "arrays",
        takes_lists=True,
        also={"tup": "arrays"},
        arrays=lambda ct, like_arrays: unjoined(ct, like_arrays, how),
    )


for _how in _JOINS:
    _define_join(_how)
define(
    [unjoined],
    "x forms how",
    takes_lists=True,
    x=lambda ct, like_out, how: rejoined(filled(ct, like_out), how),
    forms=None,
)
define(
    [rejoined],
    "arrays how",
    takes_lists=True,
    arrays=lambda ct, like_arrays, how: unjoined(ct, like_arrays, how),
)

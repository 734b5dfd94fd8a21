"""Rules of item access, in arrays and in containers."""

from __future__ import annotations

import operator as op
from typing import Any

import numpy as np

from lazygraph.autodiff.cotangents import Like, placed, unbroadcast, zeros
from lazygraph.autodiff.primitive import primitive
from lazygraph.autodiff.table import define
from lazygraph.operations import Nth


@primitive
def put_back(ct: Any, form: Any, index: Any) -> Any:
    """The cotangent of what an item was taken from: `ct` at its place, and nothing elsewhere."""
    if type(form) is Like:
        return _put_in_array(ct, form, index)
    if isinstance(index, slice):
        cts: list[Any] = [None] * len(form)
        cts[index] = ct
        return cts if isinstance(form, list) else tuple(cts)
    index = index if isinstance(form, dict) else range(len(form))[index]
    return placed(ct, ((op.getitem, index),), form)


def _put_in_array(ct: Any, form: Like, index: Any) -> Any:
    made = np.zeros(form.shape, np.result_type(zeros(Like((), form.dtype)), ct))
    if _is_unique(index):
        made[index] = ct
    else:
        np.add.at(made, index, ct)
    return unbroadcast(made, form)


def _is_unique(index: Any) -> bool:
    """Whether no place can be meant twice: not so with arrays of positions."""
    parts = index if isinstance(index, tuple) else (index,)
    return all(
        part is None
        or part is Ellipsis
        or isinstance(part, (int, slice, np.integer))
        or (isinstance(part, np.ndarray) and part.dtype == bool)
        for part in parts
    )


@primitive
def item(ct: Any, index: Any, form: Any) -> Any:
    """An item of a cotangent; zeros where it has None."""
    found = ct[index]
    return zeros(form) if found is None else found


define(
    [op.getitem, Nth, item], "x index form", x=lambda ct, like_x, index: put_back(ct, like_x, index)
)
define(
    [put_back],
    "x form index",
    x=lambda ct, index, like_x: item(ct, index, like_x),
    form=None,
)


@primitive
def untaken(ct: Any, form: Like, indices: Any, axis: Any = None) -> Any:
    """The cotangent of what numbers were taken from, along an axis or from the flat array."""
    made = np.zeros(form.shape, np.result_type(zeros(Like((), form.dtype)), ct))
    if axis is None:
        np.add.at(made.reshape(-1), indices, ct)
    else:
        along = np.moveaxis(made, axis, 0)
        n = np.ndim(indices)
        taken = np.moveaxis(ct, range(axis % made.ndim, axis % made.ndim + n), range(n))
        np.add.at(along, indices, taken)
    return unbroadcast(made, form)


define(
    [np.take],
    "a indices axis",
    method="take",
    a=lambda ct, like_a, indices, axis=None: untaken(ct, like_a, indices, axis),
)
define(
    [untaken],
    "x form indices axis",
    x=lambda ct, indices, axis=None: np.take(ct, indices, axis),
    form=None,
)

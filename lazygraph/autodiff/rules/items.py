"""Rules of item access, in arrays and in containers."""

from __future__ import annotations

import operator as op
from typing import Any

import numpy as np

from lazygraph.autodiff.cotangents import Like, placed, unbroadcast, zeros
from lazygraph.autodiff.primitive import primitive
from lazygraph.autodiff.table import define
from lazygraph.errors import NotDifferentiable
from lazygraph.tasks.operators import Nth


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
    made = nothing(ct, form)
    if _is_unique(index) or _is_permutation(index, form):
        made[index] = ct
    else:
        np.add.at(made, index, ct)
    return unbroadcast(made, form)


def nothing(ct: Any, form: Like) -> Any:
    """Zeros in the shape of `form`, in a dtype that holds cotangents like `ct`."""
    dtype = getattr(ct, "dtype", None)
    if dtype != form.dtype or dtype.kind not in "fc":
        if np.dtype(form.dtype).names is not None:
            raise NotDifferentiable(
                f"a field of an array of {form.dtype}",
                "an array of records has no cotangent: keep a plain array for each field",
            )
        dtype = np.result_type(zeros(Like((), form.dtype)), ct)
    return np.zeros(form.shape, dtype)


#: Indices that name each place once, whatever their values are.
_ONCE = frozenset({int, slice, type(None), type(Ellipsis), np.int64, bool})


def _is_unique(index: Any) -> bool:
    """Whether no place can be meant twice: not so with arrays of positions."""
    if type(index) is not tuple:
        return type(index) in _ONCE or _is_once(index)
    return all(type(part) in _ONCE or _is_once(part) for part in index)


def _is_permutation(index: Any, form: Like) -> bool:
    """Whether an array of positions has none twice: much quicker found than added up."""
    if type(index) is not np.ndarray or index.ndim != 1 or index.dtype.kind not in "iu":
        return False
    is_taken = np.zeros(form.shape[0], bool)
    is_taken[index] = True
    return int(np.count_nonzero(is_taken)) == len(index)


def _is_once(part: Any) -> bool:
    return isinstance(part, np.integer) or (isinstance(part, np.ndarray) and part.dtype == bool)


@primitive
def item(ct: Any, index: Any, form: Any) -> Any:
    """An item of a cotangent; zeros where it has None."""
    found = ct[index]
    return zeros(form) if found is None else found


define(
    [op.getitem, Nth, item],
    "x index form",
    takes_lists=True,
    x=lambda ct, like_x, index: put_back(ct, like_x, index),
)
define(
    [put_back],
    "x form index",
    takes_lists=True,
    x=lambda ct, index, like_x: item(ct, index, like_x),
    form=None,
)


@primitive
def untaken(ct: Any, form: Like, indices: Any, axis: Any = None) -> Any:
    """The cotangent of what numbers were taken from, along an axis or from the flat array."""
    made = nothing(ct, form)
    if axis is None:
        np.add.at(made.reshape(-1), indices, ct)
    else:
        along = np.moveaxis(made, axis, 0)
        n = np.ndim(indices)
        first = axis % made.ndim
        taken = np.moveaxis(ct, range(first, first + n), range(n))
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


@primitive
def untaken_along(ct: Any, form: Like, indices: Any, axis: Any) -> Any:
    """The cotangent of an array, one number of which was taken for each index along an axis."""
    made = nothing(ct, form)
    if axis is None:
        np.add.at(made.reshape(-1), indices, ct)
        return unbroadcast(made, form)
    where = list(np.ogrid[tuple(slice(n) for n in np.shape(indices))])
    where[axis] = indices
    np.add.at(made, tuple(where), ct)
    return unbroadcast(made, form)


define(
    [np.take_along_axis],
    "arr indices axis",
    arr=lambda ct, like_arr, indices, axis=-1: untaken_along(ct, like_arr, indices, axis),
)
define(
    [untaken_along],
    "x form indices axis",
    x=lambda ct, indices, axis: np.take_along_axis(ct, indices, axis),
    form=None,
)

"""Rules of item access, in arrays and in containers."""

from __future__ import annotations

import operator as op
from typing import Any

import numpy as np

from lazygraph.autodiff.cotangents import Like, add_n, filled, placed, unbroadcast, zeros
from lazygraph.autodiff.primitive import primitive
from lazygraph.autodiff.table import define
from lazygraph.errors import NotDifferentiable
from lazygraph.tasks.operators import Nth


@primitive
def put_back(ct: Any, form: Any, index: Any) -> Any:
    """Return the cotangent of what an item was taken from: `ct` at its place, nothing elsewhere."""
    if type(form) is Like:
        return _put_in_array(ct, form, index)
    if isinstance(index, slice):
        cts: list[Any] = [None] * len(form)
        cts[index] = ct
        return cts if isinstance(form, list) else tuple(cts)
    if isinstance(form, dict) and index not in form:
        raise NotDifferentiable(f"item {index!r}", "what it was taken from has none by that name")
    index = index if isinstance(form, dict) else range(len(form))[index]
    return placed(ct, ((op.getitem, index),), form)


def _put_in_array(ct: Any, form: Like, index: Any) -> Any:
    made = nothing(form, ct)
    if _is_unique(index) or _is_permutation(index, form):
        made[index] = ct
    else:
        np.add.at(made, index, ct)
    return unbroadcast(made, form)


@primitive
def put_all_back(cts: list[Any], form: Any, indices: list[Any]) -> Any:
    """Return the cotangent of what several items were taken from, in one array of zeros for all."""
    if type(form) is not Like:
        return add_n(*[put_back(ct, form, n) for ct, n in zip(cts, indices, strict=True)])
    made = nothing(form, *cts)
    for ct, index in zip(cts, indices, strict=True):
        if _is_unique(index):
            made[index] += ct
        else:
            np.add.at(made, index, ct)
    return unbroadcast(made, form)


@primitive
def all_items(ct: Any, forms: list[Any], indices: list[Any]) -> list[Any]:
    """Return several items of a cotangent, as `item` gives one."""
    return [item(ct, n, form) for n, form in zip(indices, forms, strict=True)]


def nothing(form: Like, *cts: Any) -> Any:
    """Return zeros in the shape of `form`, in a dtype that holds cotangents like `cts`."""
    if np.dtype(form.dtype).names is not None:
        raise NotDifferentiable(
            f"a field of an array of {form.dtype}",
            "an array of records has no cotangent: keep a plain array for each field",
        )
    return np.zeros(form.shape, np.result_type(zeros(Like((), form.dtype)), *cts))


#: Indices that name each place once, whatever their values are.
_ONCE = frozenset({int, slice, type(None), type(Ellipsis), np.int64, bool})


def _is_unique(index: Any) -> bool:
    """Tell whether no place can be meant twice: not so with arrays of positions."""
    if type(index) is not tuple:
        return type(index) in _ONCE or _is_once(index)
    return all(type(part) in _ONCE or _is_once(part) for part in index)


def _is_permutation(index: Any, form: Like) -> bool:
    """Tell whether an array of positions has none twice: much quicker found than added up."""
    if type(index) is not np.ndarray or index.ndim != 1 or index.dtype.kind not in "iu":
        return False
    is_taken = np.zeros(form.shape[0], bool)
    is_taken[index] = True
    return int(np.count_nonzero(is_taken)) == len(index)


def _is_once(part: Any) -> bool:
    return isinstance(part, np.integer) or (isinstance(part, np.ndarray) and part.dtype == bool)


@primitive
def item(ct: Any, index: Any, form: Any) -> Any:
    """Return an item of a cotangent; zeros where it has None."""
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
define(
    [put_all_back],
    "cts form indices",
    takes_lists=True,
    cts=lambda ct, like_cts, indices: all_items(ct, like_cts, indices),
)
define(
    [all_items],
    "x forms indices",
    takes_lists=True,
    x=lambda ct, like_x, indices, like_out: put_all_back(filled(ct, like_out), like_x, indices),
)


@primitive
def untaken(ct: Any, form: Like, indices: Any, axis: Any = None) -> Any:
    """Return the cotangent of what numbers were taken from, along an axis or all flat."""
    made = nothing(form, ct)
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
    """Return the cotangent of an array, a number of which was taken per index along an axis."""
    made = nothing(form, ct)
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


@primitive
def with_item(x: Any, index: Any, item: Any) -> Any:
    """Return an array with other items in some places: what ``x[index] = item`` makes of it."""
    made = np.array(x)
    made[index] = item
    return made


define(
    [with_item],
    "x index item",
    x=lambda ct, index, like_x: unbroadcast(with_item(ct, index, 0.0), like_x),
    item=lambda ct, index, like_item: unbroadcast(op.getitem(ct, index), like_item),
)

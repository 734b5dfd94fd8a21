"""Rules of what makes numbers and arrays of other kinds, and arrays of lists."""

from __future__ import annotations

from typing import Any

import numpy as np

from lazygraph.autodiff.cotangents import Like, filled, unbroadcast
from lazygraph.autodiff.primitive import primitive
from lazygraph.autodiff.rules.shapes import reshaped
from lazygraph.autodiff.table import define
from lazygraph.errors import NotDifferentiable

__all__ = ["separated", "smooth"]


def smooth(ct: Any, form: Any, dtype: Any) -> Any:
    """Return `ct`; raise if a conversion to `dtype` jumps (None: no conversion)."""
    return ct if dtype is None else checked(ct, form, dtype)


@primitive
def checked(ct: Any, form: Any, dtype: Any) -> Any:
    """Return `ct`; raise if floats would become whole numbers.

    Raises
    ------
    NotDifferentiable
        If they are.
    """
    if np.issubdtype(dtype, np.inexact) or not _has_float(form):
        return ct
    raise NotDifferentiable(
        f"a conversion to {np.dtype(dtype)}",
        "it jumps between whole numbers: lazygraph.stop_gradient(...) counts it as a constant",
    )


def _has_float(form: Any) -> bool:
    if type(form) is Like:
        return np.issubdtype(form.dtype, np.inexact)
    return any(map(_has_float, form))


@primitive
def separated(ct: Any, form: Any) -> Any:
    """Return the cotangents of the items of a list, given that of the array made of it."""
    if type(form) is Like:
        return unbroadcast(np.reshape(ct, form.shape), form)
    cts = [separated(part, each) for part, each in zip(ct, form, strict=True)]
    return cts if isinstance(form, list) else tuple(cts)


@primitive
def gathered(cts: Any, form: Any) -> Any:
    """Return the array made of a list of cotangents; None counts as zero."""
    return np.array(filled(cts, form))


def _converted(ct: Any, like_a: Any, dtype: Any = None) -> Any:
    return separated(smooth(ct, like_a, dtype), like_a)


define(
    [np.array, np.asarray, np.ascontiguousarray],
    "a dtype",
    takes_lists=True,
    also={"object": "a"},
    a=_converted,
)
define([], "a dtype order casting subok copy", method="astype", a=_converted)
define([float, np.float64, np.float32, np.atleast_1d, np.atleast_2d], "a", a=_converted)
define([checked], "x form dtype", x=lambda ct: ct, form=None)
define(
    [separated],
    "x form",
    takes_lists=True,
    x=lambda ct, like_x, like_out: reshaped(gathered(ct, like_out), like_x),
    form=None,
)
define([gathered], "x form", takes_lists=True, x=lambda ct, form: separated(ct, form), form=None)

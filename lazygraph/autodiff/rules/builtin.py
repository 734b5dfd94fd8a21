"""Rules of Python's own `sum`, `max` and `min`: of lists, of arrays' rows, of single numbers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lazygraph.autodiff.cotangents import Like, filled, unbroadcast, zeros
from lazygraph.autodiff.primitive import primitive
from lazygraph.autodiff.rules.elementwise import chosen
from lazygraph.autodiff.table import constant, define


@primitive
def given_to_each(ct: Any, form: Any) -> Any:
    """Return the cotangents of what `sum` has added up: `ct` for each."""
    if type(form) is Like:  # an array, summed along its first axis
        return unbroadcast(np.broadcast_to(ct, form.shape), form)
    cts = [unbroadcast(ct, each) for each in form]
    return cts if isinstance(form, list) else tuple(cts)


@primitive
def added_up(cts: Any, form: Any) -> Any:
    """Sum the cotangents in a list; None counts as zero."""
    if type(form) is Like:
        return np.sum(cts, axis=0)
    return sum(filled(cts, form)) if form else zeros(form)


define([math.fsum], "x", takes_lists=True, x=lambda ct, like_x: given_to_each(ct, like_x))
define(
    [sum],
    "x start",
    takes_lists=True,
    x=lambda ct, like_x: given_to_each(ct, like_x),
    start=lambda ct, like_start: unbroadcast(ct, like_start),
)
define(
    [given_to_each],
    "x form",
    takes_lists=True,
    x=lambda ct, like_x, form: unbroadcast(added_up(ct, form), like_x),
    form=None,
)
define(
    [added_up], "x form", takes_lists=True, x=lambda ct, form: given_to_each(ct, form), form=None
)


@primitive
def shares(x: Any, out: Any) -> list[float]:
    """Return each number's share in being the extreme one: equal ones share."""
    equal = [bool(each == out) for each in x]
    return [one / sum(equal) for one in equal]


@primitive
def shared_out(ct: Any, share: Any, form: Any) -> Any:
    """Multiply `ct` by each share, for a list or a one-dimensional array."""
    if type(form) is Like:
        return unbroadcast(ct * np.asarray(share), form)
    cts = [unbroadcast(ct * one, each) for one, each in zip(share, form, strict=True)]
    return cts if isinstance(form, list) else tuple(cts)


@primitive
def weighed(cts: Any, share: Any, form: Any) -> Any:
    """Sum cotangents, each by its share; None counts as zero."""
    return sum(ct * one for ct, one in zip(filled(cts, form), share, strict=True))


def _extreme(ct: Any, out: Any, a: Any, like_a: Any, b: Any = None) -> Any:
    if b is None:  # what is given is one iterable
        return shared_out(ct, shares(a, out), like_a)
    return unbroadcast(ct * chosen(a, out, b), like_a)


define(
    [max, min],
    "a b",
    takes_lists=True,
    a=_extreme,
    b=lambda ct, out, a, b, like_b: unbroadcast(ct * chosen(b, out, a), like_b),
)
define(
    [shared_out],
    "x share form",
    takes_lists=True,
    x=lambda ct, share, form: weighed(ct, share, form),
    form=None,
)
define(
    [weighed],
    "x share form",
    takes_lists=True,
    x=lambda ct, share, form: shared_out(ct, share, form),
    form=None,
)
constant(shares)

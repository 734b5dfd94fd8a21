"""Rules of numpy's functions of single numbers, and of those in `math` that are the same."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lazygraph.autodiff.primitive import primitive
from lazygraph.autodiff.table import constant, define, elementwise

_LN2, _LN10 = math.log(2.0), math.log(10.0)

elementwise(np.exp, math.exp, x=lambda ct, out: ct * out)
elementwise(np.exp2, math.exp2, x=lambda ct, out: ct * out * _LN2)
elementwise(np.expm1, math.expm1, x=lambda ct, out: ct * (out + 1))
elementwise(np.log, math.log, x=lambda ct, x: ct / x)
elementwise(np.log2, math.log2, x=lambda ct, x: ct / (x * _LN2))
elementwise(np.log10, math.log10, x=lambda ct, x: ct / (x * _LN10))
elementwise(np.log1p, math.log1p, x=lambda ct, x: ct / (1 + x))
elementwise(np.sqrt, math.sqrt, x=lambda ct, out: ct / (2 * out))
elementwise(np.cbrt, math.cbrt, x=lambda ct, out: ct / (3 * out * out))
elementwise(np.square, x=lambda ct, x: ct * (2 * x))
elementwise(np.reciprocal, x=lambda ct, out: -ct * out * out)

elementwise(np.sin, math.sin, x=lambda ct, x: ct * np.cos(x))
elementwise(np.cos, math.cos, x=lambda ct, x: -ct * np.sin(x))
elementwise(np.tan, math.tan, x=lambda ct, out: ct * (1 + out * out))
elementwise(np.arcsin, math.asin, x=lambda ct, x: ct / np.sqrt(1 - x * x))
elementwise(np.arccos, math.acos, x=lambda ct, x: -ct / np.sqrt(1 - x * x))
elementwise(np.arctan, math.atan, x=lambda ct, x: ct / (1 + x * x))
elementwise(np.sinh, math.sinh, x=lambda ct, x: ct * np.cosh(x))
elementwise(np.cosh, math.cosh, x=lambda ct, x: ct * np.sinh(x))
elementwise(np.tanh, math.tanh, x=lambda ct, out: ct * (1 - out * out))
elementwise(np.arcsinh, math.asinh, x=lambda ct, x: ct / np.sqrt(x * x + 1))
elementwise(np.arccosh, math.acosh, x=lambda ct, x: ct / np.sqrt(x * x - 1))
elementwise(np.arctanh, math.atanh, x=lambda ct, x: ct / (1 - x * x))
elementwise(np.deg2rad, np.radians, math.radians, x=lambda ct: ct * (math.pi / 180))
elementwise(np.rad2deg, np.degrees, math.degrees, x=lambda ct: ct * (180 / math.pi))

elementwise(
    np.arctan2,
    math.atan2,
    y=lambda ct, y, x: ct * x / (x * x + y * y),
    x=lambda ct, y, x: -ct * y / (x * x + y * y),
)
elementwise(np.hypot, a=lambda ct, out, a: ct * a / out, b=lambda ct, out, b: ct * b / out)
elementwise(
    np.logaddexp,
    a=lambda ct, out, a: ct * np.exp(a - out),
    b=lambda ct, out, b: ct * np.exp(b - out),
)
elementwise(
    np.logaddexp2,
    a=lambda ct, out, a: ct * np.exp2(a - out),
    b=lambda ct, out, b: ct * np.exp2(b - out),
)


@primitive
def chosen(x: Any, out: Any, other: Any) -> Any:
    """How much of the larger, or smaller, one `x` is: all, nothing, or half if they are equal."""
    return (x == out) / (1.0 + (x == other))


@primitive
def inside(x: Any, low: Any, high: Any) -> Any:
    """1 where `x` is between the bounds, where there are bounds, and 0 elsewhere."""
    is_inside = np.ones(np.shape(x), bool)
    if low is not None:
        is_inside = is_inside & (x >= low)
    if high is not None:
        is_inside = is_inside & (x <= high)
    return is_inside


for _func in (np.maximum, np.minimum, np.fmax, np.fmin):
    elementwise(
        _func,
        a=lambda ct, out, a, b: ct * chosen(a, out, b),
        b=lambda ct, out, a, b: ct * chosen(b, out, a),
    )


def _clip(ct: Any, x: Any, a_min: Any = None, a_max: Any = None) -> Any:
    return ct * inside(x, a_min, a_max)


define([np.clip], "x a_min a_max", x=_clip)
define(
    [],
    "x min max",
    method="clip",
    x=lambda ct, x, min=None, max=None: ct * inside(x, min, max),  # noqa: A006  # numpy's names
)
elementwise(
    np.where,
    condition=None,
    x=lambda ct, condition: np.where(condition, ct, 0.0),
    y=lambda ct, condition: np.where(condition, 0.0, ct),
)
constant(chosen, inside)

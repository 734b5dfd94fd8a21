"""Rules of numpy's functions of single numbers, and of those in `math` that are the same."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lazygraph.autodiff.cotangents import unbroadcast
from lazygraph.autodiff.primitive import primitive
from lazygraph.autodiff.table import constant, define, elementwise

_LN2, _LN10 = math.log(2.0), math.log(10.0)


def scaled(slope: Any, factor: float) -> Any:
    """Multiply what a rule has just made by a number, in place."""
    slope *= factor
    return slope


def _tanh(ct: Any, out: Any) -> Any:
    slope = out * out
    slope -= 1
    slope *= ct
    slope *= -1
    return slope


def _log(ct: Any, x: Any, base: Any = math.e) -> Any:
    return ct / (x * np.log(base))


def _log_base(ct: Any, out: Any, base: Any) -> Any:
    return -ct * out / (base * np.log(base))


@primitive
def above(x: Any) -> Any:
    """Return `x`, or 0 where it is minus infinity: so that no weight is of -inf - -inf."""
    is_lowest = x == -math.inf
    return np.where(is_lowest, 0.0, x) if np.any(is_lowest) else x


elementwise(above, x=lambda ct, x: ct * np.isfinite(x))


elementwise(np.exp, math.exp, x=lambda ct, out: ct * out)
elementwise(np.exp2, math.exp2, x=lambda ct, out: scaled(ct * out, _LN2))
elementwise(np.expm1, math.expm1, x=lambda ct, out: ct * (out + 1))
elementwise(np.log, x=lambda ct, x: ct / x)
elementwise(math.log, x=_log, base=_log_base)
elementwise(np.log2, math.log2, x=lambda ct, x: scaled(ct / x, 1 / _LN2))
elementwise(np.log10, math.log10, x=lambda ct, x: scaled(ct / x, 1 / _LN10))
elementwise(np.log1p, math.log1p, x=lambda ct, x: ct / (1.0 + x))
elementwise(np.sqrt, math.sqrt, x=lambda ct, out: scaled(ct / out, 0.5))
elementwise(np.cbrt, math.cbrt, x=lambda ct, out: ct / (3 * out * out))
elementwise(np.square, x=lambda ct, x: scaled(ct * x, 2))
elementwise(np.reciprocal, x=lambda ct, out: -ct * out * out)

elementwise(np.sin, math.sin, x=lambda ct, x: ct * np.cos(x))
elementwise(np.cos, math.cos, x=lambda ct, x: -ct * np.sin(x))
elementwise(np.tan, math.tan, x=lambda ct, out: ct * (1 + out * out))
elementwise(np.arcsin, math.asin, x=lambda ct, x: ct / np.sqrt(1 - x * x))
elementwise(np.arccos, math.acos, x=lambda ct, x: -ct / np.sqrt(1 - x * x))
elementwise(np.arctan, math.atan, x=lambda ct, x: ct / (1.0 * x * x + 1.0))
elementwise(np.sinh, math.sinh, x=lambda ct, x: ct * np.cosh(x))
elementwise(np.cosh, math.cosh, x=lambda ct, x: ct * np.sinh(x))
elementwise(np.tanh, math.tanh, x=_tanh)
elementwise(np.arcsinh, math.asinh, x=lambda ct, x: ct / np.sqrt(1.0 * x * x + 1))
elementwise(np.arccosh, math.acosh, x=lambda ct, x: ct / np.sqrt(1.0 * x * x - 1))
elementwise(np.arctanh, math.atanh, x=lambda ct, x: ct / (1 - x * x))
elementwise(np.deg2rad, np.radians, math.radians, x=lambda ct: ct * (math.pi / 180))
elementwise(np.rad2deg, np.degrees, math.degrees, x=lambda ct: ct * (180 / math.pi))

elementwise(
    np.arctan2,
    math.atan2,
    y=lambda ct, y, x: ct * x / np.square(np.hypot(x, y)),
    x=lambda ct, y, x: -ct * y / np.square(np.hypot(x, y)),
)
elementwise(
    np.hypot, math.hypot, a=lambda ct, out, a: ct * a / out, b=lambda ct, out, b: ct * b / out
)
elementwise(
    np.logaddexp,
    a=lambda ct, out, a: ct * np.exp(a - above(out)),
    b=lambda ct, out, b: ct * np.exp(b - above(out)),
)
elementwise(
    np.logaddexp2,
    a=lambda ct, out, a: ct * np.exp2(a - above(out)),
    b=lambda ct, out, b: ct * np.exp2(b - above(out)),
)


@primitive
def chosen(x: Any, out: Any, other: Any) -> Any:
    """Return the share of `x` in the larger, or smaller, one: all, none, or half if equal."""
    is_chosen, is_tied = x == out, x == other
    return is_chosen / (1.0 + is_tied) if np.any(is_tied) else is_chosen


@primitive
def inside(x: Any, low: Any, high: Any) -> Any:
    """Tell where `x` is between the bounds, where there are bounds."""
    is_inside = True if low is None else x >= low
    return is_inside if high is None else is_inside & (x <= high)


@primitive
def beyond(x: Any, low: Any, high: Any, which: str) -> Any:
    """Tell where `x` is beyond the bound "low" or "high", and has become that."""
    if which == "high":
        return x > high if low is None else (x > high) | (low > high)
    return x < low if high is None else (x < low) & (low <= high)


for _func in (np.maximum, np.minimum, np.fmax, np.fmin):
    elementwise(
        _func,
        a=lambda ct, out, a, b: ct * chosen(a, out, b),
        b=lambda ct, out, a, b: ct * chosen(b, out, a),
    )


def _clip(ct: Any, a: Any, like_a: Any, low: Any = None, high: Any = None) -> Any:
    return unbroadcast(ct * inside(a, low, high), like_a)


def _clip_low(ct: Any, a: Any, low: Any, like_low: Any, high: Any = None) -> Any:
    return unbroadcast(ct * beyond(a, low, high, "low"), like_low)


def _clip_high(ct: Any, a: Any, high: Any, like_high: Any, low: Any = None) -> Any:
    return unbroadcast(ct * beyond(a, low, high, "high"), like_high)


define(
    [np.clip],
    "a low high",
    method="clip",
    also={"a_min": "low", "a_max": "high", "min": "low", "max": "high"},
    a=_clip,
    low=_clip_low,
    high=_clip_high,
)
elementwise(
    np.where,
    condition=None,
    x=lambda ct, condition: np.where(condition, ct, 0.0),
    y=lambda ct, condition: np.where(condition, 0.0, ct),
)
constant(chosen, inside, beyond)

"""Rules of operators, and of the ufuncs that they are on arrays.

Complex numbers: the cotangent of a real goal by z = a + ib is dy/da - i dy/db, as autograd and
JAX have it, so that the rules of holomorphic functions are those of real ones.
"""

from __future__ import annotations

import math
import operator as op
from typing import Any

import numpy as np

from lazygraph.autodiff.cotangents import Like, unbroadcast, zeros
from lazygraph.autodiff.primitive import primitive
from lazygraph.autodiff.table import constant, define, elementwise, refuse
from lazygraph.tasks.operators import power, rounded


@primitive
def one_less(exponent: Any, base: Any) -> Any:
    """Return an exponent less one; one for 0 ** 0: so that the slope of x ** 0 is 0, at 0 too."""
    if type(exponent) in (int, float) and exponent:
        return exponent - 1
    return np.where((exponent == 0) & (base == 0), 1.0, np.asarray(exponent) - 1.0)[()]


@primitive
def lowered(base: Any, exponent: Any) -> Any:
    """Return the power that is less by one; of the commonest, the square, the base itself."""
    if type(exponent) in (int, float) and exponent == 2:
        return base
    return base ** one_less(exponent, base)


@primitive
def log_or_zero(base: Any) -> Any:
    """Return the logarithm of a base; 0 for 0, since 0 ** b does not change with b."""
    return np.log(np.where(base == 0, 1.0, base))


@primitive
def direction(x: Any) -> Any:
    """Return the sign of real numbers; of complex ones conj(x) / |x|."""
    if not np.iscomplexobj(x):
        return np.sign(x)
    size = np.abs(x)
    return np.conj(x) / np.where(size == 0, 1.0, size)


@primitive
def spin(x: Any) -> Any:
    """Return how a direction turns: 0 for real numbers, -1j for complex ones."""
    return -1j if np.iscomplexobj(x) else 0.0


@primitive
def is_zero(x: Any) -> Any:
    """Tell where there is no direction."""
    return x == 0


def _turned(ct: Any, out: Any, x: Any) -> Any:
    """Return the cotangent by w = conj(z) / |z|, for dw = -i w Im(conj(z) dz) / |z| ** 2."""
    along = np.real(spin(x) * ct * out)
    return along * spin(x) * out / (np.abs(x) + is_zero(x))


@primitive
def quotient(a: Any, b: Any) -> Any:
    """Return the whole number that a remainder leaves out."""
    return np.floor_divide(a, b)


@primitive
def imaginary(ct: Any, form: Like) -> Any:
    """Return the cotangent of a number, given that of its imaginary part."""
    is_complex = np.issubdtype(np.dtype(form.dtype), np.complexfloating)
    return -1j * ct if is_complex else zeros(form)


def _divisor(ct: Any, out: Any, b: Any) -> Any:
    slope = ct * out
    slope /= b
    slope *= -1
    return slope


def _base(ct: Any, a: Any, b: Any) -> Any:
    slope = ct * b
    slope *= lowered(a, b)
    return slope


# Rules of several steps assign in place, to what they have just made: large temporaries cost
# more than the arithmetic. On lazy values such an assignment makes one more task.
elementwise(op.add, np.add, a=lambda ct: ct, b=lambda ct: ct)
elementwise(op.sub, np.subtract, a=lambda ct: ct, b=lambda ct: -ct)
elementwise(op.mul, np.multiply, a=lambda ct, b: ct * b, b=lambda ct, a: ct * a)
elementwise(op.neg, np.negative, x=lambda ct: -ct)
elementwise(op.pos, np.positive, x=lambda ct: ct)
elementwise(
    op.truediv,
    np.divide,
    a=lambda ct, b: ct / b,
    b=_divisor,
)
elementwise(
    power,
    pow,
    op.pow,
    math.pow,
    np.power,
    np.float_power,
    a=_base,
    b=lambda ct, out, a: ct * (out * log_or_zero(a)),
)
elementwise(
    op.mod,
    np.remainder,
    a=lambda ct: ct,
    b=lambda ct, a, b: -ct * quotient(a, b),
)
elementwise(
    np.fmod,
    math.fmod,
    a=lambda ct: ct,
    b=lambda ct, a, b: -ct * np.trunc(a / b),
)
elementwise(op.abs, abs, math.fabs, np.absolute, np.fabs, x=lambda ct, x: ct * direction(x))
elementwise(np.conjugate, method="conj", x=lambda ct: np.conjugate(ct))
elementwise(np.conjugate, method="conjugate", x=lambda ct: np.conjugate(ct))
elementwise(direction, x=_turned)
elementwise(one_less, exponent=lambda ct: ct, base=None)
elementwise(
    lowered,
    a=lambda ct, a, b: _base(ct, a, one_less(b, a)),
    b=lambda ct, out, a: ct * (out * log_or_zero(a)),
)
elementwise(log_or_zero, x=lambda ct, x: ct / x)
define([np.real], "x", attribute="real", x=lambda ct, like_x: in_form(ct, like_x))
define([np.imag], "x", attribute="imag", x=lambda ct, like_x: imaginary(ct, like_x))
define([imaginary], "x form", x=lambda ct: np.real(1j * ct) * -1.0, form=None)


@primitive
def in_form(ct: Any, form: Like) -> Any:
    """Return `ct` as a number of the kind of `form`, complex if that is."""
    return unbroadcast(ct, form)


define([in_form], "x form", x=lambda ct: np.real(ct), form=None)

constant(
    spin, is_zero, quotient, op.lt, op.le, op.gt, op.ge, op.eq, op.ne, op.not_, op.is_, op.is_not
)
constant(op.contains, op.truth, rounded, round, math.floor, math.ceil, math.trunc)
constant(np.less, np.less_equal, np.greater, np.greater_equal, np.equal, np.not_equal)
constant(np.logical_and, np.logical_or, np.logical_not, np.logical_xor)
constant(np.isnan, np.isfinite, np.isinf, np.signbit, np.sign)
constant(np.floor, np.ceil, np.trunc, np.rint, np.round)
refuse(
    [op.floordiv, np.floor_divide, divmod, np.divmod, int],
    "it jumps between whole numbers: use / if the quotient is meant, or "
    "lazygraph.stop_gradient(...) to count it as a constant",
)
refuse(
    [op.and_, op.or_, op.xor, op.lshift, op.rshift, op.invert],
    "it works on bits: lazygraph.stop_gradient(...) counts it as a constant",
)

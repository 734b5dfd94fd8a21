"""Rules of operators and of the ufuncs that they are on arrays."""

from __future__ import annotations

import operator as op

import numpy as np

from lazygraph.autodiff.table import constant, elementwise
from lazygraph.operations import power

elementwise(op.add, np.add, a=lambda ct: ct, b=lambda ct: ct)
elementwise(op.sub, np.subtract, a=lambda ct: ct, b=lambda ct: -ct)
elementwise(op.mul, np.multiply, a=lambda ct, b: ct * b, b=lambda ct, a: ct * a)
elementwise(op.neg, np.negative, x=lambda ct: -ct)
elementwise(op.pos, np.positive, x=lambda ct: ct)
elementwise(
    op.truediv,
    np.divide,
    a=lambda ct, b: ct / b,
    b=lambda ct, out, b: -ct * out / b,
)
elementwise(
    power,
    pow,
    op.pow,
    np.power,
    np.float_power,
    a=lambda ct, a, b: ct * b * a ** (b - 1),
    b=lambda ct, out, a: ct * out * np.log(a),
)
constant(op.lt, op.le, op.gt, op.ge, op.eq, op.ne)
constant(np.less, np.less_equal, np.greater, np.greater_equal, np.equal, np.not_equal)

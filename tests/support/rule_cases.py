"""A case, or several, for every rule of the table; and the slopes of whatever is written."""

from __future__ import annotations

import math
import operator as op
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from scipy import special as sp

from lazygraph import compute, delayed, grad
from lazygraph.autodiff import logsumexp
from lazygraph.tasks.operators import power

RNG = np.random.default_rng(7)


def away(*shape: int) -> Any:
    """Numbers between 0.3 and 0.9 or their negatives: away from kinks, inside every domain."""
    sign = RNG.choice([-1.0, 1.0], shape)
    return sign * RNG.uniform(0.3, 0.9, shape)


def positive(*shape: int) -> Any:
    return RNG.uniform(0.3, 0.9, shape)


class Case(NamedTuple):
    """A function of arrays, each of which it is differentiated by; written with lazy values."""

    write: Callable[..., Any]
    args: tuple[Any, ...]


M, V, T3 = away(3, 4), away(4), away(2, 3, 4)


def calls(func: Any, *args: Any, **kwargs: Any) -> Case:
    return Case(lambda *lazies: delayed(func)(*lazies, **kwargs), args)


UNARY = [
    np.exp, np.exp2, np.expm1, np.sin, np.cos, np.tan, np.arcsin, np.arccos, np.arctan, np.sinh,
    np.cosh, np.tanh, np.arcsinh, np.arctanh, np.square, np.cbrt, np.reciprocal, np.negative,
    np.positive, np.absolute, np.fabs, np.conjugate, np.deg2rad, np.radians, np.rad2deg,
    np.degrees, np.real,
]  # fmt: skip
POSITIVE = [np.log, np.log2, np.log10, np.log1p, np.sqrt]
NUMBERS = [
    math.exp, math.exp2, math.expm1, math.log, math.log2, math.log10, math.log1p, math.sqrt,
    math.cbrt, math.sin, math.cos, math.tan, math.asin, math.acos, math.atan, math.sinh, math.cosh,
    math.tanh, math.asinh, math.atanh, math.radians, math.degrees, math.fabs, op.neg, op.pos,
    op.abs, abs,
]  # fmt: skip
BINARY = [
    op.add, np.add, op.sub, np.subtract, op.mul, np.multiply,
    op.truediv, np.divide, np.maximum, np.minimum, np.fmax, np.fmin, np.arctan2, np.hypot,
    np.logaddexp, np.logaddexp2,
]  # fmt: skip
POWERS = [power, pow, op.pow, np.power, np.float_power]

SPECIAL = [sp.expit, sp.log_expit, sp.erf, sp.erfc, sp.ndtr, sp.log_ndtr]
SPECIAL_POSITIVE = [sp.logit, sp.entr, sp.gammaln, sp.gamma, sp.digamma]

CASES: dict[str, Case] = {
    **{f"{f.__name__} of {kind}": calls(f, x) for f in UNARY for kind, x in [("array", M)]},
    **{f"{f.__name__}": calls(f, positive(3, 2)) for f in POSITIVE},
    **{f"{f.__module__}.{f.__name__}": calls(f, 0.4) for f in NUMBERS},
    **{f"{f.__name__} broadcast": calls(f, away(3, 1), away(4)) for f in BINARY},
    **{f"{f.__name__} of numbers": calls(f, 0.4, -0.7) for f in BINARY},
    **{f"{f.__module__}.{f.__name__} positive": calls(f, positive(3, 1), away(4)) for f in POWERS},
    **{f"{f.__name__} by two": Case(lambda x, f=f: delayed(f)(x, 2), (away(3),)) for f in POWERS},
    "math.pow": calls(math.pow, 0.4, 1.7),
    "math.acosh": calls(math.acosh, 1.7),
    "math.atan2": calls(math.atan2, 0.4, 0.7),
    "arccosh": calls(np.arccosh, 1 + positive(3)),
    "x ** 0 at 0": Case(lambda x: x**0 + x, (np.array([0.0, 1.0]),)),
    "x ** 3 below 0": Case(lambda x: x**3, (np.array([-2.0, -0.5]),)),
    "mod": calls(np.remainder, positive(3) + 2, np.array([0.7, 0.9, 1.1])),
    "op.mod": calls(op.mod, 2.3, 0.7),
    "matmul 2 2": calls(np.matmul, away(3, 4), away(4, 2)),
    "op.matmul 1 2": calls(op.matmul, away(4), away(4, 2)),
    "matmul 2 1": calls(np.matmul, away(3, 4), away(4)),
    "matmul 1 1": calls(np.matmul, away(4), away(4)),
    "matmul 3 2": calls(np.matmul, away(2, 3, 4), away(4, 2)),
    "matmul 2 3": calls(np.matmul, away(3, 4), away(2, 4, 3)),
    "matmul 3 1": calls(np.matmul, away(2, 3, 4), away(4)),
    "matmul 1 3": calls(np.matmul, away(3), away(2, 3, 4)),
    "matmul batches": calls(np.matmul, away(2, 1, 3, 4), away(3, 4, 2)),
    "dot 0 2": calls(np.dot, 0.7, away(2, 3)),
    "dot 1 1": calls(np.dot, away(3), away(3)),
    "dot 2 1": calls(np.dot, away(2, 3), away(3)),
    "dot 2 2": calls(np.dot, away(2, 3), away(3, 2)),
    "dot 1 2": calls(np.dot, away(3), away(3, 2)),
    "dot 2 3": calls(np.dot, away(2, 3), away(4, 3, 2)),
    "dot 3 3": calls(np.dot, away(2, 2, 3), away(2, 3, 2)),
    "x.dot": Case(lambda a, b: a.dot(b), (away(2, 3), away(3, 2))),
    **{
        f"{f.__name__} {axis} {keepdims}": calls(f, T3, axis=axis, keepdims=keepdims)
        for f in (np.sum, np.mean, np.var, np.std, np.max, np.min)
        for axis in (None, 1, -1, (0, 2))
        for keepdims in (False, True)
    },
    **{
        f"x.{name} {axis}": Case(lambda x, n=name, a=axis: getattr(x, n)(axis=a), (away(2, 3),))
        for name in ("sum", "mean", "var", "std", "max", "min")
        for axis in (None, 0)
    },
    "x.sum positional": Case(lambda x: x.sum(0), (away(2, 3),)),
    "var ddof": calls(np.var, away(2, 3), axis=1, ddof=1),
    "std ddof": calls(np.std, away(2, 3), axis=1, ddof=1),
    "cumsum": calls(np.cumsum, away(2, 3)),
    "cumsum axis": calls(np.cumsum, away(2, 3), axis=1),
    "x.cumsum": Case(lambda x: x.cumsum(axis=0), (away(2, 3),)),
    "logsumexp": Case(logsumexp, (away(3, 4),)),
    "logsumexp axis": Case(lambda x: logsumexp(x, axis=1), (away(3, 4),)),
    "logsumexp keepdims": Case(lambda x: logsumexp(x, axis=(0, 1), keepdims=True), (away(3, 4),)),
    "sum of a list": Case(lambda *x: delayed(sum)([*x]), (away(3), away(1), 0.5)),
    "sum of a tuple": Case(lambda a, b: delayed(sum)((a, b), a), (0.5, 0.7)),
    "sum of an array": Case(delayed(sum), (away(3, 2),)),
    "clip": Case(lambda x: np.clip(x, -0.2, 0.5), (away(6),)),
    "clip above": Case(lambda x: np.clip(x, None, 0.5), (away(6),)),
    "x.clip": Case(lambda x: x.clip(-0.2, 0.5), (away(6),)),
    "x.clip by name": Case(lambda x: x.clip(max=0.5), (away(6),)),
    "where": Case(lambda x, y: np.where(np.array([[True], [False]]), x, y), (away(3), away(2, 1))),
    "where of itself": Case(lambda x: np.where(x > 0, x * x, 3.0), (away(6),)),
    "reshape": Case(lambda x: np.reshape(x, (4, 3)), (away(3, 4),)),
    "x.reshape": Case(lambda x: x.reshape(2, -1), (away(3, 4),)),
    "x.reshape tuple": Case(lambda x: x.reshape((2, 6)), (away(3, 4),)),
    "ravel": Case(np.ravel, (away(3, 4),)),
    "x.ravel": Case(lambda x: x.ravel(), (away(3, 4),)),
    "x.flatten": Case(lambda x: x.flatten(), (away(3, 4),)),
    "squeeze": Case(np.squeeze, (away(3, 1),)),
    "x.squeeze": Case(lambda x: x.squeeze(), (away(3, 1),)),
    "expand_dims": Case(lambda x: np.expand_dims(x, 1), (away(3),)),
    "x.item": Case(lambda x: x.item(), (np.array([0.7]),)),
    "copy": Case(np.copy, (away(3),)),
    "x.copy": Case(lambda x: x.copy(), (away(3),)),
    "x.astype": Case(lambda x: x.astype(np.float64), (away(3),)),
    "broadcast_to": Case(lambda x: np.broadcast_to(x, (2, 3)), (away(3),)),
    "transpose": Case(np.transpose, (away(2, 3),)),
    "transpose axes": Case(lambda x: np.transpose(x, (1, -1, 0)), (T3,)),
    "x.transpose": Case(lambda x: x.transpose(2, 0, 1), (T3,)),
    "x.transpose tuple": Case(lambda x: x.transpose((2, 0, 1)), (T3,)),
    "x.transpose()": Case(lambda x: x.transpose(), (T3,)),
    "x.T": Case(lambda x: x.T, (away(2, 3),)),
    "x.real": Case(lambda x: x.real, (away(3),)),
    "x.imag": Case(lambda x: (x * 1j).imag, (away(3),)),
    "np.imag": Case(lambda x: np.imag(x * (2 + 1j)), (away(3),)),
    "swapaxes": Case(lambda x: np.swapaxes(x, 0, 2), (T3,)),
    "x.swapaxes": Case(lambda x: x.swapaxes(0, -1), (T3,)),
    "moveaxis": Case(lambda x: np.moveaxis(x, 0, -1), (T3,)),
    "flip": Case(np.flip, (away(2, 3),)),
    "flip axis": Case(lambda x: np.flip(x, 1), (away(2, 3),)),
    "tril": Case(lambda x: np.tril(x, -1), (away(3, 3),)),
    "triu": Case(lambda x: np.triu(x, 1), (away(3, 3),)),
    "roll": Case(lambda x: np.roll(x, 2), (away(2, 3),)),
    "roll axes": Case(lambda x: np.roll(x, (1, 2), (0, 1)), (away(2, 3),)),
    "concatenate": Case(lambda *x: np.concatenate(x), (away(2, 3), away(1, 3))),
    "concatenate axis": Case(lambda a, b: np.concatenate([a, b, a], axis=1), (away(2, 3), away(2, 1))),
    "concatenate flat": Case(lambda *x: np.concatenate(x, axis=None), (away(2, 3), away(2))),
    "stack": Case(lambda a, b: np.stack([a, b, a]), (away(3), away(3))),
    "stack axis": Case(lambda a, b: np.stack((a, b), axis=-1), (away(3), away(3))),
    "x[1]": Case(lambda x: x[1], (away(3, 4),)),
    "x[:, 1:3]": Case(lambda x: x[:, 1:3], (away(3, 4),)),
    "x[..., None]": Case(lambda x: x[..., None, 0], (away(3, 4),)),
    "x[[0, 0, 2]]": Case(lambda x: x[[0, 0, 2]], (away(3, 4),)),
    "x[rows, columns]": Case(lambda x: x[np.arange(3), np.array([1, 1, 0])], (away(3, 4),)),
    "x[mask]": Case(lambda x: x[np.array([True, False, True])], (away(3, 4),)),
    "list item": Case(lambda a, b: delayed([a, b, a])[0] * delayed([a, b])[-1], (away(3), away(3))),
    "list slice": Case(lambda a, b: delayed(sum)(delayed([a, b, a])[:2]), (away(3), away(3))),
    "dict item": Case(lambda a, b: delayed({"p": a, "q": [b]})["q"][0] * a, (away(3), away(3))),
    "unpacked": Case(lambda a, b: op.mul(*delayed(lambda x: x, nout=2, vjp=lambda ct, _o, _x: ct)((a, b))), (away(3), away(3))),
    "take": Case(lambda x: np.take(x, [[0, 5], [5, 1]]), (away(3, 4),)),
    "take axis": Case(lambda x: np.take(x, [[0, 2], [2, 1]], axis=1), (away(2, 3, 2),)),
    "take_along_axis": Case(lambda x: np.take_along_axis(x, np.array([[3], [0], [0]]), 1), (M,)),
    "take_along_axis 0": Case(lambda x: np.take_along_axis(x, np.array([[2, 0, 2, 2], [2, 1, 1, 0]]), axis=0), (M,)),
    "take_along_axis flat": Case(lambda x: np.take_along_axis(x, np.array([3, 3, 7]), None), (M,)),
    "fmod": calls(np.fmod, positive(3) + 2, -np.array([0.7, 0.9, 1.1])),
    "math.fmod": calls(math.fmod, -2.3, 0.7),
    "math.hypot": calls(math.hypot, 0.4, -0.7),
    "math.log to a base": calls(math.log, 0.4, 1.7),
    "x.mT": Case(lambda x: x.mT, (T3,)),
    "amax": calls(np.amax, T3, axis=1),
    "amin": calls(np.amin, T3),
    "float": calls(float, 0.4),
    "float64": calls(np.float64, 0.4),
    "atleast_1d": calls(np.atleast_1d, 0.4),
    "atleast_2d": calls(np.atleast_2d, away(3)),
    "x.astype copy": Case(lambda x: x.astype(np.float64, copy=False), (away(3),)),
    "array": Case(lambda a, b: delayed(np.array)([[a, b], [b, 1.0]]), (0.4, 0.7)),
    "array of rows": Case(lambda a, b: delayed(np.asarray)((a, b, a)), (away(3), away(3))),
    "contiguous": Case(lambda x: delayed(np.ascontiguousarray)(x.T), (away(3, 2),)),
    "mean of a list": Case(lambda a, b: delayed(np.mean)([a, b, a]), (0.4, 0.7)),
    "var of rows": Case(lambda a, b: delayed(np.var)([a, b], axis=0), (away(3), away(3))),
    "dot of lists": Case(lambda a, b: delayed(np.dot)([a, b], [b, 2.0]), (0.4, 0.7)),
    "matmul of a list": Case(lambda a, b: delayed(np.matmul)(a, (b, b)), (away(2, 2), away(2))),
    "where of lists": Case(lambda a, b: delayed(np.where)([True, False], [a, b], 0.0), (0.4, 0.7)),
    "logsumexp of a list": Case(lambda a, b: logsumexp([a, b]), (0.4, 0.7)),
    "delayed logsumexp": Case(lambda a, b: delayed(logsumexp)([a, b, a]), (0.4, 0.7)),
    "clip by arrays": calls(np.clip, away(2, 1), np.array([-0.2, 0.1]), np.array([[0.5], [0.05]])),
    "clip by names": Case(lambda x, a, b: np.clip(x, a_max=b, a_min=a), (away(6), -0.2, 0.5)),
    "clip min": Case(lambda x, a: np.clip(x, min=a), (away(6), -0.2)),
    "x.clip bounds": Case(lambda x, a, b: x.clip(a, b), (away(6), -0.2, 0.5)),
    "tril of a row": Case(np.tril, (away(3),)),
    "triu of a row": Case(np.triu, (away(3),)),
    "roll of lists": Case(lambda x: np.roll(x, [1, 2], [0, 1]), (away(2, 3),)),
    "concatenate rows": Case(delayed(np.concatenate), (away(3, 2),)),
    "concatenate columns": Case(lambda x: delayed(np.concatenate)(x, axis=1), (T3,)),
    "stack rows": Case(lambda x: delayed(np.stack)(x, axis=1), (away(3, 2),)),
    "max of a list": Case(lambda a, b: delayed(max)([a, b, a]), (0.4, 0.7)),
    "max of an array": calls(max, away(4)),
    "min of two": calls(min, 0.4, 0.7),
    **{f"scipy {f.__name__}": calls(f, away(3, 2)) for f in SPECIAL},
    **{f"scipy {f.__name__}": calls(f, positive(3, 2)) for f in SPECIAL_POSITIVE},
    "scipy xlogy": calls(sp.xlogy, away(3, 1), positive(2)),
    "scipy expit, directly": Case(sp.expit, (away(3),)),
    "softmax all": calls(sp.softmax, away(3, 2)),
    "softmax axis": calls(sp.softmax, away(3, 2), axis=-1),
    "log_softmax": calls(sp.log_softmax, away(3, 2)),
    "log_softmax axis": calls(sp.log_softmax, away(3, 2), axis=1),
    "scipy logsumexp": calls(sp.logsumexp, away(3, 2), axis=1, keepdims=True),
    "scipy logsumexp weighted": Case(lambda a, b: delayed(sp.logsumexp)(a, b=b, axis=0), (away(3, 2), positive(3, 1))),
    **{f"prod {a} {k}": calls(np.prod, T3, axis=a, keepdims=k) for a in (None, -1, (0, 2)) for k in (False, True)},
    "prod of zeros": calls(np.prod, np.array([[0.0, 0.5, 0.7], [0.0, 0.0, 0.6]]), axis=1),
    "prod of three zeros": calls(np.prod, np.array([0.0, 0.0, 0.0, 0.5])),
    "x.prod": Case(lambda x: x.prod(axis=0), (away(2, 3),)),
    "math.prod": Case(lambda a, b: delayed(math.prod)([a, b, a]), (0.4, 0.7)),
    "math.prod of arrays": Case(lambda a, b: delayed(math.prod)([a, b, a]), (away(3), away(3))),
    "math.fsum": Case(lambda a, b: delayed(math.fsum)([a, b, a]), (0.4, 0.7)),
    "matrix_transpose": Case(np.matrix_transpose, (T3,)),
    "vstack": Case(lambda *x: np.vstack(x), (away(2, 3), away(3), away(1, 3))),
    "vstack of rows": Case(delayed(np.vstack), (away(3, 2),)),
    "hstack": Case(lambda a, b: np.hstack([a, b, a]), (away(2, 3), away(2, 1))),
    "hstack of vectors": Case(lambda a, b: np.hstack([a, b, a]), (away(3), 0.4)),
    "hstack of matrices": Case(delayed(np.hstack), (T3,)),
    "column_stack": Case(lambda a, b: np.column_stack((a, b)), (away(3), away(3, 2))),
    "dstack": Case(lambda a, b, c: np.dstack([a, b, c]), (away(1, 2), away(2), away(1, 2, 3))),
    "x.take": Case(lambda x: x.take([0, 0, 1], axis=0), (away(3, 2),)),
}  # fmt: skip


def slopes(write: Callable[..., Any], *args: Any, scheduler: str = "sync") -> Any:
    """The derivatives of a goal by each of its arguments."""
    lazies = [delayed(x) for x in args]
    found = compute(*grad(write(*lazies), lazies), scheduler=scheduler)
    return [np.asarray(d).tolist() for d in found]

"""Rules of scipy's special functions, if scipy.special is imported: it is never for our sake."""

from __future__ import annotations

import math
import sys
from typing import Any

import numpy as np

from lazygraph.autodiff.cotangents import like, unbroadcast
from lazygraph.autodiff.primitive import primitive
from lazygraph.autodiff.rules.elementwise import above, scaled
from lazygraph.autodiff.rules.exponentials import logsumexp_slopes, weights
from lazygraph.autodiff.rules.reductions import spread
from lazygraph.autodiff.table import define, elementwise, later
from lazygraph.errors import NotDifferentiable

_ERF, _NDTR = 2 / math.sqrt(math.pi), 1 / math.sqrt(2 * math.pi)


@primitive
def polygamma(order: int, x: Any) -> Any:
    """Return a derivative of the digamma function, the `order`-th."""
    made: Any = sys.modules["scipy.special"]
    return made.polygamma(order, x)


def _expit(ct: Any, out: Any) -> Any:
    slope = out * out
    slope -= out
    slope *= ct
    slope *= -1
    return slope


def _softmax(ct: Any, out: Any, axis: Any = None) -> Any:
    slope = ct * out
    slope -= out * np.sum(slope, axis=axis, keepdims=True)
    return slope


def _log_softmax(ct: Any, out: Any, axis: Any = None) -> Any:
    slope = np.exp(out)
    slope *= -np.sum(ct, axis=axis, keepdims=True)
    slope += ct
    return slope


def _weighted(ct: Any, out: Any, a: Any, b: Any, axis: Any, keepdims: Any) -> Any:
    """Return the cotangent of ``b`` in ``logsumexp(a, b=b)``, in the shape of both broadcast."""
    wide = a + 0.0 * b
    form = like(wide)
    share = weights(wide, spread(above(out), form, axis, keepdims))
    return share * spread(ct, form, axis, keepdims)


def _logsumexp(
    ct: Any, out: Any, a: Any, like_a: Any, axis: Any = None, b: Any = None, keepdims: Any = False
) -> Any:
    if b is None:
        return logsumexp_slopes(ct, out, a, like_a, axis, keepdims)
    return unbroadcast(_weighted(ct, out, a, b, axis, keepdims) * b, like_a)


def _logsumexp_weights(
    ct: Any, out: Any, a: Any, b: Any, like_b: Any, axis: Any = None, keepdims: Any = False
) -> Any:
    return unbroadcast(_weighted(ct, out, a, b, axis, keepdims), like_b)


def _fill(special: Any) -> None:
    elementwise(special.expit, x=_expit)
    elementwise(special.logit, x=lambda ct, x: ct / (x * (1.0 - x)))
    elementwise(special.log_expit, x=lambda ct, x: ct * special.expit(-x))
    elementwise(special.erf, x=lambda ct, x: scaled(ct * np.exp(-x * x), _ERF))
    elementwise(special.erfc, x=lambda ct, x: scaled(ct * np.exp(-x * x), -_ERF))
    elementwise(special.ndtr, x=lambda ct, x: scaled(ct * np.exp(-0.5 * x * x), _NDTR))
    elementwise(
        special.log_ndtr, x=lambda ct, out, x: scaled(ct * np.exp(-0.5 * x * x - out), _NDTR)
    )
    elementwise(special.xlogy, x=lambda ct, y: ct * np.log(y), y=lambda ct, x, y: ct * x / y)
    elementwise(special.entr, x=lambda ct, x: -ct * (np.log(x) + 1.0))
    elementwise(special.gammaln, x=lambda ct, x: ct * special.digamma(x))
    elementwise(special.gamma, x=lambda ct, out, x: ct * out * special.digamma(x))
    elementwise(special.digamma, x=lambda ct, x: ct * polygamma(1, x))
    _fill_plain(special)
    _fill_betas(special)
    define([special.softmax], "x axis", x=_softmax)
    define([special.log_softmax], "x axis", x=_log_softmax)
    define([special.logsumexp], "a axis b keepdims", a=_logsumexp, b=_logsumexp_weights)


def _fill_plain(sp: Any) -> None:
    """Define the functions of one argument, or of what is differentiated by one alone."""
    elementwise(sp.expm1, x=lambda ct, out: ct * (out + 1))
    elementwise(sp.log1p, x=lambda ct, x: ct / (1.0 + x))
    elementwise(sp.cbrt, x=lambda ct, out: ct / (3 * out * out))
    elementwise(sp.exp10, x=lambda ct, out: scaled(ct * out, math.log(10)))
    elementwise(sp.exp2, x=lambda ct, out: scaled(ct * out, math.log(2)))
    elementwise(sp.ndtri, x=lambda ct, out: ct * (np.exp(0.5 * out * out) / _NDTR))
    elementwise(sp.erfinv, x=lambda ct, out: ct * (np.exp(out * out) / _ERF))
    elementwise(sp.erfcinv, x=lambda ct, out: -ct * (np.exp(out * out) / _ERF))
    elementwise(sp.erfcx, x=lambda ct, out, x: ct * (2 * x * out - _ERF))
    elementwise(sp.dawsn, x=lambda ct, out, x: ct * (1 - 2 * x * out))
    elementwise(sp.rgamma, x=lambda ct, out, x: -ct * out * sp.digamma(x))
    elementwise(sp.j0, x=lambda ct, x: -ct * sp.j1(x))
    elementwise(sp.j1, x=lambda ct, x: ct * (sp.j0(x) - sp.jv(2, x)) / 2)
    elementwise(sp.y0, x=lambda ct, x: -ct * sp.y1(x))
    elementwise(sp.y1, x=lambda ct, x: ct * (sp.y0(x) - sp.yv(2, x)) / 2)
    elementwise(sp.i0, x=lambda ct, x: ct * sp.i1(x))
    elementwise(sp.i1, x=lambda ct, x: ct * (sp.i0(x) + sp.iv(2, x)) / 2)
    elementwise(sp.i0e, x=lambda ct, out, x: ct * (sp.i1e(x) - np.sign(x) * out))
    elementwise(sp.spence, x=lambda ct, x: ct * np.log(x) / (1 - x))
    for func, sign in ((sp.jv, -1), (sp.yv, -1), (sp.iv, 1)):
        _bessel(func, sign)
    define(
        [sp.jn], "order x", order=_no_order, x=lambda ct, order, x: ct * _slope(sp.jv, -1, order, x)
    )
    define(
        [sp.yn], "order x", order=_no_order, x=lambda ct, order, x: ct * _slope(sp.yv, -1, order, x)
    )
    define([sp.polygamma], "order x", x=lambda ct, order, x: ct * polygamma(order + 1, x))
    elementwise(sp.xlog1py, x=lambda ct, y: ct * np.log1p(y), y=lambda ct, x, y: ct * x / (1.0 + y))
    elementwise(
        sp.rel_entr, x=lambda ct, x, y: ct * (np.log(x / y) + 1), y=lambda ct, x, y: -ct * x / y
    )
    elementwise(
        sp.kl_div, x=lambda ct, x, y: ct * np.log(x / y), y=lambda ct, x, y: ct * (1 - x / y)
    )
    elementwise(
        sp.huber,
        delta=lambda ct, delta, r: ct * np.where(np.abs(r) <= delta, 0.0, np.abs(r) - delta),
        r=lambda ct, delta, r: ct * np.clip(r, -delta, delta),
    )
    elementwise(
        sp.boxcox,
        x=lambda ct, x, lmbda: ct * x ** (lmbda - 1.0),
        lmbda=lambda ct, out, x, lmbda: ct * (x**lmbda * np.log(x) - out) / lmbda,
    )


def _slope(func: Any, sign: int, order: Any, x: Any) -> Any:
    return (func(order - 1, x) + sign * func(order + 1, x)) / 2


def _no_order(ct: Any) -> Any:  # noqa: ARG001
    raise NotDifferentiable("a special function", "it has no rule by its order or parameter")


def _bessel(func: Any, sign: int) -> None:
    elementwise(func, order=_no_order, x=lambda ct, order, x: ct * _slope(func, sign, order, x))


def _fill_betas(sp: Any) -> None:
    elementwise(
        sp.betaln,
        a=lambda ct, a, b: ct * (sp.digamma(a) - sp.digamma(a + b)),
        b=lambda ct, a, b: ct * (sp.digamma(b) - sp.digamma(a + b)),
    )
    elementwise(
        sp.beta,
        a=lambda ct, out, a, b: ct * out * (sp.digamma(a) - sp.digamma(a + b)),
        b=lambda ct, out, a, b: ct * out * (sp.digamma(b) - sp.digamma(a + b)),
    )
    elementwise(
        sp.poch,
        z=lambda ct, out, z, m: ct * out * (sp.digamma(z + m) - sp.digamma(z)),
        m=lambda ct, out, z, m: ct * out * sp.digamma(z + m),
    )
    for func, sign in ((sp.gammainc, 1), (sp.gammaincc, -1)):
        _gammas(sp, func, sign)
    elementwise(
        sp.betainc,
        a=_no_order,
        b=_no_order,
        x=lambda ct, a, b, x: (
            ct * np.exp(sp.xlogy(a - 1.0, x) + sp.xlog1py(b - 1.0, -x) - sp.betaln(a, b))
        ),
    )


def _gammas(sp: Any, func: Any, sign: int) -> None:
    elementwise(
        func,
        a=_no_order,
        x=lambda ct, a, x: ct * sign * np.exp(sp.xlogy(a - 1.0, x) - x - sp.gammaln(a)),
    )


define([polygamma], "order x", order=None, x=lambda ct, order, x: ct * polygamma(order + 1, x))
later("scipy.special", _fill)

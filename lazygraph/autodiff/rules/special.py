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

_ERF, _NDTR = 2 / math.sqrt(math.pi), 1 / math.sqrt(2 * math.pi)


@primitive
def polygamma(order: int, x: Any) -> Any:
    """A derivative of the digamma function."""
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
    """The slopes of a logarithm of a sum of ``b * exp(a)`` by its ``b``, where all are alike."""
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
    define([special.softmax], "x axis", x=_softmax)
    define([special.log_softmax], "x axis", x=_log_softmax)
    define([special.logsumexp], "a axis b keepdims", a=_logsumexp, b=_logsumexp_weights)


define([polygamma], "order x", order=None, x=lambda ct, order, x: ct * polygamma(order + 1, x))
later("scipy.special", _fill)

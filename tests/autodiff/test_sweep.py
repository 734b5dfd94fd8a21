"""Calls of numpy's and scipy's functions against central differences of the calls themselves.

First order, along a random direction by forward mode, and second order; of arrays, transposed
ones, single numbers of numpy's and of Python's; as one task, and traced inside a function.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.special as sp
import scipy.stats

from lazygraph import delayed
from lazygraph.autodiff import grad, jvp, vjp
from lazygraph.errors import DerivativeError

RNG = np.random.default_rng(11)
A, B = RNG.uniform(0.3, 0.9, (2, 3, 3))
M = RNG.uniform(0.3, 0.9, (3, 4))
V, W = RNG.uniform(0.3, 0.9, (2, 4))
T = RNG.uniform(0.3, 0.9, (2, 3, 4))
S = A @ A.T + np.eye(3)
K = np.arange(12.0).reshape(3, 4) / 7 + 0.1
X = 0.6
L = np.linalg
TRAPEZOID = vars(np).get("trapezoid") or vars(np)["trapz"]

#: function, arguments (of which arrays and floats are differentiated by), keywords
CALLS: list[tuple[Any, tuple[Any, ...], dict[str, Any]]] = [
    # contractions
    (np.einsum, ("ij,jk->ik", A, B), {}),
    (np.einsum, ("ii->", A), {}),
    (np.einsum, ("ii->i", A), {}),
    (np.einsum, ("iij->j", RNG.uniform(size=(3, 3, 2))), {}),
    (np.einsum, ("ij,k->ik", M, V), {}),
    (np.einsum, ("...j,j", T, V), {}),
    (np.einsum, ("ijk->", T), {}),
    (np.einsum, ("ij,ij,ij->i", A, B, S), {}),
    (np.einsum, (A, [0, 1], B, [1, 2], [0, 2]), {}),
    (np.einsum, ("...,...", M, V), {}),
    (np.einsum, ("ij,kj", M, M), {}),
    (np.tensordot, (T, T, ([0, 1], [0, 1])), {}),
    (np.tensordot, (M, T, ([0, 1], [1, 2])), {}),
    (np.tensordot, (A, B), {"axes": 1}),
    (np.tensordot, (V, W), {"axes": 0}),
    (np.inner, (M, V), {}),
    (np.inner, (X, V), {}),
    (np.inner, (V, W), {}),
    (np.outer, (V, W), {}),
    (np.outer, (M, X), {}),
    (np.outer, (X, X), {}),
    (np.kron, (A, V), {}),
    (np.vdot, (V, W), {}),
    (np.dot, (M, V), {}),
    (np.dot, (X, V), {}),
    (np.matmul, (T, V), {}),
    (np.cross, (A, B), {}),

    (L.multi_dot, ([A, B, A],), {}),
    (L.matrix_power, (A, 3), {}),
    (L.matrix_power, (S, -2), {}),
    # matrices
    (L.inv, (S,), {}),
    (L.inv, (np.stack([S, S + 1]),), {}),
    (L.pinv, (M,), {}),
    (L.pinv, (M.T,), {}),
    (L.solve, (S, V[:3]), {}),
    (L.solve, (S, M), {}),
    (L.solve, (np.stack([S, S + 1]), M), {}),
    (L.det, (A,), {}),
    (L.det, (np.stack([A, S]),), {}),
    (L.slogdet, (S,), {}),
    (L.cholesky, (S,), {}),
    (L.qr, (M.T,), {}),
    (L.qr, (M,), {}),
    (L.qr, (S,), {}),
    (L.eigh, (S,), {}),
    (L.eigh, (S, "U"), {}),
    (L.eigvalsh, (S,), {}),
    (L.svd, (M,), {"full_matrices": False}),
    (L.svd, (M.T,), {"full_matrices": False}),
    (L.svd, (S,), {}),
    (L.svd, (M,), {"compute_uv": False}),
    (lambda a, b: L.lstsq(a, b)[0], (M.T, V), {}),
    (lambda a, b: L.lstsq(a, b)[0], (M, V[:3]), {}),
    (L.norm, (M,), {}),
    (L.norm, (V,), {}),
    (L.norm, (V, 1), {}),
    (L.norm, (V,), {"ord": np.inf}),
    (L.norm, (V, 3), {}),
    (L.norm, (M, 1), {}),
    (L.norm, (M, 2), {}),
    (L.norm, (M, "nuc"), {}),
    (L.norm, (M, "fro"), {}),
    (L.norm, (T,), {"axis": (1, 2)}),
    (L.norm, (M,), {"axis": 1, "keepdims": True}),
    (L.cond, (S,), {}),
    (L.tensorsolve, (RNG.uniform(size=(2, 2, 4)) + 1, A[:2, :2]), {}),
    (np.trace, (M, 1), {}),
    # moves
    (np.sort, (M,), {"axis": 0}),
    (np.sort, (M, None), {}),
    (np.partition, (V, 2), {}),
    (np.tile, (M, (2, 1)), {}),
    (np.tile, (V, 2), {}),
    (np.repeat, (M, 2, 1), {}),
    (np.repeat, (V, [1, 2, 0, 3]), {}),
    (np.rot90, (M,), {}),
    (np.delete, (V, 1), {}),
    (np.insert, (V, 1, X), {}),
    (np.append, (V, W), {}),
    (np.diagonal, (M, 1), {}),
    (np.diag, (V, 1), {}),
    (np.diag, (M,), {}),
    (np.diagflat, (V,), {}),
    (np.resize, (V, (3, 3)), {}),
    (np.rollaxis, (T, 2), {}),
    (np.moveaxis, (T, 0, 2), {}),
    (np.fliplr, (M,), {}),
    (np.flipud, (M,), {}),
    (np.flip, (T, 1), {}),
    (np.atleast_1d, (X,), {}),
    (np.atleast_2d, (V,), {}),
    (np.atleast_3d, (M,), {}),
    (np.split, (V, 2), {}),
    (np.array_split, (V, 3), {}),
    (np.hsplit, (M, 2), {}),
    (np.pad, (M, ((1, 0), (2, 1))), {}),
    (np.pad, (M, 1, "reflect"), {}),
    (np.pad, (V, 2, "wrap"), {}),
    (np.take, (M, [0, 2, 2]), {"axis": 1}),
    (np.take, (V, [5, -7]), {"mode": "wrap"}),
    (np.take_along_axis, (M, np.array([[0, 1], [1, 1], [2, 0]]), 1), {}),
    (np.compress, ([True, False, True], M), {"axis": 0}),
    (np.choose, ([0, 1, 1, 0], [V, W]), {}),
    (np.roll, (M, 1, 1), {}),
    (np.roll, (M, 2), {}),
    (np.tril, (A, -1), {}),
    (np.triu, (A,), {}),
    (np.ravel, (M, "F"), {}),
    (np.reshape, (M, (2, 6)), {"order": "F"}),
    (np.transpose, (T, (2, 0, 1)), {}),
    (np.squeeze, (M[None],), {}),
    (np.expand_dims, (M, 1), {}),
    (np.broadcast_to, (V, (2, 4)), {}),
    (np.block, ([[A, B], [B, A]],), {}),
    (np.concatenate, ([M, T[0]],), {"axis": 1}),
    (np.stack, ([V, W],), {"axis": 1}),
    (np.vstack, ([V, M],), {}),
    (np.hstack, ([V, W],), {}),
    (np.column_stack, ([V, W],), {}),
    (np.dstack, ([M, M],), {}),
    (np.array, ([V, W],), {}),
    (np.array, ([X, 2.0 * X],), {}),
    (np.fft.fftshift, (V,), {}),
    (np.meshgrid, (V, W), {}),
    (np.broadcast_arrays, (V, M), {}),
    (np.select, ([K > 1, K > 0.5], [M, 2 * M], 0.0), {}),
    (np.where, (K > 1, M, V), {}),
    (np.extract, (K > 1, M), {}),
    (np.lib.stride_tricks.sliding_window_view, (V, 2), {}),
    # reductions, cumulative
    (np.sum, (T,), {"axis": (0, 2)}),
    (np.sum, (M,), {"where": K > 1, "initial": 2.0}),
    (np.mean, (M,), {"axis": 1, "keepdims": True}),
    (np.mean, (M,), {"where": K > 0.5}),
    (np.average, (M,), {"axis": 1, "weights": W}),
    (np.var, (M,), {"axis": 0, "ddof": 1}),
    (np.std, (T,), {"axis": (0, 2)}),
    (np.prod, (T,), {"axis": 1}),
    (np.max, (M,), {"axis": 0}),
    (np.max, (M,), {"initial": 0.5}),
    (np.min, (T,), {"axis": (1, 2)}),
    (np.ptp, (M,), {"axis": 1}),
    (np.median, (M,), {"axis": 1}),
    (np.median, (A,), {}),
    (np.quantile, (M, 0.3), {"axis": 0}),
    (np.percentile, (V, [10, 60]), {}),
    (np.cumsum, (M,), {"axis": 1}),
    (np.cumsum, (M,), {}),
    (np.cumprod, (M,), {"axis": 0}),
    (np.diff, (M,), {"n": 2}),
    (np.diff, (V,), {"prepend": X}),
    (np.ediff1d, (V,), {}),
    (np.gradient, (V,), {}),
    (np.gradient, (M,), {}),
    (TRAPEZOID, (M,), {"dx": 0.5}),
    (TRAPEZOID, (V, np.sort(W)), {}),
    (np.cov, (M,), {}),
    (np.corrcoef, (M,), {}),
    (np.convolve, (V, W[:3]), {}),
    (np.convolve, (V, W[:3], "same"), {}),
    (np.convolve, (V[:2], W, "same"), {}),
    (np.convolve, (V, W[:3], "valid"), {}),
    (np.correlate, (V, W[:3]), {}),
    (np.correlate, (V[:2], W, "full"), {}),
    (np.correlate, (V[:3], W, "same"), {}),
    (np.interp, (W, np.arange(4.0) / 3, V), {}),
    (np.polyval, (V, X), {}),
    (np.vander, (V, 3), {}),
    (np.unwrap, (V * 9,), {}),
    (np.nansum, (M,), {"axis": 0}),
    (np.nanmean, (M,), {"axis": 0}),
    (np.nanprod, (V,), {}),
    (np.nanvar, (M,), {"axis": 1}),
    (np.nanstd, (V,), {}),
    (np.nanmax, (M,), {"axis": 1}),
    (np.nancumsum, (V,), {}),
    (np.nan_to_num, (V,), {}),
    # elementwise
    *[(f, (M,), {}) for f in (np.exp, np.log, np.sin, np.tanh, np.sqrt, np.arctanh, np.sinc, np.cbrt, np.i0)],
    *[(f, (X,), {}) for f in (np.exp, np.log, np.sin, np.tanh, np.sqrt, np.arctanh, np.sinc, np.cbrt)],
    *[(f, (M, V), {}) for f in (np.power, np.arctan2, np.hypot, np.logaddexp, np.maximum, np.fmod, np.remainder, np.copysign, np.heaviside, np.float_power)],
    (np.clip, (M, 0.4, 0.8), {}),
    (np.ldexp, (M, 2), {}),
    (np.piecewise, (V, [V < 0.5, V >= 0.5], [lambda v: v**2, lambda v: 3 * v]), {}),
    (np.apply_along_axis, (lambda v: v**2, 0, M), {}),
    (np.vectorize(lambda a: a**2 + 1), (V,), {}),
    # scipy.special
    *[(f, (M,), {}) for f in (sp.expit, sp.logit, sp.log_expit, sp.erf, sp.erfc, sp.erfinv, sp.erfcinv, sp.ndtr, sp.ndtri, sp.log_ndtr, sp.entr, sp.gammaln, sp.gamma, sp.digamma, sp.rgamma, sp.expm1, sp.log1p, sp.exp10, sp.exp2, sp.cbrt, sp.j0, sp.j1, sp.y0, sp.y1, sp.i0, sp.i1, sp.i0e, sp.i1e, sp.softmax, sp.log_softmax, sp.logsumexp, sp.erfcx, sp.dawsn, sp.ellipk, sp.ellipe, sp.spence, sp.sinc)],
    *[(f, (M, V), {}) for f in (sp.xlogy, sp.xlog1py, sp.rel_entr, sp.kl_div, sp.huber, sp.pseudo_huber, sp.boxcox, sp.boxcox1p, sp.inv_boxcox, sp.beta, sp.betaln)],
    (sp.polygamma, (1, M), {}),
    (sp.multigammaln, (3.2, 2), {}),
    (sp.gammainc, (2.5, M), {}),
    (sp.gammaincc, (2.5, M), {}),
    (sp.betainc, (2.5, 1.5, M), {}),
    (sp.jn, (2, M), {}),
    (sp.jv, (1.5, M), {}),
    (sp.iv, (1.5, M), {}),
    (sp.ive, (1.5, M), {}),
    (sp.kv, (1.5, M), {}),
    (sp.yn, (2, M), {}),
    (sp.expn, (2, M), {}),
    (sp.hyp2f1, (1.2, 0.7, 2.1, M), {}),
    (sp.logsumexp, (M,), {"axis": 1}),
    (sp.softmax, (M,), {"axis": 0}),
    # scipy.stats
    (scipy.stats.norm.logpdf, (V, 0.2, 1.3), {}),
    (scipy.stats.norm.pdf, (V,), {"loc": 0.1, "scale": 2.0}),
    (scipy.stats.norm.cdf, (V, 0.2, 1.3), {}),
    (scipy.stats.norm.logcdf, (V, 0.2, 1.3), {}),
    (scipy.stats.norm.sf, (V,), {}),
    (scipy.stats.beta.logpdf, (V, 1.3, 2.2), {}),
    (scipy.stats.beta.pdf, (V, 1.3, 2.2), {}),
    (scipy.stats.gamma.logpdf, (V, 1.3), {}),
    (scipy.stats.gamma.pdf, (V, 1.3), {}),
    (scipy.stats.t.logpdf, (V, 3.3, 0.1, 1.2), {}),
    (scipy.stats.t.pdf, (V, 3.3), {}),
    (scipy.stats.chi2.logpdf, (V, 3.3), {}),
    (scipy.stats.expon.logpdf, (V, 0.0, 1.2), {}),
    (scipy.stats.uniform.logpdf, (V, 0.0, 1.2), {}),
    (scipy.stats.laplace.logpdf, (V,), {}),
    (scipy.stats.cauchy.logpdf, (V,), {}),
    (scipy.stats.logistic.logpdf, (V,), {}),
    (scipy.stats.poisson.logpmf, (np.array([1, 2, 3]), 1.3), {}),
    (scipy.stats.multivariate_normal.logpdf, (V[:3],), {"mean": M[0, :3], "cov": S}),

]  # fmt: skip

#: Functions that have no rule by some of their arguments, and say so; by all of them, if traced.
UNKNOWN = frozenset(
    [
        "betainc",
        "boxcox1p",
        "corrcoef",
        "ellipe",
        "ellipk",
        "expn",
        "gammainc",
        "gammaincc",
        "hyp2f1",
        "i1e",
        "inv_boxcox",
        "iv",
        "ive",
        "jv",
        "kv",
        "logpdf",
        "pdf",
        "multigammaln",
        "pseudo_huber",
        "sliding_window_view",
        "tensorsolve",
        "vander",
    ]
)
#: Python of scipy's that makes arrays of what it is given: to be called as a task.
AS_A_TASK = frozenset("cdf logcdf log_softmax logsumexp logpmf polygamma sf".split())  # noqa: SIM905


def _name(n: int) -> str:
    func, args, kwargs = CALLS[n]
    shown = [
        a if isinstance(a, str) else str(np.shape(a)) if isinstance(a, np.ndarray) else ""
        for a in args
    ]
    return f"{getattr(func, '__name__', 'func')} {' '.join(shown)} {' '.join(kwargs)} {n}"


def _flat(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return np.concatenate([np.zeros(0), *map(_flat, value)])
    return np.ravel(np.asarray(value, float))


def _weights(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [_weights(part) for part in value]
    drawn = np.random.default_rng(np.size(value) + 3).normal(size=np.shape(value))
    return drawn if np.shape(value) else float(drawn)


def _leaves(args: Any) -> list[Any]:
    """Arrays and floats among arguments, lists looked into."""
    if isinstance(args, (list, tuple)):
        return [leaf for arg in args for leaf in _leaves(arg)]
    is_number = type(args) is float or (isinstance(args, np.ndarray) and args.dtype.kind == "f")
    return [args] if is_number else []


def _filled(args: Any, values: list[Any]) -> Any:
    """Arguments with others in the places of `_leaves`, which are taken from the front."""
    if isinstance(args, (list, tuple)):
        return type(args)([_filled(arg, values) for arg in args])
    return values.pop(0) if _leaves(args) else args


def _call(n: int, values: list[Any]) -> Any:
    func, args, kwargs = CALLS[n]
    return func(*_filled(args, list(values)), **kwargs)


def _lazy(n: int, values: list[Any]) -> Any:
    func, args, kwargs = CALLS[n]
    return delayed(func)(*_filled(args, list(values)), **kwargs)


def _traced(n: int, values: list[Any]) -> Any:
    return delayed(lambda *values: _call(n, list(values)))(*values)


def _goal(n: int, values: list[Any], weights: Any) -> float:
    return float(_flat(_call(n, values)) @ _flat(weights))


def _moved(values: list[Any], directions: list[Any], step: float) -> list[Any]:
    return [v + step * d for v, d in zip(values, directions, strict=True)]


def _slope(goal: Any, values: list[Any], directions: list[Any], step: float = 1e-5) -> float:
    up, down = (goal(_moved(values, directions, side)) for side in (step, -step))
    return (up - down) / (2 * step)


@pytest.mark.parametrize("write", [_lazy, _traced], ids=["as a task", "traced"])
@pytest.mark.parametrize("n", range(len(CALLS)), ids=map(_name, range(len(CALLS))))
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_call_has_the_slopes_that_differences_find(n: int, write: Any) -> None:
    values = _leaves(CALLS[n][1])
    weights = _weights(_call(n, values))
    lazies = [delayed(value) for value in values]

    for k, value in enumerate(values):
        directions = [_weights(v) if i == k else 0.0 * v for i, v in enumerate(values)]
        given = [lazies[i] if i == k else v for i, v in enumerate(values)]
        expected = _slope(lambda moved: _goal(n, moved, weights), values, directions)
        try:
            found = vjp(write(n, given), lazies[k], weights).compute(scheduler="sync")
        except DerivativeError:
            allowed = UNKNOWN | (AS_A_TASK if write is _traced else frozenset())
            assert getattr(CALLS[n][0], "__name__", "") in allowed
            continue

        assert np.shape(found) == np.shape(value)
        assert np.sum(found * directions[k]) == pytest.approx(expected, rel=1e-5, abs=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("n", range(len(CALLS)), ids=map(_name, range(len(CALLS))))
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_call_can_be_differentiated_forward_and_again(n: int) -> None:
    values = _leaves(CALLS[n][1])
    weights = _weights(_call(n, values))
    lazies = [delayed(value) for value in values]
    directions = [_weights(v) for v in values]
    try:
        out = _lazy(n, lazies)
        forward = jvp(out, lazies, directions).compute(scheduler="sync")
        firsts = vjp(out, lazies, weights)
        along = sum(np.sum(d * ct) for d, ct in zip(directions, firsts, strict=True))
        seconds = [d.compute(scheduler="sync") for d in grad(along, lazies)]
    except DerivativeError as error:
        pytest.skip(str(error)[:80])

    step = 1e-6
    up, down = (_flat(_call(n, _moved(values, directions, side))) for side in (step, -step))
    assert _flat(forward) == pytest.approx((up - down) / (2 * step), rel=1e-4, abs=1e-6)

    def first(moved: list[Any]) -> float:
        given = [delayed(v) for v in moved]
        cts = [ct.compute(scheduler="sync") for ct in vjp(_lazy(n, given), given, weights)]
        return float(sum(np.sum(d * ct) for d, ct in zip(directions, cts, strict=True)))

    expected = _slope(first, values, directions)
    found = float(sum(np.sum(d * s) for d, s in zip(directions, seconds, strict=True)))
    assert found == pytest.approx(expected, rel=1e-4, abs=1e-5)

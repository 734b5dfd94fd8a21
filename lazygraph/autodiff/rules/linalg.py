"""Rules of matrix functions: inverses, determinants, solutions, factors, eigenvalues.

Cotangents are linear in this library: of complex matrices they are the conjugates of what papers
have. Of what reads one triangle alone (`eigh`, `cholesky`), the cotangent is in that triangle.

Source: Giles (2008), "Collected matrix derivative results"; Walter and Lehmann (2010) for QR;
Townsend (2016), "Differentiating the singular value decomposition".
"""

from __future__ import annotations

from typing import Any

import numpy as np

from lazygraph.autodiff.cotangents import filled, like, unbroadcast
from lazygraph.autodiff.primitive import primitive
from lazygraph.autodiff.table import define
from lazygraph.errors import NotDifferentiable


def _t(x: Any) -> Any:
    return np.swapaxes(x, -1, -2)


def _h(x: Any) -> Any:
    return np.conjugate(np.swapaxes(x, -1, -2))


def _diagonal(x: Any) -> Any:
    """Return matrices with vectors as their diagonals."""
    return x[..., None] * np.eye(np.shape(x)[-1])


def _wide(x: Any) -> Any:
    """Return one number per matrix as matrices of one row and one column."""
    return np.reshape(x, (*np.shape(x), 1, 1))


def _ratio(x: Any, y: Any) -> Any:
    """Divide `x` by `y` off the diagonal; 0 on it, and where `x` is 0, for equal eigenvalues."""
    x = x * (1.0 - np.eye(np.shape(x)[-1]))
    is_none = x == 0
    return np.where(is_none, 0.0, x / np.where(is_none, 1.0, y))


def _gaps(x: Any) -> Any:
    """Return, for each pair, how much the second is larger than the first."""
    return x[..., None, :] - x[..., :, None]


def _in_triangle(ct: Any, uplo: str) -> Any:
    """Return what falls, of a symmetric matrix's cotangent, on the triangle that is read."""
    both = ct + np.conjugate(_t(ct))
    halved = both * (1.0 - 0.5 * np.eye(np.shape(ct)[-1]))
    return (np.tril if uplo.upper() == "L" else np.triu)(halved)


# ------------------------------------------------------- inverses, solutions
def _inv(ct: Any, out: Any) -> Any:
    return -(_t(out) @ ct @ _t(out))


def _pinv(ct: Any, out: Any, a: Any) -> Any:
    ct, p = np.conjugate(ct), out
    made = -(_h(p) @ ct @ _h(p))
    made = made + (ct_h := _h(ct)) @ p @ _h(p) - a @ p @ ct_h @ p @ _h(p)
    return np.conjugate(made + _h(p) @ p @ ct_h - _h(p) @ p @ ct_h @ p @ a)


def _solve_b(ct: Any, a: Any, b: Any) -> Any:
    back = np.linalg.solve(_t(a), ct[..., None] if np.ndim(b) == 1 else ct)
    return unbroadcast(back[..., 0] if np.ndim(b) == 1 else back, like(b))


def _solve_a(ct: Any, out: Any, a: Any, b: Any) -> Any:
    is_vector = np.ndim(b) == 1
    back = np.linalg.solve(_t(a), ct[..., None] if is_vector else ct)
    return unbroadcast(-(back @ _t(out[..., None] if is_vector else out)), like(a))


def _lstsq(ct: Any, out: Any, a: Any, b: Any) -> tuple[Any, Any]:
    """Return the cotangents of `a` and `b`, of full rank, given the solution's and residuals'."""
    ct_x, ct_r, _, ct_s = filled(ct, like(out))
    if np.any(ct_s):
        raise NotDifferentiable("np.linalg.lstsq", "its singular values: np.linalg.svd has them")
    x, is_vector = out[0], np.ndim(b) == 1
    if is_vector:
        x, b, ct_x = x[:, None], b[:, None], ct_x[:, None]
    left = b - a @ x
    if np.shape(a)[0] >= np.shape(a)[1]:
        inner = np.linalg.solve(_t(a) @ a, ct_x)
        by_b, by_a = a @ inner, left @ _t(inner) - a @ inner @ _t(x)
    else:
        y = np.linalg.solve(a @ _t(a), b)
        by_b = np.linalg.solve(a @ _t(a), a @ ct_x)
        by_a = y @ _t(ct_x) - by_b @ _t(x) - y @ _t(_t(a) @ by_b)
    if np.size(ct_r):
        by_b, by_a = by_b + 2 * left * ct_r, by_a - 2 * (left * ct_r) @ _t(x)
    return by_a, by_b[:, 0] if is_vector else by_b


define([np.linalg.inv], "a", a=_inv)
define([np.linalg.pinv], "a", a=_pinv)
define([np.linalg.solve], "a b", a=_solve_a, b=_solve_b)
define(
    [np.linalg.lstsq],
    "a b rcond",
    a=lambda ct, out, a, b: _lstsq(ct, out, a, b)[0],
    b=lambda ct, out, a, b: _lstsq(ct, out, a, b)[1],
)


# ------------------------------------------------------------- determinants
@primitive
def cofactors(a: Any) -> Any:
    """Return the determinant's derivative, of singular matrices too."""
    u, s, vh = np.linalg.svd(a)
    others = np.where(np.eye(s.shape[-1]) == 1, 1.0, s[..., None, :]).prod(-1)
    sign = _wide(np.linalg.det(u) * np.linalg.det(vh))
    return np.asarray(sign * ((np.conj(u) * others[..., None, :]) @ np.conj(vh)), a.dtype)


def _cofactors(ct: Any, out: Any, a: Any) -> Any:
    back = _t(np.linalg.inv(a))
    along = np.sum(ct * back, axis=(-2, -1), keepdims=True)
    return out * along - _wide(np.linalg.det(a)) * (back @ _t(ct) @ back)


def _slogdet(ct: Any, out: Any, a: Any) -> Any:
    ct_sign, ct_log = filled(ct, like(out))
    slope = _t(np.linalg.inv(a))
    if not np.iscomplexobj(a):
        return _wide(ct_log) * slope
    turned = np.real(1j * ct_sign * out[0])
    return _wide(ct_log - 1j * turned) * slope


define([np.linalg.det], "a", a=lambda ct, a: _wide(ct) * cofactors(a))
define([cofactors], "a", a=_cofactors)
define([np.linalg.slogdet], "a", a=_slogdet)


# ------------------------------------------------------------------ factors
def _halved(x: Any) -> Any:
    """Return the lower triangle, with half of the diagonal."""
    return np.tril(x) * (1.0 - 0.5 * np.eye(np.shape(x)[-1]))


def _cholesky(ct: Any, out: Any, upper: Any = False) -> Any:
    low, ct_low = (_h(out), _t(ct)) if upper else (out, np.conjugate(ct))
    inner = _halved(_h(low) @ ct_low)
    half = np.linalg.solve(_h(low), inner)
    whole = _h(np.linalg.solve(_h(low), _h(half)))
    return _in_triangle(np.conjugate(0.5 * (whole + _h(whole))), "U" if upper else "L")


def _square_qr(ct_q: Any, ct_r: Any, q: Any, r: Any) -> Any:
    m = r @ _h(ct_r) - _h(ct_q) @ q
    mirrored = np.tril(m) + _h(np.tril(m, -1))
    return _h(np.linalg.solve(r, _h(ct_q + q @ mirrored)))


def _qr(ct: Any, out: Any, a: Any, mode: Any = "reduced") -> Any:
    m, n = np.shape(a)[-2:]
    if mode != "reduced" and not (mode == "complete" and m <= n):
        raise NotDifferentiable(f"np.linalg.qr with mode={mode!r}", 'mode="reduced" has one')
    ct_q, ct_r = [np.conjugate(part) for part in filled(ct, like(out))]
    q, r = out
    if m >= n:
        return np.conjugate(_square_qr(ct_q, ct_r, q, r))
    ct_q = ct_q + a[..., m:] @ _h(ct_r[..., m:])
    first = _square_qr(ct_q, ct_r[..., :m], q, r[..., :m])
    return np.conjugate(np.concatenate([first, q @ ct_r[..., m:]], axis=-1))


def _eigh(ct: Any, out: Any, UPLO: Any = "L") -> Any:  # noqa: N803  # numpy's name
    ct_w, ct_v = filled(ct, like(out))
    w, v = out
    inner = _diagonal(ct_w) + _ratio(_t(v) @ ct_v, _gaps(w))
    return _in_triangle(np.conjugate(v) @ inner @ _t(v), UPLO)


def _eigvalsh(ct: Any, a: Any, UPLO: Any = "L") -> Any:  # noqa: N803  # numpy's name
    _, v = np.linalg.eigh(a, UPLO)
    return _in_triangle((np.conjugate(v) * ct[..., None, :]) @ _t(v), UPLO)


def _svd(ct: Any, out: Any, a: Any, compute_uv: Any = True) -> Any:
    if not compute_uv:
        u, _, vh = np.linalg.svd(a, full_matrices=False)
        return np.conjugate((u * ct[..., None, :]) @ vh)
    (ct_u, ct_s, ct_vh), (u, s, vh) = filled(ct, like(out)), out
    k = np.shape(s)[-1]
    extra = (ct_u[..., k:], ct_vh[..., k:, :])
    is_turned = np.iscomplexobj(a) and (np.any(ct_u) or np.any(ct_vh))
    if any(map(np.any, extra)) or is_turned:
        raise NotDifferentiable(
            "np.linalg.svd",
            "vectors beyond the singular values, or of complex matrices, are not "
            "determined by the matrix: use full_matrices=False, real matrices, or values alone",
        )
    u, vh, ct_u, ct_vh = u[..., :k], vh[..., :k, :], ct_u[..., :k], ct_vh[..., :k, :]
    v, ct_v, gaps = _t(vh), _t(ct_vh), _gaps(s * s)
    j, k = _ratio(_t(u) @ ct_u, gaps), _ratio(_t(v) @ ct_v, gaps)
    inner = _diagonal(ct_s) + (j + _t(j)) * s[..., None, :] + s[..., :, None] * (k + _t(k))
    made = np.conjugate(u) @ inner @ np.conjugate(vh)
    if np.iscomplexobj(a):
        return made
    outer_u = _by(ct_u - u @ (_t(u) @ ct_u), s) @ vh
    return made + outer_u + u @ _t(_by(ct_v - v @ (_t(v) @ ct_v), s))


def _by(x: Any, s: Any) -> Any:
    """Divide columns by singular values, but for what is 0 anyway."""
    is_none = x == 0
    return np.where(is_none, 0.0, x / np.where(is_none, 1.0, s[..., None, :]))


define([np.linalg.cholesky], "a upper", a=_cholesky)
define([np.linalg.qr], "a mode", a=_qr)
define([np.linalg.eigh], "a UPLO", a=_eigh)
define([np.linalg.eigvalsh], "a UPLO", a=_eigvalsh)
define([np.linalg.svd], "a full_matrices compute_uv", a=_svd)
if hasattr(np.linalg, "svdvals"):
    define([np.linalg.svdvals], "x", x=lambda ct, x: _svd(ct, None, x, compute_uv=False))

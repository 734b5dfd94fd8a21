"""What users write with plain numpy, watched by autograd, against central differences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from lazygraph import delayed
from lazygraph.autodiff import grad, vjp

RNG = np.random.default_rng(0)
A = RNG.normal(size=(4, 4))
V = RNG.normal(size=4)
T = RNG.normal(size=(2, 3, 4))
SYMMETRIC = A @ A.T + np.eye(4)
W = np.arange(1.0, 17).reshape(4, 4)


def slopes(func: Callable[[Any], float], x: Any, eps: float = 1e-6) -> Any:
    """The gradient by central differences."""
    found = np.zeros_like(x)
    for at in np.ndindex(x.shape):
        step = np.zeros_like(x)
        step[at] = eps
        found[at] = (func(x + step) - func(x - step)) / (2 * eps)
    return found


def newton_root(x: Any) -> Any:
    y = x[0] * 0 + 1.0
    while abs(y * y - x[0] ** 2) > 1e-12:
        y = (y + x[0] ** 2 / y) / 2
    return y


def running_total(x: Any) -> Any:
    total = 0.0
    for item in x:
        total += item * item
    return total


def weighed_four(a: Any, b: Any, c: Any, d: Any) -> Any:
    return a * b + c / d


CASES: dict[str, tuple[Callable[[Any], Any], Any]] = {
    "@": (lambda x: (x @ W @ x).sum(), A),
    "dot": (lambda x: np.dot(x, W).sum(), A),
    "dot of a list": (lambda x: np.dot(x, [1.0, 2, 3, 4]), V),
    "dot, the method": (lambda x: x.dot(W).sum(), A),
    "concatenate": (lambda x: (np.concatenate([x, W, x]) ** 2).sum(), A),
    "concatenate along 1": (lambda x: (np.concatenate((x, x**2), axis=1) ** 2).sum(), A),
    "concatenate flat": (lambda x: (np.concatenate([x, V], axis=None) ** 2).sum(), A),
    "stack": (lambda x: (np.stack([x[0] * 2, x[1] ** 2], axis=1) * W[:, :2]).sum(), A),
    "stack with numbers": (lambda x: (np.stack([x[0], 3.0, x[1]]) ** 2).sum(), V),
    "hstack, vstack": (lambda x: (np.hstack([x, W]).T * np.vstack([x, W])).sum(), A),
    "column_stack, dstack": (lambda x: (np.dstack([np.column_stack([x, x])]) ** 2).sum(), V),
    "where": (lambda x: np.where(x > 0, x**2, -x).sum(), A),
    "where that broadcasts": (lambda x: (np.where(W > 5, x, W) ** 2).sum(), V),
    "norm": (np.linalg.norm, A),
    "norm of rows": (lambda x: (np.linalg.norm(x, axis=1, keepdims=True) * x).sum(), A),
    "einsum": (lambda x: np.einsum("ij,kj->ik", x, x).sum(), A),
    "sort": (lambda x: (np.sort(x, axis=0) * W).sum(), A),
    "mean": (lambda x: (np.mean(x, axis=0) * V).sum(), A),
    "mean with keepdims": (lambda x: (np.mean(x, 1, keepdims=True) * x).sum(), A),
    "sum by keyword": (lambda x: (np.sum(a=x, axis=1) ** 2).sum(), A),
    "sum by position": (lambda x: (np.sum(x, 1, None, None, True) * x).sum(), A),
    "sum where": (lambda x: np.sum(x**2, where=W > 5), A),
    "methods with keywords": (
        lambda x: x.sum(where=W > 5) + x.max(axis=1, keepdims=True).sum() + x.take([0, 5]).prod(),
        A,
    ),
    "whole numbers of it": (
        lambda x: (x * x.astype(int)).sum() + (10 * x).astype(int).sum() * x.astype(bool).sum(),
        A,
    ),
    "astype": (lambda x: (x.astype(np.float64) ** 2).sum() + x.astype(complex).real.sum(), A),
    "methods": (lambda x: x.T.reshape(-1).mean() * x.max() + x.sum(axis=0) @ V, A),
    "reshape, transpose": (lambda x: (x.reshape(2, 8).transpose(1, 0).reshape(4, 4) * W).sum(), A),
    "np.array of items": (lambda x: (np.array([x[0], x[1] * x[2], 3.0]) ** 2).sum(), V),
    "functions of such arrays": (lambda x: np.sin(np.array([x[0], x[1] * 2])).sum(), V),
    "such arrays with others": (lambda x: (np.array([x[0], x[1]]) @ W[:2] * x).sum(), V),
    "det, inv, solve": (lambda x: np.linalg.det(x) + np.linalg.solve(x, V) @ V, A),
    "inv": (lambda x: (np.linalg.inv(x) * W).sum(), A),
    "cholesky": (lambda x: (np.linalg.cholesky(x @ x.T + np.eye(4)) * W).sum(), A),
    "eigh": (lambda x: (np.linalg.eigh(x + x.T).eigenvalues * V).sum(), A),
    "svd, unpacked": (lambda x: (np.linalg.svd(x)[1] * V).sum(), A),
    "slogdet": (lambda x: np.linalg.slogdet(x)[1], A),
    "fft": (lambda x: (np.abs(np.fft.fft(x)) ** 2 * V).sum(), A),
    "prod, var, std": (lambda x: np.prod(x) + np.var(x) + np.std(x, ddof=1), V),
    "cumsum, cumprod": (lambda x: (np.cumsum(x) * np.cumprod(x)).sum(), V),
    "max, min, ptp": (lambda x: np.max(x, axis=0) @ V + np.min(x) + np.ptp(x), A),
    "median, quantile": (lambda x: np.median(x, axis=1) @ V + np.quantile(x, 0.3), A),
    "average": (lambda x: np.average(x, axis=1, weights=V**2) @ V, A),
    "trapezoid": (lambda x: np.add.reduce((x[1:] + x[:-1]) / 2), V),
    "tile, repeat, roll": (
        lambda x: (
            np.tile(x, 2) ** 2 * np.repeat(np.roll(x, 1), 2)[: 8 if x.ndim == 1 else 4]
        ).sum(),
        V,
    ),
    "tile of a matrix": (lambda x: (np.tile(x, 2) * np.tile(W, 2) ** 2).sum(), A),
    "pad": (lambda x: (np.pad(x, 1) ** 2).sum() + (np.pad(x, 1, mode="edge") ** 3).sum(), A),
    "flip, diag, triu": (lambda x: (np.flip(x, 1) * np.triu(x)).sum() + np.diag(x) @ V, A),
    "diag of a part": (lambda x: np.diag(x[:3], 1) @ V[:3], A),
    "outer, kron": (lambda x: (np.outer(x, x) * W).sum() + np.kron(x, V) @ np.arange(16.0), V),
    "ufunc.outer": (lambda x: (np.subtract.outer(x, x) ** 2 * W).sum(), V),
    "ufunc.reduce": (lambda x: np.maximum.reduce(x) @ V + np.add.reduce(x, axis=1) @ V, A),
    "clip": (lambda x: np.clip(x, -0.5, 0.5).sum() + np.clip(x, a_min=0, a_max=None).sum(), A),
    "interp": (lambda x: np.interp(x, np.arange(-5.0, 6), np.arange(-5.0, 6) ** 2).sum(), V),
    "interp's heights": (lambda x: np.interp([0.3, 2.5], np.arange(4), x).sum(), V),
    "convolve": (lambda x: np.convolve(x, [1, 2.0], "same") @ V, V),
    "broadcast_to": (lambda x: (np.broadcast_to(x, (3, 4)) ** 2).sum(), V),
    "meshgrid": (lambda x: (np.meshgrid(x, x)[0] * np.meshgrid(x, x)[1] ** 2).sum(), V),
    "polyval": (lambda x: np.polyval(x, 1.5) + np.polyval([1.0, 2], x).sum(), V),
    "nansum": (lambda x: np.nansum(x**2) + np.nanmean(x, axis=0) @ V, A),
    "matrix_power, multi_dot": (
        lambda x: (np.linalg.matrix_power(x, 3) * np.linalg.multi_dot([x, W, x])).sum(),
        A,
    ),
    "trace": (lambda x: np.trace(x, 1) + np.trace(x[None], axis1=1, axis2=2).sum(), A),
    "norms by order": (
        lambda x: np.linalg.norm(x, 3, axis=1) @ V + np.linalg.norm(x, 1, axis=0) @ V,
        A,
    ),
    "complex in between": (
        lambda x: (np.exp(1j * x).real + np.abs((x + 1j) ** 2) + np.angle(x + 1j)).sum(),
        A,
    ),
    "complex matrices": (lambda x: np.abs(np.linalg.inv(x + 1j * W) @ (1j * x + 1)).sum(), A),
    "complex and real together": (
        lambda x: np.abs(np.stack([x, x * 1j]) + np.where(x > 0, x + 1j, x)).sum(),
        A,
    ),
    "items": (lambda x: (x[x > 0] ** 2).sum() + x[[0, 0, 1]].sum() + x[..., None].sum(), V),
    "take": (lambda x: (np.take(x, [0, 2], axis=1) ** 2).sum(), A),
    "split": (lambda x: (np.split(x, 2)[1] ** 2).sum(), V),
    "a loop": (lambda x: sum(a * b for a, b in zip(x, x[::-1], strict=True)), V),
    "a while loop": (newton_root, V),
    "an if": (lambda x: x[0] ** 2 if x[0] > 0 else -x[0] * 3, V),
    "max of Python": (lambda x: max(x[0], x[1]) * 2 + abs(x).sum(), V),
    "item": (lambda x: x[0].item() * 2 + x.sum().item(), V),
    "+=": (running_total, V),
    "constants": (lambda x: (x - np.round(x) + np.floor(x) * np.ones_like(x)).sum(), V),
    "unpacked": (lambda x: weighed_four(*x), V),
}


@pytest.mark.parametrize(("func", "at"), CASES.values(), ids=CASES)
def test_plain_numpy_has_the_slopes_that_differences_find(func: Any, at: Any) -> None:
    x = delayed(at)

    found = grad(delayed(func)(x), x).compute()

    np.testing.assert_allclose(found, slopes(func, at), rtol=1e-5, atol=1e-5)


#: Calls of numpy's functions as tasks: the table's, the registry's, or by watching.
CALLS: list[tuple[Any, tuple[Any, ...], dict[str, Any]]] = [
    (np.linalg.inv, (A,), {}),
    (np.linalg.inv, (np.stack([A, SYMMETRIC]),), {}),
    (np.linalg.pinv, (T[0],), {}),
    (np.linalg.solve, (A, V), {}),
    (np.linalg.det, (A,), {}),
    (np.linalg.norm, (A, "nuc"), {}),
    (np.linalg.norm, (T,), {"axis": (1, 2)}),
    (np.linalg.norm, (V, 3), {}),
    (np.linalg.slogdet, (A,), {}),
    (np.linalg.eigh, (SYMMETRIC,), {}),
    (np.einsum, ("ij,kj->ik", A, W), {}),
    (np.einsum, ("...j,j", T, V), {}),
    (np.sort, (A,), {"axis": 0}),
    (np.cross, (T[0, :, :3], T[1, :, 1:]), {}),
    (np.tensordot, (T, T[0], 2), {}),
    (np.kron, (A, T[0]), {}),
    (np.inner, (A, V), {}),
    (np.matmul, (T, A), {}),
    (np.dot, (T, V), {}),
    (np.var, (A,), {"axis": 1, "ddof": 1, "keepdims": True}),
    (np.std, (T, (0, 2)), {}),
    (np.prod, (T, (0, 1)), {}),
    (np.max, (T,), {"axis": (0, 2)}),
    (np.cumsum, (A, 1), {}),
    (np.diff, (A, 2), {}),
    (np.diff, (A,), {"axis": 0}),
    (np.gradient, (V,), {}),
    (np.rollaxis, (T, 2), {}),
    (np.moveaxis, (T, 0, 2), {}),
    (np.roll, (A, (1, 2), (0, 1)), {}),
    (np.rot90, (T[0],), {}),
    (np.repeat, (V, [1, 2, 0, 3]), {}),
    (np.diag, (T[0], 1), {}),
    (np.diagonal, (A, 1), {}),
    (np.trace, (T,), {}),
    (np.pad, (A, ((1, 2), (0, 1)), "reflect"), {}),
    (np.array_split, (V, 3), {}),
    (np.hypot, (A, V), {}),
    (np.logaddexp, (A, V), {}),
    (np.arctan2, (A, V), {}),
    (np.where, (A > 0, A, V), {}),
    (np.clip, (A, -0.5, 0.5), {}),
    (np.fft.fftshift, (A,), {}),
    (np.ravel, (A, "F"), {}),
    (np.reshape, (A, (2, 8)), {"order": "F"}),
]


def flat(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return np.concatenate([flat(part) for part in value])
    return np.ravel(value)


def weights_like(value: Any) -> Any:
    """Cotangents for a value: numbers that differ, in its structure."""
    if isinstance(value, (list, tuple)):
        return [weights_like(part) for part in value]
    made = np.random.default_rng(np.size(value)).normal(size=np.shape(value))
    return made[()]


@pytest.mark.parametrize(
    ("func", "args", "kwargs"),
    CALLS,
    ids=[f"{func.__name__} {n}" for n, (func, _, _) in enumerate(CALLS)],
)
def test_tasks_of_numpy_have_the_slopes_that_differences_find(
    func: Any, args: Any, kwargs: Any
) -> None:
    out = func(*args, **kwargs)
    cts = weights_like(out)
    for n, value in enumerate(args):
        if isinstance(value, np.ndarray) and value.dtype == float:
            x = delayed(value)
            given = [x if k == n else arg for k, arg in enumerate(args)]

            found = vjp(delayed(func)(*given, **kwargs), x, cts).compute()

            def weighed(at: Any, n: int = n) -> Any:
                inner = [at if k == n else arg for k, arg in enumerate(args)]
                return flat(func(*inner, **kwargs)) @ flat(cts)

            np.testing.assert_allclose(found, slopes(weighed, value), rtol=1e-5, atol=1e-5)

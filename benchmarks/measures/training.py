"""A training step of a network on scikit-learn's digits, by several libraries, one BLAS thread."""

from __future__ import annotations

from collections.abc import Callable
from statistics import median
from time import perf_counter
from typing import Any

from benchmarks.jobs import Figures, Job
from benchmarks.measures.repeat import repeated
from benchmarks.measures.threads_of_blas import one_blas_thread

__all__ = ["training_step"]

_BATCH = 256
_STEPS = 20


def training_step(job: Job) -> Figures:
    """Milliseconds for loss and gradients of a batch of 256, `n` hidden units."""
    one_blas_thread()
    x, y = _digits()
    params = _params(job.n)
    step = _ENGINES[job.engine](params, x, y)
    _check(step(), params, x, y)

    def trial() -> float:
        start = perf_counter()
        for _ in range(_STEPS):
            step()
        return (perf_counter() - start) / _STEPS

    trial()
    return {"step_ms": 1e3 * median(repeated(trial))}


def _digits() -> tuple[Any, Any]:
    from sklearn.datasets import load_digits

    data = load_digits()
    return data.data[:_BATCH] / 16, data.target[:_BATCH]


def _params(n_hidden: int) -> list[Any]:
    import numpy as np

    rng = np.random.default_rng(0)
    w1, w2 = rng.standard_normal((64, n_hidden)) / 8, rng.standard_normal((n_hidden, 10)) / 16
    return [w1, np.zeros(n_hidden), w2, np.zeros(10)]


def _by_hand(params: list[Any], x: Any, y: Any) -> Callable[[], Any]:
    """What one writes who knows the derivatives."""
    import numpy as np

    rows = np.arange(len(y))
    w1, b1, w2, b2 = params

    def step() -> Any:
        h = np.tanh(x @ w1 + b1)
        scores = h @ w2 + b2
        top = scores.max(1, keepdims=True)
        exp = np.exp(scores - top)
        total = exp.sum(1, keepdims=True)
        loss = (np.log(total[:, 0]) + top[:, 0] - scores[rows, y]).mean()
        d_scores = exp / total
        d_scores[rows, y] -= 1
        d_scores /= len(y)
        d_h = (d_scores @ w2.T) * (1 - h * h)
        return loss, [x.T @ d_h, d_h.sum(0), h.T @ d_scores, d_scores.sum(0)]

    return step


def _lazygraph(params: list[Any], x: Any, y: Any) -> Callable[[], Any]:
    import numpy as np

    from lazygraph import function, inputs, value_and_grad
    from lazygraph.autodiff import logsumexp

    lazies = inputs("w1 b1 w2 b2")
    w1, b1, w2, b2 = lazies
    scores = np.tanh(x @ w1 + b1) @ w2 + b2
    loss = np.mean(logsumexp(scores, axis=1) - scores[np.arange(len(y)), y])
    fn = function(list(lazies), value_and_grad(loss, list(lazies)), scheduler="synchronous")
    return lambda: fn(*params)


def _autograd(params: list[Any], x: Any, y: Any) -> Callable[[], Any]:
    import autograd
    import autograd.numpy as np
    from autograd.scipy.special import logsumexp

    rows = np.arange(len(y))

    def loss(params: list[Any]) -> Any:
        w1, b1, w2, b2 = params
        scores = np.dot(np.tanh(np.dot(x, w1) + b1), w2) + b2
        return np.mean(logsumexp(scores, axis=1) - scores[rows, y])

    both = autograd.value_and_grad(loss)
    return lambda: both(params)


def _torch(params: list[Any], x: Any, y: Any) -> Callable[[], Any]:
    import torch

    torch.set_num_threads(1)
    xs, ys = torch.tensor(x), torch.tensor(y)
    leaves = [torch.tensor(p, requires_grad=True) for p in params]
    w1, b1, w2, b2 = leaves

    def step() -> Any:
        scores = torch.tanh(xs @ w1 + b1) @ w2 + b2
        loss = torch.nn.functional.cross_entropy(scores, ys)
        return loss, torch.autograd.grad(loss, leaves)

    return step


_ENGINES: dict[str, Callable[[list[Any], Any, Any], Callable[[], Any]]] = {
    "lazygraph": _lazygraph,
    "by-hand": _by_hand,
    "autograd": _autograd,
    "torch": _torch,
}


def _check(found: Any, params: list[Any], x: Any, y: Any) -> None:
    """Refuse to time a step that computes something else."""
    import numpy as np

    loss, grads = found
    expected_loss, expected = _by_hand(params, x, y)()
    if not np.isclose(float(loss), expected_loss) or not all(
        np.allclose(np.asarray(mine), other) for mine, other in zip(grads, expected, strict=True)
    ):
        raise ValueError("the step's gradients are not those written by hand")

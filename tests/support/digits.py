"""Scikit-learn's bundled digits, and the two models that the tests and the notebook train."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from lazygraph import delayed, function, inputs, value_and_grad
from lazygraph.autodiff import logsumexp


def split() -> tuple[Any, Any, Any, Any]:
    """Pixels between 0 and 1 and digits: the first half to train on, the second to test."""
    from sklearn.datasets import load_digits

    data = load_digits()
    x, y = data.data / 16, data.target
    half = len(x) // 2
    return x[:half], y[:half], x[half:], y[half:]


def cross_entropy(scores: Any, y: Any, rows: Any) -> Any:
    """The sum over rows of minus the logarithm of the right class's probability."""
    return np.sum(logsumexp(scores, axis=1) - scores[rows, y])


def objective(params: Any, x: Any, y: Any) -> float:
    """What scikit-learn's LogisticRegression minimizes, with C=1."""
    scores = x @ params["w"] + params["b"]
    return float(cross_entropy(scores, y, np.arange(len(y))) + 0.5 * np.sum(params["w"] ** 2))


def logistic_step() -> Any:
    """Loss and gradients of logistic regression, as a function of parameters and data."""
    x, y, w, b = inputs("x y w b")
    params = {"w": w, "b": b}
    loss = cross_entropy(x @ w + b, y, delayed(np.arange)(x.shape[0])) + 0.5 * np.sum(w * w)
    return function([params, x, y], value_and_grad(loss, params), scheduler="synchronous")


def mlp_params(n_hidden: int, seed: int) -> Any:
    """Weights as scikit-learn's MLPClassifier draws them: Glorot & Bengio (2010)."""
    rng = np.random.default_rng(seed)
    sizes = [64, n_hidden, 10]

    def layer(n: int, m: int) -> Any:
        bound = (6 / (n + m)) ** 0.5
        return {"w": rng.uniform(-bound, bound, (n, m)), "b": rng.uniform(-bound, bound, m)}

    return [layer(n, m) for n, m in pairwise(sizes)]


def mlp_step() -> Any:
    """Loss and gradients of a network with one hidden layer of rectified units."""
    x, y = inputs("x y")
    w1, b1, w2, b2 = inputs("w1 b1 w2 b2")
    params = [{"w": w1, "b": b1}, {"w": w2, "b": b2}]
    hidden = np.maximum(x @ w1 + b1, 0.0)
    n = x.shape[0]
    fit_to = cross_entropy(hidden @ w2 + b2, y, delayed(np.arange)(n)) / n
    loss = fit_to + 0.5 * 1e-4 * (np.sum(w1 * w1) + np.sum(w2 * w2)) / n
    return function([params, x, y], value_and_grad(loss, params), scheduler="synchronous")


def mlp_predict(params: Any, x: Any) -> Any:
    """The likeliest digits."""
    first, second = params
    hidden = np.maximum(x @ first["w"] + first["b"], 0)
    return (hidden @ second["w"] + second["b"]).argmax(1)

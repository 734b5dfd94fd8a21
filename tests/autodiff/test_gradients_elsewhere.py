"""Gradients of random expressions of matrices, against torch's and JAX's, first and second order."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lazygraph import compute, delayed, grad, hvp

MANY = settings(
    deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
_N = 3
#: What an expression is made of: of one matrix, and of two.
_UNARY = ("tanh", "exp", "sin", "transpose", "rows", "columns", "scaled", "row")
_BINARY = ("+", "-", "*", "/", "@", "maximum")


@st.composite
def expressions(draw: st.DrawFn) -> Callable[[Any, list[Any]], Any]:
    """A scalar function of two matrices, a row and a number, in the words of any library."""
    steps = []
    for n in range(draw(st.integers(2, 9))):
        args = st.integers(0, n + 3)
        steps.append((draw(st.sampled_from(_UNARY + _BINARY)), draw(args), draw(args)))

    def expression(words: Any, inputs: list[Any]) -> Any:
        values = [words.wide(x) for x in inputs]
        for what, a, b in steps:
            values.append(getattr(words, _METHOD.get(what, what))(values[a], values[b]))
        return words.mean(values[-1] * values[-1]) + words.mean(values[-2])

    return expression


_METHOD = {"+": "add", "-": "sub", "*": "mul", "/": "div", "@": "matmul"}


class _Words:
    """The operations in the words of numpy, of which the library's own are a subclass's business."""

    np: Any = np

    def wide(self, x: Any) -> Any:
        """A row or a number stretched to a matrix."""
        return x + self.np.zeros((_N, _N))

    def tanh(self, x: Any, _: Any) -> Any:
        return self.np.tanh(x)

    def exp(self, x: Any, _: Any) -> Any:
        return self.np.exp(self.np.tanh(x))

    def sin(self, x: Any, _: Any) -> Any:
        return self.np.sin(x)

    def transpose(self, x: Any, _: Any) -> Any:
        return x.T

    def rows(self, x: Any, _: Any) -> Any:
        return x + x.sum(0)

    def columns(self, x: Any, _: Any) -> Any:
        return x * x.mean(1, keepdims=True)

    def scaled(self, x: Any, _: Any) -> Any:
        return 0.5 * x - 1.5

    def row(self, x: Any, _: Any) -> Any:
        return x[1] + x[:, :1]

    def add(self, a: Any, b: Any) -> Any:
        return a + b

    def sub(self, a: Any, b: Any) -> Any:
        return a - b

    def mul(self, a: Any, b: Any) -> Any:
        return self.np.tanh(a * b)

    def div(self, a: Any, b: Any) -> Any:
        return a / (2.0 + b * b)

    def matmul(self, a: Any, b: Any) -> Any:
        return self.np.tanh(a @ b)

    def maximum(self, a: Any, b: Any) -> Any:
        return self.np.maximum(a, b + 0.123)

    def mean(self, x: Any) -> Any:
        return x.mean()


def _inputs(seed: int) -> list[Any]:
    rng = np.random.default_rng(seed)
    shapes = [(_N, _N), (_N, _N), (_N,), ()]
    return [np.asarray(rng.standard_normal(shape)) for shape in shapes]


def _ours(expression: Any, given: list[Any], vectors: list[Any]) -> tuple[list[Any], list[Any]]:
    inputs = [delayed(x) for x in given]
    goal = expression(_Words(), inputs)
    first, second = compute(grad(goal, inputs), hvp(goal, inputs, vectors))
    return first, second


def _agree(ours: list[Any], theirs: list[Any]) -> None:
    for mine, other in zip(ours, theirs, strict=True):
        scale = 1.0 + float(np.max(np.abs(other)))
        assert np.allclose(mine, other, rtol=1e-9, atol=1e-10 * scale)


class _TorchWords(_Words):
    def __init__(self, torch: Any) -> None:
        self.np = torch

    def wide(self, x: Any) -> Any:
        return x + self.np.zeros((_N, _N), dtype=self.np.float64)


@pytest.fixture(scope="module")
def torch() -> Any:
    return pytest.importorskip("torch", reason="pip install torch==2.13.0")


@MANY
@given(expression=expressions(), seed=st.integers(0, 1_000))
def test_random_expressions_against_torch(torch: Any, expression: Any, seed: int) -> None:
    given, vectors = _inputs(seed), _inputs(seed + 1)
    leaves = [torch.tensor(x, requires_grad=True) for x in given]
    goal = expression(_TorchWords(torch), leaves)
    grads = torch.autograd.grad(goal, leaves, create_graph=True, materialize_grads=True)
    along = sum((g * torch.tensor(v)).sum() for g, v in zip(grads, vectors, strict=True))
    if along.requires_grad:
        twice = torch.autograd.grad(along, leaves, materialize_grads=True, allow_unused=True)
    else:
        twice = [torch.zeros_like(leaf) for leaf in leaves]

    first, second = _ours(expression, given, vectors)

    _agree(first, [g.detach().numpy() for g in grads])
    _agree(second, [g.detach().numpy() for g in twice])


@pytest.fixture(scope="module")
def jax() -> Any:
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    jax = pytest.importorskip("jax", reason="pip install jax")
    jax.config.update("jax_enable_x64", True)  # its own signature
    return jax


class _JaxWords(_Words):
    def __init__(self, jax: Any) -> None:
        self.np = jax.numpy


@settings(MANY, max_examples=15)
@given(expression=expressions(), seed=st.integers(0, 1_000))
def test_random_expressions_against_jax(jax: Any, expression: Any, seed: int) -> None:
    given, vectors = _inputs(seed), _inputs(seed + 1)

    def goal(inputs: list[Any]) -> Any:
        return expression(_JaxWords(jax), inputs)

    grads, twice = jax.jvp(jax.grad(goal), (given,), (vectors,))

    first, second = _ours(expression, given, vectors)

    _agree(first, [np.asarray(g) for g in grads])
    _agree(second, [np.asarray(g) for g in twice])

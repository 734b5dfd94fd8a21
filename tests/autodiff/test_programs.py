"""Random programs, by every way to the same value or to a constant, against differences of `compute`."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import lazygraph
from lazygraph import compute, delayed, grad, inputs, value_and_grad
from lazygraph.autodiff import stop_gradient

SHAPE = (2, 3)
PROGRAMS = 500


# ------------------------------------------------------------- the same value
def _pickled(x: Any) -> Any:
    return pickle.loads(pickle.dumps(x))


def _through_a_dict(x: Any) -> Any:
    return delayed({"x": x, "n": 1})["x"]


def _through_a_list(x: Any) -> Any:
    first, _ = delayed(lambda x: [x * 1.0, 2.0], nout=2)(x)
    return first


def _pure(x: Any) -> Any:
    same = delayed(_same, pure=True)
    return (same(x) + same(x)) * 0.5


def _same(x: Any) -> Any:
    return x * 1.0


def _again(x: Any) -> Any:
    return delayed(lambda x: x + 0.0, remat=True)(x)


def _with_a_rule(x: Any) -> Any:
    return delayed(np.positive, vjp=lambda ct, out, x: ct)(x)


SAME = [
    lambda x: x, _pickled, _through_a_dict, _through_a_list, _pure, _again, _with_a_rule,
    lambda x: x.copy(), lambda x: x.T.T, delayed(np.array), lambda x: x.reshape(6).reshape(SHAPE),
]  # fmt: skip


# ------------------------------------------------------------------ a constant
CONSTANT = [
    stop_gradient,
    lambda x: stop_gradient({"x": [x]})["x"][0],
    delayed(lambda x: stop_gradient(x)),  # noqa: PLW0108  # inside a function
    np.floor,
    lambda x: (x > 0.3) * 1.0,
    lambda x: x.argmax(axis=1)[:, None] * np.ones(SHAPE),
    lambda x: x.shape[0] * np.ones(SHAPE),
]


# ------------------------------------------------------------------------ steps
def _loop(x: Any, y: Any) -> Any:
    made = []
    for row, other in zip(x, y, strict=True):
        made.append(row * 2 if row[0] > 0.1 else row * other)
    return np.stack(made)


def _in_place(x: Any, y: Any) -> Any:
    made = x * 2
    made += y
    made[0] = x[1] * y[0]
    made[:, 1] *= 0.5
    return made


def _containers(x: Any, y: Any) -> Any:
    parts = {"x": x, "rest": [y, (x, 2.0)]}
    return parts["x"] * parts["rest"][0] + parts["rest"][1][0] / parts["rest"][1][1]


def _texts(x: Any, y: Any) -> Any:
    return np.average(x, axis=0, weights=np.exp(y.sum(axis=1))) + np.cov(y)[:, :1] + np.median(x)


def _linear(x: Any, y: Any) -> Any:
    return np.linalg.solve(x @ x.T + 3 * np.eye(2), y) + np.einsum("ij,kj,kl->il", x, y, x)


def _inner_gradient(x: Any, y: Any) -> Any:
    return grad(lambda v: np.sum(np.tanh(v * y) * v))(x)


def _sparse(x: Any, y: Any) -> Any:
    return np.stack([x[1] + y[0], x[1] * x[0]]) + x[[0, 0]]


STEPS: list[Callable[[Any, Any], Any]] = [
    lambda x, y: x + y, lambda x, y: x - 0.5 * y, lambda x, y: np.tanh(x * y), lambda x, y: x / (2 + y * y),
    lambda x, y: np.maximum(x, y + 0.123), lambda x, y: np.where(x > y, x, y * y), lambda x, y: x @ y.T @ x,
    lambda x, y: x + y.sum(axis=0), lambda x, y: x * y.mean(axis=1, keepdims=True), lambda x, y: np.sort(x, axis=1) + y,
    lambda x, y: np.concatenate([x, y])[1:3], lambda x, y: np.cumsum(x, axis=1) - y.max(axis=0),
    lambda x, y: np.exp(np.sin(x)) * y[:, ::-1], lambda x, y: np.sqrt(np.abs(x) + 0.1) + y**2,
    delayed(_loop), delayed(_in_place), delayed(_containers), delayed(_texts), delayed(_linear), delayed(_inner_gradient),
    _sparse, delayed(_sparse), delayed(lambda x, y: np.prod(x, axis=0) + np.ptp(y)), delayed(lambda x, y: (x.std() + y.var(axis=0)) * x),
]  # fmt: skip


class Program:
    """A goal of two arrays, in some steps that are drawn."""

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self.at = [rng.normal(size=SHAPE), rng.normal(size=SHAPE)]
        self.steps = [
            (
                rng.integers(len(STEPS)),
                rng.integers(0, n + 2),
                rng.integers(0, n + 2),
                rng.integers(len(SAME)),
            )
            for n in range(rng.integers(1, 6))
        ]
        self.constant = rng.integers(len(CONSTANT))
        self.weights = rng.normal(size=SHAPE)
        self.direction = [rng.normal(size=SHAPE), rng.normal(size=SHAPE)]

    def goal(self, leaves: list[Any], constant: Any = None) -> Any:
        values = list(leaves)
        for step, a, b, same in self.steps:
            wide = STEPS[step](SAME[same](values[a]), values[b]) + np.zeros(SHAPE)
            values.append(np.tanh(wide))
        if constant is None:
            constant = CONSTANT[self.constant](values[-1])
        return np.sum(values[-1] * self.weights) + np.sum(constant * values[-1] * 0.1), constant

    def leaves(self, kind: int) -> list[Any]:
        """The arrays as lazy values, in one of the ways that there are."""
        if kind == 0:
            return [delayed(x) for x in self.at]
        if kind == 1:
            return list(lazygraph.persist(*[delayed(x) for x in self.at]))
        return [inputs("a"), inputs("b")]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("chunk", range(20))
def test_random_programs_against_differences_of_compute(chunk: int) -> None:
    for seed in range(chunk * PROGRAMS // 20, (chunk + 1) * PROGRAMS // 20):
        program = Program(seed)
        leaves = program.leaves(seed % 3)
        asked = [inputs("a"), inputs("b")] if seed % 3 == 2 else leaves
        given = {"a": program.at[0], "b": program.at[1]} if seed % 3 == 2 else {}
        goal, constant = program.goal(leaves)

        (value, slopes), held = compute(
            value_and_grad(goal, asked), constant, inputs=given, scheduler="sync"
        )

        step, ends = 1e-6, []
        for side in (step, -step):
            moved = [
                delayed(x + side * d) for x, d in zip(program.at, program.direction, strict=True)
            ]
            ends.append(compute(program.goal(moved, held)[0], scheduler="sync")[0])
        expected = (ends[0] - ends[1]) / (2 * step)
        found = sum(float(np.sum(s * d)) for s, d in zip(slopes, program.direction, strict=True))
        assert np.isfinite(value)
        assert found == pytest.approx(expected, rel=1e-4, abs=1e-5), seed

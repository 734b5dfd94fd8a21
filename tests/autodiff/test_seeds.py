"""Random numbers of a graph do not move when its derivatives are computed beside it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from lazygraph import as_completed, compute, config, delayed, function, grad, inputs, rng
from lazygraph.protocols import Scheduler


def _dropped(x: Any) -> Any:
    return x * rng().normal(size=3)


def _loss(x: Any, w: Any) -> Any:
    drop = delayed(_dropped, vjp=lambda ct, out, x: ct * out / x)
    hidden = drop(x * w)
    return delayed(np.sum)(drop(hidden + x) * hidden)


@pytest.fixture
def seeded(scheduler: Scheduler) -> Iterator[None]:
    with config.set(scheduler=scheduler):
        yield


@pytest.mark.usefixtures("seeded")
def test_a_loss_is_the_same_with_its_gradient_beside_it() -> None:
    x, w = delayed(np.ones(3)), delayed(2.0)
    loss = _loss(x, w)
    slopes = grad(loss, [x, w])
    (alone,) = compute(loss, seed=3)

    assert compute(loss, slopes, seed=3)[0] == alone
    assert compute(slopes, loss, seed=3)[1] == alone
    assert compute(w - 0.1 * slopes[1], loss, seed=3)[1] == alone
    assert compute(loss, seed=4)[0] != alone


def test_a_gradient_alone_is_that_of_the_loss_of_its_seed() -> None:
    x, w = delayed(np.ones(3)), delayed(2.0)
    loss = _loss(x, w)
    (alone,) = compute(loss, seed=3, scheduler="sync")
    (slope,) = compute(grad(loss, w), seed=3, scheduler="sync")

    def moved(step: float) -> float:
        return compute(_loss(x, delayed(2.0 + step)), seed=3, scheduler="sync")[0]  # type: ignore[no-any-return]

    assert moved(0.0) == alone
    assert slope == pytest.approx((moved(1e-6) - moved(-1e-6)) / 2e-6, rel=1e-6)


def test_a_planned_function_and_results_one_by_one_draw_the_same() -> None:
    x, w = inputs("x w")
    loss = _loss(x, w)
    values = {"x": np.ones(3), "w": 2.0}
    expected = function([x, w], loss, seed=3)(**values)

    assert function([x, w], [grad(loss, w), loss], seed=3)(**values)[1] == expected
    given = as_completed([grad(loss, w), loss], seed=3, inputs=values)
    assert expected in [result for _, result in given]


def test_what_derivatives_draw_themselves_has_numbers_of_its_own() -> None:
    x = delayed(1.0)
    noisy = delayed(lambda x: x, vjp=lambda ct, out, x: ct * rng().normal())
    draws = [delayed(lambda: rng().normal())() for _ in range(3)]

    first, second, *others = compute(grad(noisy(x), x), grad(noisy(x), x), *draws, seed=0)

    assert len({float(v) for v in (first, second, *others)}) == 5
    assert others == [*compute(*draws, seed=0)]

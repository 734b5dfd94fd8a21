"""Gradients: against hand-computed values, closed forms, and central differences."""

from __future__ import annotations

import math
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lazygraph import compute, delayed, optimize
from lazygraph.autodiff import (
    grad,
    hessian,
    hvp,
    jacobian,
    jvp,
    stop_gradient,
    value_and_grad,
    vjp,
)
from lazygraph.errors import (
    CaptureError,
    CotangentError,
    GoalError,
    NotReachedError,
)
from lazygraph.observers import Recorder
from lazygraph.protocols import Scheduler


def value(x: Any) -> Any:
    return delayed(x)


def test_the_teachers_example() -> None:
    """(x + y) * z at 1, 2, 3: every derivative is 3."""
    x, y, z = value(1), value(2), value(3)

    goal, derivatives = compute(*value_and_grad((x + y) * z, [x, y, z]))

    assert goal == 9
    assert derivatives == [3.0, 3.0, 3.0]
    assert [type(d) for d in derivatives] == [float] * 3


def test_a_composite_is_written_as_mathematics_is() -> None:
    x = value(0.7)

    found = grad(np.exp(np.sin(x**2)), x).compute()

    assert found == pytest.approx(2 * 0.7 * math.cos(0.49) * math.exp(math.sin(0.49)), rel=1e-14)


def test_the_answer_has_the_structure_of_wrt() -> None:
    a, b, c = value(2.0), value(3.0), value(np.array([1.0, 2.0]))

    found = grad(a * b * a, {"left": [a, (b,)], "right": c})
    (computed,) = compute(found)

    assert computed["left"] == [12.0, (4.0,)]
    assert computed["right"].tolist() == [0.0, 0.0]


def test_a_value_used_twice_has_the_sum_of_both_derivatives() -> None:
    x = value(3.0)

    assert grad(x * x + x * np.sin(x), x).compute() == pytest.approx(
        6 + math.sin(3) + 3 * math.cos(3)
    )


def test_shared_forward_tasks_run_once() -> None:
    calls: list[float] = []

    def cube(x: float) -> float:
        calls.append(x)
        return x**3

    x = value(2.0)
    shared = delayed(cube, vjp=lambda ct, _out, x: ct * 3 * x**2)(x)

    assert compute(*value_and_grad(shared * shared, x)) == (64.0, 192.0)
    assert calls == [2.0]


def test_what_the_goal_does_not_depend_on_has_zeros_unless_strict() -> None:
    x, other = value(2.0), value(np.ones((2, 3), np.float32))

    zeros = grad(x * x, other).compute()

    assert zeros.tolist() == np.zeros((2, 3)).tolist()
    assert zeros.dtype == np.float32
    with pytest.raises(NotReachedError, match=f"does not depend on {other.key!r}"):
        grad(x * x, [x, other], strict=True)


def test_what_optimize_has_swallowed_is_no_silent_zero() -> None:
    x = value(0.5)
    (better,) = optimize(np.exp(np.sin(x)))

    with pytest.raises(NotReachedError, match="differentiate first, then optimize"):
        grad(better, x)


def test_a_fused_chain_is_differentiated_by_its_members() -> None:
    x = value(0.5)
    (better,) = optimize(np.exp(np.sin(x)))
    (inner,) = (leaf for leaf in [better])
    scaled = inner * inner

    found = grad(scaled, inner).compute()

    assert found == pytest.approx(2 * math.exp(math.sin(0.5)))


def test_stop_gradient_counts_as_a_constant() -> None:
    x = value(3.0)

    assert grad(stop_gradient(x) * x, x).compute() == 3.0
    assert stop_gradient(7) == 7


def test_higher_orders_by_differentiating_the_gradient() -> None:
    x = value(1.3)
    goal = np.sin(x) * x

    first = grad(goal, x)
    second = grad(first, x)
    third = grad(second, x)

    s, c = math.sin(1.3), math.cos(1.3)
    assert compute(first, second, third) == pytest.approx(
        (s + 1.3 * c, 2 * c - 1.3 * s, -3 * s - 1.3 * c)
    )


def test_vjp_and_jvp_are_products_with_the_jacobian() -> None:
    x, y = value(np.array([1.0, 2.0, 3.0])), value(2.0)
    outputs = [x * x * y, y * y]
    by_x = np.diag([4.0, 8.0, 12.0])
    by_y = np.array([1.0, 4.0, 9.0])
    ct, tangent = np.array([1.0, -1.0, 0.5]), np.array([0.3, 0.2, -0.1])

    (back,) = compute(vjp(outputs, {"x": x, "y": y}, [ct, 3.0]))
    (there,) = compute(jvp(outputs, [x, y], [tangent, 2.0]))

    assert back["x"] == pytest.approx(ct @ by_x)
    assert back["y"] == pytest.approx(ct @ by_y + 3 * 4)
    assert there[0] == pytest.approx(by_x @ tangent + by_y * 2)
    assert there[1] == pytest.approx(8.0)


def test_none_stands_for_a_zero_cotangent() -> None:
    x = value(2.0)

    assert compute(vjp([x * x, x * 5.0], x, [None, 1.0])) == (5.0,)


def test_jacobians_are_nested_as_outputs_then_as_wrt() -> None:
    x, y = value(np.array([1.0, 2.0])), value(3.0)

    (found,) = compute(jacobian({"p": x * y, "q": y * y}, [x, y]))

    assert found["p"][0].tolist() == [[3.0, 0.0], [0.0, 3.0]]
    assert found["p"][1].tolist() == [1.0, 2.0]
    assert found["q"][0].tolist() == [0.0, 0.0]
    assert found["q"][1] == 6.0


def test_an_empty_output_has_an_empty_jacobian() -> None:
    x = value(np.zeros(0))

    assert jacobian(x * 2.0, x).compute().shape == (0, 0)


def test_a_hessian_and_its_products() -> None:
    x, y = value(2.0), value(3.0)
    goal = x * x * x * y

    (blocks,) = compute(hessian(goal, {"x": x, "y": y}))
    (product,) = compute(hvp(goal, [x, y], [1.0, 10.0]))

    assert blocks == {"x": {"x": 36.0, "y": 12.0}, "y": {"x": 12.0, "y": 0.0}}
    assert product == [36.0 + 120.0, 12.0]


def test_the_same_bits_on_every_scheduler(scheduler: Scheduler) -> None:
    rng = np.random.default_rng(0)
    x, w = value(rng.standard_normal((4, 5))), value(rng.standard_normal(5))
    h = np.tanh(x * w + w) * np.exp(w)
    cts = rng.standard_normal((4, 5))

    (expected,) = compute(vjp(h, [x, w], cts), scheduler="synchronous")
    (found,) = compute(vjp(h, [x, w], cts), scheduler=scheduler)

    assert [d.tobytes() for d in found] == [d.tobytes() for d in expected]


def test_a_gradient_pickles() -> None:
    x = value(0.5)
    gradient = grad(np.tanh(x) * x, x)

    again = pickle.loads(pickle.dumps(gradient))

    assert again.compute() == gradient.compute()


def test_float32_stays_float32_and_whole_numbers_have_float_derivatives() -> None:
    x, n = value(np.ones(3, np.float32)), value(np.array([1, 2, 3]))

    by_x, by_n = compute(*vjp(np.tanh(x * 2.0) * n, [x, n], np.ones(3)))

    assert by_x.dtype == np.float32
    assert by_n.dtype == np.float64
    assert by_n == pytest.approx(np.full(3, math.tanh(2.0)), rel=1e-6)


def test_gradients_are_arrays_to_write_to() -> None:
    x = value(np.ones((2, 3)))

    found = grad(np.sum(x), x).compute()
    found *= 2.0

    assert found.tolist() == [[2.0] * 3] * 2


def test_broadcasting_is_summed_away() -> None:
    a, b = value(np.ones((3, 1))), value(np.arange(4.0))

    by_a, by_b = compute(*vjp(a * b, [a, b], np.ones((3, 4))))

    assert by_a.tolist() == [[6.0]] * 3
    assert by_b.tolist() == [3.0] * 4


@pytest.mark.parametrize("goal", [np.ones(3), "text", [1.0]])
def test_a_goal_that_is_not_one_number_is_told_so(goal: Any) -> None:
    x = value(goal)

    with pytest.raises(GoalError, match="a gradient is that of one number"):
        grad(x, x).compute()


@pytest.mark.parametrize("wrt", [1.0, [], {"a": 2}, [value(1.0), 2.0], {value(1.0)}])
def test_what_cannot_be_differentiated_by_is_told_so(wrt: Any) -> None:
    with pytest.raises(CaptureError, match="wrt"):
        grad(value(1.0) * 2.0, wrt)


@pytest.mark.parametrize("goal", [3.0, math.sin])
def test_a_goal_that_is_not_lazy_is_told_so(goal: Any) -> None:
    with pytest.raises(CaptureError, match="the goal is a lazy value"):
        grad(goal, value(1.0))


def test_cotangents_of_another_form_are_told_so() -> None:
    x = value(np.ones(3))

    with pytest.raises(CotangentError, match=r"nothing at \[1\]"):
        vjp([x, x * 2.0], x, [np.ones(3)])
    with pytest.raises(CotangentError, match=r"shape \(2,\), and its value shape \(3,\)"):
        vjp(x * 2.0, x, np.ones(2)).compute()


@pytest.mark.slow
def test_a_chain_of_100_000_tasks_neither_recurses_nor_takes_square_time() -> None:
    x = value(1.0)
    end = x
    for _ in range(100_000):
        end = end * 1.00001

    gradient = grad(end, x)
    found = gradient.compute(scheduler="synchronous")

    assert found == pytest.approx(1.00001**100_000)
    pickle.loads(pickle.dumps(gradient))
    del gradient, end


def test_a_fan_of_2_000_uses_of_one_value() -> None:
    x = value(2.0)
    terms = [x * float(n) for n in range(2_000)]
    total = terms[0]
    for term in terms[1:]:
        total = total + term

    assert grad(total, x).compute() == sum(range(2_000))


# ------------------------------------------------------------------- memory
def _peak_bytes(recorder: Recorder) -> int:
    """The most bytes of results alive at a time, by what the run told."""
    sizes: dict[Any, int] = {}
    alive = peak = 0
    for event in recorder.events:
        if type(event).__name__ == "TaskEnded":
            sizes[event.key] = event.nbytes or 0
            alive += sizes[event.key]
            peak = max(peak, alive)
        elif type(event).__name__ == "Released":
            alive -= sizes.pop(event.key)
    return peak


def _layer(h: Any, w: Any) -> Any:
    return np.tanh(h * w)


def _layer_vjp(ct: Any, out: Any, h: Any, w: Any) -> Any:
    inner = ct * (1 - out * out)
    return inner * w, np.sum(inner * h)


def _layers(n: int, *, segment: int = 1) -> tuple[Any, list[Any]]:
    """A row of layers, of which the last of each segment is kept and the others are not."""
    kept, again = (delayed(_layer, vjp=_layer_vjp, remat=remat) for remat in (False, True))
    h: Any = np.full(1_000, 0.5)
    weights = [value(1.0 + 0.1 * i) for i in range(n)]
    for i, w in enumerate(weights, 1):
        h = (again if i % segment else kept)(h, w)
    return h, weights


def test_forward_values_go_when_the_way_back_has_passed_them() -> None:
    """Of h * w + w, what the way back needs is h, w and the shapes of the rest."""
    n = 30
    h: Any = value(np.full(1_000, 0.1))
    weights = [value(1.0 + 0.01 * i) for i in range(n)]
    for w in weights:
        h = np.tanh(h * w + w)
    recorder = Recorder()

    compute(vjp(h, weights, np.ones(1_000)), observers=[recorder], scheduler="synchronous")

    assert _peak_bytes(recorder) < (n + 8) * 8_000 + 200_000  # one array a layer, of three made


def test_remat_keeps_less_and_gives_the_same() -> None:
    """Of 36 layers in segments of 6: 6 that are kept, and one segment at a time."""
    results, peaks = [], []
    for segment in (1, 6):
        end, weights = _layers(36, segment=segment)
        recorder = Recorder()
        gradients = vjp(end, weights, np.ones(1_000))
        results.append(compute(gradients, observers=[recorder], scheduler="synchronous"))
        peaks.append(_peak_bytes(recorder) / 8_000)
        recomputed = [key for key in recorder.ended if str(key).startswith("_layer_again")]
        assert len(recomputed) == (0 if segment == 1 else 30)

    assert results[0] == results[1]
    assert peaks[0] > 36
    assert peaks[1] < 20


def test_a_deep_row_of_remat_tasks_does_not_recurse() -> None:
    end, weights = _layers(3_000, segment=3_001)

    compute(vjp(end, weights[:1], np.ones(1_000)), scheduler="synchronous")


# ------------------------------------------------------------ random graphs
_UNARY = [np.sin, np.cos, np.tanh, np.exp]


@st.composite
def expressions(draw: st.DrawFn) -> Any:
    """A function of three numbers, made of some ten operations, which takes lazy and plain ones."""
    steps = []
    for n in range(draw(st.integers(1, 10))):
        args = st.integers(0, n + 2)
        if draw(st.booleans()):
            steps.append((draw(st.sampled_from(range(len(_UNARY)))), draw(args), None))
        else:
            steps.append((draw(st.sampled_from("+-*")), draw(args), draw(args)))

    def expression(*inputs: Any) -> Any:
        values = list(inputs)
        for what, a, b in steps:
            if b is None:
                values.append(_UNARY[what](np.tanh(values[a])))
            else:
                ways = {
                    "+": lambda x, y: x + y,
                    "-": lambda x, y: x - y,
                    "*": lambda x, y: np.tanh(x * y),
                }
                values.append(ways[what](values[a], values[b]))
        return values[-1]

    return expression


_NUMBERS = st.floats(-1.5, 1.5)


@settings(deadline=None, max_examples=60)
@given(expression=expressions(), at=st.tuples(_NUMBERS, _NUMBERS, _NUMBERS))
def test_random_expressions_against_central_differences(expression: Any, at: Any) -> None:
    inputs = [value(x) for x in at]
    first = grad(expression(*inputs), inputs)
    found = compute(*first)
    (second,) = compute(grad(first[0], inputs))

    step = 1e-5
    for n, derivative in enumerate(found):
        up, down = list(at), list(at)
        up[n], down[n] = up[n] + step, down[n] - step
        expected = (expression(*up) - expression(*down)) / (2 * step)
        assert derivative == pytest.approx(expected, rel=1e-5, abs=1e-7)
        lifted = [[value(x) for x in moved] for moved in (up, down)]
        above, below = (grad(expression(*xs), xs[0]).compute(scheduler="sync") for xs in lifted)
        assert second[n] == pytest.approx((above - below) / (2 * step), rel=1e-4, abs=1e-6)

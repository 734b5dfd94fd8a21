"""Functions that no rule is known for: autograd watches them, for `grad` as for users."""

from __future__ import annotations

import asyncio
import pickle
import subprocess
import sys
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache, singledispatch
from pathlib import Path
from typing import Any, NamedTuple

import autograd
import autograd.numpy as anp
import numpy as np
import pytest
import scipy.optimize
from scipy.special import expit

from lazygraph import compute, delayed
from lazygraph.autodiff import grad, hessian, hvp, jvp, value_and_grad, vjp
from lazygraph.autodiff.black_box import BlackBox, Known
from lazygraph.autodiff.pull_back import pull_back
from lazygraph.errors import NotDifferentiable
from lazygraph.protocols import Scheduler

RNG = np.random.default_rng(3)
X, W1, B1 = RNG.normal(size=(5, 4)), RNG.normal(size=(4, 3)), RNG.normal(size=3)


def layer(x: Any, w: Any, b: Any) -> Any:
    return np.tanh(x @ w + b)


def rosen(x: Any) -> Any:
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def square(x: Any) -> Any:
    return x * x


def moments(x: Any) -> Any:
    return [x.sum(), {"squares": (x**2).sum(), "name": "x", "n": x.size}, (x[0], x > 0)]


# ------------------------------------------------------------ the right slopes
def test_a_layer_in_plain_numpy_has_autograds_gradient() -> None:
    args = [delayed(value) for value in (X, W1, B1)]
    found = compute(*grad(delayed(np.sum)(delayed(layer)(*args)), args))

    def in_autograd(args: Any) -> Any:
        x, w, b = args
        return anp.sum(anp.tanh(x @ w + b))

    for ours, theirs in zip(found, autograd.grad(in_autograd)((X, W1, B1)), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-13)


def test_a_layer_in_plain_numpy_has_torchs_gradient() -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed")
    args = [delayed(value) for value in (X, W1, B1)]
    found = compute(*grad(delayed(np.sum)(delayed(layer)(*args)), args))
    theirs = [torch.tensor(value, requires_grad=True) for value in (X, W1, B1)]
    torch.tanh(theirs[0] @ theirs[1] + theirs[2]).sum().backward()

    for mine, other in zip(found, theirs, strict=True):
        np.testing.assert_allclose(mine, other.grad.numpy(), rtol=1e-12)


def test_black_boxes_have_jaxs_hessian_vector_products() -> None:
    jax = pytest.importorskip("jax", reason="jax is not installed")

    def log_sum(x: Any, np: Any = np) -> Any:
        return np.log(np.sum(np.exp(np.sin(x) * x)))

    at, along = RNG.normal(size=6), RNG.normal(size=6)
    x = delayed(at)
    with jax.enable_x64(True):

        def theirs(x: Any) -> Any:
            return log_sum(x, jax.numpy)

        expected = jax.jvp(jax.grad(theirs), (at,), (along,))[1]

        np.testing.assert_allclose(
            hvp(delayed(log_sum)(x), x, along).compute(), expected, rtol=1e-10
        )


def rosen_of_tasks(x: Any) -> Any:
    return delayed(np.sum)(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


@pytest.mark.parametrize("goal", [delayed(rosen), rosen_of_tasks], ids=["black box", "tasks"])
def test_rosenbrocks_function_has_scipys_derivatives(goal: Any) -> None:
    at, along = RNG.normal(size=7), RNG.normal(size=7)
    x = delayed(at)
    y = goal(x)

    slopes = grad(y, x)

    np.testing.assert_allclose(slopes.compute(), scipy.optimize.rosen_der(at), rtol=1e-12)
    expected = scipy.optimize.rosen_hess_prod(at, along)
    np.testing.assert_allclose(hvp(y, x, along).compute(), expected, rtol=1e-11)
    rows = [vjp(slopes, x, row) for row in np.eye(7)]
    np.testing.assert_allclose(
        compute(*rows), scipy.optimize.rosen_hess(at), rtol=1e-11, atol=1e-11
    )


def test_the_hessian_of_a_black_box_is_scipys() -> None:
    at = RNG.normal(size=5)
    x = delayed(at)

    found = hessian(delayed(rosen)(x), x).compute()

    np.testing.assert_allclose(found, scipy.optimize.rosen_hess(at), atol=1e-11)


@pytest.mark.parametrize(
    "goal",
    [delayed(lambda x: expit(x).sum()), lambda x: delayed(np.sum)(delayed(expit)(x))],
    ids=["watched", "a task"],
)
def test_scipys_special_functions_have_slopes(goal: Any) -> None:
    x = delayed(X)

    np.testing.assert_allclose(grad(goal(x), x).compute(), expit(X) * (1 - expit(X)))


@singledispatch
def doubled(x: Any) -> Any:
    return 0.0 * x


@doubled.register
def _(x: np.ndarray) -> Any:
    return 2.0 * x


def test_a_watched_array_is_an_array_to_those_who_ask() -> None:
    def asks(x: Any, y: Any) -> Any:
        return doubled(x).sum() * (y if isinstance(y, float) else 0.0)

    x, y = delayed(np.ones(2)), delayed(3.0)
    found = compute(*grad(delayed(asks)(x, y), [x, y]))

    np.testing.assert_array_equal(found[0], [6.0, 6.0])
    assert found[1] == 4.0


def test_an_array_in_a_file_has_slopes(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.arange(3.0))
    x = delayed(np.load(tmp_path / "x.npy", mmap_mode="r"))

    np.testing.assert_array_equal(grad(delayed(rosen)(x), x).compute(), rosen_slopes)


rosen_slopes = scipy.optimize.rosen_der(np.arange(3.0))


def test_a_black_box_is_differentiated_three_times() -> None:
    x = delayed(0.7)
    y = delayed(lambda x: np.exp(x * np.sin(x)))(x)
    for _ in range(3):
        y = grad(y, x)
    third: Any = lambda x: anp.exp(x * anp.sin(x))  # noqa: E731  # wrapped thrice
    for _ in range(3):
        third = autograd.grad(third)

    assert y.compute() == pytest.approx(third(0.7), rel=1e-12)


def test_black_boxes_and_rules_mix_at_second_order() -> None:
    at = RNG.normal(size=(3, 3)) + 3 * np.eye(3)
    x = delayed(at)
    y = delayed(np.sum)(np.tanh(delayed(np.linalg.inv)(delayed(square)(x))) * x)
    along = RNG.normal(size=(3, 3))

    def theirs(x: Any) -> Any:
        return anp.sum(anp.tanh(anp.linalg.inv(x * x)) * x)

    expected = autograd.make_hvp(theirs)(at)[0](along)
    np.testing.assert_allclose(hvp(y, x, along).compute(), expected, rtol=1e-9)


def test_the_jvp_of_a_black_box_is_a_difference_along_the_tangent() -> None:
    along = RNG.normal(size=(4, 3))
    w = delayed(W1)
    found = jvp(delayed(layer)(X, w, B1), w, along).compute()

    eps = 1e-6
    expected = (layer(X, W1 + eps * along, B1) - layer(X, W1 - eps * along, B1)) / (2 * eps)
    np.testing.assert_allclose(found, expected, atol=1e-8)


def test_a_rule_that_tasks_cannot_follow_is_differentiated_by_watching() -> None:
    def cube_vjp(ct: Any, out: Any, x: Any) -> Any:
        if x > 0:  # the truth of a lazy value is refused
            return ct * 3 * x * x
        return ct * 3 * x**2

    x = delayed(2.0)
    y = delayed(lambda x: x**3, vjp=cube_vjp)(x)

    assert grad(grad(y, x), x).compute() == 12.0


# -------------------------------------------------------- which engine, what tasks
def engines_of(y: Any, wrt: Any) -> set[type]:
    made = grad(y, wrt)
    tasks = made.graph.values()
    return {type(task._function.func) for task in tasks} & {BlackBox, Known}


def test_numpys_functions_are_not_run_again() -> None:
    x = delayed(np.eye(3) * 2)

    assert engines_of(delayed(np.linalg.det)(x), x) == set()


def test_users_functions_are_watched() -> None:
    x = delayed(2.0)

    assert engines_of(delayed(lambda x: x * x)(x), x) == {BlackBox}


def test_one_wanted_argument_has_its_cotangent_for_a_result() -> None:
    x = delayed(3.0)
    made = grad(delayed(lambda x, y: x * y)(x, 2.0), x)

    assert "getitem" not in {task.name for task in made.graph.values() if hasattr(task, "name")}
    assert made.compute() == 2.0


def test_the_same_value_given_twice_counts_twice() -> None:
    x = delayed(3.0)

    assert grad(delayed(lambda x, y: x * x * y)(x, x), x).compute() == 27.0


def test_every_scheduler_gives_the_same_bits(scheduler: Scheduler) -> None:
    args = [delayed(value) for value in (X, W1, B1)]
    inner = delayed(layer)(*args)
    y = delayed(rosen)(delayed(np.ravel)(delayed(np.linalg.pinv)(inner)))

    found = compute(*grad(y, args), scheduler=scheduler)
    again = compute(*grad(y, args), scheduler="synchronous")

    for one, other in zip(found, again, strict=True):
        np.testing.assert_array_equal(one, other)


def test_gradients_of_functions_without_a_name_pickle() -> None:
    scale = 3.0
    x = delayed(np.arange(3.0))
    y = delayed(lambda x: scale * np.sum(np.linalg.norm(x)))(x)

    made = pickle.loads(pickle.dumps(grad(y, x)))

    np.testing.assert_allclose(made.compute(), 3 * np.arange(3) / np.sqrt(5))


def test_equal_calls_from_one_line_share_their_function() -> None:
    x = delayed(2.0)
    y = x
    for _ in range(3):
        y = delayed_square(y)
    made = grad(y, x)
    backs = [t._function for t in made.graph.values() if type(t._function.func) is BlackBox]

    assert len(backs) == 3
    assert len(set(backs)) == 1


delayed_square = delayed(square)


# ---------------------------------------------------------- containers, keywords
class Point(NamedTuple):
    x: Any
    y: Any


@dataclass
class Model:
    weight: Any
    name: str = "linear"


def test_parameters_in_containers_have_slopes() -> None:
    w, b, c = delayed(2.0), delayed(np.ones(2)), delayed(5.0)

    def loss(params: Any, *, point: Point, model: Model) -> Any:
        return params["w"] * params["layers"][0].sum() * point.y + model.weight * len(
            params["layers"]
        )

    y = delayed(loss)(
        {"w": w, "layers": [b, "relu"]}, point=Point(1, c), model=Model(delayed(7.0) * w)
    )
    found = compute(grad(y, {"w": w, "b": b, "c": c}))[0]

    assert found["w"] == 2 * 5 + 7 * 2
    np.testing.assert_array_equal(found["b"], [10.0, 10.0])
    assert found["c"] == 4.0


def test_a_task_that_gives_containers_has_the_slopes_of_their_parts() -> None:
    x = delayed(np.array([1.0, 2.0, 3.0]))
    found = delayed(moments)(x)
    y = found[0] + 10 * found[1]["squares"] + 100 * found[2][0]

    np.testing.assert_array_equal(grad(y, x).compute(), [1 + 20 + 100, 1 + 40, 1 + 60])


def test_items_of_containers_that_hold_dataclasses_have_slopes() -> None:
    x = delayed(3.0)
    models = delayed(lambda x: [Model(x * x), "text", Model(x)])(x)
    y = models[0].weight * 5 + delayed(lambda model: model.weight**2)(models[2])

    assert grad(y, x).compute() == 5 * 6 + 2 * 3


def test_a_whole_container_is_taken_and_given() -> None:
    def normal(params: Any) -> Any:
        return {name: value / 2 for name, value in params.items()}

    def energy(params: Any) -> Any:
        return sum(np.sum(value**2) for value in params.values())

    a, b = delayed(np.arange(2.0)), delayed(3.0)
    y = delayed(energy)(delayed(normal)(delayed({"a": a, "b": b})))
    found = grad(y, [a, b])

    np.testing.assert_array_equal(found[0].compute(), np.arange(2.0) / 2)
    assert found[1].compute() == 1.5


def test_a_function_may_change_the_containers_that_it_is_given() -> None:
    def loss(params: Any) -> Any:
        params["w"] = params["w"] * 2
        return params.pop("w") ** 2

    w = delayed(3.0)

    assert grad(delayed(loss)({"w": w}), w).compute() == 24.0


def test_unpacked_results_have_slopes() -> None:
    x = delayed(np.array([3.0, 4.0]))
    first, second = delayed(lambda x: (x[0] * x[1], x.sum()), nout=2)(x)

    np.testing.assert_array_equal(grad(first + 10 * second, x).compute(), [14.0, 13.0])


def test_attributes_of_a_result_have_slopes() -> None:
    x = delayed(np.diag([3.0, 4.0]))
    y = delayed(np.sum)(delayed(np.linalg.eigh)(x).eigenvalues * np.array([1.0, 10.0]))

    np.testing.assert_allclose(grad(y, x).compute(), np.diag([1.0, 10.0]))


def test_fields_of_a_dataclass_that_a_task_gives_have_slopes() -> None:
    x = delayed(3.0)
    model = delayed(lambda x: Model(x * x))(x)
    y = model.weight * 5 + delayed(lambda model: model.weight**2)(model)

    assert grad(y, x).compute() == 5 * 6 + 4 * 27


def test_keyword_arguments_have_slopes() -> None:
    x, y = delayed(2.0), delayed(3.0)
    goal = delayed(lambda a, *, b: a * b)(b=y, a=x)

    assert compute(*grad(goal, [x, y])) == (3.0, 2.0)


# --------------------------------------------------------------- kinds of numbers
def test_float32_stays() -> None:
    x = delayed(np.arange(3, dtype=np.float32))
    found = grad(delayed(lambda x: (np.sin(x) * 2).mean())(x), x).compute()

    assert found.dtype == np.float32


@pytest.mark.parametrize(
    ("value", "kind"),
    [(3, float), (3.0, float), (np.float32(3), np.float32), (np.int64(3), np.float64)],
    ids=str,
)
def test_slopes_are_of_the_kind_of_their_numbers(value: Any, kind: type) -> None:
    x = delayed(value)
    found = grad(delayed(lambda x: x * x)(x), x).compute()

    assert type(found) is kind
    assert found == 6


def test_whole_numbers_have_slopes_in_float64() -> None:
    x = delayed(np.arange(3))
    found = grad(delayed(lambda x: np.sum(x * x[0] + x**2))(x), x).compute()

    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, [3.0, 2.0, 4.0])


def test_positions_that_a_task_finds_stay_whole() -> None:
    x = delayed(np.array([3.0, 1.0, 2.0]))
    order = delayed(lambda x: np.argsort(x))(x)  # noqa: PLW0108  # a black box
    y = delayed(lambda x, order: x[order] @ np.array([1.0, 10.0, 100.0]))(x, order)

    np.testing.assert_array_equal(grad(y, x).compute(), [100.0, 1.0, 10.0])


def test_complex_numbers_follow_autograds_convention() -> None:
    at = RNG.normal(size=3) + 1j * RNG.normal(size=3)
    z = delayed(at)
    found = grad(delayed(lambda z: np.sum(np.abs(z * z) ** 2))(z), z).compute()

    expected = autograd.grad(lambda z: anp.sum(anp.abs(z * z) ** 2))(at)
    np.testing.assert_allclose(found, expected)
    step = 1e-6
    by_a = (abs((at[0] + step) ** 2) ** 2 - abs((at[0] - step) ** 2) ** 2) / (2 * step)
    by_b = (abs((at[0] + 1j * step) ** 2) ** 2 - abs((at[0] - 1j * step) ** 2) ** 2) / (2 * step)
    assert found[0] == pytest.approx(by_a - 1j * by_b, rel=1e-6)


def test_truth_values_have_no_slope_and_disturb_nothing() -> None:
    x = delayed(np.array([1.0, -2.0]))
    mask = delayed(lambda x: x > 0)(x)
    y = delayed(lambda x, mask: np.sum(np.where(mask, x**2, -x)))(x, mask)

    np.testing.assert_array_equal(grad(y, x).compute(), [2.0, -1.0])


def test_a_constant_has_zeros_for_slopes() -> None:
    x = delayed(np.ones(2))
    y = delayed(lambda x: float(x.shape[0]) + np.floor(x[0]))(x)

    np.testing.assert_array_equal(grad(y, x).compute(), [0.0, 0.0])


# -------------------------------------------------------------- many threads
def test_a_trace_that_ends_in_another_thread_leaves_ours_alone() -> None:
    """There it begins before ours, and ends before our inner one begins: depths would be equal."""
    there, here = threading.Event(), threading.Event()

    def other(leaves: Any) -> Any:
        there.set()
        assert here.wait(10)
        return leaves[0] * 2

    thread = threading.Thread(target=pull_back, args=(other, 1.0, [1.0], (0,)))

    def outer(leaves: Any) -> Any:
        (x,) = leaves
        here.set()
        thread.join()
        (inner,) = pull_back(lambda y: x * y[0], 1.0, [2.0], (0,))
        return x * inner  # x squared

    thread.start()
    assert there.wait(10)

    assert pull_back(outer, 1.0, [3.0], (0,)) == [6.0]


def test_second_derivatives_on_many_threads_are_right() -> None:
    points = np.linspace(0.1, 2.0, 120)
    xs = [delayed(at) for at in points]
    goals = [delayed(lambda x: np.sin(x) * np.exp(x))(x) for x in xs]
    seconds = [grad(grad(goal, x), x) for goal, x in zip(goals, xs, strict=True)]

    found = compute(*seconds, scheduler="threads", num_workers=8)

    np.testing.assert_allclose(found, 2 * np.cos(points) * np.exp(points), rtol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("each", [200, pytest.param(2_500, marks=pytest.mark.exhaustive)])
def test_thousands_of_nested_traces_in_eight_threads_are_right(each: int) -> None:
    points = np.tile(np.linspace(0.1, 2.0, each), 8)

    def first(leaves: Any) -> Any:
        return pull_back(lambda x: np.sin(x[0]) * np.exp(x[0]), 1.0, leaves, (0,))[0]

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(lambda at: pull_back(first, 1.0, [at], (0,))[0], points))
    finally:
        sys.setswitchinterval(before)

    np.testing.assert_allclose(found, 2 * np.cos(points) * np.exp(points), rtol=1e-10)


def test_users_own_autograd_goes_on_beside_ours_in_threads() -> None:
    wrong: list[Any] = []
    start = threading.Barrier(8)

    def theirs() -> None:
        start.wait()
        for at in np.linspace(0.1, 2, 100):
            second = autograd.grad(autograd.grad(lambda x: anp.sin(x) * x))
            if abs(second(at) - (2 * np.cos(at) - at * np.sin(at))) > 1e-10:
                wrong.append(at)

    def ours() -> None:
        start.wait()
        for at in np.linspace(0.1, 2, 20):
            x = delayed(at)
            found = grad(delayed(lambda x: np.sin(x) * x)(x), x).compute(scheduler="synchronous")
            if abs(found - (np.sin(at) + at * np.cos(at))) > 1e-10:
                wrong.append(at)

    threads = [threading.Thread(target=func) for func in (theirs, ours) * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert not wrong


def test_autograd_inside_a_function_that_is_watched() -> None:
    def slope_of_cube(x: Any) -> Any:
        return autograd.grad(lambda y: y**3 * x)(x)  # 3 x^3

    x = delayed(2.0)

    with pytest.raises(NotDifferentiable, match="Can't differentiate"):
        grad(delayed(slope_of_cube)(x), x).compute()


def test_users_boxes_are_autograds_own_still() -> None:
    seen = []

    def note(x: Any) -> Any:
        seen.append(type(x).__name__)
        return x * x

    assert autograd.grad(note)(3.0) == 6.0
    assert seen == ["ArrayBox"]


# ---------------------------------------------------- run again: chance, async, retries
@lru_cache
def cached_square(x: Any) -> Any:
    return x * x


def test_functions_with_a_cache_are_watched() -> None:
    x = delayed(3.0)

    assert grad(delayed(cached_square)(x), x).compute() == 6.0


async def slowly(x: Any) -> Any:
    await asyncio.sleep(0)
    return x**3


@pytest.mark.parametrize("scheduler", ["synchronous", "threads"])
def test_async_functions_are_watched(scheduler: str) -> None:
    x = delayed(2.0)

    assert grad(delayed(slowly)(x), x).compute(scheduler=scheduler) == 12.0


def test_a_flaky_function_is_tried_again_on_the_way_back() -> None:
    calls = []

    def flaky(x: Any) -> Any:
        calls.append(type(x).__name__)
        if len(calls) in (1, 3):
            raise OSError("try again")
        return x * x

    x = delayed(3.0)
    y = delayed(flaky, retries=1, retry_on=OSError)(x)

    assert compute(*value_and_grad(y, x)) == (9.0, 6.0)
    assert calls == ["float", "float", "TracedArray", "TracedArray"]


# ------------------------------------------------------------- without autograd
def run_without_autograd(code: str) -> str:
    blocked = "import sys; sys.modules['autograd'] = None\n" + code
    shown = subprocess.run(
        [sys.executable, "-c", blocked], capture_output=True, text=True, check=False
    )
    return shown.stdout + shown.stderr


def test_without_autograd_the_table_works() -> None:
    code = (
        "import numpy as np; from lazygraph import delayed, grad; x = delayed(2.0)\n"
        "print(grad(delayed(np.exp)(x * x), x).compute() == 4 * np.exp(4.0))"
    )

    assert run_without_autograd(code) == "True\n"


def test_without_autograd_functions_are_traced() -> None:
    code = (
        "from lazygraph import delayed, grad; x = delayed(2.0)\n"
        "def cube(x): return x ** 3 if x > 0 else 0.0\n"
        "print(grad(delayed(cube)(x), x).compute())"
    )

    assert run_without_autograd(code) == "12.0\n"


def test_the_engines_before_ours_need_no_autograd() -> None:
    code = (
        "from lazygraph import delayed, grad; x = delayed(2.0)\n"
        "y = delayed(lambda x: x ** 3, vjp=lambda ct, out, x: ct * 3 * x * x)(x)\n"
        "print(grad(grad(y, x), x).compute())"
    )

    assert run_without_autograd(code) == "12.0\n"


def test_watching_raises_no_warnings() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        x = delayed(2.0)
        assert grad(delayed(lambda x: 1.0)(x), x).compute() == 0.0

"""Rules that users give: for every call of a function, or for a function wherever it is."""

from __future__ import annotations

import math
import pickle
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from lazygraph import compute, delayed
from lazygraph.autodiff import defvjp, grad, users, value_and_grad, vjp
from lazygraph.errors import CaptureError, CotangentError, OptionError
from lazygraph.protocols import Scheduler


def scaled(x: Any, by: Any = 2.0, *, shift: Any = 0.0) -> Any:
    return x * by + shift


def scaled_vjp(ct: Any, _out: Any, x: Any, by: Any = 2.0, **_shift: Any) -> Any:
    return (ct * by, ct * x, ct)[: 3 if _shift else 2]


@pytest.fixture(autouse=True)
def _forget_rules() -> Iterator[None]:
    """Leave no rules behind."""
    before = dict(users._RULES)
    yield
    users._RULES.clear()
    users._RULES.update(before)


# ------------------------------------------------------------------- that they are used
def test_the_users_rule_goes_before_everything() -> None:
    """A wrong one, on purpose: the right slope would be 6."""
    x = delayed(3.0)
    y = delayed(lambda x: x * x, vjp=lambda ct, out, x: ct * 100)(x)

    assert grad(y, x).compute() == 100.0


def test_a_rule_holds_for_a_function_of_a_library() -> None:
    defvjp(math.gamma, lambda ct, out, x: ct * out * 0.5)
    x = delayed(4.0)

    assert grad(delayed(math.gamma)(x), x).compute() == 3.0


def test_a_rule_for_a_lazy_function_holds_for_the_function() -> None:
    cube = delayed(lambda x: x**3)
    defvjp(cube, lambda ct, out, x: ct * 7)
    x = delayed(2.0)

    assert grad(cube(x), x).compute() == 7.0


def test_the_option_goes_before_defvjp() -> None:
    defvjp(scaled, lambda ct, out, x: ct * 5)
    x = delayed(2.0)

    assert grad(delayed(scaled)(x), x).compute() == 5.0
    assert grad(delayed(scaled, vjp=lambda ct, out, x: ct * 9)(x), x).compute() == 9.0


def test_a_rule_is_given_the_cotangent_the_result_and_the_arguments() -> None:
    seen = []

    def rule(*args: Any, **kwargs: Any) -> Any:
        seen.append((args, kwargs))
        return 1.0, 2.0, 3.0

    x, by, shift = delayed(2.0), delayed(3.0), delayed(1.0)
    y = delayed(scaled, vjp=rule)(x, shift=shift, by=by)
    found = compute(*grad(10 * y, [x, by, shift]), scheduler="synchronous")

    assert seen == [((10.0, 7.0, 2.0), {"by": 3.0, "shift": 1.0})]
    assert found == (1.0, 2.0, 3.0)  # in the order of the signature, not of the call


def test_cotangents_follow_the_signature_after_starred_arguments() -> None:
    def poly(*coefficients: Any, at: Any) -> Any:
        return sum(c * at**n for n, c in enumerate(coefficients))

    def rule(ct: Any, _out: Any, *coefficients: Any, at: Any) -> Any:
        slope = sum(n * c * at ** (n - 1) for n, c in enumerate(coefficients))
        return (*[ct * at**n for n in range(len(coefficients))], ct * slope)

    given = [delayed(c) for c in (5.0, 3.0, 2.0)]
    at = delayed(10.0)
    found = compute(*grad(delayed(poly, vjp=rule)(*given, at=at), [*given, at]))

    assert found == (1.0, 10.0, 100.0, 43.0)


def test_only_what_leads_on_is_differentiated() -> None:
    x = delayed(2.0)
    y = delayed(scaled, vjp=lambda ct, out, x, by: (ct * by, None))(x, 3.0)

    assert grad(y, x).compute() == 3.0


def test_none_stands_for_zero() -> None:
    x = delayed(np.ones(3))
    y = delayed(lambda x: x.sum(), vjp=lambda ct, out, x: None)(x)

    np.testing.assert_array_equal(grad(y, x).compute(), np.zeros(3))


def test_arguments_in_dicts_and_lists_have_cotangents_like_them() -> None:
    def weighed(params: Any, items: Any) -> Any:
        return params["w"] * items[0] + params["b"] * items[1]

    def rule(ct: Any, _out: Any, params: Any, items: Any) -> Any:
        return (
            {"w": ct * items[0], "b": ct * items[1]},
            [ct * params["w"], None],
        )

    w, b, one, two = (delayed(value) for value in (2.0, 3.0, 5.0, 7.0))
    y = delayed(weighed, vjp=rule)({"w": w, "b": b}, [one, two])

    assert compute(*grad(y, [w, b, one, two])) == (5.0, 7.0, 2.0, 0.0)


def test_a_list_for_the_only_argument_is_its_cotangent() -> None:
    x, y = delayed(2.0), delayed(3.0)
    goal = delayed(sum, vjp=lambda ct, out, items: [ct * 10, ct * 20])([x, y])

    assert compute(*grad(goal, [x, y])) == (10.0, 20.0)


def test_the_cotangent_of_a_structured_result_has_no_holes() -> None:
    def rule(ct: Any, _out: Any, x: Any) -> Any:
        return ct["a"] * 2 + ct["b"][0] * 3

    x = delayed(1.0)
    y = delayed(lambda x: {"a": 2 * x, "b": [3 * x]}, vjp=rule)(x)

    assert grad(y["b"][0], x).compute() == 3.0


def test_cotangents_take_the_dtype_of_their_values() -> None:
    x = delayed(np.ones(3, np.float32))
    y = delayed(lambda x: x.sum(), vjp=lambda ct, out, x: np.full(3, 2.0))(x)

    assert grad(y, x).compute().dtype == np.float32


# ---------------------------------------------------------------------- second order
def test_a_rule_in_numpy_and_operators_is_differentiated_as_tasks() -> None:
    x = delayed(0.5)
    y = delayed(math.sin, vjp=lambda ct, out, x: ct * np.cos(x))(x)

    second = grad(grad(y, x), x)

    assert second.compute() == pytest.approx(-math.sin(0.5))


def test_a_rule_that_makes_arrays_is_differentiated_by_watching() -> None:
    def rule(ct: Any, _out: Any, x: Any) -> Any:
        return np.array([ct * 3 * x[0] ** 2, ct * 2 * x[1]])

    x = delayed(np.array([2.0, 5.0]))
    y = delayed(lambda x: x[0] ** 3 + x[1] ** 2, vjp=rule)(x)

    found = vjp(grad(y, x), x, np.ones(2)).compute()

    np.testing.assert_array_equal(found, [12.0, 2.0])


def test_a_rule_that_takes_arrays_of_its_arguments_is_not_misread_at_second_order() -> None:
    """Of a lazy value, such an array would hold the value as an object, of no shape."""

    def rule(ct: Any, _out: Any, x: Any) -> Any:
        return ct * 2 * np.array(x).sum() * np.ones_like(x)

    x = delayed(np.array([2.0, 5.0]))
    y = delayed(lambda x: x.sum() ** 2, vjp=rule)(x)

    np.testing.assert_array_equal(vjp(grad(y, x), x, np.ones(2)).compute(), [4.0, 4.0])


# ----------------------------------------------------------------------------- errors
WRONG: dict[str, tuple[Callable[..., Any], str]] = {
    "too few": (lambda ct, out, x, by: (ct,), r"vjp of scaled gives 1 value, .* has 2 arguments"),
    "too many": (lambda ct, out, x, by: (ct, ct, ct), r"gives 3 values, .* has 2 arguments"),
    "not a tuple": (lambda ct, out, x, by: ct.sum(), r"gives 2.0, and .* has 2 arguments"),
    "a shape": (
        lambda ct, out, x, by: (ct[:1], 0.0),
        r"what the vjp of scaled gives for argument 1 has shape \(1,\), and its value shape \(2,\)",
    ),
    "a text": (lambda ct, out, x, by: ("ct", 0.0), r"gives for argument 1 has shape \(\)"),
    "a text for a number": (
        lambda ct, out, x, by: (ct, "ct"),
        r"gives for argument 2 is 'ct' \(str\), which is no number",
    ),
    "an object for a number": (
        lambda ct, out, x, by: (ct, object()),
        r"gives for argument 2 is <object> .*which is no number",
    ),
}


@pytest.mark.parametrize(("rule", "match"), WRONG.values(), ids=WRONG)
def test_what_does_not_fit_is_named(rule: Any, match: str) -> None:
    x, by = delayed(np.ones(2)), delayed(2.0)
    y = delayed(np.sum)(delayed(scaled, vjp=rule)(x, by))

    with pytest.raises(CotangentError, match=match) as caught:
        compute(*grad(y, [x, by]))
    assert "test_user_rules.py" in "".join(caught.value.__notes__)  # where it was captured


def test_a_structure_that_does_not_fit_is_named() -> None:
    x = delayed(1.0)
    y = delayed(lambda p: p["w"], vjp=lambda ct, out, p: [ct])({"w": x})

    with pytest.raises(CotangentError, match=r"argument 1 is .*its value is a dict of 1"):
        grad(y, x).compute()


def test_keyword_arguments_are_named_in_errors() -> None:
    x = delayed(np.ones(2))
    y = delayed(np.sum)(delayed(scaled, vjp=lambda ct, out, x: ct[:1])(x=x))

    with pytest.raises(CotangentError, match="for argument 'x' has shape"):
        grad(y, x).compute()


def test_a_rules_own_error_keeps_its_type() -> None:
    x = delayed(1.0)
    y = delayed(scaled, vjp=lambda ct, out, x: 1 / 0)(x)

    with pytest.raises(ZeroDivisionError):
        grad(y, x).compute()


@pytest.mark.parametrize("vjp", [3, "sin", [math.sin]])
def test_a_rule_is_a_function(vjp: Any) -> None:
    with pytest.raises(OptionError, match="'vjp' is a function"):
        delayed(scaled, vjp=vjp)
    with pytest.raises(CaptureError, match="defvjp takes two functions"):
        defvjp(scaled, vjp)


def test_a_result_is_no_function_to_give_a_rule_for() -> None:
    with pytest.raises(CaptureError, match="defvjp takes two functions"):
        defvjp(delayed(1.0), lambda ct, out, x: ct)


def test_a_callable_without_a_hash_is_sent_to_the_option() -> None:
    class Unhashable:
        __hash__ = None  # type: ignore[assignment]

        def __call__(self, x: Any) -> Any:
            return x * x

    func = Unhashable()
    with pytest.raises(CaptureError, match="vjp="):
        defvjp(func, lambda ct, out, x: ct)

    x = delayed(3.0)
    assert grad(delayed(func, vjp=lambda ct, out, x: ct * 4)(x), x).compute() == 4.0


def test_a_rule_without_a_hash_is_taken() -> None:
    class Rule:
        __hash__ = None  # type: ignore[assignment]

        def __call__(self, ct: Any, out: Any, x: Any) -> Any:
            return ct * 4

    x = delayed(3.0)
    assert grad(delayed(scaled, vjp=Rule())(x), x).compute() == 4.0


# ------------------------------------------------------------- schedulers, keys, pickles
def test_every_scheduler_takes_rules(scheduler: Scheduler) -> None:
    x = delayed(3.0)
    factor = 5.0
    y = delayed(lambda x: x * x, vjp=lambda ct, out, x: ct * factor)(x)

    assert compute(*value_and_grad(y, x), scheduler=scheduler) == (9.0, 5.0)


def test_a_rule_leaves_content_keys_alone() -> None:
    plain = delayed(scaled, pure=True)(2.0)
    ruled = delayed(scaled, pure=True, vjp=scaled_vjp)(2.0)

    assert plain.key == ruled.key


def test_rules_travel_with_their_tasks() -> None:
    x = delayed(3.0)
    factor = 5.0
    y = delayed(lambda x: x * x, vjp=lambda ct, out, x: ct * factor)(x)

    y, x = pickle.loads(pickle.dumps([y, x]))

    assert compute(*grad(delayed(sum)([y, y]), [y])) == (2.0,)
    again = pickle.loads(pickle.dumps(grad(y * 1.0, y)))
    assert again.compute() == 1.0


def test_a_pickled_gradient_keeps_its_rule() -> None:
    x = delayed(3.0)
    factor = 5.0
    y = delayed(lambda x: x * x, vjp=lambda ct, out, x: ct * factor)(x)

    assert pickle.loads(pickle.dumps(grad(y, x))).compute() == 5.0

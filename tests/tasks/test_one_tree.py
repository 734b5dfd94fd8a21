"""Whatever takes nested values takes containers of every kind, nested in each other."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

import lazygraph
from lazygraph import compute, delayed, function, grad, inputs, persist, register_container
from lazygraph.errors import InputError, NotFiniteError, TrainingError
from lazygraph.train import adam, fit, sgd

PACKAGE = Path(lazygraph.__file__).parent


class Layer:
    def __init__(self, w: Any, b: Any, name: str = "first") -> None:
        self.w, self.b, self.name = w, b, name


register_container(Layer, lambda x: ((x.w, x.b), x.name), lambda aux, parts: Layer(*parts, aux))


class Pair(NamedTuple):
    left: Any
    right: Any


@dataclass(frozen=True, slots=True)
class Model:
    layer: Any
    rest: Any


X = np.array([1.0, 2.0, 4.0])
NUMBERS = np.array([0.5, 1.0, -1.0]), 0.25, 2.0, 3.0


def nest(w: Any, b: Any, scale: Any, shift: Any) -> Model:
    return Model(Layer(w, b, "inner"), {"pair": Pair(scale, [shift])})


def parts(model: Any) -> list[Any]:
    assert (type(model), type(model.layer), model.layer.name) == (Model, Layer, "inner")
    assert type(model.rest["pair"]) is Pair
    return [model.layer.w, model.layer.b, model.rest["pair"].left, *model.rest["pair"].right]


def loss(model: Model, x: Any) -> Any:
    pair = model.rest["pair"]
    return np.sum((model.layer.w * x + model.layer.b) ** 2) * pair.left + pair.right[0] ** 2


def slopes() -> list[Any]:
    """The derivatives of `loss` at `NUMBERS`, by hand."""
    w, b, scale, shift = NUMBERS
    inner = w * X + b
    return [2 * inner * X * scale, np.sum(2 * inner) * scale, np.sum(inner**2), 2 * shift]


def assert_equal(found: list[Any], expected: list[Any]) -> None:
    for each, one in zip(found, expected, strict=True):
        np.testing.assert_allclose(each, one, rtol=1e-12)


def same(x: Any) -> Any:
    return x


def test_compute_and_persist() -> None:
    model = nest(*map(delayed(same), NUMBERS))
    assert_equal(parts(compute(model)[0]), list(NUMBERS))
    assert_equal(list(compute(*parts(persist(model)[0]))), list(NUMBERS))
    assert_equal([delayed(loss)(model, X).compute()], [loss(nest(*NUMBERS), X)])


@pytest.mark.parametrize("lazily", [loss, delayed(loss)], ids=["operators", "one task"])
def test_functions_and_gradients(lazily: Any) -> None:
    *names, x = inputs("w b scale shift x")
    model = nest(*names)
    fn = function([model, x], lazygraph.value_and_grad(lazily(model, x), model))

    value, grads = fn(nest(*NUMBERS), X)

    assert_equal([value], [loss(nest(*NUMBERS), X)])
    assert_equal(parts(grads), slopes())
    with pytest.raises(InputError, match=r"the value.* is 7, not a Layer of 2 parts"):
        fn(Model(7, {"pair": Pair(1.0, [2.0])}), X)


def test_gradients_of_ordinary_functions() -> None:
    assert_equal(parts(grad(loss)(nest(*NUMBERS), X)), slopes())


@pytest.mark.parametrize("lazily", [same, delayed(same)], ids=["operators", "one task"])
def test_gradients_by_an_instance_that_is_one_lazy_value(lazily: Any) -> None:
    """That of an instance of a registered class is another, that of a dataclass a dict."""
    layer = delayed([Layer(NUMBERS[0], NUMBERS[1])])
    made = lazily(layer)[0]
    found = grad(np.sum((made.w * X + made.b) ** 2), layer).compute()
    assert_equal([found[0].w, found[0].b], [each / NUMBERS[2] for each in slopes()[:2]])

    record = delayed(Model(2.0, 3.0))
    assert grad(delayed(lambda m: m.layer * m.rest)(record), record).compute() == {
        "layer": 3.0,
        "rest": 2.0,
    }


def test_training() -> None:
    *names, x = inputs("w b scale shift x")
    model = nest(*names)
    step = function([model, x], lazygraph.value_and_grad(loss(model, x), model))

    trained = fit(step, nest(*NUMBERS), [X], update=sgd(lr=0.125))
    assert_equal(
        parts(trained.params), [p - 0.125 * g for p, g in zip(NUMBERS, slopes(), strict=True)]
    )

    trained = fit(step, nest(*NUMBERS), [X], update=adam())  # its first step is by the sign
    moved = [p - 0.001 * np.sign(g) for p, g in zip(NUMBERS, slopes(), strict=True)]
    for each, one in zip(parts(trained.params), moved, strict=True):
        np.testing.assert_allclose(each, one, rtol=1e-6)


def test_training_refuses_gradients_that_nest_deeper() -> None:
    with pytest.raises(TrainingError, match="nest alike"):
        sgd()({"w": 1.0}, {"w": {"v": 1.0}})
    with pytest.raises(TrainingError, match="nest alike"):
        sgd()(Layer(1.0, 2.0), Layer(1.0, 2.0, "another"))


def test_the_search_for_nan() -> None:
    made = delayed(nest)(1.0, 2.0, 3.0, float("nan"))
    with pytest.raises(NotFiniteError, match=r"\.rest\['pair'\]\[1\]\[0\]"):
        compute(made, check_finite=True)


# ------------------------------------------------------------- one type switch
CONTAINERS = {"list", "tuple", "dict", "set", "frozenset", "Mapping", "Sequence", "Set"}

#: Functions that may look for containers and walk, and why.
EXCEPTIONS = {
    # A part of the field's own notation, not of users' nested values.
    "interop/legacy.py": "reads Dask's classic graphs: there a tuple may be a task",
    "interop/read.py": "likewise, with Dask's own objects inside",
    "interop/layer.py": "the name in a key of Dask's, the first item of nested tuples",
    "tasks/keys.py": "what may be a key: tuples of numbers and texts",
    "viz/scenes/arguments.py": "the little of an argument that is shown, by level",
    "randomness.py": "what may name a stream of random numbers",
    "schedulers/processes/worker.py": "takes messages from a queue; one is a tuple",
    # Values that are traced, of subclasses too, whose cotangents are like them.
    "autodiff": "cotangents of subclasses of lists and dicts, and numpy's nested lists",
}


def _names(tree: ast.AST) -> set[str]:
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


def _asks_for_containers(node: ast.AST) -> bool:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        return node.func.id in ("isinstance", "issubclass") and bool(
            _names(node.args[1]) & CONTAINERS
        )
    if not isinstance(node, ast.Compare):
        return False
    against = [
        each for each in node.comparators if isinstance(each, (ast.Name, ast.Tuple, ast.Set))
    ]
    return any(_names(each) & CONTAINERS for each in against)


def _walks(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether a function calls itself, or loops until a stack is empty."""
    own = {node.attr for node in ast.walk(function) if isinstance(node, ast.Attribute)}
    loops = any(isinstance(node, ast.While) for node in ast.walk(function))
    return loops or function.name in own | _names(function)


def test_no_other_module_walks_through_containers_by_their_types() -> None:
    walkers = {
        f"{path.relative_to(PACKAGE)}:{function.name}"
        for path in PACKAGE.rglob("*.py")
        for function in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef))
        and any(map(_asks_for_containers, ast.walk(function)))
        and _walks(function)
    }
    assert {name for name in walkers if not name.startswith(tuple(EXCEPTIONS))} == set()
    for place in EXCEPTIONS:  # no exception is kept that nobody needs
        assert any(name.startswith(place) for name in walkers), place

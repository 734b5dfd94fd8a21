"""Classes of the user's are containers once they are registered, whoever runs the tasks."""

from __future__ import annotations

import pickle
import re
from typing import Any

import pytest

import lazygraph
from lazygraph import compute, delayed, literal, register_container
from lazygraph.errors import CaptureError, NotFiniteError
from lazygraph.tasks.tree_paths import get_in, leaves_with_path
from lazygraph.tasks.treedef import tree_map


class Interval:
    def __init__(self, low: Any, high: Any, unit: str = "m") -> None:
        self.low, self.high, self.unit = low, high, unit

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Interval) and vars(other) == vars(self)

    __hash__ = None  # type: ignore[assignment]


def flatten(x: Interval) -> Any:
    return (x.low, x.high), x.unit


def unflatten(unit: str, children: tuple[Any, ...]) -> Interval:
    return Interval(*children, unit)


register_container(Interval, flatten, unflatten)


@delayed
def same(x: Any) -> Any:
    return x


@delayed
def width(x: Interval) -> Any:
    return x.high - x.low


def test_lazy_values_are_found_inside(scheduler: Any) -> None:
    given = Interval([same(1)], {"a": same(2)}, "km")
    assert same(given).compute(scheduler=scheduler) == Interval([1], {"a": 2}, "km")
    assert compute([given], scheduler=scheduler)[0] == [Interval([1], {"a": 2}, "km")]
    assert delayed(given).high["a"].compute(scheduler=scheduler) == 2


def test_a_class_that_a_worker_cannot_import(scheduler: Any) -> None:
    class Local(Interval):
        pass

    register_container(Local, lambda x: ((x.low, x.high), None), lambda _, c: Local(*c))

    @delayed
    def outer(x: Local) -> Any:
        # The worker knows the class by what came with the argument.
        return lazygraph.compute(width(Local(same(x.low), same(x.high))), scheduler="sync")[0]

    assert outer(Local(same(1), same(4))).compute(scheduler=scheduler) == 3


@pytest.mark.parametrize("scheduler", ["threads", "processes"])
def test_a_class_whose_instances_a_worker_makes_itself(scheduler: str) -> None:
    class Made(Interval):
        pass

    register_container(Made, lambda x: ((x.low, x.high), None), lambda _, c: Made(*c))

    @delayed
    def outer() -> Any:
        return lazygraph.compute(width(Made(same(1), same(4))), scheduler="sync")[0]

    assert outer().compute(scheduler=scheduler) == 3


def test_pickles_of_lazy_values_know_the_class() -> None:
    lazy = same(Interval(same(1), 2))
    assert pickle.loads(pickle.dumps(lazy)).compute() == Interval(1, 2)


def test_what_holds_nothing_lazy_is_passed_as_it_is() -> None:
    given = Interval(1, [2])
    assert same(given).compute(scheduler="sync") is given


def test_maps_and_paths_go_inside() -> None:
    given = {"a": Interval(1, [2])}
    assert tree_map(lambda a, b: a + b, given, given) == {"a": Interval(2, [4])}
    assert [get_in(given, path or ()) for _, path in leaves_with_path(given)] == [1, 2]


def test_checks_look_inside() -> None:
    with pytest.raises(NotFiniteError, match="nan"):
        same(Interval(1, same(float("nan")))).compute(check_finite=True)
    made = delayed(lambda: Interval(0, float("inf")))()
    with pytest.raises(NotFiniteError, match="inf"):
        made.compute(check_finite=True)


class Other:
    pass


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ((1, flatten, unflatten), "takes a class, not 1"),
        ((Other, 1, unflatten), "a function as flatten, not 1"),
        ((Other, flatten, None), "a function as unflatten, not None"),
        ((list, flatten, unflatten), "lazygraph itself knows how list"),
        ((int, flatten, unflatten), "lazygraph itself knows how int"),
        ((lazygraph.Delayed, flatten, unflatten), "lazygraph itself knows how Delayed"),
        ((Interval, flatten, lambda *_: None), "Interval is registered already"),
    ],
)
def test_nonsense_is_refused(given: Any, message: str) -> None:
    with pytest.raises(CaptureError, match=message):
        register_container(*given)


def test_the_same_code_may_run_again() -> None:
    register_container(Interval, flatten, unflatten)


@pytest.mark.parametrize(
    ("flat", "build", "message"),
    [
        (lambda x: 5, None, r"must return \(children, aux\)"),
        (lambda x: (5, None), None, r"must return \(children, aux\)"),
        (lambda x: ([x.v], {}), None, "aux that cannot be hashed"),
        (lambda x: ([x.v], None), lambda c, aux: c, "unflatten(aux, children) of"),
    ],
)
def test_functions_that_do_not_keep_the_contract_are_named(
    flat: Any, build: Any, message: str
) -> None:
    class Bad:
        def __init__(self) -> None:
            self.v = same(1)

    register_container(Bad, flat, build or (lambda aux, children: Bad()))
    match = message if message.startswith("must") else re.escape(message)
    with pytest.raises(CaptureError, match=match if "\\" not in message else message):
        compute(same(Bad()), scheduler="sync")


def test_a_lazy_value_in_aux_is_refused() -> None:
    class Box(Interval):
        pass

    register_container(Box, lambda x: ((x.low,), (x.high,)), lambda aux, c: Box(*c, *aux))
    with pytest.raises(CaptureError, match="returned a lazy value in aux: make it a child"):
        same(Box(same(1), same(2)))


class Plain:
    def __init__(self, held: Any) -> None:
        self.held = held


class Slotted:
    __slots__ = ("held", "never_set")

    def __init__(self, held: Any) -> None:
        self.held = held


@pytest.mark.parametrize("kind", [Plain, Slotted])
@pytest.mark.parametrize("nest", [lambda x: x, lambda x: [1, x], lambda x: {"a": x}])
def test_instances_that_hold_lazy_values_are_refused_by_name(kind: Any, nest: Any) -> None:
    held = kind(nest(same(1)))
    assert same(kind(nest(1))).compute().held == nest(1)
    for take in (same, compute, delayed):
        with pytest.raises(CaptureError, match=rf"a {kind.__name__} holds .*register_container"):
            take(held)
    assert same(literal(held)).compute() is held
    assert compute(held, traverse=False) == (held,)


def test_methods_of_what_holds_lazy_values_get_their_instance() -> None:
    class Steps(Plain):
        @delayed
        def twice(self, x: int) -> int:
            return 2 * x

    steps = Steps(same(3))
    assert steps.twice(steps.held).compute() == 6


def test_arrays_and_tables_that_hold_lazy_values_are_refused() -> None:
    np, pd = pytest.importorskip("numpy"), pytest.importorskip("pandas")
    x = same(1)
    array = np.array([[1, x]], object)
    table = pd.DataFrame({"a": [0.5, 1.5], "b": ["c", "d"], "e": [2, x]})
    for value in (array, np.array(x, object), table, table["e"]):
        with pytest.raises(CaptureError, match=f"{type(value).__name__}.* holds lazy values"):
            same(value)
    for value in (np.array([1, None], object), table[["a", "b"]], table["b"], np.zeros(3)):
        assert same(value).compute() is value


def test_functions_of_graphs_are_arguments_though_they_hold_lazy_values() -> None:
    x = lazygraph.inputs("x")
    assert delayed(lambda f: f(2))(lazygraph.function([x], x + 1)).compute() == 3

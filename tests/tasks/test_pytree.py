"""Lazy values are found in containers of every kind, at any depth; the rest is left alone."""

from __future__ import annotations

import functools
import itertools
from collections import Counter, OrderedDict, deque, namedtuple
from dataclasses import dataclass, field
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tasks import inc

from lazygraph import Ref, compute, delayed, literal
from lazygraph.errors import CaptureError
from lazygraph.tasks.pytree import LAZY, flatten
from lazygraph.tasks.treedef import tree_flatten

Point = namedtuple("Point", "x y")  # noqa: PYI024  # the untyped kind counts too


@dataclass(frozen=True)
class Frozen:
    a: Any
    b: Any = None


@dataclass
class Derived:
    a: Any
    items: list[Any] = field(default_factory=list)
    twice: Any = field(init=False)

    def __post_init__(self) -> None:
        self.twice = self.a * 2


@dataclass
class WithMore:
    """A class variable, and an attribute that is no field."""

    a: Any
    shared: ClassVar[int] = 7

    def __post_init__(self) -> None:
        self.noted = [self.a]


def test_a_dataclass_keeps_what_is_no_field() -> None:
    made = delayed(lambda x: x)(WithMore(one())).compute()
    assert (made.a, made.noted, made.shared) == (1, [1], 7)
    assert "shared" not in vars(made)


@dataclass(slots=True)
class Slotted:
    a: Any


def one() -> Any:
    return delayed(inc)(0)


@pytest.mark.parametrize(
    ("given_", "expected"),
    [
        (lambda: [one()], [1]),
        (lambda: (one(),), (1,)),
        (lambda: {one()}, {1}),
        (lambda: frozenset([one()]), frozenset([1])),
        (lambda: {one(): one()}, {1: 1}),
        (lambda: {(one(), 2): [one()]}, {(1, 2): [1]}),
        (lambda: slice(one(), None, one()), slice(1, None, 1)),
        (lambda: Point(one(), [one()]), Point(1, [1])),
        (lambda: Frozen(one(), {"k": one()}), Frozen(1, {"k": 1})),
        (lambda: Slotted(one()), Slotted(1)),
        (lambda: Derived(one(), [one()]), Derived(1, [1])),
        (lambda: [[[[[one(), 2], 3], 4], 5], 6], [[[[[1, 2], 3], 4], 5], 6]),
        (
            lambda: [1, (2, one()), 3, {"a": 4, "b": [5, one()]}, one()],
            [1, (2, 1), 3, {"a": 4, "b": [5, 1]}, 1],
        ),
        (lambda: iter([one(), 2]), [1, 2]),
        (lambda: iter((one(), 2)), [1, 2]),
        (lambda: iter([3, 2]), [3, 2]),
        (lambda: iter(list(range(5_000))), list(range(5_000))),
        (lambda: [*range(5_000), one()], [*range(5_000), 1]),
        (lambda: [*range(5_000), [one()]], [*range(5_000), [1]]),
    ],
)
def test_every_container(given_: Any, expected: Any) -> None:
    argument = given_()
    assert delayed(lambda x: x)(argument).compute() == expected
    result = delayed(lambda *, key: key)(key=given_()).compute()
    assert result == expected
    assert type(result) is type(expected)


def test_partial_keeps_all_its_parts() -> None:
    argument = functools.partial(max, one(), 5, key=delayed(lambda: abs)())
    result = delayed(lambda x: x)(argument).compute()
    assert (result.func, result.args, result.keywords) == (max, (1, 5), {"key": abs})


def test_what_holds_nothing_lazy_is_left_as_it_is() -> None:
    for value in (
        Frozen([1]),
        Derived(1),
        Point(1, 2),
        functools.partial(max, 1),
        (1, "a"),
        range(3),
        object(),
    ):
        assert delayed(lambda x: x)(value).compute() is value


class Fields(list):  # type: ignore[type-arg]
    """A list of its own kind: not opened, as in Dask."""


class Output(OrderedDict[str, Any]):
    """A dict whose items are attributes too."""


@dataclass
class Record(OrderedDict):  # type: ignore[type-arg]
    """What is in it are not its attributes alone."""

    a: Any


def test_subclasses_are_not_opened() -> None:
    value = Fields([1, [2]])
    assert delayed(lambda x: x)(value).compute() is value


@pytest.mark.parametrize(
    "hidden",
    [
        lambda x: Fields([1, x]),
        lambda x: Counter({"a": x}),
        lambda x: Output({x: 1}),
        Record,
        lambda x: deque([x]),
        lambda x: {1: x}.values(),
        lambda x: {1: x}.items(),
    ],
)
def test_lazy_values_are_refused_where_they_would_not_be_found(hidden: Any) -> None:
    value = hidden(one())
    same = delayed(lambda x: x)
    with pytest.raises(CaptureError, match=r"holds lazy values.*register_container"):
        same([value])
    with pytest.raises(CaptureError, match="holds lazy values"):
        compute(value)
    assert same(literal(value)).compute() is value
    assert compute(value, traverse=False)[0] is value
    assert delayed(value, traverse=False).compute() is value
    assert same(hidden(3)).compute() is not None


def test_a_dataclass_that_is_a_dict_as_well_loses_nothing() -> None:
    value = Record([1])
    value["b"] = 2
    found = delayed(lambda x: x)([value, one()]).compute()[0]
    assert found is value
    assert (found.a, dict(found)) == ([1], {"b": 2})


def test_depth_is_not_limited() -> None:
    nested: Any = one()
    for _ in range(5_000):
        nested = [nested]
    result = delayed(lambda x: x)(nested).compute()
    for _ in range(5_000):
        (result,) = result
    assert result == 1


def test_a_container_that_contains_itself_is_refused() -> None:
    loop: list[Any] = [1]
    loop.append(loop)
    with pytest.raises(CaptureError, match="holds a list that contains itself"):
        delayed(inc)(loop)
    mapping: dict[str, Any] = {}
    mapping["self"] = (mapping,)
    with pytest.raises(CaptureError, match=r"pass it as literal\(\.\.\.\)"):
        compute(mapping)


@pytest.mark.parametrize(
    "wrap", [lambda f: (f, 1), Frozen, lambda f: Point(f, (f,)), lambda f: ((f,), [f])]
)
def test_a_delayed_function_in_a_container_is_the_function(wrap: Any) -> None:
    assert delayed(lambda x: x)(wrap(delayed(inc))).compute() == wrap(inc)


def test_the_same_list_twice_is_no_loop() -> None:
    shared = [one()]
    assert delayed(lambda x: x)([shared, shared]).compute() == [[1], [1]]


@pytest.mark.parametrize(
    "once",
    [
        lambda: (i for i in [1]),
        lambda: map(inc, [1]),
        lambda: filter(None, [1]),
        lambda: zip([1]),
        lambda: itertools.chain([1]),
        lambda: itertools.islice([1, 2], 1),
    ],
)
def test_iterators_that_can_be_read_once_are_refused(once: Any) -> None:
    with pytest.raises(CaptureError, match="can be read only once"):
        delayed(list)(once())
    with pytest.raises(CaptureError, match="can be read only once"):
        delayed(list)([1, once()])
    assert len(delayed(list)(literal(once())).compute()) == 1


class Liar:
    """Answers every attribute, of instances and of the class."""

    def __getattr__(self, name: str) -> Any:
        return lambda *args, **kwargs: self


class LyingMeta(type):
    def __getattr__(cls, name: str) -> Any:
        return "whatever"


class ClassLiar(metaclass=LyingMeta):
    pass


@pytest.mark.parametrize(
    "liar",
    [Liar(), Liar, ClassLiar(), ClassLiar],
    ids=["an instance", "its class", "of a lying metaclass", "that class"],
)
def test_objects_that_answer_any_attribute_pass_through(liar: Any) -> None:
    assert delayed(lambda x: x)(liar).compute() is liar
    assert delayed(lambda x: x)([liar, one()]).compute() == [liar, 1]
    assert delayed(lambda x, y: y)(delayed(liar), 2).compute() == 2
    with pytest.raises(ZeroDivisionError) as caught:
        delayed(lambda x: 1 / 0)(liar).compute()
    assert caught.value.__notes__


VALUES = st.recursive(
    st.integers() | st.text(max_size=3) | st.builds(Ref, st.text(max_size=2)),
    lambda inner: (
        st.lists(inner)
        | st.lists(inner).map(tuple)
        | st.dictionaries(st.text(max_size=2), inner)
        | st.builds(Point, inner, inner)
        | st.builds(Frozen, inner, inner)
        | st.builds(slice, inner, inner, inner)
    ),
    max_leaves=20,
)


@given(
    args=st.lists(VALUES, max_size=3), kwargs=st.dictionaries(st.text("abc", max_size=2), VALUES)
)
def test_flattened_arguments_build_again(args: Any, kwargs: Any) -> None:
    leaves, template = flatten(args, kwargs)
    built = (list(leaves), {}) if template is None else template.build(leaves)
    assert built == (args, kwargs)
    lazy = [leaf for leaf in leaves if type(leaf) in LAZY]
    assert len(lazy) == str((args, kwargs)).count("Ref(key=")


@pytest.mark.parametrize("n", [1, 1_000, 1_001, 100_000])
def test_a_container_that_is_changed_later_changes_no_result(n: int) -> None:
    values, mapping = list(range(n)), dict.fromkeys(range(n))
    lazies = delayed(len)(values), delayed(len)(mapping), delayed(len)(literal(values))
    values.append(-1)
    mapping[-1] = None
    assert compute(*lazies) == (n, n, n + 1)


def test_equal_templates_are_one_object() -> None:
    assert flatten(([Ref("a")],), {"k": 1})[1] is flatten(([Ref("b")],), {"k": 2})[1]


def _doubled(value: Any, times: int) -> Any:
    for n in range(times):
        value = [value, value] if n % 2 else {"a": value, "b": (value,)}
    return value


def test_what_an_argument_shares_is_read_once_and_stays_shared() -> None:
    nested = _doubled([[1, 2]], 40)  # a million million places

    ((kept,), template) = flatten((nested,))

    assert template is None
    assert kept is not nested
    assert kept[0] is kept[1]
    assert kept[0]["a"] is kept[0]["b"][0]
    assert delayed(len)(nested).compute() == 2
    few = _doubled([[1, 2]], 6)
    assert flatten((few,))[0] == (few,)


def test_what_is_shared_is_no_longer_the_users() -> None:
    shared = [[1]]
    total = delayed(lambda pair: sum(inner[0] for part in pair for inner in part))((shared, shared))
    shared.append([5])
    shared[0].append(7)
    assert total.compute() == 2


def test_shared_parts_with_lazy_values_are_built_in_each_place_or_refused() -> None:
    same = delayed(lambda x: x)
    few = _doubled([same(3)], 8)
    assert same(few).compute() == _doubled([3], 8)
    assert same([few] * 100).compute() == [_doubled([3], 8)] * 100
    with pytest.raises(CaptureError, match="in parts that it shares, 100,001 times"):
        same(_doubled([same(3)], 40))


def test_values_whose_shared_parts_stand_in_too_many_places_are_refused() -> None:
    assert len(tree_flatten(_doubled(1, 10))[0]) == 2**10
    with pytest.raises(CaptureError, match="stands in more than 100,000 places"):
        tree_flatten(_doubled(1, 40))

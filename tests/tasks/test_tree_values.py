"""Nested values are taken apart and built again: leaves, treedefs, paths, maps."""

from __future__ import annotations

from collections import OrderedDict, defaultdict, namedtuple
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lazygraph import delayed
from lazygraph.errors import CaptureError, NotFiniteError, StructureError
from lazygraph.tasks.pytree import flatten
from lazygraph.tasks.tree_paths import distinct_leaves, get_in, leaves_with_path, path_text
from lazygraph.tasks.treedef import tree_flatten, tree_map

Point = namedtuple("Point", "x y")  # noqa: PYI024  # the untyped kind counts too


@dataclass
class Layer:
    w: Any
    b: Any = None


VALUES = st.recursive(
    st.integers(),
    lambda inner: (
        st.lists(inner)
        | st.lists(inner).map(tuple)
        | st.dictionaries(st.text(max_size=2), inner)
        | st.dictionaries(st.text(max_size=2), inner).map(OrderedDict)
        | st.builds(Point, inner, inner)
        | st.builds(Layer, inner, inner)
    ),
    max_leaves=20,
)


def plain_map(func: Any, value: Any) -> Any:
    """The oracle: by recursion."""
    if isinstance(value, dict):
        return type(value)((key, plain_map(func, item)) for key, item in value.items())
    if isinstance(value, Point):
        return Point(*(plain_map(func, item) for item in value))
    if isinstance(value, (list, tuple)):
        return type(value)([plain_map(func, item) for item in value])
    if isinstance(value, Layer):
        return Layer(plain_map(func, value.w), plain_map(func, value.b))
    return func(value)


@given(VALUES)
def test_a_map_gives_what_recursion_gives(value: Any) -> None:
    made = tree_map(lambda x: x + 1, value)
    assert made == plain_map(lambda x: x + 1, value)
    assert type(made) is type(value)
    assert tree_map(lambda a, b: (a, b), value, made) == plain_map(lambda x: (x, x + 1), value)


@given(VALUES)
def test_every_path_leads_to_its_leaf(value: Any) -> None:
    leaves, _ = tree_flatten(value)
    found = list(leaves_with_path(value))
    assert [leaf for leaf, _ in found] == leaves
    assert [get_in(value, path or ()) for _, path in found] == leaves
    texts = [path_text(path) for _, path in found]
    assert [eval("value" + text, {"value": value}) for text in texts] == leaves


def test_leaves_inside_sets_have_no_path() -> None:
    paths = [path for _, path in leaves_with_path([{1}, 2])]
    assert (paths[0], path_text(paths[1])) == (None, "[1]")


@pytest.mark.parametrize(
    ("tree", "other", "where"),
    [
        ({"a": [1, 2]}, {"a": [1]}, r"at \['a'\] is \[1\], not 2 values"),
        ({"a": 1}, {"b": 1}, r"not a dict with the keys \['a'\]"),
        ([1], 3, "is 3, not 1 value"),
        (Layer(1), {"w": 1, "b": 2}, "not a Layer of 2 parts"),
        ({1, 2}, {1, 2}, "not a set of 2 parts"),
        ([0, [Layer([1])]], [0, [Layer([])]], r"at \[1\]\[0\]\.w is \[\], not 1 value"),
    ],
)
def test_values_that_nest_differently_are_refused(tree: Any, other: Any, where: str) -> None:
    with pytest.raises(StructureError, match=where):
        tree_map(lambda a, b: None, tree, other)


def test_the_order_of_a_dicts_keys_is_no_difference() -> None:
    assert tree_map(lambda a, b: a - b, {"a": 1, "b": 2}, {"b": 20, "a": 10}) == {
        "a": -9,
        "b": -18,
    }


def test_is_leaf_stops_the_search() -> None:
    leaves, treedef = tree_flatten([Point(1, 2), 3], is_leaf=lambda x: type(x) is Point)
    assert leaves == [Point(1, 2), 3]
    assert treedef.unflatten("ab") == ["a", "b"]


def test_depth_is_not_limited() -> None:
    value: Any = 1
    for _ in range(20_000):
        value = [value]
    made = tree_map(lambda x: x + 1, value)
    for _ in range(20_000):
        (made,) = made
    assert made == 2
    ((leaf, path),) = leaves_with_path(value)
    assert (leaf, len(path or ())) == (1, 20_000)


def test_rings_are_refused_where_every_leaf_counts() -> None:
    ring: list[Any] = [1]
    ring.append(ring)
    with pytest.raises(CaptureError, match="a list contains itself"):
        tree_flatten(ring)


def test_shared_parts_are_looked_at_once() -> None:
    value: Any = [1.5]
    for _ in range(200):  # 2 ** 200 leaves
        value = [value, value]
    assert [leaf for leaf, _ in distinct_leaves(value)] == [1.5]


# ------------------------------------------------------------- what checks see
@delayed
def make(kind: str) -> Any:
    if kind == "iterator":
        return iter([1, 2])
    if kind == "ring":
        ring: list[Any] = [1.0]
        ring.append(ring)
        return ring
    root = Layer([])
    root.w.append(Layer(float("nan"), root))  # with a pointer to its parent
    return root


def test_a_check_takes_nothing_from_an_iterator(scheduler: Any) -> None:
    found = delayed(list)(make("iterator"))
    assert found.compute(scheduler=scheduler, check_finite=True) == [1, 2]


def test_a_check_of_a_ring_ends() -> None:
    ring = make("ring").compute(check_finite=True, scheduler="synchronous")
    assert ring[1] is ring


def test_a_check_finds_what_is_wrong_in_a_tree_with_pointers_to_parents() -> None:
    with pytest.raises(NotFiniteError, match=r"nan.*\.w\[0\]\.w"):
        make("tree").compute(check_finite=True, scheduler="synchronous")


def test_lazy_values_are_found_in_a_defaultdict() -> None:
    given_ = defaultdict(list, {"a": delayed(abs)(-1)})
    found = delayed(lambda x: x)(given_).compute()
    assert (found, found.default_factory) == ({"a": 1}, list)


def test_templates_of_different_kinds_are_never_one() -> None:
    lazy = delayed(abs)(-1)
    of_point = flatten((Point(lazy, 1),))[1]
    of_dict = flatten((defaultdict(Point, {lazy: 1}),))[1]
    assert of_point != of_dict

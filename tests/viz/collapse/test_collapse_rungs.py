"""The parts of collapsing, each against a plain form of itself."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from large_graphs import Shape, accumulation, beside, chain, free_shapes, shapes, tree

from lazygraph.viz.collapse.classes import crossed, from_above, from_below, multiset, numbered
from lazygraph.viz.collapse.cycles import by_function, components
from lazygraph.viz.collapse.folding import fold
from lazygraph.viz.collapse.levels import levels_of
from lazygraph.viz.collapse.units import make_units

ANY = 10**9


def dependents_of(shape: Shape) -> list[list[int]]:
    made: list[list[int]] = [[] for _ in shape.names]
    for task, needed in enumerate(shape.dependencies):
        for dep in needed:
            made[dep].append(task)
    return made


def same(one: list[int], other: list[int]) -> bool:
    """Whether two partitions put the same things together."""
    return len({*zip(one, other, strict=True)}) == len({*one}) == len({*other})


# ------------------------------------------------------------------ classes
def unfolded(shape: Shape, neighbours: list[list[int]], order, collect) -> list[int]:
    """Equal if all that lies behind is equal, written out as nested values."""
    seen: dict[int, object] = {}
    for task in order:
        seen[task] = shape.names[task], collect(seen[near] for near in neighbours[task])
    values = [seen[task] for task in range(len(shape.names))]
    return [values.index(value) for value in values]


def bag(values) -> object:
    return frozenset(Counter(values).items())


@given(shape=free_shapes())
@pytest.mark.parametrize(("summary", "collect"), [(multiset, bag), (frozenset, frozenset)])
def test_classes_are_equal_where_all_that_lies_behind_is(shape: Shape, summary, collect) -> None:
    names, dependencies = shape
    dependents = dependents_of(shape)
    below = from_below(names, dependencies, summary, ANY)
    above = from_above(names, dependents, summary, ANY)

    assert same(below, unfolded(shape, dependencies, range(len(names)), collect))
    assert same(above, unfolded(shape, dependents, range(len(names))[::-1], collect))


@given(st.lists(st.integers(0, 3), max_size=30), st.randoms(use_true_random=False))
def test_a_multiset_does_not_depend_on_order_but_on_number(values: list[int], rng) -> None:
    other = [*values]
    rng.shuffle(other)

    assert multiset([*values]) == multiset(other)
    assert multiset([*values]) != multiset([*values, 0])


def test_too_many_classes_are_none() -> None:
    assert numbered("abc", 3) == [0, 1, 2]
    assert numbered("abc", 2) is None
    assert from_below(["a"] * 3, [[], [0], [1]], multiset, 2) is None
    assert from_above(["a"] * 3, [[1], [2], []], multiset, 2) is None
    assert crossed([0, 0, 1], [0, 1, 1], 3) == [0, 1, 2]
    assert crossed([0, 0, 1], [0, 1, 1], 2) is None
    assert crossed(None, [0], 9) is crossed([0], None, 9) is None


# ------------------------------------------------------------------- cycles
@st.composite
def directed(draw: st.DrawFn) -> list[list[int]]:
    n = draw(st.integers(0, 12))
    return [draw(st.lists(st.integers(0, n - 1), unique=True, max_size=4)) for _ in range(n)]


@given(directed())
def test_components_are_what_reaches_each_other(needs: list[list[int]]) -> None:
    n = len(needs)
    reach = [{node} for node in range(n)]
    for _ in range(n):
        reach = [seen.union(*[{other, *needs[other]} for other in seen]) for seen in reach]
    plain = [min(b for b in reach[a] if a in reach[b]) for a in range(n)]

    assert same(components(needs), plain)


def test_a_long_circle_is_one_component() -> None:
    n = 100_000
    assert {*components([[(node + 1) % n] for node in range(n)])} == {0}


@given(free_shapes())
def test_functions_are_never_split(shape: Shape) -> None:
    partition = by_function(*shape)

    assert len({*zip(shape.names, partition, strict=True)}) == len({*shape.names})


# ------------------------------------------------------------------ folding
@given(shapes)
def test_folded_levels_are_whole_and_what_is_left_is_function_and_level(shape: Shape) -> None:
    names, dependencies = shape
    levels = levels_of(dependencies)
    made = fold(names, dependencies, levels, (multiset, ANY)) if names else None
    if made is None:
        return
    kept = [task for task in range(len(names)) if made.partition[task] not in made.steps]
    folded = {made.partition[task]: set() for task in range(len(names)) if task not in {*kept}}
    for task, cls in enumerate(made.partition):
        if cls in folded:
            folded[cls].add(levels[task])

    plain = [(names[task], levels[task]) for task in kept]
    assert same([made.partition[task] for task in kept], [plain.index(value) for value in plain])
    assert not {levels[task] for task in kept}.intersection(*[set(), *folded.values()])
    for cls, steps in made.steps.items():
        held = sorted(folded[cls])
        assert held == [*range(held[0], held[-1] + 1)]
        period, rest = divmod(len(held), steps)
        assert rest == 0
        by_level = [
            Counter(name for name, level in zip(names, levels, strict=True) if level == n)
            for n in range(held[0] - period, held[-1] + period + 1)
        ]
        assert by_level[:-period] == by_level[period:]


# -------------------------------------------------------------------- units
def units_of(shape: Shape, outputs=()) -> list[int]:
    made = make_units(*shape, dependents_of(shape), outputs)
    assert all(dep < unit for unit, needed in enumerate(made.dependencies) for dep in needed), (
        "dependencies come first"
    )
    return list(made.unit_of)


@pytest.mark.parametrize(
    ("shape", "n_units"),
    [
        (tree(8), 8 + 1),  # three levels: one unit
        (tree(4), 4 + 3),  # two: shown as they are
        (accumulation(10), 10 + 1),
        (chain(10), 10),  # nothing is added
        (beside(tree(8), chain(3)), 9 + 3),
    ],
)
def test_only_reductions_of_three_levels_are_joined(shape: Shape, n_units: int) -> None:
    assert len({*units_of(shape)}) == n_units


def test_steps_with_parameters_that_others_use_are_not_a_sum() -> None:
    """step(state, x) for each x, which a report needs too."""
    names, dependencies = accumulation(10)
    loads = [task for task, name in enumerate(names) if name == "load"]
    shape = Shape([*names, "report"], [*dependencies, loads])

    assert len({*units_of(shape)}) == len(shape.names)


@given(shapes)
def test_a_unit_of_several_tasks_is_a_tree_of_one_function(shape: Shape) -> None:
    names, dependencies = shape
    unit_of = units_of(shape)
    sizes = Counter(unit_of)
    users = [[unit_of[user] for user in near] for near in dependents_of(shape)]
    for unit, size in sizes.items():
        members = [task for task, its in enumerate(unit_of) if its == unit]
        assert len({names[task] for task in members}) == 1
        inside = [task for task in members if users[task] == [unit]]
        assert len(inside) == size - 1  # all but the last
        if size > 1:
            needed = {dep for task in members for dep in dependencies[task]} - {*members}
            assert len(needed) > size


@given(shapes, st.data())
def test_an_output_is_the_last_of_its_unit(shape: Shape, data: st.DataObject) -> None:
    if shape.names:
        output = data.draw(st.integers(0, len(shape.names) - 1))
        unit_of = units_of(shape, [output])
        assert output == max(t for t, unit in enumerate(unit_of) if unit == unit_of[output])

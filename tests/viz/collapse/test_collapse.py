"""Tasks to groups: facts worked out by hand, and what holds for every graph."""

from __future__ import annotations

import random
from collections import Counter
from graphlib import TopologicalSorter
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from large_graphs import (
    Builder,
    Shape,
    accumulation,
    alternating,
    analytics,
    beside,
    chain,
    cholesky,
    distinct_names,
    fft,
    map_reduce,
    mlp,
    renumbered,
    shapes,
    shuffle,
    stencil,
    tangle,
    tree,
)

from lazygraph.viz.collapse.collapse import Groups, collapse


def cards(groups: Groups) -> list[tuple[str, int]]:
    return list(zip(groups.labels, groups.counts, strict=True))


def wiring(groups: Groups) -> list[tuple[str, str, int, str]]:
    return [(groups.labels[a], groups.labels[b], n, label) for a, b, n, label in groups.edges]


# ----------------------------------------------------------------- by hand
@pytest.mark.parametrize("n", [1, 2, 3, 16, 17, 60, 61, 1_000])
def test_load_clean_sum_is_three_groups_however_many_files(n: int) -> None:
    groups = collapse(*map_reduce(n))

    assert cards(groups) == [("load", n), ("clean", n), ("sum", 1)]
    ratio = f"{n:,} : 1" if n > 1 else ""
    assert groups.edges == [(0, 1, n, ""), (1, 2, n, ratio)]
    assert groups.note == "identical structure"


@pytest.mark.parametrize("n_leaves", [5, 8, 60, 64, 1_000, 12_345])
@pytest.mark.parametrize("most", [2, 8])
def test_a_reduction_tree_is_one_group_however_deep(n_leaves: int, most: int) -> None:
    shape = tree(n_leaves, most)
    n_sums = len(shape.names) - n_leaves
    depth = next(levels for levels in range(20) if most**levels >= n_leaves)
    groups = collapse(*shape)

    if depth >= 3:
        assert cards(groups) == [("load", n_leaves), ("sum", n_sums)]
        assert groups.edges == [(0, 1, n_leaves, "tree")]
    else:
        assert len(groups.members) <= 2 + 2 * depth
        assert "tree" not in [label for *_, label in groups.edges]


def test_two_levels_of_a_tree_are_shown_as_levels() -> None:
    groups = collapse(*tree(64, 8))

    assert cards(groups) == [("load", 64), ("sum", 8), ("sum", 1)]
    assert groups.edges == [(0, 1, 64, "8 : 1"), (1, 2, 8, "8 : 1")]


def test_a_sum_made_one_by_one_says_so() -> None:
    groups = collapse(*accumulation(1_000))

    assert cards(groups) == [("load", 1_000), ("add", 999)]
    # The first addition takes two loads; each other the sum so far, and one.
    assert groups.edges == [(0, 1, 1_000, "in turn")]


@pytest.mark.parametrize("n", [20, 100_000])
def test_a_chain_is_its_ends_and_the_number_of_steps_between(n: int) -> None:
    groups = collapse(*chain(n))

    assert cards(groups) == [("inc", 1), (f"… {n - 2:,} more steps", n - 2), ("inc", 1)]
    assert [label for *_, label in groups.edges] == ["", ""]
    assert (groups.functions, groups.details) == (["inc"] * 3, ["", "inc", ""])


@pytest.mark.parametrize("n_levels", [18, 1_000])
def test_a_stencil_is_its_first_and_last_levels(n_levels: int) -> None:
    groups = collapse(*stencil(20, n_levels))

    middle = f"… {n_levels - 3:,} more steps"
    expected = [("init", 20), ("step", 20), (middle, 20 * (n_levels - 3)), ("step", 20)]
    assert cards(groups) == expected
    assert groups.note == "function and level, repeated levels folded"
    # 20 in the middle, 19 to each side.
    assert groups.edges == [(n, n + 1, 58, "≤ 3 : ≤ 3") for n in range(3)]


def test_up_to_sixteen_groups_are_shown_as_they_are() -> None:
    groups = collapse(*fft(4, 15))

    assert cards(groups) == [("x", 16)] + [("butterfly", 16)] * 15
    assert groups.edges == [(n, n + 1, 32, "2 : 2") for n in range(15)]


def test_of_more_those_that_repeat_are_folded() -> None:
    groups = collapse(*fft(4, 16))

    middle = ("… 14 more steps", 14 * 16)
    assert cards(groups) == [("x", 16), ("butterfly", 16), middle, ("butterfly", 16)]
    assert [label for *_, label in groups.edges] == ["2 : 2"] * 3


def test_steps_of_several_functions_are_folded_as_one() -> None:
    groups = collapse(*alternating(5, 100))

    # read and write, 98 times that, read and write
    ends = [("read", 5), ("write", 5)]
    assert cards(groups) == [("load", 5), *ends, ("… 98 more steps", 980), *ends]
    assert groups.details[3] == "read + write"
    assert [label for *_, label in groups.edges] == [""] * 5


@pytest.mark.parametrize("n_rounds", [3, 4])
def test_what_is_done_three_times_is_not_folded_four_times_is(n_rounds: int) -> None:
    names = ["a", "b", "c", "d", "e", "f"]
    groups = collapse(names * n_rounds, chain(6 * n_rounds).dependencies)

    once = [(name, 1) for name in names]
    folded = [*once, ("… 2 more steps", 12), *once]
    assert cards(groups) == (once * 3 if n_rounds == 3 else folded)


def test_steps_wired_otherwise_are_folded_apart() -> None:
    """Two chains, straight for ten levels, then crossing over at each of ten."""
    build = Builder()
    a, b = build.add("a"), build.add("b")
    for level in range(1, 20):
        one, other = (a, b) if level < 10 else (b, a)
        a, b = build.add("a", one), build.add("b", other)
    groups = collapse(*build.made)

    half = [("a", 1), ("b", 1), ("… 8 more steps", 16), ("a", 1), ("b", 1)]
    assert cards(groups) == [*half, *half]


def test_a_step_is_part_of_one_fold_only() -> None:
    """A chain of 40, which from half way on takes in another result at each step."""
    build = Builder()
    last = build.add("inc")
    others = [build.add("load") for _ in range(20)]
    for level in range(1, 40):
        taken = [others[level - 20]] if level >= 20 else []
        last = build.add("inc", last, *taken)
    groups = collapse(*build.made)

    first = [("inc", 1), ("… 17 more steps", 17), ("inc", 1)]
    second = [("inc", 1), ("… 18 more steps", 18), ("inc", 1)]
    assert cards(groups) == [("inc", 1), ("load", 20), *first, *second]


@pytest.mark.parametrize("n", [12, 40])
def test_steps_that_shrink_are_folded_where_they_are_alike(n: int) -> None:
    groups = collapse(*cholesky(n))

    # The last step but one has no gemm, the last only potrf: so those before are n - 2.
    first = [("potrf", 1), ("trsm", n - 1), ("gemm", (n - 1) * (n - 2) // 2), ("syrk", n - 1)]
    last = [("potrf", 1), ("trsm", 2), ("gemm", 1), ("syrk", 2)]
    left = [("potrf", 1), ("trsm", 1), ("syrk", 1), ("potrf", 1)]
    n_tiles = n * (n + 1) // 2
    n_all = n + n * (n - 1) + n * (n - 1) * (n - 2) // 6
    middle = n_all - sum(count for _, count in first + last + left)
    steps = (f"… {n - 4} more steps", middle)
    assert cards(groups) == [("tile", n_tiles), *first, steps, *last, *left]
    assert groups.details[5] == "gemm + syrk + trsm + 1 more"
    assert groups.note == "function and level, similar levels folded"


def test_training_steps_are_grouped_by_function() -> None:
    groups = collapse(*mlp(12, 4))

    assert Counter(dict(cards(groups))) == {
        "init": 12,
        "load": 4,
        "forward": 48,
        "loss": 4,
        "grad_input": 44,
        "grad_weight": 48,
        "all_reduce": 12,
        "update": 12,
    }
    labels = {(a, b): label for a, b, _, label in wiring(groups)}
    assert labels["init", "forward"] == "1 : 4"
    assert labels["load", "forward"] == labels["forward", "loss"] == ""
    assert labels["init", "grad_input"] == "1 : ≤ 4"  # not of the first layer
    assert labels["grad_weight", "all_reduce"] == "4 : 1"


def test_a_shuffle_is_all_to_all() -> None:
    groups = collapse(*shuffle(20, 30))

    assert cards(groups) == [("split", 20), ("merge", 30)]
    assert groups.edges == [(0, 1, 600, "all : all")]


def test_analytics_are_eleven_stages() -> None:
    groups = collapse(*analytics(400))

    assert wiring(groups) == [
        ("read_parquet", "clean", 400, ""),
        ("read_csv", "filter", 4, ""),
        ("clean", "join", 400, ""),
        ("filter", "join", 400, "1 : 100"),
        ("join", "describe", 400, "400 : 1"),
        ("join", "groupby", 400, ""),
        ("groupby", "combine", 400, "tree"),  # 50 + 7 + 1
        ("combine", "finalize", 1, ""),
        ("finalize", "plot", 1, ""),
        ("describe", "report", 1, ""),
        ("finalize", "report", 1, ""),
    ]
    assert dict(cards(groups))["combine"] == 58


def test_batches_of_which_one_is_smaller_are_told_apart() -> None:
    names = ["load"] * 19 + ["batch"] * 3
    batches = [[*range(8)], [*range(8, 16)], [16, 17, 18]]
    groups = collapse(names, [[]] * 19 + batches)

    assert cards(groups) == [("load", 19), ("batch", 2), ("batch", 1)]
    # Not every load goes to a batch of eight.
    assert groups.edges == [(0, 1, 16, "8 : ≤ 1"), (0, 2, 3, "3 : ≤ 1")]


def test_equal_tasks_with_different_uses_are_told_apart() -> None:
    """Half of the loads are cleaned, half are counted."""
    names = ["load"] * 10 + ["clean"] * 5 + ["count"] * 5
    groups = collapse(names, [[]] * 10 + [[n] for n in range(10)])

    assert cards(groups) == [("load", 5), ("load", 5), ("clean", 5), ("count", 5)]
    assert [label for *_, label in groups.edges] == ["", ""]


def test_batches_of_every_size_are_alike_in_what_needs_them() -> None:
    build = Builder()
    build.add("sum", *[build.add("batch", *loads(build, n)) for n in range(1, 31)])
    groups = collapse(*build.made)

    assert cards(groups) == [("load", 465), ("batch", 30), ("sum", 1)]
    assert [label for *_, label in groups.edges] == ["≤ 30 : 1", "30 : 1"]
    assert groups.note == "identical structure of what needs them"


def test_files_read_often_or_seldom_are_alike_in_what_they_need() -> None:
    build = Builder()
    for n in range(1, 31):
        (load,) = loads(build, 1)
        for _ in range(n):
            build.add("read", load)
    groups = collapse(*build.made)

    assert cards(groups) == [("load", 30), ("read", 465)]
    assert groups.edges == [(0, 1, 465, "1 : ≤ 30")]
    assert groups.note == "identical structure of what they need"


def loads(build: Builder, n: int) -> list[int]:
    return [build.add("load") for _ in range(n)]


def test_where_numbers_differ_on_both_sides_those_of_one_use_are_one_group() -> None:
    rng = random.Random(1)
    build = Builder()
    for name in ("clean", "count"):
        files = loads(build, 40)
        for _ in range(40):
            build.add(name, *rng.sample(files, rng.randrange(1, 40)))
    groups = collapse(*build.made)

    assert cards(groups) == [("load", 40), ("load", 40), ("clean", 40), ("count", 40)]
    assert groups.note == "similar structure"
    assert [(a, b) for a, b, *_ in groups.edges] in ([(0, 2), (1, 3)], [(1, 2), (0, 3)])


def test_few_levels_without_structure_are_shown_as_levels() -> None:
    """Each task needs two neighbours of the level below, and some of any level."""
    rng = random.Random(1)
    build = Builder()
    row = loads(build, 40)
    for _ in range(14):
        n = len(build.made.names)
        some = [rng.sample(range(n), rng.randrange(4)) for _ in row]
        parts = [{row[k - 1], row[k], *others} for k, others in enumerate(some)]
        row = [build.add("step", *sorted(part)) for part in parts]
    groups = collapse(*build.made)

    assert cards(groups) == [("load", 40)] + [("step", 40)] * 14
    assert groups.note == "function and level"


def test_what_is_asked_for_has_a_group_of_its_own() -> None:
    names, dependencies = map_reduce(20)
    asked = names.index("clean")

    assert len(collapse(names, dependencies).members) == 3
    groups = collapse(names, dependencies, [asked])
    assert [asked] in groups.members
    assert sorted(groups.counts) == [1, 1, 1, 19, 19]


def test_an_output_inside_a_tree_is_seen() -> None:
    names, dependencies = tree(64)
    groups = collapse(names, dependencies, [len(names) - 2, len(names) - 1])

    # One half's sums, which end in what is asked for; the other's, with the last of all.
    assert Counter(cards(groups)) == {("load", 32): 2, ("sum", 31): 1, ("sum", 32): 1}


def test_functions_that_need_each_other_are_merged() -> None:
    """Irregular, so that no level repeats; then a report of everything."""
    names, dependencies = tangle(400, 3, 20, seed=1)
    names, dependencies = [*names, "join", "report"], [*dependencies, [*range(400)], [400]]
    groups = collapse(names, dependencies)

    assert groups.note == "function"
    assert [(label, n) for label, n in cards(groups)][-2:] == [("join", 1), ("report", 1)]
    assert len(groups.members) == 3
    assert sorted(groups.labels[0].split(" + ")) == ["f0", "f1", "f2"]


@pytest.mark.parametrize("shape", [tangle(2_000, 5, 50, seed=1), distinct_names(chain(1_000))])
def test_what_has_no_structure_becomes_bands_of_levels(shape: Shape) -> None:
    groups = collapse(*shape)

    assert groups.is_profile
    assert len(groups.members) == 28
    assert all(label.startswith("level") for label in groups.labels)


@pytest.mark.parametrize(("n_levels", "n_functions"), [(14, 2), (40, 1)])
def test_any_other_groups_are_better_than_bands(n_levels: int, n_functions: int) -> None:
    """Levels of changing functions that need all of the level below, or most of it."""
    rng = random.Random(2)
    build = Builder()
    row: list[int] = []
    for _ in range(n_levels):
        names = rng.sample("abc", n_functions)
        parts = [row[:1] + rng.sample(row, len(row) // 2) for _ in range(9)]
        row = [build.add(rng.choice(names), *dict.fromkeys(part)) for part in parts]
    groups = collapse(*build.made)

    assert not groups.is_profile
    assert 16 < len(groups.members) <= n_levels * n_functions


def test_a_graph_of_nothing_has_no_groups() -> None:
    assert collapse([], []).members == []


def test_tasks_without_dependencies_are_one_group() -> None:
    assert cards(collapse(["load"] * 500, [[]] * 500)) == [("load", 500)]


@pytest.mark.slow
def test_a_million_tasks_of_a_tree_become_two_groups() -> None:
    groups = collapse(*tree(500_000))

    assert cards(groups) == [("load", 500_000), ("sum", 499_999)]
    assert groups.edges == [(0, 1, 500_000, "tree")]


# ------------------------------------------------------- what always holds
def check_groups(shape: Shape, groups: Groups) -> None:
    """Each task in one group, each dependency in one edge, no cycle, not too many."""
    names, dependencies = shape
    assert sorted(task for members in groups.members for task in members) == [*range(len(names))]
    assert all(one < other for members in groups.members for one, other in pairwise(members))
    group_of = {task: n for n, members in enumerate(groups.members) for task in members}
    between = Counter(
        (group_of[dep], group_of[task])
        for task, needed in enumerate(dependencies)
        for dep in needed
        if group_of[dep] != group_of[task]
    )
    assert {(a, b): n for a, b, n, _ in groups.edges} == between
    assert groups.edges == sorted(groups.edges, key=lambda edge: (edge[1], edge[0]))
    assert all(start < end for start, end, *_ in groups.edges)
    tuple(TopologicalSorter({b: [a] for a, b in between}).static_order())
    assert len(groups.members) <= 60
    for n, members in enumerate(groups.members):
        counts = Counter(names[task] for task in members)
        assert counts[groups.functions[n]] == max(counts.values())


def side(text: str, counts: list[int], *, takes_all: bool) -> None:
    """Check one side of a ratio against the number of neighbours of each member."""
    if not takes_all:
        counts = [n for n in counts if n]
    number = int(text.removeprefix("≤ ").replace(",", ""))
    assert max(counts) == number
    assert text.startswith("≤ ") == (min(counts) != number)


def check_label(shape: Shape, groups: Groups, start: int, end: int, label: str) -> None:
    """By counting, for every member, its neighbours in the other group."""
    first, second = set(groups.members[start]), set(groups.members[end])
    needed = [len(first.intersection(shape.dependencies[task])) for task in sorted(second)]
    used = [sum(dep in shape.dependencies[task] for task in second) for dep in sorted(first)]
    within = [second.intersection(shape.dependencies[task]) for task in sorted(second)]
    users = Counter(dep for deps in within for dep in deps)
    if label in ("tree", "in turn"):
        assert max(used) == 1
        assert max(users.values()) == 1
        assert (max(map(len, within)) > 1) == (label == "tree")
        assert label == "tree" or min(needed) > 0
    elif label == "all : all":
        assert min(len(first), len(second)) > 1
        assert {*needed} == {len(first)}
        assert {*used} == {len(second)}
    elif not label:
        assert max(needed) == max(used) == 1
    else:
        assert max(*needed, *used) > 1
        many, few = label.split(" : ")
        is_own = {dep for task in first for dep in shape.dependencies[task]} & first
        side(many, needed, takes_all=not users)
        side(few, used, takes_all=not is_own)


@given(shapes)
@example(beside(tree(40), stencil(5, 30)))
def test_groups_are_a_partition_without_cycles_and_lose_no_dependency(shape: Shape) -> None:
    check_groups(shape, collapse(*shape))


@given(shapes)
@example(beside(tree(40), accumulation(40)))
@settings(deadline=None)
def test_labels_of_edges_are_true(shape: Shape) -> None:
    groups = collapse(*shape)

    for start, end, _, label in groups.edges:
        check_label(shape, groups, start, end, label)


@given(shapes, st.randoms(use_true_random=False), st.data())
def test_groups_do_not_depend_on_how_tasks_are_numbered(
    shape: Shape, rng: random.Random, data: st.DataObject
) -> None:
    n_tasks = len(shape.names)
    outputs = data.draw(st.sets(st.integers(0, n_tasks - 1), max_size=3)) if n_tasks else set()
    other, old = renumbered(shape, rng)
    place = {task: n for n, task in enumerate(old)}
    one = collapse(*shape, outputs)
    two = collapse(*other, [place[task] for task in outputs])

    assert one.note == two.note
    assert cards(one) == cards(two)
    assert described(one) == described(two, old)


def described(groups: Groups, old: list[int] | None = None) -> object:
    """Without the order among groups that are equal in all that the order goes by."""
    members = [
        frozenset(tasks if old is None else [old[task] for task in tasks])
        for tasks in groups.members
    ]
    edges = {(members[a], members[b], n, label) for a, b, n, label in groups.edges}
    told = {*zip(members, groups.labels, groups.functions, groups.details, strict=True)}
    return edges, told


@given(shapes)
def test_collapsing_twice_gives_the_same(shape: Shape) -> None:
    assert collapse(*shape) == collapse(*shape)

"""The parts of the layout engine, each beside a slower way to the same answer."""

from __future__ import annotations

from itertools import combinations, pairwise, product
from math import inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lazygraph.viz.layout.order.net import Net, make_net
from lazygraph.viz.layout.order.rows import Budget, Rows
from lazygraph.viz.layout.order.search import order
from lazygraph.viz.layout.order.sifting import sift
from lazygraph.viz.layout.order.starts import downwards, shuffled, upwards
from lazygraph.viz.layout.order.swaps import swap
from lazygraph.viz.layout.order.sweeps import mean, median, sweep
from lazygraph.viz.layout.parts import links_of, parts_of
from lazygraph.viz.layout.place.columns import spread
from lazygraph.viz.layout.rank.ranks import ranks_of
from lazygraph.viz.layout.shelves import on_shelves

Edges = list[tuple[int, int]]


@st.composite
def connected(draw: st.DrawFn, most: int = 12) -> tuple[int, Edges]:
    """Boxes, each but the first joined to an earlier one, and further edges."""
    n = draw(st.integers(2, most))
    edges = {(draw(st.integers(0, box - 1)), box) for box in range(1, n)}
    pairs = st.sampled_from(list(combinations(range(n), 2)))
    return n, sorted(edges | set(draw(st.lists(pairs, max_size=12))))


def net_of(n_boxes: int, edges: Edges) -> Net:
    return make_net(ranks_of(links_of(n_boxes, edges)), edges)


# ------------------------------------------------------------------- ranks
def total_length(ranks: list[int], edges: Edges) -> int:
    return sum(ranks[end] - ranks[start] for start, end in edges)


def least_length(n_boxes: int, edges: Edges) -> int:
    """Of all feasible ranks."""
    lengths = [
        total_length(list(ranks), edges)
        for ranks in product(range(n_boxes), repeat=n_boxes)
        if all(ranks[start] < ranks[end] for start, end in edges)
    ]
    return min(lengths)


@given(connected(most=5))
@settings(deadline=None, max_examples=60)
def test_ranks_make_edges_as_short_as_can_be(graph: tuple[int, Edges]) -> None:
    n_boxes, edges = graph

    ranks = ranks_of(links_of(n_boxes, edges))

    assert min(ranks) == 0
    assert all(ranks[start] < ranks[end] for start, end in edges)
    assert total_length(ranks, edges) == least_length(n_boxes, edges)


@given(connected(most=30))
@settings(deadline=None)
def test_no_group_of_boxes_could_move_to_shorten_edges(graph: tuple[int, Edges]) -> None:
    """Single boxes, and what each of them holds up or down."""
    n_boxes, edges = graph
    links = links_of(n_boxes, edges)
    ranks = ranks_of(links)

    for box, step in product(range(n_boxes), (1, -1)):
        group = {box}
        order_of_spread = range(n_boxes) if step > 0 else reversed(range(n_boxes))
        for other in order_of_spread:
            behind = links.dependencies[other] if step > 0 else links.dependents[other]
            if any(b in group and abs(ranks[other] - ranks[b]) == 1 for b in behind):
                group.add(other)
        moved = [rank + step * (b in group) for b, rank in enumerate(ranks)]
        assert total_length(moved, edges) >= total_length(ranks, edges)


@pytest.mark.parametrize("most", [0, 2000])
def test_large_graphs_have_feasible_ranks_too(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lazygraph.viz.layout.rank.ranks._MOST_BOXES", most)
    edges = [(0, 5), (1, 2), (2, 3), (3, 5), (1, 4), (4, 5), (5, 6)]

    ranks = ranks_of(links_of(7, edges))

    assert ranks == [2, 0, 1, 2, ranks[4], 3, 4]


# --------------------------------------------------------------------- net
@given(connected())
def test_a_net_links_neighbouring_layers_only(graph: tuple[int, Edges]) -> None:
    n_boxes, edges = graph
    net = net_of(n_boxes, edges)
    rank = {item: n for n, layer in enumerate(net.layers) for item in layer}

    assert sorted(rank) == list(range(len(net.below)))
    for edge, chain in zip(edges, net.chains, strict=True):
        assert (chain[0], chain[-1]) == edge
        assert all(item >= n_boxes for item in chain[1:-1])
        assert all(rank[b] - rank[a] == 1 and b in net.above[a] for a, b in pairwise(chain))


@given(st.integers(1, 12), st.data())
def test_parts_are_what_edges_join(n_boxes: int, data: st.DataObject) -> None:
    pairs = list(combinations(range(n_boxes), 2))
    edges = data.draw(st.lists(st.sampled_from(pairs), unique=True) if pairs else st.just([]))
    group = {box: {box} for box in range(n_boxes)}
    for start, end in edges:
        joined = group[start] | group[end]
        group |= dict.fromkeys(joined, joined)

    parts = parts_of(n_boxes, edges)

    assert [part.boxes for part in parts] == sorted(
        {min(g): sorted(g) for g in group.values()}.values()
    )
    for part in parts:
        assert [edges[n] for n in part.numbers] == [
            (part.boxes[start], part.boxes[end]) for start, end in part.edges
        ]
    assert sorted(n for part in parts for n in part.numbers) == list(range(len(edges)))


# --------------------------------------------------------------- crossings
def crossing_pairs(rows: Rows) -> int:
    """Counted pair by pair."""
    links = [(low, high) for high, lows in enumerate(rows.below) for low in lows]
    rank = {item: n for n, row in enumerate(rows.rows) for item in row}
    place = {item: n for row in rows.rows for n, item in enumerate(row)}
    return sum(
        rank[a] == rank[c] and (place[a] - place[c]) * (place[b] - place[d]) < 0
        for (a, b), (c, d) in combinations(links, 2)
    )


@given(connected(), st.integers(0, 99))
def test_crossings_are_those_of_pairs_of_links(graph: tuple[int, Edges], seed: int) -> None:
    rows = Rows(net_of(*graph))
    shuffled(rows, seed)

    assert rows.crossings() == crossing_pairs(rows)


MOVES = {
    "upwards": upwards,
    "downwards": downwards,
    "shuffled": lambda rows: shuffled(rows, 3),
    "swap": lambda rows: swap(rows, Budget(10**6), 10, equals=False),
    "swap equals": lambda rows: swap(rows, Budget(10**6), 3, equals=True),
    "sift": lambda rows: sift(rows, Budget(10**6), 3),
    "mean": lambda rows: sweep(rows, mean, upward=True, reverse=True),
    "median": lambda rows: sweep(rows, median, upward=False, reverse=False),
}


@pytest.mark.parametrize("name", MOVES)
@given(graph=connected(), seed=st.integers(0, 99))
def test_a_move_keeps_the_items_of_each_row(name: str, graph: tuple[int, Edges], seed: int) -> None:
    rows = Rows(net_of(*graph))
    shuffled(rows, seed)
    before = rows.copied()

    MOVES[name](rows)

    assert [sorted(row) for row in rows.rows] == [sorted(row) for row in before]
    assert all(rows.place[item] == n for row in rows.rows for n, item in enumerate(row))


@pytest.mark.parametrize("name", ["swap", "swap equals", "sift"])
@given(graph=connected(), seed=st.integers(0, 99))
def test_a_small_move_never_adds_crossings(name: str, graph: tuple[int, Edges], seed: int) -> None:
    rows = Rows(net_of(*graph))
    shuffled(rows, seed)
    before = rows.crossings()

    MOVES[name](rows)

    assert rows.crossings() <= before


@given(connected(), st.integers(0, 99))
def test_after_sifting_no_item_has_a_better_place(graph: tuple[int, Edges], seed: int) -> None:
    rows = Rows(net_of(*graph))
    shuffled(rows, seed)
    sift(rows, Budget(10**7), 100)
    fewest = rows.crossings()
    kept = rows.copied()

    for n, row in enumerate(kept):
        for item, place in product(row, range(len(row))):
            rows.restore(kept)
            rows.rows[n].remove(item)
            rows.rows[n].insert(place, item)
            rows.renumber()
            assert rows.crossings() >= fewest


@given(connected())
@settings(deadline=None)
def test_the_search_finds_no_more_crossings_than_it_was_given(graph: tuple[int, Edges]) -> None:
    net = net_of(*graph)
    given_crossings = Rows(net).crossings()

    order(net)

    assert Rows(net).crossings() <= given_crossings


@pytest.mark.parametrize("looks", [0, 50, 500, 5000, 100_000])
def test_any_budget_leaves_sound_rows(looks: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lazygraph.viz.layout.order.search._MOST_LOOKS", looks)
    monkeypatch.setattr("lazygraph.viz.layout.order.search._LEAST_ROUNDS", 1)
    edges = [(a, b) for a, b in combinations(range(30), 2) if (a * b + a) % 7 == 0]
    edges += [(n, n + 1) for n in range(29) if (n, n + 1) not in edges]
    net = net_of(30, sorted(edges))
    items = [sorted(layer) for layer in net.layers]
    before = Rows(net).crossings()

    order(net)

    assert [sorted(layer) for layer in net.layers] == items
    assert Rows(net).crossings() <= before


# ----------------------------------------------------------------- columns
def isotonic(wanted: list[float], weights: list[float]) -> list[float]:
    """By the min-max formula: the largest over starts, of the least mean over ends."""

    def mean_of(low: int, high: int) -> float:
        pairs = list(zip(wanted, weights, strict=True))[low : high + 1]
        return sum(value * weight for value, weight in pairs) / sum(weight for _, weight in pairs)

    n = len(wanted)
    return [
        max(min(mean_of(low, high) for high in range(place, n)) for low in range(place + 1))
        for place in range(n)
    ]


@given(
    st.lists(
        st.tuples(st.integers(-50, 50), st.integers(1, 9), st.integers(1, 20)),
        min_size=1,
        max_size=9,
    )
)
def test_positions_are_nearest_to_what_is_wanted(items: list[tuple[int, int, int]]) -> None:
    wanted, weights = [float(item[0]) for item in items], [float(item[1]) for item in items]
    steps = [0.0]
    for item in items[1:]:
        steps.append(steps[-1] + item[2])

    found = spread(wanted, weights, steps)

    bases = isotonic([value - step for value, step in zip(wanted, steps, strict=True)], weights)
    assert found == pytest.approx([base + step for base, step in zip(bases, steps, strict=True)])


# ----------------------------------------------------------------- shelves
@given(
    st.lists(st.tuples(st.integers(1, 500), st.integers(1, 300)), min_size=1, max_size=20),
    st.booleans(),
)
def test_parts_on_shelves_do_not_overlap(sizes: list[tuple[int, int]], at_end: bool) -> None:
    corners, (width, height) = on_shelves(sizes, 1.6, at_end=at_end)

    frames = [(x, y, x + w, y + h) for (x, y), (w, h) in zip(corners, sizes, strict=True)]
    assert min(x for x, *_ in frames) == 0
    assert max(right for *_, right, _ in frames) == pytest.approx(width)
    assert max(bottom for *_, bottom in frames) == pytest.approx(height)
    for (a, b, c, d), (e, f, g, h) in combinations(frames, 2):
        assert c < e or g < a or d < f or h < b


def test_parts_begin_where_the_data_comes_from() -> None:
    sizes = [(10.0, 30.0), (10.0, 50.0)]

    corners, _ = on_shelves(sizes, 1.6, at_end=True)

    assert corners[0][1] + 30 == corners[1][1] + 50
    assert on_shelves(sizes, 1.6, at_end=False)[0][0][1] == 0 < inf

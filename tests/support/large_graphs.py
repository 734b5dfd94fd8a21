"""Graphs to collapse, as the functions' names and the dependencies, by index."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import NamedTuple

from hypothesis import strategies as st


class Shape(NamedTuple):
    names: list[str]
    dependencies: list[list[int]]

    def __repr__(self) -> str:
        return f"Shape({len(self.names)} tasks)" if len(self.names) > 60 else tuple.__repr__(self)


class Builder:
    """Tasks as they are added."""

    def __init__(self) -> None:
        self.made = Shape([], [])

    def add(self, name: str, *dependencies: int) -> int:
        self.made.names.append(name)
        self.made.dependencies.append(list(dependencies))
        return len(self.made.names) - 1


def map_reduce(n: int) -> Shape:
    build = Builder()
    build.add("sum", *[build.add("clean", build.add("load")) for _ in range(n)])
    return build.made


def tree(n_leaves: int, most: int = 2) -> Shape:
    build = Builder()
    reduce(build, "sum", [build.add("load") for _ in range(n_leaves)], most)
    return build.made


def reduce(build: Builder, name: str, row: list[int], most: int) -> int:
    """In groups of `most`; one that is left over alone goes on as it is."""
    while len(row) > 1:
        parts = [row[n : n + most] for n in range(0, len(row), most)]
        row = [build.add(name, *part) if len(part) > 1 else part[0] for part in parts]
    return row[0]


def accumulation(n: int) -> Shape:
    """((x0 + x1) + x2) + ..."""
    build = Builder()
    total = build.add("load")
    for _ in range(n - 1):
        total = build.add("add", total, build.add("load"))
    return build.made


def chain(n: int) -> Shape:
    return Shape(["inc"] * n, [[task - 1] if task else [] for task in range(n)])


def stencil(width: int, n_levels: int) -> Shape:
    build = Builder()
    row = [build.add("init") for _ in range(width)]
    for _ in range(n_levels - 1):
        row = [build.add("step", *row[max(0, n - 1) : n + 2]) for n in range(width)]
    return build.made


def fft(log_width: int, n_stages: int) -> Shape:
    build = Builder()
    row = [build.add("x") for _ in range(1 << log_width)]
    for stage in range(n_stages):
        far = 1 << stage % log_width
        row = [build.add("butterfly", row[n], row[n ^ far]) for n in range(len(row))]
    return build.made


def alternating(n_chains: int, n_steps: int) -> Shape:
    """Chains of load, then read and write in turn."""
    build = Builder()
    for _ in range(n_chains):
        last = build.add("load")
        for _ in range(n_steps):
            last = build.add("write", build.add("read", last))
    return build.made


def cholesky(n: int) -> Shape:
    """The tiled factorisation: each step's triangle is smaller than the one before."""
    build = Builder()
    tile = {(i, j): build.add("tile") for i in range(n) for j in range(i + 1)}
    for k in range(n):
        tile[k, k] = build.add("potrf", tile[k, k])
        for i in range(k + 1, n):
            tile[i, k] = build.add("trsm", tile[k, k], tile[i, k])
        for i in range(k + 1, n):
            for j in range(k + 1, i + 1):
                parts = dict.fromkeys([tile[i, k], tile[j, k], tile[i, j]])
                tile[i, j] = build.add("gemm" if i > j else "syrk", *parts)
    return build.made


def mlp(n_layers: int, n_replicas: int) -> Shape:
    """Forward and backward through layers, the gradients of all replicas added up."""
    build = Builder()
    weights = [build.add("init") for _ in range(n_layers)]
    gradients: list[list[int]] = [[] for _ in weights]
    for _ in range(n_replicas):
        seen = [build.add("load")]
        for weight in weights:
            seen.append(build.add("forward", seen[-1], weight))
        ct = build.add("loss", seen[-1])
        for n in reversed(range(n_layers)):
            gradients[n].append(build.add("grad_weight", ct, seen[n]))
            if n:
                ct = build.add("grad_input", ct, weights[n])
    for weight, parts in zip(weights, gradients, strict=True):
        build.add("update", weight, build.add("all_reduce", *parts))
    return build.made


def shuffle(n_inputs: int, n_outputs: int) -> Shape:
    build = Builder()
    pieces = [build.add("split") for _ in range(n_inputs)]
    for _ in range(n_outputs):
        build.add("merge", *pieces)
    return build.made


def analytics(n: int) -> Shape:
    """Orders by n files, joined with 4 files of customers, then counted and plotted."""
    build = Builder()
    customers = [build.add("filter", build.add("read_csv")) for _ in range(4)]
    orders = [build.add("clean", build.add("read_parquet")) for _ in range(n)]
    joined = [build.add("join", order, customers[k % 4]) for k, order in enumerate(orders)]
    chunks = [build.add("groupby", part) for part in joined]
    total = build.add("finalize", reduce(build, "combine", chunks, 8))
    statistics = build.add("describe", *joined)
    build.add("report", total, statistics)
    build.add("plot", total)
    return build.made


def tangle(n: int, n_functions: int, reach: int, seed: int) -> Shape:
    """Each task needs up to three of those shortly before it."""
    rng = random.Random(seed)
    names = [f"f{rng.randrange(n_functions)}" for _ in range(n)]
    near = [range(max(0, task - reach), task) for task in range(n)]
    return Shape(names, [rng.sample(before, min(len(before), rng.randrange(4))) for before in near])


def distinct_names(shape: Shape) -> Shape:
    return shape._replace(names=[f"{name}{n}" for n, name in enumerate(shape.names)])


def beside(one: Shape, other: Shape) -> Shape:
    """Both, without a dependency between them."""
    start = len(one.names)
    moved = [[start + dep for dep in needed] for needed in other.dependencies]
    return Shape(one.names + other.names, one.dependencies + moved)


def renumbered(shape: Shape, rng: random.Random) -> tuple[Shape, list[int]]:
    """The same graph in another topological order; with the old index of each new one."""
    missing = [len(needed) for needed in shape.dependencies]
    users: list[list[int]] = [[] for _ in shape.names]
    for task, needed in enumerate(shape.dependencies):
        for dep in needed:
            users[dep].append(task)
    order = list(_shuffled(missing, users, rng))
    place = {task: n for n, task in enumerate(order)}
    dependencies = [[place[dep] for dep in shape.dependencies[task]] for task in order]
    for needed in dependencies:
        rng.shuffle(needed)
    return Shape([shape.names[task] for task in order], dependencies), order


def _shuffled(missing: list[int], users: list[list[int]], rng: random.Random) -> Iterator[int]:
    ready = [task for task, n in enumerate(missing) if not n]
    while ready:
        pick = rng.randrange(len(ready))
        ready[pick], ready[-1] = ready[-1], ready[pick]
        task = ready.pop()
        yield task
        for user in users[task]:
            missing[user] -= 1
            if not missing[user]:
                ready.append(user)


@st.composite
def free_shapes(draw: st.DrawFn) -> Shape:
    """Any small graph."""
    n = draw(st.integers(0, 30))
    names = draw(st.lists(st.sampled_from("abc"), min_size=n, max_size=n))
    needed = [
        draw(st.lists(st.integers(0, task - 1), unique=True, max_size=4)) if task else []
        for task in range(n)
    ]
    return Shape(names, needed)


_n = st.integers(1, 30)
known_shapes = st.one_of(
    st.builds(map_reduce, _n),
    st.builds(tree, _n, st.integers(2, 5)),
    st.builds(accumulation, _n),
    st.builds(chain, _n),
    st.builds(stencil, st.integers(1, 8), _n),
    st.builds(fft, st.integers(1, 4), _n),
    st.builds(alternating, st.integers(1, 4), _n),
    st.builds(cholesky, st.integers(1, 8)),
    st.builds(mlp, st.integers(1, 8), st.integers(1, 4)),
    st.builds(shuffle, st.integers(1, 5), st.integers(1, 5)),
    st.builds(analytics, _n),
    st.builds(tangle, st.integers(1, 300), _n, st.integers(1, 100), st.integers(0, 999)),
    st.builds(distinct_names, st.builds(stencil, st.integers(1, 4), st.integers(1, 60))),
)
shapes = free_shapes() | known_shapes | st.builds(beside, known_shapes, known_shapes)

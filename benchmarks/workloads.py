"""The graphs that are measured, each written once and built by any engine.

A workload takes a wished number of tasks and gives a `Prepared`: the number it really has, and
a function that makes the calls through an engine's `lift`: `lift(func)` is `func` itself for
plain Python and ``delayed(func)`` for the others. Whatever can be made before the clock starts
is made outside of `build`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from itertools import count
from math import isqrt
from operator import itemgetter
from typing import Any, NamedTuple

from benchmarks.patterns import PATTERNS, Level, levels_of

__all__ = ["WORKLOADS", "Lift", "Prepared", "first"]

Lift = Callable[[Callable[..., Any]], Callable[..., Any]]
Pick = Callable[[list[Any]], Any]


class Prepared(NamedTuple):
    """A workload of a certain size, ready to be built."""

    n_tasks: int
    build: Callable[[Lift], list[Any]]


def first(value: Any, *_others: Any) -> Any:
    """What every task does: nothing."""
    return value


def chain(n: int) -> Prepared:
    """Each task needs the one before."""

    def build(lift: Lift) -> list[Any]:
        step = lift(first)
        value = step(0)
        for _ in range(n - 1):
            value = step(value)
        return [value]

    return Prepared(n, build)


def fan(n: int) -> Prepared:
    """One task that all the others need; all those are asked for."""

    def build(lift: Lift) -> list[Any]:
        step = lift(first)
        source = step(0)
        return [step(source, i) for i in range(1, n)]

    return Prepared(n, build)


def map_reduce(n: int) -> Prepared:
    """Loads, a task on each, and one task that takes them all in one list."""
    k = (n - 1) // 2

    def build(lift: Lift) -> list[Any]:
        step = lift(first)
        return [step([step(step(i)) for i in range(k)])]

    return Prepared(2 * k + 1, build)


def tree(n: int) -> Prepared:
    """Pairs of results joined, until one is left."""
    n_leaves = (n + 1) // 2

    def build(lift: Lift) -> list[Any]:
        step = lift(first)
        level = [step(i) for i in range(n_leaves)]
        while len(level) > 1:
            odd = level[-1:] if len(level) % 2 else []
            level = [step(a, b) for a, b in zip(level[::2], level[1::2], strict=False)] + odd
        return level

    return Prepared(2 * n_leaves - 1, build)


def expressions(n: int) -> Prepared:
    """Operators on lazy values: ``(x + y) * z``, with an x of its own for each."""
    k = (n - 2) // 3

    def build(lift: Lift) -> list[Any]:
        value = lift(first)
        y, z = value(1), value(2)
        return [(value(i) + y) * z for i in range(k)]

    return Prepared(3 * k + 2, build)


def shuffle(n: int) -> Prepared:
    """Inputs cut into pieces, and as many outputs, each made of a piece of every input."""
    k = isqrt(n + 1) - 1

    def build(lift: Lift) -> list[Any]:
        step = lift(first)
        inputs = [step(i) for i in range(k)]
        pieces = [[step(value, j) for j in range(k)] for value in inputs]
        return [step(list(column)) for column in zip(*pieces, strict=True)]

    return Prepared(k * k + 2 * k, build)


@cache
def _pick(points: tuple[int, ...]) -> Pick:
    """What takes these points out of a list; a slice where one alone would not be a sequence."""
    alone = len(points) == 1
    return itemgetter(slice(points[0], points[0] + 1)) if alone else itemgetter(*points)


def _picks(row: Level, numbers: count[int]) -> list[Pick]:
    """How each task of a row gets its arguments; one that needs nothing gets a number."""
    return [_pick(points) if points else _constant(next(numbers)) for points in row]


def _constant(number: int) -> Pick:
    return lambda _row: (number,)


def _unneeded(rows: list[Level]) -> list[list[int]]:
    """Per row, the points that the next row does not need: the outputs."""
    needed = [{point for points in row for point in points} for row in [*rows[1:], []]]
    return [
        [i for i in range(len(row)) if i not in used]
        for row, used in zip(rows, needed, strict=True)
    ]


def task_bench(pattern: str, n: int) -> Prepared:
    """A pattern of Task Bench (our own implementation), about as many steps as points."""
    width = isqrt(n)
    if pattern == "fft":
        width = 1 << (width.bit_length() - 1)
    rows = levels_of(pattern, width, n // width)
    numbers = count()
    plan = [(_picks(row, numbers), kept) for row, kept in zip(rows, _unneeded(rows), strict=True)]

    def build(lift: Lift) -> list[Any]:
        step = lift(first)
        row: list[Any] = []
        outputs: list[Any] = []
        for picks, kept in plan:
            row = [step(*pick(row)) for pick in picks]
            outputs += [row[i] for i in kept]
        return outputs

    return Prepared(sum(len(row) for row in rows), build)


#: name -> what prepares it for about n tasks
WORKLOADS: dict[str, Callable[[int], Prepared]] = {
    "chain": chain,
    "fan": fan,
    "map_reduce": map_reduce,
    "tree": tree,
    "expressions": expressions,
    "shuffle": shuffle,
    **{pattern: partial(task_bench, pattern) for pattern in PATTERNS},
}

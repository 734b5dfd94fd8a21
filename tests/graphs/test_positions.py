"""Edits that would close a cycle are refused, and found by looking at few tasks."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from graphlib import CycleError as NotSortable
from graphlib import TopologicalSorter
from typing import Any

import pytest
from tasks import inc

from lazygraph import Graph, Ref, Task
from lazygraph.errors import GraphEditError


def sum_of(*keys: int) -> Task:
    return Task(max, (0, 0, *map(Ref, keys)))


def chain(n: int) -> Graph:
    return Graph({k: sum_of(*([k - 1] if k else [])) for k in range(n)})


def has_cycle(needs: dict[int, list[int]]) -> bool:
    try:
        list(TopologicalSorter(needs).static_order())
    except NotSortable:
        return True
    return False


def steps(edit: Callable[[], None]) -> int:
    """Count the lines that run in graphs/ meanwhile: the same on every machine."""
    count = 0

    def trace(frame: Any, event: str, _: Any) -> Any:
        nonlocal count
        if "graphs" not in frame.f_code.co_filename:
            return None
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        edit()
    finally:
        sys.settrace(before)
    return count


def skip_one(graph: Graph, n: int) -> None:
    for k in range(2, n):
        graph.replace(k, sum_of(k - 2))


def put_between(graph: Graph, n: int) -> None:
    for k in range(1, n):
        graph.add(n + k, sum_of(k - 1))
        graph.replace(k, sum_of(n + k))


def put_at_one_place(graph: Graph, n: int) -> None:
    before = n // 2
    for k in range(n):
        graph.add(n + k, sum_of(before))
        graph.replace(n // 2 + 1, sum_of(n + k))
        before = n + k


@pytest.mark.parametrize(
    ("edit", "most"), [(skip_one, 2.6), (put_between, 2.6), (put_at_one_place, 3.4)]
)
def test_edits_deep_in_a_chain_look_at_few_tasks(edit: Any, most: float) -> None:
    """Twice as many edits: twice the steps, or 2.8 times at one place; four times if quadratic."""
    few, many = (steps(lambda n=n: edit(chain(n), n)) for n in (150, 300))
    assert many < most * few


@pytest.mark.parametrize("seed", range(40))
def test_random_edits_are_refused_where_the_standard_library_finds_a_cycle(seed: int) -> None:
    draw = random.Random(seed)
    needs: dict[int, list[int]] = {k: draw.sample(range(k), min(k, 2)) for k in range(8)}
    graph = Graph({k: sum_of(*needs[k]) for k in draw.sample(list(needs), len(needs))})
    for new in range(8, 48):
        after = {k: list(v) for k, v in needs.items()}
        key, other = draw.choice(list(needs)), draw.choice(list(needs))
        kind = draw.choice(["add", "replace", "replace", "substitute", "remove"])
        if kind == "add":
            after[new] = draw.sample(list(needs), min(2, len(needs)))
            edit = lambda: graph.add(new, sum_of(*after[new]))  # noqa: B023, E731
        elif kind == "replace":
            after[key] = draw.sample(list(needs), min(2, len(needs)))
            edit = lambda: graph.replace(key, sum_of(*after[key]))  # noqa: B023, E731
        elif kind == "substitute":
            after = {k: [other if n == key else n for n in v] for k, v in needs.items()}
            edit = lambda: graph.substitute(key, Ref(other))  # noqa: B023, E731
        elif any(key in v for v in needs.values()) or len(needs) < 4:
            continue
        else:
            del after[key]
            edit = lambda: graph.remove(key)  # noqa: B023, E731
        if has_cycle(after):
            with pytest.raises(GraphEditError):
                edit()
        else:
            edit()
            needs = after
        assert {k: sorted(set(v)) for k, v in needs.items()} == {
            k: sorted(graph.dependencies(k))  # type: ignore[type-var]
            for k in graph
        }
        assert all(
            list(graph.dependents(k)) == [u for u in graph if k in needs[u]]  # type: ignore[index]
            for k in graph
        )


def test_a_missing_task_that_is_filled_in_has_its_dependents() -> None:
    graph = Graph({"a": Task(inc, (Ref("b"),))})
    assert graph.dependents("a") == ()
    graph.add("b", Task(int))
    assert graph.dependents("b") == ("a",)
    with pytest.raises(GraphEditError, match="'a' need it"):
        graph.remove("b")


def test_a_missing_task_that_would_close_a_cycle_is_refused() -> None:
    graph = Graph({"a": Task(inc, (Ref("b"),))})
    with pytest.raises(GraphEditError, match="'b' -> 'a' -> 'b'"):
        graph.add("b", Task(inc, (Ref("a"),)))
    assert list(graph) == ["a"]


def test_a_cycle_can_be_mended() -> None:
    graph = Graph({"a": Task(inc, (Ref("b"),)), "b": Task(inc, (Ref("a"),))})
    graph.replace("a", Task(int))
    graph.check()

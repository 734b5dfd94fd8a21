"""Random numbers follow from the seed and a task's place, and from nothing else."""

from __future__ import annotations

import asyncio
import contextvars
from pathlib import Path
from typing import Any

import numpy as np
from tasks import append, said

from lazygraph import acompute, as_completed, compute, config, delayed, iterate, rng
from lazygraph.protocols import Scheduler
from lazygraph.randomness import Seed, current_seed
from lazygraph.schedulers import Synchronous, Threads


@delayed
def draw(*_: Any) -> tuple[int, int]:
    return int(rng().integers(2**60)), int(rng().integers(2**60))


def nested(n: int) -> Any:
    """Draws, computes, draws on, computes again; one of the computes is of such a task."""
    first = int(rng().integers(2**60))
    inner = compute(*[draw() for _ in range(n)])
    again = compute(*[draw() for _ in range(n)])
    deeper = [] if n < 2 else compute(delayed(nested)(n - 1))
    return first, inner, again, deeper, int(rng().integers(2**60))


def numbers(found: Any) -> list[int]:
    if isinstance(found, (tuple, list)):
        return [number for item in found for number in numbers(item)]
    return [found]


def program() -> list[Any]:
    """Some that draw, one that draws after others, some that compute inside."""
    first = [draw() for _ in range(5)]
    return [*first, draw(first), *[delayed(nested)(n) for n in (1, 3)]]


def test_the_same_seed_gives_the_same_numbers_everywhere(own_scheduler: Scheduler) -> None:
    with config.set(scheduler=own_scheduler):
        found = compute(*program(), seed=0)
        assert found == compute(*program(), seed=0)
    with config.set(scheduler="sync"):
        assert found == compute(*program(), seed=0)


def test_no_two_tasks_draw_the_same(own_scheduler: Scheduler) -> None:
    with config.set(scheduler=own_scheduler):
        found = numbers(compute(*program(), seed=0))
        assert len(found) > 40
        assert len(set(found)) == len(found)
        other = numbers(compute(*program(), seed=1))
    assert set(other).isdisjoint(found)


def test_the_numbers_are_numpy_s_own() -> None:
    """Of the seed and the task's place, by numpy alone."""
    values = [draw() for _ in range(3)]
    found = compute(*values, seed=7)
    for place in range(3):
        sequence = np.random.SeedSequence(7, spawn_key=(place,))
        theirs = np.random.Generator(np.random.PCG64(sequence))
        assert found[place] == (int(theirs.integers(2**60)), int(theirs.integers(2**60)))


def test_one_by_one_and_together_are_the_same(own_scheduler: Scheduler) -> None:
    values = [draw() for _ in range(6)]
    together = compute(*values, seed=3, scheduler=own_scheduler)
    for function in (iterate, as_completed):
        pairs = {id(v): got for v, got in function(values, seed=3, scheduler=own_scheduler)}
        assert tuple(pairs[id(value)] for value in values) == together


def draw_flaky(path: Path, fails: int) -> int:
    number = int(rng().integers(2**60))
    append(path, ".")
    if len(said(path)) <= fails:
        raise OSError("again")
    return number


def test_a_second_attempt_draws_the_same(own_scheduler: Scheduler, tmp_path: Path) -> None:
    found = {
        delayed(draw_flaky, retries=3)(tmp_path / str(fails), fails).compute(
            scheduler=own_scheduler, seed=3
        )
        for fails in range(3)
    }
    assert len(found) == 1


async def draw_later(_: Any = None) -> tuple[int, int]:
    first = int(rng().integers(2**60))
    await asyncio.sleep(0)  # others draw meanwhile
    return first, int(rng().integers(2**60))


async def nested_later() -> Any:
    inner = await acompute(draw(), delayed(draw_later)())
    return inner, await acompute(draw()), int(rng().integers(2**60))


def test_async_tasks_draw_likewise(own_scheduler: Scheduler) -> None:
    values = [*[delayed(draw_later)() for _ in range(5)], delayed(nested_later)()]
    with config.set(scheduler=own_scheduler):
        found = compute(*values, seed=4)
        assert found == compute(*values, seed=4)
    assert len(set(numbers(found))) == len(numbers(found))
    plain = compute(*[draw() for _ in range(5)], seed=4, scheduler="sync")
    assert found[:5] == plain


def test_a_default_seed_is_not_used_twice(own_scheduler: Scheduler) -> None:
    """It is the run's; computes inside go on from there."""
    with config.set(seed=0, scheduler=own_scheduler):
        found = compute(*program())
    with config.set(scheduler=own_scheduler):
        assert found == compute(*program(), seed=0)


def inner_seed() -> Any:
    return compute(draw(), seed=9)


def test_a_seed_given_inside_is_the_one_that_holds() -> None:
    values = compute(delayed(inner_seed)(), delayed(inner_seed)(), seed=0, scheduler="sync")
    assert values[0] == values[1] == compute(draw(), seed=9, scheduler="sync")


def test_without_a_seed_numbers_are_fresh(own_scheduler: Scheduler) -> None:
    found = numbers(compute(*program(), scheduler=own_scheduler))
    again = numbers(compute(*program(), scheduler=own_scheduler))
    assert set(found).isdisjoint(again)
    assert rng().integers(2**60) != rng().integers(2**60)


def test_nothing_of_the_seed_is_left_after_the_run() -> None:
    def body() -> None:
        for scheduler in (Synchronous(), Threads(1)):
            compute(draw(), seed=0, scheduler=scheduler)
            assert current_seed() is None

    contextvars.copy_context().run(body)


def test_a_large_seed_is_one(own_scheduler: Scheduler) -> None:
    large = draw().compute(seed=2**200 + 1, scheduler=own_scheduler)
    assert large != draw().compute(seed=1, scheduler=own_scheduler)


def test_a_seed_tells_where_it_is() -> None:
    seed = Seed(3).at(1).inner().at(2)
    assert repr(seed) == "Seed(3, (1, 0, 2))"

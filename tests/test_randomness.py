"""Random numbers follow from the seed and a task's place, and from nothing else."""

from __future__ import annotations

import asyncio
import contextvars
import hashlib
import os
import pickle
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tasks import append, said

import lazygraph
from lazygraph import (
    acompute,
    as_completed,
    compute,
    config,
    delayed,
    function,
    inputs,
    iterate,
    rng,
)
from lazygraph.errors import CaptureError, OptionError
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
    for stream in (iterate, as_completed):
        pairs = {id(v): got for v, got in stream(values, seed=3, scheduler=own_scheduler)}
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


# --------------------------------------------------------- streams that do not move
@delayed(seed_by="args")
def fit(alpha: Any, data: Any = None, **more: Any) -> int:
    return int(rng().integers(2**60))


def named(alpha: Any) -> int:
    return int(rng(("fit", alpha)).integers(2**60))


SWEEP = [0.1, 1, "a", None, (2, [3.5, b"x"]), {"b": 1, "a": {2, 3}}, np.arange(5.0)]


def test_a_subset_repeats_the_numbers_of_the_sweep(own_scheduler: Scheduler) -> None:
    """In any order, in chunks, beside other tasks, inside tasks, from pickles, in a function."""
    options: dict[str, Any] = {"seed": 3, "scheduler": own_scheduler}
    (whole,) = compute([fit(x) for x in SWEEP], **options)
    assert len(set(whole)) == len(SWEEP)
    assert [compute(fit(x), **options)[0] for x in SWEEP] == whole
    mixed, _ = compute([fit(x) for x in SWEEP[::-1]], draw(fit(0)), **options)
    assert mixed == whole[::-1]
    inside = delayed(lambda: [compute(fit(x))[0] for x in SWEEP])
    assert compute(draw(), inside(), **options)[1] == whole
    assert compute(pickle.loads(pickle.dumps([fit(x) for x in SWEEP])), **options)[0] == whole
    assert set(compute([fit(x) for x in SWEEP], **{**options, "seed": 4})[0]).isdisjoint(whole)
    x = inputs("x")
    again = function([x], fit(x), **options)
    assert [again(value) for value in SWEEP] == whole


def test_named_streams_do_not_move_either(own_scheduler: Scheduler) -> None:
    options: dict[str, Any] = {"seed": 3, "scheduler": own_scheduler}
    names = [0.1, 1, "a", b"a", (1, ("b", None))]
    (whole,) = compute([delayed(named)(name) for name in names], **options)
    assert len(set(whole)) == len(names)
    assert [compute(draw(), delayed(named)(n), **options)[1] for n in names] == whole
    assert compute(delayed(named)(np.float64(0.1)), **options) == (whole[0],)
    nested_one = delayed(lambda: delayed(named)("a").compute())
    assert compute(draw(), nested_one(), **options)[1] == whole[2]


def test_the_numbers_of_a_named_stream_are_known() -> None:
    """Of the seed and a digest of the name, by hashlib and numpy alone."""
    digest = hashlib.blake2b(repr(("fit", 0.1)).encode(), digest_size=16).digest()
    words = struct.unpack("<4I", digest)
    sequence = np.random.SeedSequence(7, spawn_key=(2**31 + 1, *words))
    theirs = np.random.Generator(np.random.PCG64(sequence))
    assert delayed(named)(0.1).compute(seed=7) == int(theirs.integers(2**60))


def test_streams_do_not_follow_python_s_hash_seed() -> None:
    code = (
        "from lazygraph import *\n"
        "f = delayed(lambda a: int(rng().integers(2**60)), seed_by='args')\n"
        "g = delayed(lambda: int(rng(('x', 'y')).integers(2**60)))\n"
        "print(compute(f({'a', 'b', 'c'}), f({'k': {'v', 'w'}}), g(), seed=1))\n"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": hashseed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for hashseed in ("1", "2")
    }
    assert len(found) == 1


def test_streams_without_a_seed_are_fresh() -> None:
    assert fit(1).compute() != fit(1).compute()
    assert delayed(named)(1).compute() != delayed(named)(1).compute()


@pytest.mark.parametrize("key", [object(), {"a": 1}, [print]])
def test_a_name_that_is_not_the_same_twice_is_refused(key: Any) -> None:
    with pytest.raises(OptionError, match="the name of a stream is text"):
        rng(key)
    with pytest.raises(OptionError, match="the name of a stream is text"):
        delayed(lambda: rng(key))().compute(seed=1)


def test_seed_by_keeps_what_a_function_is(own_scheduler: Scheduler) -> None:
    with pytest.raises(CaptureError, match="missing a required argument: 'alpha'"):
        fit()
    pair = delayed(two, seed_by="args")
    first, second = pair(1)
    assert compute(first, second, scheduler=own_scheduler) == (1, 1)
    later = delayed(draw_later, seed_by="args")
    values = [later(n) for n in range(3)]
    options: dict[str, Any] = {"seed": 1, "scheduler": own_scheduler}
    assert compute(*values[::-1], **options) == compute(*values, **options)[::-1]
    assert len(set(compute(*values, **options))) == 3
    with pytest.raises(OptionError, match="seed_by is 'args' or None"):
        delayed(two, seed_by="key")


def two(n: int) -> tuple[int, int]:
    return n, n


# ------------------------------------------------------------- history moves nothing
def test_computes_under_a_default_seed_draw_one_after_the_other(own_scheduler: Scheduler) -> None:
    """As after numpy.random.seed: no variance is lost, and the program can be run again."""
    with config.set(scheduler=own_scheduler):
        with config.set(seed=0):
            found = [compute(draw(), draw()) for _ in range(3)]
            lazygraph.function([], draw())  # made, not called
            found.append(compute(draw(), draw()))
        assert len(set(numbers(found))) == len(numbers(found))
        assert found[0] == compute(draw(), draw(), seed=0)
        with config.set(seed=0):
            assert found == [compute(draw(), draw()) for _ in range(4)]
            assert config.get("seed") == 0


def test_a_function_inside_a_seeded_task_does_not_depend_on_earlier_calls() -> None:
    v = inputs("v")
    inner = function([v], delayed(lambda v: v + rng().random())(v), scheduler="synchronous")
    task = delayed(lambda: (inner(0.0), inner(0.0)))
    first = compute(task(), seed=0)
    inner(0.0)  # now it knows the quick way
    assert compute(task(), seed=0) == first
    assert first[0][0] != first[0][1]

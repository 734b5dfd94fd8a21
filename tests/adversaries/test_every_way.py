"""Every way to the same value: random programs, computed in each way there is, against plain Python.

Values and numbers of calls must be those of plain Python, whichever scheduler runs the program,
however it is asked for, and whatever it was made into before: pickled, optimized, persisted.
"""

from __future__ import annotations

import asyncio
import itertools
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cloudpickle
import pytest
from conftest import IN_PROCESS
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from random_programs import Built, Program, build, called, plain, programs

import lazygraph
from lazygraph import (
    acompute,
    as_completed,
    compute,
    config,
    delayed,
    function,
    get,
    iterate,
    optimize,
    persist,
)
from lazygraph.observers import Recorder
from lazygraph.protocols import Scheduler

#: What every scheduler runs, Dask's and clusters included.
EVERYWHERE = (
    "call", "call", "pure", "again", "op", "op", "nested", "nout", "input", "foreign",
)  # fmt: skip
#: And what this library's own run.
OURS = (*EVERYWHERE, "async", "flaky")

_SETTINGS = {
    "deadline": None,
    "phases": [Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
    "suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
}

Way = Callable[[Built, dict[str, Any]], list[Any]]


def _compute(built: Built, run: dict[str, Any]) -> list[Any]:
    return list(compute(*built.outputs, inputs=built.inputs, **run))


def _nested_request(built: Built, run: dict[str, Any]) -> list[Any]:
    (value,) = compute({"all": [tuple(built.outputs)]}, inputs=built.inputs, **run)
    return list(value["all"][0])


def _method(built: Built, run: dict[str, Any]) -> list[Any]:
    return [delayed(list)(built.outputs).compute(inputs=built.inputs, **run)][0]


def _observed(built: Built, run: dict[str, Any]) -> list[Any]:
    return _compute(built, {**run, "observers": [Recorder()]})


def _seeded(built: Built, run: dict[str, Any]) -> list[Any]:
    return _compute(built, {**run, "seed": 7})


def _collected(built: Built, run: dict[str, Any]) -> list[Any]:
    return _compute(built, {**run, "on_error": "collect"})


def _finite(built: Built, run: dict[str, Any]) -> list[Any]:
    return _compute(built, {**run, "check_finite": True})


def _raw_graph(built: Built, run: dict[str, Any]) -> list[Any]:
    together = delayed(list)(built.outputs)
    return get(together.graph, together.key, inputs=built.inputs, **run)


def _planned(built: Built, run: dict[str, Any]) -> list[Any]:
    names = list(built.inputs)
    made = function([lazygraph.inputs(name) for name in names], built.outputs, **run)
    return list(made(*[built.inputs[name] for name in names]))


def _persisted(built: Built, run: dict[str, Any]) -> list[Any]:
    kept = persist(*built.outputs, inputs=built.inputs, **run)
    return list(compute(*kept, **run))


def _optimized(built: Built, run: dict[str, Any]) -> list[Any]:
    return list(compute(*optimize(*built.outputs), inputs=built.inputs, **run))


def _pickled(built: Built, run: dict[str, Any]) -> list[Any]:
    copied = pickle.loads(cloudpickle.dumps(built.outputs))
    return list(compute(*copied, inputs=built.inputs, **run))


def _half_pickled(built: Built, run: dict[str, Any]) -> list[Any]:
    """Copies beside what they were copied from are the same tasks."""
    copied = pickle.loads(cloudpickle.dumps(built.outputs))
    both = compute([*built.outputs, *copied], inputs=built.inputs, **run)[0]
    half = len(built.outputs)
    assert both[:half] == both[half:]
    return both[:half]


def _as_completed(built: Built, run: dict[str, Any]) -> list[Any]:
    found = {
        id(lazy): value for lazy, value in as_completed(_once(built), inputs=built.inputs, **run)
    }
    return [found[id(lazy)] for lazy in built.outputs]


def _iterated(built: Built, run: dict[str, Any]) -> list[Any]:
    found = {id(lazy): value for lazy, value in iterate(_once(built), inputs=built.inputs, **run)}
    return [found[id(lazy)] for lazy in built.outputs]


def _once(built: Built) -> list[Any]:
    return list({id(lazy): lazy for lazy in built.outputs}.values())


def _awaited(built: Built, run: dict[str, Any]) -> list[Any]:
    return list(asyncio.run(_await(built, run)))


async def _await(built: Built, run: dict[str, Any]) -> Any:
    return await acompute(*built.outputs, inputs=built.inputs, **run)


def _configured(built: Built, run: dict[str, Any]) -> list[Any]:
    with config.set(**run):
        return list(compute(*built.outputs, inputs=built.inputs))


def _from_dask(built: Built, run: dict[str, Any]) -> list[Any]:
    """A lazy value as an argument of Dask's, which comes back as an argument here."""
    import dask

    outer = delayed(list)(dask.delayed(list)(built.outputs))
    return outer.compute(inputs=built.inputs, **run)


WAYS: dict[str, Way] = {
    "compute": _compute,
    "one nested request": _nested_request,
    "method": _method,
    "seeded": _seeded,
    "check_finite": _finite,
    "raw graph": _raw_graph,
    "function": _planned,
    "persist": _persisted,
    "optimize": _optimized,
    "pickled": _pickled,
    "beside its copy": _half_pickled,
    "config": _configured,
}
OUR_WAYS = {
    **WAYS,
    "observed": _observed,
    "collected": _collected,
    "acompute": _awaited,
    "as_completed": _as_completed,
    "iterate": _iterated,
}
#: Dask's graphs refuse what only our schedulers run: coroutine functions, results one by one.
WAYS["an argument of Dask's"] = _from_dask

_numbers = itertools.count()


def _check(way: Way, program: Program, run: dict[str, Any], folder: Path) -> None:
    values, calls = plain(program)
    path = folder / f"calls{next(_numbers)}"
    built = build(program, path)
    assert way(built, run) == values
    assert called(path) == calls


@settings(max_examples=40, **_SETTINGS)
@given(program=programs(OURS), data=st.data())
def test_our_schedulers_give_what_python_gives_in_every_way(
    own_scheduler: Scheduler, tmp_path: Path, program: Program, data: st.DataObject
) -> None:
    way = OUR_WAYS[data.draw(st.sampled_from(sorted(OUR_WAYS)))]
    _check(way, program, {"scheduler": own_scheduler}, tmp_path)


@pytest.mark.parametrize("way", OUR_WAYS.values(), ids=OUR_WAYS)
@settings(max_examples=8, **_SETTINGS)
@given(program=programs(OURS), scheduler=st.sampled_from(list(IN_PROCESS.values())))
def test_every_way_gives_what_python_gives(
    way: Way, tmp_path: Path, program: Program, scheduler: Scheduler
) -> None:
    _check(way, program, {"scheduler": scheduler}, tmp_path)


@settings(max_examples=15, **_SETTINGS)
@given(program=programs(EVERYWHERE), data=st.data())
def test_every_scheduler_gives_what_python_gives(
    scheduler: Scheduler, tmp_path: Path, program: Program, data: st.DataObject
) -> None:
    way = WAYS[data.draw(st.sampled_from(sorted(WAYS)))]
    _check(way, program, {"scheduler": scheduler}, tmp_path)


def _inside(path: str, program: Program, scheduler: Any) -> list[Any]:
    built = build(program, Path(path))
    return _compute(built, {"scheduler": scheduler})


@pytest.mark.parametrize("inner", ["synchronous", "threads", "processes"])
@settings(max_examples=4, **_SETTINGS)
@given(program=programs(OURS, most=5))
def test_programs_inside_tasks_of_any_scheduler(
    own_scheduler: Scheduler, inner: str, tmp_path: Path, program: Program
) -> None:
    values, calls = plain(program)
    paths = [tmp_path / f"calls{next(_numbers)}" for _ in range(3)]
    tasks = [delayed(_inside)(str(path), program, inner) for path in paths]
    found = compute(*tasks, scheduler=own_scheduler)
    assert found == (values, values, values)
    assert [called(path) for path in paths] == [calls] * 3

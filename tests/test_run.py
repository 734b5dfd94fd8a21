"""What a run is asked: one list of keywords, honoured or refused, the same by every public way."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from typing import Any

import dask
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tasks import fail, identity, inc

import lazygraph
from lazygraph import Failed, compute, config, delayed, rng
from lazygraph.errors import OptionError, UnknownSchedulerError, UnsupportedOptionError
from lazygraph.observers import Recorder
from lazygraph.protocols import Scheduler
from lazygraph.schedulers import Synchronous, Threads, choose
from lazygraph.tasks.options import (
    CONTROLS,
    KNOWN_OPTIONS,
    RUN_OPTIONS,
    TERMS,
    Options,
    TaskOptions,
)

# ------------------------------------------------------------------------ one list
VERBS = ("compute", "persist", "get", "as_completed", "iterate", "acompute", "function")


@pytest.mark.parametrize("verb", VERBS)
def test_help_of_each_verb_tells_every_keyword(verb: str) -> None:
    function = getattr(lazygraph, verb)
    left_out = {"traverse"} if verb in {"get", "as_completed", "iterate", "function"} else set()
    left_out |= {"optimize_graph"} if verb == "function" else set()
    assert [name for name in RUN_OPTIONS if name not in function.__doc__] == [
        n for n in RUN_OPTIONS if n in left_out
    ]
    assert "Examples" in function.__doc__
    assert "RunOptions" in str(inspect.signature(function))


def test_help_of_delayed_tells_every_option() -> None:
    for name in KNOWN_OPTIONS:
        assert f"``{name}``" in (delayed.__doc__ or "")
        assert f"    {name} : " in (Options.__doc__ or "")


def test_a_task_s_options_are_one_list() -> None:
    assert [*TaskOptions.__annotations__, "is_async"] == [*Options.__slots__][: -len(HIDDEN)]


HIDDEN = ("_changed", "_hash", "is_controlled")


def test_schedulers_honour_names_of_the_lists(scheduler: Scheduler) -> None:
    assert scheduler.honours <= {*KNOWN_OPTIONS, "is_async"} | TERMS
    assert set(RUN_OPTIONS) > TERMS
    assert CONTROLS - {"is_async"} < set(KNOWN_OPTIONS)


def test_migrate_knows_the_same_keywords() -> None:
    from lazygraph.migrate.uses import _COMPUTE, _DELAYED

    assert set(RUN_OPTIONS) == _COMPUTE
    assert {"name", "pure", "nout", "traverse"} == _DELAYED


def test_names_of_schedulers_are_one_list() -> None:
    from lazygraph.schedulers import _BY_NAME

    assert set(_BY_NAME) == set(config.SCHEDULER_NAMES)


# ------------------------------------------------------------------ every public way
def draw(n: int) -> tuple[int, int]:
    return n, int(rng().integers(2**60))


def by_compute(values: list[Any], **options: Any) -> list[Any]:
    return list(compute(*values, **options))


def by_methods(values: list[Any], **options: Any) -> list[Any]:
    return delayed(values).compute(**options)


def by_persist(values: list[Any], **options: Any) -> list[Any]:
    return [held.compute(scheduler="sync") for held in lazygraph.persist(*values, **options)]


def by_get(values: list[Any], **options: Any) -> list[Any]:
    graph = lazygraph.Graph()
    for value in values:
        for key, task in value.graph.items():
            if key not in graph:
                graph.add(key, task)
    return list(lazygraph.get(graph, [value.key for value in values], **options))


def by_stream(function: Any) -> Callable[..., list[Any]]:
    def run(values: list[Any], **options: Any) -> list[Any]:
        found = {id(value): result for value, result in function(values, **options)}
        return [found[id(value)] for value in values]

    return run


def by_acompute(values: list[Any], **options: Any) -> list[Any]:
    return list(asyncio.run(lazygraph.acompute(*values, **options)))


def by_function(values: list[Any], **options: Any) -> list[Any]:
    return list(lazygraph.function([], values, **options)())


WAYS = {
    "compute": by_compute,
    "persist": by_persist,
    "get": by_get,
    "as_completed": by_stream(lazygraph.as_completed),
    "iterate": by_stream(lazygraph.iterate),
    "acompute": by_acompute,
    "function": by_function,
}


def seen(results: list[Any]) -> list[Any]:
    return [type(r).__name__ if hasattr(r, "error") else r for r in results]


@pytest.mark.parametrize("way", WAYS)
@given(
    fails=st.lists(st.booleans(), min_size=1, max_size=4),
    seed=st.integers(0, 3),
    name=st.sampled_from(["synchronous", "threads"]),
)
def test_keywords_mean_the_same_by_every_way(
    way: str, fails: list[bool], seed: int, name: str
) -> None:
    def make() -> list[Any]:
        limited = delayed(draw, uses={"db": 1})
        return [delayed(fail)(n) if bad else limited(n) for n, bad in enumerate(fails)]

    options: dict[str, Any] = {"seed": seed, "scheduler": name, "on_error": "collect"}
    if not all(fails):
        options["limits"] = {"db": np.int64(1)}
    recorder = Recorder()
    found = WAYS[way](make(), observers=[recorder], **options)

    assert [result == "Failed" for result in seen(found)] == fails
    drawn = [np.random.SeedSequence(seed, spawn_key=(n,)) for n in range(len(fails))]
    for n, bad in enumerate(fails):
        if not bad:
            theirs = np.random.Generator(np.random.PCG64(drawn[n]))
            assert found[n] == (n, int(theirs.integers(2**60)))
    assert len(recorder.failed) == sum(fails)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"shceduler": "sync"}, "did you mean 'scheduler'"),
        ({"scheduler": "thread"}, "did you mean 'threads'"),
        ({"num_workers": -1}, "from 1 to"),
        ({"limits": {"bd": 2}}, "limits has 'bd', which no task of this run uses"),
        ({"check_finite": "yes"}, "True or False"),
        ({"observers": [Recorder]}, "objects with notify"),
        ({"scheduler": Threads(2), "num_workers": 8}, "cannot honour option 'num_workers'"),
        ({"scheduler": "sync", "num_workers": 8}, "cannot honour option 'num_workers'"),
    ],
)
def test_what_is_wrong_is_refused_by_every_way(way: str, options: Any, text: str) -> None:
    with pytest.raises(OptionError, match=text):
        WAYS[way]([delayed(inc)(1)], **options)


# ------------------------------------------------------------- honoured or refused
def test_a_delayed_function_takes_what_is_given_anew() -> None:
    again = delayed(delayed(divmod, retries=2), pure=True, nout=2, name="both")
    assert again.key == "both"
    assert again(7, 2).key == again(7, 2).key
    assert [part.compute() for part in again(7, 2)] == [3, 1]
    assert again._target.options == Options(retries=2)
    kept = delayed(again)
    assert kept is again
    with pytest.raises(OptionError, match=r"options belong to a function, .* give pure, nout "):
        delayed(again(7, 2), nout=2, pure=True)


def test_options_can_be_given_for_some_calls(own_scheduler: Scheduler) -> None:
    plain = delayed(inc)
    urgent = plain.with_options(priority=np.float32(2), retries=np.int8(1))
    assert urgent(1)._function.options == Options(priority=2.0, retries=1)
    assert plain(1)._function.options == Options()
    assert urgent(1).compute(scheduler=own_scheduler) == 2
    with pytest.raises(OptionError, match="did you mean 'retries'"):
        plain.with_options(retry=3)


@pytest.mark.parametrize(
    ("name", "cure"),
    [
        ("remote", r"call it, f\(x\)"),
        ("options", r"f\.with_options\(retries=3\)"),
        ("map", "for x"),
    ],
)
def test_what_other_libraries_write_is_refused_with_the_cure(name: str, cure: str) -> None:
    with pytest.raises(AttributeError, match=f"inc is a function without '{name}': .*{cure}"):
        getattr(delayed(inc), name)


def test_what_a_function_has_is_lazy_still() -> None:
    assert delayed(dict).fromkeys("ab").compute() == {"a": None, "b": None}


@pytest.mark.parametrize("option", [{"backoff": 1}, {"retry_on": OSError}])
def test_how_to_retry_without_retries_is_refused(option: Any) -> None:
    (name,) = option
    with pytest.raises(OptionError, match=f"'{name}' says how to try again, .* retries=3"):
        delayed(inc, **option)
    assert delayed(inc, retries=0, **option)(1).compute() == 2


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("retry", "retries"),
        ("resources", "uses"),
        ("num_returns", "nout"),
        ("time_limit", "timeout"),
    ],
)
def test_other_libraries_words_suggest_ours(word: str, meant: str) -> None:
    with pytest.raises(OptionError, match=f"did you mean '{meant}'"):
        delayed(inc, **{word: 3})
    with pytest.raises(OptionError, match="did you mean 'num_workers'"):
        compute(delayed(inc)(1), n_jobs=3)


def test_several_refusals_come_in_one_error_with_ways_on() -> None:
    value = delayed(identity, retries=2, backoff=1, timeout=3)(delayed(inc, priority=1)(1))
    with pytest.raises(UnsupportedOptionError) as caught:
        value.compute(scheduler=dask.get, on_error="collect")
    first, *rest = str(caught.value).splitlines()
    assert "cannot honour 5 options" in first
    assert sorted(line.split("'")[1] for line in rest) == [
        "backoff",
        "on_error",
        "priority",
        "retries",
        "timeout",
    ]
    assert all("; instead: " in line for line in rest)
    assert (caught.value.option, caught.value.key) == ("on_error", None)


def test_a_default_number_of_workers_is_for_schedulers_made_by_name() -> None:
    threads = Threads(2)
    with config.set(num_workers=np.int64(3)):
        assert choose("threads", None, config.get("num_workers")).num_workers == 3
        assert delayed(inc)(1).compute(scheduler=threads) == 2
        assert delayed(inc)(1).compute(scheduler="sync") == 2
    assert delayed(inc)(1).compute(scheduler=threads, num_workers=2) == 2


@pytest.mark.parametrize(
    "bad",
    [
        {"num_workers": -1},
        {"num_workers": True},
        {"on_error": "x"},
        {"seed": "y"},
        {"seed": True},
        {"observers": [3]},
        {"observers": [Recorder]},
        {"limits": {"db": -1}},
        {"scheduler": "thred"},
        {"scheduler": 3},
        {"scheduler": Synchronous},
    ],
    ids=str,
)
def test_defaults_are_checked_where_they_are_set(bad: dict[str, Any]) -> None:
    before = config.settings()
    with pytest.raises(OptionError):
        config.set(seed=3, **bad) if "seed" not in bad else config.set(bad)
    assert config.settings() is before


def test_a_half_made_scheduler_is_told_what_it_lacks() -> None:
    class Half:
        name = "half"

        def run(self, *_: Any) -> list[Any]:
            return []

    with pytest.raises(UnknownSchedulerError, match="lacks honours"):
        compute(delayed(inc)(1), scheduler=Half())


@pytest.mark.parametrize("kind", [np.int8, np.int64, np.uint16])
def test_numpy_numbers_are_numbers(kind: Any) -> None:
    two = kind(2)
    function = delayed(divmod, nout=two, retries=two, timeout=two, backoff=two, uses={"db": two})
    first, _ = function(7, 2)
    options: Any = {"seed": two, "limits": {"db": two}, "num_workers": two}
    assert first.compute(**options) == 3
    assert [v for _, v in lazygraph.iterate([first], lookahead=two, **options)] == [3]
    assert function._target.options == Options(retries=2, timeout=2, backoff=2, uses={"db": 2})


def test_failures_of_a_default_collect() -> None:
    with config.set(on_error="collect"):
        (failed,) = compute(delayed(fail)(1))
    assert type(failed) is Failed

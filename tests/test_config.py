"""Defaults: global or for a block, one thread's not another's; and how a scheduler is chosen."""

from __future__ import annotations

import contextvars
import threading
from typing import Any

import dask
import dask.threaded
import pytest
from tasks import inc

from lazygraph import compute, config, delayed
from lazygraph.errors import OptionError, UnknownSchedulerError, UnsupportedOptionError
from lazygraph.observers import Recorder, RunStarted
from lazygraph.schedulers import DaskGet, Synchronous, Threads, choose, names, refuse_unsupported


def scheduler_of(**options: Any) -> str:
    recorder = Recorder()
    assert delayed(inc)(1).compute(observers=[recorder], **options) == 2
    started = recorder.events[0]
    assert isinstance(started, RunStarted)
    return f"{started.scheduler} {started.workers}"


def test_a_block_sets_and_restores() -> None:
    with config.set(scheduler="sync", num_workers=3):
        assert scheduler_of() == "synchronous 1"
        with config.set(scheduler="threads"):
            assert scheduler_of() == "threads 3"
        assert scheduler_of() == "synchronous 1"
    assert config.get("scheduler") == "threads"
    assert config.get("num_workers") is None


def test_a_plain_set_stays() -> None:
    def body() -> None:
        config.set(scheduler="sync")
        assert scheduler_of() == "synchronous 1"

    contextvars.copy_context().run(body)
    assert config.get("scheduler") == "threads"


def test_threads_do_not_see_each_others_settings() -> None:
    start = threading.Barrier(4)
    wrong: list[Any] = []

    def work(i: int) -> None:
        start.wait()
        for _ in range(200):
            with config.set(num_workers=i):
                if config.get("num_workers") != i:
                    wrong.append(i)
            if config.get("num_workers") is not None:
                wrong.append(None)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_observers_can_be_a_default() -> None:
    recorder = Recorder()
    with config.set(observers=[recorder]):
        compute(delayed(inc)(1))
    assert len(recorder.ended) == 1


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(
        OptionError, match="config has no option 'num_worker'; did you mean 'num_workers'"
    ):
        config.set(num_worker=2)
    with pytest.raises(OptionError, match="no option 'x'"):
        config.get("x")


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("synchronous", Synchronous),
        ("sync", Synchronous),
        ("single-threaded", Synchronous),
        ("threads", Threads),
        ("threading", Threads),
        ("Threads", Threads),
        (dask.get, DaskGet),
        (dask.threaded.get, DaskGet),
    ],
)
def test_words_and_functions_choose_schedulers(word: Any, kind: type) -> None:
    assert type(choose(word)) is kind


def test_an_object_is_used_as_it_is() -> None:
    threads = Threads(3)
    assert choose(threads, default=5) is choose(threads, num_workers=3) is threads


def test_names_lists_each_scheduler_once() -> None:
    made = [name for name in names() if name not in {"dask", "distributed"}]  # they choose others
    assert [choose(name).name for name in made] == made
    assert len(set(names())) == len(names()) == len(made) + 2


@pytest.mark.parametrize("bad", ["thread", "processs", "", 3, None, Threads, object()])
def test_an_unknown_scheduler_lists_the_known(bad: Any) -> None:
    with pytest.raises(
        UnknownSchedulerError, match="known: synchronous, sync, single-threaded, threads"
    ):
        choose(bad)
    with pytest.raises(ValueError, match="is not known"):
        choose(bad)


def test_a_near_miss_gets_a_hint() -> None:
    with pytest.raises(UnknownSchedulerError, match="did you mean 'threads'"):
        delayed(inc)(1).compute(scheduler="thread")


def test_a_dask_style_get_gets_the_graph_and_the_number_of_workers() -> None:
    asked: dict[str, Any] = {}

    def get(dsk: Any, keys: Any, **kwargs: Any) -> Any:
        asked.update(kwargs, n=len(dsk), keys=keys)
        return dask.get(dsk, keys)

    value = delayed(inc)(delayed(inc)(1))
    assert value.compute(scheduler=get, num_workers=3) == 3
    assert asked == {"num_workers": 3, "n": 2, "keys": [value.key]}


def test_a_string_literal_that_equals_a_key_is_no_key_for_a_dask_style_get() -> None:
    x = delayed(inc)(1, dask_key_name="x")
    assert delayed(lambda *args: args)(x, "x", (inc, 1)).compute(scheduler=dask.get) == (
        2,
        "x",
        (inc, 1),
    )


class Careless(Synchronous):
    """Honours whatever is left of the options when passes have had theirs."""


def test_an_option_that_a_scheduler_would_ignore_is_refused(monkeypatch: Any) -> None:
    from lazygraph.graphs.graph import Graph
    from lazygraph.graphs.plan import make_plan
    from lazygraph.schedulers import refusals
    from lazygraph.tasks.options import Options
    from lazygraph.tasks.task import Task

    graph = Graph({"slow": Task(inc, (1,), options=Options(inline=True))})
    plan = make_plan(graph, ["slow"])
    refuse_unsupported(Careless(), plan)
    monkeypatch.setattr(refusals, "PASS_OPTIONS", frozenset())
    with pytest.raises(
        UnsupportedOptionError,
        match="the synchronous scheduler cannot honour option 'inline' of task 'slow'",
    ):
        refuse_unsupported(Careless(), plan)

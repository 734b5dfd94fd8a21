"""All controls together: random programs with random ones; what cannot be honoured is refused."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import dask
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from strategies import as_delayed, evaluate, programs
from tasks import Flaky, identity, inc, said, wait_until

import lazygraph
from lazygraph import as_completed, compute, config, delayed, iterate
from lazygraph.errors import OptionError, UnsupportedOptionError
from lazygraph.protocols import Scheduler
from lazygraph.schedulers import DaskGet

MANY = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=30
)


@MANY
@given(program=programs(), data=st.data())
def test_random_programs_with_random_controls_give_what_plain_calls_give(
    own_scheduler: Scheduler,
    tmp_path_factory: pytest.TempPathFactory,
    program: Any,
    data: st.DataObject,
) -> None:
    """Each task fails a few times, uses this and that, and is more or less urgent."""
    folder = tmp_path_factory.mktemp("calls")
    fails = {name: data.draw(st.integers(0, 2)) for name in program}

    def make(name: str, func: Callable[..., Any]) -> Any:
        return delayed(
            Flaky(func, folder / name, fails[name]),
            retries=data.draw(st.integers(fails[name], 3)),
            retry_on=data.draw(st.sampled_from([OSError, (KeyError, OSError), Exception])),
            uses=data.draw(st.sampled_from([None, {"a": 1}, {"a": 2, "b": 0.5}])),
            priority=data.draw(st.integers(-1, 1)),
        )

    with config.set(limits={"a": 2, "b": 0.5}):
        values = compute(as_delayed(program, make), scheduler=own_scheduler)

    assert values == (evaluate(program),)
    assert {name: len(said(folder / name)) - 1 for name in program} == fails


@MANY
@given(program=programs(), lookahead=st.none() | st.integers(1, 3), data=st.data())
def test_random_programs_one_by_one_give_what_plain_calls_give(
    own_scheduler: Scheduler, program: Any, lookahead: int | None, data: st.DataObject
) -> None:
    expected = evaluate(program)
    lazy = as_delayed(program)
    names = data.draw(st.lists(st.sampled_from(list(program)), max_size=8))
    options = {"scheduler": own_scheduler, "lookahead": lookahead}
    asked = [lazy[name] for name in names]
    name_of = {id(value): name for name, value in lazy.items()}

    in_order = [(name_of[id(item)], value) for item, value in iterate(asked, **options)]
    as_they_end = [(name_of[id(item)], value) for item, value in as_completed(asked, **options)]

    assert in_order == [(name, expected[name]) for name in names]
    assert sorted(as_they_end, key=str) == sorted(in_order, key=str)


# ---------------------------------------------------------------- what is refused
async def later(x: Any) -> Any:
    return x


THEIRS = DaskGet(dask.get)


@pytest.mark.parametrize(
    "options",
    [
        {"retries": 1},
        {"retry_on": OSError, "retries": 0},
        {"backoff": 1, "retries": 0},
        {"timeout": 1},
        {"uses": {"db": 1}},
        {"priority": 1},
    ],
    ids=lambda options: next(iter(options)),
)
def test_an_option_that_a_scheduler_cannot_honour_is_refused(options: Any) -> None:
    value = delayed(identity)(delayed(inc, **options)(1, dask_key_name="one"))
    with pytest.raises(UnsupportedOptionError, match=r"dask.*get.* cannot honour") as caught:
        value.compute(scheduler=THEIRS)
    for name in options:
        assert f"'{name}' of task 'one'; instead: " in str(caught.value)


def test_an_async_function_is_refused_where_there_is_no_event_loop() -> None:
    value = delayed(identity)(delayed(later)(1, dask_key_name="one"))
    with pytest.raises(UnsupportedOptionError, match="'async def' of task 'one'"):
        value.compute(scheduler=THEIRS)


@pytest.mark.parametrize("term", [{"limits": {"db": 1}}, {"on_error": "collect"}])
def test_a_term_that_a_scheduler_cannot_honour_is_refused_unless_it_asks_nothing(term: Any) -> None:
    (name,) = term
    with pytest.raises(UnsupportedOptionError, match=f"cannot honour option '{name}'; instead: "):
        delayed(inc)(1).compute(scheduler=THEIRS, **term)
    with config.set(**term):
        if name == "limits":  # what uses a resource is refused itself
            assert delayed(inc)(1).compute(scheduler=THEIRS) == 2
        else:
            with pytest.raises(UnsupportedOptionError, match=f"'{name}', set as a default"):
                delayed(inc)(1).compute(scheduler=THEIRS)


@pytest.mark.parametrize("function", [as_completed, iterate])
def test_results_one_by_one_are_refused_where_they_come_together(function: Any) -> None:
    with pytest.raises(UnsupportedOptionError, match=f"cannot honour .{function.__name__}"):
        function([delayed(inc)(1)], scheduler=THEIRS)


@pytest.mark.parametrize(
    ("term", "permitted"),
    [
        ({"on_error": "ignore"}, "on_error is 'raise' or 'collect', not 'ignore'"),
        ({"on_error": True}, "on_error is 'raise' or 'collect', not True"),
        ({"on_error": ["raise"]}, "on_error is 'raise' or 'collect'"),
        ({"seed": -1}, "seed is a whole number, 0 or more, not -1"),
        ({"seed": 1.5}, "seed is a whole number, 0 or more, not 1.5"),
        ({"seed": True}, "seed is a whole number, 0 or more, not True"),
        ({"seed": "0"}, "seed is a whole number, 0 or more, not '0'"),
        ({"limits": {"db": -1}}, "limits is a dict of amounts, 0 or more, as {'db': 2}"),
        ({"limits": {"db": "2"}}, "limits is a dict of amounts"),
        ({"limits": {"db": True}}, "limits is a dict of amounts"),
        ({"limits": {"db": float("inf")}}, "limits is a dict of amounts"),
        ({"limits": {1: 2}}, "limits is a dict of amounts"),
        ({"limits": [("db", 1)]}, "limits is a dict of amounts"),
        ({"limits": 3}, "limits is a dict of amounts"),
    ],
)
def test_a_bad_term_is_refused_with_what_is_permitted(
    own_scheduler: Scheduler, term: Any, permitted: str
) -> None:
    value = delayed(inc)(1)
    with pytest.raises(OptionError, match=permitted):
        value.compute(scheduler=own_scheduler, **term)
    with pytest.raises(OptionError, match=permitted):
        as_completed([value], scheduler=own_scheduler, **term)
    with pytest.raises(OptionError, match=permitted):
        config.set(**term)


def test_an_unknown_keyword_lists_the_known() -> None:
    with pytest.raises(
        OptionError,
        match=r"as_completed has no option 'limit'.*known: check_finite, inputs, limits, n",
    ):
        as_completed([], limit={"db": 1})


# ------------------------------------------------------------------ nested computes
def nested(depth: int) -> int:
    """Computes inside computes, of controlled and of plain tasks."""
    if depth == 0:
        return 1
    again = delayed(nested, retries=1) if depth % 2 else delayed(nested)
    return sum(compute(again(depth - 1), again(depth - 1))) + 1


def test_nested_computes_of_controlled_tasks_give_what_plain_recursion_gives(
    own_scheduler: Scheduler,
) -> None:
    for outer in (delayed(nested), delayed(nested, retries=1)):
        with config.set(scheduler=own_scheduler):
            assert outer(5).compute() == 2**6 - 1
            assert compute(*[outer(3)] * 2, *[outer(3)] * 2, seed=0) == (15,) * 4


def deep(depth: int, seen: set[int]) -> int:
    seen.add(threading.get_ident())
    if depth == 0:
        return 1
    inner = [delayed(deep, priority=depth)(depth - 1, lazygraph.literal(seen)) for _ in range(3)]
    whole = [value for _, value in as_completed(inner[:1])]
    return sum(compute(*inner[1:])) + sum(whole) + 1


@pytest.mark.parametrize("options", [{}, {"retries": 1}], ids=["plain", "controlled"])
@pytest.mark.parametrize("scheduler", ["threads", "synchronous"])
def test_nested_computes_of_controlled_tasks_add_no_threads(scheduler: str, options: Any) -> None:
    """Plain crews, controlled crews, and results one by one inside both."""
    seen: set[int] = set()
    before = threading.active_count()
    values = [delayed(deep, **options)(3, lazygraph.literal(seen)) for _ in range(4)]

    with config.set(scheduler=scheduler, num_workers=3):
        assert compute(*values) == (sum(3**i for i in range(4)),) * 4

    assert len(seen) <= (3 if scheduler == "threads" else 1)
    assert wait_until(lambda: threading.active_count() <= before)


@pytest.mark.parametrize("name", ["threads", "synchronous"])
def test_threads_are_gone_when_the_run_is(name: str) -> None:
    before = set(threading.enumerate())
    workers: Any = {"num_workers": 4} if name == "threads" else {}
    for _ in range(20):
        values = [delayed(inc, priority=1)(i) for i in range(20)]
        assert compute(*values, delayed(later)(1), scheduler=name, **workers)[-1] == 1
        assert {t.name for t in set(threading.enumerate()) - before} == set()


def boom(started: threading.Event) -> None:
    started.wait(10)
    raise ValueError("boom")


@pytest.mark.parametrize("options", [{}, {"priority": 1}], ids=["plain", "controlled"])
def test_an_outer_error_ends_nested_controlled_runs(options: Any) -> None:
    """One task computes many, one after the other; another fails meanwhile."""
    begun, started, failed, ended = (threading.Event() for _ in range(4))
    ran: list[int] = []

    def other() -> None:
        begun.set()  # now: else both threads might work on what the first task computes
        boom(started)

    def step(i: int) -> None:
        started.set()
        failed.wait(10)
        ran.append(i)

    def inner() -> None:
        begun.wait(10)
        try:
            compute(*[delayed(step, priority=1)(i) for i in range(100)])
        finally:
            ended.set()

    tasks = [delayed(func, **options)() for func in (other, inner)]
    with pytest.raises(ValueError, match="boom"):
        compute(*tasks, scheduler="threads", num_workers=2)
    failed.set()
    assert ended.wait(10)
    assert sorted(ran) in ([0], [0, 1])  # those in hand, on one thread or on both

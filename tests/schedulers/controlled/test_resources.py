"""What tasks use of what there is, and which of those that are ready goes first."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tasks import append, crowded, inc, most_at_once, said

from lazygraph import as_completed, compute, config, delayed
from lazygraph.errors import ImpossibleDemandError, OptionError
from lazygraph.graphs.plan import make_plan
from lazygraph.protocols import Scheduler
from lazygraph.schedulers import Threads
from lazygraph.schedulers.controlled.resources import Resources
from lazygraph.schedulers.controlled.state import ControlledState
from lazygraph.tasks.options import Terms


def test_the_count_of_those_inside_is_right() -> None:
    assert most_at_once("+-++-+--") == 2


def test_never_more_at_once_than_there_is(own_scheduler: Scheduler, tmp_path: Path) -> None:
    log = tmp_path / "log"
    use = delayed(crowded, uses={"db": 1})
    values = compute(
        *[use(log, 2, i) for i in range(10)], scheduler=own_scheduler, limits={"db": 2}
    )
    assert values == tuple(range(10))
    assert 1 <= most_at_once(said(log)) <= 2


def test_without_a_limit_so_many_would_be_inside(tmp_path: Path) -> None:
    """The test above can fail."""
    log = tmp_path / "log"
    compute(*[delayed(crowded)(log, 2, i) for i in range(10)], scheduler=Threads(8))
    assert most_at_once(said(log)) > 2


def test_several_resources_at_once(own_scheduler: Scheduler, tmp_path: Path) -> None:
    both = delayed(crowded, uses={"db": 1, "gpu": 2})
    one = delayed(crowded, uses={"gpu": 1})
    values = [both(tmp_path / "both", 1) for _ in range(4)]
    values += [one(tmp_path / "one", 3) for _ in range(6)]
    compute(*values, scheduler=own_scheduler, limits={"db": 2, "gpu": 3})
    assert most_at_once(said(tmp_path / "both")) == 1
    assert most_at_once(said(tmp_path / "one")) <= 3


def test_a_task_that_waits_for_a_resource_holds_no_worker(
    own_scheduler: Scheduler, tmp_path: Path
) -> None:
    """Ready: many that want the one unit, and one that wants nothing: it need not wait."""
    log = tmp_path / "log"
    first = delayed(append, uses={"db": 1}, priority=1)
    values = [first(log, "d") for _ in range(30)]
    compute(*values, delayed(append)(log, "!"), scheduler=own_scheduler, limits={"db": 1})
    assert sorted(said(log)) == sorted("d" * 30 + "!")


def test_amounts_may_be_fractions_that_add_up() -> None:
    """Of 0.3, three can have 0.1 each, which floats would deny; and after all, one 0.3."""
    resources = Resources({"db": 0.3})
    for _ in range(1_000):
        for left in (3, 2, 1):
            assert resources.has((("db", 0.1),)), left
            resources.take((("db", 0.1),))
        assert not resources.has((("db", 0.1),))
        for _ in range(3):
            resources.give_back((("db", 0.1),))
    assert resources.has((("db", 0.3),))
    assert resources.spare == {"db": 0.3}


def test_what_is_given_back_reaches_all_that_can_use_it(own_scheduler: Scheduler) -> None:
    """Demands of 3, 2 and 1 in turn: whoever fits goes, nobody is forgotten."""
    some = [delayed(inc, uses={"db": 1 + i % 3})(i) for i in range(60)]
    both = [delayed(inc, uses={"db": 1 + i % 2, "gpu": 1})(i) for i in range(40)]
    values = compute(some, both, scheduler=own_scheduler, limits={"db": 3, "gpu": 1})
    assert values == ([i + 1 for i in range(60)], [i + 1 for i in range(40)])


# ------------------------------------------------------------- impossible demands
def test_an_impossible_demand_is_found_before_anything_runs(
    own_scheduler: Scheduler, tmp_path: Path
) -> None:
    first = delayed(append)(tmp_path / "log", "!")
    value = delayed(inc, uses={"db": 3})(first, dask_key_name="greedy")
    with pytest.raises(
        ImpossibleDemandError,
        match="task 'greedy' uses 3 of 'db', more than the limit of 2: it could never run",
    ):
        value.compute(scheduler=own_scheduler, limits={"db": 2})
    assert said(tmp_path / "log") == ""


def test_a_resource_without_a_limit_is_found_before_anything_runs(
    own_scheduler: Scheduler,
) -> None:
    value = delayed(inc, uses={"db": 1})(1, dask_key_name="one")
    with pytest.raises(
        ImpossibleDemandError,
        match=r"'one' uses 1 of 'db', which has no limit: .* limits=\{'db': 1\}",
    ):
        value.compute(scheduler=own_scheduler, limits={"gpu": 1})
    with pytest.raises(ImpossibleDemandError):
        as_completed([value], scheduler=own_scheduler)
    with pytest.raises(ImpossibleDemandError, match="more than the limit of 0"):
        value.compute(scheduler=own_scheduler, limits={"db": 0})


def test_limits_can_be_a_default(own_scheduler: Scheduler) -> None:
    value = delayed(inc, uses={"db": 1})(1)
    with config.set(limits={"db": 1}):
        assert value.compute(scheduler=own_scheduler) == 2
        with pytest.raises(ImpossibleDemandError):
            value.compute(scheduler=own_scheduler, limits={"gpu": 1})


@pytest.mark.parametrize(
    "bad", [{}, {"db": 0}, {"db": -1}, {"db": "1"}, {"db": True}, {1: 1}, [1], "db", 3, ("db",)]
)
def test_a_bad_demand_is_refused(bad: Any) -> None:
    with pytest.raises(OptionError, match=r"'uses' is a dict of amounts above 0, as {'db': 1}"):
        delayed(inc, uses=bad)


def test_a_demand_can_be_taken_back() -> None:
    greedy = delayed(inc, uses={"db": 1})
    assert delayed(greedy, uses=None)(1).compute() == 2


# ------------------------------------------------------------------- priorities
def order(own_scheduler: Scheduler, log: Path, priorities: list[float], **options: Any) -> str:
    values = [
        delayed(append, priority=p, **options)(log, letter)
        for letter, p in zip("abcdefgh", priorities, strict=False)
    ]
    compute(*values, scheduler=own_scheduler, limits={"one": 1})
    return said(log)


def test_of_what_is_ready_the_most_urgent_goes_first(
    own_scheduler: Scheduler, tmp_path: Path
) -> None:
    """One at a time, so that the order shows on any number of workers."""
    priorities = [0, 2, -1, 2, 0.5]
    made = order(own_scheduler, tmp_path / "log", priorities, uses={"one": 1})
    assert made == "bdeac"


def test_without_a_difference_the_plan_s_order_holds() -> None:
    values = [delayed(inc, priority=1)(i) for i in range(5)]
    total = delayed(sum)(values)
    state = ControlledState(make_plan(total.graph, [total.key]), Terms())
    assert [state.take() for _ in range(5)] == [0, 1, 2, 3, 4]


def test_the_urgent_overtake_those_that_wait_for_a_resource() -> None:
    """All want the one unit; the last to come is the most urgent."""
    use = delayed(inc, uses={"db": 1})
    first = [use(i) for i in range(3)]
    late = delayed(inc, uses={"db": 1}, priority=5)(delayed(inc, priority=9)(7))
    both = delayed(sum)([*first, late])
    plan = make_plan(both.graph, [both.key])
    state = ControlledState(plan, Terms(limits={"db": 1}))
    step_of = {plan.key(step): step for step in range(len(plan))}
    assert state.take() == step_of[late._leaves[0].key]
    assert state.take() == step_of[first[0].key]
    assert state.take() is None  # the others of the first wait for the unit
    state.finish(step_of[late._leaves[0].key], 8)
    assert state.take() is None  # and so does the urgent one
    state.finish(step_of[first[0].key], 1)
    assert state.take() == step_of[late.key]
    state.finish(step_of[late.key], 9)
    assert [state.take(), state.take()] == [step_of[first[1].key], None]

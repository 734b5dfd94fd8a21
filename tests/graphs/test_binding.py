"""Inputs are bound in one place, on the plan: every way of running gives the same."""

from __future__ import annotations

import asyncio
from typing import Any

import dask
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tasks import add, inc

import lazygraph
from lazygraph import Ref, Task, acompute, compute, delayed, function, inputs, optimize, persist
from lazygraph.errors import CaptureError, InputError, KeyCollisionError
from lazygraph.protocols import Scheduler


def _pair(a: Any, b: Any) -> tuple[Any, Any]:
    return a, b


@pytest.mark.parametrize(
    "make",
    [
        lambda lazy: lazy,
        lambda lazy: [1, lazy],
        lambda lazy: {"deep": ({"er": lazy},)},
        lambda _: dask.delayed(abs)(-1),
    ],
    ids=["itself", "in a list", "deep inside", "of Dask"],
)
def test_a_lazy_default_or_value_is_refused_wherever_it_hides(make: Any) -> None:
    lazy = make(delayed(abs)(-7))
    with pytest.raises(InputError, match=r"default of input 'x'.*compute"):
        inputs("x", default=lazy)
    with pytest.raises(InputError, match=r"input 'x' is given.*compute"):
        (inputs("x") + 1).compute(inputs={"x": lazy})


def test_a_default_is_kept_as_a_calls_arguments_are() -> None:
    items = [1, 2]
    x = inputs("x", default=items)
    items.append(3)
    assert delayed(sum)(x).compute() == 3
    with pytest.raises(CaptureError, match="read only once"):
        inputs("x", default=(n for n in items))


def test_an_iterator_as_a_value_reaches_the_task_unread() -> None:
    assert delayed(list)(inputs("x")).compute(inputs={"x": iter(range(3))}) == [0, 1, 2]


@settings(deadline=None, max_examples=30)
@given(
    st.dictionaries(st.sampled_from("abc"), st.integers()),
    st.dictionaries(st.sampled_from("abc"), st.integers()),
)
def test_every_way_of_running_binds_alike(defaults: Any, values: Any) -> None:
    lazies = [
        inputs(name, default=defaults[name]) if name in defaults else inputs(name) for name in "abc"
    ]
    total = delayed(add)(lazies[0] * 10, delayed(add)(lazies[1], lazies[2]) * 100)
    known = {**defaults, **values}

    def all_ways() -> set[Any]:
        (better,) = optimize(total)
        fn = function(lazies, total)
        return {
            total.compute(inputs=values),
            better.compute(inputs=values),
            persist(total, inputs=values)[0].compute(),
            lazygraph.get(total.graph, total.key, inputs=values),
            asyncio.run(acompute(total, inputs=values))[0],
            fn(**values),
        }

    if known.keys() == set("abc"):
        assert all_ways() == {known["a"] * 10 + (known["b"] + known["c"]) * 100}
    else:
        with pytest.raises(InputError, match="no value is given"):
            all_ways()


def test_an_input_that_an_edit_has_made_anothers_value_is_none() -> None:
    graph = (inputs("x", default=1) + 5).graph
    (total,) = [key for key in graph if key != "x"]
    graph.add("y", Task(inc, (6,)))
    graph.replace("x", graph["x"].with_leaves((Ref("y"),)))
    assert lazygraph.get(graph, total) == 12
    with pytest.raises(InputError, match="no input 'x'"):
        lazygraph.get(graph, total, inputs={"x": 1})


def test_an_inputs_name_and_a_collections_key_are_not_taken_for_each_other(
    scheduler: Scheduler,
) -> None:
    theirs = dask.delayed(abs)(-7, dask_key_name="x")
    both = delayed(_pair)(inputs("x"), theirs)
    with pytest.raises(KeyCollisionError, match="'x'"):
        both.compute(inputs={"x": 1}, scheduler=scheduler)


@pytest.mark.slow
def test_a_hundred_thousand_inputs_are_bound_in_linear_time() -> None:
    """At one comparison per pair, this takes minutes."""
    names = [f"x{n}" for n in range(131_072)]
    lazies = inputs(names)
    total = delayed(sum)(list(lazies))
    values = dict.fromkeys(names, 1)
    assert compute(total, inputs=values) == (131_072,)
    assert function(list(lazies), total)(*values.values()) == 131_072
    with pytest.raises(InputError, match=r"no value is given for input 'x0'.* and 131021 more"):
        total.compute(inputs={"x1": 1})

"""One key, one result: when nodes of one key are one task, and when that is refused."""

from __future__ import annotations

import pickle
from collections import OrderedDict, namedtuple
from functools import partial
from typing import Any

import pytest
from tasks import Account, add, decorated, inc

import lazygraph
from lazygraph import Delayed, Graph, Ref, Task, compute, delayed, literal, optimize, persist
from lazygraph.errors import CaptureError, CycleError, GraphEditError, KeyCollisionError
from lazygraph.passes import fuse


def test_two_graphs_that_differ_under_one_key_are_refused() -> None:
    with pytest.raises(KeyCollisionError):
        compute(Delayed("x", {"x": 1}), Delayed("x", {"x": 2}))
    assert compute(Delayed("x", {"x": 1}), Delayed("x", {"x": 1})) == (1, 1)


def test_an_edited_graph_is_not_taken_for_the_one_it_was_made_from() -> None:
    x = delayed(inc)(1)
    y = delayed(inc)(x)
    graph = y.graph
    same = Delayed(y.key, graph.copy())
    graph.replace(x.key, Task(inc, (100,)))
    edited = Delayed(y.key, graph)
    assert compute(y, same) == (3, 3)
    assert edited.compute() == 102
    for pair in ((y, edited), (edited, y)):
        with pytest.raises(KeyCollisionError):
            compute(*pair)


def test_persisted_and_optimized_values_merge_with_what_they_stand_for() -> None:
    for key in (None, "given"):
        for pure in (False, True):
            value = delayed(inc, pure=pure)(delayed(inc)(1), dask_key_name=key)
            others = (*persist(value), *optimize(value), pickle.loads(pickle.dumps(value)))
            assert compute(value, *others) == (3,) * 4
            assert len({each.key for each in (value, *others)}) == 1
            assert len(delayed(max)(value, *others).graph) <= 3


def test_a_persisted_value_is_not_taken_for_another_of_its_given_key() -> None:
    held = delayed(inc)(1, dask_key_name="k").persist()
    with pytest.raises(KeyCollisionError):
        compute(held, delayed(inc)(2, dask_key_name="k"))


def test_a_given_key_that_is_another_tasks_made_key_is_refused() -> None:
    made = delayed(inc)(1)
    with pytest.raises(KeyCollisionError):
        compute(made, delayed(inc)(5, dask_key_name=made.key))


def test_pure_tasks_go_by_what_their_arrays_hold_now() -> None:
    import numpy as np

    array = np.zeros(3)
    total = delayed(lambda a: float(a.sum()), pure=True)
    first = total(array)
    assert (first.compute(), first.key == total(np.zeros(3)).key) == (0.0, True)
    array[:] = 1
    second = total(np.zeros(3))
    assert compute(first, second) == (3.0, 0.0)
    assert first.key != second.key
    assert set(delayed(add)(first, second).graph) > {first.key, second.key}


def test_classes_of_one_name_make_different_keys() -> None:
    def make(scale: int) -> Any:
        class P(namedtuple("P", "x")):  # noqa: PYI024, SLOT002
            def value(self) -> int:
                return scale * self.x

        return P

    value = delayed(lambda p: p.value(), pure=True)
    x = delayed(inc, pure=True)(0)
    assert compute(value(make(1)(x)), value(make(2)(x))) == (1, 2)


def test_content_keys_are_the_same_in_every_process() -> None:
    import subprocess
    import sys

    code = (
        "from lazygraph import delayed; x = delayed(abs, pure=True)(-1); "
        "print(delayed(max, pure=True)({1: x}, slice(x), [x], (x, 's'), default=x).key)"
    )
    keys = {
        subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout
        for _ in range(2)
    }
    assert len(keys) == 1


def test_optimized_values_still_unpack_and_pickle() -> None:
    pair = delayed(lambda x: (x, -x), nout=2)
    (better,) = optimize(pair(delayed(inc)(1)))
    assert compute(*better) == (2, -2)
    (fused,) = optimize(decorated(decorated(1)))
    assert len(fused.graph) == 1
    assert pickle.loads(pickle.dumps(fused)).compute() == 5


def test_functions_among_the_arguments_pickle() -> None:
    local = delayed(lambda f, x: f(x))
    for func in (decorated, partial(lambda a, b: a + b, 1), Account(3).minus, lambda x: -x):
        value = local(func, 2)
        assert pickle.loads(pickle.dumps(value)).compute() == value.compute()


def test_a_result_that_is_lazy_is_persisted_as_it_is() -> None:
    inner = delayed(inc)(1)
    value = delayed(lambda: inner)()
    assert value.compute() is inner
    assert value.persist().compute() is inner


def test_a_lazy_value_cannot_be_a_literal() -> None:
    with pytest.raises(CaptureError, match="stands for a result"):
        literal(delayed(inc)(1))


def test_substitute_takes_the_value_of_a_literal_and_no_lazy_value() -> None:
    graph = Graph({"x": Task(int), "y": Task(list, (Ref("x"),))})
    with pytest.raises(GraphEditError, match="by a value or one Ref"):
        graph.substitute("x", delayed(inc)(1))
    graph.substitute("x", literal([1, 2]))
    assert lazygraph.get(graph, "y") == [1, 2]


def test_ordered_dicts_are_opened() -> None:
    value = OrderedDict(b=delayed(inc)(1), a=2)
    (computed,) = compute(value)
    assert computed == OrderedDict(b=2, a=2)
    assert type(computed) is OrderedDict


def test_fuse_names_a_cycle_rather_than_dropping_it() -> None:
    graph = Graph({"a": Task(inc, (Ref("b"),)), "b": Task(inc, (Ref("a"),)), "c": Task(int)})
    with pytest.raises(CycleError, match="'a' -> 'b' -> 'a'"):
        fuse(graph, ["c"])

"""The keys of lazy values: fresh, pure and given ones."""

from __future__ import annotations

import functools
import pickle
import threading
from typing import Any

import dask
import pytest
from dask.utils import key_split
from tasks import Account, add, counting, decorated, inc, total

from lazygraph import compute, delayed
from lazygraph.graphs import nodes


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (lambda d: d(inc)(1), "inc"),
        (lambda d: d(lambda x: x)(1), "lambda"),
        (lambda d: d(functools.partial(add, 1))(1), "add"),
        (lambda d: d(1), "int"),
        (lambda d: d([1, d(2)]), "list"),
        (lambda d: d(1) + 2, "add"),
        (lambda d: d([1])[0], "getitem"),
        (lambda d: d("a").upper, "getattr"),
        (lambda d: d("a").upper(), "upper"),
        (lambda d: d(Account)(1), "Account"),
        (lambda d: d({"f": inc})["f"](2), "apply"),
        (lambda d: d(inc)(1, dask_key_name="mine"), "mine"),
    ],
)
def test_keys_have_the_prefixes_that_dasks_have(ours: Any, theirs: str) -> None:
    assert key_split(ours(delayed).key) == theirs == key_split(ours(dask.delayed).key)


def test_every_call_has_a_key_of_its_own() -> None:
    keys = {decorated(1).key for _ in range(100)}
    assert len(keys) == 100
    value = decorated(1)
    assert value.key == value.key


def test_two_threads_that_ask_for_a_key_get_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each key takes a while to make, so that both threads are at it."""
    made = nodes.fresh_key

    def slow(name: str) -> str:
        threading.Event().wait(0.002)
        return made(name)

    monkeypatch.setattr(nodes, "fresh_key", slow)
    for _ in range(5):
        value, keys, start = decorated(1), set(), threading.Barrier(4)

        def ask(value: Any = value, keys: Any = keys, start: Any = start) -> None:
            start.wait()
            keys.add(value.key)

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(keys) == 1


def test_pure_calls_with_equal_arguments_run_once() -> None:
    calls: list[int] = []
    count = counting(calls)
    lazy = delayed(count, pure=True)
    assert compute(lazy(1), lazy(1), lazy(2), [lazy(1)]) == (1, 1, 2, [1])
    assert sorted(calls) == [1, 2]
    assert lazy(1).key == lazy(1).key != lazy(2).key
    assert lazy(1, pure=False).key != lazy(1, pure=False).key
    assert delayed(count)(1, pure=True).key == lazy(1).key


def test_pure_keys_tell_types_nesting_and_arrays_apart() -> None:
    import numpy as np

    lazy = delayed(total, pure=True)
    values = [1, True, 1.0, "1", [1], (1,), {"a": 1}, [[1]], np.arange(3), np.arange(3.0), b"1"]
    assert len({lazy(value).key for value in values}) == len(values)
    assert lazy(np.arange(3)).key == lazy(np.arange(3)).key
    assert lazy([1, 2]).key == lazy([1, 2]).key
    assert lazy(lazy([1])).key == lazy(lazy([1])).key


def test_an_array_changed_between_computes_makes_another_key() -> None:
    import numpy as np

    array = np.zeros(3)
    first = delayed(np.sum, pure=True)(array)
    before = first.key
    assert first.compute() == 0
    array[0] = 5
    second = delayed(np.sum, pure=True)(array)
    assert second.compute() == 5
    assert before != first.key == second.key


def test_a_key_may_be_given_to_the_object_and_to_the_call() -> None:
    assert delayed(inc, name="f").key == "f"
    assert delayed(3, name="three").key == "three"
    value = delayed(inc)(delayed(3, name="three"), dask_key_name=("four", 0))
    assert value.key == ("four", 0)
    assert set(value.graph) == {"three", ("four", 0)}
    assert value.compute() == 4


def test_one_key_for_equal_tasks_and_copies_is_one_task() -> None:
    calls: list[int] = []
    count = counting(calls)
    a, b = (delayed(count)(1, dask_key_name="x") for _ in range(2))
    assert compute(a, b) == (1, 1)
    assert calls == [1]
    original = decorated(1, dask_key_name="copied")
    assert len(delayed(add)(original, pickle.loads(pickle.dumps(original))).graph) == 2


@pytest.mark.parametrize("bad", [[1], {"a"}, {"a": 1}, ("a", [1]), object()])
def test_a_key_that_cannot_be_one_is_refused(bad: Any) -> None:
    with pytest.raises(TypeError, match="a key is a string, a number or a tuple of such"):
        delayed(inc)(1, dask_key_name=bad)
    with pytest.raises(TypeError, match="a key is"):
        delayed(inc, name=bad)

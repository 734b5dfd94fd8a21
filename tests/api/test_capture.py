"""What `delayed` makes of functions, methods, classes and objects; mistakes at the call."""

from __future__ import annotations

import copy
import functools
import inspect
import pickle
from typing import Any

import pytest
from hypothesis import given
from strategies import as_delayed, evaluate, programs
from tasks import Account, add, counting, decorated, inc, sub, total

import lazygraph
from lazygraph import Delayed, compute, delayed, is_delayed
from lazygraph.errors import KeyCollisionError, MissingKeyError, OptionError


@delayed(pure=True, nout=2)
def pair(x: int) -> Any:
    return x, -x


def test_a_decorated_function_is_lazy_and_looks_like_itself() -> None:
    assert decorated(1).compute() == 3
    assert decorated.__name__ == "decorated"
    assert decorated.__doc__ == "Add two numbers."
    assert inspect.signature(decorated) == inspect.signature(decorated.__wrapped__)
    assert list(inspect.signature(decorated).parameters) == ["x", "y"]


def test_methods_are_lazy_too() -> None:
    account = Account(10)
    assert account.plus(5).compute() == 15
    assert delayed(account.minus)(3, fee=1).compute() == 6


def test_classes_and_their_instances_are_lazy() -> None:
    lazy = delayed(Account)(10)
    assert lazy.balance.compute() == 10
    assert lazy.minus(4, fee=delayed(inc)(0)).compute() == 5
    assert len(lazy.minus(4).graph) == 2  # a method call is one task, as in Dask


def test_any_object_can_be_lazy() -> None:
    assert (delayed((1, 2)) + (3,)).compute() == (1, 2, 3)  # noqa: RUF005  # the operator counts
    assert delayed("a b").split().compute() == ["a", "b"]
    assert delayed([delayed(inc)(1), {"x": delayed(inc)(2)}]).compute() == [2, {"x": 3}]
    assert delayed(delayed(inc)(1)).compute() == 2


def test_traverse_false_leaves_containers_alone() -> None:
    lazy = delayed(inc)(1)
    assert delayed([lazy], traverse=False).compute() == [lazy]
    assert delayed([lazy]).compute() == [2]


def test_a_delayed_function_as_argument_is_the_function() -> None:
    assert delayed(lambda f, xs: list(map(f, xs)))(delayed(inc), [1, 2]).compute() == [2, 3]
    assert compute(delayed(inc)) == (inc,)
    assert compute([delayed(inc), delayed(inc)(1)]) == ([inc, 2],)


def test_partials_with_lazy_values_inside_can_be_called() -> None:
    bound = functools.partial(sub, y=delayed(inc)(1))
    assert delayed(bound)(10).compute() == 8
    assert delayed(lambda f: f(10))(bound).compute() == 8


def test_results_unpack_by_nout_or_annotation() -> None:
    a, b = pair(3)
    assert compute(a, b) == (3, -3)
    assert len(pair(3)) == 2

    def annotated(x: int) -> tuple[int, str, float]:
        return x, str(x), float(x)

    i, s, f = delayed(annotated)(3)
    assert compute(i, s, f) == (3, "3", 3.0)
    assert list(delayed(lambda: (), nout=0)()) == []


def any_length() -> tuple[int, ...]:
    return (1, 2)


@pytest.mark.parametrize("func", [inc, any_length, lambda: (1, 2)])
def test_a_result_of_unknown_length_does_not_unpack(func: Any) -> None:
    value = Delayed("x", {"x": (func, 1)})
    with pytest.raises(TypeError, match="nout=2"):
        iter(value)
    with pytest.raises(TypeError, match="length"):
        len(value)


def test_too_few_values_are_an_error_that_counts() -> None:
    a, b = delayed(inc, nout=2)(1)
    with pytest.raises(TypeError, match=r"returned 2 \(int\), but nout=2 declares 2"):
        compute(a, b)
    one, _, three = delayed(any_length, nout=3)()
    assert one.compute() == 1
    with pytest.raises(TypeError, match=r"returned 2 values \(tuple\), but nout=3"):
        three.compute()


@pytest.mark.parametrize("bad", [-1, "2", 2.0, True])
def test_a_bad_nout_is_refused(bad: Any) -> None:
    with pytest.raises(ValueError, match=f"non-negative integer, got {bad!r}"):
        delayed(inc, nout=bad)


def test_wrong_arguments_are_refused_at_the_call() -> None:
    with pytest.raises(TypeError, match=r"^add\(x, y\): missing a required argument: 'y'"):
        delayed(add)(1)
    with pytest.raises(TypeError, match="too many positional arguments"):
        delayed(inc)(1, 2)
    with pytest.raises(TypeError, match="unexpected keyword argument 'z'"):
        delayed(inc)(1, z=3)
    with pytest.raises(TypeError, match="missing a required argument"):
        Account(1).plus()


def test_a_wrapper_is_checked_by_its_own_signature() -> None:
    @functools.wraps(add)
    def plus_one(x: int) -> int:
        return add(x, 1)

    assert delayed(plus_one)(1).compute() == 2


def test_builtins_without_a_signature_are_not_checked() -> None:
    assert delayed(dict)(a=1).compute() == {"a": 1}
    assert delayed(max)(1, delayed(inc)(4)).compute() == 5


def test_options_are_shared_and_unknown_ones_refused() -> None:
    lazy = delayed(inc, inline=True)
    assert lazy(1)._function is lazy(2)._function
    with pytest.raises(
        OptionError, match=r"'retires'; did you mean 'retries'\?.*known: allow_other_workers,"
    ):
        delayed(inc, retires=3)
    with pytest.raises(OptionError, match="'inline' is True or False, not 3"):
        delayed(inc, inline=3)
    with pytest.raises(OptionError, match="no option 'inlne'; did you mean 'inline'"):
        delayed(inlne=True)(inc)


def test_one_key_for_two_different_tasks_is_an_error() -> None:
    a, b = delayed(inc)(1, dask_key_name="x"), delayed(inc)(2, dask_key_name="x")
    with pytest.raises(
        KeyCollisionError, match=r"'x': inc\(1\) at .*test_capture.py:\d+ and inc\(2"
    ):
        compute(a, b)
    with pytest.raises(KeyCollisionError):
        delayed(add)(a, b).graph  # noqa: B018
    with pytest.raises(KeyCollisionError):
        delayed(inc)(a, dask_key_name="x").compute()


@given(program=programs())
def test_pickles_keep_keys_results_and_sharing(program: Any) -> None:
    values = evaluate(program)
    last = list(program)[-1]
    lazy = as_delayed(program)[last]
    again = pickle.loads(pickle.dumps(lazy))
    assert again.compute(scheduler="sync") == values[last]
    assert again.key == lazy.key
    assert set(again.graph) == set(lazy.graph)
    assert len(delayed(total)([lazy, again]).graph) == len(lazy.graph) + 1


def test_decorated_functions_lambdas_and_sites_pickle() -> None:
    value = decorated(delayed(lambda x: x + 1)(1))
    again = pickle.loads(pickle.dumps(value))
    assert again.compute() == 4
    assert pickle.loads(pickle.dumps(decorated))(1).compute() == 3
    assert pickle.loads(pickle.dumps(pair(1))).key == pair(1).key
    with pytest.raises(TypeError) as caught:
        pickle.loads(pickle.dumps(decorated(delayed("text")))).compute()
    assert f"captured at {__file__}:" in caught.value.__notes__[0]


def test_sites_of_many_lines_are_told_as_the_interpreter_tells_them() -> None:
    """Against the line that a traceback of the same instruction would show."""
    source = "\n".join(f"made.append(f(x={i},\n    y={i}))" for i in range(300))
    made: list[Any] = []
    exec(compile(source, "many.py", "exec"), {"made": made, "f": delayed(sub)})
    sites = [value._site() for value in made]
    assert sites == [f"many.py:{2 * i + 1}" for i in range(300)]
    again = pickle.loads(pickle.dumps(delayed(total)(made)))
    assert sorted(t.site for t in again.graph.values() if t.name == "sub") == sorted(sites)


def test_copies_are_the_same_value() -> None:
    value = decorated(1)
    assert copy.copy(value) is value
    assert copy.deepcopy(value) is value


def test_a_lazy_value_from_a_raw_graph() -> None:
    value = Delayed("z", {"x": 1, "y": (inc, "x"), "z": (add, "x", "y")})
    assert value.compute() == 3
    assert (value + 1).compute() == 4
    with pytest.raises(MissingKeyError, match="'totl' is not in the graph; did you mean 'total'"):
        Delayed("totl", {"total": 1})
    a, b = Delayed("p", {"p": (1, 2)}, length=2)
    assert compute(a, b) == (1, 2)


def test_is_delayed() -> None:
    assert is_delayed(decorated)
    assert is_delayed(decorated(1))
    assert not is_delayed(1)
    assert not is_delayed([decorated(1)])


def test_small_arguments_changed_after_the_call_change_nothing() -> None:
    items, mapping, nested = [1, 2], {"a": 1}, {"a": [1], "b": ({2},)}
    value = delayed(lambda *a: a)(items, mapping, nested, [delayed(inc)(1), items])
    items.append(9)
    mapping["b"] = 9
    nested["a"].append(9)  # type: ignore[union-attr]
    nested["b"][0].add(9)  # type: ignore[union-attr]
    expected = ([1, 2], {"a": 1}, {"a": [1], "b": ({2},)}, [2, [1, 2]])
    assert value.compute() == expected
    value.compute()[3].append("changed by a user of the result")
    assert value.compute() == expected


def test_a_long_list_is_copied_as_a_short_one() -> None:
    items = list(range(100_000))
    assert delayed(lambda x: x)(lazygraph.literal(items)).compute() is items
    total = delayed(len)(items)
    items.append(5)
    assert total.compute() == 100_000
    items.pop()
    lazies = [delayed(inc)(0), *items]
    assert delayed(len)(lazies).compute() == 100_001


def test_literal_is_not_looked_into() -> None:
    lazy = delayed(inc)(1)
    assert delayed(lambda x: x)(lazygraph.literal([lazy])).compute() == [lazy]
    assert delayed(lambda x: x)({"a": lazygraph.literal([lazy]), "b": lazy}).compute() == {
        "a": [lazy],
        "b": 2,
    }
    assert delayed(lazygraph.literal([lazy])).compute() == [lazy]


def test_persist_holds_results_under_the_same_keys() -> None:
    calls: list[int] = []
    value = delayed(counting(calls))(3)
    held, others = lazygraph.persist(value, [value, 1])
    assert held.key == value.key
    assert (held + 1).compute() == 4
    assert others[0].compute() == 3
    assert others[1] == 1
    assert calls == [3]
    assert compute(value, held) == (3, 3)
    assert value.persist().compute() == 3


def test_compute_takes_anything_and_gives_it_back_computed() -> None:
    value = delayed(inc)(1)
    assert compute() == ()
    assert compute(1, "a", None) == (1, "a", None)
    assert compute([value, (value, {"k": {value: value}})]) == ([2, (2, {"k": {2: 2}})],)
    assert compute([value], traverse=False) == ([value],)
    assert compute(value, optimize_graph=False) == (2,)


def test_unknown_keywords_of_compute_are_refused() -> None:
    with pytest.raises(
        OptionError, match="compute has no option 'schedule'; did you mean 'scheduler'"
    ):
        delayed(inc)(1).compute(schedule="sync")

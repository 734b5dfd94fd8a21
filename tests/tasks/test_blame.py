"""What cannot be pickled is named by the path that leads to it."""

from __future__ import annotations

import ssl
import threading
from collections import OrderedDict, UserDict
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lazygraph.tasks.blame import argument_path, blame
from lazygraph.tasks.task import Ref, Task
from lazygraph.transport.pickling import dumps

LOCK = threading.Lock()
SHOWN = "lock (cannot pickle '_thread.lock' object)"


class Plain:
    def __init__(self, **attributes: Any) -> None:
        vars(self).update(attributes)


class Slotted:
    __slots__ = ("inner", "other")

    def __init__(self, inner: Any) -> None:
        self.inner = inner


class Chooses:
    """Its state is not its attributes."""

    def __init__(self, inner: Any) -> None:
        self.cache, self.inner = LOCK, inner

    def __getstate__(self) -> dict[str, Any]:
        return {"kept": self.inner}


class Reduced:
    def __init__(self, inner: Any) -> None:
        self.cache, self.inner = LOCK, inner

    def __reduce__(self) -> Any:
        return Reduced, (1, self.inner)


class Point(NamedTuple):
    x: Any
    y: Any


@dataclass
class Data:
    x: Any
    y: Any = 0


@dataclass(frozen=True, slots=True)
class FrozenData:
    x: Any
    y: Any = 0


class Items(dict):  # type: ignore[type-arg]
    """A dict with attributes."""


class Bound:
    def __init__(self, inner: Any) -> None:
        self.inner = inner

    def method(self) -> None:
        pass


def closure(lock: Any) -> Any:
    amount = 3
    return lambda x: (amount, lock, x)


def nested_use_of_a_global() -> Any:
    def outer() -> Any:
        def inner() -> Any:
            return LOCK

        return inner

    return outer


def with_items() -> Items:
    made = Items(a=1)
    made.guard = LOCK  # type: ignore[attr-defined]
    return made


def local_class() -> Any:
    class Local:
        count = 1
        guard = LOCK

    return Local


PATHS = {
    "": LOCK,
    "[2]": [1, 2, LOCK, LOCK],
    "['a'][1].x": {"ok": 1, "a": (1, Point(LOCK, 2))},
    ".a.b": Plain(ok=1, a=Plain(b=LOCK)),
    ".inner": Slotted(LOCK),
    ".kept": Chooses(LOCK),
    ".__reduce__()[1][1]": Reduced(LOCK),
    ".y": Data(1, LOCK),
    ".y[0]": FrozenData(1, [LOCK]),
    ".guard": with_items(),
    ".data['k']": UserDict(k=LOCK),
    "['k']": OrderedDict(a=1, k=LOCK),
    ".<closure>.lock": closure(LOCK),
    ".<global>.LOCK": nested_use_of_a_global(),
    ".__defaults__[1]": lambda x=1, y=LOCK: (x, y),
    ".__kwdefaults__['y']": lambda *, y=LOCK: y,
    ".args[0][0]": partial(print, [LOCK]),
    ".keywords['end']": partial(print, end=LOCK),
    ".func.<closure>.lock": partial(closure(LOCK), 1),
    ".__self__.inner": Bound(LOCK).method,
    ".args[1]": ValueError("x", LOCK),
    ".stop": slice(0, LOCK),
    "[1].<closure>.lock": (np.zeros(100_000), closure(LOCK)),
}


def why(value: Any) -> Exception:
    with pytest.raises(Exception) as caught:  # each has its own
        dumps(value)
    return caught.value


@pytest.mark.parametrize(("path", "value"), PATHS.items(), ids=PATHS)
def test_the_path_leads_to_the_part_at_fault(path: str, value: Any) -> None:
    assert blame(value, "args[0]", why(value)) == f"args[0]{path}: {SHOWN}"


def test_members_of_sets_keys_and_classes_are_shown() -> None:
    hashable = frozenset([closure(LOCK)])
    path = "x.<item <lambda>>.<closure>.lock"
    assert blame(hashable, "x", why(hashable)) == f"{path}: {SHOWN}"
    keyed = {closure(LOCK): 1}
    assert blame(keyed, "x", why(keyed)) == f"x.<key <lambda>>.<closure>.lock: {SHOWN}"
    made = local_class()
    assert blame(made, "x", why(made)) == f"x.guard: {SHOWN}"


def test_the_reason_is_that_of_the_part() -> None:
    value = Plain(client=Plain(_ctx=ssl.create_default_context()))
    assert blame(value, "kwargs['api']", TypeError("of the whole")) == (
        "kwargs['api'].client._ctx: SSLContext (cannot pickle 'SSLContext' object)"
    )


def test_one_bad_item_of_very_many_is_found() -> None:
    values: list[Any] = list(range(300_000))
    values[123_456] = LOCK
    assert blame(values, "x", why(values)) == f"x[123456]: {SHOWN}"


def test_a_value_whose_parts_are_all_fine_is_itself_at_fault() -> None:
    class Refuses:
        part = 1

        def __reduce__(self) -> Any:
            raise RuntimeError("not\nme")

    assert blame([Refuses()], "x", ValueError()) == "x[0]: Refuses (not me)"


def test_cycles_end() -> None:
    value: dict[str, Any] = {}
    value["self"] = [value]
    value["lock"] = LOCK
    # By way of the list the dict is at fault again; the search does not go in circles.
    assert blame(value, "x", why(value)) == "x['self']: list (cannot pickle '_thread.lock' object)"


def test_cycles_beside_the_way_end_as_well() -> None:
    loop: list[Any] = [[]]
    loop[0].extend([loop, LOCK])
    assert blame({"k": loop}, "x", why(loop)) == (
        "x['k'][0]: list (cannot pickle '_thread.lock' object)"
    )


def test_a_value_that_nests_too_deep_is_at_fault_as_a_whole() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    shown = blame(deep, "x", why(deep))
    assert shown.startswith("x: list (")
    assert "recursion" in shown
    assert blame([1, deep], "x", TypeError("?")).startswith("x[1]: list (")


class Hostile:
    """Raises at whatever it is asked."""

    def __getattribute__(self, name: str) -> Any:
        raise ArithmeticError(name)

    def __repr__(self) -> str:
        raise ArithmeticError("repr")

    def __hash__(self) -> int:
        return 1


class HostileError(Exception):
    def __str__(self) -> str:
        raise ArithmeticError("str")


def test_it_never_raises() -> None:
    hostile = Hostile()
    for value in (hostile, [hostile], {hostile: 1}, {hostile}, partial(print, hostile)):
        assert blame(value, "x", HostileError()).startswith("x")


def test_a_long_reason_is_cut() -> None:
    assert len(blame(object(), "x", ValueError("y" * 10_000))) < 250


def test_the_path_of_an_argument_shows_how_arguments_nest() -> None:
    a, b = Ref("a"), Ref("b")
    call = Task(
        print,
        (
            1,
            {"k": [0, 0, a], "n": {"m": (b,)}},
            slice(a, 1),
            Point(0, a),
            Data(1, a),
            FrozenData(a),
            partial(max, a, key=b),
            OrderedDict(o=a),
        ),
        {"by": 5, "at": [a, {b}]},
    )
    paths = [argument_path(call, i) for i in range(len(call._leaves))]
    assert paths == [
        "args[0]",
        "args[1].<key 'k'>",
        "args[1]['k'][0]",
        "args[1]['k'][1]",
        "args[1]['k'][2]",
        "args[1].<key 'n'>",
        "args[1]['n'].<key 'm'>",
        "args[1]['n']['m'][0]",
        "args[2].start",
        "args[2].stop",
        "args[2].step",
        "args[3].x",
        "args[3].y",
        "args[4].x",
        "args[4].y",
        "args[5].x",
        "args[5].y",
        "args[6].func",
        "args[6].args[0]",
        "args[6].keywords['key']",
        "args[7].<key 'o'>",
        "args[7]['o']",
        "kwargs['by']",
        "kwargs['at'][0]",
        "kwargs['at'][1].<item Ref(key='b')>",
    ]


def test_leaves_are_not_looked_into() -> None:
    """An argument that holds itself would never end."""
    loop = Plain()
    loop.loop = [loop]
    call = Task(print, ([Ref("x"), loop, loop], loop))
    assert [argument_path(call, i) for i in range(4)] == [
        "args[0][0]",
        "args[0][1]",
        "args[0][2]",
        "args[1]",
    ]


NESTED = st.recursive(
    st.just(Ref("x")) | st.integers(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.lists(NESTED, max_size=3), st.dictionaries(st.sampled_from(["by", "at"]), NESTED))
def test_the_path_of_an_argument_is_an_expression_for_it(
    args: list[Any], kwargs: dict[str, Any]
) -> None:
    call = Task(print, tuple(args), kwargs)
    leaves = tuple(leaf if type(leaf) is str else object() for leaf in call._leaves)
    built_args, built_kwargs = call._arguments(leaves)
    for i, leaf in enumerate(leaves):
        path = argument_path(call, i)
        if "<key" not in path:
            assert eval(path, {"args": built_args, "kwargs": built_kwargs}) is leaf

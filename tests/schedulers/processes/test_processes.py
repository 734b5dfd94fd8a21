"""What travels to worker processes and back: functions and values of every kind, once."""

from __future__ import annotations

import functools
import operator
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from children import meet, note, notes, own_pid, run_script
from tasks import Account, add, decorated

from lazygraph import compute, delayed
from lazygraph.schedulers import Processes


def twice(func: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(func)
    def wrapper(*args: Any) -> Any:
        return func(*args), func(*args)

    return wrapper


@twice
def wrapped(x: int) -> int:
    return x + 1


@functools.cache
def cached(x: int) -> int:
    return x + 1


@dataclass(frozen=True)
class Point:
    x: int
    y: int = 0

    def moved(self, by: int) -> Point:
        return Point(self.x + by, self.y + by)

    @classmethod
    def at(cls, x: int) -> Point:
        return cls(x, x)

    @staticmethod
    def norm(x: int, y: int) -> int:
        return abs(x) + abs(y)

    def __call__(self, by: int) -> int:
        return self.x * by


def local_closure() -> Callable[[int], int]:
    step = 5

    def recursive(x: int) -> int:
        return step if x == 0 else recursive(x - 1) + 1

    return recursive


@pytest.mark.parametrize(
    ("func", "args", "result"),
    [
        (lambda x: x * 3, (2,), 6),
        (local_closure(), (3,), 8),
        (wrapped, (1,), (2, 2)),
        (twice(lambda x: x), (1,), (1, 1)),
        (partial(add, 10), (1,), 11),
        (partial(lambda x, y: x - y, y=1), (10,), 9),
        (Point(1, 2).moved, (1,), Point(2, 3)),
        (Point.at, (4,), Point(4, 4)),
        (Point.norm, (-1, 2), 3),
        (Point(7), (2,), 14),
        (Point, (1, 2), Point(1, 2)),
        (operator.itemgetter("a"), ({"a": 1},), 1),
        (operator.methodcaller("upper"), ("a",), "A"),
        (cached, (1,), 2),
        ("a,b".split, (",",), ["a", "b"]),
        (max, (1, 2), 2),
        (Account(10).minus, (3, 1), 6),
    ],
    ids=lambda value: "",
)
def test_a_function_of_any_kind_travels(
    processes: Processes, func: Any, args: tuple[Any, ...], result: Any
) -> None:
    assert delayed(func)(*args).compute(scheduler=processes) == result


def test_a_task_runs_in_another_process(processes: Processes) -> None:
    assert delayed(own_pid)().compute(scheduler=processes) != os.getpid()


def test_a_delayed_function_of_a_module_and_a_delayed_method_travel(processes: Processes) -> None:
    values = [decorated(1), decorated(1, y=5), Account(3).plus(4)]
    assert compute(*values, scheduler=processes) == (3, 6, 7)


def test_what_comes_back_is_of_the_same_class(processes: Processes) -> None:
    moved = delayed(Point(1).moved)(delayed(int)("2")).compute(scheduler=processes)
    assert type(moved) is Point


def test_a_class_made_in_a_function_is_the_same_class_on_the_way_back(processes: Processes) -> None:
    class Local:
        def __init__(self, x: int) -> None:
            self.x = x

    made = delayed(Local)(3).compute(scheduler=processes)
    again = delayed(lambda local: (isinstance(local, Local), local))(made)

    is_instance, back = again.compute(scheduler=processes)

    assert is_instance
    assert type(made) is type(back) is Local
    assert back.x == 3


def test_values_as_they_are_none_bools_numbers_and_what_is_nested(processes: Processes) -> None:
    values = [
        None,
        True,
        1,
        -(1 << 700_000),
        1.5,
        2j,
        "é\udc80",
        b"\0",
        (),
        {"a": [{1}]},
        ...,
        range,
    ]
    back = [delayed(lambda x: x)(value).compute(scheduler=processes) for value in values]
    assert back == values
    assert [type(x) for x in back] == [type(x) for x in values]


def test_a_value_inside_a_tuple_is_not_mistaken_for_a_message(processes: Processes) -> None:
    """Messages say with an int, a 1-tuple or None where an argument is."""
    for value in [(1,), (None,), 0, -1, None, ((),)]:
        got = delayed(lambda x, y: (x, y))(value, delayed(lambda x: x)(value))
        assert got.compute(scheduler=processes) == (value, value)


class Counted:
    """Notes each time it is pickled, and by whom it is unpickled."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Any, ...]:
        note(self.folder / "pickled", str(os.getpid()))
        return _unpickled, (self.folder,)

    def __call__(self, x: int) -> int:
        if x < 2:  # so that both workers have a task
            meet(self.folder / "meeting", str(x), 2)
        return x


def _unpickled(folder: Path) -> Counted:
    note(folder / "unpickled", str(os.getpid()))
    return Counted(folder)


def call(counted: Counted, x: int) -> int:
    return counted(x)


def test_a_constant_is_pickled_once_and_unpickled_once_per_worker(
    processes: Processes, tmp_path: Path
) -> None:
    (tmp_path / "meeting").mkdir()
    counted = Counted(tmp_path)
    values = [delayed(call)(counted, x) for x in range(200)]

    assert compute(*values, scheduler=processes) == tuple(range(200))

    assert notes(tmp_path / "pickled") == [str(os.getpid())]
    unpickled = notes(tmp_path / "unpickled")
    assert len(unpickled) == len(set(unpickled)) == 2


@pytest.mark.parametrize("is_closure", [False, True])
def test_a_function_is_pickled_once_and_unpickled_once_per_worker(
    processes: Processes, tmp_path: Path, is_closure: bool
) -> None:
    (tmp_path / "meeting").mkdir()
    counted = Counted(tmp_path)
    func = delayed((lambda x: counted(x + 0)) if is_closure else counted, name="f")

    assert compute(*[func(x) for x in range(200)], scheduler=processes) == tuple(range(200))

    assert notes(tmp_path / "pickled") == [str(os.getpid())]
    unpickled = notes(tmp_path / "unpickled")
    assert len(unpickled) == len(set(unpickled)) == 2


def test_a_result_that_many_tasks_need_is_pickled_once(
    processes: Processes, tmp_path: Path
) -> None:
    """Where it was made; this process passes it on as it is."""
    (tmp_path / "meeting").mkdir()
    made = delayed(Counted)(tmp_path)
    values = [delayed(call)(made, x) for x in range(200)]

    assert compute(*values, scheduler=processes) == tuple(range(200))

    (pickled,) = notes(tmp_path / "pickled")
    assert pickled != str(os.getpid())
    unpickled = notes(tmp_path / "unpickled")
    assert str(os.getpid()) not in unpickled
    assert len(unpickled) == len(set(unpickled)) == 2


def test_a_chain_of_results_that_nobody_else_needs_is_not_pickled(
    processes: Processes, tmp_path: Path
) -> None:
    value = delayed(Counted)(tmp_path)
    for _ in range(10):
        value = delayed(lambda x: x)(value)
    last = delayed(type)(value)

    assert last.compute(scheduler=processes) is Counted

    assert notes(tmp_path / "pickled") == []


MAIN = """
import enum, functools
from dataclasses import dataclass, replace
from typing import NamedTuple
from lazygraph import compute, delayed
from lazygraph.schedulers import Processes

CONSTANT = 10

def noisy(func):
    @functools.wraps(func)
    def wrapper(*args):
        return func(*args) + CONSTANT
    return wrapper

@dataclass
class Point:
    x: int
    def moved(self, by):
        return replace(self, x=self.x + by)

class Pair(NamedTuple):
    a: int
    b: int

class Colour(enum.Enum):
    RED = 1

class Mine(ValueError):
    def __init__(self, code, *, text):
        super().__init__(text)
        self.code = code

@noisy
def plus(x, y):
    return x + y

@delayed
def lazy(x):
    return helper(x) + 1

def helper(x):  # defined after its user
    return x * 100

def moved(point):
    assert isinstance(point, Point)
    return point.moved(1)

def swapped(pair, colour):
    assert type(pair) is Pair and colour is Colour.RED
    return Pair(pair.b, pair.a), colour

def fails():
    raise Mine(7, text="mine")

with Processes(2) as processes:
    print(delayed(plus)(1, 2).compute(scheduler=processes))
    print(lazy(3).compute(scheduler=processes))
    points = compute(*[delayed(moved)(Point(i)) for i in range(3)], scheduler=processes)
    print(points, {type(p) is Point for p in points})
    pair, colour = delayed(swapped)(Pair(1, 2), Colour.RED).compute(scheduler=processes)
    print(pair, type(pair) is Pair, colour is Colour.RED)
    print(delayed(Point(1).moved)(5).compute(scheduler=processes))
    try:
        delayed(fails)().compute(scheduler=processes)
    except Mine as error:
        print("caught", error, error.code)
    CONSTANT = 20
    print(delayed(plus)(1, 2).compute(scheduler=processes))
"""


def test_functions_and_classes_of_a_script_travel_and_stay_what_they_are(tmp_path: Path) -> None:
    """What is in ``__main__`` is nowhere in a worker."""
    assert run_script(tmp_path, MAIN).splitlines() == [
        "13",
        "301",
        "(Point(x=1), Point(x=2), Point(x=3)) {True}",
        "Pair(a=2, b=1) True True",
        "Point(x=6)",
        "caught mine 7",
        "23",
    ]

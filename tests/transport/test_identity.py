"""Classes and functions of a script, there and back: the same objects, as on threads."""

from __future__ import annotations

import pickle
import sys
import types
from pathlib import Path

import pytest
from children import Script

from lazygraph import delayed
from lazygraph.schedulers import Processes
from lazygraph.transport.pickling import dumps, loads

SCRIPT = r"""
import enum, sys
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar
from lazygraph import as_completed, compute, delayed

CHOSEN = sys.argv[1]

def run(func, *args):
    return delayed(func)(*args).compute(scheduler=CHOSEN, num_workers=1)

class Job:
    seen = 0
    def cost(self):
        return RATE

made = []

class Registered(type):
    def __new__(meta, name, bases, namespace):
        made.append(name)
        return super().__new__(meta, name, bases, namespace)

class Plugin(metaclass=Registered):
    pass

@dataclass(slots=True)
class Row:
    a: int

class Slotted:
    __slots__ = ("x", "__y")
    def __init__(self):
        self.x, self.__y = 1, 2
    def both(self):
        return self.x, self.__y, hasattr(self, "__dict__")

class Pair(NamedTuple):
    a: int
    b: int = 2

class Colour(enum.Enum):
    RED = 1

T = TypeVar("T")

class Box(Generic[T]):
    def __init__(self, inside: T):
        self.inside = inside

class Outer:
    class Inner:
        pass

class Counter:
    def add(self):
        global total
        total += 1

def count():
    global total
    total = 0
    Counter().add()
    Counter().add()
    return total

def plus_rate(x):
    return x + RATE

@delayed
def factorial(n):
    return 1 if n < 2 else n * factorial(n - 1).compute()

class Tuned:
    level = 1

def level(tuned):
    return tuned.level, Tuned.level, isinstance(tuned, Tuned)

RATE = 1
total = 0

if __name__ == "__main__":
    for _, job in as_completed([delayed(Job)() for _ in range(20)], scheduler=CHOSEN):
        Job.seen += type(job) is Job
    print(Job.seen)
    RATE = 2
    print(Job().cost(), run(Job.cost, Job()), run(plus_rate, 1))
    print(run(Row, 1), run(lambda row: row.a, Row(3)))
    print(run(Slotted).both(), run(Slotted.both, run(Slotted)))
    print(run(Pair, 1), run(lambda pair: pair.b, Pair(3)))
    run(Plugin), run(Plugin)
    print(made)
    print(run(lambda: Colour.RED) is Colour.RED)
    print(type(run(Box, 3)) is Box, run(lambda: Box[int]) == Box[int])
    print(type(run(Outer.Inner)) is Outer.Inner, run(lambda: Outer.Inner.__qualname__))
    print(run(count), run(count))
    print(run(lambda: plus_rate) is plus_rate)
    print(factorial(5).compute(scheduler=CHOSEN))
    print(run(level, delayed(lambda t: t)(Tuned())))
    Tuned.level = 2
    print(run(level, Tuned()))
    del Tuned.level
    Tuned.other = 3
    print(run(lambda: sorted(name for name in vars(Tuned) if name[0] != "_")))
"""


def test_a_script_finds_its_classes_as_they_were(tmp_path: Path) -> None:
    """Threads, on which nothing travels, are the oracle."""
    shown = {}
    for name in ("threads", "processes"):
        out, err, code = Script(
            tmp_path, f"import sys; sys.argv[1:] = [{name!r}]\n{SCRIPT}"
        ).finish()
        assert (err, code) == ("", 0)
        shown[name] = out.splitlines()
    assert shown["processes"] == shown["threads"]


def _script_module() -> types.ModuleType:
    """Return a module whose functions and classes can only travel by value."""
    module = types.ModuleType("__main__")
    code = (
        "class Thing:\n    level = 1\n    def read(self): return limit\n"
        "limit = 1\n"
        "def first(): return limit\n"
    )
    exec(code, vars(module))
    return module


@pytest.fixture
def main(monkeypatch: pytest.MonkeyPatch) -> types.ModuleType:
    module = _script_module()
    monkeypatch.setitem(sys.modules, "__main__", module)
    return module


def test_what_comes_home_is_the_very_object_and_nothing_of_it_is_set(
    main: types.ModuleType,
) -> None:
    stream = dumps([main.first, main.Thing])
    main.limit, main.Thing.level = 2, 5

    first, thing = loads(stream)

    assert first is main.first
    assert thing is main.Thing
    assert (first(), thing.level, thing().read()) == (2, 5, 2)


def test_a_function_that_is_gone_at_home_reads_the_globals_of_its_module(
    main: types.ModuleType,
) -> None:
    stream = dumps(main.first)
    del main.first
    main.limit = 7

    assert loads(stream)() == 7


def test_a_lazy_function_of_a_script_that_calls_itself_can_be_pickled(
    main: types.ModuleType,
) -> None:
    exec("def again(n): return again, n", vars(main))
    main.again = delayed(main.again)

    back = pickle.loads(pickle.dumps(main.again))

    assert back(3).compute(scheduler="synchronous")[1] == 3


def test_functions_of_a_module_share_its_globals_in_a_worker() -> None:
    """They arrive one by one, and what one changes the other sees."""
    module = types.ModuleType("shared_globals")
    sys.modules["shared_globals"] = module
    try:
        exec(
            "count = 0\n"
            "add = lambda _: globals().__setitem__('count', count + 1)\n"
            "read = lambda _: count\n",
            vars(module),
        )
        added = delayed(module.add)(delayed(module.add)(None))
        with Processes(1) as one:
            assert delayed(module.read)(added).compute(scheduler=one) == 2
            assert delayed(module.read)(added).compute(scheduler=one) == 2  # each run begins anew
    finally:
        del sys.modules["shared_globals"]

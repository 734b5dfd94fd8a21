"""Programs as users of dask.delayed write them: each takes a library, and works with either.

What a program returns, how often it calls which function, and what it raises must not depend
on the library. Written along Dask's documentation of delayed: its page, best practices, API,
custom graphs, scheduling.
"""

from __future__ import annotations

import copy
import operator
import pickle
from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

__all__ = ["PROGRAMS", "Library", "prefix"]


class Library(NamedTuple):
    """What programs import: of Dask, or of this library."""

    delayed: Any
    compute: Any
    persist: Any
    optimize: Any
    visualize: Any
    get: Any
    Delayed: Any
    set_config: Any


#: A program takes the library, and counts calls.
Program = Callable[[Library, Counter[str]], Any]
PROGRAMS: dict[str, Program] = {}


def program(func: Program) -> Program:
    """Put a program on the list."""
    PROGRAMS[func.__name__] = func
    return func


def prefix(key: Any) -> str:
    """What a key begins with: the function's name."""
    return str(key[0] if isinstance(key, tuple) else key).split("-", maxsplit=1)[0]


def inc(x: Any) -> Any:
    return x + 1


def double(x: Any) -> Any:
    return x * 2


def add(x: Any, y: Any) -> Any:
    return x + y


class Point(NamedTuple):
    """Two values with names."""

    x: Any
    y: Any


@dataclass
class Pair:
    """Two values."""

    a: Any
    b: Any


class Model:
    """Has methods, attributes, items, and can be called."""

    def __init__(self, scale: int) -> None:
        self.scale = scale
        self.data = {"k": [1, 2, 3]}

    def times(self, x: int, *, plus: int = 0) -> int:
        return self.scale * x + plus

    def __call__(self, x: int) -> int:
        return self.scale - x

    def __getitem__(self, index: int) -> int:
        return self.scale * index


# ------------------------------------------------------------ the first page
@program
def a_function_is_wrapped(lib: Library, calls: Counter[str]) -> Any:
    def counted(x: int) -> int:
        calls["counted"] += 1
        return x + 1

    output = [lib.delayed(counted)(x) for x in [1, 2, 3]]
    before = dict(calls)
    total = lib.delayed(sum)(output)
    return before, total.compute(), prefix(total.key), prefix(output[0].key)


@program
def a_decorator(lib: Library, calls: Counter[str]) -> Any:
    @lib.delayed
    def counted(x: int, y: int = 10) -> int:
        calls["counted"] += 1
        return x + y

    return counted(counted(1), y=counted(2, 3)).compute()


@program
def a_decorator_with_options(lib: Library, _: Counter[str]) -> Any:
    @lib.delayed(pure=True, nout=2)
    def both(x: int) -> tuple[int, int]:
        return x, -x

    a, b = both(3)
    return lib.compute(a, b), len(both(3)), both(3).key == both(3).key


@program
def loops_and_lists(lib: Library, _: Counter[str]) -> Any:
    results = [lib.delayed(double)(lib.delayed(inc)(x)) for x in range(5)]
    return lib.compute(*results), lib.compute(results), lib.delayed(sum)(results).compute()


@program
def decisions_inside_tasks(lib: Library, _: Counter[str]) -> Any:
    def process(x: int) -> int:
        return inc(x) if x % 2 else double(x)

    return lib.compute(*[lib.delayed(process)(x) for x in range(6)])


@program
def a_shared_task_runs_once(lib: Library, calls: Counter[str]) -> Any:
    @lib.delayed
    def load() -> int:
        calls["load"] += 1
        return 7

    data = load()
    return lib.compute(lib.delayed(inc)(data), lib.delayed(double)(data), [data, {"k": data}])


@program
def computing_twice_runs_twice(lib: Library, calls: Counter[str]) -> Any:
    @lib.delayed
    def load() -> int:
        calls["load"] += 1
        return calls["load"]

    data = load()
    return data.compute(), data.compute()


# ------------------------------------------------------------------ containers
@program
def lazy_values_in_containers(lib: Library, _: Counter[str]) -> Any:
    a, b = lib.delayed(inc)(1), lib.delayed(inc)(2)
    identity = lib.delayed(lambda x: x)
    nested = {
        "l": [a, (b, {a: b} if False else 1)],
        "t": (a, b),
        "s": 5,
        "e": [],
        "d": {"x": {"y": b}},
    }
    found = identity(nested).compute()
    return found, identity({a, b}).compute(), identity(slice(a, b, None)).compute()


@program
def lazy_values_in_keywords(lib: Library, _: Counter[str]) -> Any:
    def keyword(x: int, *rest: int, by: Any = 1, **more: Any) -> Any:
        return x, rest, by, more

    one = lib.delayed(inc)(0)
    return lib.delayed(keyword)(one, 2, one, by=[one], other={"k": one}).compute()


@program
def namedtuples_and_dataclasses(lib: Library, _: Counter[str]) -> Any:
    a = lib.delayed(inc)(1)
    identity = lib.delayed(lambda x: x)
    return identity(Point(a, 5)).compute(), identity(Pair(a, [a])).compute()


@program
def ordered_dicts_and_partials(lib: Library, _: Counter[str]) -> Any:
    a = lib.delayed(inc)(1)
    return lib.delayed(list)(OrderedDict([("z", a), ("y", 2)])).compute(), lib.delayed(
        partial(add, y=5)
    )(a).compute()


@program
def compute_of_anything(lib: Library, _: Counter[str]) -> Any:
    a = lib.delayed(inc)(1)
    return lib.compute(1, "text", a, [a, None], {"k": (a,)}, (), {})


@program
def compute_without_looking_into_containers(lib: Library, _: Counter[str]) -> Any:
    a = lib.delayed(inc)(1)
    ((left,), value) = lib.compute([a], a, traverse=False)
    return left is a, value


@program
def compute_of_nothing(lib: Library, _: Counter[str]) -> Any:
    return lib.compute(), lib.compute(5), lib.compute([1, 2])


# ------------------------------------------------------------ delayed of things
@program
def delayed_of_data(lib: Library, _: Counter[str]) -> Any:
    return [lib.delayed(x).compute() for x in (1, "text", None, [1, 2], {"k": 1}, (1,), {1, 2})]


@program
def delayed_of_a_list_of_lazy_values(lib: Library, _: Counter[str]) -> Any:
    a = lib.delayed(inc)(1)
    lazy = lib.delayed([a, 2, [a]])
    return lazy.compute(), lazy[0].compute(), lib.delayed({"k": a})["k"].compute()


@program
def delayed_without_traverse(lib: Library, _: Counter[str]) -> Any:
    items = [1, 2, 3]
    return lib.delayed(items, traverse=False).compute()


@program
def delayed_of_a_lazy_value_is_itself(lib: Library, _: Counter[str]) -> Any:
    a = lib.delayed(inc)(1)
    f = lib.delayed(inc)
    return lib.delayed(a) is a, lib.delayed(f) is f


@program
def delayed_of_an_object(lib: Library, _: Counter[str]) -> Any:
    model = lib.delayed(Model(3))
    return (
        model.times(4).compute(),
        model.times(lib.delayed(inc)(1), plus=lib.delayed(inc)(2)).compute(),
        model(1).compute(),
        model[5].compute(),
        model.scale.compute(),
        model.data["k"][1].compute(),
    )


@program
def delayed_of_a_class(lib: Library, _: Counter[str]) -> Any:
    model = lib.delayed(Model)(lib.delayed(inc)(2))
    return model.times(2).compute(), prefix(model.key)


@program
def delayed_of_a_bound_method(lib: Library, _: Counter[str]) -> Any:
    return lib.delayed(Model(2).times)(3, plus=1).compute()


@program
def a_delayed_method_in_a_class(lib: Library, _: Counter[str]) -> Any:
    class Account:
        def __init__(self, balance: int) -> None:
            self.balance = balance

        @lib.delayed
        def plus(self, amount: int) -> int:
            return self.balance + amount

    return Account(5).plus(lib.delayed(inc)(1)).compute()


@program
def a_lazy_function_as_an_argument(lib: Library, _: Counter[str]) -> Any:
    return lib.delayed(map)(lib.delayed(inc), [1, 2]).compute().__next__()


@program
def a_function_made_lazily(lib: Library, _: Counter[str]) -> Any:
    def make(n: int) -> Any:
        return lambda x: x + n

    return lib.delayed(make)(10)(5).compute()


@program
def a_task_that_gives_a_lazy_value(lib: Library, _: Counter[str]) -> Any:
    given = lib.delayed(lambda: lib.delayed(inc)(1))().compute()
    return isinstance(given, lib.Delayed), given.compute()


# --------------------------------------------------------- operators and access
@program
def operators(lib: Library, _: Counter[str]) -> Any:
    a, b = lib.delayed(7), lib.delayed(2)
    made = [
        a + b, a - b, a * b, a / b, a // b, a % b, a**b, -a, +a, ~a, abs(-a), a << b, a >> b, a & b,
        a | b, a ^ b, a == b, a != b, a < b, a <= b, a > b, a >= b,
    ]  # fmt: skip
    return lib.compute(*made)


@program
def reflected_operators(lib: Library, _: Counter[str]) -> Any:
    b = lib.delayed(3)
    made = [
        10 + b, 10 - b, 10 * b, 10 / b, 10 // b, 10 % b, 10**b, 10 << b, 10 >> b, 10 & b, 10 | b,
        10 ^ b, b == 10, b != 10, b > 10, b < 10,
    ]  # fmt: skip
    return lib.compute(*made)


@program
def names_of_operators(lib: Library, _: Counter[str]) -> Any:
    a, b = lib.delayed(7), lib.delayed(2)
    made = (a + b, a - b, a * b, a / b, -a, a == b, a < b, a[0])
    return [prefix(lazy.key) for lazy in made]


@program
def items_and_slices(lib: Library, _: Counter[str]) -> Any:
    items = lib.delayed(list)(range(10))
    return lib.compute(items[2], items[1:4], items[::-2], items[lib.delayed(inc)(3)])


@program
def attributes_and_methods(lib: Library, _: Counter[str]) -> Any:
    text = lib.delayed("a,b").replace(",", ";")
    return text.upper().split(";").compute(), lib.delayed(3 + 4j).imag.compute()


@program
def unpacking_with_nout(lib: Library, _: Counter[str]) -> Any:
    q, r = lib.delayed(divmod, nout=2)(17, 5)
    one = lib.delayed(lambda: (1, 2, 3), nout=3)()
    return lib.compute(q, r), len(one), lib.compute(*one), lib.compute(*reversed(list(one)))


@program
def unpacking_none_and_one(lib: Library, _: Counter[str]) -> Any:
    (only,) = lib.delayed(lambda: [5], nout=1)()
    return only.compute(), list(lib.delayed(lambda: (), nout=0)())


@program
def matrix_product(lib: Library, _: Counter[str]) -> Any:
    import numpy as np

    a = lib.delayed(np.arange)(4).reshape(2, 2)
    return (a @ a).compute().tolist(), a.T.compute().tolist()


# ------------------------------------------------------------------------ keys
@program
def impure_calls_have_keys_of_their_own(lib: Library, calls: Counter[str]) -> Any:
    def counted(x: int) -> int:
        calls["counted"] += 1
        return x

    f = lib.delayed(counted)
    a, b = f(1), f(1)
    return a.key == b.key, lib.compute(a, b)


@program
def pure_calls_are_one_task(lib: Library, calls: Counter[str]) -> Any:
    def counted(x: int) -> int:
        calls["counted"] += 1
        return x

    f = lib.delayed(counted, pure=True)
    a, b, c = f(1), f(1), f(2)
    return a.key == b.key, a.key == c.key, lib.compute(a, b, c)


@program
def pure_at_the_call(lib: Library, _: Counter[str]) -> Any:
    f = lib.delayed(inc)
    return f(1, pure=True).key == f(1, pure=True).key, f(1).key == f(1).key


@program
def a_key_at_the_call(lib: Library, _: Counter[str]) -> Any:
    a = lib.delayed(inc)(1, dask_key_name="first")
    b = lib.delayed(inc)(a, dask_key_name=("second", 0))
    return a.key, b.key, b.compute()


@program
def a_name_of_an_object(lib: Library, _: Counter[str]) -> Any:
    return lib.delayed(5, name="five").key, lib.delayed(inc, name="adds").key


@program
def keys_of_pure_data(lib: Library, _: Counter[str]) -> Any:
    return lib.delayed([1, 2], pure=True).key == lib.delayed([1, 2], pure=True).key


@program
def prefixes(lib: Library, _: Counter[str]) -> Any:
    f = lib.delayed(inc)
    return [prefix(x.key) for x in (f(1), lib.delayed(sum)([1]), lib.delayed(Model)(1))]


# ------------------------------------------------------- persist, optimize, copies
@program
def persist_keeps_results(lib: Library, calls: Counter[str]) -> Any:
    @lib.delayed
    def load() -> int:
        calls["load"] += 1
        return 3

    data = load()
    (held,) = lib.persist(data)
    again = data.persist()
    return (
        isinstance(held, lib.Delayed),
        held.key == data.key,
        lib.delayed(inc)(held).compute(),
        held.compute(),
        again.compute(),
    )


@program
def persist_of_several(lib: Library, calls: Counter[str]) -> Any:
    def counted(x: int) -> int:
        calls["counted"] += 1
        return x

    shared = lib.delayed(counted)(1)
    a, b = lib.persist(lib.delayed(inc)(shared), lib.delayed(double)(shared))
    return lib.compute(a, b)


@program
def optimize_gives_the_same(lib: Library, _: Counter[str]) -> Any:
    a = lib.delayed(inc)(1)
    b = lib.delayed(double)(a)
    found = lib.optimize(b, a)
    return len(found), lib.compute(*found)


@program
def pickles_and_copies(lib: Library, _: Counter[str]) -> Any:
    a = lib.delayed(add)(lib.delayed(operator.neg)(1), 5)
    again = pickle.loads(pickle.dumps(a))
    return again.compute(), again.key == a.key, copy.copy(a).compute(), copy.deepcopy(a).compute()


@program
def a_lazy_function_has_name_and_docstring(lib: Library, _: Counter[str]) -> Any:
    @lib.delayed
    def documented(x: int) -> int:
        """Say what it does."""
        return x

    return documented.__name__, documented.__doc__, documented.__wrapped__(3)


@program
def a_repr_shows_the_key(lib: Library, _: Counter[str]) -> Any:
    a = lib.delayed(inc)(1, dask_key_name="mine")
    return "mine" in repr(a), "Delayed" in repr(a), "inc" in repr(lib.delayed(inc))


@program
def lazy_values_are_hashable(lib: Library, _: Counter[str]) -> Any:
    a, b = lib.delayed(inc)(1), lib.delayed(inc)(1)
    return len({a: 1, b: 2}), hash(a) == hash(a)


# -------------------------------------------------------------------- scheduling
@program
def schedulers_by_name(lib: Library, _: Counter[str]) -> Any:
    total = lib.delayed(sum)([lib.delayed(inc)(x) for x in range(4)])
    names = ("sync", "synchronous", "single-threaded", "threads", "threading")
    return [total.compute(scheduler=name) for name in names]


@program
def a_number_of_workers(lib: Library, _: Counter[str]) -> Any:
    return lib.delayed(inc)(1).compute(scheduler="threads", num_workers=2)


@program
def the_configured_scheduler(lib: Library, _: Counter[str]) -> Any:
    import threading

    here = threading.get_ident()
    who = lib.delayed(threading.get_ident)
    with lib.set_config(scheduler="synchronous"):
        return who().compute() == here


@program
def a_scheduler_that_is_a_function(lib: Library, _: Counter[str]) -> Any:
    import dask

    return lib.delayed(inc)(lib.delayed(inc)(1)).compute(scheduler=dask.get)


@program
def computes_inside_tasks(lib: Library, _: Counter[str]) -> Any:
    def inner(n: int) -> int:
        return lib.delayed(sum)([lib.delayed(inc)(i) for i in range(n)]).compute(scheduler="sync")

    return lib.compute(*[lib.delayed(inner)(n) for n in range(4)])


# ------------------------------------------------------------------ custom graphs
@program
def a_graph_as_a_dict(lib: Library, _: Counter[str]) -> Any:
    dsk = {
        "x": 1,
        "y": 2,
        "z": (add, "x", "y"),
        "w": (sum, ["x", "y", "z"]),
        "v": [(sum, ["w", "z"]), 2],
        "alias": "w",
        ("t", 0): (inc, (double, "x")),
        "literal": "no key",
    }
    keys = ["z", "w", "v", "alias", ("t", 0), "literal"]
    return [lib.get(dsk, key) for key in keys], lib.get(dsk, ["x", ["y", "z"]])


@program
def a_lazy_value_of_a_graph(lib: Library, _: Counter[str]) -> Any:
    return lib.Delayed("z", {"x": 1, "z": (inc, "x")}).compute()


# -------------------------------------------------------------------------- errors
@program
def an_error_of_a_task(lib: Library, calls: Counter[str]) -> Any:
    def fails(x: int) -> int:
        calls["fails"] += 1
        raise KeyError(x)

    return lib.delayed(inc)(lib.delayed(fails)(1)).compute()


@program
def too_many_arguments(lib: Library, _: Counter[str]) -> Any:
    return lib.delayed(inc)(1, 2, 3).compute()


@program
def the_truth_of_a_lazy_value(lib: Library, _: Counter[str]) -> Any:
    return 1 if lib.delayed(inc)(1) else 2


@program
def iteration_of_unknown_length(lib: Library, _: Counter[str]) -> Any:
    return list(lib.delayed(list)([1, 2]))


@program
def the_length_of_a_lazy_value(lib: Library, _: Counter[str]) -> Any:
    return len(lib.delayed([1, 2]))


@program
def setting_an_item(lib: Library, _: Counter[str]) -> Any:
    lib.delayed([1, 2])[0] = 3


@program
def a_private_attribute(lib: Library, _: Counter[str]) -> Any:
    return lib.delayed(Model(1))._secret


@program
def a_bad_nout(lib: Library, _: Counter[str]) -> Any:
    return lib.delayed(inc, nout=-1)


@program
def an_unhashable_key(lib: Library, _: Counter[str]) -> Any:
    return lib.delayed(inc)(1, dask_key_name=["list"]).compute()


@program
def a_missing_key(lib: Library, _: Counter[str]) -> Any:
    return lib.get({"x": 1}, "y")


@program
def a_cycle(lib: Library, _: Counter[str]) -> Any:
    return lib.get({"x": (inc, "y"), "y": (inc, "x")}, "x")


@program
def an_unknown_scheduler(lib: Library, _: Counter[str]) -> Any:
    return lib.delayed(inc)(1).compute(scheduler="no such thing")


@program
def joining_text_with_a_lazy_value(lib: Library, _: Counter[str]) -> Any:
    return (lib.delayed("a") + "b").compute(), ("a" + lib.delayed("b")).compute()


@program
def sum_of_lazy_values(lib: Library, _: Counter[str]) -> Any:
    return sum([lib.delayed(inc)(i) for i in range(4)]).compute()


@program
def a_tree(lib: Library, calls: Counter[str]) -> Any:
    def plus(x: int, y: int) -> int:
        calls["plus"] += 1
        return x + y

    level = [lib.delayed(i) for i in range(16)]
    while len(level) > 1:
        level = [lib.delayed(plus)(a, b) for a, b in zip(level[::2], level[1::2], strict=True)]
    return level[0].compute()


@program
def early_results_by_index(lib: Library, _: Counter[str]) -> Any:
    parts = lib.delayed(lambda: {"a": [1, 2], "b": {"c": 3}})()
    return lib.compute(parts["a"][1], parts["b"]["c"])


@program
def batches_of_work(lib: Library, calls: Counter[str]) -> Any:
    def batch(seq: list[int]) -> list[int]:
        calls["batch"] += 1
        return [inc(x) for x in seq]

    made = [lib.delayed(batch)(list(range(i, i + 5))) for i in range(0, 20, 5)]
    return lib.compute(made)


@program
def a_large_argument_made_lazy_once(lib: Library, _: Counter[str]) -> Any:
    import numpy as np

    array = lib.delayed(np.arange(1000))
    return lib.compute(*[lib.delayed(lambda x, n: int(x[n]))(array, n) for n in range(3)])


@program
def numpy_arrays_pass(lib: Library, _: Counter[str]) -> Any:
    import numpy as np

    return lib.delayed(np.add)(np.ones(3), lib.delayed(np.ones)(3)).sum().compute()


@program
def generator_of_calls_in_a_list(lib: Library, _: Counter[str]) -> Any:
    return lib.compute([lib.delayed(inc)(i) for i in range(3)])


@program
def none_and_defaults(lib: Library, _: Counter[str]) -> Any:
    f = lib.delayed(lambda x=None, *, y=None: (x, y))
    return lib.compute(f(), f(None), f(y=lib.delayed(None)))


@program
def compute_of_a_generator(lib: Library, _: Counter[str]) -> Any:
    return lib.compute((lib.delayed(inc)(i) for i in range(3)), map(lib.delayed(inc), [1, 2]))

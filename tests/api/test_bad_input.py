"""Bad input gets a clear error, and the library goes on as before."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from tasks import inc

import lazygraph
from lazygraph import Delayed, compute, config, delayed
from lazygraph.errors import (
    CaptureError,
    CycleError,
    GraphError,
    LazygraphError,
    MissingKeyError,
    OptionError,
    UnknownSchedulerError,
    nearest,
)
from lazygraph.tasks.keys import check_key, function_name
from lazygraph.tasks.reprs import short_call, short_repr
from lazygraph.tasks.tokens import VALUE, ContentKeys


class Silent:
    """Has no repr of its own."""


class Rude:
    def __repr__(self) -> str:
        raise RuntimeError("no")


@pytest.mark.parametrize(
    ("value", "short"),
    [
        (1, "1"),
        ("a" * 500, "'aaaaaaaaaaaaaaaaaaaaaaaaaaa...aaaaaaaaaaaaaaaaaaaaaaaaaaaa'"),
        (list(range(1_000_000)), "[0, 1, 2, 3, ...]"),
        ({i: i for i in range(100)}, "{0: 0, 1: 1, 2: 2, 3: 3, ...}"),
        (inc, "inc"),
        (Silent, "Silent"),
        (Silent(), "<Silent>"),
        ("two\nlines", r"'two\nlines'"),
    ],
)
def test_short_forms(value: Any, short: str) -> None:
    assert short_repr(value) == short


def test_short_forms_of_arrays_and_of_what_cannot_be_shown() -> None:
    import numpy as np

    assert short_repr(np.zeros((3, 4), "f4")) == "<ndarray (3, 4) float32>"
    assert short_repr([np.zeros(10_000)]) == "[<ndarray (10000,) float64>]"
    assert short_repr(Rude()) == "<Rude>"
    assert len(short_repr(object.__new__(type("Long", (), {"__repr__": lambda _: "x" * 999})))) < 80
    assert len(short_call("f", tuple(range(100)), {})) < 60


def test_a_task_whose_arguments_cannot_be_shown_still_gets_its_note() -> None:
    def bad(x: Any) -> None:
        raise ValueError("mine")

    with pytest.raises(ValueError, match="mine") as caught:
        delayed(bad)(Rude()).compute()
    assert "bad(<Rude>)" in caught.value.__notes__[0]


def test_a_key_error_of_the_users_stays_one() -> None:
    with pytest.raises(KeyError) as caught:
        delayed({"a": 1})["b"].compute()
    assert type(caught.value) is KeyError
    assert caught.value.args == ("b",)


def test_the_same_exception_raised_again_gains_no_second_note() -> None:
    error = ValueError("kept")

    def raise_kept() -> None:
        raise error

    value = delayed(raise_kept)()
    for _ in range(3):
        with pytest.raises(ValueError, match="kept"):
            value.compute()
    assert len(error.__notes__) == 1


def test_a_frozen_exception_goes_through() -> None:
    from dataclasses import dataclass

    @dataclass(frozen=True)
    class Frozen(Exception):  # noqa: N818
        code: int

    def raise_frozen() -> None:
        raise Frozen(3)

    with pytest.raises(Frozen) as caught:
        delayed(raise_frozen)().compute(scheduler="threads")
    assert caught.value.code == 3


def test_a_chain_of_causes_is_kept() -> None:
    def with_cause() -> None:
        try:
            1 / 0  # noqa: B018
        except ZeroDivisionError as error:
            raise ValueError("because") from error

    with pytest.raises(ValueError, match="because") as caught:
        delayed(with_cause)().compute()
    assert type(caught.value.__cause__) is ZeroDivisionError


def test_a_long_way_to_the_output_is_cut_in_the_middle() -> None:
    value = delayed(inc)("text", dask_key_name="bad")
    for i in range(50):
        value = delayed(inc)(value, dask_key_name=f"step{i}")
    with pytest.raises(TypeError) as caught:
        value.compute()
    line = caught.value.__notes__[0].splitlines()[-1]
    assert line == "  wanted by 'step0' <- 'step1' <- 'step2' <- '... 46 more' <- 'step49'"


def test_calling_what_cannot_be_called_names_the_task() -> None:
    with pytest.raises(TypeError, match="'int' object is not callable") as caught:
        delayed(3)(1).compute()
    assert "apply" in caught.value.__notes__[0]


def test_unhashable_results_and_none_are_values() -> None:
    assert delayed(lambda: {"a": []})().compute() == {"a": []}
    assert delayed(lambda: None)().compute() is None
    assert compute(delayed(lambda: NotImplemented)(), delayed(lambda: Ellipsis)()) == (
        NotImplemented,
        Ellipsis,
    )


def test_results_that_cannot_be_compared_are_fine() -> None:
    import numpy as np

    class Incomparable:
        def __eq__(self, other: object) -> bool:
            raise RuntimeError("do not compare")

        __hash__ = None  # type: ignore[assignment]

    value = Incomparable()
    assert delayed(lambda x: x)(value).compute() is value
    first, second = delayed(np.arange)(3), delayed(np.arange)(3)
    assert compute((first + second).sum()) == (6,)


@pytest.mark.parametrize(
    "make",
    [
        lambda: CycleError(["a", "b"]),
        lambda: MissingKeyError("a", "b", "c"),
        lambda: lazygraph.errors.KeyCollisionError("k", "f(1)", "f(2)"),
        lambda: lazygraph.errors.UnsupportedOptionError("timeout", "threads", "k"),
        lambda: lazygraph.errors.UnpackError("1 value", 2),
        lambda: OptionError("text"),
        lambda: UnknownSchedulerError("text"),
    ],
)
def test_errors_pickle_with_all_they_say(make: Any) -> None:
    import pickle

    error = make()
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert str(again) == str(error) != ""
    assert isinstance(error, LazygraphError)


def test_every_error_class_stands_in_the_tree_of_the_docstring() -> None:
    assert issubclass(CycleError, (GraphError, RuntimeError))
    for name, kind in vars(lazygraph.errors).items():
        if isinstance(kind, type) and issubclass(kind, LazygraphError):
            assert name in (lazygraph.errors.__doc__ or ""), name


def test_near_matches_of_huge_graphs_are_not_searched() -> None:
    assert nearest("abd", ["abc", "xyz"]) == "abc"
    assert nearest("abd", [f"abc{i}" for i in range(100_000)]) is None


def test_names_of_callables() -> None:
    from functools import partial
    from operator import attrgetter, itemgetter, methodcaller

    class Callable:
        def __call__(self) -> None: ...

        def __getattr__(self, name: str) -> Any:
            return 3

    assert function_name(Callable()) == "Callable"
    assert function_name(partial(inc)) == "inc"
    assert function_name(methodcaller("strip")) == "strip"
    assert function_name(itemgetter(1)) == "itemgetter"
    assert function_name(attrgetter("real")) == "attrgetter"
    assert function_name(lambda: 0) == "lambda"
    assert len(function_name(type("X" * 99, (), {}))) == 50


def test_keys_are_strings_numbers_and_tuples() -> None:
    for good in ("a", b"a", 1, 1.5, ("a", 1, ("b", 2))):
        assert check_key(good) == good
    with pytest.raises(CaptureError):
        check_key(None)


def test_tokens_tell_types_apart_and_survive_surrogates() -> None:
    keys = ContentKeys()
    tokens = [keys.token(v) for v in (1, 1.0, True, "1", b"1", None, "None", 0.0, -0.0)]
    assert len(set(tokens)) == len(tokens)
    assert keys.key("f", inc, None, [(VALUE, "\ud800")]).key.startswith("f-")


def test_forked_children_make_other_keys() -> None:
    code = (
        "import os, lazygraph.tasks.keys as k\n"
        "r, w = os.pipe()\n"
        "if os.fork() == 0:\n"
        "    os.write(w, k.fresh_key('x').encode()); os._exit(0)\n"
        "os.wait(); print(os.read(r, 99).decode(), k.fresh_key('x'))\n"
    )
    if sys.platform == "win32":
        pytest.skip("no fork there")
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    child, parent = shown.stdout.split()
    assert child != parent


def test_a_bad_block_leaves_the_defaults_as_they_were() -> None:
    with pytest.raises(ZeroDivisionError), config.set(scheduler="sync"):
        1 / 0  # noqa: B018
    assert config.get("scheduler") == "threads"


def test_recursion_in_the_users_function_is_the_users_error() -> None:
    def forever(x: int) -> int:
        return forever(x + 1)

    for scheduler in ("sync", "threads"):
        with pytest.raises(RecursionError) as caught:
            delayed(forever)(1).compute(scheduler=scheduler)
        assert "forever(1)" in caught.value.__notes__[0]
    assert delayed(inc)(1).compute() == 2


def test_a_lazy_value_returned_by_a_task_comes_back_as_it_is() -> None:
    inner = delayed(inc)(1)
    assert isinstance(delayed(lambda: inner)().compute(), Delayed)

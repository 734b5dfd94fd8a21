"""Tokens: equal for what is the same call in the eyes of plain Python, and for nothing else."""

from __future__ import annotations

import copy
import enum
import math
import struct
import threading
from collections import OrderedDict, deque, namedtuple
from decimal import Decimal
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tasks import Account, add, inc

from lazygraph import compute, delayed, literal
from lazygraph.tasks.tokens import Tokens


def _token(value: Any) -> bytes:
    return Tokens().token(value)


# ----------------------------------------------------- against a brute-force notion of the same
def _is_same(a: Any, b: Any) -> bool:
    """Whether no function could tell them apart but by `is`, and by the order in a set."""
    if type(a) is not type(b):
        return False
    if isinstance(a, float):
        return struct.pack("d", a) == struct.pack("d", b)
    if isinstance(a, complex):
        return _is_same(a.real, b.real) and _is_same(a.imag, b.imag)
    if isinstance(a, dict):
        return _is_same(list(a.items()), list(b.items()))
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(_is_same, a, b))
    if isinstance(a, (set, frozenset)):
        return len(a) == len(b) and all(any(_is_same(x, y) for y in b) for x in a)
    if isinstance(a, np.ndarray):
        layout = [
            (x.dtype.str, x.shape, x.flags.c_contiguous, x.flags.f_contiguous) for x in (a, b)
        ]
        return layout[0] == layout[1] and a.tobytes() == b.tobytes()
    return bool(a == b)


_PAYLOADS = [struct.unpack("<d", struct.pack("<Q", 0x7FF8000000000000 + n))[0] for n in range(2)]
_atoms = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-1, 2),
    st.sampled_from([0.0, -0.0, 1.0, *_PAYLOADS, 0j, -0j, 1 + 0j]),
    st.sampled_from(["", "a", "1", "None", b"", b"a", 10**50]),
)
_hashable = _atoms | st.tuples(_atoms, _atoms) | st.frozensets(_atoms, max_size=2)
_arrays = st.builds(
    lambda items, dtype, order, shape: np.array(items, dtype).reshape(shape, order=order),
    st.lists(st.integers(0, 1), min_size=4, max_size=4),
    st.sampled_from(["<i4", ">i4", "u1", "f8", "O"]),
    st.sampled_from("CF"),
    st.sampled_from([(4,), (2, 2), (4, 1)]),
).map(lambda array: array if array.dtype.kind != "O" else array.tolist())
_values = st.recursive(
    _hashable | _arrays,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(_atoms, min_size=17, max_size=18),
        st.tuples(inner),
        st.dictionaries(_hashable, inner, max_size=3),
        st.sets(_atoms, max_size=3),
    ),
    max_leaves=8,
)


@given(_values, _values)
def test_tokens_are_equal_where_plain_python_sees_the_same(a: Any, b: Any) -> None:
    assert (_token(a) == _token(b)) == _is_same(a, b)
    assert _token(a) == _token(copy.deepcopy(a))


# ------------------------------------------------------------------------ what differs
class _Name(str):
    __slots__ = ()


class _Colour(enum.StrEnum):
    RED = "red"


class _Number(enum.IntEnum):
    ONE = 1


class _Unit(np.ndarray):
    unit = ""


def _unit(unit: str) -> Any:
    made = np.zeros(2).view(_Unit)
    made.unit = unit
    return made


class _Big(list[int]):
    pass


_P = namedtuple("_P", "x")  # noqa: PYI024


def _adder(n: int) -> Any:
    return lambda x: x + n


def _default(n: int) -> Any:
    return lambda x, y=n: x + y


def _masked(mask: Any, fill: float = 1.0) -> Any:
    return np.ma.MaskedArray([1.0, 2.0], mask=mask, fill_value=fill)


_grid = np.arange(8.0).reshape(2, 4)
_DIFFERENT = {
    "dicts in another order": [{"a": 1, "b": 2}, {"b": 2, "a": 1}, OrderedDict(a=1, b=2)],
    "numbers": [1, 1.0, True, 1 + 0j, _Number.ONE, Decimal(1), np.int64(1), np.float64(1)],
    "zeros": [0.0, -0.0, 0, False, complex(0, -0.0), 0j],
    "texts": ["red", _Name("red"), _Colour.RED, b"red", ["red"], ("red",), {"red"}],
    "masks": [_masked([0, 1]), _masked([1, 0]), _masked([0, 0]), _masked([0, 1], 2.0)],
    "numpy": [
        np.array(1.0),
        np.float64(1.0),
        np.array([1.0]),
        np.array([[1.0]]),
        np.array([1.0], ">f8"),
        np.array([1.0]).view("i8"),
        np.array([1.0]).view("M8[s]"),
        np.array([1.0]).view("m8[ms]"),
        np.array([1.0], object),
    ],
    "layouts": [_grid, np.asfortranarray(_grid), _grid.T, _grid[:, ::2], _grid[:, ::-1]],
    "subclasses of arrays": [_unit("m"), _unit("s"), np.zeros(2)],
    "containers": [[1], (1,), {1}, frozenset({1}), deque([1]), deque([1], 2), _Big([1]), _P(1)],
    "closures": [_adder(1), _adder(2), _adder(1.0), lambda x: x - 1],
    "defaults": [_default(1), _default(2), _default(True)],
    "partials": [partial(add, 1), partial(add, 2), partial(add, b=1), partial(inc), inc],
    "methods": [Account(1).minus, Account(2).minus, Account(1), Account(2), Account.minus],
    "locks": [threading.Lock(), threading.Lock()],
    "long lists": [[1] * 20, [True] * 20, [1.0] * 20, (1,) * 20, [math.nan] * 20, str([1] * 20)],
    "builtin methods": [[1].append, [2].append, "a".join, "b".join, len, max],
    "classes": [type("C", (), {}), type("C", (), {})],
}


@pytest.mark.parametrize("values", _DIFFERENT.values(), ids=_DIFFERENT)
def test_what_a_function_can_tell_apart_has_other_tokens(values: list[Any]) -> None:
    assert len({_token(value) for value in values}) == len(values)
    assert [_token(value) for value in values] == [_token(value) for value in values]


@pytest.mark.parametrize(
    "make",
    [
        lambda: _adder(1),
        lambda: _default(1),
        lambda: partial(add, 1),
        lambda: Account(1).minus,
        lambda: _masked([0, 1]),
        lambda: _unit("m"),
        lambda: {frozenset({"a", "b"}): [np.zeros(3)]},
        lambda: np.array([1, "a", [2]], object),
        lambda: np.array([(1, 2.0)], [("a", "i4"), ("b", "f8")]),
        lambda: np.lib.stride_tricks.as_strided(np.zeros(1), (10**12,), (0,)),
        lambda: _Big([1, 2]),
        lambda: _Colour.RED,
    ],
)
def test_what_is_made_twice_has_one_token(make: Any) -> None:
    assert _token(make()) == _token(make())


def _ring() -> Any:
    ring: list[Any] = [1]
    ring.append({"me": ring})
    return ring


def _recursive() -> Any:
    def count(n: int) -> int:
        return 0 if n == 0 else 1 + count(n - 1)

    return count


@pytest.mark.parametrize("make", [_ring, _recursive])
def test_what_contains_itself_has_a_token(make: Any) -> None:
    assert _token(make()) == _token(make()) != _token([1, {"me": [1]}])


def test_depth_and_sharing_cost_nothing() -> None:
    deep: Any = []
    for _ in range(20_000):
        deep = [deep]
    shared: Any = ()
    for _ in range(200):  # 2 ** 200 items for who reads each anew
        shared = (shared, shared)
    nested = delayed(type, pure=True)
    assert nested(deep).key != nested([deep]).key
    assert compute(nested(deep), nested(literal(shared))) == (list, tuple)


def test_integers_too_long_to_be_shown_have_tokens() -> None:
    assert len({_token(x) for x in (10**5_000, [10**5_000] * 20, 10**5_000 + 1)}) == 3


def test_a_function_is_read_by_what_its_code_reads() -> None:
    spaces = [{"scale": scale} for scale in (1, 2, 1)]
    for space in spaces:
        exec("def f(x): return x * scale", space)
    first, other, again = [_token(space["f"]) for space in spaces]
    assert first == again != other


def test_a_class_of_ones_own_may_say_what_it_is() -> None:
    class Table:
        def __init__(self, version: int) -> None:
            self.version, self.cache = version, object()

        def __dask_tokenize__(self) -> int:
            return self.version

    assert _token(Table(1)) == _token(Table(1)) != _token(Table(2))

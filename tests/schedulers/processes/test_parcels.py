"""Values that travel between processes: what is packed comes out again, big buffers in place."""

from __future__ import annotations

import errno
import math
import operator
import os
import pickle
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tasks
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from lazygraph.schedulers.processes.arena import BIG, Arena, Handle
from lazygraph.schedulers.processes.ledger import Block, Ledger
from lazygraph.schedulers.processes.parcels import Parcel, adopt, pack, unpack
from lazygraph.transport.pickling import dumps, loads, pack_function

pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="the scheduler needs a POSIX system"
)


@pytest.fixture
def arena() -> Iterator[Arena]:
    made = Arena.create()
    yield made
    made.close()


def sent(thing: Any) -> Any:
    """As the other end of a pipe has it."""
    return pickle.loads(pickle.dumps(thing, 5))


def same(left: Any, right: Any) -> bool:
    """Equal, of equal types, nan being equal to nan."""
    if type(left) is not type(right):
        return False
    if isinstance(left, np.ndarray):
        return left.dtype == right.dtype and np.array_equal(left, right, left.dtype.kind in "fc")
    if isinstance(left, dict):
        return list(left) == list(right) and all(same(left[key], right[key]) for key in left)
    if isinstance(left, (list, tuple)):
        return len(left) == len(right) and all(map(same, left, right))
    return bool(left == right or (left != left and right != right))  # noqa: PLR0124  # nan


ATOMS = [None, True, 3, -(10**30), 0.5, math.inf, 2j, "text", "\ud800", b"bytes", "", b""]


@pytest.mark.parametrize("value", ATOMS, ids=repr)
def test_small_plain_values_travel_as_they_are(arena: Arena, value: Any) -> None:
    assert pack(value, arena) is value
    assert unpack(value, arena.view) is value
    assert arena.nbytes_used == 0


class Int(int):
    """Not a plain int."""


@pytest.mark.parametrize("value", [Int(3), "x" * BIG, b"x" * BIG, 1 << 8 * BIG], ids=type)
def test_subclasses_and_big_ones_are_parcels(arena: Arena, value: Any) -> None:
    packed = sent(pack(value, arena))
    assert type(packed) is Parcel
    assert same(unpack(packed, arena.view), value)
    assert bool(packed.handles()) is (type(value) is not Int)


BIG_ARRAYS = st.integers(BIG // 8 - 2, BIG // 8 + 2).map(lambda n: np.arange(n, dtype="f8"))
SMALL_ARRAYS = arrays.arrays(
    arrays.boolean_dtypes()
    | arrays.integer_dtypes()
    | arrays.floating_dtypes()
    | arrays.complex_number_dtypes()
    | arrays.unicode_string_dtypes(),
    arrays.array_shapes(min_side=0),
)
LEAVES = (
    st.none()
    | st.integers()
    | st.text()
    | st.binary(max_size=9)
    | st.floats()
    | SMALL_ARRAYS
    | BIG_ARRAYS
    | BIG_ARRAYS.map(lambda array: array[::-1])
    | BIG_ARRAYS.map(lambda array: np.asfortranarray(array[:-1:1].reshape(1, -1).repeat(2, 0)))
    | st.just(bytearray(BIG))
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(VALUES)
@settings(deadline=None)
def test_any_value_comes_back_with_memory_and_without(value: Any) -> None:
    writer = Arena.create()
    reader = Arena(os.dup(writer.fd), 1)
    try:
        assert same(unpack(sent(pack(value, None)), reader.view), value)
        packed = sent(pack(value, writer))
        assert same(unpack(packed, reader.view), value)
        if type(packed) is Parcel:
            adopt(packed, Ledger().adopt(packed.handles()))
            assert same(unpack(packed, lambda block: reader.private(block.handle, block)), value)
    finally:
        writer.close()
        reader.close()


def test_buffers_travel_apart_from_64_kb_on(arena: Arena) -> None:
    big, small = np.zeros(BIG, "u1"), np.zeros(BIG - 1, "u1")
    packed = pack([big, small[:-4096], big[: BIG // 2]], arena)
    assert [handle.nbytes for handle in packed.blocks] == [BIG]
    # The small ones make the stream big.
    assert type(packed.stream) is Handle
    assert packed.nbytes == BIG + packed.stream.nbytes
    assert packed.handles() == [packed.stream, *packed.blocks]
    assert packed.stream.nbytes > BIG
    assert Parcel(b"abc", (Handle(0, 5),)).nbytes == 8


def test_an_array_twice_in_a_value_travels_once(arena: Arena) -> None:
    array = np.ones(BIG)
    packed = pack([array, array], arena)
    assert len(packed.blocks) == 1
    first, second = unpack(packed, arena.view)
    assert first is second


def test_arrays_show_shared_memory_read_only_until_the_user_has_them(arena: Arena) -> None:
    packed = pack(np.ones(BIG), arena)
    shared = unpack(packed, arena.view)
    assert not shared.flags.writeable
    assert (
        shared.__array_interface__["data"][0]
        == np.frombuffer(arena.view(packed.blocks[0])).__array_interface__["data"][0]
    )
    adopt(packed, Ledger().adopt(packed.handles()))
    own = unpack(packed, lambda block: arena.private(block.handle, block))
    own[0] = 5
    assert shared[0] == 1


def test_a_parcel_in_a_pipe_is_little_more_than_its_stream(arena: Arena) -> None:
    packed = pack([np.ones(BIG), np.ones(BIG)], arena)
    assert len(pickle.dumps(packed, 5)) < len(packed.stream) + 120
    before, blocks = pickle.dumps(packed, 5), packed.blocks
    adopt(packed, Ledger().adopt(packed.handles()))
    assert pickle.dumps(packed, 5) == before
    assert sent(packed).blocks == blocks


def test_adopted_blocks_are_freed_with_the_parcel_one_for_each_handle() -> None:
    ledger = Ledger()
    first, second = Handle(0, BIG), Handle(1 << 20, BIG)
    adopted = Parcel(second, (first, first))
    adopt(adopted, ledger.adopt(adopted.handles()))
    assert adopted.blocks[0] is adopted.blocks[1]
    assert type(adopted.stream) is Block
    assert adopted.handles() == [second, first, first]
    assert not ledger.has_released
    del adopted
    free, told = ledger.drop()
    assert (sorted(free), told) == ([first, second], {})


def test_an_array_of_a_parcel_keeps_its_block_when_the_parcel_is_gone(arena: Arena) -> None:
    ledger, adopted = Ledger(), pack(np.ones(1 << 18), arena)
    adopt(adopted, ledger.adopt(adopted.handles()))
    array = unpack(adopted, lambda block: arena.private(block.handle, block))
    del adopted
    assert not ledger.has_released
    assert array.sum() == 1 << 18
    del array
    assert ledger.has_released


def test_full_memory_sends_everything_in_the_stream_and_keeps_nothing(
    arena: Arena, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system refuses the third buffer."""
    write, refused = os.pwrite, []

    def pwrite(fd: int, data: Any, offset: int) -> int:
        if len(data) == 4 * BIG:
            refused.append(offset)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(fd, data, offset)

    monkeypatch.setattr(os, "pwrite", pwrite)
    value = [np.full(n * BIG, n, "u1") for n in (1, 2, 4)]
    packed = pack(value, arena)
    assert refused
    assert packed.handles() == []
    assert same(unpack(sent(packed), arena.view), value)
    arena.trim(0)
    assert arena.nbytes_used == 0 or sys.platform != "linux"


def test_a_first_attempt_by_reference_leaves_no_buffers_behind(arena: Arena) -> None:
    """The array is seen twice: pickle fails after it, at the lambda; cloudpickle does not."""
    packed = pack([np.ones(BIG), lambda: 5], arena)
    assert len(packed.blocks) == 1
    assert type(packed.stream) is bytes
    assert len(packed.stream) < BIG // 8
    array, function = unpack(sent(packed), arena.view)
    assert array.sum() == BIG
    assert function() == 5


def test_what_cannot_be_pickled_raises_and_takes_no_memory(arena: Arena) -> None:
    with pytest.raises(TypeError, match="cannot pickle 'generator' object"):
        pack([np.ones(BIG), (i for i in range(3))], arena)
    assert arena.nbytes_used == 0


def test_an_os_error_of_the_values_own_pickling_is_raised(arena: Arena) -> None:
    with pytest.raises(OSError, match="mine"):
        pack([np.ones(BIG), Refuses()], arena)


class Refuses:
    def __reduce__(self) -> Any:
        raise OSError("mine")


def test_modules_functions_go_by_name_even_behind_delayed() -> None:
    raw = tasks.decorated._target.func
    assert pack_function(tasks.inc) == pickle.dumps(tasks.inc, 5)
    assert loads(pack_function(raw)) is raw
    assert loads(dumps([raw, lambda: raw]))[1]() is raw
    method = tasks.Account.plus._target.func
    assert loads(pack_function(method)) is method


def test_a_function_whose_name_is_now_anothers_goes_by_value() -> None:
    def another(x: int) -> int:
        return x + 100

    another.__module__, another.__qualname__ = "tasks", "inc"
    assert loads(pack_function(another))(1) == 101


def test_local_functions_go_by_value() -> None:
    amount = 3
    back = loads(pack_function(partial(lambda x, y: x + y + amount, 10)))
    assert back(100) == 113
    assert loads(pack_function(operator.itemgetter(1)))("ab") == "b"


def test_values_of_main_can_be_read_where_main_is_another(tmp_path: Path) -> None:
    """Functions, classes and their instances; those that come back are of the first class."""
    script = tmp_path / "script.py"
    script.write_text(
        """
import subprocess, sys
from lazygraph import delayed
from lazygraph.transport.pickling import dumps, loads

class Point:
    def __init__(self, x): self.x = x
    def moved(self): return Point(self.x + offset)

offset = 10

@delayed
def move(point): return point.moved()

code = '''
import sys
from lazygraph.transport.pickling import dumps, loads
func, point = map(loads, loads(sys.stdin.buffer.read()))
sys.stdout.buffer.write(dumps(func(point)))
'''
sent = dumps((dumps(move._target.func), dumps(Point(1))))
back = subprocess.run([sys.executable, "-c", code], input=sent, capture_output=True, check=True)
point = loads(back.stdout)
print(type(point) is Point, point.x)
""",
        encoding="utf-8",
    )
    shown = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True)
    assert shown.stdout == "True 11\n"


def test_a_value_too_deep_to_pickle_is_an_error() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises((RecursionError, pickle.PicklingError), match="recursion"):
        dumps(deep)

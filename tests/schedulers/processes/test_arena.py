"""Shared memory of the worker processes: nothing is overwritten that is looked at, nothing leaks."""

from __future__ import annotations

import errno
import mmap
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import weakref
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from lazygraph.schedulers.processes.arena import Arena, Handle
from lazygraph.schedulers.processes.ledger import Block
from lazygraph.schedulers.processes.space import Space, region_of, window_of

MB = 1 << 20
PAGE = mmap.ALLOCATIONGRANULARITY

pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="the scheduler needs a POSIX system"
)
REMOVES = pytest.mark.skipif(not hasattr(mmap, "MADV_REMOVE"), reason="only Linux gives back parts")


@pytest.fixture
def arena() -> Iterator[Arena]:
    made = Arena.create()
    yield made
    made.close()


def other(arena: Arena, owner: int) -> Arena:
    """The same memory, as another process would have it."""
    return Arena(os.dup(arena.fd), owner)


def start(arena: Arena, code: str) -> subprocess.Popen[bytes]:
    """A process with the arena's file; `code` finds its number in `fd`."""
    head = (
        "import os, sys, resource; fd = int(sys.argv[1]); "
        "from lazygraph.schedulers.processes.arena import Arena, Handle\n"
    )
    return subprocess.Popen(
        [sys.executable, "-c", head + code, str(arena.fd)],
        pass_fds=[arena.fd],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )


def answer(arena: Arena, code: str) -> Any:
    """What a second process prints, as Python reads it."""
    with start(arena, code) as process:
        shown, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    return eval(shown, {"Handle": Handle})


def open_files() -> int:
    return sum(1 for _ in Path("/dev/fd").iterdir())


def mappings() -> int:
    return Path("/proc/self/maps").read_text(encoding="utf-8").count("memfd:lazygraph")


def test_what_one_process_writes_another_sees(arena: Arena) -> None:
    mine = arena.write(b"from the parent" * 10_000)
    code = f"""
arena = Arena(fd, 1)
assert bytes(arena.view({mine!r})) == b"from the parent" * 10_000
print(repr(arena.write(b"from the worker" * 10_000)))
"""
    handle = answer(arena, code)
    assert handle.owner == 1
    assert bytes(arena.view(handle)) == b"from the worker" * 10_000


@pytest.mark.parametrize("nbytes", [0, 1, PAGE, PAGE + 1, 5 * MB, 17 * MB])
def test_a_buffer_of_any_size_comes_back(arena: Arena, nbytes: int) -> None:
    data = random.Random(nbytes).randbytes(nbytes)
    handle = arena.write(data)
    assert arena.view(handle) == data
    assert arena.private(handle, None) == data


def test_arrays_are_written_as_they_lie_in_memory(arena: Arena) -> None:
    array = np.arange(60_000, dtype="i4").reshape(200, 300)
    for given_array in (array, np.asfortranarray(array)):
        seen = arena.view(arena.write(memoryview(given_array)))
        assert seen == given_array.tobytes("A")


def test_a_view_is_read_only_and_one_object_until_dropped(arena: Arena) -> None:
    handle = arena.write(b"x" * 100)
    view = arena.view(handle)
    assert view.readonly
    assert arena.view(handle) is view
    reader = weakref.ref(view)
    del view
    assert arena.drop([handle]) == [handle]
    assert reader() is None


@pytest.mark.parametrize("nbytes", [1_000, 2 * MB, 20 * MB])
def test_a_private_view_changes_nothing_for_others(arena: Arena, nbytes: int) -> None:
    handle = arena.write(b"a" * nbytes)
    private = arena.private(handle, None)
    private[:3] = b"xyz"
    assert bytes(private[:4]) == b"xyza"
    assert bytes(arena.view(handle)[:4]) == b"aaaa"


@pytest.mark.parametrize("nbytes", [2 * MB, 20 * MB])
def test_a_private_view_keeps_its_block_as_long_as_an_array_shows_it(
    arena: Arena, nbytes: int
) -> None:
    freed: deque[Handle] = deque()
    handle = arena.write(b"a" * nbytes)
    array = np.frombuffer(arena.private(handle, Block(handle, freed.append)), "u1")[5:]
    assert not freed
    assert array[0] == ord("a")
    del array
    assert list(freed) == [handle]


def test_many_private_views_do_not_use_up_the_file_descriptors(arena: Arena) -> None:
    handle = arena.write(b"b" * MB)
    before = open_files()
    views = [arena.private(handle, None) for _ in range(200)]
    assert open_files() - before <= 101
    views[0][0] = views[199][0] = 0
    assert {view[0] for view in views[1:199]} == {ord("b")}
    assert {bytes(view[1:]) for view in views} == {b"b" * (MB - 1)}


def test_a_freed_block_is_used_again_and_takes_no_more_memory(arena: Arena) -> None:
    first = arena.write(b"1" * MB)
    used = arena.nbytes_used
    assert used >= MB
    arena.free([first])
    second = arena.write(b"2" * MB)
    assert second == first
    assert arena.nbytes_used == used


def test_a_block_freed_twice_is_given_out_once(arena: Arena) -> None:
    handle = arena.write(b"1" * 1000)
    arena.free([handle, handle])
    assert arena.write(b"2" * 1000).offset != arena.write(b"3" * 1000).offset


HOLDERS = {
    "the view": lambda view: view,
    "a view of the view": memoryview,
    "a part of it": lambda view: view[10:20],
    "an array": lambda view: np.frombuffer(view, "u1"),
    "a part of an array": lambda view: np.frombuffer(view, "u1")[::2][3:],
}


@pytest.mark.parametrize("hold", HOLDERS.values(), ids=HOLDERS)
@pytest.mark.parametrize("nbytes", [1000, 20 * MB])
def test_a_block_that_something_shows_is_not_free(arena: Arena, hold: Any, nbytes: int) -> None:
    free, held = arena.write(b"f" * 1000), arena.write(b"h" * nbytes)
    arena.view(free)
    holder = hold(arena.view(held))
    assert arena.drop([free, held]) == [free]
    assert arena.recheck() == []
    assert bytes(holder[:1]) == b"h"
    del holder
    assert arena.recheck() == [held]
    assert arena.recheck() == []


def test_a_held_block_that_is_asked_for_again_is_not_reported_as_free(arena: Arena) -> None:
    handle = arena.write(b"h" * 1000)
    holder = np.frombuffer(arena.view(handle), "u1")
    assert arena.drop([handle]) == []
    again = arena.view(handle)
    del holder, again
    assert arena.recheck() == []
    assert arena.view(handle) == b"h" * 1000
    assert arena.drop([handle]) == [handle]


def test_a_block_never_looked_at_is_free_at_once(arena: Arena) -> None:
    handle = arena.write(b"x")
    assert arena.drop([handle]) == [handle]


def test_closing_leaves_what_is_looked_at_readable_and_frees_the_descriptor() -> None:
    arena = Arena.create()
    handle = arena.write(b"x" * 1000)
    array = np.frombuffer(arena.view(handle), "u1")
    fd = arena.fd
    arena.close()
    arena.close()
    assert array.sum() == 1000 * ord("x")
    assert arena.fd == -1
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(fd)
    with pytest.raises(OSError, match="closed"):
        arena.write(b"y")


class Memory(RuleBasedStateMachine):
    """Three owners write, read, and free each other's blocks, as a pool does."""

    def __init__(self) -> None:
        super().__init__()
        parent = Arena.create()
        self.arenas = [parent, other(parent, 1), other(parent, 2)]
        self.live: dict[Handle, bytes] = {}
        self.seen: list[tuple[Handle, memoryview, bytes]] = []

    @rule(owner=st.integers(0, 2), nbytes=st.integers(1, 40 * PAGE), fill=st.binary(min_size=1))
    def write(self, owner: int, nbytes: int, fill: bytes) -> None:
        data = (fill * nbytes)[:nbytes]
        handle = self.arenas[owner].write(data)
        assert handle.owner == owner
        assert handle not in self.live
        self.live[handle] = data

    @rule(data=st.data(), reader=st.integers(0, 2))
    def read(self, data: st.DataObject, reader: int) -> None:
        if self.live:
            handle = data.draw(st.sampled_from(sorted(self.live)))
            view = self.arenas[reader].view(handle)
            assert view == self.live[handle]

    @rule(data=st.data())
    def free(self, data: st.DataObject) -> None:
        if self.live:
            handle = data.draw(st.sampled_from(sorted(self.live)))
            assert [arena.drop([handle]) for arena in self.arenas] == [[handle]] * 3
            del self.live[handle]
            self.arenas[handle.owner].free([handle])

    @rule(owner=st.integers(0, 2), keep_bytes=st.integers(0, 100 * PAGE))
    def trim(self, owner: int, keep_bytes: int) -> None:
        self.arenas[owner].trim(keep_bytes)

    @rule(owner=st.integers(0, 2))
    def sweep(self, owner: int) -> None:
        """All that is not live: what owners that still live reuse is written anew anyhow."""
        mine = [handle for handle in self.live if handle.owner == owner]
        self.arenas[0].sweep(owner, mine)

    def teardown(self) -> None:
        for handle, data in self.live.items():
            assert bytes(self.arenas[0].private(handle, None)) == data
        for arena in self.arenas:
            arena.close()


TestMemory = Memory.TestCase
TestMemory.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


@given(st.lists(st.integers(0, 24 * MB) | st.sampled_from([4 * MB, 16 * MB, 70 * MB]), min_size=1))
def test_blocks_lie_apart_each_within_its_window(sizes: list[int]) -> None:
    space, end = Space(3), 0
    taken = sorted((space.take(nbytes), nbytes) for nbytes in sizes)
    for offset, nbytes in taken:
        window, window_size = window_of(Handle(offset, nbytes))
        assert offset % PAGE == window % PAGE == 0
        assert offset >= end
        assert window <= offset
        assert offset + nbytes <= window + window_size
        end = offset + max(nbytes, 1)
    assert taken[0][0] >= region_of(3).start
    assert end <= region_of(3).stop


def test_a_region_without_offsets_left_is_full() -> None:
    space = Space(0)
    with pytest.raises(OSError, match="no offsets left"):
        space.take(1 << 40)
    with pytest.raises(OSError, match="no offsets left"):
        list(map(space.take, [16 * MB] * (1 << 14)))


@REMOVES
def test_windows_that_nobody_looks_through_are_not_kept_for_ever(arena: Arena) -> None:
    handles = [Handle(n * 64 * MB, 100) for n in range(1, 20)]
    before = mappings()
    kept = [arena.view(handle) for handle in handles[:3]]
    for handle in handles[3:]:
        arena.view(handle)
        arena.drop([handle])
    assert mappings() - before <= 5
    assert [bytes(view) for view in kept] == [bytes(100)] * 3


def test_a_child_process_does_not_get_the_file_unasked(arena: Arena) -> None:
    assert not os.get_inheritable(arena.fd)


def test_a_block_beyond_the_files_end_is_an_error() -> None:
    with tempfile.TemporaryFile() as file:
        arena = Arena(os.dup(file.fileno()), 0)
        file.write(b"12345")
        file.flush()
        assert arena.read(1, 3) == b"234"
        with pytest.raises(OSError, match="ends before the block"):
            arena.read(0, 10)


@REMOVES
def test_a_very_big_block_is_given_back_in_pieces(arena: Arena) -> None:
    handle = arena.write(bytes(70 * MB))
    assert arena.nbytes_used == 70 * MB
    arena.discard(handle)
    assert arena.nbytes_used == 0


@REMOVES
def test_trimming_gives_back_free_memory_alone(arena: Arena) -> None:
    handles = [arena.write(bytes([i]) * MB) for i in range(6)]
    before = arena.nbytes_used
    arena.free(handles[:4])
    arena.trim(MB)
    assert arena.nbytes_used == before - 3 * MB
    arena.trim(0)
    assert arena.nbytes_used == before - 4 * MB
    assert [bytes(arena.view(handle)[:1]) for handle in handles[4:]] == [b"\4", b"\5"]
    assert {arena.write(b"x" * MB) for _ in range(4)} == set(handles[:4])


@REMOVES
def test_the_block_freed_last_stays_warm_and_is_used_first(arena: Arena) -> None:
    handles = [arena.write(bytes(MB)) for _ in range(3)]
    arena.free(handles)
    arena.trim(MB)
    assert arena.write(bytes(MB)) == handles[2]
    assert arena.nbytes_used == MB
    assert len({arena.write(bytes(MB)) for _ in range(3)} - {handles[2]}) == 3


@REMOVES
def test_the_memory_of_a_killed_writer_goes_but_for_the_blocks_in_use(arena: Arena) -> None:
    code = """
arena = Arena(fd, 7)
print([arena.write(bytes([i]) * (1 << 20)) for i in range(1, 4)], flush=True)
sys.stdin.read()
"""
    kept = arena.write(b"k" * MB)
    with start(arena, code) as process:
        handles = eval(process.stdout.readline(), {"Handle": Handle})
        process.send_signal(signal.SIGKILL)
        assert process.wait(60) == -signal.SIGKILL
    assert arena.nbytes_used == 4 * MB
    arena.sweep(7, [handles[1]])
    assert arena.nbytes_used == 2 * MB
    assert arena.view(handles[1]) == b"\2" * MB
    assert arena.view(kept) == b"k" * MB
    arena.discard(handles[1])
    assert arena.nbytes_used == MB


def test_a_file_that_may_not_grow_is_an_error_and_leaves_nothing(arena: Arena) -> None:
    """The kernel refuses in the middle of the second block."""
    code = """
arena = Arena(fd, 0)
first = arena.write(b"a" * (1 << 20))
limits = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (first.offset + (2 << 20), limits[1]))
try:
    arena.write(b"b" * (3 << 20))
except OSError as error:
    refused = error.errno
used = arena.nbytes_used
resource.setrlimit(resource.RLIMIT_FSIZE, limits)
assert arena.view(arena.write(b"c" * (3 << 20))) == b"c" * (3 << 20)
assert arena.view(first) == b"a" * (1 << 20)
print([refused, used])
"""
    refused, used = answer(arena, code)
    assert refused == errno.EFBIG
    assert used == MB or not hasattr(mmap, "MADV_REMOVE")


@REMOVES
def test_a_full_system_is_asked_again_once_free_blocks_are_given_back(
    arena: Arena, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stand-in for a file system of 4 MB is the system call, not our own code."""
    write = os.pwrite

    def pwrite(fd: int, data: Any, offset: int) -> int:
        if arena.nbytes_used + len(data) > 4 * MB:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(fd, data, offset)

    monkeypatch.setattr(os, "pwrite", pwrite)
    arena.free([arena.write(b"x" * 3 * MB)])
    handle = arena.write(b"y" * 2 * MB)
    assert arena.view(handle) == b"y" * 2 * MB
    with pytest.raises(OSError, match="No space"):
        arena.write(b"z" * 3 * MB)


def test_writes_of_which_the_system_takes_a_part_go_on(
    arena: Arena, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, read = os.pwrite, os.preadv
    monkeypatch.setattr(os, "pwrite", lambda fd, data, at: write(fd, data[:1000], at))
    monkeypatch.setattr(os, "preadv", lambda fd, parts, at: read(fd, [parts[0][:999]], at))
    data = random.Random(0).randbytes(10_500)
    handle = arena.write(data)
    assert arena.view(handle) == data
    assert arena.private(handle, None) == data


@pytest.mark.slow
def test_ten_thousand_blocks_need_few_descriptors_and_no_more_address_space_than_they_have(
    arena: Arena,
) -> None:
    code = """
arena, parent = Arena(fd, 1), Arena(os.dup(fd), 0)
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))
handles = [arena.write(i.to_bytes(4, "little") * 25_000) for i in range(10_000)]
views = [parent.view(handle) for handle in handles]
for i, view in enumerate(views):
    assert view[-4:] == i.to_bytes(4, "little")
views.clear()
del view
assert parent.drop(handles) == handles
print(len(handles))
"""
    assert answer(arena, code) == 10_000


def test_without_file_descriptors_a_view_is_a_copy(arena: Arena) -> None:
    small = b"s" * 100_000
    handles = [arena.write(small) for _ in range(5)] + [arena.write(b"b" * 17 * MB)]
    code = f"""
handles = {handles!r}
arena = Arena(fd, 1)
resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))
views = [arena.view(handle) for handle in handles]
assert all(view.readonly for view in views)
assert [view[:1].tobytes() + view[-1:].tobytes() for view in views] == [b"ss"] * 5 + [b"bb"]
del views
print(arena.drop(handles) == handles)
"""
    assert answer(arena, code)


def test_threads_of_one_owner_never_share_a_block(arena: Arena) -> None:
    wrong: list[Handle] = []

    def work(seed: int) -> None:
        rng = random.Random(seed)
        for n in range(300):
            data = bytes([seed, n % 256]) * rng.randrange(1, 3 * PAGE)
            handle = arena.write(data)
            if arena.view(handle) != data:
                wrong.append(handle)
            arena.drop([handle])
            arena.free([handle])
            if n % 50 == 0:
                arena.trim(PAGE)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_an_arena_that_cannot_be_had_is_an_os_error() -> None:
    code = (
        "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))\n"
        "from lazygraph.schedulers.processes.arena import Arena\n"
        "try: Arena.create()\n"
        "except OSError as error: print(error.errno)"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert int(shown.stdout) == errno.EFBIG

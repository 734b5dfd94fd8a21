"""Every system call of the parent's fails once: right results or a clear error, and nothing lost.

The n-th call of a kind fails, for n = 1, 2, ... until a program meets no failure. Whatever it
meets, its answer is right or an error says what was missing, the next compute of the same
processes is right, and when they are closed there are the descriptors, threads and children of before.
"""

from __future__ import annotations

import errno
import gc
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from pickle import PickleBuffer
from typing import Any

import pytest
from children import children, die_once, open_files, shared_memory
from failing import CALLS, fail_from_now_on, failing
from tasks import add, fail, inc, wait_until

from lazygraph import as_completed, compute, delayed, persist
from lazygraph.errors import LazygraphError
from lazygraph.schedulers import Processes

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

_BIG = 1 << 21  # bytes: results of that size are mapped
_MOST_CALLS = 200  # of one kind in one program


class Big:
    """Many bytes, which travel apart."""

    def __init__(self, data: Any) -> None:
        self.data = data

    def __reduce_ex__(self, _: Any) -> Any:
        return Big, (PickleBuffer(self.data),)


def ones(nbytes: int) -> Big:
    return Big(bytearray(b"\1") * nbytes)


def count_ones(*bigs: Big) -> int:
    return sum(bytes(big.data).count(1) for big in bigs)


Program = Callable[[Any, Path], Any]


def _works(scheduler: Any, _: Path) -> Any:
    return compute(*[delayed(add)(delayed(inc)(i), i) for i in range(20)], scheduler=scheduler)


def _is_big(scheduler: Any, _: Path) -> Any:
    there, given = delayed(ones)(_BIG), ones(_BIG + 5)
    both = [delayed(count_ones)(there, given), delayed(count_ones)(delayed(ones)(100_000)), there]
    *numbers, back = compute(*both, scheduler=scheduler)
    return numbers, count_ones(back)


def _fails(scheduler: Any, _: Path) -> Any:
    try:
        delayed(fail)(delayed(inc)(1)).compute(scheduler=scheduler)
    except ValueError as error:
        return str(error)


def _streams(scheduler: Any, _: Path) -> Any:
    values = [delayed(inc)(i) for i in range(6)]
    return sorted(value for _, value in as_completed(values, scheduler=scheduler))


def _persists(scheduler: Any, _: Path) -> Any:
    (kept,) = persist(delayed(ones)(_BIG), scheduler=scheduler)
    return delayed(count_ones)(kept).compute(scheduler=scheduler)


def _dies(scheduler: Any, folder: Path) -> Any:
    flag = folder / "flag"
    flag.unlink(missing_ok=True)
    return delayed(die_once)(flag, delayed(inc)(1)).compute(scheduler=scheduler)


PROGRAMS: dict[str, tuple[Program, Any]] = {
    "works": (_works, tuple(2 * i + 1 for i in range(20))),
    "is big": (_is_big, ([2 * _BIG + 5, 100_000], _BIG)),
    "fails": (_fails, "cannot use 2"),
    "streams": (_streams, [1, 2, 3, 4, 5, 6]),
    "persists": (_persists, _BIG),
    "dies": (_dies, 2),
}


def _is_clear(error: BaseException) -> bool:
    """Whether an error says what happened: one of the library's, or the system's with a note."""
    if isinstance(error, LazygraphError) or "can't start new thread" in str(error):
        return True
    return isinstance(error, (OSError, MemoryError)) and bool(getattr(error, "__notes__", ()))


def _judge(program: str, scheduler: Any, folder: Path) -> None:
    run, expected = PROGRAMS[program]
    try:
        found = run(scheduler, folder)
    except Exception as error:
        assert _is_clear(error), (type(error), error)  # noqa: PT017  # of several kinds
    else:
        assert found == expected


def _inventory() -> Counter[str]:
    gc.collect()
    # A cluster that tests share reads how this process fares, at any time.
    kept = (name for name in open_files() if not name.startswith("/proc/"))
    found = Counter(name.split(":[", maxsplit=1)[0] for name in kept)
    found["threads"] = sum("pools" not in t.name for t in threading.enumerate())
    found["children"] = len(children())
    found["shared memory"] = len(shared_memory())
    return found


@contextmanager
def _nothing_lost() -> Iterator[None]:
    before = _inventory()
    yield
    assert wait_until(lambda: not _inventory() - before, 3.0), _inventory() - before


def _each(kind: str) -> Iterator[tuple[int, int]]:
    """Which call fails, and how: one error after the other."""
    errors = CALLS[kind].errors
    return ((n, errors[n % len(errors)]) for n in range(1, _MOST_CALLS))


def _fail_each_of_warm(kind: str, program: str, folder: Path) -> int:
    """Let each call fail of processes that have run the program before; how many there are."""
    run, expected = PROGRAMS[program]
    with _nothing_lost(), Processes(1) as scheduler:
        assert run(scheduler, folder) == expected
        for n, number in _each(kind):
            with failing(kind, n, number) as told:
                _judge(program, scheduler, folder)
            assert run(scheduler, folder) == expected
            if not told.has_failed:
                return n - 1
    raise AssertionError("calls without end")


def _fail_each_of_start(kind: str, program: str, folder: Path) -> int:
    """Let each call fail of new processes, from their start to their end; how many there are."""
    with _nothing_lost():
        for n, number in _each(kind):
            with failing(kind, n, number) as told:
                try:
                    scheduler = Processes(1).__enter__()
                except LazygraphError:
                    pass
                else:
                    _judge(program, scheduler, folder)
                    scheduler.__exit__(None, None, None)
            if not told.has_failed:
                break
        with Processes(1) as scheduler:
            assert delayed(inc)(1).compute(scheduler=scheduler) == 2
    return n - 1


@pytest.mark.parametrize(
    ("kind", "program"),
    [
        ("pwrite", "is big"),
        ("open", "is big"),
        ("mapping", "is big"),
        ("send", "fails"),
        ("recv", "fails"),
        ("thread", "streams"),
    ],
)
def test_calls_of_waiting_workers_fail_one_by_one(kind: str, program: str, tmp_path: Path) -> None:
    assert _fail_each_of_warm(kind, program, tmp_path) > 0


@pytest.mark.parametrize("kind", ["memfd_create", "pipe", "register", "Popen", "pidfd_open"])
def test_calls_of_starting_workers_fail_one_by_one(kind: str, tmp_path: Path) -> None:
    assert _fail_each_of_start(kind, "fails", tmp_path) > 0


@pytest.mark.parametrize("kind", ["pipe", "socketpair", "setsockopt", "register", "pidfd_open"])
def test_an_interrupted_start_loses_nothing(kind: str) -> None:
    with _nothing_lost():
        for n in range(1, _MOST_CALLS):
            with failing(kind, n, KeyboardInterrupt) as told:
                try:
                    with Processes(1) as scheduler:
                        delayed(inc)(1).compute(scheduler=scheduler)
                except KeyboardInterrupt:
                    pass
            if not told.has_failed:
                break
        assert n > 1


@pytest.mark.parametrize(
    ("kind", "number"),
    [("pwrite", errno.ENOSPC), ("mapping", errno.ENOMEM), ("open", errno.EMFILE)],
)
def test_calls_of_a_worker_fail(kind: str, number: int, tmp_path: Path) -> None:
    run, expected = PROGRAMS["is big"]
    with _nothing_lost():
        for n in (1, 2):
            with Processes(1, initializer=partial(fail_from_now_on, kind, n, number)) as scheduler:
                _judge("is big", scheduler, tmp_path)
                assert run(scheduler, tmp_path) == expected


@pytest.mark.exhaustive
@pytest.mark.slow
@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("kind", CALLS)
def test_all_calls_of_waiting_workers_fail_one_by_one(
    kind: str, program: str, tmp_path: Path
) -> None:
    _fail_each_of_warm(kind, program, tmp_path)


@pytest.mark.exhaustive
@pytest.mark.slow
@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("kind", CALLS)
def test_all_calls_of_starting_workers_fail_one_by_one(
    kind: str, program: str, tmp_path: Path
) -> None:
    _fail_each_of_start(kind, program, tmp_path)

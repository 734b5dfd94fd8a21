"""Finalisers and signal handlers that print, log or raise while their worker does the same."""

# ruff: noqa: T201  # what is printed is the subject

from __future__ import annotations

import gc
import logging
import signal
import sys
import threading
from collections import Counter
from types import FrameType

import pytest

from lazygraph import compute, delayed
from lazygraph.schedulers import Processes


class Noisy:
    """Prints when it is collected, in the middle of whatever its thread does."""

    def __init__(self, n: int) -> None:
        self.me, self.n = self, n

    def __del__(self) -> None:
        print("gone", self.n)


class Failing(Noisy):
    """Raises when it is collected, of which Python writes to stderr."""

    def __del__(self) -> None:
        raise ValueError(self.n)


class Logging(Noisy):
    """Logs when it is collected."""

    def __del__(self) -> None:
        logging.getLogger("noisy").warning("gone %d", self.n)


def collect_while_printing(kind: type[Noisy], count: int) -> None:
    gc.set_threshold(20)
    try:
        for i in range(count):
            kind(i)
            print("line", i)
        gc.collect()
    finally:
        gc.set_threshold(700, 10, 10)


def test_a_finaliser_may_print_while_its_task_prints(
    processes: Processes, capsys: pytest.CaptureFixture[str]
) -> None:
    delayed(collect_while_printing)(Noisy, 5_000).compute(scheduler=processes)
    found = Counter(capsys.readouterr().out.split())
    assert found["line"] == found["gone"] == 5_000
    assert all(found[str(i)] == 2 for i in range(5_000))


def test_a_finaliser_may_raise_or_log_while_its_task_prints(
    processes: Processes, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    tasks = [delayed(collect_while_printing)(kind, 2000) for kind in (Failing, Logging)]
    compute(*tasks, scheduler=processes)
    out, err = capsys.readouterr()
    assert out.count("line") == 4000
    assert err.count("\nValueError: ") == 2000
    assert len(caplog.records) == 2000


class Rang(Exception):  # noqa: N818
    """A signal handler's."""


def print_under_alarms(lines: int, *, is_raising: bool) -> tuple[list[int], int]:
    """Return which lines were printed without an exception, and how often the handler ran.

    It raises only from below a `print` of this function's: elsewhere nobody catches it.
    """
    rings, depth, printed = 0, 0, []
    here = sys._getframe().f_code

    def ring(_: int, frame: FrameType | None) -> None:
        nonlocal rings, depth
        rings, depth = rings + 1, depth + 1
        print(f"ring-{rings}\n", end="")
        depth -= 1
        if is_raising and depth == 0 and frame is not None and frame.f_code is not here:
            raise Rang

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
    i = 0
    while i < lines or rings < 20:
        i += 1
        try:  # no `suppress`, which has frames of its own
            print(f"line-{i}-{'x' * 3000}\n", end="")
            printed.append(i)
        except Rang:
            pass
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)
    return printed, rings


@pytest.mark.parametrize("is_raising", [False, True])
def test_a_signal_handler_may_print_and_raise_while_its_task_prints(
    processes: Processes, capsys: pytest.CaptureFixture[str], is_raising: bool
) -> None:
    task = delayed(print_under_alarms)(2000, is_raising=is_raising)
    printed, rings = task.compute(scheduler=processes)
    found = Counter(capsys.readouterr().out.split())
    assert rings >= 20
    assert all(found[f"line-{i}-{'x' * 3000}"] == 1 for i in printed)
    whole = {f"line-{i}-{'x' * 3000}" for i in range(1, len(printed) + rings + 1)}
    assert set(found) <= whole | {f"ring-{n}" for n in range(1, rings + 1)}
    assert set(found.values()) == {1}


def test_threads_of_a_task_print_whole_pieces(
    processes: Processes, capsys: pytest.CaptureFixture[str]
) -> None:
    def talk() -> None:
        threads = [
            threading.Thread(target=lambda n=n: [print(f"{n}-{i}\n", end="") for i in range(2000)])
            for n in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    delayed(talk)().compute(scheduler=processes)
    found = capsys.readouterr().out.split()
    assert Counter(found) == Counter(f"{n}-{i}" for n in range(4) for i in range(2000))

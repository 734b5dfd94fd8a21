"""How starts that fail, closing, and the end of a block leave things."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from children import is_alive, meet, open_files
from tasks import inc, wait_until

from lazygraph import compute, delayed
from lazygraph.errors import OptionError
from lazygraph.schedulers import Processes
from lazygraph.schedulers.processes.arena import Arena
from lazygraph.schedulers.processes.pool import Pool, Recipe
from lazygraph.schedulers.processes.process import Process

_MB = 1 << 20
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def test_an_initializer_that_cannot_be_sent_leaves_no_descriptors() -> None:
    lock = threading.Lock()
    before = sorted(open_files())
    for _ in range(3):
        with pytest.raises(OptionError, match="initializer"):
            delayed(inc)(1).compute(scheduler=Processes(1, initializer=lock.locked))
    assert wait_until(lambda: len(open_files()) <= len(before))  # others' may go meanwhile


@pytest.mark.parametrize("sharers", [1, 64])
def test_free_memory_is_kept_by_the_pool_and_not_by_each_process(sharers: int) -> None:
    arena = Arena.create(sharers)
    try:
        data = bytes(16 * _MB)
        arena.free([arena.write(data) for _ in range(4)])
        arena.trim()
        assert arena.nbytes_used == (64 * _MB if sharers == 1 else 0)
    finally:
        arena.close()


def test_closing_gives_all_workers_one_second_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three that do not answer."""
    given: list[float] = []
    leave = Process.leave

    def noted_leave(process: Process, seconds: float) -> None:
        given.append(seconds)
        leave(process, seconds)

    with Processes(3) as scheduler:
        pids = compute(*[delayed(meet)(tmp_path, f"{i}", 3) for i in range(3)], scheduler=scheduler)
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        monkeypatch.setattr(Process, "leave", noted_leave)
    assert len(given) >= 3
    assert sum(given[:3]) <= 1.5
    assert not any(map(is_alive, pids))


class _Held:
    """An initializer whose second journey to workers takes until it is let go."""

    def __init__(self) -> None:
        self.journeys = 0
        self.is_on_its_way, self.may_go = threading.Event(), threading.Event()

    def __reduce__(self) -> Any:
        self.journeys += 1
        if self.journeys == 2:
            self.is_on_its_way.set()
            self.may_go.wait()
        return partial, (int,)

    def __call__(self) -> None:
        raise AssertionError("what is called is a copy")


def test_leaving_the_block_closes_workers_that_a_run_has_just_replaced() -> None:
    held = _Held()
    scheduler = Processes(1, initializer=held)
    scheduler.__enter__()
    old = scheduler._own
    assert old is not None
    old.close()
    found: list[Any] = []
    run = threading.Thread(
        target=lambda: found.append(delayed(os.getpid)().compute(scheduler=scheduler))
    )
    run.start()
    assert held.is_on_its_way.wait(60)
    end = threading.Thread(target=scheduler.__exit__, args=(None, None, None))
    end.start()
    assert wait_until(lambda: old.is_wanted_closed)
    held.may_go.set()
    run.join()
    end.join()
    assert found
    assert not is_alive(found[0])


def test_a_number_that_is_another_programs_by_now_is_left_alone() -> None:
    """The worker was waited for by another part of the program, and its number given away."""
    script = "import os\nif os.fork(): os._exit(0)\nos.setsid()\nprint(os.getpid(), flush=True)\nos.read(0, 1)"
    pool = Pool(Recipe(1))
    process = pool.start().process
    stranger = subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert stranger.stdout is not None
        number = int(stranger.stdout.readline())
        stranger.wait()
        os.kill(process.pid, signal.SIGKILL)
        os.waitpid(process.pid, 0)
        process._popen.pid = number
        process.kill()
        assert is_alive(number)
    finally:
        process._popen.returncode = 0
        pool.abandon()
        stranger.communicate("x")

"""Where processes are easily got wrong: shared constants, closed pools, forks inside tasks."""

from __future__ import annotations

import os
import signal
import threading
import time
from typing import Any

import pytest
from children import run_script
from tasks import add, identity

from lazygraph import Failed, compute, delayed
from lazygraph.errors import RunError, UnpicklableError, WorkerDied, WorkerStartError
from lazygraph.schedulers import Processes


def test_each_task_is_told_of_a_constant_that_cannot_travel(processes: Processes) -> None:
    lock = threading.Lock()
    both = [delayed(identity)(lock), delayed(add)(1, lock)]
    results = compute(*both, scheduler=processes, on_error="collect")
    assert [type(result) for result in results] == [Failed, Failed]
    assert [result.error.path.partition(":")[0] for result in results] == ["args[0]", "args[1]"]


def test_one_of_many_small_tasks_that_cannot_travel_is_the_error(processes: Processes) -> None:
    small = [delayed(add)(i, 1) for i in range(300)]
    compute(*small, scheduler=processes)  # so that they travel together
    with pytest.raises(UnpicklableError, match=r"args\[1\]: lock"):
        compute(*small[:150], delayed(add)(1, threading.Lock()), *small[150:], scheduler=processes)


class Undecided:
    """A function that does not say whether it is true."""

    def __bool__(self) -> bool:
        raise ValueError("ambiguous")

    def __call__(self, x: int) -> int:
        return x + 1


def test_a_function_need_not_have_a_truth_value(processes: Processes) -> None:
    assert delayed(Undecided())(1).compute(scheduler=processes) == 2


def held(seconds: float) -> Any:
    time.sleep(seconds)  # longer than results may wait to be sent
    return threading.Lock()


def is_free(lock: Any) -> bool:
    return not lock.locked()


def test_what_stays_in_a_worker_need_not_be_picklable(processes: Processes) -> None:
    assert delayed(is_free)(delayed(held)(0.3)).compute(scheduler=processes)


def fork_and_die() -> None:
    if os.fork() == 0:
        time.sleep(60)
        os._exit(0)
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_worker_is_missed_though_a_child_of_its_task_lives() -> None:
    with Processes(1) as processes, pytest.raises(WorkerDied):
        delayed(fork_and_die, retries=0)().compute(scheduler=processes)


def test_leaving_a_block_writes_to_nobodys_file(tmp_path: Any) -> None:
    """The initializer fails, so the pool is closed before the block is left."""
    files = []
    with Processes(1, initializer=fail_to_start) as processes:
        with pytest.raises(WorkerStartError, match="not today"):
            delayed(identity)(1).compute(scheduler=processes)
        files = [(tmp_path / str(i)).open("wb") for i in range(30)]  # take the numbers set free
    for file in files:
        file.close()
    assert [(tmp_path / str(i)).read_bytes() for i in range(30)] == [b""] * 30


def fail_to_start() -> None:
    raise RunError("not today")


def test_what_the_parent_cannot_print_is_escaped(tmp_path: Any) -> None:
    out = run_script(
        tmp_path,
        """
        import sys
        from lazygraph import delayed
        sys.stdout.reconfigure(encoding="ascii")
        delayed(print)("caf\\u00e9").compute(scheduler="processes")
        """,
    )
    assert out == "caf\\xe9\n"

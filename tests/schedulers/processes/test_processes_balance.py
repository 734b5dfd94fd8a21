"""Which worker runs what: nobody idles while others have more than they can do."""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from children import await_file, is_alive, meet, note, notes, own_pid
from tasks import identity, inc, wait_until

from lazygraph import Failed, compute, delayed
from lazygraph.errors import TaskTimeout
from lazygraph.observers import Recorder
from lazygraph.schedulers import Processes

_MB = 1 << 20


@pytest.mark.parametrize("num_workers", [2, 5])
def test_as_many_tasks_run_at_once_as_there_are_workers(tmp_path: Path, num_workers: int) -> None:
    """Each waits for all the others, of which it could be the last."""
    values = [delayed(meet)(tmp_path, f"t{i}", num_workers) for i in range(num_workers)]
    with Processes(num_workers) as processes:
        assert len(set(compute(*values, scheduler=processes))) == num_workers


def test_more_workers_than_cores_run_at_once_in_later_computes_too(
    own_processes: Processes, tmp_path: Path
) -> None:
    for run in range(3):
        folder = tmp_path / f"run{run}"
        folder.mkdir()
        values = [delayed(meet)(folder, f"t{i}", 2) for i in range(2)]
        assert len(set(compute(*values, scheduler=own_processes))) == 2


def test_tasks_of_a_known_function_that_turn_out_long_run_at_once(
    own_processes: Processes, tmp_path: Path
) -> None:
    """It was quick a hundred times: two that meet must not lie in one worker's queue."""

    def quick_or_meet(i: int) -> int:
        return i if i < 100 else meet(tmp_path, f"t{i}", 2)

    values = [delayed(quick_or_meet)(i) for i in range(102)]
    results = compute(*values, scheduler=own_processes)

    assert results[:100] == tuple(range(100))
    assert results[100] != results[101]


@pytest.mark.parametrize("is_chatty", [False, True])
def test_short_tasks_behind_an_unexpectedly_long_one_are_taken_back(
    own_processes: Processes, tmp_path: Path, is_chatty: bool
) -> None:
    """The long one ends when all the others have run: so they must run elsewhere."""
    n = 400

    def short_or_long(i: int) -> int:
        if i != 150:
            note(tmp_path / "short")
            return i

        def is_over() -> bool:
            if is_chatty:
                sys.stdout.write("still at it\n")
            return len(notes(tmp_path / "short")) == n - 1

        if not wait_until(is_over):
            raise TimeoutError("some short tasks wait for the long one")
        return i

    values = [delayed(short_or_long)(i) for i in range(n)]
    assert compute(*values, scheduler=own_processes) == tuple(range(n))
    assert len(notes(tmp_path / "short")) == n - 1  # taken back, not run twice


def test_the_results_before_a_long_task_do_not_wait_for_it(
    own_processes: Processes, tmp_path: Path
) -> None:
    """The short ones and the long one are of one function, and travel together."""

    def short_or_long(i: int) -> int:
        return i if i != 150 else await_file(tmp_path / "go")

    values = [delayed(short_or_long)(i) for i in range(151)]
    # Runs when all the short ones are known to have ended, and lets the long one end.
    last = delayed(lambda numbers: (tmp_path / "go").touch() or sum(numbers))(values[:150])

    results = compute(last, *values, scheduler=own_processes)

    assert results[0] == sum(range(150))


def test_a_long_task_that_is_ready_early_does_not_hold_up_the_others(
    own_processes: Processes, tmp_path: Path
) -> None:
    """first -> 200 short; beside them one that ends when all short ones have."""

    def ends_last() -> int:
        wait_until(lambda: len(notes(tmp_path / "short")) == 200)
        return len(notes(tmp_path / "short"))

    first = delayed(inc)(0)
    short = [delayed(lambda _: note(tmp_path / "short"))(first) for _ in range(200)]
    assert compute(delayed(ends_last)(), *short, scheduler=own_processes)[0] == 200


# ----------------------------------------------------------------------------- time limits
def go_on(folder: Path, is_chatty: bool) -> None:
    """For much longer than any limit here."""

    def say() -> bool:
        if is_chatty:
            sys.stdout.write("still at it\n")
        return False

    note(folder / "pids", str(os.getpid()))
    wait_until(say, 5)


@pytest.mark.parametrize("is_chatty", [False, True])
def test_a_time_limit_ends_its_task_and_no_other(tmp_path: Path, is_chatty: bool) -> None:
    """Also one that says something all the time."""
    slow = delayed(go_on, timeout=0.5)(tmp_path, is_chatty)
    beside = delayed(until_gone)(tmp_path / "pids")
    short = [delayed(inc)(i) for i in range(100)]

    # The time to import a task's module would be the task's.
    with Processes(2, preload=[__name__]) as processes:
        failed, pid, *results = compute(
            slow, beside, *short, scheduler=processes, on_error="collect"
        )
        assert pid in processes.pids  # it ran all the while, and was left alone

    assert isinstance(failed, Failed)
    assert type(failed.error) is TaskTimeout
    assert "its worker process was ended" in str(failed.error)
    (victim,) = map(int, notes(tmp_path / "pids"))
    assert not is_alive(victim)
    assert results == list(range(1, 101))


def until_gone(path: Path) -> int:
    """This process's id, once the process named in a file has ended."""
    wait_until(lambda: bool(notes(path)))
    if not wait_until(lambda: not is_alive(int(notes(path)[0]))):
        raise TimeoutError("it still runs")
    return os.getpid()


def test_a_limit_counts_from_a_tasks_own_begin(own_processes: Processes, tmp_path: Path) -> None:
    """Forty limited tasks on two workers: each waits longer for its turn than it may take."""

    def busy() -> int:
        end = wait_until(lambda: False, 0.02)
        return int(end)

    values = [delayed(busy, timeout=0.3)() for _ in range(40)]
    assert compute(*values, scheduler=own_processes) == (0,) * 40


@pytest.mark.skipif(sys.platform == "win32", reason="no processes there")
def test_what_a_task_has_started_ends_with_it(own_processes: Processes, tmp_path: Path) -> None:
    def start_and_wait() -> None:
        import subprocess

        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
        note(tmp_path / "child", str(child.pid))
        child.wait()

    failed, pid = compute(
        delayed(start_and_wait, timeout=0.5)(),
        delayed(until_gone)(tmp_path / "child"),
        scheduler=own_processes,
        on_error="collect",
    )
    assert type(failed.error) is TaskTimeout
    assert type(pid) is int  # it has seen the child go


# -------------------------------------------------------------------------------- journeys
def make(folder: Path, i: int) -> Any:
    """A big array, and a note on who has made it, while another worker makes another."""
    np = pytest.importorskip("numpy")
    meet(folder, f"m{i}", 2)
    return np.full(8 * _MB, i, np.uint8), os.getpid()


def test_a_task_is_given_to_the_idle_worker_that_holds_its_input(
    own_processes: Processes, tmp_path: Path
) -> None:
    """Both workers idle, one holds the array: in ten runs of ten that one is chosen."""
    pytest.importorskip("numpy")
    for run in range(10):
        folder = tmp_path / str(run)
        folder.mkdir()
        made = [delayed(make)(folder, i) for i in range(2)]
        # Needs both makers done, so that both workers are idle; and one's array alone.
        gate = delayed(lambda *pids: pids)(*[delayed(pid_in)(one) for one in made])
        reads = delayed(lambda one, _: (one[1], os.getpid()))(made[run % 2], gate)
        maker, reader = reads.compute(scheduler=own_processes)
        assert maker == reader


def pid_in(made: Any) -> int:
    return made[1]


def test_observers_hear_which_worker_ran_what(own_processes: Processes, tmp_path: Path) -> None:
    recorder = Recorder()
    values = [delayed(meet)(tmp_path, f"t{i}", 2) for i in range(2)]
    compute(*values, scheduler=own_processes, observers=[recorder])
    ended = [event for event in recorder.events if type(event).__name__ == "TaskEnded"]
    assert len({event.worker for event in ended}) == 2
    assert all(event.worker.startswith("process-") for event in ended)


def test_the_same_processes_run_deep_wide_and_empty_graphs(own_processes: Processes) -> None:
    deep = delayed(identity)(0)
    for _ in range(3_000):
        deep = delayed(inc)(deep)
    wide = [delayed(inc)(i) for i in range(3_000)]
    assert compute(scheduler=own_processes) == ()
    assert deep.compute(scheduler=own_processes) == 3_000
    assert compute(wide, scheduler=own_processes) == (list(range(1, 3_001)),)
    assert delayed(own_pid)().compute(scheduler=own_processes) in own_processes.pids


def test_importing_the_tasks_module_does_not_count_for_its_time_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The import takes longer than the limit, in each fresh worker."""
    source = f"import os, time\nif os.getpid() != {os.getpid()}:\n    time.sleep(0.4)\ndef one(): return 1\n"
    (tmp_path / "slow_to_import.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    one = importlib.import_module("slow_to_import").one
    with Processes(1) as processes:
        assert delayed(one, timeout=0.2)().compute(scheduler=processes) == 1

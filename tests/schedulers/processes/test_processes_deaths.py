"""Workers that die at every moment: what was lost runs again, and nothing else does."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from children import await_file, die, die_once, is_alive, noted, notes, own_pid
from hypothesis import given, settings
from strategies import evaluate, programs
from tasks import add, inc, total, wait_until

from lazygraph import Failed, Ref, Skipped, compute, delayed
from lazygraph.errors import WorkerDied, WorkerStartError
from lazygraph.observers import Recorder, TaskRetried
from lazygraph.schedulers import Processes
from lazygraph.schedulers.processes.pool import Pool, Recipe


def die_noted(path: Path, number: int = signal.SIGKILL) -> None:
    noted(path, None)
    die(number)


def leave(code: int) -> None:
    os._exit(code)


def test_a_run_goes_on_when_a_worker_dies_and_only_its_task_runs_again(
    processes: Processes, tmp_path: Path
) -> None:
    """Twenty noted tasks -> fatal, which ends its first worker -> total."""
    files = [tmp_path / f"n{i}" for i in range(20)]
    values = [delayed(noted)(path, i) for i, path in enumerate(files)]
    fatal = delayed(die_once)(tmp_path / "flag", 1000, values)

    results = compute(delayed(total)([fatal, values]), *values, scheduler=processes)

    assert results == (1000 + sum(range(20)), *range(20))
    assert [notes(path) for path in files] == [["x"]] * 20


def test_a_worker_killed_from_outside_is_replaced_in_the_middle_of_a_run(
    own_processes: Processes, tmp_path: Path
) -> None:
    files = [tmp_path / f"n{i}" for i in range(4)]
    values = [delayed(noted)(path, i) for i, path in enumerate(files)]
    held = [delayed(held_up)(tmp_path, f"h{i}", values) for i in range(2)]
    victims: list[int] = []

    def kill_all() -> None:
        wait_until(lambda: all(notes(tmp_path / f"h{i}") for i in range(2)))
        victims.extend(own_processes.pids)
        for pid in victims:
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not any(map(is_alive, victims)))
        (tmp_path / "go").touch()

    killer = threading.Thread(target=kill_all)
    killer.start()
    results = compute(*held, *values, scheduler=own_processes)
    killer.join()

    assert results == (6, 6, 0, 1, 2, 3)
    assert [notes(path) for path in files] == [["x"]] * 4
    assert [len(notes(tmp_path / f"h{i}")) for i in range(2)] == [2, 2]
    assert len(victims) == 2
    assert not set(victims) & set(own_processes.pids)


def held_up(folder: Path, name: str, values: list[int]) -> int:
    noted(folder / name, None)
    await_file(folder / "go")
    return sum(values)


@pytest.mark.parametrize(
    ("number", "cause"),
    [
        (signal.SIGKILL, "killed by SIGKILL, likely out of memory"),
        (signal.SIGTERM, "killed by SIGTERM"),
        (signal.SIGABRT, "killed by SIGABRT"),
    ],
)
def test_a_task_that_always_ends_its_worker_fails_at_the_third_death(
    processes: Processes, tmp_path: Path, number: signal.Signals, cause: str
) -> None:
    value = delayed(die_noted)(tmp_path / "starts", number, dask_key_name="fatal")

    with pytest.raises(WorkerDied) as caught:
        delayed(inc)(value).compute(scheduler=processes)

    error = caught.value
    assert (error.key, error.name, error.exit_code) == ("fatal", "die_noted", -number)
    assert str(error) == f"task 'fatal' (die_noted) ended its worker process, 3 times: {cause}"
    assert error.cause == cause
    assert len(notes(tmp_path / "starts")) == error.times == 3
    assert "while running task 'fatal': die_noted(" in error.__notes__[0]
    assert error.__notes__[0].count("  attempt ") == 3


def test_the_exit_code_of_a_worker_is_told(processes: Processes) -> None:
    value = delayed(leave, retries=0)(3)
    with pytest.raises(WorkerDied, match=r"ended its worker process: exit code 3\n") as caught:
        value.compute(scheduler=processes)
    assert (caught.value.exit_code, caught.value.times) == (3, 1)


@pytest.mark.parametrize(
    ("options", "starts"),
    [
        ({}, 3),
        ({"retries": 0}, 1),
        ({"retries": 1}, 2),
        ({"rerun": False}, 1),
        ({"rerun": False, "retries": 5}, 1),
    ],
)
def test_how_often_a_task_runs_again_after_a_death(
    processes: Processes, tmp_path: Path, options: dict[str, Any], starts: int
) -> None:
    value = delayed(die_noted, **options)(tmp_path / "starts")
    with pytest.raises(WorkerDied) as caught:
        value.compute(scheduler=processes)
    assert len(notes(tmp_path / "starts")) == caught.value.times == starts


def test_other_results_are_kept_when_a_death_is_collected(processes: Processes) -> None:
    bad = delayed(die, retries=0)(dask_key_name="bad")
    first, failed, skipped = compute(
        delayed(inc)(1), bad, delayed(inc)(bad), scheduler=processes, on_error="collect"
    )
    assert first == 2
    assert isinstance(failed, Failed)
    assert isinstance(failed.error, WorkerDied)
    assert isinstance(skipped, Skipped)
    assert skipped.because == "bad"


def test_small_tasks_that_wait_behind_a_fatal_one_run_elsewhere(
    processes: Processes, tmp_path: Path
) -> None:
    values = [delayed(die_once)(tmp_path, i) for i in range(150)]  # the folder is there: they live
    values.append(delayed(die_once)(tmp_path / "flag", 150))
    values += [delayed(die_once)(tmp_path, i) for i in range(151, 300)]
    assert compute(*values, scheduler=processes) == tuple(range(300))
    assert (tmp_path / "flag").exists()


def test_a_worker_that_dies_in_the_middle_of_a_chain(processes: Processes, tmp_path: Path) -> None:
    """noted -> ... -> fatal (once) -> ... -> noted: all steps of one unit."""
    value = delayed(int)(0)
    for i in range(5):
        value = delayed(noted)(tmp_path / f"before{i}", value)
    value = delayed(die_once)(tmp_path / "flag", delayed(inc)(value))
    for i in range(5):
        value = delayed(noted)(tmp_path / f"after{i}", value)

    assert value.compute(scheduler=processes) == 1

    assert [len(notes(tmp_path / f"after{i}")) for i in range(5)] == [1] * 5
    assert all(1 <= len(notes(tmp_path / f"before{i}")) <= 2 for i in range(5))


def test_a_step_of_a_chain_that_always_ends_its_worker_is_the_one_named(
    processes: Processes, tmp_path: Path
) -> None:
    value = delayed(inc)(delayed(inc)(1))
    value = delayed(die_noted)(delayed(lambda _: tmp_path / "starts")(value), dask_key_name="fatal")
    with pytest.raises(WorkerDied, match="task 'fatal'"):
        delayed(inc)(value).compute(scheduler=processes)
    assert len(notes(tmp_path / "starts")) == 3


def test_observers_hear_of_each_death(processes: Processes, tmp_path: Path) -> None:
    recorder = Recorder()
    value = delayed(die_once)(tmp_path / "flag", 5, dask_key_name="fatal")

    assert value.compute(scheduler=processes, observers=[recorder]) == 5

    (retried,) = [event for event in recorder.events if isinstance(event, TaskRetried)]
    assert retried.key == "fatal"
    assert isinstance(retried.error, WorkerDied)
    assert (recorder.started, recorder.ended) == (["fatal"] * 2, ["fatal"])


def test_a_death_while_the_users_module_is_imported(
    processes: Processes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = ["import os", f"if os.getpid() != {os.getpid()}:", "    os._exit(3)", "f = abs"]
    (tmp_path / "fatal_import.py").write_text("\n".join([*lines, "def g(x): return x"]))
    monkeypatch.syspath_prepend(tmp_path)
    import fatal_import  # type: ignore[import-not-found]

    with pytest.raises(WorkerDied, match=r"task 'g-.*\(g\).*3 times: exit code 3"):
        delayed(fatal_import.g)(1).compute(scheduler=processes)
    del sys.modules["fatal_import"]


def test_a_worker_that_dies_between_runs_is_replaced(own_processes: Processes) -> None:
    values = [delayed(inc)(i) for i in range(10)]
    for _ in range(2):
        assert compute(*values, scheduler=own_processes) == tuple(range(1, 11))
        victims = own_processes.pids
        for pid in victims:
            os.kill(pid, signal.SIGKILL)
        assert wait_until(lambda pids=victims: not any(map(is_alive, pids)))
    assert compute(*values, scheduler=own_processes) == tuple(range(1, 11))


def test_a_stopped_worker_that_is_killed_later_loses_nothing(
    own_processes: Processes, tmp_path: Path
) -> None:
    """It has been sent work that it never reads."""
    compute(*[delayed(inc)(i) for i in range(10)], scheduler=own_processes)
    victim = own_processes.pids[0]
    os.kill(victim, signal.SIGSTOP)
    last = delayed(await_file)(tmp_path / "go")

    def kill() -> None:
        wait_until(lambda: len(notes(tmp_path / "calls")) >= 1)
        os.kill(victim, signal.SIGKILL)
        (tmp_path / "go").touch()

    killer = threading.Thread(target=kill)
    killer.start()
    values = [delayed(noted)(tmp_path / "calls", i) for i in range(100)]
    results = compute(*values, last, scheduler=own_processes)
    killer.join()

    assert results[:-1] == tuple(range(100))
    assert len(notes(tmp_path / "calls")) == 100


def test_a_worker_whose_parent_goes_while_it_starts_says_nothing(
    capfd: pytest.CaptureFixture[str],
) -> None:
    pool = Pool(Recipe(1))
    process = pool.start().process

    process._close()  # as the system does when this process ends
    code = process._popen.wait(60)
    pool.close()

    assert code != 0
    assert capfd.readouterr() == ("", "")


def limit_memory() -> None:
    import resource  # not on Windows

    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + (1 << 30), resource.RLIM_INFINITY))


def allocate(nbytes: int) -> int:
    return len(bytearray(nbytes))


@pytest.mark.skipif(sys.platform != "linux", reason="macOS knows no limit of address space")
def test_a_task_that_finds_no_memory_fails_and_its_worker_lives() -> None:
    with Processes(1, initializer=limit_memory) as processes:
        before = delayed(own_pid)().compute(scheduler=processes)
        with pytest.raises(MemoryError) as caught:
            delayed(allocate)(4 << 30).compute(scheduler=processes)
        assert "while running task 'allocate-" in caught.value.__notes__[0]
        assert delayed(allocate)(1 << 20).compute(scheduler=processes) == 1 << 20
        assert delayed(own_pid)().compute(scheduler=processes) == before


# ------------------------------------------------------------- random graphs, random deaths
def called(folder: Path, name: str, func: Any, *args: Any, **kwargs: Any) -> Any:
    noted(folder / name, None)
    return func(*args, **kwargs)


def as_noted(program: dict[str, tuple[Any, ...]], folder: Path) -> dict[str, Any]:
    made: dict[str, Any] = {}

    def filled(item: Any) -> Any:
        if type(item) is Ref:
            return made[item.key]
        if isinstance(item, dict):
            return {key: filled(value) for key, value in item.items()}
        return type(item)(map(filled, item)) if isinstance(item, (list, tuple)) else item

    for name, (func, args, kwargs) in program.items():
        made[name] = delayed(called)(folder, name, func, *filled(args), **filled(kwargs))
    return made


@pytest.mark.slow
def test_random_graphs_survive_random_deaths(
    tmp_path_factory: pytest.TempPathFactory, mortal_processes: Any
) -> None:
    """Each run may lose two workers, at any moment."""

    @settings(max_examples=60, deadline=None)
    @given(program=programs())
    def check(program: Any) -> None:
        folder = tmp_path_factory.mktemp("calls")
        values = evaluate(program)
        lazy = as_noted(program, folder)

        ours = compute(*lazy.values(), scheduler=mortal_processes)

        assert ours == tuple(values.values())
        counts = [len(notes(folder / name)) for name in program]
        assert min(counts) >= 1
        assert max(counts) <= 3

    check()
    assert mortal_processes.n_killed > 20


def test_a_long_run_survives_random_deaths(mortal_processes: Any) -> None:
    layer = [delayed(inc)(i) for i in range(64)]
    while len(layer) > 1:
        layer = [delayed(add)(*layer[i : i + 2]) for i in range(0, len(layer), 2)]
    for _ in range(5):
        assert layer[0].compute(scheduler=mortal_processes) == sum(range(1, 65))


def die_once_at(folder: Path) -> float:
    """End the worker at the first call; give the moments between the two."""
    now = time.monotonic()
    first = folder / "first"
    if first.exists():
        return now - float(first.read_text())
    first.write_text(str(now))
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("unreachable")


def test_backoff_holds_after_a_death(processes: Processes, tmp_path: Path) -> None:
    task = delayed(die_once_at, retries=1, backoff=0.5)(tmp_path)
    assert task.compute(scheduler=processes) >= 0.5


def test_workers_that_were_killed_between_two_computes_are_replaced() -> None:
    """However many they were."""
    with Processes(6) as processes:
        compute(*[delayed(time.sleep)(0.2) for _ in range(6)], scheduler=processes)
        for pid in processes.pids:
            os.kill(pid, signal.SIGKILL)
        assert compute(*[delayed(abs)(i) for i in range(50)], scheduler=processes) == tuple(
            range(50)
        )


def test_what_was_running_is_told_though_the_pool_is_closed(tmp_path: Path) -> None:
    """The second worker cannot start while the first is busy: that is the error, nothing else."""

    def init() -> None:
        try:
            os.close(os.open(tmp_path / "first", os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            while not (tmp_path / "busy").exists():
                time.sleep(0.01)
            raise RuntimeError("no second GPU") from None

    def busy(n: int) -> None:
        (tmp_path / "busy").touch()
        time.sleep(3)

    with pytest.raises(WorkerStartError, match="no second GPU"):
        compute(*[delayed(busy)(n) for n in range(2)], scheduler=Processes(2, initializer=init))

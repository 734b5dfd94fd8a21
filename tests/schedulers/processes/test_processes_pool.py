"""Worker processes between computes: kept, ended, replaced, and started as the user asks."""

from __future__ import annotations

import os
import sys
import threading
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from children import Script, await_file, children, is_alive, meet, note, notes, own_pid, run_script
from tasks import inc, wait_until

from lazygraph import as_completed, compute, config, delayed
from lazygraph.errors import OptionError, RunError, RunStopped, WorkerStartError
from lazygraph.schedulers import Processes, choose
from lazygraph.schedulers.processes import warm as module
from lazygraph.schedulers.processes.warm import warm_pools
from lazygraph.schedulers.workers import usable_cores

linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def pids_of(scheduler: Any, folder: Path, count: int = 2) -> set[int]:
    """The ids of so many workers, each of which runs a task while the others do."""
    folder.mkdir()
    values = [delayed(meet)(folder, f"t{i}", count) for i in range(count)]
    return set(compute(*values, scheduler=scheduler))


# ------------------------------------------------------------------------------- lifetime
def test_workers_are_kept_from_one_compute_to_the_next(tmp_path: Path) -> None:
    first = pids_of(Processes(2), tmp_path / "first")
    with config.set(scheduler="processes", num_workers=2):
        second = pids_of(None, tmp_path / "second")
    assert first == second
    assert len(first) == 2


def test_processes_with_other_demands_are_others(tmp_path: Path) -> None:
    plain = pids_of(Processes(2), tmp_path / "plain")
    with_blas = pids_of(Processes(2, blas_threads=2), tmp_path / "blas")
    assert plain.isdisjoint(with_blas)


def test_threads_that_compute_at_once_have_workers_of_their_own(tmp_path: Path) -> None:
    """Four tasks of two computes meet: two workers alone could never run them at once."""
    both: dict[int, Any] = {}
    delayed(inc)(1).compute(scheduler=Processes(2))  # who waits for both can have only one of them

    def work(i: int) -> None:
        values = [delayed(meet)(tmp_path, f"{i}-{j}", 4) for j in range(2)]
        both[i] = compute(*values, scheduler=Processes(2))

    threads = [threading.Thread(target=work, args=(i,)) for i in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({*both[0], *both[1]}) == 4


def test_threads_that_share_owned_processes_take_turns(own_processes: Processes) -> None:
    results: dict[int, Any] = {}

    def work(i: int) -> None:
        values = [delayed(inc)(i * j) for j in range(50)]
        results[i] = compute(*values, scheduler=own_processes)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {i: tuple(i * j + 1 for j in range(50)) for i in range(4)}


def test_owned_workers_end_with_the_block(tmp_path: Path) -> None:
    with Processes(2) as processes:
        pids = pids_of(processes, tmp_path / "pids")
        assert set(processes.pids) == pids
        assert all(map(is_alive, pids))
    assert processes.pids == []
    assert not any(map(is_alive, pids))
    assert not set(children()) & pids  # no zombies either


def test_owned_workers_end_when_the_block_raises(tmp_path: Path) -> None:
    pids: set[int] = set()

    def block() -> None:
        with Processes(2) as processes:
            pids.update(pids_of(processes, tmp_path / "pids"))
            raise KeyError

    with pytest.raises(KeyError):
        block()
    assert len(pids) == 2
    assert not any(map(is_alive, pids))


def test_processes_can_be_used_before_and_after_their_block() -> None:
    processes = Processes(2)
    before = delayed(own_pid)().compute(scheduler=processes)
    with processes:
        inside = delayed(own_pid)().compute(scheduler=processes)
    with processes:
        again = delayed(own_pid)().compute(scheduler=processes)
    after = delayed(own_pid)().compute(scheduler=processes)
    assert len({before, inside, again}) == 3
    assert is_alive(after)


def test_processes_are_entered_once_at_a_time(own_processes: Processes) -> None:
    with pytest.raises(RunError, match="enter them once"), own_processes:
        pass
    assert delayed(inc)(1).compute(scheduler=own_processes) == 2


def test_close_ends_the_workers_that_wait(tmp_path: Path) -> None:
    pids = pids_of(Processes(2), tmp_path / "before")
    module.close()
    module.close()
    assert not any(map(is_alive, pids))
    assert not set(children()) & pids
    assert pids.isdisjoint(pids_of(Processes(2), tmp_path / "after"))


def test_no_more_workers_are_started_than_there_are_tasks(own_processes: Processes) -> None:
    assert own_processes.pids == []
    delayed(inc)(1).compute(scheduler=own_processes)
    assert len(own_processes.pids) == 1


@linux
def test_nothing_is_left_at_the_interpreters_exit(tmp_path: Path) -> None:
    """Warm workers, owned ones never closed, and those of a daemon thread's run."""
    script = Script(
        tmp_path,
        """
        import threading
        from pathlib import Path
        from children import await_file, own_pid
        from tasks import wait_until
        from lazygraph import delayed
        from lazygraph.schedulers import Processes
        delayed(own_pid)().compute(scheduler="processes")
        never_closed = Processes(1).__enter__()
        delayed(own_pid)().compute(scheduler=never_closed)
        def run():
            for_ever = delayed(lambda: (Path("runs").touch(), await_file(Path("never"))))()
            for_ever.compute(scheduler=Processes(1))
        threading.Thread(target=run, daemon=True).start()
        wait_until(Path("runs").exists)
        print("end")
        """,
    )
    out, err, code = script.finish()
    assert (out, err, code) == ("end\n", "", 0)
    assert wait_until(lambda: not script.alive(), 2)


@linux
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_fork_of_the_parent_disturbs_nobody(tmp_path: Path) -> None:
    """A child inherits the files of a warm pool; it leaves them alone, and has its own."""
    out = run_script(
        tmp_path,
        """
        import os
        from children import own_pid
        from lazygraph import compute, delayed
        from lazygraph.schedulers import Processes
        def run():
            return set(compute(*[delayed(own_pid)() for _ in range(20)], scheduler=Processes(1)))
        first = run()
        for leave in (os._exit, exit):
            child = os.fork()
            if not child:
                print(run() != first, flush=True)
                leave(0)
            print(run() == first, os.waitpid(child, 0)[1], run() == first, flush=True)
        """,
    )
    assert sorted(out.split()) == sorted(["True"] * 6 + ["0"] * 2)


@linux
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_child_forked_inside_the_block_has_workers_of_its_own(tmp_path: Path) -> None:
    out = run_script(
        tmp_path,
        """
        import os
        from children import own_pid
        from lazygraph import compute, delayed
        from lazygraph.schedulers import Processes
        def run():
            return set(compute(*[delayed(own_pid)() for _ in range(20)], scheduler=processes))
        with Processes(1) as processes:
            first = run()
            child = os.fork()
            if child:
                print(os.waitpid(child, 0)[1], run() == first)
            else:
                print(run().isdisjoint(first), flush=True)
        """,
    )
    assert out.splitlines() == ["True", "0 True"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "code",
    [
        "for x in lazygraph.as_completed(values, lookahead=1, scheduler=own): one.compute(scheduler=own)",
        "lazygraph.compute(values, observers=[Computes()], scheduler=own)",
    ],
    ids=["between results", "in an observer"],
)
def test_a_compute_within_a_run_may_use_the_same_processes(tmp_path: Path, code: str) -> None:
    script = Script(
        tmp_path,
        f"""
        import lazygraph
        from lazygraph import delayed
        from lazygraph.schedulers import Processes
        values, one = [delayed(abs)(-i) for i in range(9)], delayed(abs)(-1)
        class Computes:
            def notify(self, event):
                one.compute(scheduler=own)
        with Processes(1) as own:
            {code}
        """,
    )
    try:
        assert wait_until(lambda: script.popen.poll() is not None, 3)
    finally:
        script.kill_all()
        script.finish()


# --------------------------------------------------------------------------------- options
@pytest.mark.parametrize("bad", [0, -1, "2", True, 10_000, 1.5])
def test_a_number_of_workers_that_makes_no_sense_is_refused(bad: Any) -> None:
    with pytest.raises(OptionError, match="num_workers is a number from 1 to"):
        Processes(bad)
    with pytest.raises(OptionError, match="num_workers is a number from 1 to"):
        delayed(inc)(1).compute(scheduler="processes", num_workers=bad)


def test_there_are_as_many_workers_as_cores_unless_more_are_asked_for() -> None:
    assert Processes().num_workers == choose("processes").num_workers == usable_cores()
    assert choose("multiprocessing", 3).num_workers == 3


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"initializer": 5}, "initializer is a function"),
        ({"preload": "math"}, "preload is a list"),
        ({"preload": [1]}, "preload is a list"),
        ({"blas_threads": 0}, "blas_threads is a number"),
        ({"blas_threads": True}, "blas_threads is a number"),
    ],
)
def test_an_option_that_makes_no_sense_is_refused(options: Any, said: str) -> None:
    with pytest.raises(OptionError, match=said):
        Processes(2, **options)


def is_imported(name: str) -> bool:
    return name in sys.modules


def test_preloaded_modules_are_there_before_the_first_task(
    own_processes: Processes,
) -> None:
    asked = [delayed(is_imported)(name) for name in ("wave", "colorsys")]
    with Processes(1, preload=["wave", "colorsys"]) as loaded:
        assert compute(*asked, scheduler=loaded) == (True, True)
    assert compute(*asked, scheduler=own_processes) == (False, False)


def test_a_module_that_cannot_be_preloaded_is_named() -> None:
    with (
        Processes(2, preload=["no_such_module"]) as processes,
        pytest.raises(WorkerStartError, match="no_such_module"),
    ):
        delayed(inc)(1).compute(scheduler=processes)


def test_the_initializer_runs_once_in_each_worker_before_its_tasks(tmp_path: Path) -> None:
    with Processes(2, initializer=lambda: note(tmp_path / "starts", str(os.getpid()))) as processes:
        for i in range(3):
            pids = pids_of(processes, tmp_path / f"run{i}")
            assert sorted(notes(tmp_path / "starts")) == sorted(map(str, pids))


@pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")
def test_an_initializer_that_fails_after_the_run_is_told_by_the_next_one(tmp_path: Path) -> None:
    """Of two workers one starts late, when nobody waits for it any more."""

    def start() -> None:
        try:
            (tmp_path / "first").touch(exist_ok=False)
        except FileExistsError:
            await_file(tmp_path / "go")
            raise NoDatabase("late") from None

    processes, values = Processes(2, initializer=start), [delayed(inc)(i) for i in range(20)]
    assert compute(*values, scheduler=processes) == tuple(range(1, 21))
    (pool,) = [pool for _, pool in warm_pools._waiting if pool.recipe.initializer is start]

    (tmp_path / "go").touch()

    assert wait_until(lambda: pool.is_closed)  # looked after once a second
    with pytest.raises(WorkerStartError, match="late"):
        compute(*values, scheduler=processes)


class NoDatabase(Exception):  # noqa: N818
    pass


@pytest.mark.parametrize("is_own", [True, False], ids=["own", "warm"])
def test_an_initializer_that_raises_is_told_and_not_tried_for_ever(
    tmp_path: Path, is_own: bool
) -> None:
    def connect() -> None:
        note(tmp_path / "starts")
        raise NoDatabase("port 5432")

    processes = Processes(2, initializer=connect)
    with processes if is_own else nullcontext():
        for _ in range(2):
            with pytest.raises(WorkerStartError, match=r"initializer.*port 5432") as caught:
                compute(*[delayed(inc)(i) for i in range(100)], scheduler=processes)
            assert type(caught.value.__cause__) is NoDatabase

    assert len(notes(tmp_path / "starts")) <= 4  # two runs, two workers


def test_a_run_after_an_initializer_that_failed_once_succeeds(tmp_path: Path) -> None:
    def connect() -> None:
        if note(tmp_path / "starts") and len(notes(tmp_path / "starts")) == 1:
            raise NoDatabase

    with Processes(1, initializer=connect) as processes:
        with pytest.raises(WorkerStartError):
            delayed(inc)(1).compute(scheduler=processes)
        assert delayed(inc)(1).compute(scheduler=processes) == 2


def test_workers_that_end_before_they_are_ready_are_not_started_for_ever(tmp_path: Path) -> None:
    def start() -> None:
        note(tmp_path / "starts")
        os._exit(7)

    with (
        Processes(1, initializer=start) as processes,
        pytest.raises(WorkerStartError, match="exit code 7"),
    ):
        delayed(inc)(1).compute(scheduler=processes)
    assert 1 <= len(notes(tmp_path / "starts")) <= 3


def test_leaving_the_block_ends_a_loop_that_was_left_open() -> None:
    with Processes(1) as own:
        pairs = as_completed([delayed(abs)(-i) for i in range(9)], scheduler=own)
        next(pairs)
    with pytest.raises(RunStopped, match="closed"):
        list(pairs)


def test_a_task_may_refer_to_the_processes_that_run_it() -> None:
    with Processes(1, preload=["json"]) as one:

        def outer() -> tuple[int, int]:
            return one.num_workers, delayed(abs)(-1).compute(scheduler=one)

        assert delayed(outer)().compute(scheduler=one) == (1, 1)

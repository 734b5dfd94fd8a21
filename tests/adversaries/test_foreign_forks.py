"""What tasks and programs do with processes behind the library's back: no hang, no wrong answer."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

import pytest
from children import Script, notes, own_pid, run_script
from failing import failing

from lazygraph import compute, delayed
from lazygraph.errors import WorkerStartError
from lazygraph.schedulers import Processes

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="forks, and reads /proc")


@pytest.mark.parametrize("hook", ["PyDLL(None).fork", "os.fork"])
def test_a_forked_child_that_goes_on_as_a_worker_ends(tmp_path: Path, hook: str) -> None:
    """It returns from the task as the worker does: no result counts twice, and nothing runs twice."""
    out = run_script(
        tmp_path,
        f"""
        import ctypes, os
        from pathlib import Path
        from children import noted, note
        from tasks import wait_until
        from ctypes import PyDLL
        from lazygraph import compute, delayed
        from lazygraph.schedulers import Processes
        def fork(i):
            if i != 3:
                return i
            child = {hook}()
            if child:
                os.waitpid(child, 0)
            else:
                os.close(2)  # what it has to say is no matter
            return i
        with Processes(1) as processes:
            values = [delayed(noted)(Path("calls"), delayed(fork)(i)) for i in range(8)]
            print(compute(*values, scheduler=processes))
            print(compute(*values, scheduler=processes))
        """,
    )
    assert out == f"{tuple(range(8))}\n" * 2
    assert len(notes(tmp_path / "calls")) == 16


def test_children_that_inherit_everything_inherit_nothing_of_a_worker(tmp_path: Path) -> None:
    out = run_script(
        tmp_path,
        """
        import os, subprocess
        from lazygraph import compute, delayed
        from lazygraph.schedulers import Processes
        LIST = ["sh", "-c", "ls -l /proc/$$/fd"]
        def by_shell():
            return os.popen("ls -l /proc/$$/fd").read()
        def by_popen():
            return subprocess.run(LIST, close_fds=False, capture_output=True, text=True).stdout
        def by_spawn():
            read, write = os.pipe()
            child = os.posix_spawnp("sh", LIST, os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, write, 1)])
            os.close(write)
            os.waitpid(child, 0)
            with os.fdopen(read) as file:
                return file.read()
        with Processes(1) as processes:
            values = [delayed(f)() for f in (by_shell, by_popen, by_spawn)]
            for found in [*compute(*values, scheduler=processes), by_shell(), by_popen(), by_spawn()]:
                print(found.count("->") > 2, "memfd" in found, found.count("socket:"))
        """,
    )
    assert out == "True False 0\n" * 6


def test_a_task_may_end_its_whole_group(tmp_path: Path) -> None:
    out = run_script(
        tmp_path,
        """
        import os, signal
        from lazygraph import delayed
        from lazygraph.errors import WorkerDied
        from lazygraph.schedulers import Processes
        with Processes(1) as processes:
            try:
                delayed(os.killpg, retries=0)(0, signal.SIGKILL).compute(scheduler=processes)
            except WorkerDied as error:
                print(error.exit_code)
            print(delayed(abs)(-1).compute(scheduler=processes))
        """,
    )
    assert out == "-9\n1\n"


def test_a_task_may_move_its_process_to_the_parents_group(tmp_path: Path) -> None:
    """Where its worker is ended, it alone is, and it leaves nothing behind."""
    script = Script(
        tmp_path,
        """
        import os
        from lazygraph import delayed
        from lazygraph.errors import TaskTimeout
        from lazygraph.schedulers import Processes
        def move():
            os.setpgid(0, os.getpgid(os.getppid()))
            return os.getpid()
        def hang():
            import time
            move()
            time.sleep(600)
        with Processes(1) as processes:
            print(delayed(move)().compute(scheduler=processes) in processes.pids)
            print(delayed(abs)(-1).compute(scheduler=processes))
        with Processes(1) as processes:
            try:
                delayed(hang, timeout=0.2)().compute(scheduler=processes)
            except TaskTimeout:
                print("late")
        """,
        start_new_session=True,
    )
    assert script.finish() == ("True\n1\nlate\n", "", 0)
    assert not script.leftovers


def test_a_worker_that_leaves_its_group_still_ends_with_its_parent(tmp_path: Path) -> None:
    script = Script(
        tmp_path,
        """
        import os, signal
        from lazygraph import delayed
        from lazygraph.schedulers import Processes
        def move():
            os.setpgid(0, os.getpgid(os.getppid()))
        with Processes(1) as processes:
            delayed(move)().compute(scheduler=processes)
            os.kill(os.getpid(), signal.SIGKILL)
        """,
        start_new_session=True,
    )
    assert script.finish() == ("", "", -9)
    assert not script.leftovers


def test_a_task_that_wants_a_session_of_its_own_is_told_that_it_cannot() -> None:
    with Processes(1) as processes, pytest.raises(PermissionError):
        delayed(os.setsid)().compute(scheduler=processes)


def test_a_stopped_worker_is_ended_at_its_tasks_time_limit(tmp_path: Path) -> None:
    out = run_script(
        tmp_path,
        """
        import os, signal
        from lazygraph import delayed
        from lazygraph.errors import TaskTimeout
        from lazygraph.schedulers import Processes
        def stop():
            os.kill(os.getpid(), signal.SIGSTOP)
        with Processes(1) as processes:
            try:
                delayed(stop, timeout=0.2)().compute(scheduler=processes)
            except TaskTimeout as error:
                print(type(error).__name__)
            print(delayed(abs)(-1).compute(scheduler=processes))
        """,
    )
    assert out == "TaskTimeout\n1\n"


def test_without_processes_left_the_workers_there_are_do() -> None:
    """And a start that has failed is not tried again at each step."""
    with Processes(2) as processes:
        first = delayed(own_pid)().compute(scheduler=processes)
        assert len(processes.pids) == 1
        with failing("Popen", None, errno.EAGAIN) as told:
            layers = [delayed(own_pid)(i) for i in range(2)]
            for _ in range(30):
                layers = [delayed(own_pid)(*layers) for _ in range(2)]
            assert set(compute(*layers, scheduler=processes)) == {first}
            assert 1 <= told.calls <= 1 + told.seconds
        with (
            failing("Popen", None, errno.EAGAIN),
            pytest.raises(WorkerStartError, match="Resource"),
        ):
            compute(1, delayed(own_pid)(), scheduler=Processes(1, preload=["json"]))


def test_a_limit_on_processes_is_met_by_a_clear_error(tmp_path: Path) -> None:
    """The limit is on a user's processes, and holds for everybody but root."""
    out = run_script(
        tmp_path,
        """
        import os, resource
        from lazygraph import delayed
        from lazygraph.errors import WorkerStartError
        from lazygraph.schedulers import Processes
        value = delayed(abs)(-1)
        with Processes(1) as processes:  # all is imported while all can be read
            value.compute(scheduler=processes)
        resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
        if not os.getuid():
            os.setuid(65_533)
        try:
            with Processes(1) as processes:
                value.compute(scheduler=processes)
        except WorkerStartError as error:
            print(error)
        print(value.compute(scheduler="synchronous"))
        """,
    )
    refused, computed = out.splitlines()
    assert refused.startswith("cannot start a worker process")
    assert computed == "1"


@pytest.mark.slow
def test_sixty_four_workers_share_a_run() -> None:
    with Processes(64, blas_threads=1) as processes:
        layer = [delayed(own_pid)(i) for i in range(2000)]
        found = compute(*layer, scheduler=processes)
        assert len(found) == 2000
        assert set(found) <= set(processes.pids)
        assert len(processes.pids) == 64
        assert (
            sum(compute(*[delayed(abs)(-i) for i in range(2000)], scheduler=processes)) == 1999000
        )

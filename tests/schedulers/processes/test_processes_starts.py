"""Workers that start under odd circumstances: late, from a spawned child, with a long path."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest
from support.children import Script, run_script, wait_until

from lazygraph import compute, delayed
from lazygraph.errors import WorkerStartError
from lazygraph.schedulers import Processes
from lazygraph.schedulers.processes import dispatcher


def test_a_worker_that_does_not_begin_is_an_error_that_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sitecustomize.py").write_text("import signal; signal.pause()")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(dispatcher, "_START_SECONDS", 0.5)
    with (
        Processes(1) as processes,
        pytest.raises(WorkerStartError, match=r"has not begun within 0\.5 s.*sitecustomize"),
    ):
        delayed(abs)(-1).compute(scheduler=processes)


def test_the_limit_is_not_for_initializers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    begun, go_on = tmp_path / "begun", tmp_path / "go on"
    for path in (begun, go_on):
        os.mkfifo(path)

    def wait() -> None:
        begun.write_text("x")
        go_on.read_text()

    with Processes(1, initializer=wait) as processes:
        end_hanging = dispatcher.Dispatcher.end_hanging_starts

        def look(self: dispatcher.Dispatcher) -> None:
            if all(worker.has_begun for worker in self.pool.workers):
                monkeypatch.setattr(dispatcher, "_START_SECONDS", 0.0)
                monkeypatch.setattr(dispatcher.Dispatcher, "end_hanging_starts", end_hanging)
                begun.read_text()
                end_hanging(self)
                go_on.write_text("x")

        monkeypatch.setattr(dispatcher.Dispatcher, "end_hanging_starts", look)
        assert delayed(abs)(-1).compute(scheduler=processes) == 1


def test_a_path_longer_than_a_program_takes_as_an_argument(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system takes 128 KB in one."""
    (tmp_path / "at_the_end_of_the_path.py").write_text("def answer(): return 42")
    many = [f"/nowhere/{n:01000}" for n in range(200)]
    monkeypatch.setattr(sys, "path", [*sys.path, *many, str(tmp_path)])
    import at_the_end_of_the_path  # it is there now only

    with Processes(1) as processes:
        found = delayed(at_the_end_of_the_path.answer)().compute(scheduler=processes)
    assert found == 42


def test_what_a_spawned_child_computes_knows_the_functions_of_the_script(tmp_path: Path) -> None:
    """There the script is the module `__mp_main__`, which no worker has."""
    out = run_script(
        tmp_path,
        """
        import multiprocessing
        from lazygraph import compute, delayed
        FACTOR = 3
        class Box:
            def __init__(self, x):
                self.x = x
        class Odd(Exception):
            pass
        def boxed(x):
            if x < 0:
                raise Odd(x)
            return Box(FACTOR * x)
        lazy = delayed(boxed)
        def child(queue):
            box = lazy(2).compute(scheduler="processes")
            try:
                lazy(-1).compute(scheduler="processes")
            except Odd as error:
                queue.put((type(box) is Box, box.x, error.args))
        if __name__ == "__main__":
            context = multiprocessing.get_context("spawn")
            queue = context.Queue()
            process = context.Process(target=child, args=(queue,))
            process.start()
            print(queue.get(timeout=100))
            process.join()
        """,
    )
    assert out.strip() == "(True, 6, (-1,))"


def test_idle_workers_survive_ctrl_c_while_others_run(tmp_path: Path) -> None:
    """The next compute has the one that waited; the one that was busy is gone."""
    script = Script(
        tmp_path,
        """
        import os, signal, threading
        from lazygraph import compute, delayed
        from lazygraph.schedulers import Processes
        def meet(x):
            open(f"here-{x}", "w").close()
            while not os.path.exists(f"here-{1 - x}"):
                pass
            return os.getpid()
        def hang():
            open("hangs", "w").write(str(os.getpid()))
            signal.pause()
        with Processes(2) as processes:
            both = set(compute(*[delayed(meet)(x) for x in range(2)], scheduler=processes))
            try:
                delayed(hang)().compute(scheduler=processes)
            except KeyboardInterrupt:
                pass
            busy = int(open("hangs").read())
            print(set(processes.pids) == both - {busy})
            print(compute(*[delayed(abs)(-x) for x in range(3)], scheduler=processes))
        """,
    )
    hangs = tmp_path / "hangs"
    assert wait_until(lambda: hangs.exists() and hangs.read_text())
    script.popen.send_signal(signal.SIGINT)
    out, err, code = script.finish()
    assert (out.splitlines(), err, code) == (["True", "(0, 1, 2)"], "", 0)


@pytest.mark.skipif(os.getuid() == 0, reason="the system refuses root no process")
def test_no_more_processes_is_an_error_that_says_so() -> None:
    import resource  # not everywhere

    soft, hard = resource.getrlimit(resource.RLIMIT_NPROC)
    resource.setrlimit(resource.RLIMIT_NPROC, (0, hard))
    try:
        with Processes(1) as processes, pytest.raises(WorkerStartError, match="cannot start"):
            compute(delayed(abs)(-1), scheduler=processes)
    finally:
        resource.setrlimit(resource.RLIMIT_NPROC, (soft, hard))

"""Clusters whose workers are killed, and runs that are interrupted: real processes and signals."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from children import ROOT, Script, note, notes
from cluster_fixtures import cluster_of
from sources import SOURCES, write
from tasks import total, wait_until

from lazygraph import compute, delayed
from lazygraph.demo.job import count_lazily, count_plainly, python_files
from lazygraph.schedulers import choose

pytestmark = pytest.mark.slow


def noted_slowly(log: Path, go: Path, number: int) -> int:
    """The number, once there is a file; a line with it and the process says that it was begun."""
    note(log, f"{number} {os.getpid()}")
    wait_until(go.exists, 20)
    return number


def kill_whoever_noted(log: Path, go: Path, killed: list[int]) -> None:
    """Kill the worker of the first note, and let the others go on."""
    wait_until(lambda: bool(notes(log)), 20)
    killed.append(int(notes(log)[0].split()[1]))
    os.kill(killed[0], signal.SIGKILL)
    go.touch()


def test_what_a_killed_worker_had_not_finished_runs_again(tmp_path: Path) -> None:
    from distributed import Client

    log, go, killed = tmp_path / "log", tmp_path / "go", []
    values = [delayed(noted_slowly)(log, go, n) for n in range(12)]
    killer = threading.Thread(target=kill_whoever_noted, args=(log, go, killed))
    with (
        cluster_of(n_workers=2, threads_per_worker=1) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        killer.start()
        result = delayed(total)(values).compute(scheduler=client)
        killer.join()

    assert result == sum(range(12))
    calls = [int(line.split()[0]) for line in notes(log)]
    lost = [int(line.split()[0]) for line in notes(log) if int(line.split()[1]) == killed[0]]
    # Each once, but for those of the killed worker: again, elsewhere.
    assert len(lost) == 1
    assert sorted(calls) == sorted([*range(12), *lost])


def die_always(_: int) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_task_that_kills_every_worker_is_named() -> None:
    import dask
    from distributed import Client, KilledWorker

    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 0}),
        cluster_of(n_workers=1, threads_per_worker=1) as cluster,
        Client(cluster, set_as_default=False) as client,
        pytest.raises(KilledWorker) as caught,
    ):
        delayed(die_always)(3, dask_key_name="deadly").compute(scheduler=client)
    (text,) = caught.value.__notes__
    assert "while running task 'deadly': die_always(3)" in text
    assert f"captured at {__file__}:" in text


# --------------------------------------------------------------------- Ctrl-C
_INTERRUPTED = """
    import signal, sys, threading, warnings
    from pathlib import Path
    from lazygraph import as_completed, compute, delayed
    from tasks import append, wait_until

    def begin(path):
        append(path, "b")
        wait_until(Path("go").exists, 20)

    def after(path, _):
        append(path, "a")

    if __name__ == "__main__":
        from distributed import Client, LocalCluster

        signal.signal(signal.SIGINT, signal.default_int_handler)
        with (
            LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=":0") as cluster,
            Client(cluster) as client,
        ):
            first = delayed(begin)(Path("begun").absolute())
            last = delayed(after)(Path("ran").absolute(), first)
            try:
                {run}
            except KeyboardInterrupt as error:
                print("interrupted", *getattr(error, "__notes__", ()))

            def is_empty():
                return not client.run_on_scheduler(lambda dask_scheduler: len(dask_scheduler.tasks))

            print("cancelled", wait_until(is_empty))
            Path("go").touch()
            print("usable", delayed(abs)(-1).compute(scheduler=client))
"""


@pytest.mark.parametrize(
    "run",
    [
        "last.compute(scheduler=client)",
        "list(as_completed([last], scheduler=client))",
    ],
    ids=["compute", "as_completed"],
)
def test_ctrl_c_cancels_what_runs_on_the_cluster(tmp_path: Path, run: str) -> None:
    script = Script(tmp_path, _INTERRUPTED.replace("{run}", run))
    assert wait_until((tmp_path / "begun").exists, 30)

    script.popen.send_signal(signal.SIGINT)
    out, err, code = script.finish()

    assert code == 0, err
    first, *others = out.splitlines()
    assert first.startswith("interrupted lazygraph: stopped: the run's tasks on tcp://")
    assert others == ["cancelled True", "usable 1"]
    assert not (tmp_path / "ran").exists()


# ------------------------------------------------------------- a lasting cluster
@contextmanager
def program(*words: str, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """One of Dask's programs, from its start to its end by Ctrl-C, or by force."""
    here = Path(__file__).parent
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests" / "support"), str(here)])
    env = {**os.environ, "PYTHONPATH": path, "DASK_DISTRIBUTED__DASHBOARD__LINK": ""}
    with log.open("wb") as output:
        command = [sys.executable, "-m", "dask", *words]
        with subprocess.Popen(command, stdout=output, stderr=output, env=env) as process:
            try:
                yield process
            finally:
                process.send_signal(signal.SIGINT)
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:
                    process.kill()


@contextmanager
def lasting_cluster(folder: Path) -> Iterator[tuple[Path, list[subprocess.Popen[bytes]]]]:
    """A scheduler and two workers, each a program of its own: its file, and the workers."""
    file = folder / "scheduler.json"
    here = ("--host", "127.0.0.1")
    with ExitStack() as stack:
        words = ("scheduler", *here, "--port", "0", "--no-dashboard")
        stack.enter_context(
            program(*words, "--scheduler-file", str(file), log=folder / "scheduler.log")
        )
        assert wait_until(lambda: file.exists() and bool(file.read_text().strip()), 30)
        words = ("worker", *here, "--no-dashboard", "--nthreads", "1", "--no-nanny")
        where = ("--scheduler-file", str(file), "--local-directory", str(folder))
        workers = [
            stack.enter_context(program(*words, *where, log=folder / f"worker-{n}.log"))
            for n in range(2)
        ]
        yield file, workers


@delayed
def gate(log: Path, go: Path, path: Path) -> Path:
    """The path, once there is a file to go on; the first to come here says so."""
    note(log, f"{path} {os.getpid()}")
    wait_until(go.exists, 30)
    return path


def test_the_demo_gives_the_same_table_though_a_worker_program_is_killed(tmp_path: Path) -> None:
    from distributed import Client

    tree = write(tmp_path / "tree", {**SOURCES, **{f"m{i}.py": b"x = 1\n" for i in range(30)}})
    paths = python_files(tree)
    log, go = tmp_path / "log", tmp_path / "go"
    # Each file is read when its gate opens, so that the kill comes in the middle of the run.
    counts = count_lazily([gate(log, go, path) for path in paths])  # type: ignore[misc]
    with lasting_cluster(tmp_path) as (file, workers):
        with Client(scheduler_file=str(file), set_as_default=False) as client:
            client.wait_for_workers(2, timeout=30)
            killed: list[int] = []
            killer = threading.Thread(target=kill_whoever_noted, args=(log, go, killed))
            killer.start()
            result = counts.compute(scheduler=client)
            killer.join()
            again = compute(*map(delayed(abs), range(-5, 0)), scheduler=choose(client))
        assert killed[0] in {worker.pid for worker in workers}
        assert wait_until(lambda: any(worker.poll() is not None for worker in workers))

    assert result == count_plainly(paths)
    assert again == (5, 4, 3, 2, 1)

"""File descriptors, signals and deaths, where the program around the library has its own ways."""

from __future__ import annotations

import errno
import os
import sys
from contextlib import suppress
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from children import Script, run_script

from lazygraph import delayed
from lazygraph.errors import RunError
from lazygraph.schedulers import Processes
from lazygraph.schedulers.processes import shared_file
from lazygraph.schedulers.processes.arena import Arena
from lazygraph.schedulers.processes.descriptors import Descriptor, pipe

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def test_a_descriptor_is_closed_with_its_last_reference() -> None:
    read, write = pipe()
    number, same = read.number, read
    del read
    os.fstat(number)
    del same
    with pytest.raises(OSError, match="Bad file") as caught:
        os.fstat(number)
    assert caught.value.errno == errno.EBADF
    write.close()
    write.close()
    assert write.fileno() == -1


def test_no_descriptor_is_inherited() -> None:
    read, write = pipe()
    assert not os.get_inheritable(read.number)
    assert not os.get_inheritable(Descriptor(os.dup(write.number)).number)


def inheritable() -> dict[int, str]:
    """What a program that a task starts would get, but for the standard three."""
    found = {}
    for entry in Path("/proc/self/fd").iterdir():
        try:
            if int(entry.name) > 2 and os.get_inheritable(int(entry.name)):
                found[int(entry.name)] = str(entry.readlink())
        except OSError:  # that of the listing
            continue
    return found


def test_programs_that_tasks_start_inherit_nothing_of_the_workers(processes: Processes) -> None:
    assert delayed(inheritable)().compute(scheduler=processes) == {}


@pytest.mark.parametrize("limit", [64, 256])
def test_kept_results_leave_descriptors_for_others(tmp_path: Path, limit: int) -> None:
    """Each compute's results are mapped; 1,100 of them are kept."""
    out = run_script(
        tmp_path,
        f"""
        import resource
        import numpy as np
        from lazygraph import delayed
        from lazygraph.schedulers import Processes
        resource.setrlimit(resource.RLIMIT_NOFILE, ({limit}, {limit}))
        with Processes(1) as processes:
            full = delayed(np.full)
            keep = [full(140_000, i).compute(scheduler=processes) for i in range(1_100)]
            print(all((x == i).all() for i, x in enumerate(keep)))
        """,
    )
    assert out == "True\n"


@pytest.mark.parametrize("is_open", list(product([False, True], repeat=3))[:-1])
def test_standard_descriptors_may_be_closed(tmp_path: Path, is_open: tuple[bool, ...]) -> None:
    """Tasks whose C code prints must not print into anybody's memory."""
    closed = [number for number in range(3) if not is_open[number]]
    script = Script(
        tmp_path,
        f"""
        import os
        for number in {closed}:
            os.close(number)
        import numpy as np
        from pathlib import Path
        from lazygraph import compute, delayed
        from lazygraph.schedulers import Processes
        def write(x):
            for number in (1, 2):
                try:
                    os.write(number, b"?" * 64)
                except OSError:
                    pass
            return x.sum(), np.ones(1 << 18)
        with Processes(1) as processes:
            given = np.ones(1 << 18)
            values = [delayed(write)(given) for _ in range(2)]
            found = compute(*values, scheduler=processes)
        Path("found").write_text(repr([(float(s), float(x.sum())) for s, x in found]))
        """,
    )
    script.finish()
    assert (tmp_path / "found").read_text() == repr([(float(1 << 18),) * 2] * 2)


def test_a_death_is_heard_though_what_a_task_started_holds_its_channel(tmp_path: Path) -> None:
    """A forked child, of which Python knows nothing, in a session of its own: it has all files."""
    script = Script(
        tmp_path,
        """
        from pathlib import Path
        import ctypes, os, signal, time
        from lazygraph import compute, delayed
        from lazygraph.errors import WorkerDied
        from lazygraph.schedulers import Processes
        def leave_behind():
            is_away, say = os.pipe()
            if not ctypes.PyDLL(None).fork():  # with the GIL: nobody else can have it in the child
                os.setsid()
                os.write(say, b"x")
                time.sleep(60)
                os._exit(0)
            os.read(is_away, 1)  # until it has left the group, which ends with its worker
            os.kill(os.getpid(), 9)
        def start_and_die():
            os.mkfifo("away")
            os.system("setsid sh -c 'echo > away; exec sleep 60' >/dev/null 2>&1 &")
            open("away").read()
            os.kill(os.getpid(), 9)
        with Processes(1) as processes:
            for func in (leave_behind, start_and_die):
                try:
                    delayed(func, retries=0)().compute(scheduler=processes)
                except WorkerDied as error:
                    Path(func.__name__).write_text(str(error.exit_code))
        """,
    )
    try:
        assert script.popen.wait(120) == 0
    finally:
        left = script.alive()
        script.kill_all()
        script.finish()
    assert len(left) == 2  # both are alive still, in sessions of their own
    for name in ("leave_behind", "start_and_die"):
        assert (tmp_path / name).read_text() == "-9"


def test_what_a_task_started_ends_with_its_worker(tmp_path: Path) -> None:
    script = Script(
        tmp_path,
        """
        import os
        from lazygraph import delayed
        from lazygraph.errors import WorkerDied
        from lazygraph.schedulers import Processes
        def start_and_die():
            os.system("sleep 60 >/dev/null 2>&1 &")
            os._exit(7)
        with Processes(1) as processes:
            try:
                delayed(start_and_die, retries=0)().compute(scheduler=processes)
            except WorkerDied as error:
                print(error.exit_code)
        """,
    )
    assert script.finish() == ("7\n", "", 0)
    assert not script.alive()


def test_where_children_are_not_waited_for_an_exit_code_is_unknown(tmp_path: Path) -> None:
    out = run_script(
        tmp_path,
        """
        import os, signal
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        from lazygraph import delayed
        from lazygraph.errors import WorkerDied
        from lazygraph.schedulers import Processes
        with Processes(1) as processes:
            try:
                delayed(os._exit, retries=0)(7).compute(scheduler=processes)
            except WorkerDied as error:
                print(error.exit_code, str(error).endswith("exit code unknown"))
            print(delayed(abs)(-1).compute(scheduler=processes))
        """,
    )
    assert out == "None True\n1\n"


def test_a_worker_that_died_does_not_end_a_program_that_sigpipe_ends(tmp_path: Path) -> None:
    out = run_script(
        tmp_path,
        """
        import os, signal
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        from children import is_alive
        from tasks import wait_until
        from lazygraph import delayed
        from lazygraph.schedulers import Processes
        with Processes(1) as processes:
            first = delayed(os.getpid)().compute(scheduler=processes)
            os.kill(first, signal.SIGKILL)
            assert wait_until(lambda: not is_alive(first))
            print(delayed(os.getpid)().compute(scheduler=processes) != first)
        """,
    )
    assert out == "True\n"


def test_an_application_with_python_in_it_is_not_started_as_a_worker(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    with pytest.raises(RunError, match=r"sys\.executable"), Processes(1) as processes:
        delayed(abs)(-1).compute(scheduler=processes)


def test_a_program_that_was_started_as_a_worker_and_is_none_starts_no_more(tmp_path: Path) -> None:
    """`sys.executable` is the program itself, which does not know ``-c``."""
    program = tmp_path / "application"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" script.py\n')
    program.chmod(0o755)
    script = Script(
        tmp_path,
        f"""
        import sys
        from children import note
        from pathlib import Path
        from lazygraph import delayed
        from lazygraph.errors import RunError, WorkerStartError
        sys.executable = {str(program)!r}
        note(Path("starts"))
        try:
            delayed(abs)(-1).compute(scheduler="processes", num_workers=1)
        except (RunError, WorkerStartError) as error:
            print(error)
        """,
    )
    out, _, code = script.finish()
    assert code == 0
    assert "is not one but an application" in out
    assert "before they are ready" in out
    assert len((tmp_path / "starts").read_text().splitlines()) <= 4  # three failed starts


def test_without_memfd_a_temporary_file_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> int:
        raise OSError(errno.EACCES, "vm.memfd_noexec")

    monkeypatch.setattr(os, "memfd_create", refuse)
    arena = Arena.create()
    try:
        assert bytes(arena.view(arena.write(b"x" * 100_000))) == b"x" * 100_000
        monkeypatch.setattr(shared_file, "_temporary_file", refuse)
        with pytest.raises(OSError, match="memfd_noexec"):
            Arena.create()
    finally:
        arena.close()


def test_folders_on_the_import_path_may_have_any_name(tmp_path: Path) -> None:
    folder = tmp_path / "a:b'c\udcff"
    folder.mkdir()
    (folder / "odd_module.py").write_text("def f():\n    return 7\n")
    out = run_script(
        tmp_path,
        f"""
        import sys
        sys.path.insert(0, {str(folder)!a})
        from odd_module import f
        from lazygraph import delayed
        print(delayed(f)().compute(scheduler="processes", num_workers=1))
        """,
    )
    assert out == "7\n"


def test_a_timeout_that_programs_set_for_sockets_is_not_for_ours(tmp_path: Path) -> None:
    out = run_script(
        tmp_path,
        """
        import socket
        socket.setdefaulttimeout(5)
        from lazygraph import delayed
        from lazygraph.schedulers import Processes
        with Processes(1) as processes:
            print(delayed(len)(delayed(bytes)(1 << 22)).compute(scheduler=processes))
        """,
    )
    assert out == f"{1 << 22}\n"


@pytest.mark.parametrize("use", ["write", "read", "view", "private"])
def test_a_file_that_has_the_number_of_shared_memory_by_now_is_left_alone(
    tmp_path: Path, use: str
) -> None:
    """As where a program closes all descriptors, and opens others."""
    arena = Arena.create()
    handle = arena.write(b"x" * (2 << 20))
    number = arena.fd
    theirs = os.open(tmp_path / "theirs", os.O_RDWR | os.O_CREAT)
    os.write(theirs, b"y" * 100)
    os.dup2(theirs, number)
    uses = {
        "write": lambda: arena.write(b"z" * 100_000),
        "read": lambda: arena.read(handle.offset, 10),
        "view": lambda: arena.view(handle),
        "private": lambda: arena.private(handle, None),
    }
    with pytest.raises(OSError, match="closed"):
        uses[use]()
    with suppress(OSError):
        arena.sweep_all([])
    arena.close()
    os.close(number)  # it was not closed for them
    os.close(theirs)
    assert (tmp_path / "theirs").read_bytes() == b"y" * 100

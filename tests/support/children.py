"""Other processes, for tests: scripts to run, what they leave behind, tasks that leave notes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import uuid
from contextlib import suppress
from pathlib import Path
from typing import Any

from tasks import wait_until

ROOT = Path(__file__).resolve().parents[2]
_MARK = "LAZYGRAPH_TEST_MARK"


# ------------------------------------------------------------------------------- tasks
def note(path: Path, text: str = "x") -> str:
    """Add a line to a file: in one write, which no other process can come between."""
    fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    try:
        os.write(fd, f"{text}\n".encode())
    finally:
        os.close(fd)
    return text


def notes(path: Path) -> list[str]:
    """The lines of a file; none if there is no file."""
    return path.read_text().splitlines() if path.exists() else []


def noted(path: Path, value: Any, *_: Any) -> Any:
    """The value; a line says that it was asked for."""
    note(path)
    return value


def meet(folder: Path, name: str, count: int) -> int:
    """The process's id, once so many tasks, each with its own name, are here at once."""
    (folder / name).touch()
    if not wait_until(lambda: len(list(folder.iterdir())) >= count):
        raise TimeoutError(f"{name} waits for others in vain")
    return os.getpid()


def await_file(path: Path) -> int:
    """The process's id, once there is such a file."""
    if not wait_until(path.exists):
        raise TimeoutError(f"nobody makes {path.name}")
    return os.getpid()


def own_pid(*_: Any) -> int:
    return os.getpid()


def die(number: int = signal.SIGKILL) -> None:
    os.kill(os.getpid(), number)


def die_once(flag: Path, value: Any, *_: Any) -> Any:
    """The value, the second time; the first time it ends its process."""
    if not flag.exists():
        flag.touch()
        die()
    return value


# ----------------------------------------------------------------------------- scripts
class Script:
    """A program of its own, and all the processes that it starts."""

    def __init__(self, folder: Path, code: str, **popen: Any) -> None:
        self.path = folder / "script.py"
        self.path.write_text(textwrap.dedent(code))
        self._mark = uuid.uuid4().hex
        path = os.pathsep.join([str(ROOT), str(ROOT / "tests" / "support")])
        self.popen = subprocess.Popen(
            [sys.executable, str(self.path)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=folder,
            env={**os.environ, _MARK: self._mark, "PYTHONPATH": path},
            **popen,
        )

    def finish(self) -> tuple[str, str, int]:
        """What it printed to stdout and to stderr, and its exit code."""
        try:
            out, err = self.popen.communicate(timeout=120)  # a busy machine is slow
        finally:
            self.kill_all()
        return out, err, self.popen.returncode

    def alive(self) -> list[int]:
        """The ids of its processes that have not ended, whoever is their parent now."""
        return [pid for pid in _all_pids() if self._mark in _environment(pid)]

    def kill_all(self) -> None:
        """Leave nothing, also where a test fails."""
        if not wait_until(lambda: not self.alive(), 0.0):
            self.leftovers = self.alive()
            for pid in self.leftovers:
                os.kill(pid, signal.SIGKILL)

    leftovers: list[int] = []  # noqa: RUF012  # replaced, never changed


def run_script(folder: Path, code: str) -> str:
    """What a script printed, which must end well and print nothing to stderr."""
    out, err, code_ = Script(folder, code).finish()
    assert (err, code_) == ("", 0), f"{code_}: {err}"
    return out


def _all_pids() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _environment(pid: int) -> str:
    """Empty for a process that has ended, a zombie among them."""
    try:
        return Path(f"/proc/{pid}/environ").read_text(errors="replace")
    except OSError:
        return ""


def is_alive(pid: int) -> bool:
    """Whether a process runs; a zombie does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def children() -> list[int]:
    """The ids of this process's children, zombies among them."""
    listed = Path(f"/proc/self/task/{os.getpid()}/children").read_text()
    return [int(pid) for pid in listed.split()]


def shared_memory() -> list[str]:
    """What this process holds of shared memory that a pool has made, and what anybody has."""
    held = [target for target in open_files() if "memfd:lazygraph" in target]
    return held + [entry.name for entry in Path("/dev/shm").iterdir() if "lazygraph" in entry.name]


def open_files() -> list[str]:
    """What this process's file descriptors stand for."""
    found = []
    for entry in list(Path("/proc/self/fd").iterdir()):
        with suppress(OSError):  # that of the listing itself
            found.append(str(entry.readlink()))
    return found

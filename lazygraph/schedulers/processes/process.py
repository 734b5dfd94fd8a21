"""Starts worker processes, fresh interpreters and never forks of this one, and sees them die."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from time import monotonic, sleep

from lazygraph.errors import RunError, WorkerStartError
from lazygraph.schedulers.processes.arena import Arena
from lazygraph.schedulers.processes.channel import Channel
from lazygraph.schedulers.processes.descriptors import Descriptor, pipe, socket_pair

__all__ = ["Process", "blas_environment", "check_platform", "start_errors"]

#: In the environment of a worker until it has begun: a program that finds it is not one.
_MARK = "LAZYGRAPH_STARTS_WORKER"
# The worker must find the same modules that this process finds, this library first of all.
# Standard descriptors that are closed here are open there: what C code prints would else go to
# whatever file is opened next, as which every mapping of shared memory counts.
_PROGRAM = f"""
import os, sys
os.environ.pop({_MARK!r}, None)
def read(size):
    data = b""
    while len(data) < size:
        data += os.read(int(sys.argv[1]), size - len(data)) or sys.exit(1)
    return data
sys.path[:] = eval(read(int.from_bytes(read(8), sys.byteorder)))
while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
    os.set_inheritable(number, True)
os.close(number)
from lazygraph.schedulers.processes.worker import main
main(*map(int, sys.argv[1:6]))
"""
_BLAS_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "NUMBA_NUM_THREADS",
)
_BUFFER_BYTES = 1 << 20
_LEAVE_SECONDS = 2.0
_KILLED_SECONDS = 5.0  # a process in the kernel's hands may outlive SIGKILL for that long


def blas_environment(threads: int | None, share: int) -> dict[str, str]:
    """Return the variables that limit the threads of numerical libraries.

    Parameters
    ----------
    threads
        What the user asks for; None for `share`, where the user has set no variable.
    """
    if threads is not None:
        return dict.fromkeys(_BLAS_VARIABLES, str(threads))
    return {name: str(share) for name in _BLAS_VARIABLES if name not in os.environ}


def check_platform() -> None:
    """Refuse to start workers where that cannot work.

    Raises
    ------
    RunError
        If the system is not POSIX, or `sys.executable` is not a Python interpreter: a frozen
        application, or a program that embeds Python, would start itself again.
    """
    if os.name != "posix":
        raise RunError("the processes scheduler needs Linux or macOS: use threads, or Dask")
    if getattr(sys, "frozen", False) or not sys.executable or _MARK in os.environ:
        raise RunError(
            "the processes scheduler starts Python interpreters, and sys.executable "
            f"({sys.executable!r}) is not one but an application with Python in it: set "
            "sys.executable to an interpreter, or use threads"
        )


@contextmanager
def start_errors(what: str) -> Iterator[None]:
    """Raise WorkerStartError for what the system refuses meanwhile."""
    try:
        yield
    except OSError as error:
        raise WorkerStartError(f"{what}: {error}") from error


class Process:
    """A worker process, and this process's end of the channel to it.

    Raises
    ------
    WorkerStartError
        If the system has no process or no file descriptors for it.
    """

    def __init__(
        self, arena: Arena, owner: int, sharers: int, environment: Mapping[str, str]
    ) -> None:
        check_platform()
        self.owner = owner
        self._ending: Descriptor | None = None
        with start_errors("cannot start a worker process"), ExitStack() as undone:
            ours, theirs = socket_pair(_BUFFER_BYTES)
            undone.enter_context(ours)
            self.channel = Channel(ours)
            with theirs:
                # Closed by whatever ends this process: the workers' end tells the kernel
                # to kill them.
                watched, self._lifeline = pipe()
                undone.callback(self._lifeline.close)
                number = theirs.fileno()
                self._popen = _start(arena, number, watched, owner, sharers, environment)
                undone.callback(self.discard)
                self.channel.send_bytes(_path())
            watched.close()
            self._ending = _ending_of(self.pid)
            undone.pop_all()

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._popen.pid

    @property
    def ending(self) -> Descriptor | None:
        """What is readable once the process has ended; None where the system has no such thing."""
        return self._ending

    @property
    def has_ended(self) -> bool:
        """Whether the process has ended; it is not waited for."""
        return self._has_ended_within(0)

    def _has_ended_within(self, seconds: float) -> bool:
        if self._popen.returncode is not None:
            return True
        if self._ending is not None:
            ready = select.poll()
            ready.register(self._ending, select.POLLIN)
            return bool(ready.poll(seconds * 1000))
        end = monotonic() + seconds
        while not _is_zombie_or_gone(self.pid):
            if monotonic() >= end:
                return False
            sleep(0.001)
        return True

    def kill(self) -> None:
        """End it, and what its tasks have started.

        Until it is waited for, nobody else can have its number, dead or alive; after that it
        may have been given to another, unless its group is not empty.
        """
        is_gone = _is_gone(self.pid)
        if self._popen.returncode is None and not (is_gone and _exists(self.pid)):
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)
        if not is_gone:  # a task may have moved it to another group
            with suppress(ProcessLookupError, PermissionError):
                os.kill(self.pid, signal.SIGKILL)

    def exit_code(self, seconds: float = _LEAVE_SECONDS) -> int | None:
        """Return how it ended, negative for a signal; it is about to end, or made to.

        None where nobody knows: another part of this program has waited for it, or children
        are not waited for (``SIGCHLD`` ignored).
        """
        self.leave(seconds)
        is_known = not _is_gone(self.pid)
        self.discard()
        return self._popen.returncode if is_known else None

    def leave(self, seconds: float) -> None:
        """Give it so long to end by itself."""
        self._has_ended_within(seconds)

    def discard(self) -> None:
        """End it at once, and leave no zombie."""
        self.kill()  # before it is waited for: what its tasks have started, too
        with suppress(subprocess.TimeoutExpired):
            self._popen.wait(_KILLED_SECONDS)
        self._close()

    def forget(self) -> None:
        """Let go of it in a forked child: it is another's worker."""
        self._popen.returncode = 0  # or its destructor would wait for it
        self._close()

    def _close(self) -> None:
        self.channel.close()
        self._lifeline.close()
        if self._ending is not None:
            self._ending.close()
            self._ending = None


def _start(
    arena: Arena,
    channel: int,
    watched: Descriptor,
    owner: int,
    sharers: int,
    environment: Mapping[str, str],
) -> subprocess.Popen[bytes]:
    arguments = [channel, watched.number, arena.fd, owner, sharers]
    flags: list[str] = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined]
    return subprocess.Popen(  # noqa: S603  # this very interpreter
        [sys.executable, *flags, "-c", _PROGRAM, *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        pass_fds=[channel, watched.number, arena.fd],
        # Equal strings have equal hashes in all workers: tasks may divide by them.
        env={"PYTHONHASHSEED": "0", **os.environ, **environment, _MARK: "1"},
        # A group of its own: Ctrl-C is for the parent, which ends its workers; and what tasks
        # have started can be ended with their worker.
        process_group=0,
    )


def _path() -> bytes:
    """Return `sys.path`, which may be longer than an argument of a program, as Python text."""
    return ascii([entry or os.curdir for entry in sys.path if isinstance(entry, str)]).encode()


def _ending_of(pid: int) -> Descriptor | None:
    """Return what tells of a child's death; its channel's end can, where there is none.

    The channel alone is not enough: a process that a task has started may hold it open.
    """
    try:
        return Descriptor(os.pidfd_open(pid))
    except (AttributeError, OSError):  # not Linux, an old kernel, no descriptors; or it is gone
        return None


def _is_zombie_or_gone(pid: int) -> bool:
    try:
        found = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return True
    return found is not None


def _is_gone(pid: int) -> bool:
    """Whether a child was waited for by somebody else."""
    try:
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return True
    return False


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True

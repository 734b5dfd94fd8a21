"""Starts worker processes: fresh interpreters, never forks of this one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress

from lazygraph.errors import RunError, WorkerStartError
from lazygraph.schedulers.processes.arena import Arena
from lazygraph.schedulers.processes.channel import Channel, channel_pair

__all__ = ["Process", "blas_environment"]

# The worker must find the same modules that this process finds, this library first of all.
_PROGRAM = (
    "import os, sys; sys.path[:] = sys.argv[6].split(os.pathsep); "
    "from lazygraph.schedulers.processes.worker import main; "
    "main(*map(int, sys.argv[1:6]))"
)
_BLAS_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "NUMBA_NUM_THREADS",
)
_LEAVE_SECONDS = 2.0


def blas_environment(threads: int | None, share: int) -> dict[str, str]:
    """The variables that limit the threads of numerical libraries.

    Parameters
    ----------
    threads
        What the user asks for; None for `share`, where the user has set no variable.
    """
    if threads is not None:
        return dict.fromkeys(_BLAS_VARIABLES, str(threads))
    return {name: str(share) for name in _BLAS_VARIABLES if name not in os.environ}


class Process:
    """A worker process, and this process's end of the channel to it."""

    def __init__(
        self, arena: Arena, owner: int, sharers: int, environment: Mapping[str, str]
    ) -> None:
        if os.name != "posix":
            raise RunError("the processes scheduler needs Linux or macOS: use threads, or Dask")
        ours, theirs = channel_pair()
        # Closed by whatever ends this process: the workers' end tells the kernel to kill them.
        watched, self._lifeline = os.pipe()
        arguments = [theirs.fileno(), watched, arena.fd, owner, sharers]
        path = os.pathsep.join(entry or os.curdir for entry in sys.path if isinstance(entry, str))
        flags: list[str] = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined]
        with theirs:
            try:
                self._popen = subprocess.Popen(  # noqa: S603  # this very interpreter
                    [sys.executable, *flags, "-c", _PROGRAM, *map(str, arguments), path],
                    stdin=subprocess.DEVNULL,
                    pass_fds=[theirs.fileno(), watched, arena.fd],
                    # Equal strings have equal hashes in all workers: tasks may divide by them.
                    env={"PYTHONHASHSEED": "0", **os.environ, **environment},
                    # A group of its own: Ctrl-C is for the parent, which ends its workers;
                    # and what tasks have started can be ended with their worker.
                    process_group=0,
                )
            except OSError as error:
                ours.close()
                os.close(self._lifeline)
                raise WorkerStartError(f"cannot start a worker process: {error}") from error
            finally:
                os.close(watched)
        self.channel = Channel(ours)
        self.owner = owner

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._popen.pid

    def kill(self) -> None:
        """End it, and what its tasks have started."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)

    def exit_code(self) -> int:
        """How it ended, negative for a signal; it is about to end, or made to."""
        try:
            code = self._popen.wait(_LEAVE_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            code = self._popen.wait()
        self.kill()  # what its tasks have started
        self._close()
        return code

    def leave(self, seconds: float) -> None:
        """Give it so long to end by itself."""
        with suppress(subprocess.TimeoutExpired):
            self._popen.wait(seconds)

    def discard(self) -> None:
        """End it at once, and leave no zombie."""
        self.kill()
        self._popen.wait()
        self._close()

    def forget(self) -> None:
        """In a forked child: it is another's worker."""
        self._popen.returncode = 0  # or its destructor would wait for it
        self._close()

    def _close(self) -> None:
        self.channel.close()
        if self._lifeline >= 0:
            os.close(self._lifeline)
            self._lifeline = -1

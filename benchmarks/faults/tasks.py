"""What workers run under a fault: functions of a module, so that a fresh interpreter finds them."""

from __future__ import annotations

import errno
import os
import resource
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any

__all__ = [
    "LARGE",
    "LASTING",
    "SIGNALS",
    "allocate",
    "echo",
    "end_worker",
    "fill_shared_memory",
    "hoard",
    "last",
    "limit_memory",
    "mix_arrays",
    "mix_numbers",
]

_BUFFER = bytes(1_000_000)
_LENGTH = 100_000  # of an array: 800 KB
_PRIME = 1_000_003
_SECONDS = 60.0


def _flat(args: Iterable[Any]) -> Iterator[Any]:
    for arg in args:
        if isinstance(arg, list):
            yield from _flat(arg)
        else:
            yield arg


def mix_numbers(*args: Any) -> int:
    """A number made of every argument and of their order; takes some half a millisecond."""
    sha256(_BUFFER).digest()
    total = 7
    for arg in _flat(args):
        total = (31 * total + arg) % _PRIME
    return total


def mix_arrays(*args: Any) -> Any:
    """The same with arrays."""
    import numpy as np

    total = np.arange(_LENGTH)
    for arg in _flat(args):
        total = (31 * total + arg) % _PRIME
    return total


#: What workers shall die of.
SIGNALS = (signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT)


def end_worker(number: int) -> None:
    """Die of a signal."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.kill(os.getpid(), number)


def limit_memory(nbytes: int) -> None:
    """Leave this process so much address space beyond what it has now."""
    import numpy as np  # before the limit: its libraries take a lot

    np.ones(1)
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = pages * resource.getpagesize() + nbytes
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


def allocate(nbytes: int) -> int:
    """Ask for all of it at once."""
    return len(bytearray(nbytes))


def hoard(nbytes: int) -> int:
    """Ask for it piece by piece."""
    pieces = [bytearray(1_000_000) for _ in range(nbytes // 1_000_000)]
    return len(pieces)


def fill_shared_memory(nbytes: int, witness: str) -> None:
    """Let this process put so many bytes into shared memory; each refusal beyond is witnessed.

    Whichever way they are set aside: by asking for room, or by writing.
    """
    left = nbytes

    def spend(fd: int, length: int) -> None:
        nonlocal left
        if not _is_shared_memory(fd):
            return
        left -= length
        if left < 0:
            with Path(witness).open("a") as file:
                file.write(f"{length}\n")
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    os.posix_fallocate = _after(spend, os.posix_fallocate, lambda _offset, length: length)
    os.pwrite = _after(spend, os.pwrite, lambda data, _offset: memoryview(data).nbytes)


def _after(
    spend: Callable[[int, int], None], call: Callable[..., Any], length_of: Callable[..., int]
) -> Callable[..., Any]:
    """A function of a file and more, that first spends what it is going to take."""

    def spending(fd: int, *args: Any) -> Any:
        spend(fd, length_of(*args))
        return call(fd, *args)

    return spending


def _is_shared_memory(fd: int) -> bool:
    return str(Path(f"/proc/self/fd/{fd}").readlink()).startswith("/memfd:")


def _large_array(seed: int, nbytes: int) -> Any:
    import numpy as np

    return np.arange(nbytes // 8) * seed


def _large_bytes(seed: int, nbytes: int) -> bytes:
    return Random(seed).randbytes(nbytes)


def _large_list(seed: int, nbytes: int) -> list[str]:
    """Nothing of it can go past the pipe: it has no buffer to share."""
    return [f"{seed}-{i:0990}" for i in range(nbytes // 1_000)]


#: kind -> a function of a seed and a number of bytes
LARGE: dict[str, Callable[[int, int], Any]] = {
    "array": _large_array,
    "bytes": _large_bytes,
    "list": _large_list,
}


def echo(value: Any) -> Any:
    """What it was given."""
    return value


def _asleep() -> None:
    time.sleep(_SECONDS)


def _busy() -> None:
    end = time.monotonic() + _SECONDS
    while time.monotonic() < end:
        pass


def _stuck() -> None:
    """In a C function that neither lets another thread run nor looks for signals."""
    sum(range(10**10))


#: kind -> what takes a minute, or more
LASTING: dict[str, Callable[[], None]] = {"asleep": _asleep, "busy": _busy, "stuck": _stuck}


def last(kind: str, mark: str, _array: Any) -> None:
    """Leave a mark, then take a minute."""
    Path(mark).touch()
    LASTING[kind]()

"""Bytes to a file, whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from errno import EISDIR
from pathlib import Path
from time import time

try:
    from fcntl import LOCK_EX, LOCK_NB, flock
except ImportError:  # Windows, and interpreters built without it
    _HAS_LOCKS = False
else:
    _HAS_LOCKS = True

__all__ = ["remove_leftovers", "write_whole"]

#: A file without content that is younger has perhaps no lock yet.
_YOUNG_SECONDS = 60


def write_whole(path: str | os.PathLike[str], content: bytes, *, mode: int | None = None) -> None:
    """Put a file with `content` at `path` in one step, or leave all as it was.

    Nobody sees half of it, not even after a crash of the machine. Of a link, what it points to
    is written.

    Parameters
    ----------
    path : path
        Where to write; its folder exists.
    content : bytes
        All that the file is to hold.
    mode : int, optional
        The permission bits of the file; those that a new file gets, if there are none.

    Raises
    ------
    OSError
        If that cannot be: no such folder, no right to write, a full disk.
    ValueError
        If the path holds a null character.

    Notes
    -----
    O(bytes), and one wait for the disk (`os.fsync`).

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     write_whole(Path(folder, "a"), b"all of it")
    ...     Path(folder, "a").read_bytes(), len(os.listdir(folder))
    (b'all of it', 1)
    """
    target = Path(os.path.realpath(path))
    if target.is_dir():
        raise IsADirectoryError(EISDIR, os.strerror(EISDIR), str(target))
    with _beside(target) as temporary, temporary.open("xb") as file:
        if _HAS_LOCKS:
            with suppress(OSError):  # a file system without locks
                flock(file.fileno(), LOCK_EX)  # ends with the process
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
        if mode is not None:
            temporary.chmod(mode)
        temporary.replace(target)


@contextmanager
def _beside(target: Path) -> Iterator[Path]:
    """Give a name in the folder of `target`; what is left there at the end is removed."""
    temporary = target.with_name(f".lazygraph-{os.getpid()}-{os.urandom(6).hex()}.tmp")
    try:
        yield temporary
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)  # there still only if something went wrong


def remove_leftovers(folder: str | os.PathLike[str]) -> None:
    """Remove what `write_whole` left in a folder in processes that were killed.

    A process that lives holds a lock on its file, wherever it runs; where there are no locks,
    nothing is removed.

    Parameters
    ----------
    folder : path
        Where files were to be put. One that cannot be read is left alone.
    """
    if not _HAS_LOCKS:
        return
    for path in Path(folder).glob(".lazygraph-*.tmp"):
        with suppress(OSError), path.open("rb") as file:
            flock(file.fileno(), LOCK_EX | LOCK_NB)
            status = os.fstat(file.fileno())
            if status.st_size or time() - status.st_mtime > _YOUNG_SECONDS:
                path.unlink()

"""Texts and bytes to files, in one step: nobody sees half of one."""

from __future__ import annotations

import os
from contextlib import suppress
from errno import EISDIR
from pathlib import Path

from lazygraph.errors import DrawingError

__all__ = ["write"]


def write(path: Path, content: bytes) -> None:
    """Put a file with `content` at `path`, or leave all as it was.

    Raises
    ------
    DrawingError
        For a missing folder, or a place that cannot be written to.
    """
    target = Path(os.path.realpath(path))  # a link stays, what it points to is written
    try:
        _replace(target, content)
    except FileNotFoundError as error:
        folder = str(target.parent)
        raise DrawingError(f"cannot save to {str(path)!r}: no folder {folder!r}") from error
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise DrawingError(f"cannot save to {str(path)!r}: {why}") from error


def _replace(target: Path, content: bytes) -> None:
    if target.is_dir():
        raise IsADirectoryError(EISDIR, os.strerror(EISDIR))
    temporary = target.with_name(f".lazygraph-{os.urandom(6).hex()}.tmp")
    try:
        temporary.write_bytes(content)
        temporary.replace(target)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise

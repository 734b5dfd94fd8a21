"""How far a training run is <-> a file, which is whole or not there at all."""

from __future__ import annotations

import os
import pickle
from hashlib import blake2b
from pathlib import Path
from typing import Any

from lazygraph.errors import CheckpointError
from lazygraph.files import write_whole

__all__ = ["load", "save"]

_MAGIC = b"lazygraph checkpoint 2\n"
_OLDER = b"lazygraph checkpoint 1\n"


def save(path: Path, value: Any) -> None:
    """Write a file in one step: a process that is killed leaves the old one, or the new."""
    try:
        data = pickle.dumps(value, protocol=5)
    except Exception as error:
        raise CheckpointError(f"a checkpoint of this run cannot be made: {error}") from error
    try:
        write_whole(path, _MAGIC + blake2b(data).digest() + data)
    except OSError as error:
        raise CheckpointError(f"the checkpoint cannot be written to {path}: {error}") from error


def load(path: str | os.PathLike[str]) -> Any:
    """Return what a checkpoint holds: a `Fit`; None if there is no file.

    Parameters
    ----------
    path : path
        What `fit` was given as ``checkpoint``. It is a pickle: load only files of your own.

    Raises
    ------
    CheckpointError
        If the file is something else, damaged, or of an older release.

    Examples
    --------
    >>> load("/no/such/file") is None
    True
    """
    path = Path(path)
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise CheckpointError(f"the checkpoint {path} cannot be read: {error}") from error
    if content.startswith(_OLDER):
        raise CheckpointError(f"{path} was written by an older release: delete it to start anew")
    if not content.startswith(_MAGIC):
        raise CheckpointError(f"{path} is no checkpoint of lazygraph.train: give another path")
    size = blake2b().digest_size
    rest = content[len(_MAGIC) :]
    if blake2b(rest[size:]).digest() != rest[:size]:
        raise CheckpointError(f"the checkpoint {path} is damaged: delete it to start anew")
    try:
        return pickle.loads(rest[size:])  # noqa: S301  # a file of the user's own, as documented
    except Exception as error:  # classes that are not there, or no longer as they were
        raise CheckpointError(f"the checkpoint {path} cannot be read: {error!r}") from error

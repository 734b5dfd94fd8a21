"""What stands in a result's place when its task has none: `Failed`, `Skipped`."""

from __future__ import annotations

from collections.abc import Hashable
from typing import NamedTuple

__all__ = ["Failed", "Skipped"]


class Failed(NamedTuple):
    """In place of the result of a task that raised, where a run collects errors.

    Attributes
    ----------
    error : BaseException
        What it raised, with a note that names the task; `lazygraph.replay` runs it again.
    key : Key
        The task's.
    """

    error: BaseException
    key: Hashable


class Skipped(NamedTuple):
    """In place of the result of a task that needs one that failed.

    Attributes
    ----------
    because : Key
        The task that failed.
    """

    because: Hashable

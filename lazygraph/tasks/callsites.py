"""Where calls were captured: instructions of code objects, as ``file:line``."""

from __future__ import annotations

from bisect import bisect_right
from types import CodeType
from typing import NamedTuple

__all__ = ["Sites", "site_text"]


class _Lines(NamedTuple):
    """From which offset on an instruction belongs to which line."""

    code: CodeType  # kept alive, so that its id stays its own
    offsets: list[int]
    lines: list[int]


class Sites:
    """Tells many sites, and reads each code object's line table only once.

    Reading it is linear in the code: for every task again, 4,000 tasks captured one below
    the other would take a minute.
    """

    def __init__(self) -> None:
        self._known: dict[int, _Lines] = {}

    def text(self, code: CodeType | str | None, lasti: int) -> str | None:
        """``file:line`` of an instruction; a text, as pickles carry it, as it is.

        O(log code) after the first question about a code object.
        """
        if code is None or isinstance(code, str):
            return code
        table = self._known.get(id(code))
        if table is None:
            ranges = [(start, line or code.co_firstlineno) for start, _, line in code.co_lines()]
            table = _Lines(code, [start for start, _ in ranges], [line for _, line in ranges])
            self._known[id(code)] = table
        line = table.lines[bisect_right(table.offsets, lasti) - 1]
        return f"{code.co_filename}:{line}"


def site_text(code: CodeType | str | None, lasti: int) -> str | None:
    """``file:line`` of one instruction. O(code)."""
    return Sites().text(code, lasti)

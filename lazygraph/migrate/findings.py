"""What is found in a file: at a line, what it is, and what becomes of it."""

from __future__ import annotations

from typing import Literal, NamedTuple

__all__ = ["Finding", "Kind"]

#: "works": by the import change alone; "stays": Dask's own, which goes on working; "note":
#: works, but does something else in a corner; "manual": to be changed by hand; "error": a file
#: that cannot be read.
Kind = Literal["works", "stays", "note", "manual", "error"]


class Finding(NamedTuple):
    """One use of Dask.

    Attributes
    ----------
    path : str
        The file.
    line : int
        From 1; in a notebook the line of the cell, 0 for the whole file.
    cell : int or None
        In a notebook, the cell's number from 1.
    kind : Kind
        What becomes of it.
    use : str
        The use as written: "dask.delayed".
    text : str
        Why, and what to do.
    """

    path: str
    line: int
    cell: int | None
    kind: Kind
    use: str
    text: str

    def __str__(self) -> str:
        cell = "" if self.cell is None else f"cell {self.cell}, "
        return f"{self.path}:{cell}{self.line}: {self.kind}: {self.use}: {self.text}"

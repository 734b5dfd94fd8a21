"""Paths -> findings, and files with their imports changed: what the command does."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lazygraph.migrate.bindings import bindings_of
from lazygraph.migrate.edits import applied, edits_of, note_moves
from lazygraph.migrate.findings import Finding
from lazygraph.migrate.sources import (
    Source,
    SourceError,
    changed,
    files_below,
    parsable,
    read,
    write,
)
from lazygraph.migrate.uses import uses_of

__all__ = ["Summary", "migrate"]


@dataclass
class Summary:
    """What was found, and what was done.

    Attributes
    ----------
    findings : list of Finding
        In order of files and lines.
    n_files : int
        How many were read.
    changeable : list of str
        Files whose imports are to be changed.
    written : list of str
        Those that were.
    """

    findings: list[Finding] = field(default_factory=list)
    n_files: int = 0
    changeable: list[str] = field(default_factory=list)
    written: list[str] = field(default_factory=list)

    @property
    def counts(self) -> Counter[str]:
        """How many findings of each kind."""
        return Counter(finding.kind for finding in self.findings)


def migrate(paths: Sequence[Path], *, is_to_write: bool = False) -> Summary:
    """Look through files for uses of `dask.delayed`; never runs any of them.

    Parameters
    ----------
    paths : sequence of Path
        Python files, notebooks, or folders with such below.
    is_to_write : bool
        Whether to change the imports.

    Notes
    -----
    A file that cannot be read or parsed is a finding, and left alone.
    """
    made = Summary()
    for path in files_below(paths):
        made.n_files += 1
        try:
            _look_at(read(path), made, is_to_write=is_to_write)
        except SourceError as error:
            made.findings.append(Finding(str(path), 0, None, "error", "file", str(error)))
    return made


def _look_at(source: Source, made: Summary, *, is_to_write: bool) -> None:
    trees = _trees(source)
    names = bindings_of(trees)
    made.findings += _findings(source, trees, names)
    rest = note_moves(names, trees)
    texts = [
        applied(piece.text, edits_of(piece.text, tree, names, rest))
        for piece, tree in zip(source.pieces, trees, strict=True)
    ]
    if texts == [piece.text for piece in source.pieces]:
        return
    made.changeable.append(str(source.path))
    if is_to_write:
        write(source, changed(source, texts))
        made.written.append(str(source.path))


def _trees(source: Source) -> list[ast.Module]:
    trees = []
    for piece in source.pieces:
        try:
            trees.append(ast.parse(parsable(piece)))
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            where = "" if piece.cell is None else f"cell {piece.cell + 1}: "
            raise SourceError(f"cannot be parsed: {where}{error}") from None
    return trees


def _findings(source: Source, trees: list[ast.Module], names: object) -> Iterator[Finding]:
    for piece, tree in zip(source.pieces, trees, strict=True):
        cell = None if piece.cell is None else piece.cell + 1
        for use in uses_of(tree, names):  # type: ignore[arg-type]
            yield Finding(str(source.path), use.node.lineno, cell, use.kind, use.use, use.text)

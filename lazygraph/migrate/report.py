"""Paths -> findings, and files with their imports changed: what the command does."""

from __future__ import annotations

import ast
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lazygraph.migrate.bindings import Bindings, bindings_of
from lazygraph.migrate.edits import applied, edits_of, moves_in, moves_of
from lazygraph.migrate.findings import Finding
from lazygraph.migrate.sources import (
    Piece,
    Source,
    SourceError,
    changed,
    files_below,
    masked,
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

    def fail(path: Path, text: str) -> None:
        made.findings.append(Finding(str(path), 0, None, "error", "file", text))

    for path in files_below(paths, fail):
        made.n_files += 1
        try:
            _look_at(read(path), made, is_to_write=is_to_write)
        except SourceError as error:
            fail(path, str(error))
    return made


def _look_at(source: Source, made: Summary, *, is_to_write: bool) -> None:
    trees = _trees(source)
    names = bindings_of(trees)
    made.findings += _findings(source, trees, names)
    moves = moves_of(names, trees)
    hidden = [piece for piece in _hidden(source) if moves_in(piece.text, names)]
    if hidden:  # what is left there needs the import that it has
        made.findings += [_unread(source, piece) for piece in hidden]
        kept = {name for name, module in names.modules.items() if module == "dask"}
        moves = moves._replace(rest=moves.rest | kept)
    texts = [
        applied(piece.text, edits_of(piece.text, tree, names, moves))
        for piece, tree in zip(source.pieces, trees, strict=True)
    ]
    if texts == [piece.text for piece in source.pieces]:
        return
    _check(texts, source)
    made.changeable.append(str(source.path))
    if is_to_write:
        write(source, changed(source, texts))
        made.written.append(str(source.path))


def _trees(source: Source) -> list[ast.Module]:
    trees = []
    for piece in source.pieces:
        try:
            trees.append(_parsed(piece))
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            where = "" if piece.cell is None else f"cell {piece.cell + 1}: "
            raise SourceError(f"cannot be parsed: {where}{error}") from None
    return trees


def _parsed(piece: Piece) -> ast.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "\d" in a string is not what the user asks about
        try:
            return ast.parse(piece.text)
        except SyntaxError:
            if piece.cell is None:
                raise
            return ast.parse(masked(piece.text))


def _check(texts: list[str], source: Source) -> None:
    """Raise SourceError rather than write what is no Python."""
    for piece, text in zip(source.pieces, texts, strict=True):
        try:
            _parsed(Piece(text, piece.cell))
        except SyntaxError as error:
            raise SourceError(f"is written in a way that cannot be changed: {error}") from None


def _hidden(source: Source) -> Iterator[Piece]:
    """Return what of a notebook is not read as Python: whole cells, and lines of others."""
    yield from source.others
    for piece in source.pieces:
        if piece.cell is not None:
            lines = zip(piece.text.split("\n"), masked(piece.text).split("\n"), strict=True)
            left = [line for line, read in lines if read != line and read.lstrip().find("#") > 0]
            yield Piece("\n".join(left), piece.cell)


def _unread(source: Source, piece: Piece) -> Finding:
    text = "in what IPython reads, not Python: change it by hand"
    cell = None if piece.cell is None else piece.cell + 1
    return Finding(str(source.path), 0, cell, "manual", "dask", text)


def _findings(source: Source, trees: list[ast.Module], names: Bindings) -> Iterator[Finding]:
    for piece, tree in zip(source.pieces, trees, strict=True):
        cell = None if piece.cell is None else piece.cell + 1
        for use in uses_of(tree, names):
            yield Finding(str(source.path), use.node.lineno, cell, use.kind, use.use, use.text)

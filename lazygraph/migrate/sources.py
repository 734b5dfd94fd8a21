"""Paths -> files, files -> pieces of code, and back, byte for byte where nothing changes."""

from __future__ import annotations

import io
import json
import os
import re
import stat
import tokenize
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

__all__ = ["Piece", "Source", "files_below", "read", "write"]

_LEFT_OUT = {"__pycache__", "node_modules", "site-packages", "build", "dist", "venv"}
_MAGIC = re.compile(r"^(\s*)([%!?])", re.MULTILINE)


class SourceError(Exception):
    """A file that cannot be read or written; its text says why."""


class Piece(NamedTuple):
    """Code that is parsed together with the other pieces of its file: a file, or a cell."""

    text: str
    cell: int | None  # its place among the cells of a notebook


class Source(NamedTuple):
    """A file as read.

    Attributes
    ----------
    raw : bytes
        All of it.
    pieces : list of Piece
        Its code.
    encoding : str
        Of a Python file, as PEP 263 has it.
    notebook : dict or None
        The parsed JSON of a notebook.
    """

    path: Path
    raw: bytes
    pieces: list[Piece]
    encoding: str
    notebook: Any


def files_below(paths: Sequence[Path]) -> Iterator[Path]:
    """Python files and notebooks, each once, in order; links to folders are not followed."""
    seen: set[Path] = set()
    for path in paths:
        for file in [path] if path.is_file() else _walk(path):
            real = file.resolve()
            if real not in seen:
                seen.add(real)
                yield file


def _walk(folder: Path) -> Iterator[Path]:
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(f for f in folders if f not in _LEFT_OUT and not f.startswith("."))
        for name in sorted(files):
            if name.endswith((".py", ".ipynb")):
                yield Path(place, name)


def read(path: Path) -> Source:
    """A file's code; SourceError if there is no telling what it says."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise SourceError(f"cannot be read: {error.strerror}") from None
    if path.suffix == ".ipynb":
        return _notebook(path, raw)
    try:
        encoding = tokenize.detect_encoding(io.BytesIO(raw).readline)[0]
        text = raw.decode(encoding)
    except (SyntaxError, UnicodeDecodeError, LookupError) as error:
        raise SourceError(f"cannot be decoded: {error}") from None
    return Source(path, raw, [Piece(text, None)], encoding, None)


def _notebook(path: Path, raw: bytes) -> Source:
    try:
        book = json.loads(raw.decode("utf-8"))
        cells = book["cells"]
        pieces = [
            Piece("".join(cell["source"]), n)
            for n, cell in enumerate(cells)
            if cell["cell_type"] == "code" and not "".join(cell["source"]).startswith("%%")
        ]
    except (ValueError, KeyError, TypeError) as error:
        raise SourceError(f"is no notebook: {error}") from None
    return Source(path, raw, pieces, "utf-8", book)


def parsable(piece: Piece) -> str:
    """The code with lines for IPython alone as comments: every sign stays in its place."""
    return piece.text if piece.cell is None else _MAGIC.sub(r"\1#", piece.text)


def changed(source: Source, texts: Sequence[str]) -> bytes:
    """The file with other texts in the places of its pieces."""
    if source.notebook is None:
        return texts[0].encode(source.encoding)
    book = json.loads(json.dumps(source.notebook))
    for piece, text in zip(source.pieces, texts, strict=True):
        cell = book["cells"][piece.cell]
        is_list = isinstance(cell["source"], list)
        cell["source"] = text.splitlines(keepends=True) if is_list else text
    end = "\n" if source.raw.endswith(b"\n") else ""
    return (json.dumps(book, indent=1, ensure_ascii=False) + end).encode("utf-8")


def write(source: Source, content: bytes) -> None:
    """Put new content into a file in one step; its mode stays. SourceError if that cannot be."""
    path = source.path.resolve()  # of a link, the file
    try:
        mode = path.stat().st_mode
        if not mode & stat.S_IWUSR:
            raise SourceError("is read-only: nothing was written")
        if path.read_bytes() != source.raw:
            raise SourceError("has changed meanwhile: nothing was written")
        beside = path.with_name(f"{path.name}.{os.getpid()}.part")
        try:
            beside.write_bytes(content)
            beside.chmod(stat.S_IMODE(mode))
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)
    except OSError as error:
        raise SourceError(f"cannot be written: {error.strerror}") from None

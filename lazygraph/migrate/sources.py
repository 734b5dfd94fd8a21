"""Paths -> files, files -> pieces of code, and back, byte for byte where nothing changes."""

from __future__ import annotations

import io
import json
import os
import re
import stat
import tokenize
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from lazygraph.files import write_whole

__all__ = ["Piece", "Source", "files_below", "read", "write"]

_LEFT_OUT = {"__pycache__", "node_modules", "site-packages", "build", "dist", "venv"}
#: Lines that IPython reads and Python does not.
_TIMED = re.compile(
    r"^([ \t]*)(%time(?:it)?(?:[ \t]+-\w+(?:[ \t]*\d+)?)*[ \t]+)(?=[^\s-])", re.MULTILINE
)
_MAGIC = re.compile(r"^([ \t]*(?:[\w, ]+=[ \t]*)?)(?=[%!?])", re.MULTILINE)
_HELP = re.compile(r"^([ \t]*)(?=[\w.*]+\?{1,2}[ \t]*$)", re.MULTILINE)
#: Cells that begin with one of these hold Python all the same.
_PYTHON_CELL = re.compile(r"%%(time|timeit|capture|prun|memit|mprun)\b")


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
    others : list of Piece
        Its cells that are not read as Python.
    """

    path: Path
    raw: bytes
    pieces: list[Piece]
    encoding: str
    notebook: Any
    others: list[Piece]


def files_below(paths: Sequence[Path], fail: Callable[[Path, str], None]) -> Iterator[Path]:
    """Python files and notebooks, each once, in order; links to folders are not followed.

    A folder that cannot be read is told to `fail`.
    """
    seen: set[Path] = set()
    for path in paths:
        for file in _walk(path, fail) if path.is_dir() else [path]:
            real = Path(os.path.realpath(file))  # of links in a circle it makes no error
            if real not in seen:
                seen.add(real)
                yield file


def _walk(folder: Path, fail: Callable[[Path, str], None]) -> Iterator[Path]:
    def tell(error: OSError) -> None:
        fail(Path(error.filename), f"cannot be read: {error.strerror}")

    for place, folders, files in os.walk(folder, onerror=tell):
        folders[:] = sorted(f for f in folders if f not in _LEFT_OUT and not f.startswith("."))
        for name in sorted(files):
            if name.endswith((".py", ".ipynb")):
                yield Path(place, name)


def read(path: Path) -> Source:
    """Return a file's code; SourceError if there is no telling what it says."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # a pipe would be waited for
            raise SourceError("cannot be read: it is no regular file")
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
    return Source(path, raw, [Piece(text, None)], encoding, None, [])


def _notebook(path: Path, raw: bytes) -> Source:
    try:
        book = json.loads(raw.decode("utf-8"))
        code = [
            Piece("".join(cell["source"]), n)
            for n, cell in enumerate(book["cells"])
            if cell["cell_type"] == "code"
        ]
    except (ValueError, KeyError, TypeError) as error:
        raise SourceError(f"is no notebook: {error}") from None
    others = [p for p in code if p.text.startswith("%%") and not _PYTHON_CELL.match(p.text)]
    return Source(path, raw, [p for p in code if p not in others], "utf-8", book, others)


def masked(text: str) -> str:
    """Return a cell's code without what IPython alone reads; what is left stays in its place.

    ``%time f(x)`` becomes ``0;    f(x)``, and other such lines a zero and a comment: a block may
    have no other statement.
    """
    text = _TIMED.sub(lambda found: f"{found[1]}0;".ljust(len(found[0])), text)
    return _HELP.sub(r"\g<1>0#", _MAGIC.sub(r"\g<1>0#", text))


def changed(source: Source, texts: Sequence[str]) -> bytes:
    """Return the file with other texts in the places of its pieces."""
    if source.notebook is None:
        return texts[0].encode(source.encoding)
    book = json.loads(json.dumps(source.notebook))
    for piece, text in zip(source.pieces, texts, strict=True):
        cell = book["cells"][piece.cell]
        is_list = isinstance(cell["source"], list)
        cell["source"] = text.splitlines(keepends=True) if is_list else text
    return _dumped(book, source.raw)


def _dumped(book: Any, raw: bytes) -> bytes:
    """Return a notebook as JSON, indented and escaped as it was."""
    indent = re.match(rb"\{\r?\n([ \t]+)", raw)
    text = json.dumps(
        book, indent=indent[1].decode() if indent else None, ensure_ascii=raw.isascii()
    )
    text += "\n" if raw.endswith(b"\n") else ""
    if b"\r\n" in raw:
        text = text.replace("\n", "\r\n")
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:  # half a character, which can only be written escaped
        return re.sub("[\ud800-\udfff]", lambda c: f"\\u{ord(c[0]):04x}", text).encode("utf-8")


def write(source: Source, content: bytes) -> None:
    """Put new content into a file in one step; its mode stays. SourceError if that cannot be."""
    path = source.path.resolve()  # of a link, the file
    try:
        mode = path.stat().st_mode
        if not mode & stat.S_IWUSR:
            raise SourceError("is read-only: nothing was written")
        if path.read_bytes() != source.raw:
            raise SourceError("has changed meanwhile: nothing was written")
        write_whole(path, content, mode=stat.S_IMODE(mode))
    except OSError as error:
        raise SourceError(f"cannot be written: {error.strerror}") from None

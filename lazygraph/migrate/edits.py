"""Bindings -> changes of text: imports, and the module's name before what moves."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import NamedTuple

from lazygraph.migrate.bindings import (
    MOVED,
    MOVED_FROM,
    Bindings,
    binds_dask,
    is_function,
    named_in_strings,
)

__all__ = ["Edit", "Moves", "applied", "edits_of", "moves_in", "moves_of"]


#: The module's name in a from-import, in whatever way it is spaced.
_MODULE = re.compile(r"from(?:\\\r?\n|\s)+(.*?)(?:\\\r?\n|\s)+import\b", re.DOTALL)


class Edit(NamedTuple):
    """A stretch of a text, in characters, and what stands there afterwards."""

    start: int
    end: int
    text: str


def applied(text: str, edits: list[Edit]) -> str:
    """Return the text with all edits made; they do not overlap."""
    for edit in sorted(edits, reverse=True):
        text = text[: edit.start] + edit.text + text[edit.end :]
    return text


class _Places:
    """Lines and columns, as `ast` counts them in bytes, to characters of the text."""

    def __init__(self, text: str) -> None:
        # As Python's own reader: \r\n and \r end lines, other separators do not.
        self._lines = text.replace("\r\n", "\n\0").replace("\r", "\n").split("\n")
        self._starts = [0]
        for line in self._lines:
            self._starts.append(self._starts[-1] + len(line) + 1)
        self.text = text

    def of(self, line: int, column: int) -> int:
        """Where a line (from 1) and a column in bytes are."""
        before = self._lines[line - 1]
        skipped = 1 if before.startswith("\0") else 0
        clean = before[skipped:]
        return self._starts[line - 1] + skipped + len(clean.encode()[:column].decode())

    def start(self, node: ast.expr | ast.stmt) -> int:
        """Where a node begins."""
        return self.of(node.lineno, node.col_offset)

    def end(self, node: ast.expr | ast.stmt) -> int:
        """Where a node ends."""
        return self.of(node.end_lineno or node.lineno, node.end_col_offset or 0)


class Moves(NamedTuple):
    """What all pieces of a file together do with the module `dask`.

    Attributes
    ----------
    by_dots : bool
        Whether something that moves is used as ``dask.delayed``, anywhere.
    rest : set of str
        Names of the module that are needed for other things than what moves.
    """

    by_dots: bool
    rest: set[str]


def edits_of(text: str, tree: ast.Module, names: Bindings, moves: Moves) -> list[Edit]:
    """Return the changes of one piece of code."""
    places = _Places(text)
    here = {id(node) for node in ast.walk(tree)}
    edits = [_from(node, places) for node in names.from_imports if id(node) in here]
    attributes = list(_attributes(tree, names))
    edits += [Edit(places.start(n), places.end(n), "lazygraph") for n in attributes]
    for node in names.imports:
        if id(node) in here and (moves.by_dots or any(map(is_function, node.names))):
            edits.append(_import(node, places, moves.rest, is_needed=moves.by_dots))
    return edits


def moves_in(text: str, names: Bindings) -> bool:
    """Whether text that is not read as Python speaks of ``dask.delayed`` or the like."""
    roots = [re.escape(name) for name, module in names.modules.items() if module == "dask"]
    moved = "|".join(sorted(MOVED))
    return bool(roots) and bool(re.search(rf"\b({'|'.join(roots)})\.({moved})\b", text))


def moves_of(names: Bindings, trees: list[ast.Module]) -> Moves:
    """Return what the pieces of a file do with the module `dask`."""
    moving = [node.id for tree in trees for node in _attributes(tree, names)]
    every = [
        node.id
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.Name)
        and names.modules.get(node.id) == "dask"
        and id(node) not in names.others
    ]
    submodules = {
        alias.name.split(".")[0]
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
        if "." in alias.name and alias.asname is None
    }
    others = {name for name in set(every) if every.count(name) > moving.count(name)}
    others |= {
        text.partition(".")[0] for tree in trees for _, text in named_in_strings(tree, names)
    }
    return Moves(bool(moving), others | submodules)


def _attributes(tree: ast.Module, names: Bindings) -> Iterator[ast.Name]:
    """Return the ``dask`` of each ``dask.delayed``."""
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Attribute)
            and node.attr in MOVED
            and isinstance(node.value, ast.Name)
            and names.modules.get(node.value.id) == "dask"
            and id(node.value) not in names.others
        ):
            yield node.value


def _import(node: ast.Import, places: _Places, rest: set[str], *, is_needed: bool) -> Edit:
    """``import dask`` with ``import lazygraph`` beside it, or in its place."""
    functions = [alias for alias in node.names if is_function(alias)]
    kept = [alias for alias in node.names if alias not in functions]
    statements = [f"from lazygraph import delayed as {alias.asname}" for alias in functions]
    if is_needed and any(map(binds_dask, kept)):
        kept = [a for a in kept if a.name != "dask" or (a.asname or a.name) in rest]
        statements.insert(0, "import lazygraph")
    if kept:
        statements.insert(0, f"import {', '.join(map(_alias, kept))}")
    return Edit(places.start(node), places.end(node), _between(node, places).join(statements))


def _between(node: ast.stmt, places: _Places) -> str:
    """Return what separates two statements where this one stands: a line's end and its indent."""
    start = places.start(node)
    line = places.text.rfind("\n", 0, start) + 1
    indent = places.text[line:start]
    newline = "\r\n" if "\r\n" in places.text else "\n"
    return f"{newline}{indent}" if not indent.strip() else "; "


def _alias(alias: ast.alias) -> str:
    return f"{alias.name} as {alias.asname}" if alias.asname else alias.name


def _from(node: ast.ImportFrom, places: _Places) -> Edit:
    """Return a from-import: the module's name alone if all moves, else two statements."""
    start, end = places.start(node), places.end(node)
    module = node.module or ""
    moving = [a for a in node.names if a.name in MOVED_FROM[module]]
    if len(moving) == len(node.names):
        found = _MODULE.match(places.text, start)
        if found is None:  # not written as Python's grammar has it
            raise AssertionError(places.text[start:end])
        return Edit(*found.span(1), "lazygraph")
    staying = [alias for alias in node.names if alias not in moving]
    comments = _comments(places.text[start:end])
    between = _between(node, places)
    names = ", ".join(map(_alias, staying))
    if comments and between == "; ":  # beside other statements: only in parentheses
        newline = "\r\n" if "\r\n" in places.text else "\n"
        names = newline.join(["(", *comments, f"{names})"])
        comments = []
    kept = f"from {module} import {names}"
    return Edit(start, end, between.join([*comments, kept, _moved(moving)]))


def _moved(aliases: list[ast.alias]) -> str:
    return f"from lazygraph import {', '.join(map(_alias, aliases))}"


def _comments(statement: str) -> list[str]:
    """Return the comments between the names of a statement over several lines."""
    lines = [line.partition("#") for line in statement.splitlines()]
    return [f"#{text.rstrip()}" for _, sign, text in lines if sign]

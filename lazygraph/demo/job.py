"""Python files in, counts of what is in them out: the example to learn the library by.

Each file goes through three tasks, and the counts meet in a tree::

    read -> parse -> count --+
                             +-- merge --+
    read -> parse -> count --+           |
                                         +-- merge -> Counts
    read -> parse -> count --+           |
                             +-- merge --+
    read -> parse -> count --+

`count_lazily` builds that graph, `run` runs it; ``python -m lazygraph demo`` does both on
the standard library, on every scheduler.
"""

from __future__ import annotations

import ast
import inspect
import os
import stat
import sys
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, fields
from pathlib import Path
from threading import RLock
from time import perf_counter
from typing import Any

from toolz import partition_all

from lazygraph import Delayed, delayed

__all__ = [
    "NOT_SOURCES",
    "TESTS",
    "Counts",
    "Parsed",
    "Skipped",
    "Source",
    "count",
    "count_lazily",
    "count_plainly",
    "differences",
    "merge",
    "most_used",
    "parse",
    "python_files",
    "read",
    "run",
]

#: Names of directories that hold no sources of the tree that they are in.
NOT_SOURCES = frozenset({"__pycache__", "dist-packages", "site-packages"})
#: Names of the directories that hold the standard library's own tests: over half of it.
TESTS = frozenset({"idle_test", "test", "tests"})

#: What the parser raises for a file that is not Python (or not of this version), that has
#: null bytes or bytes of another encoding, or that is nested too deeply for it.
_NOT_PARSED = (SyntaxError, ValueError, RecursionError, MemoryError)

# Before Python 3.11.8 threads that parse at once share a counter, and some fail (CPython's
# issue 106905): one at a time there. It costs nothing, since the parser keeps the GIL anyhow.
_PARSING: AbstractContextManager[Any] = RLock() if sys.version_info < (3, 11, 8) else nullcontext()


@dataclass(frozen=True)
class Source:
    """The bytes of a file: which text they are, the file itself says (PEP 263)."""

    path: Path
    content: bytes


@dataclass(frozen=True)
class Parsed:
    """The syntax tree of a file, and how many lines it was made from."""

    lines: int
    tree: ast.Module


@dataclass(frozen=True)
class Skipped:
    """A file that could not be read or parsed, and why."""

    path: Path
    reason: str


@dataclass(frozen=True)
class Counts:
    """What some files hold.

    Parameters
    ----------
    files, lines : int
        How many files were counted (the skipped ones are not), with how many lines.
    functions, classes, imports : int
        How many ``def``, ``class`` and ``import`` statements they have, at any depth.
    names : mapping
        Name of a variable -> how often it is used or assigned.
    skipped : tuple of Skipped
        Files that are not in the numbers, in the order of the files.
    """

    files: int = 0
    lines: int = 0
    functions: int = 0
    classes: int = 0
    imports: int = 0
    names: Mapping[str, int] = field(default_factory=dict)
    skipped: tuple[Skipped, ...] = ()


@delayed
def read(path: Path) -> Source | Skipped:
    """Return the content of a file; a file that cannot be read is no reason to stop."""
    try:
        return Source(path, path.read_bytes())
    except OSError as error:
        return Skipped(path, f"{type(error).__name__}: {error.strerror}")


@delayed
def parse(source: Source | Skipped) -> Parsed | Skipped:
    """Return the syntax tree of a file.

    Python may warn of what it finds in there. Filters of `warnings` belong to all threads,
    so that no task can set them for itself: who runs the graph does.
    """
    if isinstance(source, Skipped):
        return source
    try:
        with _PARSING:
            tree = ast.parse(source.content)
    except _NOT_PARSED as error:
        return Skipped(source.path, _reason(error))
    return Parsed(len(source.content.splitlines()), tree)


@delayed
def count(parsed: Parsed | Skipped) -> Counts:
    """Return what is in one file."""
    if isinstance(parsed, Skipped):
        return Counts(skipped=(parsed,))
    nodes = list(ast.walk(parsed.tree))
    kinds = Counter(map(type, nodes))
    return Counts(
        files=1,
        lines=parsed.lines,
        functions=kinds[ast.FunctionDef] + kinds[ast.AsyncFunctionDef],
        classes=kinds[ast.ClassDef],
        imports=kinds[ast.Import] + kinds[ast.ImportFrom],
        names=Counter(node.id for node in nodes if isinstance(node, ast.Name)),
    )


@delayed
def merge(left: Counts, right: Counts) -> Counts:
    """Return what is in the files of both; associative, so that a tree may do it in any shape."""
    return Counts(
        files=left.files + right.files,
        lines=left.lines + right.lines,
        functions=left.functions + right.functions,
        classes=left.classes + right.classes,
        imports=left.imports + right.imports,
        names=Counter(left.names) + Counter(right.names),
        skipped=left.skipped + right.skipped,
    )


def count_lazily(paths: Iterable[Path]) -> Delayed[Counts]:
    """Return the counts of files (one or more) as a lazy value: nothing is read before it runs.

    Examples
    --------
    >>> total = count_lazily([Path(ast.__file__), Path(inspect.__file__)])
    >>> len(total.graph)  # read, parse and count for each, and one merge
    7
    >>> total.compute().files
    2
    """
    return _by_pairs(merge, [count(parse(read(path))) for path in paths])


def run(total: Delayed[Counts], scheduler: Any) -> tuple[Counts, float]:
    """Return the counts that a lazy value stands for, and the seconds that they took.

    `scheduler` is what `lazygraph.compute` takes: a name such as "threads", a scheduler, or
    a function of Dask's ``get(dsk, keys)`` form.
    """
    start = perf_counter()
    counts = total.compute(scheduler=scheduler)
    return counts, perf_counter() - start


def count_plainly(paths: Iterable[Path]) -> Counts:
    """Return the counts of files by a plain loop: what the runs of the graph are held against."""
    plain_read, plain_parse, plain_count = (inspect.unwrap(f) for f in (read, parse, count))
    parts = [plain_count(plain_parse(plain_read(path))) for path in paths]
    names: Counter[str] = Counter()
    for part in parts:
        names.update(part.names)
    return Counts(
        files=sum(part.files for part in parts),
        lines=sum(part.lines for part in parts),
        functions=sum(part.functions for part in parts),
        classes=sum(part.classes for part in parts),
        imports=sum(part.imports for part in parts),
        names=names,
        skipped=tuple(skipped for part in parts for skipped in part.skipped),
    )


def python_files(top: Path, without: Collection[str] = NOT_SOURCES) -> list[Path]:
    """Return the Python files below a directory, sorted.

    Parameters
    ----------
    top : Path
        Where to look. Links to directories are not followed, so that none leads in a circle.
    without : collection of str
        Names of directories to leave out, wherever they are below `top`.

    Returns
    -------
    list of Path
        Files whose names end in ``.py``. What cannot be looked into is kept, a directory
        too: to read it will tell why.
    """
    closed: list[OSError] = []
    found: list[Path] = []
    for directory, subdirectories, files in os.walk(top, onerror=closed.append):
        subdirectories[:] = [name for name in subdirectories if name not in without]
        paths = (Path(directory, name) for name in files if name.endswith(".py"))
        found += [path for path in paths if _may_be_file(path)]
    return sorted([*found, *(Path(error.filename) for error in closed)])


def most_used(names: Mapping[str, int], most: int = 10) -> list[tuple[str, int]]:
    """Return the names used most and how often; of names used equally often, the first by alphabet.

    Examples
    --------
    >>> most_used({"self": 3, "b": 1, "a": 1}, most=2)
    [('self', 3), ('a', 1)]
    """
    return sorted(names.items(), key=lambda item: (-item[1], item[0]))[:most]


def differences(expected: Counts, got: Counts) -> list[str]:
    """Return what differs between two counts that should be equal; empty if nothing does.

    Examples
    --------
    >>> differences(Counts(files=2), Counts(files=1, names={"a": 1}))
    ['files 1, not 2', 'names']
    """
    found = []
    for name in (each.name for each in fields(Counts)):
        wanted, given = getattr(expected, name), getattr(got, name)
        if wanted != given:
            found.append(f"{name} {given}, not {wanted}" if isinstance(wanted, int) else name)
    return found


def _by_pairs(
    combine: Callable[[Any, Any], Delayed[Counts]], parts: Sequence[Delayed[Counts]]
) -> Delayed[Counts]:
    """All parts combined, neighbours first: the order stays, the depth is log2(parts)."""
    while len(parts) > 1:
        # An odd one out goes up as it is.
        parts = [combine(*p) if len(p) == 2 else p[0] for p in partition_all(2, parts)]
    return parts[0]


def _may_be_file(path: Path) -> bool:
    """Whether to try and read it: a named pipe, say, would block."""
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except OSError:  # to read it will tell why
        return True


def _reason(error: BaseException) -> str:
    kind = type(error).__name__
    if isinstance(error, SyntaxError):
        return f"{kind}: {error.msg}" + (f" (line {error.lineno})" if error.lineno else "")
    return f"{kind}: {error}" if str(error) else kind

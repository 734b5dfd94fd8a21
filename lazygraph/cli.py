"""Words on the command line in; lines of text and an exit status out."""

from __future__ import annotations

import argparse
import io
import os
import sys
import sysconfig
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from time import perf_counter
from typing import Any, NoReturn, TextIO

from lazygraph import __version__, errors, schedulers
from lazygraph.demo import job as demo
from lazygraph.migrate import command

__all__ = ["main"]

_DEFAULT_SCHEDULERS = ("synchronous", "threads", "processes", "dask-sync")
_LABELS = {"dask-sync": "dask (synchronous)"}
_PLAIN = "plain loop"
_SMALL = 6  # files: what is drawn must fit a screen
_MOST_SKIPPED = 5  # to name; the rest is a number
_COLUMN = 21  # where the second column of a table begins, in characters
_NAMES_PER_LINE = 5

_DIFFERENT, _REFUSED, _INTERRUPTED, _NO_READER = 1, 2, 130, 141  # exit statuses


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    argv : sequence of str, optional
        The words after the program's name; those of the process by default.

    Returns
    -------
    int
        The exit status: 0 all is well; 1 results differ; 2 a request that cannot be met,
        with one line on stderr; 130 Ctrl-C; 141 nobody reads the output any more.
    """
    try:
        return _main(argv)
    except BrokenPipeError:
        _close_quietly(sys.stdout)
        return _NO_READER


def _main(argv: Sequence[str] | None) -> int:
    try:
        options = _parser().parse_args(argv)
        status: int = options.command(options)
    except _RequestError as error:
        _say(f"lazygraph: {error}", sys.stderr)
        return _REFUSED
    except KeyboardInterrupt:
        _say("interrupted", sys.stderr)
        return _INTERRUPTED
    finally:
        if sys.stdout is not None:  # None: closed by who started us
            sys.stdout.flush()  # --help leaves from here, without a _say
    return status


class _RequestError(Exception):
    """A request that cannot be met; its text is the one line that the user sees."""


class _Parser(argparse.ArgumentParser):
    """A parser that leaves what is printed, and the exit, to `main`."""

    def error(self, message: str) -> NoReturn:
        raise _RequestError(f"{message} (see {self.prog} --help)")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="lazygraph", description="Lazy task graphs for ordinary Python calls.")
    parser.add_argument("--version", action="version", version=f"lazygraph {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    _add_demo(commands)
    _add_migrate(commands)
    return parser


def _add_migrate(commands: Any) -> None:
    what = "list the uses of dask.delayed in code, say what becomes of each, change the imports"
    parser = commands.add_parser(
        "migrate",
        help=what,
        description=f"Migrate: {what}. Nothing is executed. Exit status: 0, all works by the "
        "import change alone; 1, something is to be changed by hand; 2, a file cannot be read.",
    )
    parser.set_defaults(command=_migrate)
    command.add_arguments(parser)


def _migrate(options: Any) -> int:
    for path in options.paths:
        if not path.exists():
            raise _RequestError(f"there is no {str(path)!r}")
    lines, status = command.lines_of(options)
    for line in lines:
        for each in line.splitlines():
            _say(each)
    return status


def _add_demo(commands: Any) -> None:
    what = "count what is in Python files, on every scheduler, and compare"
    parser = commands.add_parser("demo", help=what, description=f"Demo: {what}.")
    parser.set_defaults(command=_demo)
    left_out = ", ".join(sorted(demo.NOT_SOURCES))
    parser.add_argument(
        "--path",
        metavar="DIR",
        help=f"a source tree ({left_out} in it are left out); default: the standard library",
    )
    parser.add_argument(
        "--tests",
        action="store_true",
        help="also count the standard library's test packages (a tree given by --path is "
        "always counted with its tests)",
    )
    parser.add_argument("--limit", type=_at_least_1, metavar="N", help="take the first N files")
    parser.add_argument(
        "--scheduler",
        action="append",
        metavar="NAME",
        help=f"run on this one; may be repeated; known: {', '.join(_scheduler_names())}; "
        f"default: {', '.join(_DEFAULT_SCHEDULERS)}",
    )
    parser.add_argument(
        "--workers", type=_at_least_1, metavar="N", help="tasks to run at once; default: all cores"
    )
    parser.add_argument(
        "--svg",
        default="lazygraph-demo.svg",
        metavar="FILE",
        help="where to draw the graph of the first few files; default: %(default)s",
    )


def _at_least_1(text: str) -> int:
    if text.isdecimal() and int(text) >= 1:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 up")


def _demo(options: argparse.Namespace) -> int:
    """Check all that is asked for, then count, compare and print."""
    contenders = _contenders(options.scheduler or _DEFAULT_SCHEDULERS, options.workers)
    top, paths = _sources(options)
    n_drawn = _draw(paths[:_SMALL], options.svg)
    _row("path", str(top))
    if options.path is None and not options.tests:
        _row("left out", "test packages (--tests counts them too)")
    with warnings.catch_warnings():
        # Here, for all threads at once: old files in the tree are not what the user asks about.
        warnings.simplefilter("ignore", SyntaxWarning)
        warnings.simplefilter("ignore", DeprecationWarning)
        results = _race(top, paths, contenders)
    status = _verdict(results)
    _say(f"drawing of a small version: {options.svg} ({n_drawn} tasks)")
    return status


def _scheduler_names() -> list[str]:
    return [name for name in schedulers.names() if name != "distributed"]  # no client is here


def _contenders(names: Sequence[str], workers: int | None) -> dict[str, Any]:
    """Label -> what `compute` takes as its scheduler."""
    contenders: dict[str, Any] = {}
    for name in names:
        if name not in _scheduler_names():
            raise _RequestError(_unknown(name))
        label = _LABELS.get(name, name)
        contenders[label] = _scheduler(name, workers)
    return contenders


def _scheduler(name: str, workers: int | None) -> Any:
    try:
        return schedulers.choose(name, workers)
    except errors.OptionError as error:
        raise _RequestError(f"--workers {workers}: {error}") from None


def _unknown(name: str) -> str:
    near = errors.nearest(name, _scheduler_names())
    hint = f"; did you mean {near!r}?" if near is not None else ""
    return f"scheduler {name!r} is not known{hint} (known: {', '.join(_scheduler_names())})"


def _sources(options: argparse.Namespace) -> tuple[Path, list[Path]]:
    """The directory to look in, and the files to count."""
    is_default = options.path is None
    top = Path(sysconfig.get_path("stdlib") if is_default else options.path)
    try:
        list(top.iterdir())  # says what is wrong, where walking would find nothing
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise _RequestError(f"path {str(top)!r}: {reason}") from None
    left_out = demo.NOT_SOURCES | (demo.TESTS if is_default and not options.tests else set())
    paths = demo.python_files(top, left_out)
    if not paths:
        raise _RequestError(f"path {str(top)!r}: no Python files in it")
    return top, paths[: options.limit]


def _draw(paths: Sequence[Path], filename: str) -> int:
    """Draw the graph of a few files; before all else, since a place may not be writable."""
    total = demo.count_lazily(paths)
    try:
        total.visualize(filename=filename)
    except errors.DrawingError as error:
        raise _RequestError(f"{error} (see --svg)") from None
    return len(total.graph)


def _race(top: Path, paths: Sequence[Path], contenders: dict[str, Any]) -> dict[str, demo.Counts]:
    """The counts by the plain loop and by each contender; printed as they come."""
    with _working(_PLAIN):
        start = perf_counter()
        results = {_PLAIN: demo.count_plainly(paths)}
        seconds = perf_counter() - start
    _print_counts(results[_PLAIN], top)
    _row(_PLAIN, f"{seconds:.2f} s")
    total = demo.count_lazily(paths)
    for label, scheduler in contenders.items():
        with _working(label):
            results[label], seconds = demo.run(total, scheduler)
        _row(label, f"{seconds:.2f} s")
    return results


def _print_counts(counts: demo.Counts, top: Path) -> None:
    for name in ("files", "lines", "functions", "classes", "imports"):
        _row(name, f"{getattr(counts, name):,}")
    used = [f"{name} {n:,}" for name, n in demo.most_used(counts.names)]
    for i in range(0, len(used), _NAMES_PER_LINE):
        _row("" if i else "most used names", ", ".join(used[i : i + _NAMES_PER_LINE]))
    _print_skipped(counts.skipped, top)


def _print_skipped(skipped: Sequence[demo.Skipped], top: Path) -> None:
    _row("skipped files", f"{len(skipped):,}")
    for one in skipped[:_MOST_SKIPPED]:
        _say(f"  {one.path.relative_to(top).as_posix()}: {one.reason}")
    if len(skipped) > _MOST_SKIPPED:
        _say(f"  ... and {len(skipped) - _MOST_SKIPPED:,} more")


def _verdict(results: dict[str, demo.Counts]) -> int:
    """Say whether all results equal the first; the exit status."""
    (reference, expected), *others = results.items()
    status = 0
    for label, counts in others:
        found = demo.differences(expected, counts)
        if found:
            status = _DIFFERENT
            _say(f"lazygraph: {label} differs from {reference}: {'; '.join(found)}", sys.stderr)
    if not status:
        _say("all agree")
    return status


def _row(label: str, text: str) -> None:
    _say(f"{label:{_COLUMN}}{text}")


def _say(text: str, stream: TextIO | None = None) -> None:
    """Print one line at once, in characters that show and that the stream can take."""
    stream = sys.stdout if stream is None else stream
    encoding = getattr(stream, "encoding", None) or "utf-8"
    line = "".join(char if char.isprintable() else _escaped(char) for char in text)
    line = line.encode(encoding, "backslashreplace").decode(encoding)
    print(line, file=stream, flush=True)


def _escaped(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")


@contextmanager
def _working(label: str) -> Iterator[None]:
    """Tell who watches a terminal what is going on, and take it back at the end."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield
        return
    note = f"{label} ..."
    sys.stderr.write(note)
    sys.stderr.flush()
    try:
        yield
    finally:
        sys.stderr.write("\r" + " " * len(note) + "\r")
        sys.stderr.flush()


def _close_quietly(stream: TextIO) -> None:
    """Have the interpreter's last flush of a broken stream go nowhere."""
    with suppress(io.UnsupportedOperation):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())

"""``lazygraph demo``: what is asked for on the command line -> lines of text, and a status."""

from __future__ import annotations

import argparse
import sys
import sysconfig
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import Any, TypeAlias

from toolz import partition_all

from lazygraph import config, errors, schedulers
from lazygraph.demo import job
from lazygraph.tasks.reprs import counted

__all__ = ["RequestError", "add_arguments", "run"]

_DEFAULT_SCHEDULERS = ("synchronous", "threads", "processes", "dask-sync")
_LABELS = {"dask-sync": "dask (synchronous)"}
_PLAIN = "plain loop"
_SMALL = 6  # files: what is drawn must fit a screen
_MOST_SKIPPED = 5  # to name; the rest is a number
_COLUMN = 21  # where the second column of a table begins, in characters
_NAMES_PER_LINE = 5
_DIFFERENT = 1  # exit status

#: Prints one line; on stderr if that is the second argument.
Say: TypeAlias = Callable[..., None]


class RequestError(Exception):
    """A request that cannot be met; its text is the one line that the user sees."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    left_out = ", ".join(sorted(job.NOT_SOURCES))
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


def run(options: argparse.Namespace, say: Say) -> int:
    """Check all that is asked for, then count, compare and print; return the exit status."""
    contenders = _contenders(options.scheduler or _DEFAULT_SCHEDULERS, options.workers)
    top, paths = _sources(options)
    n_drawn = _draw(paths[:_SMALL], options.svg)
    _row(say, "path", str(top))
    if options.path is None and not options.tests:
        _row(say, "left out", "test packages (--tests counts them too)")
    with warnings.catch_warnings():
        # Here, for all threads at once: old files in the tree are not what the user asks about.
        warnings.simplefilter("ignore", SyntaxWarning)
        warnings.simplefilter("ignore", DeprecationWarning)
        results = _race(say, top, paths, contenders)
    status = _verdict(say, results)
    say(f"drawing of a small version: {options.svg} ({counted(n_drawn, 'task')})")
    return status


def _scheduler_names() -> list[str]:
    return [name for name in schedulers.names() if name != "distributed"]  # no client is here


def _contenders(names: Sequence[str], workers: int | None) -> dict[str, Any]:
    """Label -> what `compute` takes as its scheduler."""
    contenders: dict[str, Any] = {}
    for name in names:
        if name not in _scheduler_names():
            raise RequestError(_unknown(name))
        label = _LABELS.get(name, name)
        contenders[label] = _scheduler(name, workers)
    return contenders


def _scheduler(name: str, workers: int | None) -> Any:
    try:
        with config.set(num_workers=workers):  # the number is checked whoever heeds it
            pass
        return schedulers.choose(name, workers)
    except errors.UnsupportedOptionError:  # on one thread, whatever the number
        return schedulers.choose(name)
    except errors.OptionError as error:
        raise RequestError(f"--workers {workers}: {error}") from None


def _unknown(name: str) -> str:
    near = errors.nearest(name, _scheduler_names())
    hint = f"; did you mean {near!r}?" if near is not None else ""
    return f"scheduler {name!r} is not known{hint} (known: {', '.join(_scheduler_names())})"


def _sources(options: argparse.Namespace) -> tuple[Path, list[Path]]:
    """Return the directory to look in, and the files to count."""
    is_default = options.path is None
    top = Path(sysconfig.get_path("stdlib") if is_default else options.path)
    try:
        list(top.iterdir())  # says what is wrong, where walking would find nothing
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise RequestError(f"path {str(top)!r}: {reason}") from None
    left_out = job.NOT_SOURCES | (job.TESTS if is_default and not options.tests else set())
    paths = job.python_files(top, left_out)
    if not paths:
        raise RequestError(f"path {str(top)!r}: no Python files in it")
    return top, paths[: options.limit]


def _draw(paths: Sequence[Path], filename: str) -> int:
    """Draw the graph of a few files; before all else, since a place may not be writable."""
    total = job.count_lazily(paths)
    try:
        total.visualize(filename=filename)
    except errors.DrawingError as error:
        raise RequestError(f"{error} (see --svg)") from None
    return len(total.graph)


def _race(
    say: Say, top: Path, paths: Sequence[Path], contenders: dict[str, Any]
) -> dict[str, job.Counts]:
    """Return the counts by the plain loop and by each contender; printed as they come."""
    with _working(_PLAIN):
        start = perf_counter()
        results = {_PLAIN: job.count_plainly(paths)}
        seconds = perf_counter() - start
    _print_counts(say, results[_PLAIN], top)
    _row(say, _PLAIN, f"{seconds:.2f} s")
    total = job.count_lazily(paths)
    for label, scheduler in contenders.items():
        with _working(label):
            results[label], seconds = job.run(total, scheduler)
        _row(say, label, f"{seconds:.2f} s")
    return results


def _print_counts(say: Say, counts: job.Counts, top: Path) -> None:
    for name in ("files", "lines", "functions", "classes", "imports"):
        _row(say, name, f"{getattr(counts, name):,}")
    used = [f"{name} {n:,}" for name, n in job.most_used(counts.names)]
    for n, line in enumerate(partition_all(_NAMES_PER_LINE, used)):
        _row(say, "" if n else "most used names", ", ".join(line))
    _print_skipped(say, counts.skipped, top)


def _print_skipped(say: Say, skipped: Sequence[job.Skipped], top: Path) -> None:
    _row(say, "skipped files", f"{len(skipped):,}")
    for one in skipped[:_MOST_SKIPPED]:
        say(f"  {one.path.relative_to(top).as_posix()}: {one.reason}")
    if len(skipped) > _MOST_SKIPPED:
        say(f"  ... and {len(skipped) - _MOST_SKIPPED:,} more")


def _verdict(say: Say, results: dict[str, job.Counts]) -> int:
    """Say whether all results equal the first; the exit status."""
    (reference, expected), *others = results.items()
    status = 0
    for label, counts in others:
        found = job.differences(expected, counts)
        if found:
            status = _DIFFERENT
            say(f"lazygraph: {label} differs from {reference}: {'; '.join(found)}", sys.stderr)
    if not status:
        say("all agree")
    return status


def _row(say: Say, label: str, text: str) -> None:
    say(f"{label:{_COLUMN}}{text}")


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

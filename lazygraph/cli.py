"""Words on the command line in; lines of text and an exit status out."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, NoReturn, TextIO

from lazygraph import __version__
from lazygraph.demo import command as demo
from lazygraph.demo.command import RequestError
from lazygraph.migrate import command as migrate

__all__ = ["main"]

_REFUSED, _INTERRUPTED, _NO_READER = 2, 130, 141  # exit statuses


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
    except RequestError as error:
        _say(f"lazygraph: {error}", sys.stderr)
        return _REFUSED
    except KeyboardInterrupt:
        _say("interrupted", sys.stderr)
        return _INTERRUPTED
    finally:
        if sys.stdout is not None:  # None: closed by who started us
            sys.stdout.flush()  # --help leaves from here, without a _say
    return status


class _Parser(argparse.ArgumentParser):
    """A parser that leaves what is printed, and the exit, to `main`."""

    def error(self, message: str) -> NoReturn:
        raise RequestError(f"{message} (see {self.prog} --help)")


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
    migrate.add_arguments(parser)


def _migrate(options: Any) -> int:
    for path in options.paths:
        if not path.exists():
            raise RequestError(f"there is no {str(path)!r}")
    lines, status = migrate.lines_of(options)
    for line in lines:
        for each in line.splitlines():
            _say(each)
    return status


def _add_demo(commands: Any) -> None:
    what = "count what is in Python files, on every scheduler, and compare"
    parser = commands.add_parser("demo", help=what, description=f"Demo: {what}.")
    parser.set_defaults(command=lambda options: demo.run(options, _say))
    demo.add_arguments(parser)


def _say(text: str, stream: TextIO | None = None) -> None:
    """Print one line at once, in characters that show and that the stream can take."""
    stream = sys.stdout if stream is None else stream
    encoding = getattr(stream, "encoding", None) or "utf-8"
    line = "".join(char if char.isprintable() else _escaped(char) for char in text)
    line = line.encode(encoding, "backslashreplace").decode(encoding)
    print(line, file=stream, flush=True)


def _escaped(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")


def _close_quietly(stream: TextIO) -> None:
    """Have the interpreter's last flush of a broken stream go nowhere."""
    with suppress(io.UnsupportedOperation):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())

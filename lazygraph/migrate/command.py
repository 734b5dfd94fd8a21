"""``lazygraph migrate``: what is asked for on the command line -> lines or JSON, and a status."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lazygraph.migrate.report import Summary, migrate
from lazygraph.tasks.reprs import counted

__all__ = ["add_arguments", "lines_of", "status_of"]

_MOST_SHOWN = 10_000
_NOTHING, _MANUAL, _ERROR = 0, 1, 2


def add_arguments(parser: Any) -> None:
    """Return what the command takes."""
    parser.add_argument(
        "paths", metavar="PATH", nargs="+", type=Path, help="Python files, notebooks, or folders"
    )
    parser.add_argument("--write", action="store_true", help="change the imports")
    parser.add_argument("--json", action="store_true", help="print findings as JSON")
    parser.add_argument(
        "--all", action="store_true", help="also list uses that work by the import change alone"
    )


def lines_of(options: Any) -> tuple[list[str], int]:
    """Return what to print, and the exit status."""
    summary = migrate(options.paths, is_to_write=options.write)
    status = status_of(summary)
    if options.json:
        return [json.dumps(_as_dict(summary), indent=1)], status
    shown = [f for f in summary.findings if options.all or f.kind not in ("works", "stays")]
    return [*map(str, shown[:_MOST_SHOWN]), *_conclusion(summary, options)], status


def status_of(summary: Summary) -> int:
    """0: all works by the import change; 1: something is to be done by hand; 2: an error."""
    if summary.counts["error"]:
        return _ERROR
    return _MANUAL if summary.counts["manual"] else _NOTHING


def _conclusion(summary: Summary, options: Any) -> Iterator[str]:
    counts = summary.counts
    yield (
        f"{counted(summary.n_files, 'file')}: {counted(counts['works'], 'use works', 'uses work')} by the import change alone, "
        f"{counted(counts['stays'], 'stays', 'stay')} Dask's, {counted(counts['note'], 'note')}, "
        f"{counts['manual']} to be changed by hand, {counted(counts['error'], 'error')}"
    )
    if options.write:
        yield f"imports changed in {counted(len(summary.written), 'file')}"
    elif summary.changeable:
        yield f"imports would be changed in {counted(len(summary.changeable), 'file')}: add --write"


def _as_dict(summary: Summary) -> dict[str, Any]:
    return {
        "files": summary.n_files,
        "counts": dict(summary.counts),
        "changeable": summary.changeable,
        "written": summary.written,
        "findings": [finding._asdict() for finding in summary.findings],
    }

"""The command: ``python -m benchmarks``."""

from __future__ import annotations

import argparse
import json
import platform
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from os import cpu_count
from pathlib import Path
from typing import Any

from benchmarks.engines import ENGINES
from benchmarks.jobs import Job
from benchmarks.judge import Finding, Rounds, Verdict, judge
from benchmarks.rows import ROWS, Case, Row, is_slow, jobs_of, table_jobs
from benchmarks.runner import run_rounds
from benchmarks.table import LEGEND, columns, held_table, limit_text, stage_table
from benchmarks.workloads import WORKLOADS

__all__ = ["main"]

_ROUNDS, _QUICK_ROUNDS = 3, 1
_TABLE = "table"  # beside the rows' names


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is asked for; the exit code."""
    options = _parser().parse_args(arguments)
    if options.list:
        print(_listing())
        return 0
    rows = [row for row in ROWS if not options.only or row.name in options.only]
    jobs = _jobs(rows, with_table=not options.only or _TABLE in options.only, quick=options.quick)
    n_rounds = options.rounds or (_QUICK_ROUNDS if options.quick else _ROUNDS)
    outcomes = run_rounds(jobs, n_rounds, _progress)
    findings = [(row, judge(case, outcomes)) for row in rows for case in row.cases]
    stages = [stage_table(outcomes)] if any(job.measure == "speed" for job in jobs) else []
    held = [held_table(findings, outcomes)] if findings else []
    print("\n\n".join([_machine(), *stages, LEGEND, *held]))
    if options.json:
        _save(options.json, outcomes, findings)
    return _conclude(findings) if options.check else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one round; what is slow left out")
    parser.add_argument("--rounds", type=_count, help=f"how many rounds (default {_ROUNDS})")
    parser.add_argument("--only", type=_names, help="rows by name, comma between: see --list")
    parser.add_argument("--json", type=Path, metavar="FILE", help="save every figure there")
    parser.add_argument("--check", action="store_true", help="exit with 1 if a gate is missed")
    parser.add_argument("--list", action="store_true", help="print rows, workloads and engines")
    return parser


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of rounds, 1 or more")
    return int(text)


def _names(text: str) -> list[str]:
    known = [_TABLE, *(row.name for row in ROWS)]
    names = text.split(",")
    for name in names:
        if name not in known:
            message = f"row {name!r} is not known (known: {', '.join(known)})"
            raise argparse.ArgumentTypeError(message)
    return names


def _listing() -> str:
    head = ("row", "case", "gate", "reach", "what")
    lines = [
        (row.name, case.label, limit_text(case.gate), limit_text(case.reach), row.text)
        for row in ROWS
        for case in row.cases
    ]
    names = f"workloads: {', '.join(WORKLOADS)}\nengines: {', '.join(ENGINES)}"
    return f"{columns([head, *lines])}\n\n{names}"


def _jobs(rows: Sequence[Row], *, with_table: bool, quick: bool) -> list[Job]:
    """Each job once, those of one workload and size side by side."""
    jobs = table_jobs() if with_table else []
    jobs += [job for row in rows for case in row.cases for job in jobs_of(case)]
    chosen = [job for job in dict.fromkeys(jobs) if not (quick and is_slow(job))]
    engines = list(ENGINES)
    first_seen = {(j.measure, j.n, j.workload): i for i, j in reversed(list(enumerate(chosen)))}
    place = {job: first_seen[job.measure, job.n, job.workload] for job in chosen}
    turn = {job: engines.index(job.engine) if job.engine in engines else 0 for job in chosen}
    return sorted(chosen, key=lambda job: (place[job], turn[job]))


def _progress(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)
    else:
        print(text, file=sys.stderr, flush=True)


def _machine() -> str:
    return ", ".join(f"{name} {value}" for name, value in _about().items())


def _about() -> dict[str, str]:
    versions = {name: _version(name) for name in ("lazygraph", "dask", "numpy")}
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return {"python": python, **versions, "cores": str(cpu_count()), "on": platform.platform()}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "(from its source tree)"


def _save(
    path: Path, outcomes: Mapping[Job, Rounds], findings: Sequence[tuple[Row, Finding]]
) -> None:
    saved: dict[str, Any] = {
        "machine": _about(),
        "jobs": [
            {"job": job._asdict(), "rounds": [o and o._asdict() for o in rounds]}
            for job, rounds in outcomes.items()
        ],
        "rows": [{"row": row.name, **_as_dict(finding)} for row, finding in findings],
    }
    path.write_text(json.dumps(saved, indent=1) + "\n")


def _as_dict(finding: Finding) -> dict[str, Any]:
    case: Case = finding.case
    return {
        "case": case.label,
        "gate": limit_text(case.gate),
        "reach": limit_text(case.reach),
        "values": finding.values,
        "verdict": finding.verdict.value,
        "reason": finding.reason,
    }


def _conclude(findings: Sequence[tuple[Row, Finding]]) -> int:
    """Say how the check went; 1 if a gate was missed."""
    verdicts = Counter(finding.verdict for _, finding in findings)
    print("\n" + ", ".join(f"{count} {verdict.value}" for verdict, count in verdicts.items()))
    return 1 if verdicts[Verdict.MISSED] else 0


if __name__ == "__main__":
    sys.exit(main())

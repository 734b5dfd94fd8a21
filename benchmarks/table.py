"""Outcomes to text: the stages of every workload on every engine, and the rows that are held."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import inf
from statistics import median

from benchmarks.jobs import Job
from benchmarks.judge import Finding, Rounds, values_of
from benchmarks.rows import Case, Figure, Row

__all__ = ["LEGEND", "columns", "held_table", "limit_text", "stage_table"]

LEGEND = """\
us per task, medians over the rounds; each figure from a fresh process, the engines in turn.
  plain     the same calls written directly in Python: no graph, results in lists and variables
  bare      the graph as data, run by the simplest loop: a list of (function, argument slots) in
            order, results in a list that is never emptied; no errors, no events, no release
  capture   the calls that make the graph           plan   lazygraph's passes and plan
  run       lazygraph's scheduler on that plan      compute  the public function: plan and run
  whole     capture and compute                     peak   MB above what the process held before
  /dask     whole, to Dask's same-named scheduler   /plain  whole, to the plain loop
A row's value is the median over the rounds of ours / theirs in one round (min, max: the same),
or of ours alone; gate and reach say what it may be at most. METG tasks hash a buffer (SHA-256,
which releases the GIL), withheld unless the coarsest keep the cores 85 to 110 % busy.
Tasks return their first argument; garbage collector on; two threads, or two processes that
started before the clock (but for the row cold); memory is that of the parent. stencil_1d, fft,
random_nearest, trivial, spread, all_to_all and task_bench_tree are our own implementation of
the patterns of Task Bench (Slaughter et al., SC20, arXiv 1908.05790)."""

_STAGES = ("capture", "plan", "run", "compute", "whole")
_HEAD = ("workload", "tasks", "engine", *_STAGES, "peak", "/dask", "/plain")
_HELD_HEAD = (
    *("row", "case", "value", "min", "max", "gate", "reach"),
    *("figure", "ours", "theirs", "verdict"),
)


def columns(rows: Iterable[Sequence[str]]) -> str:
    """Lines of text with the cells of `rows` below each other; numbers to the right."""
    table = [list(row) for row in rows]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = []
    for row in table:
        cells = [
            cell.rjust(width) if _is_number(cell) else cell.ljust(width)
            for cell, width in zip(row, widths, strict=True)
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def _is_number(cell: str) -> bool:
    return cell == "-" or cell.replace("/", "").replace(".", "").isdigit()


def _short(value: float | None) -> str:
    """Three digits, or a dash."""
    if value is None:
        return "-"
    return f"{value:.3g}" if value < 1000 else f"{value:.0f}"


def limit_text(value: float) -> str:
    """A ratio as one says it, ``1/25``; a dash for one that is not held.

    Examples
    --------
    >>> limit_text(0.04), limit_text(2.3), limit_text(float("inf"))
    ('1/25', '2.3', '-')
    """
    if value == inf:
        return "-"
    return f"1/{_short(1 / value)}" if value < 0.5 else _short(value)


def stage_table(outcomes: Mapping[Job, Rounds]) -> str:
    """Every job that timed stages, one line each."""
    jobs = [job for job in outcomes if job.measure == "speed"]
    return columns([_HEAD, *(_stage_line(job, outcomes) for job in jobs)])


def _stage_line(job: Job, outcomes: Mapping[Job, Rounds]) -> list[str]:
    start = [job.workload, str(job.n), job.engine]
    if not _middle(Figure(job, "whole_us"), None, outcomes):
        problems = [o.problem for o in outcomes[job] if o is not None and o.problem]
        return [*start, *["-"] * 7, f"withheld: {problems[0] if problems else 'not run'}"]
    stages = [_middle(Figure(job, f"{stage}_us"), None, outcomes) for stage in _STAGES]
    peak = _middle(Figure(job, "peak_mb"), None, outcomes)
    ratios = [_beside(job, other, outcomes) for other in (_twin(job), job._replace(engine="plain"))]
    return [*start, *map(_short, [*stages, peak]), *ratios]


def _twin(job: Job) -> Job:
    """Dask's job of the same scheduler."""
    return job._replace(engine=job.engine.replace("lazygraph-", "dask-"))


def _beside(job: Job, other: Job, outcomes: Mapping[Job, Rounds]) -> str:
    if job == other or other not in outcomes:
        return "-"
    value = _middle(Figure(job, "whole_us"), Figure(other, "whole_us"), outcomes)
    return "-" if value is None else limit_text(value)


def _middle(ours: Figure, theirs: Figure | None, outcomes: Mapping[Job, Rounds]) -> float | None:
    values = values_of(ours, theirs, outcomes)
    return median(values) if values else None


def held_table(findings: Sequence[tuple[Row, Finding]], outcomes: Mapping[Job, Rounds]) -> str:
    """Every case with its value, its limits and its verdict, one line each."""
    return columns([_HELD_HEAD, *(_held_line(row, f, outcomes) for row, f in findings)])


def _held_line(row: Row, finding: Finding, outcomes: Mapping[Job, Rounds]) -> list[str]:
    case, values = finding.case, finding.values
    text = _short if case.theirs is None else limit_text
    spread = (median(values), min(values), max(values)) if values else ()
    shown = [text(value) for value in spread] or ["-"] * 3
    verdict = finding.verdict.value + (f": {finding.reason}" if finding.reason else "")
    return [
        row.name,
        case.label,
        *shown,
        _limit(case, case.gate),
        _limit(case, case.reach),
        case.ours.name,
        *(_alone(figure, outcomes) for figure in (case.ours, case.theirs)),
        verdict,
    ]


def _limit(case: Case, limit: float) -> str:
    return _short(limit) if case.theirs is None and limit != inf else limit_text(limit)


def _alone(figure: Figure | None, outcomes: Mapping[Job, Rounds]) -> str:
    if figure is None or figure.job not in outcomes:
        return "-"
    return _short(_middle(figure, None, outcomes))

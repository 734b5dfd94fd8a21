"""Jobs to outcomes: each job a fresh process, the engines taking turns, round after round."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from time import perf_counter

from benchmarks.jobs import Job, Outcome

__all__ = ["Outcomes", "run_job", "run_rounds"]

#: Per job, one outcome per round; None where the job was left out of a round.
Outcomes = dict[Job, list[Outcome | None]]

_ROOT = Path(__file__).resolve().parent.parent
_TIMEOUT_SECONDS = 150.0
# A job that has taken this long in all is not begun again: two rounds of it must do.
_JOB_SECONDS = 30.0


def run_job(job: Job, timeout_seconds: float = _TIMEOUT_SECONDS) -> Outcome:
    """Measure in a fresh process; one that fails or takes too long gives a problem, not an error."""
    command = [sys.executable, "-m", "benchmarks.child", json.dumps(job)]
    start = perf_counter()
    try:
        done = subprocess.run(
            command,
            cwd=_ROOT,
            timeout=timeout_seconds,
            capture_output=True,
            text=True,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Outcome({}, f"took more than {timeout_seconds:g} s", seconds=timeout_seconds)
    return _read(done)._replace(seconds=perf_counter() - start)


def _read(done: subprocess.CompletedProcess[str]) -> Outcome:
    if done.returncode:
        said = done.stderr.strip().splitlines() or [""]
        return Outcome({}, f"ended with code {done.returncode}: {said[-1]}")
    answer = json.loads(done.stdout.splitlines()[-1])
    if "withheld" in answer:
        return Outcome({}, answer["withheld"], is_withheld=True)
    return Outcome(answer["figures"])


def run_rounds(
    jobs: Sequence[Job],
    n_rounds: int,
    report: Callable[[str], None],
    run: Callable[[Job], Outcome] = run_job,
) -> Outcomes:
    """Every job once per round: A B C, A B C.

    Parameters
    ----------
    jobs : sequence of Job
        In the order to run them in: those to be compared side by side.
    n_rounds : int
        How often.
    report : callable
        Is told what is about to run.
    run : callable
        Job -> Outcome.

    Returns
    -------
    Outcomes
        A job that has taken half a minute already is left out of later rounds, and so is one
        that failed.
    """
    outcomes: Outcomes = {job: [] for job in jobs}
    for number in range(1, n_rounds + 1):
        for place, job in enumerate(jobs, 1):
            report(f"round {number}/{n_rounds}  job {place}/{len(jobs)}  {job}")
            outcomes[job].append(None if _is_enough(outcomes[job]) else run(job))
    return outcomes


def _ran(outcomes: Sequence[Outcome | None]) -> Iterator[Outcome]:
    return (outcome for outcome in outcomes if outcome is not None)


def _is_enough(outcomes: Sequence[Outcome | None]) -> bool:
    has_failed = any(o.problem and not o.is_withheld for o in _ran(outcomes))
    return has_failed or sum(o.seconds for o in _ran(outcomes)) > _JOB_SECONDS

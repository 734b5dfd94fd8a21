"""Seconds per task of capture, passes and plan, run; and the peak of memory."""

from __future__ import annotations

from statistics import median

from benchmarks.engines import ENGINES, Clock, Engine
from benchmarks.jobs import Figures, Job
from benchmarks.measures.memory import peak_bytes
from benchmarks.measures.repeat import repeated
from benchmarks.workloads import WORKLOADS, Prepared

__all__ = ["speed"]

_N_WARM = 50
_MB = 1e6


def speed(job: Job) -> Figures:
    """Microseconds per task of each stage, medians over some trials.

    Returns
    -------
    Figures
        ``capture_us``, ``compute_us`` (of the public function), ``whole_us`` (both, one after
        the other), for lazygraph also ``plan_us`` and ``run_us``; ``first_seconds``, the whole
        of the first trial; ``peak_mb`` above what the process took before it, ``process_gb``
        in all.
    """
    engine = ENGINES[job.engine]()
    engine.trial(WORKLOADS[job.workload](_N_WARM), Clock())
    prepared = WORKLOADS[job.workload](job.n)
    before = peak_bytes()
    results = repeated(lambda: _seconds(engine, prepared))
    trials = [next(results)]
    peak = peak_bytes()
    trials += results
    figures = {f"{stage}_us": 1e6 * s / prepared.n_tasks for stage, s in _medians(trials).items()}
    memory = {"peak_mb": (peak - before) / _MB, "process_gb": peak / _MB / 1000}
    return figures | memory | {"first_seconds": trials[0]["whole"]}


def _seconds(engine: Engine, prepared: Prepared) -> dict[str, float]:
    clock = Clock()
    engine.trial(prepared, clock)
    seconds = clock.seconds
    return seconds | {"whole": seconds.get("capture", 0.0) + seconds["compute"]}


def _medians(trials: list[dict[str, float]]) -> dict[str, float]:
    return {stage: median(trial[stage] for trial in trials) for stage in trials[0]}

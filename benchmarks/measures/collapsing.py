"""Seconds to put the tasks of a large graph into groups to be drawn, and the memory for it."""

from __future__ import annotations

from statistics import median
from time import perf_counter

from benchmarks.jobs import Figures, Job
from benchmarks.measures.memory import peak_bytes
from benchmarks.measures.repeat import repeated
from benchmarks.shapes import SHAPES

__all__ = ["collapsing"]

_N_WARM = 50
_GB = 1e9


def collapsing(job: Job) -> Figures:
    """Collapse a shape, its functions and dependencies at hand.

    Returns
    -------
    Figures
        ``collapse_seconds``, the median over some trials; ``collapse_us`` per task;
        ``groups``, how many there are; ``process_gb``, the peak of the process in all.
    """
    from lazygraph.viz.collapse.collapse import Groups, collapse

    def trial() -> tuple[float, Groups]:
        start = perf_counter()
        groups = collapse(names, dependencies)
        return perf_counter() - start, groups

    collapse(*_read(job.workload, _N_WARM))
    names, dependencies = _read(job.workload, job.n)
    trials = list(repeated(trial))
    seconds = median(seconds for seconds, _ in trials)
    return {
        "collapse_seconds": seconds,
        "collapse_us": 1e6 * seconds / len(names),
        "groups": len(trials[0][1].members),
        "process_gb": peak_bytes() / _GB,
    }


def _read(workload: str, n: int) -> tuple[list[str], list[list[int]]]:
    """Functions' names, which are labels without their numbers; dependencies of each task."""
    labels, edges = SHAPES[workload](n)
    dependencies: list[list[int]] = [[] for _ in labels]
    for start, end in edges:
        dependencies[end].append(start)
    return [label.rstrip("-0123456789") for label in labels], dependencies

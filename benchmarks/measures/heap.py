"""Bytes that a captured task holds."""

from __future__ import annotations

import gc
import tracemalloc

from benchmarks.engines import ENGINES
from benchmarks.jobs import Figures, Job
from benchmarks.workloads import WORKLOADS

__all__ = ["captured_bytes"]

_N_WARM = 50


def captured_bytes(job: Job) -> Figures:
    """What `tracemalloc` counts after a capture and before, per task; garbage collected."""
    engine = ENGINES[job.engine]()
    WORKLOADS[job.workload](_N_WARM).build(engine.lift)
    prepared = WORKLOADS[job.workload](job.n)
    tracemalloc.start()
    gc.collect()
    before, _ = tracemalloc.get_traced_memory()
    outputs = prepared.build(engine.lift)
    gc.collect()
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    del outputs
    return {"task_bytes": (after - before) / prepared.n_tasks}

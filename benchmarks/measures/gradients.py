"""Gradients: what the way back costs a task, a training step, and how much stays in memory."""

from __future__ import annotations

from collections.abc import Callable
from statistics import median
from time import perf_counter
from typing import Any

from benchmarks.jobs import Figures, Job
from benchmarks.measures.repeat import repeated
from benchmarks.measures.threads_of_blas import one_blas_thread

__all__ = ["backward_graph", "gradient_memory", "towers"]


def _chain(x: Any, n: int) -> Any:
    for _ in range(n):
        x = x * 1.00001
    return x


def _tree(x: Any, n: int) -> Any:
    leaves = [x * float(i) for i in range((n + 1) // 2)]
    while len(leaves) > 1:
        pairs = zip(leaves[::2], leaves[1::2], strict=False)
        leaves = [a + b for a, b in pairs] + leaves[len(leaves) & ~1 :]
    return leaves[0]


_GRAPHS: dict[str, Callable[[Any, int], Any]] = {"chain": _chain, "tree": _tree}


def backward_graph(job: Job) -> Figures:
    """Microseconds per task of the backward graph: to build it, and to run both ways."""
    from lazygraph import delayed, grad

    x = delayed(0.5)
    goal = _GRAPHS[job.workload](x, job.n)

    def trial() -> tuple[float, float]:
        start = perf_counter()
        gradient = grad(goal, x)
        built = perf_counter()
        gradient.compute(scheduler="synchronous")
        return built - start, perf_counter() - built

    n_tasks = len(grad(goal, x).graph)
    n_forward = len(goal.graph)
    trials = list(repeated(trial))
    build, run = (1e6 * median(column) for column in zip(*trials, strict=True))
    return {
        "build_us": build / (n_tasks - n_forward),
        "run_us": run / n_tasks,
        "tasks": n_tasks / n_forward,
    }


# ---------------------------------------------------------------- two towers
_WIDTH, _DEPTH = 1_000, 4


def towers(job: Job) -> Figures:
    """Milliseconds of a training step of two towers of 1,000 x 1,000 matrices, on `n` threads."""
    one_blas_thread()
    import numpy as np

    import lazygraph
    from lazygraph import delayed, value_and_grad

    rng = np.random.default_rng(0)
    batch = rng.standard_normal((_WIDTH, _WIDTH))
    weights = [
        [delayed(rng.standard_normal((_WIDTH, _WIDTH)) / _WIDTH**0.5) for _ in range(_DEPTH)]
        for _ in range(2)
    ]
    ends = []
    for tower in weights:
        h: Any = batch
        for w in tower:
            h = np.tanh(h @ w)
        ends.append(np.mean(h * h))
    step = value_and_grad(ends[0] + ends[1], weights)

    def trial() -> float:
        start = perf_counter()
        lazygraph.compute(*step, scheduler="threads", num_workers=job.n)
        return perf_counter() - start

    trial()
    return {"step_ms": 1e3 * median(repeated(trial))}


# -------------------------------------------------------------------- memory
_N_LAYERS, _N_NUMBERS = 48, 100_000


def gradient_memory(job: Job) -> Figures:
    """Most bytes of results alive at a time, beside those of all forward results together.

    ``kept``: results go after their last use. ``remat``: but for the last of every seven
    layers, they are computed again.
    """
    import numpy as np

    from lazygraph import compute, delayed, vjp
    from lazygraph.observers import Recorder

    again = delayed(_layer, vjp=_layer_vjp, remat=True)
    kept = delayed(_layer, vjp=_layer_vjp)
    segment = 7 if job.workload == "remat" else 1
    h: Any = np.full(_N_NUMBERS, 0.1)
    weights = [delayed(1.0 + i / 100) for i in range(_N_LAYERS)]
    for i, w in enumerate(weights, 1):
        h = np.tanh((again if i % segment else kept)(h, w) + w)
    recorder = Recorder()
    gradient = vjp(h, weights, np.ones(_N_NUMBERS))
    compute(gradient, observers=[recorder], scheduler="synchronous")
    return {"share": _peak(recorder) / (3 * _N_LAYERS * 8 * _N_NUMBERS)}


def _layer(h: Any, w: float) -> Any:
    return h * w


def _layer_vjp(ct: Any, _out: Any, h: Any, w: float) -> Any:
    return ct * w, float((ct * h).sum())


def _peak(recorder: Any) -> int:
    sizes: dict[Any, int] = {}
    peak = 0
    for event in recorder.events:
        kind = type(event).__name__
        if kind == "TaskEnded":
            sizes[event.key] = event.nbytes or 0
            peak = max(peak, sum(sizes.values()))
        elif kind == "Released":
            del sizes[event.key]
    return peak

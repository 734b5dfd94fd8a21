"""The rows of figures that are held: what is compared, the gate, and the reach beyond it.

To add a row, add an entry to `ROWS`; to show an engine or a workload in the table of stages,
add its name to `TABLE_ENGINES` or `TABLE_WORKLOADS`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from math import inf

from benchmarks.jobs import Job
from benchmarks.shapes import SHAPES

__all__ = ["ROWS", "Case", "Figure", "Row", "is_slow", "jobs_of", "table_jobs"]


@dataclass(frozen=True)
class Figure:
    """One figure that a job brings home."""

    job: Job
    name: str


@dataclass(frozen=True)
class Case:
    """A value that is held: `ours` divided by `theirs`, or `ours` alone. Less is better.

    `gate` is what it may be at most (infinite where nothing is held), `reach` what is hoped for.
    """

    label: str
    ours: Figure
    theirs: Figure | None
    gate: float
    reach: float


@dataclass(frozen=True)
class Row:
    """Cases under one name."""

    name: str
    text: str
    cases: tuple[Case, ...]


#: A case's gate and reach.
Limits = tuple[float, float]

_HELD = ("tree", "stencil_1d", "fan", "map_reduce")
_K = 1_000
_SIZES = (_K, 10 * _K)
_FEWER = 0.999  # any less than as many


def _label(workload: str, n: int) -> str:
    return f"{workload} {n // _K}k"


def _jobs(measure: str, workload: str = "", n: int = 0, scheduler: str = "") -> tuple[Job, Job]:
    """A job of ours and the same of Dask's."""
    ours, theirs = (f"{library}{scheduler}" for library in ("lazygraph", "dask"))
    return Job(measure, ours, workload, n), Job(measure, theirs, workload, n)


def _ratio(label: str, jobs: tuple[Job, Job], figure: str, limits: Limits) -> Case:
    ours, theirs = (Figure(job, figure) for job in jobs)
    return Case(label, ours, theirs, *limits)


def _alone(label: str, job: Job, figure: str, limits: Limits) -> Case:
    return Case(label, Figure(job, figure), None, *limits)


def _stage(stage: str, scheduler: str, workload: str, n: int, limits: Limits) -> Case:
    jobs = _jobs("speed", workload, n, f"-{scheduler}")
    return _ratio(f"{_label(workload, n)}, {scheduler}", jobs, f"{stage}_us", limits)


def _held(scheduler: str, limits: Limits) -> Iterator[Case]:
    return (_stage("compute", scheduler, w, n, limits) for w in _HELD for n in _SIZES)


def _beside_bare(workload: str, n: int) -> Case:
    jobs = _sync(workload, n), Job("speed", "bare", workload, n)
    return _ratio(_label(workload, n), jobs, "compute_us", (5.0, 2.5))


def _sync(workload: str, n: int) -> Job:
    return Job("speed", "lazygraph-sync", workload, n)


def _grown(workload: str, small: int, large: int, figure: str, limits: Limits) -> Case:
    label = f"{_label(workload, small)} to {large // _K}k"
    return _ratio(label, (_sync(workload, large), _sync(workload, small)), figure, limits)


def _metg(pattern: str) -> Iterator[Case]:
    jobs = _jobs("metg", pattern, 256, "-threads")
    yield _ratio(pattern, jobs, "metg_us", (1 / 8, 1 / 20))
    yield _alone(f"{pattern}, us", jobs[0], "metg_us", (inf, 20.0))


def _beside_chunks(measure: str, workload: str, n: int, chunks: str) -> tuple[Job, Job]:
    """A job on processes, and the same on Dask's with chunks of its own six or of some other."""
    ours, theirs = _jobs(measure, workload, n, "-processes")
    return ours, theirs._replace(engine=theirs.engine + chunks)


def _warm(workload: str, chunks: str, limits: Limits) -> Case:
    jobs = _beside_chunks("speed", workload, _K, chunks)
    return _ratio(_label(workload, _K), jobs, "compute_us", limits)


def _metg_processes(pattern: str) -> Case:
    jobs = _beside_chunks("metg", pattern, 256, "-8")
    return _ratio(pattern, jobs, "metg_us", (1 / 2, 1 / 6))


def _edges(megabytes: int) -> Iterator[Case]:
    jobs = _beside_chunks("edges", "", megabytes, "-1")
    yield _ratio(f"{megabytes} MB", jobs, "s_per_gb", (1 / 5, 1 / 15))
    yield _alone(f"{megabytes} MB, s per GB", jobs[0], "s_per_gb", (inf, 0.5))


def _captured(workload: str) -> Iterator[Case]:
    jobs = _jobs("captured", workload, 10 * _K, "-sync")
    yield _ratio(_label(workload, 10 * _K), jobs, "task_bytes", (1 / 4, 1 / 7))
    yield _alone(f"{workload} 10k, bytes", jobs[0], "task_bytes", (280.0, 280.0))


def _passes(n: int) -> Case:
    return _ratio(_label("tree", n), _jobs("passes", "tree", n), "passes_us", (1 / 4, 1 / 10))


def _alive(workload: str) -> Iterator[Case]:
    for way in ("watched", "planned"):
        label = f"{_label(workload, _K)}, {way}"
        yield _ratio(label, _jobs("alive", workload, _K), way, (1.0, _FEWER))


def _collapsed(shape: str, n: int, limits: Limits) -> Case:
    job = Job("collapse", "lazygraph", shape, n)
    return _alone(f"{_label(shape, n)}, seconds", job, "collapse_seconds", limits)


_COLLAPSED = ("tree", "chain", "stencil", "fft", "random", "mlp")


def _drawn(measure: str, shape: str, n: int) -> tuple[Job, Job]:
    """A job of our layout and the same of dot's."""
    return Job(measure, "lazygraph", shape, n), Job(measure, "dot", shape, n)


def _layout(shape: str, n: int) -> Iterator[Case]:
    """Milliseconds, and beside dot, which is not held: it is written in C."""
    jobs = _drawn("layout", shape, n)
    most_ms = 200.0 if (shape, n) == ("mlp", 100) else _LAYOUT_MS[n]
    yield _alone(f"{shape} {n}, ms", jobs[0], "layout_ms", (most_ms, most_ms / 2))
    yield _ratio(f"{shape} {n}", jobs, "layout_ms", (inf, 1.0))


def _quality(shape: str, n: int) -> Iterator[Case]:
    jobs = _drawn("quality", shape, n)
    crossings = (1.25, 1.0) if shape in {"random", "mlp"} else (1.0, 1.0)
    length = (1.4, 1.1) if shape == "tree" else (1.1, 1.0)
    yield _ratio(f"{shape} {n}, crossings", jobs, "crossings+1", crossings)
    yield _ratio(f"{shape} {n}, length", jobs, "length_px", length)
    yield _ratio(f"{shape} {n}, width", jobs, "width_px", (1.1, 1.0))


def _called(n: int) -> Iterator[Case]:
    """A call of a planned function: its overhead, and beside Dask's compute."""
    ours, theirs, plain = (
        Job("function", engine, "sums", n) for engine in ("lazygraph-sync", "dask-sync", "plain")
    )
    yield _alone(f"{n:,} tasks, overhead in us a task", ours, "overhead_us", (0.3, 0.15))
    yield _ratio(f"{n:,} tasks beside Dask", (ours, theirs), "call_us", (1 / 20, 1 / 100))
    yield _ratio(f"{n:,} tasks beside plain calls", (ours, plain), "call_us", (inf, 3.0))


def _gradient(graph: str, n: int) -> Iterator[Case]:
    job = Job("gradient", "lazygraph", graph, n)
    yield _alone(f"{_label(graph, n)}, us to build a task", job, "build_us", (inf, 5.0))
    yield _alone(f"{_label(graph, n)}, us to run a task", job, "run_us", (inf, 2.0))


def _trained(engine: str, limits: Limits) -> Case:
    jobs = Job("step", "lazygraph", "", 256), Job("step", engine, "", 256)
    return _ratio(f"digits, 256 units, beside {engine}", jobs, "step_ms", limits)


def _two_towers() -> Case:
    two, one = (Job("towers", "lazygraph", "", n_threads) for n_threads in (2, 1))
    return _ratio("two threads beside one", (two, one), "step_ms", (1 / 1.5, 1 / 1.8))


def _remembered(how: str, limits: Limits) -> Case:
    job = Job("gradient-memory", "lazygraph", how)
    return _alone(f"{how}, share of all forward results", job, "share", limits)


_LAYOUT_MS = {10: 5.0, 100: 100.0, 1_000: 1_000.0, 10_000: 4_000.0}

_MILLION = _sync("tree", 1000 * _K)
_DOUBLED = (10 * _K, 100 * _K, 500 * _K)

ROWS: tuple[Row, ...] = (
    Row(
        "capture",
        "capture beside Dask's",
        (
            _stage("capture", "sync", "tree", _K, (1 / 25, 1 / 60)),
            _stage("capture", "sync", "stencil_1d", 10 * _K, (1 / 800, 1 / 2500)),
        ),
    ),
    Row(
        "capture-growth",
        "capture per task at 100k beside 1k",
        tuple(_grown(w, _K, 100 * _K, "capture_us", (3.0, 2.0)) for w in ("chain", "tree")),
    ),
    Row(
        "sync",
        "compute on one thread beside Dask's",
        tuple(_held("sync", (1 / 12, 1 / 30))),
    ),
    Row(
        "sync-limit",
        "compute on one thread beside the bare loop",
        tuple(_beside_bare(w, n) for w in _HELD for n in _SIZES),
    ),
    Row(
        "threads",
        "compute on two threads beside Dask's",
        tuple(_held("threads", (1 / 12, 1 / 30))),
    ),
    Row(
        "metg-threads",
        "METG(50 %) on two threads beside Dask's",
        (*_metg("stencil_1d"), *_metg("fft"), *_metg("trivial")),
    ),
    Row(
        "whole",
        "capture and compute beside Dask's",
        (
            _stage("whole", "sync", "chain", 10 * _K, (1 / 100, 1 / 400)),
            _stage("whole", "sync", "stencil_1d", 10 * _K, (1 / 100, 1 / 400)),
            _stage("whole", "threads", "stencil_1d", 10 * _K, (1 / 100, 1 / 400)),
        ),
    ),
    Row(
        "million",
        "a million tasks, capture and compute on one thread",
        (
            _alone("tree, seconds", _MILLION, "first_seconds", (8.0, 4.0)),
            _alone("tree, GB of the process", _MILLION, "process_gb", (1.2, 0.6)),
        ),
    ),
    Row(
        "memory",
        "memory per captured task beside Dask's",
        (*_captured("tree"), *_captured("chain")),
    ),
    Row(
        "passes",
        "cull, fuse and order beside Dask's",
        (_passes(10 * _K), _passes(100 * _K)),
    ),
    Row(
        "alive",
        "most results alive, seen by an observer and by the plan, beside Dask's order",
        (*_alive("map_reduce"), *_alive("stencil_1d"), *_alive("tree"), *_alive("shuffle")),
    ),
    Row(
        "pure",
        "pure=True, one array of 8 MB given to 50 calls, beside Dask's",
        (_ratio("50 calls", _jobs("pure", n=50), "whole_ms", (1 / 20, 1 / 40)),),
    ),
    Row(
        "processes",
        "compute on two warm processes beside Dask's, its pool warm and its chunks the best of "
        "1, 6, 20, 60, 250, 500",
        (
            _warm("fan", "-500", (1 / 15, 1 / 50)),
            _warm("stencil_1d", "-500", (1 / 4, 1 / 10)),
            _warm("chain", "", (1 / 20, 1 / 100)),
        ),
    ),
    Row(
        "metg-processes",
        "METG(50 %) on two warm processes beside Dask's in chunks of 8, the best of 1, 4, 6, 8",
        (_metg_processes("stencil_1d"), _metg_processes("fft")),
    ),
    Row(
        "edges",
        "arrays from task to task on two warm processes beside Dask's in chunks of 1, each to "
        "two dependents",
        (*_edges(10), *_edges(100)),
    ),
    Row(
        "cold",
        "first 8 results of 2 processes that compute starts, beside Dask's",
        (_ratio("8 results", _jobs("cold"), "first_ms", (1 / 2, 1 / 4)),),
    ),
    Row(
        "import",
        "import beside Dask's",
        (_ratio("import", _jobs("import"), "import_ms", (1 / 4, 1 / 8)),),
    ),
    Row(
        "function",
        "a call of a function of a graph, on one thread",
        tuple(case for n in (10, _K, 100 * _K) for case in _called(n)),
    ),
    Row(
        "gradient",
        "the way back per task; a training step; two towers of 1,000 x 1,000 matrices; memory",
        (
            *_gradient("chain", _K),
            *_gradient("chain", 100 * _K),
            *_gradient("tree", 10 * _K),
            _trained("autograd", (1.0, 0.8)),
            _trained("by-hand", (1.5, 1.2)),
            _trained("torch", (inf, 1.5)),
            _two_towers(),
            _remembered("kept", (0.75, 0.7)),
            _remembered("remat", (0.5, 0.4)),
        ),
    ),
    Row(
        "collapse",
        "tasks put into groups to be drawn",
        (
            *(_collapsed(shape, 100 * _K, (3.0, 1.2)) for shape in _COLLAPSED),
            *(_collapsed(shape, 1000 * _K, (30.0, 12.0)) for shape in _COLLAPSED),
        ),
    ),
    Row(
        "layout",
        "a picture's layout, and beside dot's, given 30 seconds",
        tuple(case for n in _LAYOUT_MS for shape in SHAPES for case in _layout(shape, n)),
    ),
    Row(
        "quality",
        "crossings of edges (one more than there are), their length and the picture's width "
        "beside dot's, counted on the curves as drawn",
        tuple(case for n in (10, 100, _K) for shape in SHAPES for case in _quality(shape, n)),
    ),
    Row(
        "growth",
        "capture and compute of twice the tasks",
        tuple(
            _grown(w, n, 2 * n, "first_seconds", (2.3, 2.3))
            for w in ("chain", "tree")
            for n in _DOUBLED
        ),
    ),
)

TABLE_ENGINES = (
    "plain",
    "bare",
    "lazygraph-sync",
    "dask-sync",
    "lazygraph-threads",
    "dask-threads",
)
TABLE_WORKLOADS = (
    "chain",
    "fan",
    "map_reduce",
    "tree",
    "expressions",
    "stencil_1d",
    "fft",
    "random_nearest",
)


def table_jobs() -> list[Job]:
    """Every workload of the table on every engine, 1k tasks; and 10k for those that are held."""
    sizes = [*product(TABLE_WORKLOADS, [_K]), *product(_HELD, [10 * _K])]
    return [Job("speed", engine, w, n) for w, n in sizes for engine in TABLE_ENGINES]


def jobs_of(case: Case) -> list[Job]:
    """The jobs that a case compares."""
    return [figure.job for figure in (case.ours, case.theirs) if figure is not None]


#: Each call of Dask's copies what lies behind its arguments: quadratic in a graph's depth.
_DEEP = ("chain", "stencil_1d", "fft", "random_nearest")


def is_slow(job: Job) -> bool:
    """Whether a job takes longer than ``--quick`` allows."""
    if job.n > 200 * _K:
        return True
    is_deep = job.n > _K and job.workload in _DEEP
    if job.engine == "dot":
        return job.n >= _K
    is_large = job.measure == "edges" and job.n >= 100
    return job.engine.startswith("dask") and (is_deep or is_large)

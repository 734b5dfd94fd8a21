"""The benchmarks measure what they say; how fast anything is, is not tested here."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from math import inf
from pathlib import Path

import pytest

from benchmarks import child
from benchmarks.__main__ import main
from benchmarks.engines import ENGINES, Clock, close_pools
from benchmarks.jobs import Job, Outcome, Withheld
from benchmarks.judge import Verdict, judge
from benchmarks.measures import MEASURES
from benchmarks.measures.grain import Point, Work, metg_of
from benchmarks.measures.graphs import alive_in_order
from benchmarks.patterns import PATTERNS, levels_of
from benchmarks.programs import record
from benchmarks.rows import ROWS, Case, Figure, is_slow, jobs_of, table_jobs
from benchmarks.runner import run_job, run_rounds
from benchmarks.shapes import SHAPES
from benchmarks.table import columns, held_table, stage_table
from benchmarks.workloads import WORKLOADS, Prepared, first

N = 50
OURS, THEIRS = Job("speed", "lazygraph-sync", "tree", N), Job("speed", "dask-sync", "tree", N)


@pytest.fixture(scope="module", autouse=True)
def cold_pools() -> Iterator[None]:
    """The tests of other files find no processes that these have left warm."""
    yield
    close_pools()


def mixed(*args):
    """A number that depends on every argument and on their order, in place of `first`."""
    total = 7
    for arg in args:
        total = (31 * total + (mixed(*arg) if isinstance(arg, list) else arg)) % 1_000_003
    return total


def mixing(prepared: Prepared) -> Prepared:
    """The workload with tasks whose results tell what they were given."""

    def build(lift):
        return prepared.build(lambda func: lift(mixed if func is first else func))

    return prepared._replace(build=build)


@pytest.mark.parametrize("workload", WORKLOADS)
@pytest.mark.parametrize("engine", [name for name in ENGINES if name != "plain"])
def test_every_engine_computes_what_plain_python_does(engine: str, workload: str) -> None:
    prepared = mixing(WORKLOADS[workload](N))
    expected = ENGINES["plain"]().trial(prepared, Clock())

    assert ENGINES[engine]().trial(prepared, Clock()) == expected


@pytest.mark.parametrize("workload", WORKLOADS)
@pytest.mark.parametrize("n", [9, N, 333])
def test_a_workload_has_as_many_tasks_as_it_says(workload: str, n: int) -> None:
    prepared = WORKLOADS[workload](n)

    assert len(record(prepared.build).calls) == prepared.n_tasks <= max(n, 9)


@pytest.mark.parametrize("workload", WORKLOADS)
def test_every_task_of_a_workload_is_needed(workload: str) -> None:
    from lazygraph import delayed
    from lazygraph.graphs.compile import plan_of

    prepared = WORKLOADS[workload](N)

    assert len(plan_of(prepared.build(delayed))) == prepared.n_tasks


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_pattern_names_points_that_the_step_before_has(pattern: str) -> None:
    levels = levels_of(pattern, 8, 9)

    assert levels == levels_of(pattern, 8, 9)
    for before, level in pairwise(levels):
        assert all(0 <= point < len(before) for points in level for point in points)


def test_the_fast_fourier_pattern_joins_points_further_and_further_apart() -> None:
    levels = levels_of("fft", 8, 5)

    assert [level[0] for level in levels] == [(), (0, 1), (0, 2), (0, 4), (0, 1)]


@pytest.mark.parametrize("engine", [name for name in ENGINES if not name[-1].isdigit()])
def test_a_fresh_process_brings_figures_home(engine: str) -> None:
    outcome = run_job(Job("speed", engine, "stencil_1d", N))

    assert not outcome.problem
    assert {"compute_us", "whole_us", "first_seconds", "peak_mb"} <= set(outcome.figures)


def test_a_process_that_fails_gives_its_last_words() -> None:
    outcome = run_job(Job("speed", "no such engine", "tree", N))

    assert not outcome.figures
    assert "no such engine" in outcome.problem


def test_a_process_that_takes_too_long_is_given_up() -> None:
    outcome = run_job(OURS, timeout_seconds=0.001)

    assert outcome.problem == "took more than 0.001 s"


@pytest.mark.parametrize("library", ["lazygraph", "dask"])
@pytest.mark.parametrize(
    ("measure", "workload", "figure"),
    [
        ("passes", "tree", "passes_us"),
        ("alive", "stencil_1d", "planned"),
        ("pure", "", "whole_ms"),
    ],
)
def test_a_measure_of_a_library_has_its_figure(
    library: str, measure: str, workload: str, figure: str
) -> None:
    if measure == "pure":
        pytest.importorskip("numpy")

    assert MEASURES[measure](Job(measure, library, workload, N))[figure] > 0


@pytest.mark.slow
@pytest.mark.parametrize("library", ["lazygraph", "dask"])
def test_a_graph_that_reaches_a_cluster_brings_figures_home(library: str) -> None:
    outcome = run_job(Job("submission", library, "tree", N))

    assert not outcome.problem
    assert 0 < outcome.figures["submit_s"] < outcome.figures["done_s"]


@pytest.mark.parametrize("measure", ["layout", "quality"])
def test_a_layout_has_figures(measure: str) -> None:
    pytest.importorskip("numpy")

    figures = MEASURES[measure](Job(measure, "lazygraph", "tree", 10))

    assert all(value > 0 for name, value in figures.items() if name != "through")


@pytest.mark.parametrize("measure", ["layout", "quality"])
def test_without_dot_its_figures_are_withheld(
    measure: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("numpy")
    monkeypatch.setattr("benchmarks.measures.layouts.find_dot", lambda: None)

    with pytest.raises(Withheld, match="dot is not installed"):
        MEASURES[measure](Job(measure, "dot", "tree", 10))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("n", [10, 100, 1000])
def test_a_shape_has_about_as_many_tasks_as_asked_for(shape: str, n: int) -> None:
    made = SHAPES[shape](n)

    assert 0.5 * n <= len(made.labels) <= 1.3 * n
    assert all(start < end < len(made.labels) for start, end in made.edges)
    assert len(set(made.edges)) == len(made.edges)


@pytest.mark.parametrize("engine", ["lazygraph-sync", "dask-sync"])
def test_arrays_along_edges_take_time(engine: str) -> None:
    pytest.importorskip("numpy")

    figures = MEASURES["edges"](Job("edges", engine, "", 1))

    assert figures["s_per_gb"] * figures["mb_per_s"] == pytest.approx(1000)


@pytest.mark.parametrize("library", ["lazygraph", "dask"])
def test_eight_tasks_on_cold_processes_take_time(library: str) -> None:
    command = [sys.executable, "-m", "benchmarks.eight", library]
    root = Path(child.__file__).parents[1]

    done = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True)

    assert float(done.stdout) > 0


def test_a_task_that_is_sent_to_a_worker_takes_as_long_there() -> None:
    sent = pickle.loads(pickle.dumps(Work(5000)))

    assert sent.size == 5000
    assert sent("value", "other") == "value"


@pytest.mark.parametrize("engine", ["lazygraph-sync", "dask-sync"])
def test_a_captured_task_holds_memory(engine: str) -> None:
    assert MEASURES["captured"](Job("captured", engine, "chain", 200))["task_bytes"] > 0


def test_the_child_prints_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    child.main(json.dumps(Job("alive", "lazygraph", "tree", 15)))

    assert json.loads(capsys.readouterr().out) == {"figures": {"watched": 5, "planned": 5}}


def test_the_child_says_what_it_withholds(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(job: Job) -> dict[str, float]:
        raise Withheld("the machine is busy")

    monkeypatch.setitem(MEASURES, "busy", busy)

    child.main(json.dumps(Job("busy", "lazygraph")))

    assert json.loads(capsys.readouterr().out) == {"withheld": "the machine is busy"}


# --------------------------------------------------------------- the judgement
def case(gate: float = 0.1, reach: float = 0.05) -> Case:
    return Case("tree", Figure(OURS, "us"), Figure(THEIRS, "us"), gate, reach)


def outcomes(ours: list[float], theirs: list[float]) -> dict[Job, list[Outcome | None]]:
    return {
        OURS: [Outcome({"us": value}) for value in ours],
        THEIRS: [Outcome({"us": value}) for value in theirs],
    }


@pytest.mark.parametrize(
    ("ours", "verdict"),
    [(0.04, Verdict.REACHED), (0.08, Verdict.BELOW_REACH), (0.2, Verdict.MISSED)],
)
def test_a_value_is_held_against_gate_and_reach(ours: float, verdict: Verdict) -> None:
    assert judge(case(), outcomes([ours], [1.0])).verdict is verdict


def test_ratios_are_taken_within_a_round() -> None:
    finding = judge(case(), outcomes([0.04, 4.0, 0.08], [1.0, 100.0, 2.0]))

    assert finding.values == (0.04, 0.04, 0.04)


def test_the_middle_ratio_counts() -> None:
    assert judge(case(), outcomes([0.01, 9.0, 0.02], [1.0] * 3)).verdict is Verdict.REACHED


def test_a_round_that_lacks_one_of_the_two_is_passed_over() -> None:
    seen = outcomes([0.04, 0.09], [1.0, 1.0])
    seen[THEIRS][1] = None

    assert judge(case(), seen).values == (0.04,)


def test_a_run_of_ours_that_fails_misses_the_gate() -> None:
    seen = outcomes([0.01, 0.01], [1.0, 1.0])
    seen[OURS][1] = Outcome({}, "took more than 150 s")

    finding = judge(case(), seen)

    assert finding.verdict is Verdict.MISSED
    assert "took more than 150 s" in finding.reason


@pytest.mark.parametrize("job", [OURS, THEIRS])
def test_a_figure_that_would_not_be_fair_is_withheld(job: Job) -> None:
    seen = outcomes([0.01], [1.0]) | {job: [Outcome({}, "busy", is_withheld=True)]}

    assert judge(case(), seen).verdict is Verdict.WITHHELD


def test_a_run_of_theirs_that_fails_withholds_the_ratio() -> None:
    seen = outcomes([0.01], [1.0]) | {THEIRS: [Outcome({}, "took more than 150 s")]}

    assert judge(case(), seen).verdict is Verdict.WITHHELD


def test_a_case_that_was_not_run_is_skipped() -> None:
    assert judge(case(), {OURS: [Outcome({"us": 1.0})]}).verdict is Verdict.SKIPPED


def test_what_has_no_gate_is_never_missed() -> None:
    assert judge(case(gate=inf), outcomes([9.0], [1.0])).verdict is Verdict.BELOW_REACH


# ---------------------------------------------------------------- the numbers
def test_results_alive_are_counted_until_their_last_use() -> None:
    """Graph: a -> b -> c, and d that needs a and c; only d is asked for."""
    needs = {"a": (), "b": ("a",), "c": ("b",), "d": ("a", "c")}

    assert alive_in_order("abcd", needs, ["d"]) == 3
    assert alive_in_order("abcd", needs, ["b", "d"]) == 4


def test_the_smallest_grain_is_where_efficiency_falls_through_one_half() -> None:
    points = [Point(400, 0.9), Point(100, 0.75), Point(25, 0.25)]

    assert metg_of(points)["metg_us"] == pytest.approx(50)


def test_a_bad_coarse_point_does_not_hide_good_finer_ones() -> None:
    points = [Point(400, 0.9), Point(300, 0.4), Point(100, 0.75), Point(25, 0.25)]

    assert metg_of(points)["metg_us"] == pytest.approx(50)


def test_a_grain_that_is_never_too_small_is_a_bound() -> None:
    figures = metg_of([Point(400, 0.9), Point(100, 0.75)])

    assert (figures["metg_us"], figures["is_bound"]) == (100, 1)


# ----------------------------------------------------------------- the rounds
def test_jobs_take_turns() -> None:
    seen: list[Job] = []

    def run(job: Job) -> Outcome:
        seen.append(job)
        return Outcome({"us": 1.0})

    run_rounds([OURS, THEIRS], 2, lambda text: None, run)

    assert seen == [OURS, THEIRS] * 2


@pytest.mark.parametrize("outcome", [Outcome({}, "failed"), Outcome({"us": 1.0}, seconds=1000.0)])
def test_a_job_that_failed_or_took_long_is_left_out_of_later_rounds(outcome: Outcome) -> None:
    assert run_rounds([OURS], 3, lambda text: None, lambda job: outcome) == {
        OURS: [outcome, None, None]
    }


# ---------------------------------------------------------------- the command
def test_list_names_rows_workloads_and_engines(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list"]) == 0

    said = capsys.readouterr().out
    for name in [*(row.name for row in ROWS), *WORKLOADS, *ENGINES]:
        assert name in said


@pytest.mark.parametrize("arguments", [["--only", "no-such-row"], ["--rounds", "0"]])
def test_a_bad_argument_is_refused(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(arguments)

    assert "known" in capsys.readouterr().err or "--rounds" in arguments


@pytest.mark.parametrize(("us", "code"), [(0.04, 0), (9.0, 1)])
def test_check_ends_with_one_if_a_gate_is_missed(
    us: float, code: int, monkeypatch: pytest.MonkeyPatch, tmp_path, capsys
) -> None:
    def rounds(jobs: list[Job], *rest: object) -> dict[Job, list[Outcome]]:
        return {job: [Outcome({"whole_ms": us if "lazy" in job.engine else 1.0})] for job in jobs}

    monkeypatch.setattr("benchmarks.__main__.run_rounds", rounds)
    saved = tmp_path / "figures.json"

    assert main(["--check", "--only", "pure", "--json", str(saved)]) == code
    assert json.loads(saved.read_text())["rows"][0]["values"] == [us]
    assert ("MISSED" in capsys.readouterr().out) is bool(code)


def test_every_row_and_table_line_names_what_exists() -> None:
    for job in [*table_jobs(), *(j for row in ROWS for c in row.cases for j in jobs_of(c))]:
        assert job.measure in MEASURES
        assert job.engine in {*ENGINES, "lazygraph", "dask", "dot", "autograd", "torch", "by-hand"}
        assert job.workload in {*WORKLOADS, *SHAPES, "", "sums", "kept", "remat"}


@pytest.mark.parametrize("engine", ["lazygraph-sync", "dask-sync", "plain"])
def test_calls_of_functions_are_timed(engine: str) -> None:
    assert MEASURES["function"](Job("function", engine, "sums", 20))["call_us"] > 0


@pytest.mark.parametrize("graph", ["chain", "tree"])
def test_the_way_back_is_timed_by_its_tasks(graph: str) -> None:
    figures = MEASURES["gradient"](Job("gradient", "lazygraph", graph, 30))

    assert figures["build_us"] > 0
    assert figures["run_us"] > 0
    assert figures["tasks"] > 2  # of all tasks, forward ones are less than half


def test_what_gradients_keep_is_less_with_remat() -> None:
    kept, remat = (
        MEASURES["gradient-memory"](Job("gradient-memory", "lazygraph", how))["share"]
        for how in ("kept", "remat")
    )

    assert remat < kept < 1


@pytest.mark.parametrize("engine", ["lazygraph", "autograd", "torch", "by-hand"])
def test_every_library_takes_the_same_training_step(engine: str) -> None:
    if engine in {"autograd", "torch"}:
        pytest.importorskip(engine, reason=f"pip install {engine}")

    assert MEASURES["step"](Job("step", engine, "", 8))["step_ms"] > 0  # or it raises


def test_collapsing_is_timed_on_the_groups_that_are_drawn() -> None:
    figures = MEASURES["collapse"](Job("collapse", "lazygraph", "tree", N))

    assert figures["groups"] == 2  # loads, and what adds them up
    assert figures["collapse_us"] == pytest.approx(1e6 * figures["collapse_seconds"] / 49)


def test_every_gate_is_at_least_its_reach() -> None:
    assert all(case.gate >= case.reach > 0 for row in ROWS for case in row.cases)


def test_quick_leaves_out_what_is_slow() -> None:
    assert is_slow(Job("speed", "dask-sync", "chain", 10_000))
    assert not is_slow(Job("speed", "lazygraph-sync", "chain", 10_000))
    assert is_slow(Job("edges", "dask-processes-1", "", 100))
    assert not is_slow(Job("edges", "dask-processes-1", "", 10))


# ------------------------------------------------------------------ the tables
def test_the_stage_table_compares_with_dask() -> None:
    figures = {f"{stage}_us": 1.0 for stage in ("capture", "compute", "whole")} | {"peak_mb": 2.0}
    theirs = figures | {"whole_us": 50.0}

    table = stage_table({OURS: [Outcome(figures)], THEIRS: [Outcome(theirs)]})

    assert table.splitlines()[1].split()[-2:] == ["1/50", "-"]


def test_the_stage_table_says_what_is_missing() -> None:
    assert "took too long" in stage_table({OURS: [Outcome({}, "took too long")]})


def test_the_table_of_rows_shows_both_figures_and_the_verdict() -> None:
    seen = outcomes([2.0], [4.0])

    line = held_table([(ROWS[0], judge(case(), seen))], seen).splitlines()[1]

    assert line.split()[2:] == ["0.5", "0.5", "0.5", "1/10", "1/20", "us", "2", "4", "MISSED"]


def test_columns_line_up() -> None:
    assert columns([("name", "n"), ("a", "10"), ("bcdef", "-")]) == "name   n\na      10\nbcdef   -"

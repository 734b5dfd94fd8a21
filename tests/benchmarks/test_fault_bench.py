"""The fault bench finds what is amiss; what it finds in this library, the slow test tells."""

from __future__ import annotations

import json
import mmap
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("numpy")
if sys.platform != "linux":
    pytest.skip("the fault bench reads /proc", allow_module_level=True)

from benchmarks.faults.__main__ import main
from benchmarks.faults.catalogue import FAULTS
from benchmarks.faults.graphs import CASES, compare, is_same
from benchmarks.faults.runs import Fault, Run
from benchmarks.faults.series import Holding
from benchmarks.faults.table import blemish_list, fault_table
from benchmarks.faults.tasks import fill_shared_memory
from benchmarks.faults.verdict import Tally, blemishes, is_bad, verdict_text
from benchmarks.faults.warden import attempt
from lazygraph import Failed, Skipped

ROOT = Path(__file__).resolve().parents[2]
GOOD = Run()


def tally(*runs: Run, asked: int | None = None, **rest: Any) -> Tally:
    return Tally("fault", len(runs) if asked is None else asked, runs, **rest)


# --------------------------------------------------------------------------------- the verdict
def test_runs_without_a_blemish_are_good() -> None:
    assert not is_bad(tally(GOOD, GOOD))
    assert verdict_text(tally(GOOD)) == "good"


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (tally(GOOD, Run(lost=2)), "2 results lost"),
        (tally(GOOD, Run(wrong=1)), "1 results wrong"),
        (tally(Run(processes=1), processes=2), "3 processes left behind"),
        (tally(Run(memory=1), memory=3), "4 pieces of shared memory left behind"),
        (tally(GOOD, Run(problem="no error")), "1 x no error"),
        (tally(GOOD, problem="hangs"), "hangs"),
        (tally(GOOD, asked=3), "1 of 3 runs came to an end"),
        (tally(asked=1), "0 of 1 runs came to an end"),
        (tally(GOOD, *[Run(struck=False)] * 2), "the fault happened in 1 of 3 runs only"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_blemish_is_bad_and_said(bad: Tally, said: str) -> None:
    assert list(blemishes(bad)) == [said]
    assert verdict_text(bad) == f"BAD: {said}"


def test_a_blow_may_miss_half_of_the_runs() -> None:
    assert not is_bad(tally(GOOD, Run(struck=False)))


def test_the_gravest_blemish_is_said_first_and_the_others_counted() -> None:
    bad = tally(Run(lost=1, wrong=1), problem="hangs")

    assert verdict_text(bad) == "BAD: hangs (and 2 more)"


def test_the_worst_of_each_figure_is_said() -> None:
    runs = [Run(figures=(("back_seconds", value),)) for value in (0.1, 0.3, 0.2)]

    assert verdict_text(tally(*runs)) == "good (back_seconds 0.3 at most)"


def test_the_table_has_a_line_for_each_fault() -> None:
    killed = tally(Run(lost=3, error="WorkerDied"), Run(error="WorkerDied"))

    line = fault_table([("a kill", killed)]).splitlines()[1].split()

    assert line[:9] == ["fault", "a", "kill", "2", "2", "3", "0", "0", "0"]
    assert line[9:] == ["2", "WorkerDied", "BAD:", "3", "results", "lost"]


def test_only_what_is_amiss_is_listed() -> None:
    assert blemish_list([tally(GOOD)]) == ""
    assert blemish_list([tally(GOOD), tally(Run(lost=1))]) == "fault\n  1 results lost"


# ---------------------------------------------------------------------------------- the oracle
def test_results_are_lost_wrong_or_right() -> None:
    values = [1, 2, Failed(ValueError("no"), "key"), Skipped("key"), True]

    assert compare(values, [1, 3, 3, 4, 1]) == (2, 2)


def test_arrays_are_the_same_only_in_every_item_and_type() -> None:
    import numpy as np

    array = np.arange(5)
    assert is_same(array, np.arange(5))
    assert not is_same(array, np.arange(5.0))
    assert not is_same(array, np.arange(6))
    assert not is_same(array, [0, 1, 2, 3, 4])


def test_the_shapes_have_results_that_differ() -> None:
    """Or a mixed-up result could pass for the right one."""
    seen = {repr(case.expected()) for case in CASES}

    assert len(seen) == len(CASES)


def test_growth_beyond_the_tolerance_is_named() -> None:
    before = Holding(processes=3, threads=5, files=30, megabytes=100.0)

    assert before.grown(before._replace(megabytes=124.0)) == []
    assert before.grown(Holding(3, 6, 29, 125.0)) == ["threads 5 -> 6", "megabytes 100 -> 125"]


def test_shared_memory_is_full_after_some_bytes_and_files_are_not(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("pwrite", "posix_fallocate"):
        monkeypatch.setattr(os, name, getattr(os, name))  # so that they come back
    witness = tmp_path / "refusals"
    fill_shared_memory(100, str(witness))
    with os.fdopen(os.memfd_create("test"), "wb") as shared, (tmp_path / "file").open("wb") as file:
        os.posix_fallocate(shared.fileno(), 0, 60)
        assert os.pwrite(shared.fileno(), b"x" * 40, 0) == 40
        assert not witness.exists()
        with pytest.raises(OSError, match="No space left"):
            os.pwrite(shared.fileno(), b"x", 0)
        assert witness.read_text() == "1\n"
        with pytest.raises(OSError, match="No space left"):
            os.posix_fallocate(shared.fileno(), 0, 1)
        assert os.pwrite(file.fileno(), b"x", 0) == 1


# ---------------------------------------------------------------------------------- the warden
def _leave(kind: str) -> None:
    """Be a process that does not clear up: what the child of `attempt` runs, below."""
    sys.stdout.write(json.dumps(GOOD) + "\n")
    sys.stdout.flush()
    if kind == "hang":
        signal.pause()
    if kind == "fail":
        raise OSError("no more")
    if kind in {"process", "open", "mapped"} and os.fork() == 0:
        _hold(kind)


def _hold(kind: str) -> None:
    fd = os.memfd_create("lazygraph-test") if kind != "process" else -1
    if kind == "mapped":
        os.truncate(fd, 4096)
        mapped = mmap.mmap(fd, 4096)
        os.close(fd)
        assert mapped
    os.setsid()
    signal.pause()


def _tried(kind: str) -> list[Any]:
    """What the warden finds; in a process of its own, since it ends all its descendants."""
    command = [sys.executable, "-m", "tests.benchmarks.test_fault_bench", "try", kind]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def _try(kind: str) -> None:
    from benchmarks.faults.leftovers import adopt_orphans

    adopt_orphans()
    seconds = 5.0 if kind == "hang" else 30.0
    fault = Fault(kind, "", lambda dice, n: iter(()), 1, 1, seconds)
    found = attempt(fault, 1, 0, child="tests.benchmarks.test_fault_bench")
    said = [found.processes, found.memory, found.problem, len(found.runs)]
    sys.stdout.write(json.dumps(said))


@pytest.mark.parametrize(
    ("kind", "found"),
    [
        ("nothing", [0, 0, "", 1]),
        ("process", [1, 0, "", 1]),
        ("open", [1, 1, "", 1]),
        ("mapped", [1, 1, "", 1]),
        ("fail", [0, 0, "ended with code 1: OSError: no more", 1]),
        ("hang", [0, 0, "hangs: not over after 5 s", 1]),
    ],
)
def test_the_warden_counts_what_a_process_leaves_behind(kind: str, found: list[Any]) -> None:
    assert _tried(kind) == found


# --------------------------------------------------------------------------------- the command
@pytest.mark.parametrize(("run", "code"), [(GOOD, 0), (Run(lost=1), 1)])
def test_the_command_ends_with_one_if_anything_is_amiss(
    run: Run, code: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys
) -> None:
    def one_run(fault: Fault, n_runs: int, seed: int) -> Tally:
        return Tally(fault.name, n_runs, (run,) * n_runs)

    monkeypatch.setattr("benchmarks.faults.__main__.attempt", one_run)
    monkeypatch.setattr("benchmarks.faults.__main__.adopt_orphans", lambda: None)
    saved = tmp_path / "faults.json"

    assert main(["--quick", "--only", "full-pipe", "--seed", "5", "--json", str(saved)]) == code
    assert json.loads(saved.read_text())["seed"] == 5
    said = capsys.readouterr().out
    assert said.startswith("seed 5")
    assert ("BAD" in said) is bool(code)


def test_a_fault_that_is_not_known_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["--only", "no-such-fault"])

    assert "worker-killed" in capsys.readouterr().err


def test_quick_is_quicker() -> None:
    assert all(0 < fault.n_quick <= fault.n_runs for fault in FAULTS)
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)


@pytest.mark.slow
def test_the_library_withstands_every_fault() -> None:
    command = [sys.executable, "-m", "benchmarks.faults", "--quick"]

    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)

    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"


if __name__ == "__main__":
    _try(sys.argv[2]) if sys.argv[1] == "try" else _leave(sys.argv[1])

"""Fault in, tally out: watches over the process that a fault is tried in."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.faults.leftovers import Named, clear_away
from benchmarks.faults.runs import Fault, Run
from benchmarks.faults.verdict import Tally

__all__ = ["attempt"]

_ROOT = Path(__file__).resolve().parents[2]
_CHILD = "benchmarks.faults.child"


def attempt(fault: Fault, n_runs: int, seed: int, child: str = _CHILD) -> Tally:
    """Try a fault some times, and count what its process leaves behind.

    Parameters
    ----------
    fault : Fault
        What goes wrong.
    n_runs : int
        How often.
    seed : int
        Of its chances.
    child : str
        The module that tries it, given the fault's name, the number of runs and the seed.
    """
    named = Named()
    command = [sys.executable, "-m", child, fault.name, str(n_runs), str(seed)]
    with TemporaryDirectory() as name:
        try:
            problem = _watch(command, Path(name), fault.seconds)
        finally:  # whoever interrupts this is not left with the rest
            processes, memory = clear_away(named)
        runs = _read(Path(name) / "runs")
    return Tally(fault.name, n_runs, runs, processes, memory, problem)


def _watch(command: list[str], folder: Path, seconds: float) -> str:
    """Why the process did not end well, if so.

    Files take what it says: a pipe would be held open by whatever it leaves behind.
    """
    with (folder / "runs").open("wb") as out, (folder / "words").open("wb") as err:
        process = subprocess.Popen(
            command, cwd=_ROOT, stdout=out, stderr=err, start_new_session=True
        )
        try:
            code = process.wait(seconds)
        except subprocess.TimeoutExpired:
            return f"hangs: not over after {seconds:g} s"
        finally:
            process.kill()
            process.wait()
    words = (folder / "words").read_text().strip().splitlines()[-1:]
    return f"ended with code {code}: {''.join(words)}" if code else ""


def _read(path: Path) -> tuple[Run, ...]:
    lines = path.read_text().splitlines()
    return tuple(Run(*json.loads(line)) for line in lines if line.endswith("]"))

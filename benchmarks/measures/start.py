"""How long an import takes, or the first results, each in an interpreter of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.jobs import Figures, Job

__all__ = ["first_results", "import_seconds"]

_ROOT = Path(__file__).resolve().parents[2]
_TIMES = 5
_CODE = """
from time import perf_counter
start = perf_counter()
import {}
print(perf_counter() - start)
"""


def import_seconds(job: Job) -> Figures:
    """Milliseconds that ``import`` takes in a new interpreter, modules compiled; median of five."""
    return {"import_ms": _median_ms([sys.executable, "-c", _CODE.format(job.engine)])}


def first_results(job: Job) -> Figures:
    """Milliseconds from calling compute to eight results of two processes that it starts."""
    return {"first_ms": _median_ms([sys.executable, "-m", "benchmarks.eight", job.engine])}


def _median_ms(command: list[str]) -> float:
    # Whatever the settings here: an installed library is compiled, a source tree may not be.
    env = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    with TemporaryDirectory() as compiled:
        env["PYTHONPYCACHEPREFIX"] = compiled
        _once(command, env)
        return 1e3 * median(_once(command, env) for _ in range(_TIMES))


def _once(command: list[str], env: dict[str, str]) -> float:
    done = subprocess.run(
        command, cwd=_ROOT, env=env, check=True, stdout=subprocess.PIPE, text=True
    )
    return float(done.stdout)

"""How long an import takes, each in an interpreter of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.jobs import Figures, Job

__all__ = ["import_seconds"]

_TIMES = 5
_CODE = """
from time import perf_counter
start = perf_counter()
import {}
print(perf_counter() - start)
"""


def import_seconds(job: Job) -> Figures:
    """Milliseconds that ``import`` takes in a new interpreter, modules compiled; median of five."""
    command = [sys.executable, "-c", _CODE.format(job.engine)]
    # Whatever the settings here: an installed library is compiled, a source tree may not be.
    env = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    with TemporaryDirectory() as compiled:
        env["PYTHONPYCACHEPREFIX"] = compiled
        _once(command, env)
        return {"import_ms": 1e3 * median(_once(command, env) for _ in range(_TIMES))}


def _once(command: list[str], env: dict[str, str]) -> float:
    done = subprocess.run(command, env=env, check=True, capture_output=True, text=True)
    return float(done.stdout)

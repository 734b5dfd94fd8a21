"""The process that a fault is tried in: each run one line of JSON.

``python -m benchmarks.faults.child FAULT RUNS SEED``
"""

from __future__ import annotations

import json
import sys
from random import Random

from benchmarks.faults.catalogue import FAULTS
from benchmarks.faults.leftovers import adopt_orphans, end_with_parent

__all__ = ["main"]


def main(name: str, n_runs: str, seed: str) -> None:
    """Run under a fault, and print what each run showed."""
    end_with_parent()
    adopt_orphans()
    fault = next(fault for fault in FAULTS if fault.name == name)
    for run in fault.run(Random(f"{seed} {name}"), int(n_runs)):
        print(json.dumps(run), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])

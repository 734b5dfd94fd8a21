"""The fresh process: one job in (JSON, the only argument), its figures out (one JSON line)."""

from __future__ import annotations

import json
import sys

from benchmarks.jobs import Job, Withheld
from benchmarks.measures import MEASURES

__all__ = ["main"]


def main(argument: str) -> None:
    """Measure a job and print its figures, or why they are withheld."""
    job = Job(*json.loads(argument))
    try:
        answer: dict[str, object] = {"figures": MEASURES[job.measure](job)}
    except Withheld as reason:
        answer = {"withheld": str(reason)}
    print(json.dumps(answer))


if __name__ == "__main__":
    main(sys.argv[1])

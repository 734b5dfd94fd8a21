"""A script that is going to be interrupted: tasks of a minute, on two processes.

``python -m benchmarks.faults.lasting KIND FOLDER``: each task leaves a mark in the folder when it
begins, and the script writes there what ended its compute, and when.
"""

from __future__ import annotations

import json
import signal
import sys
import time
from pathlib import Path

from benchmarks.faults.tasks import last, mix_arrays
from lazygraph import compute, delayed

__all__ = ["ANSWER", "MARKS", "N_WORKERS", "main"]

N_WORKERS = 2
MARKS, ANSWER = "began-*", "answer.json"
_N_TASKS = 4


def main(kind: str, folder: str) -> None:
    """Compute, until someone interrupts."""
    # A shell starts what runs in the background deaf to it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    array = delayed(mix_arrays)(1)
    marks = [str(Path(folder) / MARKS.replace("*", str(i))) for i in range(_N_TASKS)]
    tasks = [delayed(last)(kind, mark, array) for mark in marks]
    try:
        compute(*tasks, scheduler="processes", num_workers=N_WORKERS)
        ended_by = "nothing"
    except BaseException as error:
        ended_by = type(error).__name__
    now = time.monotonic()  # of the machine: the same clock for those who watch
    (Path(folder) / ANSWER).write_text(json.dumps([ended_by, now]))


if __name__ == "__main__":
    main(*sys.argv[1:])

"""Signals to the process that computes: Ctrl-C in two forms, and the one that cannot be caught."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import cycle, islice
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from benchmarks.faults.lasting import ANSWER, MARKS, N_WORKERS
from benchmarks.faults.leftovers import Named, clear_away, wait_until
from benchmarks.faults.runs import Run
from benchmarks.faults.tasks import LASTING

__all__ = ["group_interrupted", "parent_interrupted", "parent_killed"]

_START_SECONDS = 30.0
_LATEST_SECONDS = 0.3
# What is promised, and what is allowed for the rest of the way out.
_BACK_SECONDS, _OVER_SECONDS = 1.0, 3.0

Send = Callable[[int], None]
Judge = Callable[[Path, float], Run]


def parent_interrupted(dice: Random, n: int) -> Iterator[Run]:
    """SIGINT to the parent alone."""
    return _signalled(dice, n, lambda pid: os.kill(pid, signal.SIGINT), _came_back)


def group_interrupted(dice: Random, n: int) -> Iterator[Run]:
    """SIGINT to the parent's whole group, as a terminal sends it."""
    return _signalled(dice, n, lambda pid: os.killpg(pid, signal.SIGINT), _came_back)


def parent_killed(dice: Random, n: int) -> Iterator[Run]:
    """SIGKILL to the parent alone: its workers have to notice."""
    return _signalled(dice, n, lambda pid: os.kill(pid, signal.SIGKILL), _never_came_back)


def _signalled(dice: Random, n: int, send: Send, judge: Judge) -> Iterator[Run]:
    for kind in islice(cycle(LASTING), n):
        named = Named()
        with TemporaryDirectory() as name:
            run = _one(kind, Path(name), dice.uniform(0, _LATEST_SECONDS), send, judge)
            processes, memory = clear_away(named)
        yield run._replace(processes=processes, memory=memory)


def _one(kind: str, folder: Path, delay: float, send: Send, judge: Judge) -> Run:
    """Start the script; signal it some time after all workers are at it; see what comes."""
    script = _start(kind, folder)
    if not wait_until(lambda: len(list(folder.glob(MARKS))) >= N_WORKERS, _START_SECONDS):
        script.kill()
        script.wait()
        return Run(struck=False, problem=f"{kind}: no two tasks began. {_last_words(folder)}")
    wait_until(lambda: False, delay)
    sent = time.monotonic()
    send(script.pid)
    is_over = wait_until(lambda: script.poll() is not None, _OVER_SECONDS)
    over = time.monotonic() - sent
    if not is_over:
        script.kill()
        script.wait()
        return Run(problem=f"{kind}: not over after {_OVER_SECONDS:g} s")
    run = judge(folder, sent)
    return run._replace(
        problem=run.problem and f"{kind}: {run.problem}",
        figures=(*run.figures, ("over_seconds", over)),
    )


def _start(kind: str, folder: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "benchmarks.faults.lasting", kind, str(folder)]
    with (folder / "stderr").open("wb") as stderr:
        return subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=stderr, start_new_session=True
        )


def _came_back(folder: Path, sent: float) -> Run:
    """Whether the compute ended with KeyboardInterrupt, and in time."""
    answer = folder / ANSWER
    if not answer.exists():
        return Run(problem=f"control never came back. {_last_words(folder)}")
    ended_by, now = json.loads(answer.read_text())
    figures = (("back_seconds", now - sent),)
    if ended_by != "KeyboardInterrupt":
        return Run(problem=f"compute ended by {ended_by}", figures=figures)
    if now - sent > _BACK_SECONDS:
        return Run(problem=f"control came back after {now - sent:.2g} s", figures=figures)
    return Run(error=ended_by, figures=figures)


def _never_came_back(folder: Path, _sent: float) -> Run:
    return Run(struck=not (folder / ANSWER).exists())


def _last_words(folder: Path) -> str:
    return "".join((folder / "stderr").read_text().strip().splitlines()[-1:])

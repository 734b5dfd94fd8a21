"""What is told of tasks that hang, crash or warn in a worker; what ends them in time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import warnings
from pathlib import Path
from typing import Any

import pytest

from lazygraph import Failed, compute, delayed
from lazygraph.errors import TaskTimeout, WorkerDied
from lazygraph.schedulers import Processes

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="stacks need /proc")


def wait_for_ever() -> None:
    threading.Event().wait()


def hang() -> None:
    wait_for_ever()


def spin(stop: Any = None) -> None:
    while not stop:
        pass


def crash(number: int) -> None:
    os.kill(os.getpid(), number)


class Hangs:
    """Waits for ever when it arrives."""

    def __reduce__(self) -> Any:
        return wait_for_ever, ()


def failure(lazy: Any, scheduler: Any) -> Any:
    (failed,) = compute(lazy, scheduler=scheduler, on_error="collect")
    assert isinstance(failed, Failed)
    return failed.error


@pytest.mark.exhaustive  # a minute: unpickling may import, so it has so long beside its limit
def test_a_time_limit_covers_the_unpickling_of_arguments(processes: Processes) -> None:
    error = failure(delayed(id, timeout=0.3)(Hangs()), processes)
    assert type(error) is TaskTimeout
    assert "while it unpickled what the task needs" in str(error)


@linux_only
@pytest.mark.parametrize(("task", "frame"), [(hang, "in wait_for_ever"), (spin, "in spin")])
def test_a_time_limit_tells_where_the_task_was(processes: Processes, task: Any, frame: str) -> None:
    error = failure(delayed(task, timeout=0.3)(), processes)
    first, _, *rest = error.stack.splitlines()
    assert first.endswith(f"in {task.__name__}")
    assert frame in error.stack
    assert __file__ in first
    assert "it was at:" in error.__notes__[0]
    assert "lazygraph/schedulers" not in error.stack
    assert rest or task is spin


@linux_only
def test_a_stopped_worker_has_no_stack_and_is_ended_all_the_same(processes: Processes) -> None:
    error = failure(delayed(crash, timeout=0.3)(signal.SIGSTOP), processes)
    assert (type(error), error.stack) == (TaskTimeout, "")


@linux_only
def test_a_crash_tells_where_the_task_was(processes: Processes) -> None:
    error = failure(delayed(crash, retries=0)(signal.SIGSEGV), processes)
    assert type(error) is WorkerDied
    assert error.stack.splitlines()[0].endswith("in crash")
    assert "os.kill(os.getpid(), number)" in error.stack
    assert "it was at:" in error.__notes__[0]
    error = failure(delayed(crash, retries=0)(signal.SIGKILL), processes)
    assert error.stack == ""


def test_who_reads_the_terminal_in_a_task_gets_an_error(tmp_path: Path) -> None:
    """A background process that reads it would be stopped, and so wait for ever."""
    script = tmp_path / "script.py"
    script.write_text(
        textwrap.dedent("""
        from lazygraph import delayed

        def ask():
            try:
                open("/dev/tty").read(1)
            except OSError as error:
                return type(error).__name__

        print("got", delayed(ask)().compute(scheduler="processes", num_workers=1))
        """)
    )
    spawn = f"import pty, sys; pty.spawn([sys.executable, {str(script)!r}])"
    ran = subprocess.run(
        [sys.executable, "-c", spawn],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert "got OSError" in ran.stdout


# ------------------------------------------------------------------------------- warnings
class Odd(UserWarning):
    """A warning of a class of this module."""


class Unpicklable(Odd):
    """A warning that cannot travel."""

    def __reduce__(self) -> Any:
        raise TypeError


def warn(text: str, category: type[Warning] = Odd) -> None:
    warnings.warn(text, category, stacklevel=2)


def warn_often(category: type[Warning] = Odd) -> None:
    for _ in range(3):
        warnings.warn("often", category, stacklevel=1)


@pytest.mark.parametrize("scheduler", ["threads", "processes"])
@pytest.mark.parametrize(("action", "count"), [("always", 12), ("default", 1), ("ignore", 0)])
def test_warnings_of_tasks_follow_the_filters_here(scheduler: str, action: Any, count: int) -> None:
    vars(sys.modules[__name__]).pop("__warningregistry__", None)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter(action)
        compute(*[delayed(warn_often)() for _ in range(4)], scheduler=scheduler, num_workers=2)
    assert len(caught) == count
    for each in caught:
        assert (each.category, str(each.message), each.filename) == (Odd, "often", __file__)
        line = Path(each.filename).read_text().splitlines()[each.lineno - 1]
        assert "stacklevel=1" in line


def test_a_warning_of_a_task_is_seen_by_pytest(processes: Processes) -> None:
    with pytest.warns(Odd, match="look"):
        delayed(warn)("look").compute(scheduler=processes)


def test_a_warning_made_an_error_is_the_tasks_error(processes: Processes) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(Odd, match="look"):
            delayed(warn)("look").compute(scheduler=processes)


def test_a_warning_that_cannot_travel_keeps_its_text(processes: Processes) -> None:
    with pytest.warns(UserWarning, match="look"):
        delayed(warn)("look", Unpicklable).compute(scheduler=processes)


def test_a_task_may_record_its_own_warnings(processes: Processes) -> None:
    def record() -> int:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            warn_often()
        return len(caught)

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert delayed(record)().compute(scheduler=processes) == 3
    assert caught == []

"""The alarm clock of tasks on the main thread, where it is not heard at once or cannot be set."""

from __future__ import annotations

import gc
import signal
import sys
import threading
import weakref
from contextlib import suppress
from pathlib import Path

import pytest
from children import run_script

from lazygraph import delayed
from lazygraph.errors import TaskTimeout

pytestmark = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no alarm clock")


class Lingering:
    """Its finaliser is still at work when the time is up, and swallows what is raised there."""

    def __del__(self) -> None:
        threading.Event().wait(20)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_time_limit_that_a_finaliser_swallows_is_raised_again() -> None:
    def task() -> None:
        Lingering()
        threading.Event().wait(20)

    with pytest.raises(TaskTimeout, match="it was interrupted"):
        delayed(task, timeout=0.05)().compute(scheduler="synchronous")


def test_a_task_that_cleans_up_after_its_time_limit_is_left_in_peace() -> None:
    """Its clean-up goes on for longer than the alarm waits before it rings again."""
    cleaned = []

    def task() -> None:
        try:
            threading.Event().wait(20)
        finally:
            threading.Event().wait(1.5)
            cleaned.append(True)

    with pytest.raises(TaskTimeout):
        delayed(task, timeout=0.05)().compute(scheduler="synchronous")
    assert cleaned == [True]


def test_a_time_limit_keeps_nothing_alive() -> None:
    thing = threading.Event()
    gone = weakref.ref(thing)
    gc.collect()
    gc.disable()
    try:
        with suppress(TaskTimeout):
            delayed(thing.wait, timeout=0.05)(20).compute(scheduler="synchronous")
        del thing
        assert gone() is None
    finally:
        gc.enable()


def test_time_limits_hold_in_a_subinterpreter(tmp_path: Path) -> None:
    """It has a main thread, but no signals, and no threads that are daemons."""
    if sys.version_info >= (3, 13):
        pytest.skip("made by another module")
    pytest.importorskip("_xxsubinterpreters")
    told = run_script(
        tmp_path,
        """
        import textwrap
        import _xxsubinterpreters as interpreters

        code = '''
        import threading
        from lazygraph import delayed
        from lazygraph.errors import TaskTimeout

        go_on = threading.Event()
        task = delayed(lambda: go_on.wait(20), timeout=0.05)
        for scheduler in ("synchronous", "threads"):
            try:
                task().compute(scheduler=scheduler)
            except TaskTimeout:
                print(scheduler)
        go_on.set()
        assert delayed(abs, timeout=20)(-3).compute(scheduler="synchronous") == 3
        '''
        made = interpreters.create(isolated=False)
        interpreters.run_string(made, textwrap.dedent(code))
        interpreters.destroy(made)
        """,
    )
    assert told.split() == ["synchronous", "threads"]

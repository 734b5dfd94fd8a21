"""Ctrl-C while workers run for ever: the program has control again, and no worker is left."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from children import ROOT, Script, is_alive, notes
from tasks import wait_until

if sys.platform != "linux":
    pytest.skip("reads /proc", allow_module_level=True)

TASKS = """
import os, time
from pathlib import Path
from children import note
from lazygraph import compute, delayed
from lazygraph.schedulers import Processes, processes as module

def run_for_ever(i):
    note(Path("pids"), str(os.getpid()))
    time.sleep(60)

def hold_the_lock(i):
    note(Path("pids"), str(os.getpid()))
    sum(range(10**12))  # not a moment for another thread of its process

def ignore_interrupts(i):
    import signal
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    run_for_ever(i)

def values(task):
    return [delayed(task)(i) for i in range(4)]
"""
RUNS = {
    "compute": "compute(*values({task}), scheduler='processes', num_workers=2)",
    "own": "with Processes(2) as own: compute(*values({task}), scheduler=own)",
    "as_completed": (
        "for _ in lazygraph.as_completed(values({task}), scheduler='processes', num_workers=2): pass"
    ),
}
SCRIPT = """
try:
    {run}
except KeyboardInterrupt as error:
    print("interrupted", *error.__notes__, flush=True)
print(compute(*[delayed(abs)(-i) for i in range(3)], scheduler="processes", num_workers=2))
"""


def interrupt_parent(script: Script) -> None:
    script.popen.send_signal(signal.SIGINT)


def interrupt_group(script: Script) -> None:
    """As a terminal does."""
    os.killpg(script.popen.pid, signal.SIGINT)


@pytest.mark.parametrize("interrupt", [interrupt_parent, interrupt_group])
@pytest.mark.parametrize(
    ("run", "task"),
    [
        ("compute", "run_for_ever"),
        ("own", "run_for_ever"),
        ("as_completed", "run_for_ever"),
        ("compute", "hold_the_lock"),
        ("compute", "ignore_interrupts"),
    ],
)
def test_ctrl_c_gives_control_back_and_leaves_no_worker(
    tmp_path: Path, interrupt: Callable[[Script], None], run: str, task: str
) -> None:
    code = SCRIPT.format(run=RUNS[run].format(task=task))
    script = Script(tmp_path, f"import lazygraph\n{TASKS}{code}", process_group=0)
    assert wait_until(lambda: len(notes(tmp_path / "pids")) == 2)

    interrupt(script)
    out, err, exit_code = script.finish()

    first, *_, last = out.splitlines()
    assert first.startswith("interrupted lazygraph: stopped: 0 of 4 tasks done")
    assert last == "(0, 1, 2)"  # the next compute is as good as ever
    assert (err, exit_code) == ("", 0)
    assert script.leftovers == []
    assert not any(is_alive(int(pid)) for pid in notes(tmp_path / "pids"))


def test_ctrl_c_that_nobody_catches_ends_the_program(tmp_path: Path) -> None:
    code = f"{TASKS}\ncompute(*values(run_for_ever), scheduler='processes', num_workers=2)"
    script = Script(tmp_path, code, process_group=0)
    assert wait_until(lambda: len(notes(tmp_path / "pids")) == 2)

    interrupt_group(script)
    _, err, exit_code = script.finish()

    assert exit_code == -signal.SIGINT
    assert err.count("Traceback (most recent call last)") == 1
    assert err.rstrip().splitlines()[-1].startswith("lazygraph: stopped: 0 of 4 tasks done, 2")
    assert script.leftovers == []


def test_ctrl_c_twice_is_no_worse(tmp_path: Path) -> None:
    """The second one comes while the first is being seen to."""
    code = SCRIPT.format(run=RUNS["compute"].format(task="hold_the_lock"))
    script = Script(tmp_path, TASKS + code, process_group=0)
    assert wait_until(lambda: len(notes(tmp_path / "pids")) == 2)

    interrupt_group(script)
    interrupt_group(script)
    script.finish()

    assert script.leftovers == []
    assert not any(is_alive(int(pid)) for pid in notes(tmp_path / "pids"))


def test_sigterm_ends_the_workers_too(tmp_path: Path) -> None:
    code = f"{TASKS}\ncompute(*values(run_for_ever), scheduler='processes', num_workers=2)"
    script = Script(tmp_path, code)
    assert wait_until(lambda: len(notes(tmp_path / "pids")) == 2)
    script.popen.terminate()
    assert wait_until(lambda: not script.alive(), 2)
    script.finish()


# -------------------------------------------------------------------------- a notebook
@pytest.fixture
def kernel(tmp_path: Path) -> Any:
    """A real Jupyter kernel, and what runs a cell in it."""
    manager = pytest.importorskip("jupyter_client.manager")
    pytest.importorskip("ipykernel")
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests" / "support")])
    made, client = manager.start_new_kernel(
        kernel_name="python3", cwd=str(tmp_path), env={**os.environ, "PYTHONPATH": path}
    )
    yield made, client
    client.stop_channels()
    made.shutdown_kernel(now=True)
    made.cleanup_resources()


def outcome(client: Any, message_id: str) -> dict[str, Any]:
    while True:
        reply = client.get_shell_msg(timeout=20)
        if reply["parent_header"].get("msg_id") == message_id:
            return reply["content"]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
def test_an_interrupted_cell_of_a_notebook_leaves_the_next_one_well(
    tmp_path: Path, kernel: Any
) -> None:
    manager, client = kernel
    assert outcome(client, client.execute(TASKS))["status"] == "ok"
    cell = client.execute("compute(*values(run_for_ever), scheduler='processes', num_workers=2)")
    assert wait_until(lambda: len(notes(tmp_path / "pids")) == 2)

    manager.interrupt_kernel()
    assert outcome(client, cell)["ename"] == "KeyboardInterrupt"

    assert not any(is_alive(int(pid)) for pid in notes(tmp_path / "pids"))
    answer = client.execute(
        "", user_expressions={"n": "delayed(lambda x: x + 1)(1).compute(scheduler='processes')"}
    )
    assert outcome(client, answer)["user_expressions"]["n"]["data"]["text/plain"] == "2"


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
def test_a_function_that_a_cell_defines_again_is_the_new_one_in_workers(kernel: Any) -> None:
    _, client = kernel
    for number in (1, 2):
        code = f"def f(): return {number}\nfrom lazygraph import delayed"
        assert outcome(client, client.execute(code))["status"] == "ok"
        asked = {"n": "delayed(f)().compute(scheduler='processes')"}
        reply = outcome(client, client.execute("", user_expressions=asked))
        assert reply["user_expressions"]["n"]["data"]["text/plain"] == str(number)

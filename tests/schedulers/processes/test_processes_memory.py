"""Shared memory under whole runs: who may write, what lasts, and that nothing stays behind."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
from children import Script, die, noted, notes, open_files, shared_memory
from tasks import total, wait_until

from lazygraph import Failed, compute, delayed
from lazygraph.schedulers import Processes

np = pytest.importorskip("numpy")
linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

_MB = 1 << 20
_stash: dict[str, Any] = {}


def is_writable(*arrays: Any) -> list[bool]:
    return [bool(array.flags.writeable) for array in arrays]


def fill(value: int, nbytes: int = _MB) -> Any:
    return np.full(nbytes, value % 251, np.uint8)


def overwrite(array: Any) -> None:
    array[0] = 1


def stash(name: str, array: Any) -> str:
    _stash[name] = array
    return name


def stashed(name: str, *_: Any) -> tuple[int, int, int]:
    array = _stash[name]
    return len(array), int(array.min()), int(array.max())


def test_buffers_from_64_kb_on_are_shared(processes: Processes) -> None:
    """What comes through the pipe is the task's own; what is shared it may only read."""
    below, at = np.zeros(64 * 1024 - 1, np.uint8), np.zeros(64 * 1024, np.uint8)
    as_constants = delayed(is_writable)(below, at)
    as_results = delayed(is_writable)(delayed(fill)(0, below.nbytes), delayed(fill)(0, at.nbytes))

    assert compute(as_constants, as_results, scheduler=processes) == ([True, False],) * 2


def test_a_task_that_writes_to_its_input_is_told(processes: Processes) -> None:
    made = delayed(fill)(7)
    kept, seen = delayed(total)([delayed(int)(delayed(np.min)(made))]), delayed(overwrite)(made)
    with pytest.raises(ValueError, match="read-only"):
        compute(kept, seen, scheduler=processes)


@pytest.mark.parametrize("nbytes", [1000, 64 * 1024, 5 * _MB])
def test_the_users_results_are_writable_and_theirs_alone(
    nbytes: int,
) -> None:
    """A worker that has kept the same array sees nothing of what the user writes."""
    with Processes(1) as processes:
        made = delayed(fill)(7, nbytes)
        array, name = compute(made, delayed(stash)("kept", made), scheduler=processes)
        array[:] = 8
        kept = delayed(stashed)(name).compute(scheduler=processes)

    assert kept == (nbytes, 7, 7)
    assert int(array.sum()) == 8 * nbytes  # readable after the pool's end


def test_one_result_in_two_outputs_is_one_object(processes: Processes) -> None:
    made = delayed(fill)(3)
    first, second = compute(made, made, scheduler=processes)
    assert first is second


def test_a_result_bigger_than_any_pipe_arrives(processes: Processes) -> None:
    numbers, array, text = compute(
        delayed(list)(range(400_000)),
        delayed(fill)(5, 40 * _MB),
        delayed("x".__mul__)(3 * _MB),
        scheduler=processes,
    )
    assert numbers == list(range(400_000))
    assert (len(array), int(array.min()), int(array.max())) == (40 * _MB, 5, 5)
    assert text == "x" * 3 * _MB


def test_many_results_that_together_are_bigger_than_any_pipe_arrive(processes: Processes) -> None:
    """Both ways at once: neither side may wait for the other."""
    values = [delayed(bytes.__add__)(bytes([i % 256]) * 60_000, b"!") for i in range(300)]
    made = compute(*values, scheduler=processes)
    assert all(one == bytes([i % 256]) * 60_000 + b"!" for i, one in enumerate(made))


def test_an_array_that_a_task_has_kept_stays_as_it_is(tmp_path: Path) -> None:
    """Its memory must not be used again while later tasks fill theirs."""
    with Processes(1) as processes:
        kept = compute(
            *[delayed(stash)(f"a{i}", delayed(fill)(i + 1)) for i in range(3)],
            delayed(stash)("constant", fill(99)),
            scheduler=processes,
        )
        for _ in range(5):
            compute(*[delayed(fill)(200 + i) for i in range(10)], scheduler=processes)
            compute(*[delayed(is_writable)(fill(230 + i)) for i in range(5)], scheduler=processes)
        values = compute(*[delayed(stashed)(name) for name in kept], scheduler=processes)

    assert values == tuple((_MB, n, n) for n in (1, 2, 3, 99))


def test_results_that_the_user_keeps_stay_as_they_are(own_processes: Processes) -> None:
    kept = [delayed(fill)(i, 2 * _MB).compute(scheduler=own_processes) for i in range(10)]
    for i, array in enumerate(kept):
        assert (int(array.min()), int(array.max())) == (i, i)


def test_memory_is_used_again(own_processes: Processes) -> None:
    """Sixty runs of 8 MB each: what a few of them take is enough for all."""

    def run() -> int:
        compute(*[delayed(fill)(i, 4 * _MB) for i in range(2)], scheduler=own_processes)
        return own_processes._own.arena.nbytes_used

    first = max(run() for _ in range(5))
    assert max(run() for _ in range(60)) <= 2 * first
    assert first <= 64 * _MB


def test_memory_of_results_in_between_is_used_again(own_processes: Processes) -> None:
    """One run of a chain of 400 MB whose results are all released."""
    value = delayed(fill)(1, 4 * _MB)
    for _ in range(100):
        # Two that need it: or it would never leave its worker.
        value = delayed(np.maximum)(delayed(np.negative)(value), delayed(np.positive)(value))
    assert len(value.compute(scheduler=own_processes)) == 4 * _MB
    assert own_processes._own.arena.nbytes_used <= 200 * _MB


def test_what_a_dead_worker_held_is_given_back(own_processes: Processes) -> None:
    arrays = compute(*[delayed(fill)(i, 4 * _MB) for i in range(4)], scheduler=own_processes)
    pool = own_processes._own
    compute(delayed(die)(), scheduler=own_processes, on_error="collect")
    for pid in own_processes.pids:
        os.kill(pid, signal.SIGKILL)
    assert [int(array.max()) for array in arrays] == [0, 1, 2, 3]  # mapped, not lost
    del arrays

    assert delayed(fill)(1).compute(scheduler=own_processes)[0] == 1

    assert wait_until(lambda: pool.arena.nbytes_used < 8 * _MB, 0.5)


def test_a_result_outlives_the_worker_that_made_it(
    own_processes: Processes, tmp_path: Path
) -> None:
    """make -> fatal (ends each worker that it meets); make's result is read after that."""
    made = delayed(noted)(tmp_path / "made", fill(6, 2 * _MB))
    after = delayed(lambda *_: die())(made)

    array, failed = compute(made, after, scheduler=own_processes, on_error="collect")

    assert isinstance(failed, Failed)
    assert (int(array.min()), len(array)) == (6, 2 * _MB)
    assert len(notes(tmp_path / "made")) == 1


def test_the_files_of_a_pool_are_closed_with_it() -> None:
    before = sorted(open_files())
    with Processes(2) as processes:
        array = delayed(fill)(3, 2 * _MB).compute(scheduler=processes)
        assert shared_memory()
    del array
    # The keeper of warm pools has files of its own open for a moment.
    assert wait_until(lambda: sorted(open_files()) == before)


# ------------------------------------------------------------------- nothing stays behind
LEAVES = """
import gc, os
from pathlib import Path
import numpy as np
from children import await_file, children, die, shared_memory
from lazygraph import compute, delayed
from lazygraph.schedulers import Processes
from lazygraph.schedulers.processes import warm as module

def make(i):
    return np.full(1 << 20, i, np.uint8)

def fails(x):
    raise ValueError("on purpose")

def run(how, processes):
    arrays = [delayed(make)(i) for i in range(6)]
    if how == "normal":
        return compute(*arrays, scheduler=processes)
    bad = delayed({"error": fails, "killed": lambda x: die(), "waits": waits}[how])
    return compute(*arrays, bad(arrays), scheduler=processes)

def waits(_):
    Path("ready").touch()
    await_file(Path("never"))

def main(how, warm):
    try:
        if warm:
            run(how, "processes")
        else:
            with Processes(2) as processes:
                run(how, processes)
    except BaseException as error:
        print(type(error).__name__)
        return
    print("fine")

if __name__ == "__main__":
    main(HOW, WARM)
    module.close()
    gc.collect()
    print(children(), shared_memory())
"""


def leaving(folder: Path, how: str, warm: bool) -> Script:
    return Script(folder, f"HOW, WARM = {how!r}, {warm}\n{LEAVES}")


WARM = pytest.mark.parametrize("warm", [False, True], ids=["own", "warm"])


@linux
@WARM
@pytest.mark.parametrize(
    ("how", "said"), [("normal", "fine"), ("error", "ValueError"), ("killed", "WorkerDied")]
)
def test_nothing_is_left_after_a_run(tmp_path: Path, how: str, said: str, warm: bool) -> None:
    script = leaving(tmp_path, how, warm)
    out, err, code = script.finish()
    assert (out.splitlines(), code) == ([said, "[] []"], 0)
    assert script.leftovers == []
    assert "Warning" not in err


@linux
@WARM
def test_nothing_is_left_after_ctrl_c(tmp_path: Path, warm: bool) -> None:
    script = leaving(tmp_path, "waits", warm)
    assert wait_until((tmp_path / "ready").exists)
    script.popen.send_signal(signal.SIGINT)
    out, _, code = script.finish()
    assert (out.splitlines(), code) == (["KeyboardInterrupt", "[] []"], 0)
    assert script.leftovers == []


@linux
@WARM
def test_nothing_is_left_when_the_parent_is_killed(tmp_path: Path, warm: bool) -> None:
    script = leaving(tmp_path, "waits", warm)
    assert wait_until((tmp_path / "ready").exists)
    assert len(script.alive()) == 3 if not warm else len(script.alive()) >= 2
    script.popen.kill()
    try:
        assert wait_until(lambda: not script.alive(), 2.0)
    finally:
        script.finish()

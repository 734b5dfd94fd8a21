"""Forks of a process that has workers, and of the workers: by Python and behind its back."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from children import run_script

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="forks")


def test_a_forked_child_keeps_the_result_that_it_has(tmp_path: Path) -> None:
    """The parent drops its own and computes others, in the same memory but for the child."""
    out = run_script(
        tmp_path,
        """
        import os
        import numpy as np
        from lazygraph import delayed
        from lazygraph.schedulers import Processes
        full = delayed(np.full)
        def overwrite():
            for _ in range(3):
                full(1 << 20, 7.0).compute(scheduler=processes)
        with Processes(1) as processes:
            x = full(1 << 20, 1.0).compute(scheduler=processes)
            read, write = os.pipe()
            child = os.fork()
            if not child:
                os.close(write)
                os.read(read, 1)
                print(x.min(), x.max(), flush=True)
                os._exit(0)
            os.close(read)
            del x
            overwrite()
            print(processes._own.ledger.nbytes >> 20, flush=True)
            os.close(write)
            os.waitpid(child, 0)
            overwrite()
            processes._own.settle()
            print(processes._own.ledger.nbytes >> 20)
        """,
    )
    held, seen, left = out.splitlines()
    assert int(held) >= 8
    assert seen == "1.0 1.0"
    assert int(left) < int(held)


def test_a_child_that_a_task_forks_keeps_its_argument(tmp_path: Path) -> None:
    out = run_script(
        tmp_path,
        """
        import os
        from pathlib import Path
        import numpy as np
        from tasks import wait_until
        from lazygraph import delayed
        from lazygraph.schedulers import Processes
        def fork(x):
            if not os.fork():
                wait_until(Path("go").exists)
                Path("seen").write_text(f"{x.min()} {x.max()}")
                os._exit(0)
            return len(x)
        with Processes(1) as processes:
            delayed(fork)(np.full(1 << 20, 1.0)).compute(scheduler=processes)
            for _ in range(4):
                delayed(len)(np.full(1 << 20, 7.0)).compute(scheduler=processes)
            Path("go").touch()
            assert wait_until(Path("seen").exists)
        """,
    )
    assert out == ""
    assert (tmp_path / "seen").read_text() == "1.0 1.0"


def test_a_fork_behind_pythons_back_has_workers_of_its_own(tmp_path: Path) -> None:
    out = run_script(
        tmp_path,
        """
        import ctypes, os
        from lazygraph import delayed
        from lazygraph.schedulers import Processes
        pid = delayed(os.getpid)
        fork = ctypes.PyDLL(None).fork
        first = pid().compute(scheduler="processes", num_workers=1)
        with Processes(1) as own:
            second = pid().compute(scheduler=own)
            child = fork()
            found = [pid().compute(scheduler="processes", num_workers=1), pid().compute(scheduler=own)]
            print([a == b for a, b in zip(found, [first, second])], flush=True)
            if not child:
                from lazygraph.schedulers.processes.warm import close
                close()
                os._exit(0)
            print(os.waitpid(child, 0)[1])
            print(pid().compute(scheduler=own) == second)
        """,
    )
    assert sorted(out.splitlines()) == ["0", "True", "[False, False]", "[True, True]"]


def test_forks_while_other_threads_compute_neither_hang_nor_disturb(tmp_path: Path) -> None:
    out = run_script(
        tmp_path,
        """
        import os, threading
        import numpy as np
        from lazygraph import delayed
        from lazygraph.schedulers import Processes
        is_over, bad = threading.Event(), []
        def compute():
            while not is_over.is_set():
                if delayed(np.sum)(np.ones(1 << 17)).compute(scheduler=own) != 1 << 17:
                    bad.append(1)
        own = Processes(1).__enter__()
        thread = threading.Thread(target=compute)
        thread.start()
        for _ in range(30):
            child = os.fork()
            if not child:
                own.__exit__(None, None, None)
                os._exit(0)
            assert os.waitpid(child, 0)[1] == 0
        is_over.set()
        thread.join()
        own.__exit__(None, None, None)
        print(bad)
        """,
    )
    assert out == "[]\n"

"""An interpreter without what only some systems have: what needs it says so, the rest works."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

CODE = """
import importlib, os, pkgutil, signal, sys
import distributed  # other packages know what there is on a system that they run on

for name in ("fcntl", "termios", "_posixshmem"):
    sys.modules[name] = None
for name in (
    "fork register_at_fork memfd_create pwrite pread preadv killpg getpgrp set_blocking "
    "sched_getaffinity waitid pidfd_open"
).split():
    if hasattr(os, name):
        delattr(os, name)
for name in ("setitimer", "SIGKILL", "pthread_sigmask"):
    if hasattr(signal, name):
        delattr(signal, name)

import lazygraph

OPTIONAL = {"numpy", "autograd", "distributed", "tqdm", "PIL"}
for module in pkgutil.walk_packages(lazygraph.__path__, "lazygraph."):
    if not module.name.endswith("__main__"):
        try:
            importlib.import_module(module.name)
        except ImportError as error:
            if error.name not in OPTIONAL:
                raise

from lazygraph import delayed
from lazygraph.transport.pickling import dumps, loads

assert loads(dumps(lambda x: x + 1))(1) == 2
for scheduler in ("threads", "synchronous", "dask"):
    assert delayed(abs)(delayed(abs)(-1)).compute(scheduler=scheduler) == 1

os.name = "nt"  # what a program asks first
try:
    delayed(abs)(-1).compute(scheduler="processes")
except lazygraph.errors.RunError as error:
    assert "needs Linux or macOS: use threads" in str(error), error
else:
    raise AssertionError("it was not refused")
print("all")
"""


def test_nothing_but_processes_needs_what_only_some_systems_have(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", CODE], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert (ran.stdout, ran.stderr) == ("all\n", "")

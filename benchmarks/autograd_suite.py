"""autograd's own tests by this library's gradient functions: how many of them pass.

    pip download --no-deps --no-binary autograd autograd==1.9.1 && tar xzf autograd-1.9.1.tar.gz
    python -m benchmarks.autograd_suite autograd-1.9.1 [--no-autograd] [options of pytest]

Prints, for each file, how many passed, failed and are out of scope, and why the latter are.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent

#: Files that are about autograd's own speed, and programs that are no tests.
_LEFT_OUT = ["test_performance.py", "profiling.py", "_test_complexity.py"]


def main(folder: str, *options: str) -> int:
    """Run the tests of an unpacked sdist; return pytest's exit status."""
    tests = Path(folder).resolve() / "tests"
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests" / "support"), str(tests)])
    left_out = [f"--ignore={tests / name}" for name in _LEFT_OUT]
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "autograd_adapter",
        "--tb=line",
        *left_out,
    ]
    config = ["-c", os.devnull, f"--rootdir={tests}", "-p", "no:cacheprovider"]
    return subprocess.run(
        [*command, *config, str(tests), *options],
        env={**os.environ, "PYTHONPATH": path},
        check=False,
    ).returncode


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))

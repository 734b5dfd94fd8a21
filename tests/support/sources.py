"""A small tree of source files, and what is in it."""

from __future__ import annotations

import os
import sysconfig
from pathlib import Path

import pytest

from lazygraph.demo.job import Counts

posix_only = pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals and files")
STDLIB = Path(sysconfig.get_path("stdlib"))

SOURCES = {
    "a.py": b"""\
import os
from sys import path as p, argv

class A:
    def f(self):
        return self

    async def g(self, x):
        def inner():
            import re
            return x
        return inner
""",
    "pkg/b.py": b"x = y = x\r\nlambda: 0",  # no newline at the end
    "pkg/empty.py": b"",
    "pkg/__pycache__/c.py": b"c",
    "pkg/notes.txt": b"d",
    "site-packages/e.py": b"e",
    "test/f.py": b"class F: x\n",
}
# By hand: a.py, pkg/b.py, pkg/empty.py, test/f.py.
COUNTED = Counts(
    files=4,
    lines=12 + 2 + 0 + 1,
    functions=3,
    classes=2,
    imports=3,
    names={"x": 1 + 2 + 1, "self": 1, "inner": 1, "y": 1},
)


def write(top: Path, sources: dict[str, bytes]) -> Path:
    for name, content in sources.items():
        path = top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return top

"""The command that moves a code base from dask.delayed: what it says, and what it writes."""

from __future__ import annotations

import ast
import json
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lazygraph.cli import main
from lazygraph.migrate import migrate
from lazygraph.migrate.sources import SourceError, changed, read, write

_BODY = """
@delayed
def inc(x):
    return x + 1

print(compute(inc(1), [inc(inc(2))]))
"""

#: Programs whose imports alone are changed: before, after.
CHANGED: dict[str, tuple[str, str]] = {
    "one line": (
        """\
from dask import delayed, compute
""",
        """\
from lazygraph import delayed, compute
""",
    ),
    "aliases": (
        """\
from dask import delayed as d, compute as c
delayed, compute = d, c
""",
        """\
from lazygraph import delayed as d, compute as c
delayed, compute = d, c
""",
    ),
    "parentheses and comments": (
        """\
from dask import (
    delayed,  # lazy
    compute,
)
""",
        """\
from lazygraph import (
    delayed,  # lazy
    compute,
)
""",
    ),
    "a statement to be split": (
        """\
from dask import delayed, is_dask_collection, compute
""",
        """\
from dask import is_dask_collection
from lazygraph import delayed, compute
""",
    ),
    "a split with comments": (
        """\
from dask import (
    delayed,
    is_dask_collection,  # keeps
    compute,
)
""",
        """\
# keeps
from dask import is_dask_collection
from lazygraph import delayed, compute
""",
    ),
    "of the module": (
        """\
from dask.delayed import delayed, Delayed
from dask.base import compute
""",
        """\
from lazygraph import delayed, Delayed
from lazygraph import compute
""",
    ),
    "by dots": (
        """\
import dask
delayed, compute = dask.delayed, dask.compute
""",
        """\
import lazygraph
delayed, compute = lazygraph.delayed, lazygraph.compute
""",
    ),
    "by dots, the module still needed": (
        """\
import dask
print(dask.is_dask_collection(1))
delayed, compute = dask.delayed, dask.compute
""",
        """\
import dask
import lazygraph
print(dask.is_dask_collection(1))
delayed, compute = lazygraph.delayed, lazygraph.compute
""",
    ),
    "by dots and an alias, among others": (
        """\
import os, dask as d, sys
delayed, compute = d.delayed, d.compute
""",
        """\
import os, sys
import lazygraph
delayed, compute = lazygraph.delayed, lazygraph.compute
""",
    ),
    "in a condition": (
        """\
try:
    from dask import delayed, compute, is_dask_collection
except ImportError:
    delayed = None
""",
        """\
try:
    from dask import is_dask_collection
    from lazygraph import delayed, compute
except ImportError:
    delayed = None
""",
    ),
    "after a semicolon": (
        """\
import os; from dask import delayed, compute, config
""",
        """\
import os; from dask import config; from lazygraph import delayed, compute
""",
    ),
    "signs of more than one byte": (
        """\
name = "é∂"; from dask import delayed, compute  # ünïcode
""",
        """\
name = "é∂"; from lazygraph import delayed, compute  # ünïcode
""",
    ),
    "submodules": (
        """\
import dask, dask.threaded
delayed, compute = dask.delayed, dask.compute
print(dask.threaded.get({'x': 1}, 'x'))
""",
        """\
import dask, dask.threaded
import lazygraph
delayed, compute = lazygraph.delayed, lazygraph.compute
print(dask.threaded.get({'x': 1}, 'x'))
""",
    ),
}


def _run(path: Path) -> str:
    done = subprocess.run([sys.executable, path], capture_output=True, text=True, check=True)
    return done.stdout


@pytest.mark.dask
@pytest.mark.parametrize("name", CHANGED)
def test_imports_are_changed_and_nothing_else(name: str, tmp_path: Path) -> None:
    before, after = CHANGED[name]
    path = tmp_path / "program.py"
    path.write_text(before + _BODY, encoding="utf-8")
    expected = _run(path)

    first = migrate([path], is_to_write=True)
    text = path.read_text(encoding="utf-8")
    second = migrate([path], is_to_write=True)

    assert text == after + _BODY
    assert first.written == [str(path)]
    assert second.written == []
    assert not first.counts["error"]
    assert _run(path) == expected


#: Lines of programs, and what is said of them.
SAID: dict[str, tuple[str, str, str]] = {
    "from dask import *": ("manual", "from dask import *", "name what is used"),
    "from dask.delayed import DelayedLeaf": ("manual", "from dask.delayed", "no such thing"),
    "dask.config.set(scheduler='threads')": ("manual", "dask.config.set", "lazygraph.config.set"),
    "dask.annotate(retries=1)": ("manual", "dask.annotate", "options"),
    "dask.delayed(sum)(x for x in [1])": ("manual", "a generator as an argument", "read only once"),
    "delayed(list)(map(abs, [1]))": ("manual", "map as an argument", "literal"),
    "f(zip([1], [2]))": ("manual", "zip as an argument", "read only once"),
    "dask.compute(f(1), pool=None)": ("manual", "dask.compute", "'pool'"),
    "f(1).compute(chunksize=3)": ("manual", ".compute", "'chunksize'"),
    "f(1).visualize()": ("note", ".visualize", "writes no file"),
    "dask.visualize(f(1))": ("note", "dask.visualize", "writes no file"),
    "da.ones(3)": ("stays", "dask.array.ones", "take each other"),
    "dask.diagnostics.ProgressBar()": ("note", "dask.diagnostics", "dask-threads"),
    "Client()": ("manual", "dask.distributed.Client", "scheduler=client"),
    "dask.config.set({'array.chunk-size': '1MiB'})": ("note", "dask.config.set", "alone"),
    "dask.delayed(f)": ("works", "dask.delayed", "lazygraph.delayed"),
    "delayed(f, nout=2, retries=3)": ("manual", "dask.delayed", "'retries'"),
}
_HEAD = """\
import dask, dask.diagnostics
import dask.array as da
from dask import delayed
from dask.distributed import Client

@delayed(pure=True)
def f(x): ...
"""


@pytest.mark.parametrize("line", SAID)
def test_uses_are_told_with_their_reasons(line: str, tmp_path: Path) -> None:
    kind, use, text = SAID[line]
    path = tmp_path / "program.py"
    path.write_text(_HEAD + line + "\n")

    found = [each for each in migrate([path]).findings if each.line == 8]

    assert any(f.kind == kind and use in f.use and text in f.text for f in found), found


def test_what_is_fine_has_no_finding_but_that_it_works(tmp_path: Path) -> None:
    path = tmp_path / "program.py"
    path.write_text(
        _HEAD + "delayed(sum)([f(1)]).compute(scheduler='threads')\n"
        "f(2).visualize('a.svg')\nf(x).visualize(filename='b')\n"
        "class delayed_like:\n    compute = 3\nother.compute(pool=1)\n"
    )

    assert {f.kind for f in migrate([path]).findings if f.line > 6} == set()


# ------------------------------------------------------------------- files
def test_nothing_is_executed(tmp_path: Path) -> None:
    path = tmp_path / "program.py"
    path.write_text(f"from dask import delayed\nopen({str(tmp_path / 'ran')!r}, 'w')\n")

    migrate([tmp_path], is_to_write=True)

    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"\xef\xbb\xbffrom dask import delayed\n", b"\xef\xbb\xbffrom lazygraph import delayed\n"),
        (
            "# coding: latin-1\nfrom dask import delayed  # \xe9\n".encode("latin-1"),
            "# coding: latin-1\nfrom lazygraph import delayed  # \xe9\n".encode("latin-1"),
        ),
        (
            b"import os\r\nfrom dask import delayed, config\r\nx = 1\r\n",
            b"import os\r\nfrom dask import config\r\nfrom lazygraph import delayed\r\nx = 1\r\n",
        ),
        (
            b"if 1:\n\tfrom dask import delayed, config\n",
            b"if 1:\n\tfrom dask import config\n\tfrom lazygraph import delayed\n",
        ),
        (b"from dask import delayed", b"from lazygraph import delayed"),
        (b"x = '\x0c'\nfrom dask import delayed\n", b"x = '\x0c'\nfrom lazygraph import delayed\n"),
    ],
    ids=["mark of byte order", "latin-1", "CRLF", "tabs", "no end of line", "form feed"],
)
def test_bytes_that_are_not_imports_stay(content: bytes, expected: bytes, tmp_path: Path) -> None:
    path = tmp_path / "program.py"
    path.write_bytes(content)

    migrate([path], is_to_write=True)

    assert path.read_bytes() == expected


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("bad.py", b"from dask import delayed\ndef (\n", "cannot be parsed"),
        ("bad.py", b"# coding: utf-8\nx = '\xff'\n", "cannot be decoded"),
        ("bad.py", b"# coding: no-such-thing\n", "cannot be decoded"),
        ("bad.py", b"x = 1\0\n", "cannot be parsed"),
        ("bad.ipynb", b"{", "is no notebook"),
        ("bad.ipynb", b"[]", "is no notebook"),
    ],
)
def test_files_that_cannot_be_read_are_told_and_left_alone(
    name: str, content: bytes, message: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(content)
    (tmp_path / "good.py").write_text("from dask import delayed\n")

    found = migrate([tmp_path], is_to_write=True)

    (error,) = [f for f in found.findings if f.kind == "error"]
    assert message in error.text
    assert (tmp_path / name).read_bytes() == content
    assert found.written == [str(tmp_path / "good.py")]


def test_notebooks_are_changed_cell_by_cell(tmp_path: Path) -> None:
    cells: list[Any] = [
        {"cell_type": "markdown", "metadata": {}, "source": ["from dask import delayed"]},
        {
            "cell_type": "code",
            "metadata": {},
            "outputs": [],
            "source": ["%time x\n", "import dask"],
        },
        {
            "cell_type": "code",
            "metadata": {},
            "outputs": [],
            "source": "!ls\ny = dask.delayed(1) # é",
        },
        {"cell_type": "code", "metadata": {}, "outputs": [], "source": ["%%bash\n", "import dask"]},
    ]
    book = {"cells": cells, "metadata": {"k": 1}, "nbformat": 4, "nbformat_minor": 5}
    path = tmp_path / "book.ipynb"
    path.write_text(json.dumps(book, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")

    found = migrate([path], is_to_write=True)

    again = json.loads(path.read_text(encoding="utf-8"))
    assert [cell["source"] for cell in again["cells"]] == [
        ["from dask import delayed"],
        ["%time x\n", "import lazygraph"],
        "!ls\ny = lazygraph.delayed(1) # é",
        ["%%bash\n", "import dask"],
    ]
    assert again["metadata"] == {"k": 1}
    assert [(f.cell, f.line) for f in found.findings if f.kind == "works"] == [(3, 2)]


def test_modes_stay_and_links_to_files_stay_links(tmp_path: Path) -> None:
    path, link = tmp_path / "program.py", tmp_path / "link.py"
    path.write_text("from dask import delayed\n")
    path.chmod(0o750)
    link.symlink_to(path)

    found = migrate([link], is_to_write=True)

    assert stat.S_IMODE(path.stat().st_mode) == 0o750
    assert link.is_symlink()
    assert path.read_text() == "from lazygraph import delayed\n"
    assert found.n_files == 1
    assert sorted(each.name for each in tmp_path.iterdir()) == ["link.py", "program.py"]


def test_a_read_only_file_is_told_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "program.py"
    path.write_text("from dask import delayed\n")
    path.chmod(0o440)

    (error,) = [f for f in migrate([path], is_to_write=True).findings if f.kind == "error"]

    assert "read-only" in error.text
    assert path.read_text() == "from dask import delayed\n"


def test_a_file_that_has_changed_meanwhile_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "program.py"
    path.write_text("from dask import delayed\n")
    source = read(path)
    path.write_text("something new\n")

    with pytest.raises(SourceError, match="has changed meanwhile"):
        write(source, changed(source, ["from lazygraph import delayed\n"]))

    assert path.read_text() == "something new\n"


def test_folders_are_searched_without_going_round_in_links(tmp_path: Path) -> None:
    for name in ("a", ".git", "node_modules", "a/b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "program.py").write_text("from dask import delayed\n")
    (tmp_path / "a" / "round").symlink_to(tmp_path)

    found = migrate([tmp_path, tmp_path / "a"])

    assert found.n_files == 2


# -------------------------------------------------------------- command line
def test_the_command_says_what_it_would_do_and_does_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "program.py"
    path.write_text("from dask import delayed\nprint(delayed(1).compute())\n")

    assert main(["migrate", str(tmp_path)]) == 0
    assert "imports would be changed in 1 file: add --write" in capsys.readouterr().out
    assert main(["migrate", str(tmp_path), "--write"]) == 0
    assert "imports changed in 1 file" in capsys.readouterr().out
    assert path.read_text().startswith("from lazygraph import delayed\n")


def test_the_status_and_the_lines_tell_what_is_left_by_hand(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "program.py"
    path.write_text("import dask\ndask.config.set(scheduler='sync')\ndask.delayed(1)\n")

    assert main(["migrate", str(path)]) == 1
    shown = capsys.readouterr().out
    assert f"{path}:2: manual: dask.config.set: " in shown
    assert ": works: " not in shown
    assert main(["migrate", str(path), "--all"]) == 1
    assert f"{path}:3: works: dask.delayed: lazygraph.delayed" in capsys.readouterr().out
    path.write_text("def (")
    assert main(["migrate", str(path)]) == 2


def test_findings_come_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "program.py"
    path.write_text("from dask import delayed\n")

    assert main(["migrate", str(path), "--json"]) == 0

    found = json.loads(capsys.readouterr().out)
    assert found["files"] == 1
    assert found["changeable"] == [str(path)]
    assert found["findings"][0]["use"] == "from dask import delayed"


def test_a_path_that_is_not_there_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["migrate", "/no/such/place"]) == 2
    assert "there is no '/no/such/place'" in capsys.readouterr().err


# ----------------------------------------------------------- random programs
_NAMES = ["delayed", "compute", "persist", "optimize", "visualize", "config", "array", "get"]
_IMPORTS = st.lists(st.sampled_from(_NAMES), min_size=1, max_size=5, unique=True).map(
    lambda names: f"from dask import {', '.join(names)}"
)
_LINES = st.one_of(
    _IMPORTS,
    st.just("import dask"),
    st.just("import dask as d, os"),
    st.sampled_from(["x = dask.delayed(f)", "y = d.compute(x)", "z = dask.config", "s = 'dask.é'"]),
    st.sampled_from(["# dask.delayed", "def f(): return delayed", "class A: import dask"]),
)


class _Without(ast.NodeTransformer):
    """Leaves imports out, and names of the two modules."""

    def visit_Import(self, node: ast.Import) -> None:
        return None

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        return None

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return ast.Name("module") if node.id in {"dask", "d", "lazygraph"} else node


@settings(deadline=None)
@given(lines=st.lists(_LINES, max_size=8))
def test_nothing_but_imports_and_prefixes_changes(
    lines: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("random") / "program.py"
    before = "\n".join(lines)
    path.write_text(before, encoding="utf-8")

    migrate([path], is_to_write=True)
    after = path.read_text(encoding="utf-8")

    assert ast.dump(_Without().visit(ast.parse(after))) == ast.dump(
        _Without().visit(ast.parse(before))
    )
    assert not migrate([path]).changeable
    bound = {
        alias.asname or alias.name
        for text in (before, after)
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    for name in bound:
        assert (name in before) == (name in after)

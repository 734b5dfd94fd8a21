"""What would break a program, or stop the command, if it were changed without care."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from lazygraph.migrate import migrate

#: Programs before and after.
CHANGED = {
    "a module in dask binds dask": (
        "import dask.array\ndask.delayed(1)\n",
        "import dask.array\nimport lazygraph\nlazygraph.delayed(1)\n",
    ),
    "the function by the name of its module": (
        "import os, dask.delayed as dd\ndd(1)\n",
        "import os\nfrom lazygraph import delayed as dd\ndd(1)\n",
    ),
    "spaces about dots": (
        "from dask . delayed \\\n    import delayed\n",
        "from lazygraph \\\n    import delayed\n",
    ),
    "a comment in a split after a semicolon": (
        "x = 1; from dask import (delayed,  # lazy\n    config); y = 2\n",
        "x = 1; from dask import (\n# lazy\nconfig); from lazygraph import delayed; y = 2\n",
    ),
    "a parameter of that name": (
        "import dask\ndef f(dask):\n    return dask.delayed(1)\nx = dask.delayed(1)\n",
        "import lazygraph\ndef f(dask):\n    return dask.delayed(1)\nx = lazygraph.delayed(1)\n",
    ),
    "a variable of that name": (
        "import dask\ndef f():\n    dask = g()\n    return dask.delayed\nx = dask.delayed(1)\n",
        "import lazygraph\ndef f():\n    dask = g()\n    return dask.delayed\nx = lazygraph.delayed(1)\n",
    ),
    "the module's name in a string": (
        "import dask\n__all__ = ['dask']\nx = dask.delayed(1)\n",
        "import dask\nimport lazygraph\n__all__ = ['dask']\nx = lazygraph.delayed(1)\n",
    ),
    "an annotation in a string": (
        "import dask\ndef f(x: 'dask.delayed.Delayed'):\n    return dask.delayed(x)\n",
        (
            "import dask\nimport lazygraph\ndef f(x: 'dask.delayed.Delayed'):\n"
            "    return lazygraph.delayed(x)\n"
        ),
    ),
    "a docstring": (
        "'Uses dask.delayed a lot.'\nimport dask\nx = dask.delayed(1)\n",
        "'Uses dask.delayed a lot.'\nimport lazygraph\nx = lazygraph.delayed(1)\n",
    ),
    "an import in a function": (
        "def f():\n    import dask\n    dask = dask\n    return dask.delayed\n",
        "def f():\n    import dask\n    import lazygraph\n    dask = dask\n    return lazygraph.delayed\n",
    ),
}


@pytest.mark.parametrize("name", CHANGED)
def test_programs_are_changed_so_that_they_go_on_working(name: str, tmp_path: Path) -> None:
    before, after = CHANGED[name]
    path = tmp_path / "program.py"
    path.write_text(before)

    migrate([path], is_to_write=True)

    assert path.read_text() == after
    assert migrate([path], is_to_write=True).written == []


def _said(text: str, tmp_path: Path) -> list[tuple[int, str]]:
    path = tmp_path / "program.py"
    path.write_text("from dask import delayed\n" + text)
    return [(f.line, f.kind) for f in migrate([path]).findings if f.kind in ("manual", "note")]


def test_methods_of_variables_that_hold_lazy_values_are_looked_at(tmp_path: Path) -> None:
    text = "x = delayed(f)(1)\nx.visualize()\nx.compute(pool=1)\nx.compute(scheduler='sync')\n"

    assert _said(text, tmp_path) == [(3, "note"), (4, "manual")]


def test_methods_of_variables_that_also_hold_something_else_are_not(tmp_path: Path) -> None:
    assert _said("x = delayed(f)(1)\nx = other()\nx.compute(pool=1)\n", tmp_path) == []


@pytest.mark.parametrize(
    ("call", "kind"),
    [
        ("set(scheduler='sync')", "manual"),
        ("set({'num_workers': 2})", "manual"),
        ("set({'array.chunk-size': '1MiB'})", "note"),
    ],
)
def test_only_settings_of_what_runs_are_to_be_changed(call: str, kind: str, tmp_path: Path) -> None:
    found = _said(f"import dask\ndask.config.{call}\n", tmp_path)

    assert (3, kind) in found
    assert ((3, "manual") in found) == (kind == "manual")


def test_odd_strings_in_code_give_no_warning(tmp_path: Path) -> None:
    assert _said("x = '\\d'\n", tmp_path) == []  # pytest raises warnings


# ----------------------------------------------------------------- notebooks
def _book(path: Path, *cells: str, **layout: Any) -> None:
    made = [
        {"cell_type": "code", "metadata": {}, "outputs": [], "source": source} for source in cells
    ]
    path.write_text(json.dumps({"cells": made, "nbformat": 4}, **layout))


def _cells(path: Path) -> list[str]:
    return [cell["source"] for cell in json.loads(path.read_text())["cells"]]


def test_what_ipython_times_is_changed_too(tmp_path: Path) -> None:
    path = tmp_path / "book.ipynb"
    _book(path, "import dask", "%%time\ndask.delayed(1)", "%timeit -n 3 dask.delayed(1)")

    migrate([path], is_to_write=True)

    assert _cells(path) == [
        "import lazygraph",
        "%%time\nlazygraph.delayed(1)",
        "%timeit -n 3 lazygraph.delayed(1)",
    ]


@pytest.mark.parametrize("line", ["files = !ls", "delayed?", "for x in y:\n    %matplotlib inline"])
def test_lines_for_ipython_do_not_hide_a_notebook(line: str, tmp_path: Path) -> None:
    path = tmp_path / "book.ipynb"
    _book(path, "from dask import delayed", line)

    migrate([path], is_to_write=True)

    assert _cells(path) == ["from lazygraph import delayed", line]


@pytest.mark.parametrize("cell", ["%%px\ndask.delayed(1)", "y = %prun dask.compute(x)"])
def test_what_is_not_read_keeps_its_import_and_is_told(cell: str, tmp_path: Path) -> None:
    path = tmp_path / "book.ipynb"
    _book(path, "import dask", "dask.delayed(1)", cell)

    found = migrate([path], is_to_write=True)

    assert _cells(path) == ["import dask\nimport lazygraph", "lazygraph.delayed(1)", cell]
    assert [(f.cell, f.kind) for f in found.findings if f.kind == "manual"] == [(3, "manual")]


@pytest.mark.parametrize(
    "layout",
    [{"indent": 1}, {"indent": 4}, {}, {"indent": 1, "ensure_ascii": False}],
    ids=["one space", "four spaces", "one line", "not escaped"],
)
def test_the_layout_of_a_notebook_stays(layout: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "book.ipynb"
    _book(path, "from dask import delayed", "'é'", **layout)
    before = path.read_text()

    migrate([path], is_to_write=True)

    assert path.read_text() == before.replace("from dask", "from lazygraph")


def test_half_a_character_in_a_notebook_stays(tmp_path: Path) -> None:
    path = tmp_path / "book.ipynb"
    _book(path, "from dask import delayed")
    book = json.loads(path.read_text())
    book["cells"].append({"cell_type": "markdown", "source": "\ud83d"})
    text = json.dumps(book).replace('"nbformat"', '"é": 1, "nbformat"')
    path.write_text(text, encoding="utf-8")

    migrate([path], is_to_write=True)

    assert path.read_text(encoding="utf-8") == text.replace("from dask", "from lazygraph")


# --------------------------------------------------------------------- files
def test_a_link_to_itself_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.py").symlink_to("a.py")
    (tmp_path / "b.py").write_text("from dask import delayed\n")

    found = migrate([tmp_path])

    assert found.counts["error"] == 1
    assert found.changeable == [str(tmp_path / "b.py")]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_is_told_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.py")

    (error,) = migrate([tmp_path]).findings

    assert "no regular file" in error.text


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="every folder is open to root"
)
def test_a_folder_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "dark").mkdir()
    (tmp_path / "dark").chmod(0)

    (error,) = migrate([tmp_path]).findings

    (tmp_path / "dark").chmod(0o700)
    assert (error.kind, error.path) == ("error", str(tmp_path / "dark"))


def test_what_is_named_in_a_string_is_to_be_changed_by_hand(tmp_path: Path) -> None:
    text = "import dask\nwith mock.patch('dask.compute'):\n    dask.compute(1)\n"

    assert (3, "manual") in _said(text, tmp_path)

"""Every notebook runs from top to bottom."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from lazygraph.demo import count_lazily

NOTEBOOKS = sorted((Path(__file__).parent.parent / "notebooks").glob("*.ipynb"))


def code_of(notebook: Path) -> list[str]:
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(notebook: Path) -> None:
    names: dict[str, Any] = {"__name__": notebook.stem}
    for number, code in enumerate(code_of(notebook)):
        exec(compile(code, f"{notebook.name}[{number}]", "exec"), names)


def test_the_first_notebook_says_what_it_shows(capsys: pytest.CaptureFixture[str]) -> None:
    """The last lines of its cells, worked out by hand."""
    names: dict[str, Any] = {}
    for code in code_of(NOTEBOOKS[0].with_stem("first_steps")):
        exec(compile(code, "first_steps", "exec"), names)
    assert names["total"].compute() == 14
    assert names["product"].compute() == 9
    assert names["get"](names["graph"], "f") == (1 + 2) * (1 + 10)
    assert len(names["better"].graph) == 3
    printed = capsys.readouterr().out
    assert "tasks wait for each other" in printed
    assert "while running task 'divide-" in printed


def test_the_gallery_draws_what_it_says() -> None:
    names: dict[str, Any] = {}
    for code in code_of(NOTEBOOKS[0].with_stem("gallery")):
        exec(compile(code, "gallery", "exec"), names)
    drawn = names["many"].visualize(title="100,001 tasks").svg
    assert "100,001 tasks drawn as 6 groups" in drawn
    assert drawn.count(f"{chr(215)}20,000") == 5
    assert ">x<" in names["exp"](names["sin"](names["x"] ** 2)).visualize().svg


def test_the_readmes_picture_is_what_the_library_draws() -> None:
    """But for the keys, which no two runs have in common."""
    picture = NOTEBOOKS[0].with_name("main_job.svg")
    assert f"notebooks/{picture.name}" in (picture.parent.parent / "README.md").read_text("utf-8")
    job = count_lazily([Path(f"{name}.py") for name in ("ast", "json", "os", "re", "sys")])
    shown, drawn = (
        re.findall(">([^<]+)</text>", svg)
        for svg in (picture.read_text("utf-8"), job.visualize().svg)
    )
    assert shown == drawn

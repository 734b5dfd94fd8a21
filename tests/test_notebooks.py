"""Every notebook runs from top to bottom."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from lazygraph.demo.job import count_lazily

NOTEBOOKS = sorted((Path(__file__).parent.parent / "notebooks").glob("*.ipynb"))
LONG = {"scaling", "training"}


def code_of(notebook: Path) -> list[str]:
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]


@cache
def names_after(notebook: Path) -> dict[str, Any]:
    names: dict[str, Any] = {"__name__": notebook.stem}
    for number, code in enumerate(code_of(notebook)):
        exec(compile(code, f"{notebook.name}[{number}]", "exec"), names)
    return names


@pytest.mark.parametrize(
    "notebook",
    [
        pytest.param(path, id=path.stem, marks=[pytest.mark.slow] if path.stem in LONG else [])
        for path in NOTEBOOKS
    ],
)
def test_a_notebook_runs(notebook: Path) -> None:
    assert names_after(notebook)


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


@pytest.mark.slow
def test_training_comes_to_what_scikit_learn_does() -> None:
    names = names_after(NOTEBOOKS[0].with_stem("training"))
    optimum = names["optimum"]
    assert optimum == pytest.approx(217.474, abs=1e-3)
    assert names["reached"] == pytest.approx(optimum, rel=1e-6)
    assert all(trace[-1] == pytest.approx(optimum, rel=1e-6) for trace in names["traces"].values())
    assert names["logistic_accuracy"] == pytest.approx(0.9344, abs=1e-4)
    assert names["network_accuracy"] == pytest.approx(names["scikits_accuracy"])
    assert names["apart"] < 1e-6
    assert names["same"]
    assert names["early"].reason == "patience"


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

"""The program dot as a layout engine."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

from lazygraph.errors import DrawingError
from lazygraph.viz.layout import dot_layout
from lazygraph.viz.layout.dot_program import find_dot

SIZES = [(60.0, 30.0), (60.0, 30.0), (90.0, 30.0)]
EDGES = [(0, 2), (1, 2)]
needs_dot = pytest.mark.skipif(
    shutil.which("dot") is None, reason="Graphviz's program dot is not installed"
)
needs_shell = pytest.mark.skipif(os.name != "posix", reason="the stand-ins are shell scripts")


@needs_dot
@pytest.mark.parametrize("way", ["BT", "TB", "LR", "RL"])
def test_dot_puts_boxes_along_the_data(way: str) -> None:
    layout = dot_layout(SIZES, EDGES, way)

    axis, sign = {"BT": (1, -1), "TB": (1, 1), "LR": (0, 1), "RL": (0, -1)}[way]
    along = [sign * centre[axis] for centre in layout.centres]
    assert along[0] == along[1] < along[2]
    for (start, end), route in zip(EDGES, layout.routes, strict=True):
        assert len(route) % 3 == 1
        places = [layout.centres[start], route[0], route[-1], layout.centres[end]]
        assert [sign * place[axis] for place in places] == sorted(sign * p[axis] for p in places)


@needs_dot
def test_a_picture_by_dot_has_room_for_all_boxes() -> None:
    layout = dot_layout(SIZES, EDGES)

    for (x, y), (width, height) in zip(layout.centres, SIZES, strict=True):
        assert width / 2 <= x <= layout.width_px - width / 2
        assert height / 2 <= y <= layout.height_px - height / 2


def stand_in(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    program = folder / "dot"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("LAZYGRAPH_DOT", str(program))


BROKEN = {
    "exit 0": "not complete",
    "echo 'graph 1 1 1'; echo 'node n0 x y'; echo; echo edge": "not complete",
    "echo 'graph 1 1 1'; echo 'node n0 0.5 0.5 1 1'; echo stop": "not complete",
    "echo 'no such font' >&2; exit 3": "failed: no such font",
    "exit 3": "failed: without a word",
    "printf '\\377'": "cannot run|not complete",
}


@needs_shell
@pytest.mark.parametrize("script", BROKEN)
def test_a_broken_program_is_told_of(
    script: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(tmp_path, monkeypatch, f"cat > /dev/null; {script}")

    with pytest.raises(DrawingError, match=BROKEN[script]) as caught:
        dot_layout(SIZES, EDGES)

    assert 'engine="builtin"' in str(caught.value)


@needs_shell
def test_a_program_that_hangs_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(tmp_path, monkeypatch, "exec sleep 60")

    with pytest.raises(DrawingError, match=r"took more than 0\.05 s"):
        dot_layout(SIZES, EDGES, timeout_seconds=0.05)


def test_without_the_program_the_error_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("LAZYGRAPH_DOT", raising=False)
    monkeypatch.setattr("lazygraph.viz.layout.dot_program._PLACES", ())
    monkeypatch.setattr("sys.prefix", str(tmp_path))

    assert find_dot() is None
    with pytest.raises(DrawingError, match=r"graphviz\.org/download.*engine=\"builtin\""):
        dot_layout(SIZES, EDGES)


@needs_dot
def test_the_program_alone_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "graphviz", None)  # the package of that name

    assert len(dot_layout(SIZES, EDGES).centres) == len(SIZES)


@needs_shell
def test_the_program_is_found_where_installers_leave_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "dot"
    program.touch()
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    monkeypatch.delenv("LAZYGRAPH_DOT", raising=False)
    monkeypatch.setattr("sys.prefix", str(tmp_path / "empty"))
    monkeypatch.setattr("lazygraph.viz.layout.dot_program._PLACES", ("/nowhere/dot", str(program)))

    assert find_dot() == str(program)


def test_an_unknown_direction_is_refused() -> None:
    with pytest.raises(DrawingError, match="'up' is not known"):
        dot_layout(SIZES, EDGES, "up")

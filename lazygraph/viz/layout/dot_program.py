"""Boxes and edges to the layout that Graphviz's program ``dot`` gives them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from lazygraph.errors import DrawingError
from lazygraph.viz.layout.directions import MARGIN_PX, Size, direction_of
from lazygraph.viz.model import Layout, Point
from lazygraph.viz.write.dot import digraph

__all__ = ["dot_layout", "find_dot"]

_PX_PER_INCH = 72
_MOST_SECONDS = 20.0
_INSTEAD = 'engine="builtin" needs nothing installed'
#: Where installers leave the program without telling the PATH.
_PLACES = (
    "/opt/homebrew/bin/dot",
    "/usr/local/bin/dot",
    "/opt/local/bin/dot",
    "/snap/bin/dot",
    r"C:\Program Files\Graphviz\bin\dot.exe",
    r"C:\Program Files (x86)\Graphviz\bin\dot.exe",
    r"C:\ProgramData\chocolatey\bin\dot.exe",
)


def dot_layout(
    sizes: Sequence[Size],
    edges: Sequence[tuple[int, int]],
    rankdir: str = "BT",
    *,
    timeout_seconds: float = _MOST_SECONDS,
) -> Layout:
    """Where the program ``dot`` puts boxes and edges.

    Takes what `layered_layout` takes, and gives what that gives.

    Raises
    ------
    DrawingError
        For another `rankdir`; if the program is not installed, fails, answers nonsense or takes
        more than 20 seconds.
    """
    direction_of(rankdir)
    program = find_dot()
    if program is None:
        raise DrawingError(
            'engine="dot" needs the program dot of Graphviz, which is not on the PATH: get it '
            "from https://graphviz.org/download, or name it in the environment variable "
            "LAZYGRAPH_DOT; " + _INSTEAD
        )
    plain = _run(program, _text(sizes, edges, rankdir), timeout_seconds)
    try:
        return _read(plain, len(sizes), edges)
    except (ValueError, LookupError) as error:
        raise DrawingError(f"{program} gave a layout that is not complete; {_INSTEAD}") from error


def find_dot() -> str | None:
    """Return the program: ``LAZYGRAPH_DOT``, or on the PATH, or beside Python, or where installers put it."""
    named = os.environ.get("LAZYGRAPH_DOT")
    if named:
        return named
    beside = [str(Path(sys.prefix, *parts)) for parts in (("bin",), ("Library", "bin"))]
    found = shutil.which("dot") or shutil.which("dot", path=os.pathsep.join(beside))
    return found or next((place for place in _PLACES if Path(place).is_file()), None)


def _text(sizes: Sequence[Size], edges: Sequence[tuple[int, int]], rankdir: str) -> str:
    """Sizes and edges only: no text of the user's can be misread by either side."""
    every = {
        "graph": {"rankdir": rankdir},
        "node": {"shape": "box", "fixedsize": "true", "label": ""},
        "edge": {"dir": "none"},
    }
    inches = [(f"{w / _PX_PER_INCH:.5f}", f"{h / _PX_PER_INCH:.5f}") for w, h in sizes]
    boxes = [{"width": width, "height": height} for width, height in inches]
    return digraph(every, boxes, [(start, end, {}) for start, end in edges])


def _run(program: str, text: str, timeout_seconds: float) -> str:
    try:
        done = subprocess.run(  # noqa: S603  # the user's own program, fed numbers
            [program, "-Tplain"],
            input=text,
            capture_output=True,
            check=True,
            encoding="utf-8",
            timeout=timeout_seconds,
        )
    except subprocess.TimeoutExpired as error:
        raise DrawingError(
            f"{program} took more than {timeout_seconds:g} s; {_INSTEAD} and does not hang"
        ) from error
    except subprocess.CalledProcessError as error:
        said = (error.stderr.strip().splitlines() or ["without a word"])[0]
        raise DrawingError(f"{program} failed: {said}; {_INSTEAD}") from error
    except (OSError, ValueError) as error:
        raise DrawingError(f"cannot run {program}: {error}; {_INSTEAD}") from error
    return done.stdout


def _read(plain: str, n_boxes: int, edges: Sequence[tuple[int, int]]) -> Layout:
    """Return the layout from dot's lines of words."""
    centres: dict[str, Point] = {}
    routes: dict[tuple[str, str], tuple[Point, ...]] = {}
    width = height = 0.0
    for line in plain.splitlines():
        kind, *words = line.split()
        if kind == "graph":
            width, height = float(words[1]), float(words[2])
        elif kind == "node":
            centres[words[0]] = _points(words[1:3], height)[0]
        elif kind == "edge":
            routes[words[0], words[1]] = _points(words[3 : 3 + 2 * int(words[2])], height)
    return Layout(
        width * _PX_PER_INCH + 2 * MARGIN_PX,
        height * _PX_PER_INCH + 2 * MARGIN_PX,
        tuple([centres[f"n{n}"] for n in range(n_boxes)]),
        tuple([routes[f"n{start}", f"n{end}"] for start, end in edges]),
    )


def _points(words: Sequence[str], height_inches: float) -> tuple[Point, ...]:
    """From inches upward to px downward."""
    numbers = [float(word) * _PX_PER_INCH for word in words]
    top = height_inches * _PX_PER_INCH + MARGIN_PX
    return tuple(
        [(x + MARGIN_PX, top - y) for x, y in zip(numbers[::2], numbers[1::2], strict=True)]
    )

"""A million tasks, and chains as deep: ordinary inputs. One fresh process per figure."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

BUILD = {
    "chain": """
        x = inc(0)
        for _ in range(n - 1):
            x = inc(x)
        expected = n
    """,
    "fan": """
        x = delayed(sum)([inc(i) for i in range(n)])
        expected = n * (n + 1) // 2
    """,
    "tree": """
        level = [inc(i) for i in range(n // 2)]
        while len(level) > 1:
            level = [add(*level[i : i + 2]) if i + 1 < len(level) else level[i]
                     for i in range(0, len(level), 2)]
        x = level[0]
        expected = (n // 2) * (n // 2 + 1) // 2
    """,
}
CODE = """
import pickle
from lazygraph import compute, delayed, optimize
n = {n}
@delayed
def inc(x): return x + 1
@delayed
def add(x, y): return x + y
{build}
assert x.compute(scheduler="sync") == expected
assert x.compute(scheduler="threads", num_workers=2) == expected
graph = x.graph
assert abs(len(graph) - n) <= 1, len(graph)
assert graph.find_cycle() is None
del graph
again = pickle.loads(pickle.dumps(x))
assert again.compute(scheduler="sync") == expected
del again
if {n} < 100_000:
    assert optimize(x)[0].compute() == expected
del x
print("done")
"""


def run(shape: str, n: int) -> str:
    code = CODE.format(n=n, build=textwrap.dedent(BUILD[shape]))
    shown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    return shown.stdout + shown.stderr


@pytest.mark.parametrize("shape", BUILD)
def test_twenty_thousand_tasks(shape: str) -> None:
    assert run(shape, 20_000) == "done\n"


@pytest.mark.slow
@pytest.mark.parametrize(
    "shape",
    [
        each if each == "tree" else pytest.param(each, marks=pytest.mark.exhaustive)
        for each in BUILD
    ],
)
def test_a_million_tasks_run_pickle_and_go(shape: str) -> None:
    assert run(shape, 1_000_000) == "done\n"

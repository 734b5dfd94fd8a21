"""Programs as people write them for dask.delayed: run on Dask, changed, and run again."""

from __future__ import annotations

import io
from contextlib import redirect_stdout
from pathlib import Path

import pytest

from lazygraph.migrate import migrate

pytestmark = pytest.mark.dask

#: Programs that work by the change of imports alone.
WORK = {
    "a loop": """
import dask
def inc(x): return x + 1
def add(x, y): return x + y
total = 0
for n in range(5):
    total = dask.delayed(add)(total, dask.delayed(inc)(n))
print(total.compute())
""",
    "decorators": """
from dask import delayed
@delayed
def inc(x): return x + 1
@delayed(pure=True)
def double(x): return 2 * x
print(delayed(sum)([inc(i) + double(i) for i in range(4)]).compute())
""",
    "several results at once": """
from dask import compute, delayed
low, high = delayed(min)([3, 1]), delayed(max)([3, 1])
print(compute(low, high), compute({"low": low, "both": [low, high]}))
""",
    "one call of many results": """
import dask
@dask.delayed(nout=2)
def split(x): return x // 10, x % 10
tens, ones = split(42)
print(dask.compute(tens, ones))
""",
    "attributes and methods": """
from dask import delayed
text = delayed(str.upper)("a b")
print(text.split().compute(), text[0].compute(), delayed(3 + 4j).imag.compute())
""",
    "operators": """
import dask as d
x, y = d.delayed(7), d.delayed(2)
print(d.compute(x + y, x - y, x * y, x // y, x % y, x ** y, -x, abs(-x), x > y, 1 - x))
""",
    "a tree": """
from dask.delayed import delayed
from operator import add
level = list(map(delayed, range(8)))
while len(level) > 1:
    level = [delayed(add)(a, b) for a, b in zip(level[::2], level[1::2])]
print(level[0].compute(scheduler="threads", num_workers=2))
""",
    "batches": """
from dask import delayed
import dask
@delayed
def batch(numbers): return [n * n for n in numbers]
print(dask.compute([batch(range(i, i + 3)) for i in range(0, 9, 3)]))
""",
    "names": """
from dask import delayed
x = delayed(abs)(-1, dask_key_name="one")
print(x.key, x.compute())
""",
    "side by side with arrays": """
import dask
import dask.array as da
x = da.arange(6, chunks=2)
total = dask.delayed(int)(x.sum())
print(total.compute(), dask.compute(x.max() + 1, total))
""",
    "arrays from lazy values": """
import dask.array as da, numpy as np
from dask import delayed
blocks = [da.from_delayed(delayed(np.full)(2, n), (2,), int) for n in range(3)]
print(da.concatenate(blocks).compute().tolist())
""",
    "blocks of an array": """
import dask, dask.array
x = dask.array.ones((4, 4), chunks=2)
parts = [dask.delayed(lambda b: float(b.sum()))(b) for b in x.to_delayed().ravel()]
print(dask.compute(*parts))
""",
    "bags": """
import dask.bag as db
from dask import delayed
bag = db.from_delayed([delayed(range)(n) for n in (2, 3)])
print(bag.sum().compute(scheduler="sync"), sorted(bag.compute(scheduler="sync")))
""",
    "frames": """
import pandas as pd
import dask.dataframe as dd
from dask import delayed
def load(n): return pd.DataFrame({"x": [n, n + 1]})
frame = dd.from_delayed([delayed(load)(n) for n in (1, 5)], meta=load(0))
print(int(frame.x.sum().compute()))
""",
    "persisted": """
import dask
x = dask.delayed(sum)([1, 2])
(held,) = dask.persist(x)
print((held + 1).compute(), x.persist().compute())
""",
    "optimized": """
from dask import compute, delayed, optimize
a = delayed(abs)(-2)
print(compute(*optimize(a + 1, a + 2)))
""",
    "Dask's schedulers": """
from dask import delayed
import dask.threaded
from dask.multiprocessing import get as unused
print(delayed(sum)([1, 2]).compute(scheduler=dask.threaded.get))
print(delayed(sum)([1, 2]).compute(scheduler="single-threaded"))
""",
    "raw graphs": """
import dask
from dask import delayed
from dask.threaded import get
print(get({"x": 1, "y": (abs, "x")}, "y"), dask.get({"a": (sum, [1, 2])}, "a"), delayed(1).compute())
""",
    "types": """
from dask.delayed import Delayed, delayed
from dask import is_dask_collection
x = delayed(1)
print(isinstance(x, Delayed), is_dask_collection(x), is_dask_collection(1))
""",
    "classes": """
from dask import delayed
class Point:
    def __init__(self, x): self.x = x
    @delayed
    def moved(self, by): return Point(self.x + by)
print(Point(1).moved(2).x.compute(), delayed(Point)(5).x.compute())
""",
    "an import in a function": """
def total(numbers):
    import dask
    return dask.delayed(sum)([dask.delayed(abs)(n) for n in numbers])
print(total([-1, 2]).compute())
""",
    "an optional import": """
try:
    import dask
except ImportError:
    dask = None
def run(f, *args):
    return f(*args) if dask is None else dask.delayed(f)(*args).compute()
print(run(sum, [1, 2]))
""",
    "errors": """
from dask import delayed
try:
    delayed(int)("x").compute()
except ValueError as error:
    print(error)
""",
    "one result used by many": """
import dask
calls = []
@dask.delayed
def load(): calls.append(1); return 3
data = load()
print(dask.compute([data + n for n in range(3)]), len(calls))
""",
    "recursion": """
from dask import delayed as lazy
def fib(n): return lazy(n) if n < 2 else lazy(lambda a, b: a + b)(fib(n - 1), fib(n - 2))
print(fib(8).compute())
""",
    "graphs bound together": """
from dask import delayed
from dask.graph_manipulation import bind, clone
seen = []
first, second = delayed(seen.append)(1), delayed(seen.append)(2)
bind(second, first).compute(scheduler="sync")
print(seen, clone(delayed(abs)(-1)).compute())
""",
}

#: Programs that want a hand: lines, and what is said of them.
BY_HAND = {
    "a generator": (
        "from dask import delayed\ndelayed(sum)(n for n in [1])\n",
        2,
        "read only once",
    ),
    "a scheduler for all": (
        "import dask\nwith dask.config.set(scheduler='sync'):\n    dask.delayed(1).compute()\n",
        2,
        "lazygraph.config.set",
    ),
    "a client for all": (
        "from dask import delayed\nfrom distributed import Client\nc = Client()\ndelayed(1)\n",
        3,
        "scheduler=client",
    ),
    "annotations": (
        "import dask\nwith dask.annotate(retries=3):\n    x = dask.delayed(abs)(1)\n",
        2,
        "options",
    ),
    "a pool": ("import dask\ndask.compute(dask.delayed(1), pool=None)\n", 2, "'pool'"),
    "all names": ("from dask import *\ndelayed(1).compute()\n", 1, "name what is used"),
}


def _printed(path: Path) -> str:
    shown = io.StringIO()
    code = compile(path.read_text(encoding="utf-8"), str(path), "exec")
    with redirect_stdout(shown):
        exec(code, {"__name__": "__main__"})
    return shown.getvalue()


@pytest.mark.parametrize("name", WORK)
def test_a_changed_program_prints_what_it_printed_on_dask(name: str, tmp_path: Path) -> None:
    path = tmp_path / "program.py"
    path.write_text(WORK[name], encoding="utf-8")
    expected = _printed(path)

    found = migrate([path], is_to_write=True)

    assert expected
    assert found.written == [str(path)]
    assert not found.counts["manual"]
    assert "lazygraph" in path.read_text(encoding="utf-8")
    assert _printed(path) == expected


@pytest.mark.parametrize("name", BY_HAND)
def test_what_wants_a_hand_is_told_with_its_line(name: str, tmp_path: Path) -> None:
    text, line, said = BY_HAND[name]
    path = tmp_path / "program.py"
    path.write_text(text)

    found = [f for f in migrate([path]).findings if f.kind == "manual"]

    assert [f.line for f in found] == [line]
    assert said in found[0].text

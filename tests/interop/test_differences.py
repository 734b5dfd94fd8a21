"""The README's table of what differs on purpose: each row holds, on both sides."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dask
import numpy as np
import pytest
from tasks import add, fail, inc

import lazygraph
from lazygraph.errors import CaptureError, GraphError, KeyCollisionError, OptionError, UnpackError

pytestmark = pytest.mark.dask
SYNC: Any = {"scheduler": "sync"}
#: row of the table, by its first words -> the test that holds it
ROWS: dict[str, Callable[..., None]] = {}


def row(text: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Say which row of the README a test holds."""

    def note(test: Callable[..., None]) -> Callable[..., None]:
        ROWS[text] = test
        return test

    return note


@row("wrong number or names of arguments")
def test_wrong_arguments_are_an_error_at_the_call() -> None:
    theirs = dask.delayed(inc)(1, 2)
    with pytest.raises(TypeError):
        theirs.compute(**SYNC)
    with pytest.raises(CaptureError, match="too many positional arguments"):
        lazygraph.delayed(inc)(1, 2)


@row("a generator, `map`, `zip` ... as argument")
def test_what_can_be_read_once_is_refused() -> None:
    theirs = dask.delayed(list)(x for x in [1, 2])
    assert [theirs.compute(**SYNC), theirs.compute(**SYNC)] == [[1, 2], []]
    with pytest.raises(CaptureError, match="can be read only once"):
        lazygraph.delayed(list)(x for x in [1, 2])
    assert lazygraph.delayed(list)(lazygraph.literal(iter([1, 2]))).compute() == [1, 2]


@row("a small list or dict changed after the call")
def test_changes_after_the_call_do_not_change_the_result() -> None:
    items = {"a": 1}
    theirs, ours = dask.delayed(dict)(items), lazygraph.delayed(dict)(items)
    items["a"] = 2
    assert theirs.compute(**SYNC) == {"a": 2}
    assert ours.compute(**SYNC) == {"a": 1}


@row("two different tasks under one key")
def test_two_tasks_of_one_key_are_an_error() -> None:
    theirs = [dask.delayed(inc)(n, dask_key_name="same") for n in (1, 2)]
    assert len(set(dask.compute(*theirs, **SYNC))) == 1
    ours = [lazygraph.delayed(inc)(n, dask_key_name="same") for n in (1, 2)]
    with pytest.raises(KeyCollisionError, match=r"inc\(1\) at .* and inc\(2\) at"):
        lazygraph.compute(*ours, **SYNC)


@row("an array changed between two calls of a pure function")
def test_the_content_at_the_compute_counts() -> None:
    array = np.zeros(2)
    total = lazygraph.delayed(np.sum, pure=True)
    theirs_of = dask.delayed(np.sum, pure=True)
    first, their_first = total(array), theirs_of(array)
    array += 1
    second, their_second = total(array), theirs_of(array)
    assert their_first.key != their_second.key
    assert lazygraph.compute(first, second, **SYNC) == (2.0, 2.0)
    assert first.key == second.key


@row("`visualize()` without a file name")
def test_visualize_writes_nothing_unless_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert isinstance(lazygraph.delayed(inc)(1).visualize(), lazygraph.viz.Drawing)
    assert list(tmp_path.iterdir()) == []


@row("an unknown keyword of `compute`")
def test_an_unknown_keyword_is_an_error() -> None:
    assert dask.delayed(inc)(1).compute(shceduler="threads", **SYNC) == 2
    with pytest.raises(OptionError, match="did you mean 'scheduler'"):
        lazygraph.delayed(inc)(1).compute(shceduler="threads")


@row("`x + 1` written twice")
def test_operators_are_not_pure() -> None:
    theirs, ours = dask.delayed(1), lazygraph.delayed(1)
    assert (theirs + 1).key == (theirs + 1).key
    assert (ours + 1).key != (ours + 1).key


@row("unpacking from too short a result")
def test_a_short_result_says_what_was_declared() -> None:
    _, theirs = dask.delayed(inc, nout=2)(1)
    _, ours = lazygraph.delayed(inc, nout=2)(1)
    with pytest.raises(TypeError, match="not subscriptable"):
        theirs.compute(**SYNC)
    with pytest.raises(UnpackError, match=r"2 \(int\).*2"):
        ours.compute(**SYNC)


@row("a dataclass with lazy fields")
def test_a_dataclass_is_not_initialized_again() -> None:
    made: list[str] = []

    @dataclass
    class Noted:
        value: Any

        def __post_init__(self) -> None:
            made.append(type(self.value).__name__)

    for delayed in (dask.delayed, lazygraph.delayed):
        made.clear()
        lazy = delayed(lambda noted: noted.value)(Noted(delayed(inc)(1)))
        assert lazy.compute(**SYNC) == 2
        assert (made == ["Delayed"]) is (delayed is lazygraph.delayed)


@row("setting an attribute of a lazy value")
def test_setting_an_attribute() -> None:
    with pytest.raises(TypeError):
        dask.delayed(1).value = 2
    with pytest.raises(AttributeError):
        lazygraph.delayed(1).value = 2


@row("`x.compuet()`")
def test_a_slip_in_compute_is_told() -> None:
    with pytest.raises(AttributeError, match="'int' object has no attribute 'compuet'"):
        dask.delayed(1).compuet().compute(**SYNC)
    with pytest.raises(AttributeError, match=r"did you mean '.compute\(\)'"):
        lazygraph.delayed(1).compuet()


@row("keys of tasks")
def test_keys_are_made_of_numbers() -> None:
    assert re.fullmatch(r"inc-[0-9a-f-]{36}", dask.delayed(inc)(1).key)
    assert re.fullmatch(r"inc-\d+-[0-9a-f]{12}", lazygraph.delayed(inc)(1).key)


@row("`dask_key_name=object()`")
def test_a_key_is_text_numbers_or_tuples() -> None:
    assert dask.delayed(inc)(1, dask_key_name=object()).compute(**SYNC) == 2
    with pytest.raises(CaptureError, match="a key is a string, a number or a tuple of such"):
        lazygraph.delayed(inc)(1, dask_key_name=object())


@row("an error in a task")
def test_an_error_names_its_task() -> None:
    for delayed, notes in ((dask.delayed, 0), (lazygraph.delayed, 1)):
        with pytest.raises(ValueError, match="cannot use 1") as caught:
            delayed(add)(delayed(fail)(1), 2).compute(**SYNC)
        ours = [n for n in getattr(caught.value, "__notes__", []) if "while running task" in n]
        assert len(ours) == notes


@row("an `async def` function")
def test_async_functions_are_awaited() -> None:
    async def twice(x: int) -> int:
        return 2 * x

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that the coroutine was never awaited
        theirs = dask.delayed(twice)(4).compute(**SYNC)
        assert not isinstance(theirs, int)
        theirs.close()
    assert lazygraph.delayed(twice)(4).compute(**SYNC) == 8


@row("`retries` and other options on local schedulers")
def test_options_are_never_ignored() -> None:
    attempts: list[int] = []

    def flaky() -> int:
        attempts.append(1)
        if len(attempts) < 3:
            raise OSError
        return len(attempts)

    with pytest.raises(OSError), dask.annotate(retries=5):  # Dask ignores it
        dask.delayed(flaky)().compute(**SYNC)
    attempts.clear()
    assert lazygraph.delayed(flaky, retries=5)().compute(**SYNC) == 3


@row('the process pool of `scheduler="processes"`')
def test_worker_processes_stay() -> None:
    import os

    pids = [
        lazygraph.delayed(os.getpid)().compute(scheduler="processes", num_workers=1)
        for _ in range(2)
    ]
    assert pids[0] == pids[1] != os.getpid()


@row("a cycle in a graph")
def test_a_cycle_is_shown() -> None:
    with pytest.raises(GraphError, match=r"'x' -> 'y' -> 'x'|'y' -> 'x' -> 'y'"):
        lazygraph.get({"x": (inc, "y"), "y": (inc, "x")}, "x")
    with pytest.raises(RuntimeError, match=r"(?i)cycle"):
        dask.get({"x": (inc, "y"), "y": (inc, "x")}, "x")


@row("`dask.annotate`, `dask.graph_manipulation`")
def test_what_is_not_here_works_on_lazy_values_with_dask() -> None:
    assert not hasattr(lazygraph, "annotate")
    assert dask.is_dask_collection(lazygraph.delayed(1))


def test_every_row_of_the_table_has_a_test() -> None:
    text = Path(lazygraph.__file__).parent.with_name("README.md").read_text(encoding="utf-8")
    table = text.split("## Coming from Dask")[1].split("\n## ")[0]
    rows = [line.split(" | ")[0].lstrip("| ") for line in table.splitlines() if line[:2] == "| "]
    rows = [each for each in rows if each != "what"]

    assert len(rows) == len(ROWS)
    for each in rows:
        assert any(each.startswith(known) for known in ROWS), each

"""The demo's job, and files that are not as they should be."""

from __future__ import annotations

import gc
import inspect
import os
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sources import COUNTED, STDLIB, posix_only, write

from lazygraph.demo.job import (
    NOT_SOURCES,
    TESTS,
    Counts,
    Skipped,
    count_lazily,
    count_plainly,
    differences,
    merge,
    most_used,
    python_files,
    run,
)
from lazygraph.protocols import Scheduler

# The job


def test_a_tree_is_counted_as_by_hand(tree: Path, scheduler: Scheduler) -> None:
    counts, seconds = run(count_lazily(python_files(tree)), scheduler)

    assert counts == COUNTED
    assert seconds > 0


def test_the_plain_loop_counts_as_by_hand(tree: Path) -> None:
    assert count_plainly(python_files(tree)) == COUNTED


@pytest.mark.parametrize("n_files", range(1, 10))
def test_a_tree_of_any_width_keeps_the_order_of_files(tmp_path: Path, n_files: int) -> None:
    paths = [tmp_path / f"{i}.py" for i in range(n_files)]  # not there: each is skipped

    total = count_lazily(paths)

    assert [skipped.path for skipped in total.compute().skipped] == paths
    assert len(total.graph) == 3 * n_files + n_files - 1


def test_building_the_graph_reads_nothing(tmp_path: Path) -> None:
    total = count_lazily([tmp_path / "late.py"])
    (tmp_path / "late.py").write_text("x\n", encoding="utf-8")

    assert total.compute().files == 1


few = st.integers(0, 9)
counts = st.builds(
    Counts,
    few,
    few,
    few,
    few,
    few,
    st.dictionaries(st.sampled_from("abc"), st.integers(1, 9)),
    st.lists(st.builds(Skipped, st.builds(Path, st.sampled_from("xyz")), st.just("broken"))).map(
        tuple
    ),
)


@given(counts, counts, counts)
def test_merge_is_associative(a: Counts, b: Counts, c: Counts) -> None:
    merged = inspect.unwrap(merge)

    assert merged(merged(a, b), c) == merged(a, merged(b, c))
    assert merged(a, Counts()) == merged(Counts(), a) == a


def test_names_used_equally_often_come_by_alphabet() -> None:
    assert most_used({"b": 2, "c": 3, "a": 2, "d": 1}, most=3) == [("c", 3), ("a", 2), ("b", 2)]
    assert len(most_used({str(i): 1 for i in range(20)})) == 10


def test_differences_name_each_field_that_differs() -> None:
    broken = (Skipped(Path("a"), "broken"),)

    assert differences(COUNTED, COUNTED) == []
    assert differences(Counts(lines=2), Counts(lines=3, skipped=broken)) == [
        "lines 3, not 2",
        "skipped",
    ]


# Files that are not as they should be


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"x = 1\ndef f(:\n", r"SyntaxError: invalid syntax \(line 2\)"),
        (b"x = 1\0\n", r"(SyntaxError|ValueError): source code .* null bytes"),
        (b"x = '\xff'\n", r"SyntaxError: .*'utf-8' codec can't decode"),
        (b"# coding: no-such\n", r"SyntaxError: (unknown encoding|encoding problem): no-such"),
        (b"-" * 100_000 + b"1", r"MemoryError|RecursionError"),
    ],
    ids=["broken", "null bytes", "undecodable", "unknown encoding", "too deep"],
)
def test_a_file_that_does_not_parse_is_skipped_with_the_reason(
    tree: Path, content: bytes, reason: str, scheduler: Scheduler
) -> None:
    write(tree, {"bad.py": content})

    found, _ = run(count_lazily(python_files(tree)), scheduler)

    (skipped,) = found.skipped
    assert skipped.path == tree / "bad.py"
    assert re.match(reason, skipped.reason)
    assert differences(COUNTED, found) == ["skipped"]


@pytest.mark.parametrize(
    "content",
    [b"# coding: latin-1\n\xe9 = 1\n", b"\xef\xbb\xbf\n\xc3\xa9 = 1\n"],
    ids=["coding cookie", "byte order mark"],
)
def test_a_file_is_read_in_its_own_encoding(tmp_path: Path, content: bytes) -> None:
    write(tmp_path, {"named.py": content})

    found = count_lazily(python_files(tmp_path)).compute()

    assert found == Counts(files=1, lines=2, names={"\xe9": 1})


def let_other_threads_in(*_: object) -> None:
    """A callback of the garbage collector: running Python, it lets go of the GIL."""
    sum(range(100))


def test_threads_that_parse_at_once_do_not_disturb_each_other() -> None:
    paths = python_files(STDLIB / "json", NOT_SOURCES | TESTS) * 40
    gc.callbacks.append(let_other_threads_in)
    try:
        found = count_lazily(paths).compute(scheduler="threads", num_workers=8)
    finally:
        gc.callbacks.remove(let_other_threads_in)

    assert found == count_plainly(paths)


def test_a_file_that_vanished_is_skipped(tree: Path) -> None:
    paths = python_files(tree)
    paths[1].unlink()

    found = count_lazily(paths).compute()

    assert found.files == 3
    assert found.skipped == (Skipped(paths[1], "FileNotFoundError: No such file or directory"),)


def test_files_come_sorted_and_without_what_is_no_source(tree: Path) -> None:
    names = [path.relative_to(tree).as_posix() for path in python_files(tree)]

    assert names == ["a.py", "pkg/b.py", "pkg/empty.py", "test/f.py"]


def test_directories_can_be_left_out(tree: Path) -> None:
    assert tree / "test/f.py" not in python_files(tree, NOT_SOURCES | TESTS)
    assert python_files(tree / "test", TESTS) == [tree / "test/f.py"]  # asked for by name


@posix_only
def test_links_that_lead_in_a_circle_are_not_followed(tree: Path) -> None:
    before = python_files(tree)
    (tree / "pkg" / "circle").symlink_to(tree, target_is_directory=True)

    assert python_files(tree) == before


@posix_only
def test_a_named_pipe_is_no_file_and_a_dangling_link_is_one_to_report(tree: Path) -> None:
    before = python_files(tree)
    os.mkfifo(tree / "pipe.py")  # to read it would block
    (tree / "zzz.py").symlink_to(tree / "gone")

    assert python_files(tree) == [*before, tree / "zzz.py"]


@posix_only
@pytest.mark.skipif(getattr(os, "geteuid", int)() == 0, reason="root may read everything")
def test_what_may_not_be_read_is_skipped(tree: Path) -> None:
    (tree / "a.py").chmod(0)
    (tree / "pkg").chmod(0)
    try:
        found = count_lazily(python_files(tree)).compute()
    finally:
        (tree / "pkg").chmod(0o700)

    reason = "PermissionError: Permission denied"
    assert found.skipped == (Skipped(tree / "a.py", reason), Skipped(tree / "pkg", reason))
    assert found.files == 1

"""The command ``lazygraph``, in this process and in one of its own."""

from __future__ import annotations

import importlib.metadata
import io
import os
import re
import signal
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from sources import STDLIB, posix_only, write

from lazygraph import __version__
from lazygraph.cli import main
from lazygraph.demo.job import NOT_SOURCES, TESTS, python_files


@pytest.fixture
def demo(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """Runs ``lazygraph demo`` in an empty directory; status, stdout and stderr."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")

    def run_demo(*words: str, path: Path | None = tree) -> tuple[int, str, str]:
        status = main(["demo", *(["--path", str(path)] if path else []), *words])
        out, err = capsys.readouterr()
        return status, out, err

    return run_demo


def python(*words: str, **options: object) -> subprocess.Popen[str]:
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    # Buffered, as most users have it: what is not flushed does not arrive.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    return subprocess.Popen([sys.executable, *words], env=environment, **{**pipes, **options})


# The command


def test_the_whole_output(demo: Callable[..., tuple[int, str, str]], tree: Path) -> None:
    write(tree, {"bad.py": b"x = 1\ndef f(:\n"})

    status, out, err = demo()

    assert (status, err) == (0, "")
    assert (
        re.sub(r"\d+\.\d\d s", "T s", out)
        == f"""\
path                 {tree}
files                4
lines                15
functions            3
classes              2
imports              3
most used names      x 4, inner 1, self 1, y 1
skipped files        1
  bad.py: SyntaxError: invalid syntax (line 2)
plain loop           T s
synchronous          T s
threads              T s
processes            T s
dask (synchronous)   T s
all agree
drawing of a small version: lazygraph-demo.svg (19 tasks)
"""
    )


def test_only_a_few_skipped_files_are_named(
    demo: Callable[..., tuple[int, str, str]], tree: Path
) -> None:
    write(tree, {f"bad{i}.py": b"(" for i in range(1200)})

    _, out, _ = demo("--scheduler", "threads")

    assert "skipped files        1,200\n  bad0.py: " in out
    assert "  ... and 1,195 more\n" in out
    assert out.count("bad") == 5


def test_the_drawing_is_of_the_first_six_files(
    demo: Callable[..., tuple[int, str, str]], tree: Path, tmp_path: Path
) -> None:
    write(tree, {f"more{i}.py": b"" for i in range(20)})

    _, out, _ = demo("--svg", str(tmp_path / "small.svg"))

    assert f"{tmp_path / 'small.svg'} (23 tasks)" in out
    root = ET.parse(tmp_path / "small.svg").getroot()
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert list(Path().iterdir()) == []  # the default place is left alone


def test_schedulers_and_files_can_be_chosen(demo: Callable[..., tuple[int, str, str]]) -> None:
    status, out, _ = demo(
        "--scheduler", "dask-sync", "--scheduler", "threads", "--workers", "2", "--limit", "3"
    )

    assert status == 0
    assert re.findall(r"^(.*?) +\d+\.\d\d s$", out, re.MULTILINE) == [
        "plain loop",
        "dask (synchronous)",
        "threads",
    ]
    assert "files                3\n" in out


def test_the_standard_library_is_the_default_without_its_tests(
    demo: Callable[..., tuple[int, str, str]],
) -> None:
    some = ("--limit", "3", "--scheduler", "synchronous")

    _, out, _ = demo(*some, path=None)
    _, out_with_tests, _ = demo(*some, "--tests", path=None)

    left_out = "left out             test packages (--tests counts them too)\n"
    assert out.startswith(f"path                 {STDLIB}\n{left_out}files                3\n")
    assert out_with_tests.startswith(f"path                 {STDLIB}\nfiles                3\n")


def test_warnings_about_old_files_are_not_ours_to_pass_on(
    demo: Callable[..., tuple[int, str, str]], tree: Path
) -> None:
    write(tree, {"old.py": b"'\\d'; 1if 1else 1\n"})

    _, out, err = demo()  # an escaped warning would be an error, and the file skipped

    assert "skipped files        0\n" in out
    assert err == ""


def test_characters_that_do_not_show_are_escaped(
    demo: Callable[..., tuple[int, str, str]], tree: Path
) -> None:
    write(tree, {"\x1b[31m\n.py": b"("})

    _, out, _ = demo()

    assert "  \\x1b[31m\\n.py: SyntaxError" in out


class Meddler(io.StringIO):
    """A terminal whose user changes a file once the first counts are shown."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path

    def write(self, text: str) -> int:
        if text.startswith("plain loop"):
            self.path.write_text("import os\n" * 5, encoding="utf-8")
        return super().write(text)


def test_a_result_that_differs_is_told_and_gives_status_1(
    demo: Callable[..., tuple[int, str, str]], tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    screen = Meddler(tree / "pkg" / "empty.py")
    monkeypatch.setattr(sys, "stdout", screen)

    status, _, err = demo("--scheduler", "threads")

    assert status == 1
    assert err == "lazygraph: threads differs from plain loop: lines 20, not 15; imports 8, not 3\n"
    assert "all agree" not in screen.getvalue()


# Requests that cannot be met: one line, status 2, before any work


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--path", "missing"], "path 'missing': No such file or directory"),
        (["--path", "file.py"], "path 'file.py': Not a directory"),
        (["--path", "empty"], "path 'empty': no Python files in it"),
        (["--path", "new\nline"], r"path 'new\nline': No such file or directory"),
        (
            ["--scheduler", "thread"],
            "did you mean 'threads'? (known: synchronous, threads, processes, dask, dask-sync",
        ),
        (["--workers", "0"], "--workers: '0' is not a number from 1 up"),
        (["--workers", "100000"], "--workers 100000: num_workers is a number from 1 to 4096"),
        (["--limit", "-1"], "--limit: '-1' is not a number from 1 up"),
        (["--svg", "missing/x.svg"], "missing/x.svg"),
        (["--svg", "empty"], "empty"),
        (["--surprise"], "unrecognized arguments: --surprise"),
    ],
    ids=lambda given: " ".join(given) if isinstance(given, list) else "",
)
def test_a_request_that_cannot_be_met_gets_one_line_and_status_2(
    demo: Callable[..., tuple[int, str, str]], words: list[str], message: str
) -> None:
    write(Path(), {"file.py": b"", "empty/notes.txt": b""})

    status, out, err = demo(*words)

    assert status == 2
    assert out == ""
    assert err.startswith("lazygraph: ")
    assert message in err
    assert err.count("\n") == 1


def test_without_a_command_the_user_is_told_where_help_is(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main([]) == 2
    assert capsys.readouterr().err.endswith("COMMAND (see lazygraph --help)\n")


# As a process


@pytest.mark.parametrize(
    "words",
    [
        ["-m", "lazygraph"],
        ["-c", "import sys; from lazygraph.cli import main; sys.exit(main())"],
    ],
    ids=["module", "console script"],
)
def test_the_version_is_told(words: list[str]) -> None:
    process = python(*words, "--version")

    assert process.communicate() == (f"lazygraph {__version__}\n", "")
    assert process.returncode == 0


def test_the_console_script_is_main() -> None:
    project = Path(__file__).parents[1] / "pyproject.toml"
    scripts = tomllib.loads(project.read_text(encoding="utf-8"))["project"]["scripts"]

    entry = importlib.metadata.EntryPoint("lazygraph", scripts["lazygraph"], "console_scripts")

    assert entry.load() is main


def test_the_status_is_the_process_s() -> None:
    process = python("-m", "lazygraph", "demo", "--path", "missing")

    assert process.communicate()[1].startswith("lazygraph: path 'missing': ")
    assert process.returncode == 2


@pytest.mark.parametrize(
    ("imported", "unwanted"),
    [("lazygraph", {"lazygraph.cli", "lazygraph.demo"}), ("lazygraph.cli", {"dask"})],
)
def test_nothing_is_imported_before_it_is_wanted(imported: str, unwanted: set[str]) -> None:
    process = python("-c", f"import sys, {imported}; print(*sys.modules)")

    assert not unwanted & set(process.communicate()[0].split())


@pytest.fixture
def ctrl_c_counts() -> Iterator[None]:
    """A process started in the background inherits that Ctrl-C is ignored; not from here."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@posix_only
@pytest.mark.usefixtures("ctrl_c_counts")
@pytest.mark.parametrize(
    ("last_line", "words"),
    [
        ("path", ["--tests"]),
        pytest.param("plain loop", ["--scheduler", "synchronous"], marks=pytest.mark.slow),
        pytest.param("plain loop", ["--scheduler", "threads"], marks=pytest.mark.slow),
        pytest.param("plain loop", ["--scheduler", "processes"], marks=pytest.mark.slow),
        pytest.param("plain loop", ["--scheduler", "dask-sync"], marks=pytest.mark.slow),
    ],
    ids=["in the plain loop", "synchronous", "threads", "processes", "dask"],
)
def test_ctrl_c_ends_it_with_one_line(tmp_path: Path, last_line: str, words: list[str]) -> None:
    process = python("-m", "lazygraph", "demo", *words, cwd=tmp_path)
    for line in iter(process.stdout.readline, ""):
        if line.startswith(last_line):
            break
    process.send_signal(signal.SIGINT)

    _, err = process.communicate()

    assert err == "interrupted\n"
    assert process.returncode == 130


@posix_only
@pytest.mark.parametrize("words", [["demo", "--path", "."], ["--help"]], ids=" ".join)
def test_a_reader_that_leaves_is_no_error(tree: Path, words: list[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    process = python("-m", "lazygraph", *words, stdout=writer, cwd=tree)
    os.close(writer)

    assert process.communicate()[1] == ""
    assert process.returncode == 141


@posix_only
def test_on_a_terminal_one_sees_what_it_is_doing(tree: Path, tmp_path: Path) -> None:
    terminal, stderr = os.openpty()
    process = python("-m", "lazygraph", "demo", "--path", str(tree), stderr=stderr, cwd=tmp_path)
    process.communicate()
    os.close(stderr)  # or reading what was never written would block
    seen = os.read(terminal, 10_000).decode()
    os.close(terminal)

    notes = [
        "plain loop ...",
        "synchronous ...",
        "threads ...",
        "processes ...",
        "dask (synchronous) ...",
    ]
    assert seen == "".join(f"{note}\r{' ' * len(note)}\r" for note in notes)


@pytest.mark.slow
def test_all_agree_on_the_whole_standard_library(
    demo: Callable[..., tuple[int, str, str]],
) -> None:
    status, out, err = demo(path=None)

    assert (status, err) == (0, "")
    assert "all agree\n" in out
    numbers = dict(re.findall(r"^(files|skipped files) +([\d,]+)$", out, re.MULTILINE))
    looked_at = sum(int(number.replace(",", "")) for number in numbers.values())
    assert looked_at == len(python_files(STDLIB, NOT_SOURCES | TESTS))

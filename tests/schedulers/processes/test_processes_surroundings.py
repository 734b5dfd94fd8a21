"""What a task finds around it in a worker: the caller's settings, modules and scripts."""

from __future__ import annotations

import decimal
import importlib
import io
import logging
import os
import subprocess
import sys
import warnings
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from children import Script, own_pid, run_script
from tasks import inc

import lazygraph
from lazygraph import compute, delayed
from lazygraph.errors import RunError
from lazygraph.schedulers import Processes
from lazygraph.schedulers.workers import usable_cores


@pytest.fixture
def one(processes: Processes) -> Processes:
    """One warm worker, which has run something already."""
    made = Processes(1)
    delayed(own_pid)().compute(scheduler=made)
    return made


def module(folder: Path, name: str, code: str) -> ModuleType:
    (folder / f"{name}.py").write_text(code)
    importlib.invalidate_caches()
    return importlib.import_module(name)


@pytest.fixture
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A folder where modules can be written, and what imports them."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


# -------------------------------------------------------------------------------- settings
def test_the_working_directory_is_the_callers_at_each_compute(
    one: Processes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        assert delayed(Path.cwd)().compute(scheduler=one) == tmp_path / name


def test_a_working_directory_that_is_gone_keeps_nobody_from_computing(
    one: Processes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert delayed(inc)(1).compute(scheduler=one) == 2


def test_variables_set_and_deleted_reach_warm_workers(
    one: Processes, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = delayed(lambda: os.environ.get("LAZYGRAPH_COLOUR"))
    for value in ("red", "blue"):
        monkeypatch.setenv("LAZYGRAPH_COLOUR", value)
        assert seen().compute(scheduler=one) == value
    monkeypatch.delenv("LAZYGRAPH_COLOUR")
    assert seen().compute(scheduler=one) is None


def test_the_path_of_modules_reaches_warm_workers(one: Processes, modules: Path) -> None:
    """The folder joined the path after the worker had started."""
    late = module(modules, "late_on_the_path", "def f(x): return x + 5")
    assert delayed(late.f)(1).compute(scheduler=one) == 6


def test_a_path_that_is_no_string_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """As Python itself leaves it out."""
    monkeypatch.setattr(sys, "path", [*sys.path, Path("somewhere")])
    with Processes(1) as processes:
        assert delayed(inc)(1).compute(scheduler=processes) == 2


def test_the_programs_arguments_reach_workers(
    one: Processes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["program", "--fast"])
    assert delayed(lambda: sys.argv)().compute(scheduler=one) == ["program", "--fast"]


def test_levels_of_loggers_reach_warm_workers(one: Processes) -> None:
    logger = logging.getLogger("lazygraph_tests.levels")
    asked = delayed(lambda: logging.getLogger("lazygraph_tests.levels").getEffectiveLevel())
    for level in (logging.DEBUG, logging.CRITICAL):
        logger.setLevel(level)
        assert asked().compute(scheduler=one) == level


def warn() -> str:
    warnings.warn("careful", RuntimeWarning, stacklevel=1)
    return "went on"


def test_filters_of_warnings_reach_warm_workers(one: Processes) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert delayed(warn)().compute(scheduler=one) == "went on"
        warnings.simplefilter("error")
        with pytest.raises(RuntimeWarning, match="careful"):
            delayed(warn)().compute(scheduler=one)


def test_a_filter_of_a_scripts_own_warnings_reaches_workers(tmp_path: Path) -> None:
    out = run_script(
        tmp_path,
        """
        import warnings
        from lazygraph import delayed
        class Mine(UserWarning):
            pass
        def f():
            warnings.warn("mine", Mine)
            return 1
        warnings.simplefilter("ignore", Mine)
        print(delayed(f)().compute(scheduler="processes"))
        warnings.simplefilter("error", Mine)
        try:
            delayed(f)().compute(scheduler="processes")
        except Mine:
            print("raised")
        """,
    )
    assert out.split() == ["1", "raised"]


def test_equal_strings_have_equal_hashes_in_all_workers(tmp_path: Path) -> None:
    """Or a task that divides words by ``hash(word) % n`` would disagree with the next one."""
    hashes = []
    for _ in range(3):
        with Processes(1) as processes:
            hashes.append(delayed(lambda: hash("a word"))().compute(scheduler=processes))
    assert len(set(hashes)) == 1


def test_what_an_initializer_has_set_lasts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when the caller changes something else."""

    def set_up() -> None:
        os.environ["LAZYGRAPH_TOKEN"] = "secret"
        sys.path.append("/extra")
        logging.getLogger("lazygraph_tests.noisy").setLevel(logging.ERROR)

    def found() -> tuple[Any, ...]:
        level = logging.getLogger("lazygraph_tests.noisy").level
        return os.environ.get("LAZYGRAPH_TOKEN"), "/extra" in sys.path, level

    with Processes(1, initializer=set_up) as processes:
        for colour in ("red", "blue"):
            monkeypatch.setenv("LAZYGRAPH_COLOUR", colour)
            asked = delayed(found)().compute(scheduler=processes)
            assert asked == ("secret", True, logging.ERROR)


def test_a_task_takes_nothing_from_the_callers_input() -> None:
    code = """
from lazygraph import delayed
try:
    delayed(input)().compute(scheduler="processes")
except EOFError:
    print("nothing;", input())
"""
    done = subprocess.run(
        [sys.executable, "-c", code], input="a line\n", capture_output=True, text=True, check=True
    )
    assert (done.stdout, done.stderr) == ("nothing; a line\n", "")


def test_a_task_runs_on_its_processs_main_thread(one: Processes) -> None:
    import threading

    asked = delayed(lambda: threading.current_thread() is threading.main_thread())
    assert asked().compute(scheduler=one)


# ------------------------------------------------------------------------------- the cores
def blas_variables() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.endswith("NUM_THREADS")}


@pytest.mark.parametrize("num_workers", [1, 2, 64])
def test_numerical_libraries_share_the_cores(
    monkeypatch: pytest.MonkeyPatch, num_workers: int
) -> None:
    for name in list(blas_variables()):
        monkeypatch.delenv(name)
    with Processes(num_workers) as processes:
        found = delayed(blas_variables)().compute(scheduler=processes)
    assert set(found.values()) == {str(max(1, usable_cores() // num_workers))}
    assert {"OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"} <= set(found)
    assert blas_variables() == {}  # this process's own are as they were


def test_a_variable_that_the_user_has_set_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "17")
    with Processes(2) as processes:
        found = delayed(blas_variables)().compute(scheduler=processes)
    assert found["OMP_NUM_THREADS"] == "17"


def test_blas_threads_says_it_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "17")
    with Processes(2, blas_threads=3) as processes:
        found = delayed(blas_variables)().compute(scheduler=processes)
    assert set(found.values()) == {"3"}


def test_a_compute_inside_a_task_has_its_share_of_the_cores(processes: Processes) -> None:
    assert delayed(usable_cores)().compute(scheduler=processes) == max(1, usable_cores() // 2)


# --------------------------------------------------------------------------------- modules
def test_a_module_that_was_reloaded_is_reloaded_for_tasks(
    processes: Processes, modules: Path
) -> None:
    changing = module(modules, "changing_module", "def f(): return 'old'")
    assert delayed(changing.f)().compute(scheduler=processes) == "old"
    (modules / "changing_module.py").write_text("def f(): return 'newer'")
    importlib.reload(changing)
    assert delayed(changing.f)().compute(scheduler=processes) == "newer"
    assert delayed(lambda: changing.f() + "!")().compute(scheduler=processes) == "newer!"


def test_a_module_that_workers_cannot_import_is_named(processes: Processes, modules: Path) -> None:
    """It exists in this process alone."""
    made = ModuleType("made_by_hand")
    exec("def f(): return 1", made.__dict__)
    made.f.__module__ = "made_by_hand"
    sys.modules["made_by_hand"] = made

    with pytest.raises(ModuleNotFoundError, match="made_by_hand") as caught:
        delayed(made.f)().compute(scheduler=processes)

    assert "could not import 'made_by_hand'" in "\n".join(caught.value.__notes__)


def test_a_module_that_raises_when_workers_import_it_shows_where(
    processes: Processes, modules: Path
) -> None:
    code = f"import os\nif os.getpid() != {os.getpid()}: raise ZeroDivisionError('at import')"
    broken = module(modules, "broken_elsewhere", f"{code}\ndef f(): return 1")
    with pytest.raises(ZeroDivisionError, match="at import") as caught:
        delayed(broken.f)().compute(scheduler=processes)
    trace, files = caught.value.__traceback__, []
    while trace:
        files.append(Path(trace.tb_frame.f_code.co_filename).name)
        trace = trace.tb_next
    assert files[-1] == "broken_elsewhere.py"


def test_a_module_that_computes_when_workers_import_it_is_told_so(
    processes: Processes, modules: Path
) -> None:
    code = """
from lazygraph import delayed
def f(x): return x + 1
value = delayed(abs)(-1).compute(scheduler="processes")
"""
    computing = module(modules, "computes_at_import", code)
    assert computing.value == 1  # no worker had to import the module for that
    with pytest.raises(RunError, match="computes while a worker process imports it"):
        delayed(computing.f)(1).compute(scheduler=processes)


# --------------------------------------------------------------------------------- nesting
def nested(depth: int, scheduler: str) -> list[int]:
    if depth == 0:
        return [os.getpid()]
    parts = [delayed(nested)(depth - 1, scheduler) for _ in range(2)]
    first, second = compute(*parts, scheduler=scheduler)
    return [*first, *second]


@pytest.mark.parametrize("scheduler", ["processes", "synchronous", "threads"])
def test_a_compute_inside_a_task_stays_in_its_worker(processes: Processes, scheduler: str) -> None:
    pids = delayed(nested)(3, scheduler).compute(scheduler=processes)
    assert len(pids) == 8
    assert len(set(pids)) == 1
    assert pids[0] != os.getpid()


def test_an_error_inside_a_nested_compute_names_both_tasks(processes: Processes) -> None:
    def outer() -> Any:
        return delayed(int)("x", dask_key_name="inner").compute(scheduler="processes")

    with pytest.raises(ValueError, match="invalid literal") as caught:
        delayed(outer)(dask_key_name="outer").compute(scheduler=processes)
    notes = "\n".join(caught.value.__notes__)
    assert "while running task 'inner'" in notes
    assert "while running task 'outer'" in notes


def test_the_callers_defaults_hold_inside_tasks(processes: Processes) -> None:
    with lazygraph.config.set(num_workers=7, on_error="collect"):
        asked = [delayed(lazygraph.config.get)(name) for name in ("num_workers", "on_error")]
        assert compute(*asked, scheduler=processes) == (7, "collect")


# --------------------------------------------------------------------------------- scripts
def test_a_script_needs_no_guard(tmp_path: Path) -> None:
    """Workers do not run it again."""
    out = run_script(
        tmp_path,
        """
        from pathlib import Path
        from children import note
        from lazygraph import compute, delayed
        note(Path("starts"))
        def double(x):
            return 2 * x
        print(sum(compute(*[delayed(double)(i) for i in range(100)], scheduler="processes")))
        """,
    )
    assert out == f"{2 * sum(range(100))}\n"
    assert (tmp_path / "starts").read_text() == "x\n"


def test_code_from_the_command_line_and_from_a_pipe_may_compute(tmp_path: Path) -> None:
    code = (
        "from lazygraph import delayed; f = lambda x: x + 1; "
        "print(delayed(f)(1).compute(scheduler='processes'))"
    )
    for arguments, given in ([["-c", code], None], [["-"], code]):
        done = subprocess.run(
            [sys.executable, *arguments], input=given, capture_output=True, text=True, check=True
        )
        assert (done.stdout, done.stderr) == ("2\n", "")


def test_a_script_next_to_its_modules_finds_them_in_workers(tmp_path: Path) -> None:
    (tmp_path / "beside.py").write_text("def f(x): return x * 7")
    out = run_script(
        tmp_path,
        """
        import os
        from beside import f
        from lazygraph import delayed
        os.chdir("/")
        print(delayed(f)(6).compute(scheduler="processes"))
        """,
    )
    assert out == "42\n"


def test_a_script_that_ends_in_an_error_shows_it_once(tmp_path: Path) -> None:
    script = Script(
        tmp_path,
        """
        from lazygraph import delayed
        def fails():
            raise ValueError("on purpose")
        delayed(fails)().compute(scheduler="processes")
        """,
    )
    out, err, code = script.finish()
    assert (out, code) == ("", 1)
    assert err.count("Traceback (most recent call last)") == 1
    assert "ValueError: on purpose" in err
    assert 'raise ValueError("on purpose")' in err


def _change_everything() -> None:
    os.chdir("/")
    os.environ["LAZYGRAPH_TEST_ADDED"] = "1"
    del os.environ["LAZYGRAPH_TEST_GONE"]
    os.umask(0)
    sys.path.insert(0, "/no/such/folder")
    sys.argv[:] = ["changed"]
    warnings.simplefilter("error")
    logging.getLogger("of a task").setLevel(7)
    logging.disable(logging.CRITICAL)
    sys.setrecursionlimit(5_000)
    sys.set_int_max_str_digits(700)
    decimal.getcontext().prec = 3
    np.seterr(all="raise")
    sys.stdout = io.StringIO()


def _everything() -> Any:
    return (
        Path.cwd(),
        "LAZYGRAPH_TEST_ADDED" in os.environ,
        os.environ.get("LAZYGRAPH_TEST_GONE"),
        [entry for entry in sys.path if isinstance(entry, str)],
        sys.argv[:],
        [str(entry) for entry in warnings.filters],
        logging.getLogger("of a task").level,
        logging.root.manager.disable,
        sys.getrecursionlimit(),
        sys.get_int_max_str_digits(),
        decimal.getcontext().prec,
        np.geterr(),
        Path("/proc/self/status").read_text().partition("Umask:")[2].split()[0],
    )


def test_what_a_task_changes_is_undone_for_the_next_compute(
    one: Processes, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LAZYGRAPH_TEST_GONE", "here")
    delayed(_change_everything)().compute(scheduler=one)
    assert delayed(_everything)().compute(scheduler=one) == _everything()
    delayed(print)("printed").compute(scheduler=one)
    assert capsys.readouterr().out == "printed\n"


def test_settings_of_numbers_reach_workers_as_they_reach_threads(one: Processes) -> None:
    with np.errstate(divide="raise"), decimal.localcontext() as context:
        context.prec = 5
        for scheduler in (one, "threads"):
            assert delayed(np.geterr)().compute(scheduler=scheduler)["divide"] == "raise"
            assert delayed(lambda: decimal.getcontext().prec)().compute(scheduler=scheduler) == 5
    assert delayed(np.geterr)().compute(scheduler=one)["divide"] == "warn"


@pytest.mark.parametrize("stream", [None, "closed"])
def test_a_task_that_breaks_its_standard_output_has_done_its_work(
    one: Processes, stream: str | None
) -> None:
    def breaks() -> int:
        sys.stdout = None if stream is None else io.StringIO()
        if sys.stdout is not None:
            sys.stdout.close()
        return 1

    assert delayed(breaks)().compute(scheduler=one) == 1


def test_forwarded_output_is_a_stream_with_a_descriptor_and_bytes(
    one: Processes, capsys: pytest.CaptureFixture[str]
) -> None:
    def use() -> tuple[int, bool]:
        sys.stdout.buffer.write("bytes: é\n".encode())
        return sys.stdout.fileno(), sys.stdout.isatty()

    assert delayed(use)().compute(scheduler=one) == (1, False)
    assert capsys.readouterr().out == "bytes: é\n"

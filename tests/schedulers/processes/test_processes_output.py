"""What tasks print and log in workers, in the parent's streams and handlers."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from tasks import fail

from lazygraph import compute, delayed
from lazygraph.schedulers import Processes

LOGGER = "lazygraph_tests.output"


def write(text: str, stream: str = "stdout") -> None:
    getattr(sys, stream).write(text)


def write_and_fail(text: str) -> None:
    write(text)
    fail(text)


def test_what_a_task_prints_is_printed_here(
    processes: Processes, capsys: pytest.CaptureFixture[str]
) -> None:
    delayed(print)("one", "line").compute(scheduler=processes)
    delayed(write)("to stderr\n", "stderr").compute(scheduler=processes)
    assert capsys.readouterr() == ("one line\n", "to stderr\n")


def test_text_without_an_end_of_line_is_printed_when_its_task_is_over(
    processes: Processes, capsys: pytest.CaptureFixture[str]
) -> None:
    delayed(write)("no newline").compute(scheduler=processes)
    assert capsys.readouterr().out == "no newline"


def test_text_before_an_error_is_printed(
    processes: Processes, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ValueError, match="cannot use"):
        delayed(write_and_fail)("so far").compute(scheduler=processes)
    assert capsys.readouterr().out == "so far"


def test_lines_of_tasks_at_once_are_not_torn(
    processes: Processes, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [f"{i} " + "x" * 500 for i in range(200)]
    compute(*[delayed(print)(line) for line in lines], scheduler=processes)
    assert sorted(capsys.readouterr().out.splitlines()) == sorted(lines)


def test_much_output_arrives_whole(
    processes: Processes, capsys: pytest.CaptureFixture[str]
) -> None:
    """More than any pipe holds, in one piece and in many."""

    def talk() -> None:
        write("y" * 3_000_000 + "\n")
        for i in range(20_000):
            write(f"{i}\n")

    delayed(talk)().compute(scheduler=processes)
    first, *rest = capsys.readouterr().out.splitlines()
    assert first == "y" * 3_000_000
    assert rest == [str(i) for i in range(20_000)]


def test_odd_text_arrives(processes: Processes, capsys: pytest.CaptureFixture[str]) -> None:
    delayed(print)("é ☃ \0 \t", end="\n\n").compute(scheduler=processes)
    assert capsys.readouterr().out == "é ☃ \0 \t\n\n"


def test_a_task_may_put_its_own_stream_in_place(
    processes: Processes, capsys: pytest.CaptureFixture[str]
) -> None:
    def captured() -> str:
        import contextlib
        import io

        with contextlib.redirect_stdout(io.StringIO()) as stream:
            write("inside\n")
        write("outside\n")
        return stream.getvalue()

    assert delayed(captured)().compute(scheduler=processes) == "inside\n"
    assert capsys.readouterr().out == "outside\n"


# -------------------------------------------------------------------------------- logging
def log(level: int, message: str, *args: Any, **options: Any) -> None:
    logging.getLogger(LOGGER).log(level, message, *args, **options)


def log_error() -> None:
    try:
        fail(7)
    except ValueError:
        logging.getLogger(LOGGER).exception("went wrong", extra={"request": 42})


class Listed(logging.Handler):
    """Keeps its records."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[Any] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@pytest.fixture
def records() -> Iterator[list[Any]]:
    """What this process logs."""
    handler, logger = Listed(), logging.getLogger(LOGGER)
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield handler.records
    logger.removeHandler(handler)
    logger.setLevel(logging.NOTSET)


def test_a_record_arrives_with_level_logger_and_the_tasks_key(
    processes: Processes, records: list[Any]
) -> None:
    delayed(log)(logging.WARNING, "%s of %d", "one", 3, dask_key_name="logs").compute(
        scheduler=processes
    )
    (record,) = records
    assert (record.levelno, record.name, record.getMessage()) == (30, LOGGER, "one of 3")
    assert record.task == "logs"
    assert (record.funcName, record.filename) == ("log", "test_processes_output.py")


def test_each_record_has_the_key_of_its_own_task(processes: Processes, records: list[Any]) -> None:
    values = [delayed(log)(logging.INFO, f"t{i}", dask_key_name=f"t{i}") for i in range(100)]
    chain = delayed(lambda _: log(logging.INFO, "last"))(
        delayed(lambda: log(logging.INFO, "first"))(dask_key_name="first"), dask_key_name="last"
    )
    compute(*values, chain, scheduler=processes)
    assert len(records) == 102
    assert all(record.task == record.getMessage() for record in records)


def test_a_record_arrives_with_its_exception_and_its_extra_fields(
    processes: Processes, records: list[Any]
) -> None:
    delayed(log_error)().compute(scheduler=processes)
    (record,) = records
    assert record.request == 42
    shown = logging.Formatter().format(record)
    assert shown.startswith("went wrong\nTraceback (most recent call last):\n")
    assert shown.endswith("ValueError: cannot use 7")


def test_records_below_the_callers_level_are_not_shown(records: list[Any]) -> None:
    """Though the task has lowered the level in its own process."""

    def talk() -> None:
        logging.getLogger(LOGGER).setLevel(logging.DEBUG)
        log(logging.DEBUG, "small talk")
        log(logging.INFO, "news")

    with Processes(1) as processes:
        delayed(talk)().compute(scheduler=processes)
    assert [record.getMessage() for record in records] == ["news"]


def test_a_record_before_an_error_arrives(processes: Processes, records: list[Any]) -> None:
    def log_and_fail() -> None:
        log(logging.INFO, "so far")
        fail(1)

    with pytest.raises(ValueError, match="cannot use"):
        delayed(log_and_fail)().compute(scheduler=processes)
    assert [record.getMessage() for record in records] == ["so far"]


def test_an_extra_field_that_cannot_travel_arrives_as_text(
    processes: Processes, records: list[Any]
) -> None:
    def log_lock() -> str:
        log(logging.INFO, "locked", extra={"lock": threading.Lock(), "number": 3})
        return "went on"

    assert delayed(log_lock)().compute(scheduler=processes) == "went on"
    (record,) = records
    assert (record.getMessage(), record.number) == ("locked", 3)
    assert "lock object" in record.lock


def test_a_message_that_does_not_fit_its_arguments_fails_nothing(
    processes: Processes, capsys: pytest.CaptureFixture[str], records: list[Any]
) -> None:
    """As `logging` has it: it tells stderr, and goes on."""
    delayed(log)(logging.INFO, "%d", "no number").compute(scheduler=processes)
    assert records == []
    assert "--- Logging error ---" in capsys.readouterr().err


def test_what_is_logged_while_an_initializer_runs_arrives(records: list[Any]) -> None:
    with Processes(1, initializer=lambda: log(logging.INFO, "starting")) as processes:
        delayed(abs)(1).compute(scheduler=processes)
    assert [(record.getMessage(), record.task) for record in records] == [("starting", None)]

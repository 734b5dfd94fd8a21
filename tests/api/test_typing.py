"""Types as checkers see them: `Delayed[T]` keeps the function's result type."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

SAMPLE = Path(__file__).parents[1] / "support" / "typing_sample.py"
EXPECTED = [
    number
    for number, line in enumerate(SAMPLE.read_text(encoding="utf-8").splitlines(), 1)
    if "  # error" in line
]
BIN = Path(sys.executable).parent


def errors_of_mypy() -> list[int]:
    command = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", str(SAMPLE)]
    shown = subprocess.run(command, capture_output=True, text=True, check=False)
    assert shown.stderr == ""
    lines = [line for line in shown.stdout.splitlines() if ": error:" in line]
    assert all("typing_sample.py" in line for line in lines), shown.stdout
    return sorted({int(line.split(":")[1]) for line in lines})


def errors_of_pyright() -> list[int]:
    command = [BIN / "pyright", "--outputjson", "--pythonpath", sys.executable, str(SAMPLE)]
    shown = subprocess.run(command, capture_output=True, text=True, check=False)
    found = json.loads(shown.stdout)["generalDiagnostics"]
    errors = [each for each in found if each["severity"] == "error"]
    return sorted({each["range"]["start"]["line"] + 1 for each in errors})


@pytest.mark.slow
@pytest.mark.parametrize("errors_of", [errors_of_mypy, errors_of_pyright])
def test_checkers_see_result_types_and_refuse_what_is_wrong(errors_of: object) -> None:
    assert errors_of() == EXPECTED  # type: ignore[operator]

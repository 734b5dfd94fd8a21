"""What went wrong while a function was watched -> the reason it has no derivative, and the line."""

from __future__ import annotations

import linecache
import math
import re
import types
from collections.abc import Iterator
from dis import opname
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from lazygraph.autodiff.tracer import Escaped

__all__ = ["EXPLAINED", "numpy_twin", "reason_of"]

#: What a function raises of itself because it is watched; other errors are its own.
EXPLAINED = (
    TypeError,
    AttributeError,
    NotImplementedError,
    ValueError,
    LookupError,
    AssertionError,
)
_OR = "or say how it is differentiated, by @delayed(vjp=...)"
_HOUSE = Path(__file__).parent.parent
_PYTHON = Path(linecache.__file__).parent
#: What numpy calls otherwise; and what it calls the same, but means otherwise.
_NAMES = {"fabs": "abs", "pow": "power", "fsum": "sum", "dist": "linalg.norm"}
_OTHERS = (math.remainder,)
_ARCS = {f"a{name}": f"arc{name}" for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh", "tan2")}


def numpy_twin(func: Any) -> str | None:
    """Return the name of numpy's function that does what one of `math` or `cmath` does."""
    if getattr(func, "__module__", None) not in ("math", "cmath") or func in _OTHERS:
        return None
    name = func.__name__
    name = _NAMES.get(name, _ARCS.get(name, name))
    return f"np.{name}" if hasattr(np, name.split(".")[0]) else None


def reason_of(error: BaseException) -> str | None:
    """Tell what happened, on which line, and what to do; None if the error is the user's own."""
    trace = _users_step(error)
    if trace is not None and _is_raised_by(trace) and _escape_of(error) is None:
        return None
    if trace is None:
        return f"{_shown(error)}; {_OR}"
    text = _text_of(trace)
    where = f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"
    where += f": {text}" if text else ""
    twins = sorted({f"{name} -> {twin}" for name, twin in _twins(trace.tb_frame, text)})
    if twins:
        return (
            f"it calls a function that takes plain numbers only ({where}); use numpy's: "
            f"{', '.join(twins)}"
        )
    return f"{_shown(error)} ({where}); {_OR}"


def _escape_of(error: BaseException) -> BaseException | None:
    """Return the `Escaped` that is, or has led to, an error; None if there is none."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, Escaped):
        cause = cause.__cause__ or cause.__context__
    return cause


def _is_raised_by(trace: types.TracebackType) -> bool:
    """Tell whether the last step of a traceback is this one, at a ``raise`` or an ``assert``."""
    code = trace.tb_frame.f_code.co_code
    return trace.tb_next is None and opname[code[trace.tb_lasti]] == "RAISE_VARARGS"


def _shown(error: BaseException) -> str:
    escaped = _escape_of(error)
    if escaped is not None:
        return str(escaped)
    return (
        f"watched at work, it raised {type(error).__name__}: {error}; write it with numpy's "
        "functions and operators"
    )


def _users_step(error: BaseException) -> types.TracebackType | None:
    """Return the innermost step that is neither this library's, nor Python's, nor installed."""
    found, trace = None, error.__traceback__
    while trace is not None:
        if not _is_foreign(trace.tb_frame.f_code.co_filename):
            found = trace
        trace = trace.tb_next
    return found


def _text_of(trace: types.TracebackType) -> str:
    """Return the source of the expression a traceback's step is at; of its line, if unknown."""
    code = trace.tb_frame.f_code
    line = linecache.getline(code.co_filename, trace.tb_lineno)
    first, last, start, end = next(islice(code.co_positions(), trace.tb_lasti // 2, None))
    return line[start:end] if first == last and start is not None else line.strip()


def _is_foreign(filename: str) -> bool:
    path = Path(filename)
    is_ours = any(path.is_relative_to(house) for house in (_HOUSE, _PYTHON))
    return is_ours or "site-packages" in path.parts


def _twins(frame: types.FrameType, text: str) -> Iterator[tuple[str, str]]:
    """Yield the functions of `math` that a line calls, each with numpy's."""
    for called in re.findall(r"([A-Za-z_][\w.]*)\(", text):
        first, *rest = called.split(".")
        found = frame.f_locals.get(first, frame.f_globals.get(first))
        for name in rest:
            found = getattr(found, name, None)
        twin = numpy_twin(found)
        if twin is not None:
            yield called, twin

"""One import changed: programs written for dask.delayed do here what they do there."""

from __future__ import annotations

import traceback
from collections import Counter
from functools import partial
from typing import Any

import dask
import pytest
from dask.delayed import Delayed as DaskDelayed
from programs import PROGRAMS, Library

import lazygraph

DASK = Library(
    dask.delayed,
    partial(dask.compute, scheduler="sync"),
    partial(dask.persist, scheduler="sync"),
    dask.optimize,
    dask.visualize,
    dask.get,
    DaskDelayed,
    dask.config.set,
)
OURS = Library(
    lazygraph.delayed,
    partial(lazygraph.compute, scheduler="sync"),
    partial(lazygraph.persist, scheduler="sync"),
    lazygraph.optimize,
    lazygraph.visualize,
    lazygraph.get,
    lazygraph.Delayed,
    lazygraph.config.set,
)


def outcome(name: str, library: Library) -> tuple[Any, Counter[str], BaseException | None]:
    """What a program gives or raises, and its calls; on one thread, so that counts are exact."""
    calls: Counter[str] = Counter()
    with dask.config.set(scheduler="sync"), lazygraph.config.set(scheduler="sync"):
        try:
            return PROGRAMS[name](library, calls), calls, None
        except Exception as error:
            return None, calls, error


@pytest.mark.dask
@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_does_what_it_does_on_dask(name: str) -> None:
    expected, their_calls, their_error = outcome(name, DASK)

    found, our_calls, our_error = outcome(name, OURS)

    shown = "".join(traceback.format_exception(our_error)) if our_error else ""
    assert found == expected, shown
    assert our_calls == their_calls
    assert (our_error is None) == (their_error is None), shown
    # An error of ours may be narrower, never another.
    assert isinstance(our_error, type(their_error)), shown

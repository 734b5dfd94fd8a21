"""Memoryviews travel as such, or are refused with their format."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lazygraph import delayed
from lazygraph.errors import UnpicklableError
from lazygraph.transport.pickling import dumps, loads

ARRAY = np.arange(6.0).reshape(2, 3)


@pytest.mark.parametrize(
    "view",
    [
        memoryview(b"abc"),
        memoryview(bytearray(b"abc")),
        memoryview(b"abcdef")[::2],
        memoryview(ARRAY),
        memoryview(ARRAY.T),
        memoryview(np.arange(6)[::-2]),
        memoryview(np.array(5.0)),
        memoryview(np.zeros(0)),
        memoryview(np.zeros(3, "?")),
    ],
)
def test_a_memoryview_arrives_with_its_format_shape_and_items(view: memoryview[Any]) -> None:
    again = loads(dumps(view))
    assert type(again) is memoryview
    assert (again.format, again.shape) == (view.format, view.shape)
    assert again.tolist() == view.tolist()


@pytest.mark.parametrize("size", [3, 300_000])  # in the stream, and in shared memory
def test_a_task_gets_and_gives_memoryviews(size: int, own_scheduler: Any) -> None:
    view = memoryview(np.arange(size, dtype="f8"))
    result = delayed(lambda v: (type(v), v[1], v))(view).compute(scheduler=own_scheduler)
    assert result[:2] == (memoryview, 1.0)
    assert result[2] == view


@pytest.mark.parametrize("dtype", [">i4", [("a", "i4")]])
def test_a_format_that_nothing_can_be_cast_to_is_refused(dtype: Any) -> None:
    view = memoryview(np.zeros(2, dtype))
    with pytest.raises(UnpicklableError) as caught:
        delayed(len)(view).compute(scheduler="processes")
    assert "cannot pickle a memoryview of format" in str(caught.value.__cause__)

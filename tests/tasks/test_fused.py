"""Fused tasks keep what is asked of their members, or are refused."""

from __future__ import annotations

from typing import Any

import pytest
from dask._task_spec import Task as DaskTask
from dask._task_spec import TaskRef
from tasks import inc

import lazygraph
from lazygraph import Graph, Options, Ref, Task, delayed
from lazygraph.errors import GraphEditError
from lazygraph.tasks.fused import fuse_tasks


@pytest.mark.parametrize("options", [{"retries": 2}, {"timeout": 1.0}, {"uses": {"db": 1}}])
def test_an_inner_task_whose_options_would_be_lost_is_refused(options: dict[str, Any]) -> None:
    inner = Task(inc, (1,), options=Options(**options))
    with pytest.raises(GraphEditError, match=r"'x' has Options.* would be lost"):
        fuse_tasks([("x", inner), ("y", Task(inc, (Ref("x"),)))])


def test_what_holds_a_task_that_is_to_run_here_is_to_run_here() -> None:
    inner = Task(inc, (1,), options=Options(local=True))
    fused = fuse_tasks([("x", inner), ("y", Task(inc, (Ref("x"),), options=Options(priority=2)))])
    assert fused.options == Options(local=True, priority=2)


def test_a_lazy_value_that_dask_has_fused_is_still_retried() -> None:
    calls: list[int] = []

    def flaky(x: int) -> int:
        calls.append(x)
        if len(calls) < 3:
            raise OSError(x)
        return x

    x = delayed(flaky, retries=2)(1)
    written = x.__dask_graph__()[x.key]
    graph = Graph.from_dask({"b": DaskTask.fuse(written, DaskTask("b", inc, TaskRef(x.key)))})
    assert lazygraph.get(graph, "b", scheduler="synchronous") == 2
    assert calls == [1, 1, 1]

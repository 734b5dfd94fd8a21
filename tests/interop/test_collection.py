"""A lazy value is a collection to Dask."""

from __future__ import annotations

import pickle
from typing import Any

import dask
import dask.array as da
import dask.bag as db
import numpy as np
import pytest
from dask.base import is_dask_collection, tokenize
from dask.callbacks import Callback
from dask.diagnostics import Profiler, ProgressBar
from dask.highlevelgraph import HighLevelGraph
from distributed import Client, LocalCluster, futures_of, wait
from hypothesis import given, settings
from strategies import as_delayed, evaluate, programs
from tasks import add, counting, fail, inc, keyword, tallied

import lazygraph
from lazygraph import Delayed, Graph, delayed
from lazygraph.errors import KeyCollisionError, UnsupportedOptionError

pytestmark = pytest.mark.dask

dinc, dadd = delayed(inc), delayed(add)


@pytest.fixture(scope="module")
def client() -> Any:
    with (
        LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            processes=False,
            dashboard_address=None,
            resources={"db": 1},
        ) as cluster,
        Client(cluster) as made,
    ):
        yield made


class GraphMadeError(Exception):
    pass


@pytest.fixture
def no_graph(monkeypatch: pytest.MonkeyPatch) -> None:
    """Making a graph is an error."""

    def refuse(*_: Any) -> Any:
        raise GraphMadeError

    monkeypatch.setattr(Delayed, "_tasks_of", refuse)


# -------------------------------------------------------------- the protocol
def test_a_lazy_value_is_a_collection() -> None:
    assert is_dask_collection(dinc(1))
    assert not is_dask_collection(Delayed)


@pytest.mark.usefixtures("no_graph")
def test_no_graph_is_made_to_find_out_what_a_lazy_value_is() -> None:
    x = dinc(dinc(1))

    assert is_dask_collection(x)
    assert tokenize(x) == tokenize(x) != tokenize(dinc(1))
    assert isinstance(x.__dask_graph__(), HighLevelGraph)
    assert x.__dask_keys__() == [x.key]
    assert set(x.__dask_layers__()) == set(x.dask.layers)
    with pytest.raises(GraphMadeError):
        len(x.dask)


def test_the_graph_for_dask_has_the_keys_and_dependencies_of_the_own_one() -> None:
    x = dinc(1)
    y = dadd(x, delayed(keyword)(x, by=[x, {"k": x}]))

    assert set(y.dask) == set(y.graph)
    assert {key: set(task.dependencies) for key, task in y.dask.items()} == {
        key: set(task.dependencies) for key, task in y.graph.items()
    }


def test_the_default_scheduler_is_that_of_dasks_arrays() -> None:
    assert dinc(1).__dask_scheduler__ is da.ones(1).__dask_scheduler__
    assert Delayed.__dask_scheduler__ is dask.threaded.get


def test_an_attribute_named_expr_is_still_the_results() -> None:
    x = delayed(type("HasExpr", (), {"expr": 5}))()

    assert x.expr.compute() == 5
    assert dask.compute(x.expr) == (5,)


@pytest.mark.slow
@pytest.mark.parametrize("deep", [True, False])
def test_a_graph_of_30_000_tasks_is_made_for_dask_without_recursion(deep: bool) -> None:
    x = dinc(0)
    for _ in range(30_000):
        x = dinc(x) if deep else x
    top = x if deep else delayed(max)([dinc(n) for n in range(30_000)])

    assert len(top.dask) == 30_001
    assert len(pickle.loads(pickle.dumps(top.dask))) == 30_001


def test_options_survive_the_way_to_dask_and_back() -> None:
    x = delayed(inc, retries=2, uses={"db": 1}, priority=2)(1)

    for dsk in (dict(x.dask), dict(pickle.loads(pickle.dumps(x.dask)))):
        (task,) = Graph.from_dask(dsk).values()
        assert task.options == x.graph[x.key].options
        assert task.func is inc


# ------------------------------------------------------------------- compute
@settings(deadline=None)
@given(programs())
def test_dask_computes_what_plain_calls_give(program: dict[str, Any]) -> None:
    made = as_delayed(program)

    computed = dask.compute(made, scheduler="sync")[0]

    assert computed == evaluate(program)


@pytest.mark.parametrize("scheduler", ["sync", "threads", dask.get, dask.threaded.get])
def test_dask_computes_lazy_values_beside_arrays_in_their_places(scheduler: Any) -> None:
    array = da.arange(6, chunks=2)

    computed = dask.compute(
        dinc(1), array.sum(), [dinc(2), {"k": dinc(3)}], dask.delayed(4), 7, scheduler=scheduler
    )

    assert computed == (2, 15, [3, {"k": 4}], 4, 7)


def test_what_lazy_values_share_runs_once_in_one_compute() -> None:
    calls: list[int] = []
    count = delayed(counting(calls))
    shared = count(1)

    assert dask.compute(dinc(shared), dadd(shared, 1), shared, scheduler="sync") == (2, 2, 1)
    assert calls == [1]


def test_dasks_processes_compute_lazy_values() -> None:
    assert dask.compute(dinc(dinc(1)), scheduler="processes", num_workers=1) == (3,)


def test_two_tasks_of_one_given_key_are_an_error_to_dask_too() -> None:
    first = delayed(inc)(1, dask_key_name="same")
    second = delayed(inc)(2, dask_key_name="same")

    with pytest.raises(KeyCollisionError, match="same"):
        dask.compute(dadd(first, second))


def test_the_error_of_a_task_keeps_its_type_and_names_the_task() -> None:
    with pytest.raises(ValueError, match="cannot use 2") as caught:
        dask.compute(delayed(fail)(dinc(1)))

    assert "while running task 'fail-" in caught.value.__notes__[0]
    assert "fail(2)" in caught.value.__notes__[0]
    assert "test_collection.py:" in caught.value.__notes__[0]


def test_persist_gives_a_lazy_value_of_the_same_key_that_has_its_result() -> None:
    calls: list[int] = []
    x = delayed(counting(calls), nout=2)(5)

    (held,) = dask.persist(x, scheduler="sync")

    assert type(held) is Delayed
    assert held.key == x.key
    assert len(held) == 2
    assert (held.compute(), dask.compute(held)) == (5, (5,))
    assert calls == [5]


@pytest.mark.parametrize("result", [(inc, 1), "x", None, [1], ("x", 0)])
def test_persist_holds_any_result_as_it_is(result: Any) -> None:
    (held,) = dask.persist(delayed(lambda: result)(), scheduler="sync")

    assert held.compute() == result
    assert dask.compute(held) == (result,)


def test_optimize_gives_lazy_values_of_the_same_keys_and_values() -> None:
    x = dinc(1)
    y, z = dinc(x), dadd(x, 3)

    better = dask.optimize(y, z)

    assert [each.key for each in better] == [y.key, z.key]
    assert lazygraph.compute(*better) == (3, 5)


def test_visualize_draws_the_tasks_by_name(tmp_path: Any) -> None:
    x = dinc(dadd(1, 2))

    try:
        dask.visualize(x, filename=str(tmp_path / "x"), format="dot", engine="graphviz")
    except Exception as error:  # the program is missing: the text was made before
        if "graphviz" not in type(error).__module__:
            raise
        pytest.skip("Graphviz's program dot is not installed")

    text = (tmp_path / "x.dot").read_text()
    assert "inc" in text
    assert "add" in text


# -------------------------------------------------- among Dask's own arguments
def test_dasks_delayed_takes_lazy_values_alone_and_in_containers() -> None:
    x = dinc(1)

    assert dask.delayed(inc)(x).compute() == 3
    assert dask.delayed(sum)([x, dinc(2)]).compute() == 5
    assert dask.delayed(keyword)(1, by={"k": [x]}).compute() == 5
    assert dask.delayed(x).compute() == 2


def test_a_lazy_value_that_two_of_dasks_delayed_calls_take_runs_once() -> None:
    calls: list[int] = []
    shared = dinc(delayed(counting(calls))(1))

    left, right = dask.delayed(inc)(shared), dask.delayed(inc)(shared)

    assert dask.compute(left, right, scheduler="sync") == (3, 3)
    assert calls == [1]


def test_a_lazy_value_with_a_key_of_numbers_is_taken() -> None:
    part = delayed(inc)(1, dask_key_name=("part", 0))

    assert dask.delayed(inc)(part).compute() == 3
    assert dask.compute(part, dinc(part)) == (2, 3)


def test_arithmetic_of_dasks_delayed_takes_lazy_values() -> None:
    assert (dask.delayed(1) + dinc(1)).compute() == 3
    assert (dinc(1) + dask.delayed(1)).compute() == 3


def test_bags_come_of_lazy_values() -> None:
    parts = [delayed(list)([1, dinc(1)]), delayed(list)((3,))]

    assert db.from_delayed(parts).sum().compute(scheduler="sync") == 6


def test_arrays_come_of_lazy_values() -> None:
    parts = [da.from_delayed(delayed(np.full)(2, n), (2,), dtype=int) for n in range(3)]

    assert da.concatenate(parts).compute().tolist() == [0, 0, 1, 1, 2, 2]


def test_dataframes_come_of_lazy_values() -> None:
    pd = pytest.importorskip("pandas")
    dd = pytest.importorskip("dask.dataframe")
    parts = [delayed(pd.DataFrame)({"x": [n, n]}) for n in range(3)]

    frame = dd.from_delayed(parts, meta={"x": "int64"})

    assert frame.x.sum().compute(scheduler="sync") == 6
    assert dd.from_delayed(parts, verify_meta=False).compute(scheduler="sync").x.tolist() == [
        0,
        0,
        1,
        1,
        2,
        2,
    ]


# ----------------------------------------------------------------- diagnostics
def test_callbacks_and_profilers_see_lazy_tasks_by_key(capsys: Any) -> None:
    x = dinc(dinc(1))
    seen: list[Any] = []

    with Callback(posttask=lambda key, *_: seen.append(key)), Profiler() as profiler, ProgressBar():
        assert dask.compute(x, scheduler="sync") == (3,)

    assert set(seen) == {row.key for row in profiler.results} == set(x.graph)
    assert "100% Completed" in capsys.readouterr().out


@pytest.mark.parametrize("scheduler", [dask.get, dask.threaded.get])
def test_they_see_them_also_where_lazygraph_computes_on_dasks_scheduler(scheduler: Any) -> None:
    x = dinc(dinc(1))

    with Profiler() as profiler:
        assert x.compute(scheduler=scheduler) == 3

    assert {row.key for row in profiler.results} == set(x.graph)


# --------------------------------------------------------------------- options
def test_retries_are_made_by_whatever_scheduler_of_dasks(tmp_path: Any) -> None:
    from tasks import flaky, said

    log = tmp_path / "calls"
    x = delayed(flaky, retries=2, retry_on=OSError)(log, 2, "done")

    assert dask.compute(x, scheduler="threads") == ("done",)
    assert said(log) == "..."


@pytest.mark.parametrize(("name", "value"), [("timeout", 1.0), ("local", True), ("rerun", False)])
def test_an_option_that_dask_has_not_is_refused_before_anything_runs(name: str, value: Any) -> None:
    calls: list[int] = []
    x = delayed(inc, **{name: value})(delayed(counting(calls))(1))

    with pytest.raises(UnsupportedOptionError, match=f"{name}.*inc-"):
        dask.compute(x)

    assert calls == []


def test_an_async_function_is_refused() -> None:
    async def later() -> int:
        return 1

    with pytest.raises(UnsupportedOptionError, match="async def"):
        dask.compute(delayed(later)())


@pytest.mark.parametrize(("name", "value"), [("uses", {"db": 1}), ("priority", 1)])
def test_what_only_a_cluster_honours_a_local_scheduler_refuses(name: str, value: Any) -> None:
    with pytest.raises(UnsupportedOptionError, match=f"local Dask scheduler.*{name}"):
        dask.compute(delayed(inc, **{name: value})(1))


# --------------------------------------------------------------------- clusters
def test_a_cluster_computes_lazy_values(client: Client) -> None:
    x = dinc(1)

    assert client.compute(x).result() == 2
    assert client.compute([x, dinc(x)], sync=True) == [2, 3]
    assert dask.compute({"k": dinc(x)}) == ({"k": 3},)
    assert client.gather(client.compute(dask.delayed(sum)([x, x]))) == 4


def test_a_cluster_persists_a_lazy_value_in_futures(client: Client, tmp_path: Any) -> None:
    from tasks import said

    log = tmp_path / "calls"
    x = delayed(tallied)(log, 5)

    held = client.persist(x)
    wait(held)

    assert [future.key for future in futures_of(held)] == [x.key]
    assert client.compute(dinc(held)).result() == 6
    assert dinc(held).compute(scheduler="sync") == 6  # fetched
    assert said(log) == "."


@pytest.mark.parametrize("scheduler", ["sync", "threads", "processes"])
def test_what_a_cluster_holds_is_fetched_for_a_run_here(client: Client, scheduler: str) -> None:
    array = client.persist(da.arange(7, chunks=2))
    one = client.persist(dask.delayed(inc)(1))

    computed = lazygraph.compute(dinc(array.sum()), dadd(one, array.max()), scheduler=scheduler)

    assert computed == (22, 8)


def test_a_cluster_computes_lazy_values_made_of_collections(client: Client) -> None:
    array = da.arange(8, chunks=2)

    assert client.compute(dinc(array.sum())).result() == 29


def test_priorities_and_resources_reach_the_cluster(client: Client) -> None:
    x = delayed(inc, uses={"db": 1}, priority=3)(dinc(1))

    future = client.compute(x)

    assert future.result() == 3
    told = client.run_on_scheduler(
        lambda dask_scheduler: dask_scheduler.tasks[x.key].resource_restrictions
    )
    assert told == {"db": 1}


def test_a_pickled_graph_is_all_dasks_own() -> None:
    x = dinc(dadd(1, [2][0]))

    layer = pickle.loads(pickle.dumps(x.dask)).layers[x.key]

    assert type(layer).__module__.startswith("dask.")
    assert {type(task).__module__ for task in layer.values()} == {"dask._task_spec"}
    assert dask.get(dict(layer), x.key) == 4

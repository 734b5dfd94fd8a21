"""A cluster of `distributed` runs lazygraph's graphs."""

from __future__ import annotations

import asyncio
import gc
import os
import pickle
import threading
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import pytest
from cluster_fixtures import cluster_of
from tasks import add, fail, identity, inc, said, tallied, total, wait_until

import lazygraph
from lazygraph import compute, delayed, persist
from lazygraph.errors import (
    NoSuchWorkerError,
    OptionError,
    RunError,
    UnknownSchedulerError,
    UnpicklableError,
    UnsupportedOptionError,
)
from lazygraph.observers import Recorder
from lazygraph.schedulers import choose
from lazygraph.schedulers.dask import futures

pytestmark = pytest.mark.dask


def known(cluster: Any) -> set[Any]:
    """The keys that the cluster's scheduler knows."""
    return set(cluster.client.run_on_scheduler(lambda dask_scheduler: list(dask_scheduler.tasks)))


def annotations(cluster: Any, key: str) -> Any:
    """What the cluster's scheduler was told of a task."""

    def look(dask_scheduler: Any) -> Any:
        task = dask_scheduler.tasks[key]
        return task.annotations, task.retries, task.priority, dict(task.resource_restrictions or {})

    return cluster.client.run_on_scheduler(look)


# ------------------------------------------------------------------- choosing
def test_a_client_its_get_and_the_current_one_stand_for_its_cluster(near_cluster: Any) -> None:
    client = near_cluster.client
    value = delayed(inc)(1)
    assert value.compute(scheduler=client) == 2
    assert value.compute(scheduler=client.get) == 2
    with client.as_current():
        assert value.compute(scheduler="distributed") == 2
        assert choose("distributed").client is client


def test_without_a_current_client_the_error_says_what_to_do() -> None:
    with pytest.raises(RunError, match=r"there is none: make one, as client = distributed.Client"):
        delayed(inc)(1).compute(scheduler="distributed")


def test_without_the_package_the_error_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "distributed", None)
    with pytest.raises(UnknownSchedulerError, match=r"pip install lazygraph\[distributed\]"):
        delayed(inc)(1).compute(scheduler="distributed")


def test_a_closed_client_runs_nothing() -> None:
    from distributed import Client

    with cluster_of(n_workers=1, processes=False) as cluster:
        client = Client(cluster, set_as_default=False)
        (held,) = persist(delayed(inc)(1, dask_key_name="one"), scheduler=client)
        assert held.compute(scheduler=client) == 2
        client.close()
        with pytest.raises(RunError, match="the client is closed"):
            delayed(inc)(1).compute(scheduler=client)
        with pytest.raises(RunError, match="the result of 'one' was left on a cluster"):
            held.compute(scheduler="sync")


@pytest.mark.parametrize("given", ["client", "distributed"])
def test_a_number_of_workers_is_refused(near_cluster: Any, given: str) -> None:
    scheduler = near_cluster.client if given == "client" else given
    with pytest.raises(UnsupportedOptionError, match="'num_workers'"):
        delayed(inc)(1).compute(scheduler=scheduler, num_workers=2)


def test_observers_are_refused(near_cluster: Any) -> None:
    with pytest.raises(UnsupportedOptionError, match=r"distributed .* 'observers'"):
        delayed(inc)(1).compute(scheduler=near_cluster, observers=[Recorder()])


def test_an_asynchronous_client_is_refused(near_cluster: Any) -> None:
    from distributed import Client

    async def ask() -> None:
        address = near_cluster.client.scheduler.address
        async with Client(address, asynchronous=True, set_as_default=False) as client:
            with pytest.raises(RunError, match="asynchronous client"):
                delayed(inc)(1).compute(scheduler=client)

    asyncio.run(ask())


# -------------------------------------------------------------------- options
def test_options_that_dask_knows_are_handed_on(near_cluster: Any) -> None:
    value = delayed(inc, retries=2, priority=5, workers=[0, 1], allow_other_workers=True)(
        1, dask_key_name="asked"
    )
    (held,) = persist(value, scheduler=near_cluster)
    assert held.compute(scheduler=near_cluster) == 2
    told, retries, priority, _ = annotations(near_cluster, "asked")
    assert (retries, priority[0]) == (2, -5)
    assert list(told["workers"]) == [0, 1]
    assert told["allow_other_workers"] is True


def test_a_task_is_tried_again_as_often_as_it_asks(near_cluster: Any, tmp_path: Path) -> None:
    from tasks import flaky

    path = tmp_path / "calls"
    value = delayed(flaky, retries=2)(path, 2, "made")
    assert value.compute(scheduler=near_cluster) == "made"
    assert said(path) == "..."
    with pytest.raises(OSError, match="call 2"):
        delayed(flaky, retries=1)(tmp_path / "others", 2, "made").compute(scheduler=near_cluster)


def test_a_task_runs_on_the_worker_that_it_names(far_cluster: Any) -> None:
    pids = far_cluster.client.run(os.getpid)
    names = {w["name"]: a for a, w in far_cluster.client.scheduler_info()["workers"].items()}
    for name, address in names.items():
        values = [delayed(lambda _: os.getpid(), workers=name)(i) for i in range(4)]
        assert set(compute(*values, scheduler=far_cluster)) == {pids[address]}


def test_what_a_task_uses_is_a_resource_of_workers() -> None:
    from distributed import Client

    with (
        cluster_of(n_workers=1, processes=False, resources={"GPU": 2}) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        scheduler = choose(client)
        value = delayed(inc, uses={"GPU": 1})(1, dask_key_name="on gpu")
        (held,) = persist(value, scheduler=client)
        assert held.compute(scheduler=client) == 2
        assert annotations(scheduler, "on gpu")[3] == {"GPU": 1}
        with pytest.raises(NoSuchWorkerError, match=r"'big' uses 3 of 'GPU'.*more than 2: start"):
            delayed(inc, uses={"GPU": 3})(1, dask_key_name="big").compute(scheduler=client)


@pytest.mark.parametrize("wanted", [17, "tcp://127.0.0.1:1"])
def test_a_worker_that_is_not_there_is_told(near_cluster: Any, wanted: Any) -> None:
    value = delayed(inc, workers=[wanted])(1, dask_key_name="picky")
    with pytest.raises(NoSuchWorkerError, match=r"'picky' may run on workers .* it has inproc"):
        value.compute(scheduler=near_cluster)


def test_another_worker_may_do_it_where_that_is_allowed(near_cluster: Any) -> None:
    wanted = ["tcp://127.0.0.1:1"]
    lenient = delayed(inc, workers=wanted, allow_other_workers=True)(1)
    assert lenient.compute(scheduler=near_cluster) == 2


@pytest.mark.parametrize(
    ("option", "given"),
    [
        ("timeout", 1.0),
        ("backoff", 1),
        ("retry_on", OSError),
        ("rerun", False),
        ("local", True),
    ],
)
def test_an_option_that_dask_does_not_know_is_refused(
    near_cluster: Any, option: str, given: Any
) -> None:
    with pytest.raises(UnsupportedOptionError, match=f"(?s)distributed .*'{option}' of task"):
        delayed(inc, **{"retries": 0, option: given})(1).compute(scheduler=near_cluster)


@pytest.mark.parametrize("term", [{"limits": {"db": 1}}, {"on_error": "collect"}])
def test_a_term_that_dask_does_not_know_is_refused(near_cluster: Any, term: dict[str, Any]) -> None:
    with pytest.raises(UnsupportedOptionError, match=f"distributed .*'{next(iter(term))}'"):
        delayed(inc)(1).compute(scheduler=near_cluster, **term)


@pytest.mark.parametrize("name", ["synchronous", "threads", "processes"])
def test_our_own_schedulers_refuse_to_choose_among_workers(name: str) -> None:
    with pytest.raises(UnsupportedOptionError, match=f"{name} .*'workers'"):
        delayed(inc, workers=["a"])(1).compute(scheduler=name)


@pytest.mark.parametrize("bad", [1.5, [""], [None], {"a": 1}, ["a", []]])
def test_workers_that_can_be_none_are_an_error_at_the_call(bad: Any) -> None:
    with pytest.raises(OptionError, match="'workers' is a list of workers' addresses"):
        delayed(inc, workers=bad)


async def slowly(x: int) -> int:
    await asyncio.sleep(0)
    return x + 1


async def badly(x: int) -> int:
    await asyncio.sleep(0)
    raise KeyError(x)


def test_async_tasks_run_on_the_workers_loop(far_cluster: Any) -> None:
    assert delayed(slowly)(delayed(slowly)(1)).compute(scheduler=far_cluster) == 3
    with pytest.raises(KeyError) as caught:
        delayed(badly)(7).compute(scheduler=far_cluster)
    assert "badly(7)" in caught.value.__notes__[0]


# -------------------------------------------------------------------- persist
def test_what_is_persisted_stays_on_the_cluster_and_is_built_on_there(
    far_cluster: Any, tmp_path: Path
) -> None:
    calls = tmp_path / "calls"
    value = delayed(tallied)(calls, 5, dask_key_name="loaded")

    (held,) = persist(value, scheduler=far_cluster)
    above = delayed(inc)(held)

    assert held.key == value.key == "loaded"
    assert above.compute(scheduler=far_cluster) == 6
    assert compute(held, above, scheduler=far_cluster) == (5, 6)
    assert said(calls) == "."  # once for all of it


def test_what_is_persisted_is_brought_here_by_other_schedulers(
    far_cluster: Any, tmp_path: Path
) -> None:
    (held,) = persist(delayed(tallied)(tmp_path / "calls", 5), scheduler=far_cluster)
    assert delayed(inc)(held).compute(scheduler="threads") == 6
    assert delayed(inc)(held).compute(scheduler="dask-sync") == 6
    assert said(tmp_path / "calls") == "."


def test_what_is_persisted_on_one_cluster_can_be_used_on_another(
    far_cluster: Any, near_cluster: Any
) -> None:
    (held,) = persist(delayed(inc)(1), scheduler=far_cluster)
    assert delayed(inc)(held).compute(scheduler=near_cluster) == 3


def test_a_released_lazy_value_releases_its_result(near_cluster: Any) -> None:
    (held,) = persist(delayed(inc)(1, dask_key_name="to go"), scheduler=near_cluster)
    assert held.compute(scheduler=near_cluster) == 2
    assert "to go" in known(near_cluster)

    del held
    gc.collect()

    assert wait_until(lambda: "to go" not in known(near_cluster))


def test_a_failure_of_what_is_persisted_is_raised_when_it_is_wanted(far_cluster: Any) -> None:
    (held,) = persist(delayed(fail)(3, dask_key_name="broken"), scheduler=far_cluster)
    for scheduler in (far_cluster, "threads"):
        with pytest.raises(ValueError, match="cannot use 3") as caught:
            delayed(inc)(held).compute(scheduler=scheduler)
        assert "while running task 'broken': fail(3)" in caught.value.__notes__[0]


def test_a_cancelled_result_is_told(near_cluster: Any) -> None:
    (held,) = persist(delayed(inc)(1, dask_key_name="given up"), scheduler=near_cluster)
    near_cluster.client.cancel([held._function.func.future])
    for scheduler in (near_cluster, "sync"):
        with pytest.raises(RunError, match=r"'given up'.* is no longer there"):
            held.compute(scheduler=scheduler)


def test_nothing_is_left_on_the_cluster_after_a_compute(near_cluster: Any) -> None:
    values = [delayed(inc)(i) for i in range(20)]
    compute(*values, scheduler=near_cluster)
    with pytest.raises(ValueError, match="cannot use"):
        compute(delayed(fail)(values[0]), values[1], scheduler=near_cluster)
    keys = {value.key for value in values}
    assert wait_until(lambda: not keys & known(near_cluster))


# ----------------------------------------------------------------- one by one
@pytest.mark.parametrize("lookahead", [None, 1, 3])
def test_each_result_comes_once_and_shared_tasks_run_once(
    near_cluster: Any, tmp_path: Path, lookahead: int | None
) -> None:
    """source -> even and odd outputs; the last needs the first."""
    calls = tmp_path / "calls"
    source = delayed(tallied)(calls, 10)
    values = [delayed(add)(source, i) for i in range(9)]
    values.append(delayed(total)([values[0], source]))

    pairs = list(
        lazygraph.as_completed([*values, values[2]], scheduler=near_cluster, lookahead=lookahead)
    )
    ordered = list(lazygraph.iterate(values, scheduler=near_cluster, lookahead=lookahead))

    assert len(pairs) == 11
    assert dict(pairs) == {v: 10 + i for i, v in enumerate(values[:9])} | {values[9]: 20}
    assert [value for _, value in ordered] == [*range(10, 19), 20]
    assert said(calls) == ".."  # once for each of the two


def test_lookahead_bounds_what_is_submitted(near_cluster: Any, tmp_path: Path) -> None:
    values = [delayed(tallied)(tmp_path / str(i), i) for i in range(10)]
    pairs = lazygraph.iterate(values, scheduler=near_cluster, lookahead=2)

    assert next(pairs)[1] == 0

    assert not [i for i in range(2, 10) if (tmp_path / str(i)).exists()]
    pairs.close()


def test_leaving_the_loop_ends_the_run(near_cluster: Any) -> None:
    values = [delayed(identity)(i) for i in range(50)]
    for _ in lazygraph.as_completed(values, scheduler=near_cluster, lookahead=50):
        break
    gc.collect()
    keys = {value.key for value in values}
    assert wait_until(lambda: not keys & known(near_cluster))


def test_an_error_ends_the_loop(near_cluster: Any) -> None:
    values = [delayed(inc)(1), delayed(fail)(2)]
    with pytest.raises(ValueError, match="cannot use 2") as caught:
        list(lazygraph.iterate(values, scheduler=near_cluster))
    assert "fail(2)" in caught.value.__notes__[0]


def test_acompute_leaves_the_loop_free_and_can_be_cancelled(
    near_cluster: Any, tmp_path: Path
) -> None:
    async def run() -> Any:
        result = await lazygraph.acompute(delayed(inc)(1), 3, scheduler=near_cluster)
        blocked = delayed(wait_for_file)(tmp_path / "go", dask_key_name="blocked")
        wants = delayed(tallied)(tmp_path / "ran", blocked)
        task = asyncio.ensure_future(lazygraph.acompute(wants, scheduler=near_cluster))
        submitted = wait_until, lambda: "blocked" in known(near_cluster)
        assert await asyncio.to_thread(*submitted)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return result

    assert asyncio.run(run()) == (2, 3)
    assert wait_until(lambda: "blocked" not in known(near_cluster))
    (tmp_path / "go").touch()
    assert compute(delayed(inc)(1), scheduler=near_cluster) == (2,)
    assert not (tmp_path / "ran").exists()


def wait_for_file(path: Path) -> bool:
    return wait_until(path.exists)


# ---------------------------------------------------------------- from inside
def outer(n: int) -> int:
    with lazygraph.config.set(scheduler="distributed"):
        return sum(compute(*[delayed(inc)(i) for i in range(n)]))


def test_a_task_may_compute_on_the_cluster_around_it(far_cluster: Any) -> None:
    values = [delayed(outer)(n) for n in (3, 4, 5, 6)]
    assert compute(*values, scheduler=far_cluster) == (6, 10, 15, 21)


def where() -> list[Any]:
    here = threading.get_ident()
    return [t == here for t in compute(*[delayed(threading.get_ident)() for _ in range(4)])]


def test_any_other_compute_in_a_task_stays_on_its_thread(far_cluster: Any) -> None:
    assert delayed(where)().compute(scheduler=far_cluster) == [True] * 4


def test_keys_are_lazygraphs_in_dasks_own_records(near_cluster: Any) -> None:
    first = delayed(inc)(1, dask_key_name=("mine", 3))
    value = delayed(add)(first, 2)
    held = persist(first, value, scheduler=near_cluster)
    assert compute(*held, scheduler=near_cluster) == (2, 4)
    assert {("mine", 3), value.key} <= known(near_cluster)
    assert value.key.startswith("add-")


def test_a_key_that_is_used_again_means_the_new_task(near_cluster: Any) -> None:
    for n in range(30):
        assert lazygraph.get({"key": (abs, -n)}, "key", scheduler=near_cluster) == n
    (held,) = persist(delayed(abs)(-5, dask_key_name="key"), scheduler=near_cluster)
    assert lazygraph.get({"key": (abs, -7)}, "key", scheduler=near_cluster) == 7
    assert held.compute(scheduler=near_cluster) == 5
    with pytest.raises(ValueError, match="cannot use 3") as caught:
        delayed(fail)(3, dask_key_name="key").compute(scheduler=near_cluster)
    assert "while running task 'key': fail(3)" in caught.value.__notes__[0]


def test_a_key_whose_result_was_let_go_of_is_used_again_as_it_is(near_cluster: Any) -> None:
    value = delayed(inc)(1, dask_key_name="as it is")
    for _ in range(10):
        held = value.persist(scheduler=near_cluster)
        assert held._function.func.future.key == "as it is"
        del held


def test_a_lazy_value_that_is_computed_twice_runs_twice(near_cluster: Any, tmp_path: Path) -> None:
    value = delayed(tallied)(tmp_path / "calls", 1)
    for _ in range(2):
        assert value.compute(scheduler=near_cluster) == 1
    held = value.persist(scheduler=near_cluster)
    assert compute(value, held, scheduler=near_cluster) == (1, 1)
    assert len(said(tmp_path / "calls")) in {3, 4}


def test_after_an_interrupted_run_its_keys_mean_new_tasks(
    near_cluster: Any, tmp_path: Path
) -> None:
    running = delayed(wait_for_file)(tmp_path / "go", dask_key_name="again")
    pairs = lazygraph.as_completed([delayed(inc)(1), running], scheduler=near_cluster)
    assert next(pairs)[1] == 2
    assert wait_until(lambda: is_running(near_cluster, "again"))
    pairs.close()
    assert lazygraph.get({"again": (abs, -7)}, "again", scheduler=near_cluster) == 7
    (tmp_path / "go").touch()


def test_keys_of_stopped_runs_do_not_pile_up(
    near_cluster: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(futures, "_MOST_STALE", 20)
    monkeypatch.setattr(futures, "_stale", WeakKeyDictionary())
    for _ in range(5):
        values = [delayed(inc)(n) for n in range(10)]
        with pytest.raises(ValueError, match="cannot use 3"):
            compute(*values, delayed(fail)(3, dask_key_name="first"), scheduler=near_cluster)
    assert len(futures._stale[near_cluster.client]) <= 20
    assert lazygraph.get({"first": (abs, -7)}, "first", scheduler=near_cluster) == 7


def is_running(cluster: Any, key: Any) -> bool:
    running = cluster.client.processing().values()
    return any(key in keys for keys in running)


def test_what_is_persisted_can_be_pickled_optimized_and_persisted_again(far_cluster: Any) -> None:
    (held,) = persist(delayed(inc)(1), scheduler=far_cluster)
    (better,) = lazygraph.optimize(delayed(inc)(delayed(inc)(held)))
    assert better.compute(scheduler=far_cluster) == 4
    assert persist(held, scheduler=far_cluster)[0].compute() == 2
    with far_cluster.client.as_current():
        assert pickle.loads(pickle.dumps(held)).compute(scheduler="distributed") == 2
    with pytest.raises(RunError, match="the client that leads there is closed"):
        pickle.loads(pickle.dumps(held)).compute(scheduler="threads")


def test_a_result_that_cannot_be_brought_here_names_its_task(far_cluster: Any) -> None:
    values = delayed(inc)(1), delayed(threading.Lock)(dask_key_name="a lock")
    with pytest.raises(UnpicklableError, match=r"'a lock' .*its result: .*lock.*; run it by sch"):
        compute(*values, scheduler=far_cluster)

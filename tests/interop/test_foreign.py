"""Dask's collections among the arguments of lazy functions, and given to compute."""

from __future__ import annotations

import gc
import pickle
import subprocess
import sys
import weakref
from typing import Any, NamedTuple

import dask
import dask.array as da
import dask.bag as db
import numpy as np
import pytest
from dask.core import get_deps
from tasks import add, append, counting, fail, identity, inc, said, tallied

import lazygraph
from lazygraph import Delayed, delayed
from lazygraph.errors import KeyCollisionError
from lazygraph.tasks.conversions import LeafRules

pytestmark = pytest.mark.dask

dinc, dadd = delayed(inc), delayed(add)


class Point(NamedTuple):
    x: Any
    y: Any


def double_block(block: Any, log: Any) -> Any:
    """Of an array's block; each call is noted. Dask tries it on blocks without items."""
    if block.size:
        append(log, ".")
    return block * 2


def plain(value: Any) -> Any:
    """As nested lists: what comparisons want."""
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return value.tolist() if hasattr(value, "tolist") else value


@pytest.fixture
def array() -> Any:
    return da.arange(6, chunks=2)


@pytest.fixture
def frame() -> Any:
    pd = pytest.importorskip("pandas")
    dd = pytest.importorskip("dask.dataframe")
    return dd.from_pandas(pd.DataFrame({"x": range(6), "y": [2] * 6}), npartitions=3)


@pytest.fixture
def bag() -> Any:
    return db.from_sequence([3, 1, 2], npartitions=2)


# ------------------------------------------------------------------ as arguments
def test_every_scheduler_computes_collections_among_arguments(
    scheduler: Any, array: Any, frame: Any, bag: Any
) -> None:
    one = dask.delayed(inc)(0)
    lazy = delayed(identity)(
        [array, {"k": [array.sum(), one]}, frame.x, frame.y.sum(), bag, bag.max(), (1, "array")]
    )

    (computed,) = lazygraph.compute(lazy, scheduler=scheduler)

    assert plain(computed) == [
        [0, 1, 2, 3, 4, 5],
        {"k": [15, 1]},
        [0, 1, 2, 3, 4, 5],
        12,
        [3, 1, 2],
        3,
        [1, "array"],
    ]


def test_a_collection_has_the_type_that_dask_gives(array: Any, frame: Any) -> None:
    for collection in (array, array[0], array.reshape(2, 3), frame, frame.x, frame.x.sum()):
        assert type(delayed(identity)(collection).compute()) is type(collection.compute())


@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (2, 1, 3)])
def test_arrays_of_any_number_of_dimensions_are_put_together(shape: tuple[int, ...]) -> None:
    array = da.ones(shape, chunks=1) * 3

    assert np.array_equal(delayed(identity)(array).compute(), array.compute())


def test_collections_are_found_wherever_lazy_values_are(array: Any) -> None:
    total = array.sum()
    lazy = delayed(identity)(Point(total, {"k": (total, [total])}))

    assert lazy.compute() == Point(15, {"k": (15, [15])})
    assert delayed(dict)(k=total).compute() == {"k": 15}
    assert (dinc(1) + total).compute() == 17
    assert delayed([total, 1])[0].compute() == 15
    assert delayed({"k": total}).compute() == {"k": 15}


def test_a_collection_made_lazy_is_a_lazy_value(array: Any) -> None:
    lazy = delayed(array)

    assert type(lazy) is Delayed
    assert lazy.sum().compute() == 15
    assert delayed(array, traverse=False).sum().compute() == 15
    assert delayed(dask.delayed(inc))(1).compute() == 2


def test_a_literal_collection_is_handed_over_itself(array: Any) -> None:
    assert delayed(identity)(lazygraph.literal(array)).compute() is array


def test_dask_delayed_keeps_its_keys(array: Any) -> None:
    one = dask.delayed(inc)(1)
    lazy = dinc(one)

    assert one.key in lazy.graph
    assert lazy.graph.dependencies(lazy.key) == (one.key,)
    assert {key for key in lazy.graph if key != lazy.key} == set(dict(one.dask))
    assert set(array.__dask_keys__()) <= set(delayed(identity)(array).graph)


def test_the_key_of_a_collection_follows_from_its_content(array: Any) -> None:
    lazy, again, other = (dinc(each) for each in (array, da.arange(6, chunks=2), array + 1))

    assert {*lazy.graph} - {lazy.key} == {*again.graph} - {again.key}
    assert {*lazy.graph} - {lazy.key} != {*other.graph} - {other.key}


# ---------------------------------------------------------------- what is shared
def test_what_collections_and_tasks_share_runs_once(tmp_path: Any) -> None:
    log = tmp_path / "blocks"
    base = da.ones(6, chunks=2).map_blocks(double_block, log, dtype=float)
    left, right = base.sum(), base.max()

    computed = lazygraph.compute(dadd(left, 1), dadd(right, left), right, scheduler="sync")

    assert computed == (13, 14, 2)
    assert said(log) == "..."


def test_what_dask_delayed_objects_share_runs_once() -> None:
    calls: list[int] = []
    base = dask.delayed(counting(calls))(1)

    computed = lazygraph.compute(
        dinc(base), dinc(dask.delayed(inc)(base)), base, [base], scheduler="sync"
    )

    assert computed == (2, 3, 1, [1])
    assert calls == [1]


def test_a_lazy_value_inside_a_collection_is_the_same_task_outside(tmp_path: Any) -> None:
    log = tmp_path / "calls"
    ones = delayed(tallied)(log, np.ones(3))
    array = da.from_delayed(ones, (3,), dtype=float)

    computed = lazygraph.compute(array.sum(), ones.sum(), scheduler="sync")

    assert computed == (3, 3)
    assert said(log) == "."


@pytest.mark.parametrize("of", [delayed(np.ones)(3), delayed([1.0, 1, 1], name="ones")])
def test_a_named_lazy_value_inside_a_collection_is_no_other_task(of: Any) -> None:
    named = delayed(np.multiply, retries=1)(of, 2, dask_key_name="named")
    array = da.from_delayed(named, (3,), dtype=float)

    assert lazygraph.compute(array.sum(), named.sum(), of[0], scheduler="sync") == (6, 6, 1)


def test_another_task_of_the_same_given_key_inside_a_collection_is_an_error() -> None:
    one = dask.delayed(inc)(1, dask_key_name="same")
    other = delayed(inc)(5, dask_key_name="same")

    with pytest.raises(KeyCollisionError, match="same"):
        lazygraph.compute(dadd(one, other))


def test_the_error_of_a_lazy_task_inside_a_collection_tells_where_it_was_captured() -> None:
    array = da.from_delayed(delayed(fail)("this"), (3,), dtype=float)

    with pytest.raises(ValueError, match="cannot use this") as caught:
        dinc(array.sum()).compute()

    assert "test_foreign.py:" in caught.value.__notes__[0]


def test_what_collections_of_different_kinds_share_runs_once(tmp_path: Any) -> None:
    """Dask itself, which optimizes each kind by itself, runs it once for each."""
    log = tmp_path / "calls"
    ones = dask.delayed(tallied)(log, np.ones(3))
    array = da.from_delayed(dask.delayed(identity)(ones), (3,), dtype=float)

    computed = lazygraph.compute(array.sum(), ones.sum(), dinc(array.max()), scheduler="sync")

    assert computed == (3, 3, 2)
    assert said(log) == "."


def test_dataframes_share_what_they_read(tmp_path: Any) -> None:
    pd = pytest.importorskip("pandas")
    dd = pytest.importorskip("dask.dataframe")
    log = tmp_path / "reads"

    def read(n: int) -> Any:
        append(log, ".")
        return pd.DataFrame({"x": [n], "y": [n]})

    frame = dd.from_map(read, [1, 2], meta={"x": "int64", "y": "int64"})

    assert lazygraph.compute(dinc(frame.x.sum()), frame.y.sum(), scheduler="sync") == (4, 3)
    assert said(log) == ".."


def test_each_kind_is_optimized_by_its_own_rules(array: Any) -> None:
    """An array's chain of block operations becomes one task a block, as Dask makes it."""
    chain = ((array + 1) * 2 - 3).astype(float)
    (optimized,) = dask.optimize(chain)

    lazy = delayed(identity)(chain)

    assert len(lazy.graph) == len(dict(optimized.dask)) + 2  # the array, and the call


# ------------------------------------------------------------- given by themselves
def test_compute_takes_collections_beside_lazy_values(array: Any, frame: Any, bag: Any) -> None:
    computed = lazygraph.compute(array, [dinc(1), frame.x.max()], {"b": bag}, 3, scheduler="sync")

    assert plain(computed) == [[0, 1, 2, 3, 4, 5], [2, 5], {"b": [3, 1, 2]}, 3]


def test_compute_takes_a_collection_also_where_it_looks_into_nothing(array: Any) -> None:
    (computed, given) = lazygraph.compute(array, [array], traverse=False)

    assert plain(computed) == [0, 1, 2, 3, 4, 5]
    assert given[0] is array


def test_persist_gives_collections_that_hold_their_chunks(tmp_path: Any, frame: Any) -> None:
    log = tmp_path / "blocks"
    array = da.ones(6, chunks=2).map_blocks(double_block, log, dtype=float)

    held, x, (table,), one = lazygraph.persist(
        array, dinc(array.sum()), [frame.x], dask.delayed(inc)(1), scheduler="sync"
    )

    assert type(held) is type(array)
    assert held.chunks == array.chunks
    assert held.sum().compute() == 12
    assert x.compute() == 13
    assert type(table) is type(frame.x)
    assert table.sum().compute() == 15
    assert one.compute() == 2
    assert said(log) == "..."


def test_persist_of_a_bag_gives_a_bag(bag: Any) -> None:
    (held,) = lazygraph.persist(bag)

    assert held.map(inc).compute(scheduler="sync") == [4, 2, 3]


def test_optimize_gives_collections_and_lazy_values_of_the_same_results(array: Any) -> None:
    better, lazy = lazygraph.optimize((array + 1) * 2, dinc(array.sum()))

    assert better.compute().tolist() == [2, 4, 6, 8, 10, 12]
    assert lazy.compute() == 16


def test_visualize_shows_dasks_tasks_by_name(array: Any) -> None:
    text = lazygraph.visualize(dinc(array.sum()), dask.delayed(add)(1, 2)).to_dot()

    assert all(name in text for name in ("arange", "inc", "add"))


def test_as_completed_takes_them_inside_lazy_values(array: Any) -> None:
    pairs = list(lazygraph.as_completed([dinc(array.sum()), delayed(array).max()]))

    assert sorted(value for _, value in pairs) == [5, 16]


# ------------------------------------------------------------------------ corners
def test_the_error_of_a_dask_task_names_it() -> None:
    one = dask.delayed(fail)(3)

    with pytest.raises(ValueError, match="cannot use 3") as caught:
        dinc(one).compute()

    assert f"while running task {one.key!r}: fail(3)" in caught.value.__notes__[0]


def test_a_lazy_value_with_a_collection_inside_can_be_pickled(array: Any) -> None:
    assert pickle.loads(pickle.dumps(dinc(array.sum()))).compute() == 16


def test_a_pure_task_of_equal_collections_is_one_task(array: Any) -> None:
    calls: list[int] = []
    count = delayed(counting(calls), pure=True)

    assert lazygraph.compute(count(array.sum()), count(da.arange(6, chunks=2).sum())) == (15, 15)
    assert calls == [15]


def test_capture_makes_no_graph_of_a_collection() -> None:
    class Watched:
        asked = 0

        def __dask_graph__(self) -> dict[str, Any]:
            Watched.asked += 1
            return {"watched": 7}

        def __dask_keys__(self) -> list[str]:
            return ["watched"]

        __dask_optimize__ = None
        __dask_scheduler__ = staticmethod(dask.get)

        def __dask_postcompute__(self) -> Any:
            return sum, ()

        def __dask_tokenize__(self) -> str:
            return "watched"

    lazies = [dinc(Watched()) for _ in range(2)]
    captured = Watched.asked

    assert captured <= 2  # Dask's own question whether it is a collection at all
    assert lazygraph.compute(*lazies) == (8, 8)


def test_a_class_that_has_the_protocol_but_no_graph_is_a_plain_argument() -> None:
    class Sometimes:
        def __dask_graph__(self) -> None:
            return None

    given = Sometimes()

    assert delayed(identity)(given).compute() is given


def test_a_class_with_the_protocol_where_dask_is_not_imported_is_a_plain_argument() -> None:
    code = """
import sys
from lazygraph import delayed
class Sometimes:
    def __dask_graph__(self): return None
given = Sometimes()
assert delayed(lambda x: x)(given).compute(scheduler="sync") is given
assert "dask" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_rules_found_for_types_do_not_pile_up() -> None:
    rules = LeafRules()
    kinds = [type(f"K{n}", (), {}) for n in range(5_000)]
    first = weakref.ref(kinds[0])
    for kind in kinds:
        value, rule = kind(), rules[kind]
        assert rule is not None
        assert rule(value) is value

    del kinds, kind, value, rule
    gc.collect()

    assert first() is None


def test_results_of_chunks_are_released_when_nothing_needs_them() -> None:
    alive: list[weakref.ref[Any]] = []
    most = []

    class Chunk:
        pass

    def make(n: int) -> Chunk:
        chunk = Chunk()
        alive.append(weakref.ref(chunk))
        most.append(sum(ref() is not None for ref in alive))
        return chunk

    def use(_: Chunk) -> int:
        return 1

    uses = [delayed(use)(dask.delayed(make)(n)) for n in range(20)]

    assert delayed(sum)(uses).compute(scheduler="sync") == 20
    assert max(most) == 1


def test_dependencies_are_those_that_dask_finds(array: Any) -> None:
    total = array.sum()
    (optimized,) = dask.optimize(total)
    expected = get_deps(dict(optimized.dask))[0]

    graph = delayed(total).graph

    assert {key: set(graph.dependencies(key)) for key in expected} == expected


def test_an_input_and_a_collection_of_one_name_are_told_apart_or_refused() -> None:
    x = lazygraph.inputs("x")
    chunks = da.ones(4, chunks=2, name="x")
    assert lazygraph.compute(x, chunks.sum(), inputs={"x": 1}) == (1, 4)
    one_task = dask.delayed(5, name="x")
    with pytest.raises(KeyCollisionError, match="two different tasks bear the key 'x'"):
        lazygraph.compute(x, one_task, inputs={"x": 1})

"""Nothing stays behind a run, however it ends: descriptors, threads, processes, the user's objects.

Each scenario runs a few times, so that what is kept on purpose (warm workers) is there, and then
again several times: what there is more of has leaked. Objects are watched by weak references with
the cyclic collector off, since memory must go when the run ends, not at some later collection.
"""

from __future__ import annotations

import asyncio
import gc
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from children import children, die, open_files
from tasks import fail, wait_until

from lazygraph import as_completed, compute, delayed, persist
from lazygraph.observers import Recorder
from lazygraph.protocols import Scheduler
from lazygraph.schedulers import Processes

BIG = 200_000  # bytes: more than what travels in a message


class Thing:
    """An object of the user's that can be watched."""

    def __init__(self, n: int = 0) -> None:
        self.n = n
        self.data = bytearray(BIG)


def use(thing: Thing, *_: Any) -> Thing:
    return Thing(thing.n + 1)


def size(thing: Thing, *_: Any) -> int:
    return thing.n + len(thing.data)


def use_and_fail(thing: Thing, *_: Any) -> Thing:
    raise ValueError(f"no use for {thing.n}")


def compute_inside(thing: Thing) -> int:
    return delayed(size)(delayed(use)(thing)).compute()


async def use_later(thing: Thing) -> int:
    await asyncio.sleep(0)
    return size(thing)


def spin(_: Thing) -> None:
    threading.Event().wait(0.2)


Scenario = Callable[[Scheduler, Thing], Any]


def _works(scheduler: Scheduler, thing: Thing) -> Any:
    return delayed(size)(delayed(use)(thing)).compute(scheduler=scheduler)


def _keeps_a_result(scheduler: Scheduler, thing: Thing) -> Any:
    made = delayed(use)(thing).compute(scheduler=scheduler)
    return made.n


def _fails(scheduler: Scheduler, thing: Thing) -> Any:
    lazy = delayed(size)(delayed(use_and_fail)(delayed(use)(thing)))
    with suppress(ValueError):
        lazy.compute(scheduler=scheduler)


def _collects(scheduler: Scheduler, thing: Thing) -> Any:
    tasks = [delayed(use_and_fail)(delayed(use)(thing)), delayed(size)(thing)]
    compute(tasks, scheduler=scheduler, on_error="collect")


def _tries_again(scheduler: Scheduler, thing: Thing) -> Any:
    with suppress(ValueError):
        delayed(use_and_fail, retries=2)(thing).compute(scheduler=scheduler)


def _is_watched(scheduler: Scheduler, thing: Thing) -> Any:
    delayed(size)(delayed(use)(thing)).compute(scheduler=scheduler, observers=[Recorder()])


def _is_seeded_and_limited(scheduler: Scheduler, thing: Thing) -> Any:
    tasks = [delayed(size, uses={"db": 1})(delayed(use)(thing)) for _ in range(4)]
    compute(tasks, scheduler=scheduler, seed=3, limits={"db": 2})


def _leaves_a_stream(scheduler: Scheduler, thing: Thing) -> Any:
    for _ in as_completed([delayed(size)(thing, n) for n in range(6)], scheduler=scheduler):
        break


def _streams(scheduler: Scheduler, thing: Thing) -> Any:
    list(as_completed([delayed(size)(thing, n) for n in range(6)], scheduler=scheduler))


def _persists(scheduler: Scheduler, thing: Thing) -> Any:
    (kept,) = persist(delayed(use)(thing), scheduler=scheduler)
    delayed(size)(kept).compute(scheduler=scheduler)


def _nests(scheduler: Scheduler, thing: Thing) -> Any:
    compute([delayed(compute_inside)(thing) for _ in range(3)], scheduler=scheduler)


def _awaits(scheduler: Scheduler, thing: Thing) -> Any:
    delayed(use_later)(thing).compute(scheduler=scheduler)


def _refuses(scheduler: Scheduler, thing: Thing) -> Any:
    from lazygraph.errors import LazygraphError

    with suppress(LazygraphError):
        delayed(size, uses={"db": 3})(thing).compute(scheduler=scheduler, limits={"db": 1})


SCENARIOS: dict[str, Scenario] = {
    "works": _works,
    "keeps a result": _keeps_a_result,
    "fails": _fails,
    "collects": _collects,
    "tries again": _tries_again,
    "is watched": _is_watched,
    "is seeded and limited": _is_seeded_and_limited,
    "leaves a stream": _leaves_a_stream,
    "streams": _streams,
    "persists": _persists,
    "nests": _nests,
    "awaits": _awaits,
    "refuses": _refuses,
}


def _inventory() -> dict[str, int]:
    """What a process can leak."""
    return {
        "descriptors": len(open_files()),
        "threads": threading.active_count(),
        "children": len(children()),
    }


@pytest.fixture
def no_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS)
@pytest.mark.usefixtures("no_collector")
def test_nothing_stays_behind(own_scheduler: Scheduler, scenario: Scenario) -> None:
    for _ in range(2):
        scenario(own_scheduler, Thing())
    wait_until(lambda: threading.active_count() <= 4, 1.0)  # threads of a run leave after it
    before = _inventory()
    for _ in range(4):
        scenario(own_scheduler, Thing())

    def no_more() -> bool:
        return all(now <= before[what] for what, now in _inventory().items())

    assert wait_until(no_more), (before, _inventory())


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS)
@pytest.mark.usefixtures("no_collector")
def test_the_users_objects_go_when_the_run_ends(
    own_scheduler: Scheduler, scenario: Scenario
) -> None:
    thing = Thing()
    gone = weakref.ref(thing)
    scenario(own_scheduler, thing)
    del thing
    assert wait_until(lambda: gone() is None), gc.get_referrers(gone())


def _shared_bytes(pool: Processes) -> int:
    """What the pool's shared file holds in memory, by the file system's own count."""
    held = 0
    for entry in Path("/proc/self/fd").iterdir():
        with suppress(OSError):
            if "lazygraph" in str(entry.readlink()):
                held = max(held, entry.stat().st_blocks * 512)
    return held


@pytest.mark.usefixtures("no_collector")
@pytest.mark.parametrize("ends", ["well", "in error", "collected", "in death"])
def test_shared_memory_does_not_grow_from_run_to_run(ends: str) -> None:
    np = pytest.importorskip("numpy")
    kinds: dict[str, Any] = {"in error": fail, "collected": fail, "in death": die}
    with Processes(2) as pool:

        def run() -> int:
            data = delayed(np.ones)(1 << 18)
            last = delayed(kinds.get(ends, len))
            tasks = [last(data), delayed(len)(np.ones(1 << 18))]
            with suppress(Exception):
                compute(
                    tasks,
                    scheduler=pool,
                    on_error="collect" if ends == "collected" else "raise",
                )
            return _shared_bytes(pool)

        # The parent and two workers have had two blocks of 2 MB in use at once, each.
        assert max(run() for _ in range(30)) <= 3 * 2 * (2 << 20) + (1 << 20)

"""What tasks on threads see of context variables: the caller's, and nothing of each other's."""

from __future__ import annotations

import decimal
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

import pytest

from lazygraph import as_completed, compute, config, delayed
from lazygraph.protocols import Scheduler
from lazygraph.schedulers import Threads

COLOUR: ContextVar[str] = ContextVar("colour", default="none")

THREADS = {"one thread": Threads(1), "two threads": Threads(2), "many threads": Threads(8)}
#: What makes a run plain, seeded, controlled: what a task sees depends on none of it.
TERMS: dict[str, dict[str, Any]] = {
    "plain": {},
    "seeded": {"seed": 1},
    "collecting": {"on_error": "collect"},
}


@pytest.fixture(params=THREADS.values(), ids=THREADS)
def threads(request: pytest.FixtureRequest) -> Scheduler:
    return request.param


@pytest.fixture
def red() -> Iterator[None]:
    """The caller's colour."""
    token = COLOUR.set("red")
    yield
    COLOUR.reset(token)


def look(*_: Any) -> str:
    return COLOUR.get()


def paint(colour: str) -> str:
    seen = COLOUR.get()
    COLOUR.set(colour)
    return seen


@pytest.mark.parametrize("terms", TERMS.values(), ids=TERMS)
@pytest.mark.usefixtures("red")
def test_what_a_task_sets_no_other_sees(threads: Scheduler, terms: dict[str, Any]) -> None:
    tasks = [delayed(paint)(f"colour {i}") for i in range(50)]
    assert set(compute(*tasks, scheduler=threads, **terms)) == {"red"}
    assert COLOUR.get() == "red"


@pytest.mark.usefixtures("red")
def test_a_task_after_another_sees_the_callers_variables(threads: Scheduler) -> None:
    """paint -> look -> look: each runs right after the one before, on the same thread."""
    assert delayed(look)(delayed(look)(delayed(paint)("blue"))).compute(scheduler=threads) == "red"


@pytest.mark.usefixtures("red")
def test_a_stream_on_threads_sees_the_callers_variables(threads: Scheduler) -> None:
    tasks = [delayed(paint)(str(i)) for i in range(20)]
    assert {seen for _, seen in as_completed(tasks, scheduler=threads)} == {"red"}


def paint_and_compute(colour: str, terms: dict[str, Any]) -> set[str]:
    COLOUR.set(colour)
    return set(compute(*[delayed(paint)("x") for _ in range(20)], **terms))


@pytest.mark.parametrize("terms", TERMS.values(), ids=TERMS)
@pytest.mark.usefixtures("red")
def test_who_helps_a_compute_inside_a_task_sees_that_tasks_variables(
    threads: Scheduler, terms: dict[str, Any]
) -> None:
    tasks = [delayed(paint_and_compute)(f"colour {i}", terms) for i in range(6)]
    assert compute(*tasks, scheduler=threads) == tuple({f"colour {i}"} for i in range(6))


def digits(n: int) -> str:
    with decimal.localcontext() as context:
        context.prec = n
        return str(decimal.Decimal(1) / 3)


def careless_digits(n: int) -> int:
    decimal.setcontext(decimal.Context(prec=n))
    return len(str(decimal.Decimal(1) / 3)) - 2


def test_decimals_precision_is_each_tasks_own(threads: Scheduler) -> None:
    here = decimal.getcontext().prec
    tasks = [delayed(digits)(n) for n in range(1, 40)]
    assert compute(*tasks, scheduler=threads) == tuple("0." + "3" * n for n in range(1, 40))
    careless = [delayed(careless_digits)(n) for n in range(1, 40)]
    assert compute(*careless, scheduler=threads) == tuple(range(1, 40))
    after = delayed(lambda _: decimal.getcontext().prec)(delayed(careless_digits)(3))
    assert after.compute(scheduler=threads) == here


def test_the_configuration_that_a_task_sets_is_its_own(threads: Scheduler) -> None:
    def set_workers(n: int) -> Any:
        config.set(num_workers=n)
        return config.get("num_workers")

    before = config.get("num_workers")
    after = delayed(lambda *_: config.get("num_workers"))
    tasks = [delayed(set_workers)(n) for n in range(1, 9)]
    *seen, last = compute(*tasks, after(*tasks), scheduler=threads)
    assert seen == list(range(1, 9))
    assert last == config.get("num_workers") == before


def test_numpys_error_state_reaches_tasks_and_stays_in_them(threads: Scheduler) -> None:
    np = pytest.importorskip("numpy")

    def divide(how: str) -> str:
        np.seterr(divide=how)
        return str(np.geterr()["divide"])

    def told(*_: Any) -> str:
        return str(np.geterr()["divide"])

    with np.errstate(divide="raise"):
        for_each = [delayed(divide)(how) for how in ("ignore", "print", "call", "warn")]
        *_, last = compute(*for_each, delayed(told)(*for_each), scheduler=threads)
        # Before numpy 2.2 the state is a thread's, and no variable of the context.
        if (
            "errstate" in str(getattr(np, "_core", ""))
            or np.lib.NumpyVersion(np.__version__) >= "2.0.0"
        ):
            assert last == "raise"

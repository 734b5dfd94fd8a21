"""What type checkers must see: read by mypy and pyright in test_typing.py, and run as well.

Each ``assert_type`` is checked by both; a line marked ``# error`` must be refused by both.
"""

from __future__ import annotations

from typing import Any, assert_type

import numpy as np

from lazygraph import (
    Delayed,
    DelayedFunction,
    Graph,
    acompute,
    as_completed,
    compute,
    config,
    delayed,
    function,
    get,
    iterate,
    optimize,
    persist,
)
from lazygraph.observers import Recorder
from lazygraph.schedulers import Threads


@delayed
def length(text: str) -> int:
    return len(text)


@delayed
async def fetch(url: str) -> bytes:
    return url.encode()


@delayed(retries=3, retry_on=OSError)
async def again(url: str) -> bytes:
    return url.encode()


@delayed(pure=True, nout=2)
def halves(text: str) -> tuple[str, str]:
    return text[:1], text[1:]


class Account:
    def __init__(self, start: int) -> None:
        self.balance = start


assert_type(length, DelayedFunction[int])
assert_type(length("a"), Delayed[int])
assert_type(length("a").compute(), int)
assert_type(halves("ab"), Delayed[tuple[str, str]])
assert_type(delayed(Account)(1), Delayed[Account])
assert_type(delayed(Account)(1).compute(), Account)
assert_type(delayed(3), Delayed[int])
assert_type(delayed(length("a")), Delayed[int])
assert_type(delayed(len, pure=True)([1]).compute(), int)
assert_type(length("a").persist(), Delayed[int])
assert_type(length("a") + 1, Delayed[Any])
assert_type(length("a").graph, Graph)
assert_type(compute(length("a")), tuple[int])
assert_type(compute(length("a"), delayed("b")), tuple[int, str])
assert_type(compute(length("a"), delayed("b"), delayed(b"c")), tuple[int, str, bytes])
assert_type(compute([length("a")], 3), tuple[Any, ...])
assert_type(persist(length("a")), tuple[Delayed[int]])
assert_type(optimize(length("a"), delayed("b")), tuple[Delayed[int], Delayed[str]])
value: int = get({"x": 1}, "x")
assert_type(fetch("a"), Delayed[bytes])
assert_type(again("a").compute(), bytes)
assert_type(delayed(again, retries=3)("a"), Delayed[bytes])
for lazy, _ in [*as_completed([length("a")]), *iterate([length("a")])]:
    assert_type(lazy, Delayed[int])


options_given = compute(
    length("a"), scheduler=Threads(2), seed=np.int64(3), on_error="raise", check_finite=True
)
assert_type(options_given, tuple[int])
assert_type(length.with_options(retries=3, timeout=1.5), DelayedFunction[int])
chosen: str = "synchronous"
with config.set(scheduler=chosen, num_workers=2, observers=[Recorder()]):
    assert_type(length("a").compute(limits=None), int)


def what_checkers_must_refuse() -> None:
    wrong: str = length("a").compute()  # error
    wrong_too: Delayed[str] = length("a")  # error
    length("a").compute().nothing  # error  # noqa: B018
    del wrong, wrong_too


async def keywords_that_checkers_must_refuse() -> None:
    compute(length("a"), shceduler="threads")  # error
    length("a").compute(on_errors="collect")  # error
    length("a").compute(seed="one")  # error
    length("a").persist(num_workers="all")  # error
    get({"x": 1}, "x", on_error="colect")  # error
    get({"x": 1}, "x", scheduler=3)  # error
    as_completed([length("a")], lookahead="all")  # error
    iterate([length("a")], observers=[3])  # error
    await acompute(length("a"), limit={"db": 1})  # error
    function([], length("a"), checkfinite=True)  # error
    config.set(seeds=0)  # error
    config.set(num_workers=1.5)  # error
    length.with_options(retry=3)  # error
    length.with_options(timeout="1 s")  # error
    delayed(len, retry=3)  # error
    delayed(len, uses=["db"])  # error

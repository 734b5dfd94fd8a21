"""Pipes that are full, in both directions and from all sides."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle, islice
from random import Random
from typing import Any

from benchmarks.faults.graphs import compare
from benchmarks.faults.runs import Run
from benchmarks.faults.tasks import LARGE, echo
from lazygraph import compute, delayed
from lazygraph.schedulers import Processes

__all__ = ["full_pipes"]

_N_WORKERS = 2
_N_LARGE = 2 * _N_WORKERS
_NBYTES = 100_000_000


def full_pipes(_dice: Random, n: int) -> Iterator[Run]:
    """Every worker has 100 MB to send, and in every other run 100 MB to receive as well."""
    with Processes(num_workers=_N_WORKERS) as pool:
        for number, kind in enumerate(islice(cycle(LARGE), n)):
            expected = [LARGE[kind](seed, _NBYTES) for seed in range(_N_LARGE)]
            lazies = _echoes(expected) if number // len(LARGE) % 2 else _makers(kind)
            values = compute(*lazies, scheduler=pool)
            lost, wrong = compare(values, expected)
            yield Run(lost=lost, wrong=wrong)


def _makers(kind: str) -> list[Any]:
    return [delayed(LARGE[kind])(seed, _NBYTES) for seed in range(_N_LARGE)]


def _echoes(values: list[Any]) -> list[Any]:
    return [delayed(echo, traverse=False)(value) for value in values]

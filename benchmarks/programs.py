"""A workload as data: its calls in order, for the bare loop, and as Dask's raw dict."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from benchmarks.workloads import Lift

__all__ = ["Program", "bare_steps", "raw_graph", "record", "run_bare"]

Func = Callable[..., Any]
Step = tuple[Func, tuple[int, ...]]


class Symbol:
    """Stands for the result of a recorded call."""

    __slots__ = ("put", "step")

    def __init__(self, put: Callable[..., Symbol], step: int) -> None:
        self.put, self.step = put, step

    def __add__(self, other: Any) -> Symbol:
        return self.put(operator.add, self, other)

    def __mul__(self, other: Any) -> Symbol:
        return self.put(operator.mul, self, other)


@dataclass(frozen=True)
class Program:
    """The calls that a workload makes, each after those it needs, and the outputs' places."""

    calls: list[tuple[Func, tuple[Any, ...]]]
    outputs: list[int]


def record(build: Callable[[Lift], list[Any]]) -> Program:
    """Build a workload without calling anything."""
    calls: list[tuple[Func, tuple[Any, ...]]] = []

    def put(func: Func, *args: Any) -> Symbol:
        calls.append((func, args))
        return Symbol(put, len(calls) - 1)

    symbols = build(lambda func: partial(put, func))
    return Program(calls, [symbol.step for symbol in symbols])


class _Gathered:
    """Calls a function of one list with the list's items."""

    __slots__ = ("func",)

    def __init__(self, func: Func) -> None:
        self.func = func

    def __call__(self, *items: Any) -> Any:
        return self.func(list(items))


def bare_steps(program: Program) -> tuple[list[Step], list[Any]]:
    """What `run_bare` takes: (function, argument slots) per step, and the constants.

    Slots below the number of steps are results, those above it constants.
    """
    constants: list[Any] = []

    def slot(arg: Any) -> int:
        if isinstance(arg, Symbol):
            return arg.step
        constants.append(arg)
        return len(program.calls) + len(constants) - 1

    steps: list[Step] = []
    for func, args in program.calls:
        if args and isinstance(args[0], list):
            steps.append((_Gathered(func), tuple(slot(item) for item in args[0])))
        else:
            steps.append((func, tuple(slot(arg) for arg in args)))
    return steps, constants


def run_bare(steps: list[Step], constants: list[Any]) -> list[Any]:
    """The simplest loop that runs a graph given as data: the limit in pure Python.

    It keeps every result, catches nothing and tells nobody.
    """
    results: list[Any] = [None] * len(steps) + constants
    for step, (func, slots) in enumerate(steps):
        results[step] = func(*[results[slot] for slot in slots])
    return results


def raw_graph(program: Program) -> tuple[dict[Any, Any], list[Any]]:
    """The classic dict of tuples, ``{"task-0000001": (func, "task-0000000")}``, and its outputs."""
    keys = [f"task-{step:07d}" for step in range(len(program.calls))]

    def spelled(arg: Any) -> Any:
        if isinstance(arg, list):
            return [spelled(item) for item in arg]
        return keys[arg.step] if isinstance(arg, Symbol) else arg

    graph = {
        key: (func, *[spelled(arg) for arg in args])
        for key, (func, args) in zip(keys, program.calls, strict=True)
    }
    return graph, [keys[step] for step in program.outputs]

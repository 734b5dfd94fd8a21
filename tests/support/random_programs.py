"""Random programs of lazy calls, and what plain Python makes of them.

A program is data: steps that call functions on earlier results, in containers of every kind. It is
run by plain Python, which says what comes out and how often each function is called, and built of
lazy values, which are then computed in whatever way is under test.
"""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from children import note, notes
from hypothesis import strategies as st

from lazygraph import Delayed, compute, delayed, inputs

__all__ = ["Built", "Program", "Step", "build", "called", "plain", "programs"]

_MOST = 1_000_003  # results stay small whole numbers, so that they compare exactly


class Point(NamedTuple):
    """A named tuple among arguments."""

    x: Any
    y: Any


@dataclass
class Pair:
    """A dataclass among arguments."""

    a: Any
    b: Any


@dataclass(frozen=True)
class Step:
    """One result: what kind of call makes it, of what, with which options."""

    kind: str
    args: Any
    options: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True)
class Program:
    """Steps in order, and the steps asked for."""

    steps: tuple[Step, ...]
    outputs: tuple[int, ...]


# ------------------------------------------------------------------ functions of tasks
def folded(value: Any) -> int:
    """A whole number that depends on every part of a structure, on types and on order."""
    if isinstance(value, bool) or value is None:
        return 11 + bool(value)
    if isinstance(value, int):
        return value % _MOST
    if isinstance(value, str):
        return sum(ord(c) * (n + 3) for n, c in enumerate(value)) % _MOST
    if isinstance(value, Pair):
        return (7 * folded(value.a) + 13 * folded(value.b) + 5) % _MOST
    if isinstance(value, slice):
        return folded((value.start, value.stop, value.step)) + 17
    if isinstance(value, dict):
        parts = [(folded(k), folded(v)) for k, v in value.items()]
        return (sum((n + 2) * (3 * k + v) for n, (k, v) in enumerate(parts)) + 29) % _MOST
    if isinstance(value, (set, frozenset)):
        return (sum(map(folded, value)) * 31 + len(value)) % _MOST
    kind = 1 + [list, tuple, Point].index(type(value))
    return (sum((n + 2) * folded(part) for n, part in enumerate(value)) + 101 * kind) % _MOST


def counted(path: str, tag: str, *args: Any, **kwargs: Any) -> int:
    """The fold of the arguments; a line says that it was called."""
    note(Path(path), tag)
    return folded([*args, kwargs])


def flaky(path: str, tag: str, *args: Any) -> int:
    """As `counted`, at the second attempt."""
    note(Path(path), tag)
    if notes(Path(path)).count(tag) < 2:
        raise OSError(f"{tag} at its first attempt")
    return folded(list(args))


async def awaited(path: str, tag: str, *args: Any) -> int:
    """As `counted`, on an event loop."""
    note(Path(path), tag)
    return folded(list(args))


def nested(path: str, tag: str, *args: Any) -> int:
    """The fold of the arguments, by a compute of its own inside the task."""
    note(Path(path), tag)
    parts = [delayed(folded)(part) for part in args]
    return compute(delayed(folded)(parts))[0]


def listed(path: str, tag: str, *args: Any) -> list[int]:
    """Three numbers, to be taken apart by the graph."""
    note(Path(path), tag)
    base = folded(list(args))
    return [base, base + 1, base * 2]


_BINARY = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "floordiv": lambda a, b: a // (b * b + 1),
    "mod": lambda a, b: a % (b * b + 1),
    "rsub": lambda a, b: 100 - a + b,
    "lt": operator.lt,
    "neg": lambda a, b: -a + 0 * b,
    "power": lambda a, b: (a % 7) ** (b % 4),
}
_CALLS: dict[str, Callable[..., Any]] = {
    "call": counted,
    "pure": counted,
    "flaky": flaky,
    "async": awaited,
    "nested": nested,
    "nout": listed,
}


# --------------------------------------------------------------------------- strategies
@cache  # strategies are checked once, and that is dear
def _nested(n_steps: int) -> st.SearchStrategy[Any]:
    """Arguments: numbers, texts, references to earlier results, and containers of these."""
    lits = st.sampled_from([0, 1, 2, True, None, "a", "text", -3, 10**9])
    leaf: st.SearchStrategy[Any] = st.tuples(st.just("lit"), lits)
    if n_steps:
        refs = st.tuples(st.just("ref"), st.integers(0, n_steps - 1))
        leaf = st.one_of(refs, refs, leaf)

    def more(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        few = st.lists(inner, max_size=3).map(tuple)
        keyed = st.lists(
            st.tuples(st.sampled_from(["k", "b", "a"]), inner), max_size=3, unique_by=lambda p: p[0]
        )
        return st.one_of(
            st.tuples(st.sampled_from(["list", "tuple"]), few),
            st.tuples(st.just("dict"), keyed.map(tuple)),
            st.tuples(st.sampled_from(["point", "pair"]), st.tuples(inner, inner)),
            st.tuples(st.just("slice"), st.tuples(inner, inner)),
            st.tuples(st.just("set"), st.lists(st.integers(0, 5), max_size=3).map(tuple)),
        )

    return st.recursive(leaf, more, max_leaves=4)


@st.composite
def programs(draw: st.DrawFn, kinds: tuple[str, ...], most: int = 8) -> Program:
    """Programs whose steps are of these kinds."""
    steps: list[Step] = []
    for n in range(draw(st.integers(1, most))):
        kind = draw(st.sampled_from(kinds if n else tuple(k for k in kinds if k != "op")))
        if kind == "op":
            name = draw(st.sampled_from(sorted(_BINARY)))
            ref = st.integers(0, n - 1)
            steps.append(Step("op", (name, draw(ref), draw(ref))))
        elif kind == "input":
            steps.append(Step("input", draw(st.integers(-5, 5))))
        elif kind == "again":
            earlier = [step for step in steps if step.kind == "pure"]
            steps.append(_turned(draw(st.sampled_from(earlier))) if earlier else Step("pure", ()))
        elif kind == "foreign":
            steps.append(Step("foreign", (("lit", draw(st.integers(0, 9))),)))
        else:
            args = draw(st.lists(_nested(n), max_size=3).map(tuple))
            steps.append(Step(kind, args))
    outputs = draw(st.lists(st.integers(0, len(steps) - 1), min_size=1, max_size=3))
    return Program(tuple(steps), tuple(outputs))


def _turned(step: Step) -> Step:
    """The same pure call, but for the order of what its dicts hold."""

    def turned(spec: Any) -> Any:
        kind, inner = spec
        if kind == "dict":
            return kind, tuple((k, turned(v)) for k, v in reversed(inner))
        return spec if kind in {"lit", "ref", "set"} else (kind, tuple(map(turned, inner)))

    return Step("pure", tuple(map(turned, step.args)))


# ------------------------------------------------------------------------- two readings
def _made(spec: Any, values: list[Any]) -> Any:
    """The argument that a spec stands for, results put in."""
    kind, inner = spec
    if kind == "lit":
        return inner
    if kind == "ref":
        return values[inner]
    if kind == "dict":
        return {k: _made(v, values) for k, v in inner}
    if kind == "set":
        return set(inner)
    parts = [_made(part, values) for part in inner]
    if kind == "slice":
        return slice(parts[0], parts[1])
    return {"list": list, "tuple": tuple, "point": lambda p: Point(*p), "pair": lambda p: Pair(*p)}[
        kind
    ](parts)


def _refs(spec: Any) -> Iterator[int]:
    kind, inner = spec
    if kind == "ref":
        yield inner
    elif kind == "dict":
        for _, v in inner:
            yield from _refs(v)
    elif kind not in {"lit", "set"}:
        for part in inner:
            yield from _refs(part)


def _needed(program: Program) -> set[int]:
    """The steps that the outputs need."""
    found: set[int] = set()
    todo = list(program.outputs)
    while todo:
        n = todo.pop()
        if n not in found:
            found.add(n)
            step = program.steps[n]
            if step.kind == "op":
                todo += step.args[1:]
            elif step.kind != "input":
                for spec in step.args:
                    todo += _refs(spec)
    return found


def plain(program: Program) -> tuple[list[Any], Counter[str]]:
    """What plain Python gives for the outputs, and how often each tag must be called."""
    values: list[Any] = []
    expected: Counter[str] = Counter()
    same = [_identity(program, n) for n in range(len(program.steps))]
    needed = _needed(program)
    for n, step in enumerate(program.steps):
        if step.kind == "input":
            values.append(step.args)
        elif step.kind == "op":
            name, a, b = step.args
            values.append(_BINARY[name](values[a], values[b]))
        else:
            args = [_made(spec, values) for spec in step.args]
            base = folded([*args, {}] if step.kind in {"call", "pure", "foreign"} else args)
            if step.kind == "nested":
                base = folded([folded(part) for part in args])
            values.append(base + 3 * base + 1 if step.kind == "nout" else base)
            if n in needed and step.kind != "pure":
                expected[_tag(step, n)] += 2 if step.kind == "flaky" else 1
    if n_pure := len({same[n] for n in needed if program.steps[n].kind == "pure"}):
        expected["pure"] = n_pure
    return [values[n] for n in program.outputs], expected


def _identity(program: Program, n: int) -> Any:
    """What two steps share if and only if they are one task: pure calls of the same arguments."""
    step = program.steps[n]
    return ("pure", _content(program, step.args)) if step.kind == "pure" else n


def _content(program: Program, specs: Any) -> Any:
    found = []
    for kind, inner in specs:
        if kind == "lit":
            found.append((type(inner).__name__, repr(inner)))
        elif kind == "ref":
            found.append(("of", _identity(program, inner)))
        elif kind == "dict":
            found.append((kind, tuple((k, *_content(program, [v])) for k, v in inner)))
        elif kind == "set":
            found.append((kind, tuple(sorted(set(inner)))))
        else:
            found.append((kind, *_content(program, inner)))
    return tuple(found)


def _tag(step: Step, n: int) -> str:
    return "pure" if step.kind == "pure" else f"{step.kind} {n}"


@dataclass
class Built:
    """A program as lazy values."""

    outputs: list[Any]
    inputs: dict[str, Any] = field(default_factory=dict)


def build(program: Program, path: Path) -> Built:
    """The program as lazy values, whose calls leave lines in a file."""
    values: list[Any] = []
    given: dict[str, Any] = {}
    needed = _needed(program)
    for n, step in enumerate(program.steps):
        if step.kind == "input":
            if n in needed:
                given[f"in{n}"] = step.args
            values.append(inputs(f"in{n}"))
        elif step.kind == "op":
            name, a, b = step.args
            values.append(_BINARY[name](_ours(values[a]), _ours(values[b])))
        else:
            values.append(_lazy_call(step, n, path, values))
    outputs = [values[n] for n in program.outputs]
    return Built([_ours(x) for x in outputs], given)


def _ours(x: Any) -> Any:
    """A lazy value of this library's that has the value of one of Dask's."""
    return x if isinstance(x, Delayed) else delayed(_same)(x)


def _same(x: Any) -> Any:
    return x


def _lazy_call(step: Step, n: int, path: Path, values: list[Any]) -> Any:
    args = [_made(spec, values) for spec in step.args]
    if step.kind == "foreign":
        import dask

        return dask.delayed(counted)(str(path), _tag(step, n), *args)
    options: dict[str, Any] = dict(step.options)
    if step.kind == "pure":
        options["pure"] = True
    if step.kind == "flaky":
        options["retries"] = 2
    if step.kind == "nout":
        options["nout"] = 3
    lazy = delayed(_CALLS[step.kind], **options)(str(path), _tag(step, n), *args)
    if step.kind == "nout":
        first, second, third = lazy
        return first + second + third
    return lazy


def called(path: Path) -> Counter[str]:
    """How often each tag was called."""
    return Counter(notes(path))

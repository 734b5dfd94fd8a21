"""Random graphs for property tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st
from tasks import add, double, identity, inc, keyword, sub, total

from lazygraph import Delayed, Graph, Ref, Task, delayed

_UNARY = [inc, double, identity]
_BINARY = [add, sub]


@st.composite
def _containers(draw: st.DrawFn, leaves: st.SearchStrategy[Any]) -> Any:
    return draw(
        st.recursive(
            leaves,
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.lists(inner, max_size=3).map(tuple)
                | st.dictionaries(st.sampled_from("pqr"), inner, max_size=3)
            ),
            max_leaves=5,
        )
    )


@st.composite
def _calls(draw: st.DrawFn, names: list[str]) -> tuple[Any, ...]:
    """A function with arguments that may be ``Ref`` to `names`, nested for some functions."""
    literal = st.integers(-5, 5)
    leaf = literal | st.sampled_from([Ref(name) for name in names]) if names else literal
    kind = draw(st.sampled_from(["unary", "binary", "total", "keyword", "data"]))
    if kind == "unary":
        return draw(st.sampled_from(_UNARY)), (draw(leaf),), {}
    if kind == "binary":
        return draw(st.sampled_from(_BINARY)), (draw(leaf), draw(leaf)), {}
    if kind == "total":
        return total, (draw(st.lists(_containers(leaf), max_size=4)),), {}
    if kind == "keyword":
        return keyword, (draw(leaf),), {"by": draw(_containers(leaf))}
    return identity, (draw(leaf),), {}


@st.composite
def programs(draw: st.DrawFn, max_tasks: int = 12) -> dict[str, tuple[Any, ...]]:
    """``name -> (func, args, kwargs)``, in an order in which they can run."""
    made: dict[str, tuple[Any, ...]] = {}
    for n in range(draw(st.integers(1, max_tasks))):
        made[f"t{n}"] = draw(_calls(list(made)))
    return made


def evaluate(program: dict[str, tuple[Any, ...]]) -> dict[str, Any]:
    """The value of every task, by plain calls in order."""
    values: dict[str, Any] = {}
    for name, (func, args, kwargs) in program.items():
        values[name] = func(*_filled(args, values), **_filled(kwargs, values))
    return values


def _filled(item: Any, values: dict[str, Any]) -> Any:
    if type(item) is Ref:
        return values[item.key]
    if isinstance(item, dict):
        return {key: _filled(value, values) for key, value in item.items()}
    if isinstance(item, (list, tuple)):
        return type(item)(_filled(value, values) for value in item)
    return item


def as_graph(program: dict[str, tuple[Any, ...]], *, pure: bool = False) -> Graph:
    """The program as a graph."""
    return Graph({name: Task(*call, pure=pure) for name, call in program.items()})


def as_delayed(
    program: dict[str, tuple[Any, ...]],
    make: Callable[[str, Callable[..., Any]], Any] | None = None,
    **options: Any,
) -> dict[str, Delayed[Any]]:
    """The program as lazy values by name; `make` gives the lazy function for a task's name."""
    made: dict[str, Any] = {}
    for name, (func, args, kwargs) in program.items():
        lazy = delayed(func, **options) if make is None else make(name, func)
        made[name] = lazy(*_filled(args, made), **_filled(kwargs, made))
    return made


def as_dask(program: dict[str, tuple[Any, ...]], delayed: Any) -> dict[str, Any]:
    """The program as Dask's own lazy values."""
    made: dict[str, Any] = {}
    for name, (func, args, kwargs) in program.items():
        made[name] = delayed(func)(*_filled(args, made), **_filled(kwargs, made))
    return made

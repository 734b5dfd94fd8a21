"""Paths to what nested values hold: to find a leaf, and to find it again elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, repeat
from typing import Any

from lazygraph.tasks.containers import (
    LAZY,
    DictOf,
    Path,
    children_of,
    longer,
    path_text,
    steps_of,
)
from lazygraph.tasks.treedef import TreeDef, tree_flatten

__all__ = ["Path", "distinct_leaves", "get_in", "leaves_with_path", "path_text"]


def leaves_with_path(tree: Any) -> Iterator[tuple[Any, Path | None]]:
    """Yield every leaf of a nested value, left to right, with the path to it.

    Keys of dicts are left out, unless they are lazy. The path to those, and into sets, slices
    and partials, is None: nothing can be found there again.

    Raises
    ------
    CaptureError
        If a container contains itself.

    Examples
    --------
    >>> [(leaf, path_text(path)) for leaf, path in leaves_with_path([1, {"a": 2}])]
    [(1, '[0]'), (2, "[1]['a']")]
    """
    leaves, treedef = tree_flatten(tree)
    builders = [build for _, build, _ in treedef.program if type(build) is DictOf]
    lazy_keys = [key for build in builders for key in build.keys if type(key) in LAZY]
    return chain(zip(lazy_keys, repeat(None)), zip(leaves, _paths(treedef), strict=True))


def _paths(treedef: TreeDef) -> list[Path | None]:
    """Return the path to each leaf."""
    found: list[Path | None] = []
    pending: list[Path | None] = [()]
    for n, build, k in reversed(treedef.program):  # the stack machine, backwards
        path = pending.pop()
        pending += [longer(path, step) for step in steps_of(build, k)]
        found += [pending.pop() for _ in range(n)]
    found += reversed(pending)
    return found[::-1]


def distinct_leaves(tree: Any) -> Iterator[tuple[Any, Path | None]]:
    """Yield leaves as `leaves_with_path` does, but look into each container only once.

    So it comes to an end on containers that contain themselves, and takes time in proportion
    to what there is where parts are shared.

    Examples
    --------
    >>> ring = [1.5]
    >>> ring.append(ring)
    >>> list(distinct_leaves(ring))[0][0]
    1.5
    """
    seen: dict[int, Any] = {}  # the containers themselves are kept: an id must not come again
    stack: list[tuple[Any, Path | None]] = [(tree, ())]
    while stack:
        value, path = stack.pop()
        if id(value) in seen:
            continue
        opened = children_of(value)
        if opened is None:
            yield value, path
            continue
        seen[id(value)] = value
        build, children = opened
        steps = steps_of(build, len(children))
        inner = [(child, longer(path, step)) for child, step in zip(children, steps, strict=True)]
        stack += reversed(inner)


def get_in(value: Any, path: Path) -> Any:
    """Return what is at the end of a path from `value`; None where a None stands on it.

    Examples
    --------
    >>> ((_, path),) = leaves_with_path({"w": [1]})
    >>> get_in({"w": [5, 6]}, path)
    5
    """
    for get, name in path:
        if value is None:
            return None
        value = get(value, name)
    return value

"""Any nested value <-> its leaves and its treedef, which builds it again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from lazygraph.errors import CaptureError, StructureError
from lazygraph.tasks.containers import (
    Builder,
    DictOf,
    NamedtupleOf,
    Path,
    children_of,
    longer,
    path_text,
    steps_of,
)
from lazygraph.tasks.reprs import counted, short_repr

__all__ = ["MOST_AGAIN", "Program", "TreeDef", "run_program", "tree_flatten", "tree_map"]

#: How often containers that stand in several places may be read again: thirty levels of
#: ``x = (x, x)`` are a thousand million places.
MOST_AGAIN = 100_000

#: Instructions of a stack machine: push the next `n` leaves, then replace the top `k` values
#: by ``build(values)``.
Program: TypeAlias = tuple[tuple[int, Builder, int], ...]


def run_program(program: Iterable[tuple[int, Builder, int]], leaves: Sequence[Any]) -> list[Any]:
    """Return what is on the stack at the end."""
    stack: list[Any] = []
    position = 0
    for n, build, k in program:
        stack.extend(leaves[position : position + n])
        position += n
        top = len(stack) - k
        made = build(stack[top:])
        del stack[top:]
        stack.append(made)
    stack.extend(leaves[position:])
    return stack


def _parts_like(build: Builder, k: int, value: Any, path: Path | None) -> Sequence[Any]:
    """Return the children of `value`, if it is like what `build` makes of `k` children."""
    if type(build) is DictOf:
        expected = f"a dict with the keys {list(build.keys)}"
        if isinstance(value, Mapping) and value.keys() == set(build.keys):
            return [value[key] for key in build.keys]
    elif build in (list, tuple) or type(build) is NamedtupleOf:
        expected = counted(k, "value")
        if isinstance(value, (list, tuple)) and len(value) == k:
            return value
    else:
        expected = (
            f"a {getattr(getattr(build, 'kind', build), '__name__', build)} of {counted(k, 'part')}"
        )
        made, children = children_of(value) or (None, ())
        if made == build and len(children) == k and build not in (set, frozenset):
            return children
    raise StructureError(path_text(path), expected, short_repr(value))


class TreeDef(NamedTuple):
    """How a nested value is built from its leaves; equal for values that nest alike."""

    program: Program

    def unflatten(self, leaves: Sequence[Any]) -> Any:
        """Return the value with other leaves, each container new. O(leaves), iterative."""
        (value,) = run_program(self.program, leaves)
        return value

    def flatten_up_to(self, value: Any) -> list[Any]:
        """Return what stands in `value` where the leaves of this treedef stand.

        A list may stand beside a tuple, and any mapping beside a dict with the same keys; all
        else beside its like. O(leaves), iterative.

        Raises
        ------
        StructureError
            If `value` does not nest so: it says where.

        Examples
        --------
        >>> tree_flatten(["x", {"a": "y"}])[1].flatten_up_to((1, {"a": [2]}))
        [1, [2]]
        """
        found: list[Any] = []
        pending: list[tuple[Any, Path | None]] = [(value, ())]
        for n, build, k in reversed(self.program):  # the stack machine, backwards
            value, path = pending.pop()
            parts = _parts_like(build, k, value, path)
            steps = steps_of(build, k)
            pending += [(p, longer(path, s)) for p, s in zip(parts, steps, strict=True)]
            found += [pending.pop()[0] for _ in range(n)]
        found += [value for value, _ in reversed(pending)]
        return found[::-1]


def tree_flatten(
    tree: Any, is_leaf: Callable[[Any], bool] | None = None
) -> tuple[list[Any], TreeDef]:
    """Take a nested value apart into its leaves and the treedef that builds it again.

    Parameters
    ----------
    tree : object
        Lists, tuples, dicts, sets, dataclasses, namedtuples and classes of
        `register_container`, nested to any depth; anything else is a leaf. Keys of dicts are
        part of the treedef.
    is_leaf : callable, optional
        ``is_leaf(value) -> bool``: what not to look into, though it is a container.

    Raises
    ------
    CaptureError
        If a container contains itself, or shared ones stand in more than 100,000 places.

    Notes
    -----
    O(leaves), iterative. A part that stands in several places counts in each.

    Examples
    --------
    >>> leaves, treedef = tree_flatten({"w": [1, 2], "b": 3})
    >>> leaves, treedef.unflatten([10, 20, 30])
    ([1, 2, 3], {'w': [10, 20], 'b': 30})
    """
    leaves: list[Any] = []
    program: list[tuple[int, Builder, int]] = []
    emitted = 0
    for value, build, k in _walk(tree, is_leaf):
        if build is None:
            leaves.append(value)
        else:
            program.append((len(leaves) - emitted, build, k))
            emitted = len(leaves)
    return leaves, TreeDef(tuple(program))


def _walk(
    tree: Any, is_leaf: Callable[[Any], bool] | None
) -> Iterator[tuple[Any, Builder | None, int]]:
    """Yield each leaf, and each container with builder and size once its leaves have come."""
    stack: list[tuple[Any, Builder | None, int]] = [(tree, None, 0)]
    inside: set[int] = set()
    read: dict[int, Any] = {}  # what has been read, kept alive: an id must not come again
    n_again = 0
    while stack:
        value, build, k = stack.pop()
        if build is not None:
            inside.discard(id(value))
            yield value, build, k
            continue
        opened = None if is_leaf is not None and is_leaf(value) else children_of(value)
        if opened is None:
            yield value, None, 0
            continue
        if id(value) in inside:
            raise CaptureError(f"a {type(value).__name__} contains itself")
        n_again += id(value) in read
        if n_again > MOST_AGAIN:
            raise CaptureError(
                f"a {type(value).__name__} stands in more than {MOST_AGAIN:,} places"
            )
        inside.add(id(value))
        read[id(value)] = value
        build, children = opened
        stack.append((value, build, len(children)))
        stack += [(child, None, 0) for child in reversed(children)]


def tree_map(
    func: Callable[..., Any],
    tree: Any,
    *others: Any,
    is_leaf: Callable[[Any], bool] | None = None,
) -> Any:
    """Return a value that nests as `tree` does, with `func` of each leaf in its place.

    Parameters
    ----------
    func : callable
        Called with a leaf, and with what stands in its place in each of `others`.
    tree, *others : object
        Nested alike; `others` may hold more inside where `tree` has a leaf.
    is_leaf : callable, optional
        As in `tree_flatten`; asked about parts of `tree`.

    Raises
    ------
    StructureError
        If one of `others` does not nest as `tree` does: it says where.

    Examples
    --------
    >>> tree_map(lambda a, b: a + b, {"w": 1, "b": [2]}, {"w": 10, "b": [20]})
    {'w': 11, 'b': [22]}
    """
    leaves, treedef = tree_flatten(tree, is_leaf)
    columns = [treedef.flatten_up_to(other) for other in others]
    return treedef.unflatten(list(map(func, leaves, *columns)))

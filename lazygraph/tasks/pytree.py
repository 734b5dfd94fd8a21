"""Nested arguments of a call <-> flat leaves and the template that builds them again.

A call's arguments become a flat tuple of **leaves** (lazy values and literals, left to right)
and a `Template` that builds the nested arguments from as many values; everything downstream
(graphs, passes, plans) sees flat tuples only. For other values see `treedef`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from lazygraph.errors import CaptureError
from lazygraph.tasks.containers import (
    ATOMS,
    BUILTIN,
    LAZY,
    MUTABLE,
    PLAIN,
    Builder,
    dict_of,
    list_of,
    open_argument,
    register_lazy,
)
from lazygraph.tasks.conversions import ItemCheck, LeafRules
from lazygraph.tasks.treedef import MOST_AGAIN, Program, run_program

__all__ = [
    "ATOMS",
    "LAZY",
    "LEAF_RULES",
    "PLAIN",
    "Literal",
    "Template",
    "bound_instance",
    "dict_of",
    "flatten",
    "leaf_of",
    "literal",
    "register_lazy",
    "whole_leaf_of",
]

#: What a leaf of some type is kept as: a function from the argument to the leaf. Filled at import.
LEAF_RULES = LeafRules()


class Literal:
    """A value that is not looked into; see `literal`."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __repr__(self) -> str:
        return f"literal({type(self.value).__name__})"


def literal(value: Any) -> Any:
    """Mark an argument to be passed as it is: not searched for lazy values, not copied.

    Parameters
    ----------
    value : object
        Anything but a lazy value: a container that contains itself, an iterator, or a long
        list that many calls share (each call would have a copy of its own).

    Raises
    ------
    CaptureError
        If `value` is lazy.

    Examples
    --------
    >>> from lazygraph import delayed, literal
    >>> delayed(len)(literal(list(range(100_000)))).compute()
    100000
    """
    if type(value) in LAZY:
        raise CaptureError(f"{value!r} stands for a result: it cannot be handed over itself")
    return Literal(value)


def leaf_of(value: Any) -> Any:
    """Return what an argument that is no container is kept as."""
    kind = type(value)
    if kind is Literal:
        return value.value
    rule = LEAF_RULES[kind]
    return value if rule is None else rule(value)


def whole_leaf_of(value: Any) -> Any:
    """Return what an argument that is not to be looked into is kept as."""
    return value if isinstance(LEAF_RULES[type(value)], ItemCheck) else leaf_of(value)


def bound_instance(instance: Any) -> Any:
    """Return how a lazy method gets its instance: containers are looked into, others are not."""
    is_checked = isinstance(LEAF_RULES[type(instance)], ItemCheck)
    return Literal(instance) if is_checked and open_argument(instance) is None else instance


class Template(NamedTuple):
    """How the nested arguments of a call are built from flat leaves.

    What `program` leaves on its stack is the positional arguments (`npos` of them), then the
    values of the keyword arguments `names`.
    """

    program: Program
    npos: int
    names: tuple[str, ...] = ()

    def build(self, leaves: Sequence[Any]) -> tuple[list[Any], dict[str, Any]]:
        """Return the positional and keyword arguments, each container new."""
        values = run_program(self.program, leaves) if self.program else list(leaves)
        npos = self.npos
        return values[:npos], dict(zip(self.names, values[npos:], strict=True))


@lru_cache(maxsize=4096)
def _shared_template(program: Program, npos: int, names: tuple[str, ...]) -> Template:
    """Return one object for equal small templates: a million like calls hold one."""
    return Template(program, npos, names)


# What becomes of a container that is read; what is inside can only raise it.
#: It is passed as it is.
_AS_IS = 0
#: It may change later: a builtin one is copied, and so is a builtin one around it.
_COPY = 1
#: It is built again, since something inside is kept as something else than it was.
_REBUILD = 2
#: Something inside is lazy: the template builds it.
_IS_LAZY = 3


class _Frame:
    """A container being read."""

    __slots__ = ("build", "fate", "items", "leaf_mark", "n", "value")

    def __init__(self, value: Any, build: Builder, items: Sequence[Any], leaf_mark: int) -> None:
        self.value, self.build, self.n = value, build, len(items)
        self.leaf_mark = leaf_mark  # how many leaves come before it
        self.items = iter(items)
        self.fate = _fate_of(value, build)


def _fate_of(value: Any, build: Builder) -> int:
    if type(value) in MUTABLE:
        return _COPY
    return _REBUILD if build is list_of else _AS_IS


class _Flattener:
    """Collects leaves and instructions, depth first, without recursion."""

    def __init__(self) -> None:
        self.leaves: list[Any] = []
        self.program: list[tuple[int, Builder, int]] = []
        self.emitted = 0  # leaves that an instruction of the program already pushes
        self.opened: list[_Frame] = []
        self.inside: set[int] = set()  # ids of the containers being read
        #: By id: a container that has been read, what it is kept as, and its fate.
        self.read: dict[int, tuple[Any, Any, int]] = {}
        self.n_again = 0

    def add(self, value: Any) -> None:
        if type(value) in ATOMS:
            self.leaves.append(value)
            return
        self._enter(value)
        opened, leaves = self.opened, self.leaves
        while opened:
            frame = opened[-1]
            for item in frame.items:
                if type(item) in ATOMS:
                    leaves.append(item)
                    if type(item) in LAZY:
                        frame.fate = _IS_LAZY
                elif self._enter(item):
                    break
            else:
                self._close(opened.pop())

    def _enter(self, value: Any) -> bool:
        """Add a leaf or a flat container and return False, or open one and return True."""
        if self.read and self._add_again(value):
            return False
        inner = open_argument(value)
        if inner is None:
            self._add_leaf(value)
            return False
        build, items = inner
        kinds = set(map(type, items))  # at the speed of C: long lists of numbers are common
        if kinds <= ATOMS:
            self._add_flat(value, build, items, not LAZY.isdisjoint(kinds))
            return False
        if id(value) in self.inside:
            raise CaptureError(
                f"an argument holds a {type(value).__name__} that contains itself: "
                "pass it as literal(...)"
            )
        self.inside.add(id(value))
        self.opened.append(_Frame(value, build, items, len(self.leaves)))
        return True

    def _add_again(self, value: Any) -> bool:
        """Add a container that has been read before; False if there is none, or it is lazy."""
        _, kept, fate = self.read.get(id(value), (None, None, _IS_LAZY))
        if fate != _IS_LAZY:
            self._keep(value, kept, fate)
            return True
        self.n_again += id(value) in self.read
        if self.n_again > MOST_AGAIN:
            raise CaptureError(
                f"an argument holds lazy values in parts that it shares, {self.n_again:,} times "
                "and more: what is shared is to be the result of a task"
            )
        return False

    def _add_leaf(self, value: Any) -> None:
        kept = leaf_of(value)
        self.leaves.append(kept)
        if self.opened and kept is not value:
            frame = self.opened[-1]
            frame.fate = max(frame.fate, _IS_LAZY if type(kept) in LAZY else _REBUILD)

    def _add_flat(self, value: Any, build: Builder, items: Sequence[Any], is_lazy: bool) -> None:
        """Add a container of nothing but atoms."""
        if is_lazy:
            self.leaves.extend(items)
            self._emit(build, len(items))
            return
        fate = _fate_of(value, build)
        kept = value.copy() if fate == _COPY else items if fate == _REBUILD else value
        self._keep(value, kept, fate)

    def _close(self, frame: _Frame) -> None:
        key = id(frame.value)
        self.inside.discard(key)
        if frame.fate == _IS_LAZY:
            self.read[key] = frame.value, None, _IS_LAZY
            self._emit(frame.build, frame.n)
            return
        items = self.leaves[frame.leaf_mark :]
        # Nothing lazy in it: no instruction of the program pushes any of its leaves.
        del self.leaves[frame.leaf_mark :]
        kept = frame.value if frame.fate == _AS_IS else frame.build(items)
        self.read[key] = frame.value, kept, frame.fate
        self._keep(frame.value, kept, frame.fate)

    def _emit(self, build: Builder, n: int) -> None:
        self.program.append((len(self.leaves) - self.emitted, build, n))
        self.emitted = len(self.leaves)
        if self.opened:
            self.opened[-1].fate = _IS_LAZY

    def _keep(self, value: Any, kept: Any, fate: int) -> None:
        """Add a container with nothing lazy inside, as one leaf."""
        self.leaves.append(kept)
        if self.opened and kept is not value:
            outer = self.opened[-1]
            if fate == _REBUILD or type(outer.value) in BUILTIN:
                outer.fate = max(outer.fate, fate)


def flatten(
    args: Iterable[Any], kwargs: Mapping[str, Any] | None = None
) -> tuple[tuple[Any, ...], Template | None]:
    """Take arguments apart into leaves and the template that builds them again.

    Parameters
    ----------
    args, kwargs
        The arguments of one call, nested to any depth.

    Returns
    -------
    leaves : tuple
        Lazy values and literals, left to right. A container with nothing lazy inside is one
        leaf; a list, dict or set is copied, so that a later change to it changes no result.
        What is shared inside an argument stays so, but for parts with lazy values in them.
    template : Template or None
        None when the leaves are the positional arguments as they stand.

    Raises
    ------
    CaptureError
        For a container that contains itself, for an iterator that can be read only once, and
        where shared parts with lazy values in them stand in more than 100,000 places.

    Notes
    -----
    O(items), iterative; a flat container of numbers and strings costs some 20 ns an item.

    Examples
    --------
    >>> leaves, template = flatten(([1, 2], 3), {"by": 4})
    >>> leaves
    ([1, 2], 3, 4)
    >>> template.build((10, 20, 30))
    ([10, 20], {'by': 30})
    """
    args = tuple(args)
    if not kwargs and ATOMS.issuperset(map(type, args)):
        return args, None
    flat = _Flattener()
    for value in args:
        flat.add(value)
    names = tuple(kwargs) if kwargs else ()
    if kwargs:
        for value in kwargs.values():
            flat.add(value)
    if not names and not flat.program:
        return tuple(flat.leaves), None
    make = _shared_template if len(flat.program) <= 8 else Template
    return tuple(flat.leaves), make(tuple(flat.program), len(args), names)

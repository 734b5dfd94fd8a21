"""Takes nested arguments apart into flat leaves and a template, and builds them again.

The one room that looks inside lists, tuples, dicts, sets, slices, dataclasses, namedtuples
and `functools.partial`. A call's arguments become a flat tuple of **leaves** (lazy values
and literals, left to right) and a `Template` that builds the nested arguments from as many
values; everything downstream (graphs, passes, plans) sees flat tuples only.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache, partial
from itertools import chain
from typing import Any, NamedTuple, TypeAlias

from lazygraph.errors import CaptureError
from lazygraph.tasks.conversions import LeafRules

__all__ = ["LEAF_RULES", "Literal", "Template", "flatten", "leaf_of", "literal", "register_lazy"]

#: Types whose instances stand for another task's result. Filled at import.
LAZY: set[type] = set()
#: Types that are a literal at a glance.
PLAIN: frozenset[type] = frozenset({int, float, complex, bool, str, bytes, type(None)})
#: Types that are a leaf at a glance: nothing lazy can be inside.
ATOMS: set[type] = set(PLAIN)
#: What a leaf of some type is kept as: a function from the argument to the leaf. Filled at import.
LEAF_RULES = LeafRules()
#: A list, dict or set up to this many items is copied at the call, so that a later change to
#: it does not change the result; a longer one is kept as it is.
SNAPSHOT_ITEMS = 1_000

#: What builds a container from a list of its items; hashable, so that templates are.
Maker: TypeAlias = Any


def register_lazy(kind: type) -> None:
    """Let instances of exactly `kind` be found as lazy values inside arguments."""
    LAZY.add(kind)
    ATOMS.add(kind)


class Literal:
    """A value that is not looked into; see `literal`."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __repr__(self) -> str:
        return f"literal({type(self.value).__name__})"


def literal(value: Any) -> Any:
    """Mark an argument to be passed as it is: not searched for lazy values, not copied.

    Examples
    --------
    >>> from lazygraph import delayed, literal
    >>> delayed(len)(literal(list(range(100_000)))).compute()
    100000
    """
    if type(value) in LAZY:
        raise CaptureError(f"{value!r} stands for a result: it cannot be handed over itself")
    return Literal(value)


def dict_of(items: list[Any]) -> dict[Any, Any]:
    return dict(zip(items[::2], items[1::2], strict=True))


def _ordered_dict_of(items: list[Any]) -> OrderedDict[Any, Any]:
    return OrderedDict(dict_of(items))


def _slice_of(items: list[Any]) -> slice:
    return slice(*items)


class _NamedtupleOf(NamedTuple):
    kind: type

    def __call__(self, items: list[Any]) -> Any:
        return tuple.__new__(self.kind, items)


class _DataclassOf(NamedTuple):
    """Sets attributes directly: `__post_init__` ran at the call and is not run again."""

    kind: type
    names: tuple[str, ...]

    def __call__(self, items: list[Any]) -> Any:
        kind: Any = self.kind
        try:
            made = object.__new__(kind)
        except TypeError:  # it inherits from a builtin, such as Exception
            made = kind.__new__(kind)
        for name, value in zip(self.names, items, strict=True):
            object.__setattr__(made, name, value)
        return made


class _PartialOf(NamedTuple):
    names: tuple[str, ...]

    def __call__(self, items: list[Any]) -> Any:
        n = len(items) - len(self.names)
        func, *args = items[:n]
        if type(func) in LAZY:  # a task shown, not run: what will be called is not known yet
            return (partial, items)
        return partial(func, *args, **dict(zip(self.names, items[n:], strict=True)))


def _open_partial(value: partial[Any]) -> tuple[Maker, list[Any]]:
    items = [value.func, *value.args, *value.keywords.values()]
    return _PartialOf(tuple(value.keywords)), items


def _list_of(items: list[Any]) -> list[Any]:
    return items


def _open_iterator(value: Iterator[Any]) -> tuple[Maker, list[Any]]:
    return _list_of, list(value)


#: exact type -> (what builds it again from its items, its items)
_OPENERS: dict[type, Callable[[Any], tuple[Maker, list[Any]]]] = {
    list: lambda value: (list, value),
    tuple: lambda value: (tuple, value),
    set: lambda value: (set, list(value)),
    frozenset: lambda value: (frozenset, list(value)),
    dict: lambda value: (dict_of, list(chain.from_iterable(value.items()))),
    OrderedDict: lambda value: (_ordered_dict_of, list(chain.from_iterable(value.items()))),
    slice: lambda value: (_slice_of, [value.start, value.stop, value.step]),
    partial: _open_partial,
    type(iter([])): _open_iterator,
    type(iter(())): _open_iterator,
    type(iter(set())): _open_iterator,
}
_MUTABLE: tuple[Any, ...] = (list, set, dict_of, _ordered_dict_of)
_BUILTIN: tuple[Any, ...] = (*_MUTABLE, tuple, frozenset)


def _open(value: Any) -> tuple[Maker, list[Any]] | None:
    """What rebuilds `value`, and its items; None when it is not a container."""
    kind = type(value)
    opener = _OPENERS.get(kind)
    if opener is not None:
        return opener(value)
    # Questions go to the type: an instance's __getattr__ may answer anything.
    if issubclass(kind, tuple) and type(getattr(kind, "_fields", None)) is tuple:
        return _NamedtupleOf(kind), value
    if type(getattr(kind, "__dataclass_fields__", None)) is dict:
        return _open_dataclass(value)
    return None


def _open_dataclass(value: Any) -> tuple[Maker, list[Any]]:
    """Its fields, and whatever else was put on the instance."""
    from dataclasses import fields  # late: whoever has a dataclass has imported it

    own = [field.name for field in fields(value) if hasattr(value, field.name)]
    names = tuple(dict.fromkeys([*own, *getattr(value, "__dict__", ())]))
    return _DataclassOf(type(value), names), [getattr(value, name) for name in names]


def leaf_of(value: Any) -> Any:
    """What an argument that is no container is kept as."""
    kind = type(value)
    if kind is Literal:
        return value.value
    rule = LEAF_RULES[kind]
    return value if rule is None else rule(value)


class Template(NamedTuple):
    """How nested arguments are built from flat leaves.

    `program` is run on a stack: each instruction pushes the next `n` leaves, then replaces
    the top `k` values by ``make(values)``. What is on the stack at the end is the positional
    arguments (`npos` of them), then the values of the keyword arguments `names`.
    """

    program: tuple[tuple[int, Maker, int], ...]
    npos: int
    names: tuple[str, ...] = ()

    def build(self, leaves: Sequence[Any]) -> tuple[list[Any], dict[str, Any]]:
        """The positional and keyword arguments, each container new."""
        values = self._run(leaves) if self.program else list(leaves)
        npos = self.npos
        return values[:npos], dict(zip(self.names, values[npos:], strict=True))

    def _run(self, leaves: Sequence[Any]) -> list[Any]:
        stack: list[Any] = []
        position = 0
        for n, make, k in self.program:
            stack.extend(leaves[position : position + n])
            position += n
            top = len(stack) - k
            made = make(stack[top:])
            del stack[top:]
            stack.append(made)
        stack.extend(leaves[position:])
        return stack


@lru_cache(maxsize=4096)
def _shared_template(
    program: tuple[tuple[int, Maker, int], ...], npos: int, names: tuple[str, ...]
) -> Template:
    """Equal small templates are one object: a million like calls hold one."""
    return Template(program, npos, names)


class _Open:
    """A container being read: where its leaves begin, and whether it must be built anew."""

    __slots__ = (
        "has_converted",
        "has_lazy",
        "is_snapshot",
        "items",
        "leaf_mark",
        "make",
        "n",
        "value",
    )

    def __init__(self, value: Any, make: Maker, items: Sequence[Any], leaf_mark: int) -> None:
        self.value, self.make, self.n = value, make, len(items)
        self.leaf_mark = leaf_mark  # how many leaves come before it
        self.items = iter(items)
        self.has_lazy = False
        # Kept as something else than it is, or with a leaf inside that is: to be built anew.
        self.has_converted = make is _list_of
        # Copied if it is not too long: it may change later, or something inside it may.
        self.is_snapshot = make in _MUTABLE

    def literal(self, items: list[Any]) -> Any:
        """The container as one leaf, when nothing in it is lazy."""
        if self.has_converted or (self.is_snapshot and self.n <= SNAPSHOT_ITEMS):
            return self.make(items)
        return self.value


class _Flattener:
    """Collects leaves and instructions, depth first, without recursion."""

    def __init__(self) -> None:
        self.leaves: list[Any] = []
        self.program: list[tuple[int, Maker, int]] = []
        self.emitted = 0  # leaves that an instruction of the program already pushes
        self.opened: list[_Open] = []
        self.inside: set[int] = set()  # ids of the containers being read

    def add(self, value: Any) -> None:
        self._enter(value)
        while self.opened:
            container = self.opened[-1]
            for item in container.items:
                if type(item) in ATOMS:
                    self.leaves.append(item)
                    container.has_lazy = container.has_lazy or type(item) in LAZY
                elif self._enter(item):
                    break
            else:
                self._close(self.opened.pop())

    def _enter(self, value: Any) -> bool:
        """Add a leaf and return False, or open a container and return True."""
        if type(value) in ATOMS:
            self.leaves.append(value)
            return False
        inner = _open(value)
        if inner is None:
            self._add_leaf(value)
            return False
        if id(value) in self.inside:
            raise CaptureError(f"an argument holds a {type(value).__name__} that contains itself")
        make, items = inner
        if len(items) > SNAPSHOT_ITEMS and make in _BUILTIN and PLAIN.issuperset(map(type, items)):
            self.leaves.append(value)  # at the speed of C: a list of 100,000 numbers is common
            return False
        container = _Open(value, make, items, len(self.leaves))
        self.inside.add(id(value))
        self.opened.append(container)
        self._take_atoms(container, items)
        return True

    def _add_leaf(self, value: Any) -> None:
        kept = leaf_of(value)
        self.leaves.append(kept)
        if self.opened and kept is not value:
            self.opened[-1].has_converted = True
            self.opened[-1].has_lazy |= type(kept) in LAZY

    def _take_atoms(self, container: _Open, items: Sequence[Any]) -> None:
        """Read a container of nothing but atoms at the speed of C."""
        if ATOMS.issuperset(map(type, items)):
            self.leaves.extend(items)
            container.has_lazy = not LAZY.isdisjoint(map(type, items))
            container.items = iter(())

    def _close(self, container: _Open) -> None:
        self.inside.discard(id(container.value))
        outer = self.opened[-1] if self.opened else None
        if container.has_lazy:
            n = len(self.leaves) - self.emitted
            self.program.append((n, container.make, container.n))
            self.emitted = len(self.leaves)
            if outer is not None:
                outer.has_lazy = True
            return
        kept = container.literal(self.leaves[container.leaf_mark :])
        # Nothing lazy in it: no instruction of the program pushes any of its leaves.
        del self.leaves[container.leaf_mark :]
        self.leaves.append(kept)
        if outer is not None and kept is not container.value:
            outer.has_converted |= container.has_converted
            outer.is_snapshot |= outer.make in _BUILTIN


def flatten(
    args: Iterable[Any], kwargs: dict[str, Any] | None = None
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
        leaf; if it is a list, dict or set of up to `SNAPSHOT_ITEMS` items it is copied.
    template : Template or None
        None when the leaves are the positional arguments as they stand.

    Raises
    ------
    CaptureError
        For a container that contains itself, and for an iterator that can be read only once.

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
    npos = 0
    for value in args:
        flat.add(value)
        npos += 1
    names = tuple(kwargs) if kwargs else ()
    for name in names:
        flat.add(kwargs[name])  # type: ignore[index]  # names is empty when kwargs is None
    if not names and not flat.program:
        return tuple(flat.leaves), None
    make = _shared_template if len(flat.program) <= 8 else Template
    return tuple(flat.leaves), make(tuple(flat.program), npos, names)

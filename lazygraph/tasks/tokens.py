"""Any value -> a token that is equal for equal content: by it equal pure calls are found.

A value is read as `pickle` reads it, part by part, but without a mark where it was met before:
what counts is what it holds, not what it shares. Where two values might differ in the eyes of a
function, their tokens differ; what nothing describes is known by its identity.
"""

from __future__ import annotations

import copyreg
import pickle
import struct
import sys
import weakref
from collections.abc import Callable, Iterable, Iterator
from types import CellType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any, NamedTuple

from lazygraph.tasks.keys import fresh_key
from lazygraph.tasks.pytree import PLAIN

__all__ = ["ContentKey", "ContentKeys", "Tokens"]

#: Builtins whose `repr` tells all: a long list of them is read at the speed of C.
_SHOWN = frozenset({int, float, bool, str, bytes, type(None)})
_LONG = 16
KEY, VALUE, ASKED = b"k", b"v", b"o"
_MOST_BYTES = 40  # of a token that is no digest


class _Parts(NamedTuple):
    """What a value is made of."""

    tag: bytes
    parts: Iterable[Any]
    lasts: bool = False  # it cannot change, if its parts cannot
    is_ordered: bool = True


class _Ring(Exception):  # noqa: N818  # a signal: a value contains itself
    pass


class _Frame:
    """A value being read: its parts to come, and the tokens of those that have been read."""

    __slots__ = ("lasts", "opened", "parts", "tokens", "value")

    def __init__(self, value: Any) -> None:
        self.value = value
        self.opened = _opened(value)
        self.parts = iter(self.opened.parts)
        self.lasts = self.opened.lasts
        self.tokens: list[bytes] = []

    def add(self, token: bytes, lasts: bool) -> None:
        self.tokens.append(token)
        self.lasts = self.lasts and lasts

    def token(self) -> bytes:
        tokens = self.tokens if self.opened.is_ordered else sorted(self.tokens)
        return _digest([self.opened.tag, *tokens])


class Tokens:
    """Makes tokens; reads each object once, and keeps it alive.

    One is made per walk over a graph: no user's code runs meanwhile, so an array that fifty
    tasks share is read once, and a change made to it before the next walk is seen.
    """

    def __init__(self) -> None:
        self._known: dict[int, tuple[Any, bytes, bool]] = {}  # by id

    def token(self, value: Any) -> bytes:
        """Return a token that is equal for equal content. O(content), iterative."""
        return self.read(value)[0]

    def read(self, value: Any) -> tuple[bytes, bool]:
        """Return the value's token, and whether it is the same for as long as the value lives."""
        known = self._at_once(value)
        if known is None:
            try:
                known = self._read(value)
            except _Ring:
                known = _ring_token(value), False
                self._known[id(value)] = (value, *known)
        return known

    def _at_once(self, value: Any) -> tuple[bytes, bool] | None:
        if type(value) in PLAIN:
            return _plain(value), True
        known = self._known.get(id(value))
        return None if known is None else known[1:]

    def _read(self, root: Any) -> tuple[bytes, bool]:
        frames, inside = [_Frame(root)], {id(root)}
        while True:
            frame = frames[-1]
            inner = self._next_unread(frame)
            if inner is not None:
                if id(inner.value) in inside:
                    raise _Ring
                inside.add(id(inner.value))
                frames.append(inner)
                continue
            frames.pop()
            inside.discard(id(frame.value))
            made = frame.token(), frame.lasts
            self._known[id(frame.value)] = (frame.value, *made)
            if not frames:
                return made
            frames[-1].add(*made)

    def _next_unread(self, frame: _Frame) -> _Frame | None:
        for part in frame.parts:
            known = self._at_once(part)
            if known is None:
                return _Frame(part)
            frame.add(*known)
        return None


class ContentKey(NamedTuple):
    """A key made of a call's content; `lasts` if it is the same whenever it is made."""

    key: str
    lasts: bool


class ContentKeys(Tokens):
    """Makes the keys of pure tasks."""

    def key(
        self, name: str, func: Callable[..., Any], template: Any, parts: Iterable[tuple[bytes, Any]]
    ) -> ContentKey:
        """Return the key of a call: of its function, how its arguments nest, and its leaves.

        Parameters
        ----------
        parts
            Per leaf ``(KEY, key)`` for another task's result, ``(VALUE, value)`` for a literal;
            and ``(ASKED, options)``.

        Notes
        -----
        O(arguments): some 3 us, and 1 us per MB of new arrays.
        """
        tokens, lasts = [], True
        for value in (func, template):
            token, stays = self.read(value)
            tokens.append(token)
            lasts = lasts and stays
        for kind, part in parts:
            token, stays = self.read(part)
            tokens.append(kind + token)
            lasts = lasts and stays
        return ContentKey(f"{name}-{_digest(tokens)[1:].hex()}", lasts)


def _digest(tokens: Iterable[bytes]) -> bytes:
    """Return one token for several; no others have the same."""
    return b"#" + _hash(b"".join([b"%d:%b" % (len(token), token) for token in tokens]))


def _hash(data: Any) -> bytes:
    from hashlib import blake2b  # lazy import (3 ms)

    return blake2b(data, digest_size=16).digest()


def _plain(value: Any) -> bytes:
    kind = type(value)
    if kind is str:
        text = value.encode("utf-8", "surrogatepass")
    elif kind is int:
        text = b"%x" % value  # a long one has no `repr`
    elif kind is float:
        text = struct.pack("<d", value)  # -0.0, and each NaN for itself
    elif kind is complex:
        text = struct.pack("<dd", value.real, value.imag)
    else:
        text = value if kind is bytes else repr(value).encode()
    made = b"%b:%b" % (kind.__name__.encode(), text)
    return made if len(made) <= _MOST_BYTES else _digest([made])


def _ring_token(root: Any) -> bytes:
    """Return the token of what contains itself: read in one line, with marks for what was met."""
    seen: dict[int, tuple[int, Any]] = {}
    tokens: list[bytes] = []
    stack = [root]
    while stack:
        value = stack.pop()
        if type(value) in PLAIN:
            tokens.append(_plain(value))
        elif id(value) in seen:
            tokens.append(b"@%d" % seen[id(value)][0])
        else:
            seen[id(value)] = len(seen), value  # kept alive, so that its id stays its own
            opened = _opened(value)
            parts = list(opened.parts)
            tokens.append(b"%b(%d" % (opened.tag, len(parts)))
            stack.extend(reversed(parts))
    return _digest(tokens)


# ------------------------------------------------------------------- what values are made of
def _opened(value: Any) -> _Parts:
    """Return the parts of a value that is not plain."""
    rule = _RULES.get(type(value))
    if rule is not None:
        return rule(value)
    if isinstance(value, type):
        return _named(value, value.__qualname__)
    np = sys.modules.get("numpy")
    if np is not None and type(value) is np.ndarray:
        return _array(np, value)
    try:
        return _reduced(value)
    except Exception:  # it has no pickle: a lock, a file, ...; or its own code fails
        return _identity(value)


def _items(value: Any) -> _Parts:
    return _of_items(type(value).__name__.encode(), value, type(value) is tuple)


def _dict(value: dict[Any, Any]) -> _Parts:
    return _of_items(b"dict", [x for pair in value.items() for x in pair], lasts=False)


def _of_items(tag: bytes, items: Any, lasts: bool) -> _Parts:
    kinds = set(map(type, items)) if len(items) > _LONG else {object}
    if kinds <= _SHOWN:
        try:
            shown = repr(items)
        except ValueError:  # an integer of thousands of digits
            return _Parts(tag, items, lasts)
        if float not in kinds or "nan" not in shown:
            return _Parts(tag + b" shown", (shown,), lasts)
    return _Parts(tag, items, lasts)


def _set(value: Any) -> _Parts:
    return _Parts(type(value).__name__.encode(), value, type(value) is frozenset, is_ordered=False)


def _function(func: FunctionType) -> _Parts:
    """Return what a function does, by whatever name: its code, and all that its code reads.

    Of a module's function, the module stands for its globals.
    """
    module = sys.modules.get(func.__module__ or "")
    world: Any = func.__module__
    if module is None or vars(module) is not func.__globals__:
        names = sorted(_names(func.__code__) & func.__globals__.keys())
        world = {name: func.__globals__[name] for name in names}
    own = vars(func) or None
    parts = (func.__code__, func.__defaults__, func.__kwdefaults__, func.__closure__, world, own)
    return _Parts(b"function", parts, lasts=True)


def _names(code: CodeType) -> set[str]:
    found: set[str] = set()
    codes = [code]
    while codes:
        code = codes.pop()
        found.update(code.co_names)
        codes.extend(const for const in code.co_consts if type(const) is CodeType)
    return found


def _code(code: CodeType) -> _Parts:
    parts = (
        (code.co_code, code.co_exceptiontable, code.co_consts),
        (code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars),
        (code.co_flags, code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount),
    )
    return _Parts(b"code", parts, lasts=True)


def _cell(cell: CellType) -> _Parts:
    try:
        return _Parts(b"cell", (cell.cell_contents,))
    except ValueError:
        return _Parts(b"empty cell", ())


def _array(np: Any, array: Any) -> _Parts:
    """Return type, layout and bytes: the order in memory decides how a sum rounds."""
    shape = array.shape
    strides = [stride if n > 1 else 0 for n, stride in zip(shape, array.strides, strict=True)]
    if array.dtype.hasobject:
        data: Any = array.tolist()
    else:
        once = array[tuple([slice(None) if stride else slice(1) for stride in strides])]
        flat = once.ravel(order="K")
        data = _hash(flat.view(np.uint8) if flat.dtype.itemsize else b"")
    return _Parts(b"array", (array.dtype, shape, strides, data))


def _reduced(value: Any) -> _Parts:
    """Return what `pickle` would write, or what the class says that it is."""
    kind = type(value)
    tokenize = getattr(kind, "__dask_tokenize__", None)
    if tokenize is not None:
        return _Parts(b"tokenize", (kind, tokenize(value)))
    if isinstance(value, (set, frozenset)):
        return _Parts(b"set of", (kind, frozenset(value), getattr(value, "__dict__", None)))
    if isinstance(value, tuple) and type(getattr(kind, "_fields", None)) is tuple:
        own = getattr(value, "__dict__", None)
        return _Parts(
            b"tuple of", (kind, tuple.__getitem__(value, slice(None)), own), lasts=not own
        )
    reduce = copyreg.dispatch_table.get(kind)
    reduced = value.__reduce_ex__(4) if reduce is None else reduce(value)
    if isinstance(reduced, str):
        return _named(value, reduced)
    make, args, *more = reduced
    rest = [list(part) if isinstance(part, Iterator) else part for part in more]
    return _Parts(b"object", (make, args, rest, _lost(value, kind)))


def _lost(value: Any, kind: type) -> Any:
    """Return the attributes that a subclass of `numpy.ndarray` has and its pickle has not."""
    np: Any = sys.modules.get("numpy")
    is_lost = np is not None and isinstance(value, np.ndarray)
    return vars(value) if is_lost and kind.__reduce__ is np.ndarray.__reduce__ else None


def _named(value: Any, qualname: str) -> _Parts:
    """Return module and name, if they lead to it; in a session, a name may soon lead elsewhere."""
    module = getattr(value, "__module__", None)
    if not isinstance(module, str):
        module = pickle.whichmodule(value, qualname)  # type: ignore[attr-defined]
    found: Any = sys.modules.get(module)
    for part in qualname.split("."):
        found = getattr(found, part, None)
    if found is not value or module == "__main__":
        return _identity(value)
    return _Parts(b"named", (module, qualname), lasts=True)


_identities: dict[int, tuple[Any, str]] = {}  # by id: the object or a weak reference, its number


def _identity(value: Any) -> _Parts:
    """Return a number that no other object ever has, in any process."""
    place = id(value)
    known = _identities.get(place)
    if known is None:
        try:
            kept: Any = weakref.ref(value, lambda _: _identities.pop(place, None))
        except TypeError:
            kept = value
        known = _identities.setdefault(place, (kept, fresh_key(type(value).__name__)))
    return _Parts(b"identity", (known[1],), lasts=True)


def _module(module: ModuleType) -> _Parts:
    if sys.modules.get(module.__name__) is module:
        return _Parts(b"module", (module.__name__,), lasts=True)
    return _identity(module)


_RULES: dict[type, Callable[[Any], _Parts]] = {
    list: _items,
    tuple: _items,
    dict: _dict,
    set: _set,
    frozenset: _set,
    FunctionType: _function,
    CodeType: _code,
    CellType: _cell,
    MethodType: lambda method: _Parts(b"method", (method.__func__, method.__self__)),
    ModuleType: _module,
    memoryview: lambda view: _Parts(b"view", (view.tobytes(), view.format, view.shape)),
}

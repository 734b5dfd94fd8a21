"""Keeps classes and functions of scripts the same objects, wherever their values travel.

What cannot be found by name travels by value. Each such class and function has a **home**, the
process that defined it, and is known there: what comes back is the very object, and nothing of
it is set anew. Elsewhere a copy is made at the first arrival, and brought up to date when it
arrives in a later **generation**, which each compute begins: in between, what tasks change in
it stays, as in one process. Functions of one module share their globals likewise.
"""

from __future__ import annotations

import builtins
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from enum import Enum
from itertools import count
from types import FunctionType, MemberDescriptorType
from typing import Any, NamedTuple, TypeAlias
from weakref import WeakKeyDictionary, WeakSet, WeakValueDictionary

__all__ = ["Namespace", "forget_namespaces", "new_generation", "reduced_class", "reduced_function"]

#: What `pickle` wants of a reducer: make, its arguments, state, two unused, state setter.
Reduced: TypeAlias = tuple[Any, ...]


class _Mark(NamedTuple):
    """The process that defined something, and how new its state is."""

    home: str
    generation: int


_HOME = uuid.uuid4().hex
_generations = count(1)
_generation = 0
_numbers = count()

_marks: WeakKeyDictionary[Any, _Mark] = WeakKeyDictionary()  # of what came from elsewhere
_unfinished: WeakSet[Any] = WeakSet()  # whose state is still to be set
_functions: WeakValueDictionary[str, FunctionType] = WeakValueDictionary()
_identities: WeakKeyDictionary[FunctionType, str] = WeakKeyDictionary()
_namespaces: dict[tuple[str, str], tuple[int, dict[str, Any]]] = {}  # by home and module
_shared: dict[int, tuple[str, str, int]] = {}  # id of such a namespace -> home, module, generation


def new_generation() -> None:
    """Let what is sent from now on bring older copies of itself up to date."""
    global _generation  # noqa: PLW0603  # one per process, as the home is
    _generation = next(_generations)


def forget_namespaces() -> None:
    """Let go of the globals that have come from elsewhere, as far as no function needs them."""
    _namespaces.clear()
    _shared.clear()


def _mark_of(thing: Any) -> _Mark:
    return _marks.get(thing) or _Mark(_HOME, _generation)


def _is_older(thing: Any, generation: int) -> bool:
    mark = _marks.get(thing)  # None: it is at home here
    return mark is not None and mark.generation < generation


def _arrived(thing: Any, mark: _Mark) -> Any:
    _marks[thing] = mark
    _unfinished.add(thing)
    return thing


# -------------------------------------------------------------------- classes
def reduced_class(kind: type, reduced: Reduced) -> Reduced:
    """Return how a class travels by value, from how cloudpickle reduces it."""
    make, args, (state, _) = reduced[:3]
    identity = args[-2]
    if not issubclass(kind, Enum):
        args = (*args[:3], {**args[3], **_shape(kind)}, *args[4:])
        slots = [n for n, value in state.items() if isinstance(value, MemberDescriptorType)]
        for name in ("__slots__", *slots):
            state.pop(name, None)
    return _class, (identity, *_mark_of(kind), make, args), state, None, None, _finish_class


def _shape(kind: type) -> dict[str, Any]:
    """Return what a class must be made with: its qualified name, and its `__slots__`.

    cloudpickle sets slots too late, and no qualified name.
    """
    shape: dict[str, Any] = {"__qualname__": kind.__qualname__}
    is_named_tuple = NamedTuple in vars(kind).get("__orig_bases__", ())  # it has them anyway
    if "__slots__" in vars(kind) and not is_named_tuple:
        shape["__slots__"] = vars(kind)["__slots__"]
    return shape


def _class(
    identity: str, home: str, generation: int, make: Callable[..., type], args: tuple[Any, ...]
) -> type:
    """Return the class of that identity: the one known here, or a new one without its state."""
    from cloudpickle import cloudpickle  # late: it is large

    kind: type | None = cloudpickle._DYNAMIC_CLASS_TRACKER_BY_ID.get(identity)
    if kind is None:
        return _arrived(make(*args), _Mark(home, generation))  # type: ignore[no-any-return]
    return _arrived(kind, _Mark(home, generation)) if _is_older(kind, generation) else kind


def _finish_class(kind: type, state: dict[str, Any]) -> None:
    """Set what is in a class, unless it is here already."""
    if kind not in _unfinished:
        return
    from cloudpickle.cloudpickle import _class_setstate  # late, as above

    for name in list(_gone(kind, state)):
        with suppress(Exception):  # its metaclass may refuse
            delattr(kind, name)
    _class_setstate(kind, (state, {}))
    _unfinished.discard(kind)


def _gone(kind: type, state: dict[str, Any]) -> Iterator[str]:
    """Yield the attributes that a class has no more where it comes from."""
    if issubclass(kind, Enum):
        return
    for name, value in vars(kind).items():
        is_special = name.startswith("__") or isinstance(value, MemberDescriptorType)
        if name not in state and not is_special and not name.startswith("_abc_"):
            yield name


# ------------------------------------------------------------------ functions
def reduced_function(func: FunctionType, reduced: Reduced, namespace: Namespace) -> Reduced:
    """Return how a function travels by value, from how cloudpickle reduces it."""
    (code, *_, closure), state = reduced[1:3]
    args = (_identity(func), *_mark_of(func), code, namespace, closure)
    return _function, args, state, None, None, _finish_function


def _identity(func: FunctionType) -> str:
    identity = _identities.get(func)
    if identity is None:
        identity = f"{_HOME}-{next(_numbers)}"
        _identities[func], _functions[identity] = identity, func
    return identity


def _function(
    identity: str, home: str, generation: int, code: Any, space: dict[str, Any], closure: Any
) -> FunctionType:
    """Return the function of that identity: the one known here, or a new one without its state."""
    func = _functions.get(identity)
    if func is None or _is_older(func, generation):
        space.setdefault("__builtins__", builtins.__dict__)
        func = FunctionType(code, space, None, None, closure)
        _identities[func], _functions[identity] = identity, func
        _arrived(func, _Mark(home, generation))
        if home == _HOME:  # the one that was sent is gone: this is it from now on
            del _marks[func]
    return func


def _finish_function(func: FunctionType, state: tuple[dict[str, Any], dict[str, Any]]) -> None:
    """Set what is in a function and in its globals, unless it is here already."""
    if func not in _unfinished:
        return
    attributes, slots = state
    func.__dict__.update(attributes)
    for name, value in slots.pop("__globals__").items():
        func.__globals__.setdefault(name, value)
    for mine, theirs in zip(func.__closure__ or (), slots.pop("__closure__") or (), strict=True):
        with suppress(ValueError):  # it is empty
            mine.cell_contents = theirs.cell_contents
    slots.pop("_cloudpickle_submodules")  # they are imported by now
    for name, value in slots.items():
        setattr(func, name, value)
    _unfinished.discard(func)


# ----------------------------------------------------------------- namespaces
class Namespace:
    """The globals of functions, in a stream: pickled as what makes or finds them elsewhere.

    Parameters
    ----------
    space : dict
        The globals themselves, of a module or not.
    base : dict
        What of them every function needs: the module's name, file and package.
    """

    def __init__(self, space: dict[str, Any], base: dict[str, Any]) -> None:
        self.base = base
        self.origin = _shared.get(id(space))
        name = space.get("__name__")
        if self.origin is None and type(name) is str:
            module = sys.modules.get(name)
            if getattr(module, "__dict__", None) is space:
                self.origin = _HOME, name, _generation

    def __reduce__(self) -> tuple[Any, ...]:
        return _namespace, (self.origin, self.base)


def _namespace(origin: tuple[str, str, int] | None, base: dict[str, Any]) -> dict[str, Any]:
    if origin is None:  # of no module, such as of code that `exec` ran
        return base
    home, module, generation = origin
    if home == _HOME and module in sys.modules:
        return vars(sys.modules[module])
    found = _namespaces.get((home, module))
    if found is None or found[0] < generation:
        found = _namespaces[home, module] = generation, base
        _shared[id(base)] = origin
    return found[1]

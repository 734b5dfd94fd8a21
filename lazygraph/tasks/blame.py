"""Turns a value that cannot be pickled into the path to the part of it that is at fault."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial, singledispatch
from itertools import chain, islice
from pickle import PickleBuffer
from types import CodeType, FunctionType, MethodType
from typing import Any, TypeAlias

from lazygraph.tasks.reprs import short_repr
from lazygraph.tasks.task import Call
from lazygraph.transport.pickling import dumps

__all__ = ["argument_path", "blame"]

#: How a part is reached from the value around it, such as ``.name`` or ``[2]``; the part.
Part: TypeAlias = tuple[str, Any]

_MOST_PARTS = 1_000_000
_MOST_STEPS = 100
_MOST_CHARACTERS = 200


def blame(value: Any, name: str, error: BaseException) -> str:
    """Tell which part of a value cannot be pickled, and why.

    Parameters
    ----------
    value
        What could not be pickled.
    name : str
        What to call the value, such as ``args[0]``.
    error : BaseException
        What pickling it raised.

    Returns
    -------
    str
        The path to the innermost part that cannot be pickled, its type, and what pickling
        it raises: ``args[0].client._ctx: SSLContext (cannot pickle 'SSLContext' object)``.
        It is the value itself when none of its parts is at fault alone.

    Notes
    -----
    Never raises, whatever the parts' own code does. The parts of a value are pickled in
    halves: a list of a million items is pickled some two or three times over.

    Examples
    --------
    >>> import threading
    >>> blame({"a": [1, threading.Lock()]}, "args[0]", TypeError())
    "args[0]['a'][1]: lock (cannot pickle '_thread.lock' object)"
    """
    path, seen = [name], [value]
    while len(path) < _MOST_STEPS and not _is_too_deep(error):
        found = _first_bad(_parts_of(value))
        if found is None or any(found[1] is other for other in seen):
            break
        label, value, error = found
        path.append(label)
        seen.append(value)  # alive, too: parts may be made on demand
    return f"{''.join(path)}: {type(value).__name__} ({_text(error)})"


def _is_too_deep(error: BaseException) -> bool:
    """Tell whether the value nests too deep: then the whole is at fault, no part of it."""
    return isinstance(error, RecursionError) or isinstance(error.__cause__, RecursionError)


def _text(error: BaseException) -> str:
    try:
        text = " ".join(str(error).split()) or type(error).__name__
    except Exception:  # the part's own exception class
        return type(error).__name__
    return text if len(text) <= _MOST_CHARACTERS else f"{text[:_MOST_CHARACTERS]}..."


def _first_bad(parts: Sequence[Part]) -> tuple[str, Any, Exception] | None:
    """Return the first part that cannot be pickled, with its error; None if all can."""
    if _why_not(parts) is None:
        return None
    while len(parts) > 1:
        half = len(parts) // 2
        parts = parts[half:] if _why_not(parts[:half]) is None else parts[:half]
    label, value = parts[0]
    error = _why_not(parts)
    return None if error is None else (label, value, error)


def _why_not(parts: Iterable[Part]) -> Exception | None:
    try:
        dumps([value for _, value in parts], _without_buffers)
    except Exception as error:
        return error
    return None


def _without_buffers() -> Any:
    def leave_out(_: PickleBuffer) -> bool:
        return False  # arrays need not be copied to see that they could be

    return leave_out


def _parts_of(value: Any) -> list[Part]:
    try:
        return list(islice(_parts(value), _MOST_PARTS))
    except Exception:  # the value's own code
        return []


_PLAIN_REDUCE: Any = (object.__reduce_ex__, object.__reduce__)


@singledispatch
def _parts(value: Any) -> Iterator[Part]:
    """Return what a value is made of, as pickling sees it; by default, its attributes."""
    kind = type(value)
    if (kind.__reduce_ex__, kind.__reduce__) == _PLAIN_REDUCE:
        return _state_parts(value, value.__getstate__())
    return _reduced_parts(value, value.__reduce_ex__(5))


def _reduced_parts(value: Any, reduced: str | tuple[Any, ...]) -> Iterator[Part]:
    if isinstance(reduced, str):
        return
    for i, part in enumerate(reduced[1]):
        yield f".__reduce__()[1][{i}]", part
    if len(reduced) > 2:
        yield from _state_parts(value, reduced[2])


def _state_parts(value: Any, state: Any) -> Iterator[Part]:
    """Yield the attributes, for the usual forms of a state."""
    names = getattr(type(value), "__dataclass_fields__", None)
    if isinstance(state, list) and names and len(names) == len(state):
        state = dict(zip(names, state, strict=True))  # of a dataclass with slots
    halves = state if isinstance(state, tuple) and len(state) == 2 else (state,)
    for half in halves:
        if isinstance(half, Mapping):
            for name, part in half.items():
                yield f".{name}", part
        elif half is not None:
            yield ".__getstate__()", half


@_parts.register(dict)
def _(value: dict[Any, Any]) -> Iterator[Part]:
    for key, part in value.items():
        label = short_repr(key)
        yield f".<key {label}>", key
        yield f"[{label}]", part
    yield from _own_attributes(value)


@_parts.register(list)
def _(value: list[Any]) -> Iterator[Part]:
    for i, part in enumerate(value):
        yield f"[{i}]", part
    yield from _own_attributes(value)


@_parts.register(tuple)
def _(value: tuple[Any, ...]) -> Iterator[Part]:
    names = getattr(type(value), "_fields", ())
    for i, part in enumerate(value):
        yield (f".{names[i]}" if i < len(names) else f"[{i}]"), part
    yield from _own_attributes(value)


@_parts.register(set)
@_parts.register(frozenset)
def _(value: set[Any]) -> Iterator[Part]:
    for part in value:
        yield f".<item {short_repr(part)}>", part
    yield from _own_attributes(value)


@_parts.register(slice)
def _(value: slice) -> Iterator[Part]:
    for name in ("start", "stop", "step"):
        yield f".{name}", getattr(value, name)


@_parts.register(partial)
def _(value: partial[Any]) -> Iterator[Part]:
    yield ".func", value.func
    for i, part in enumerate(value.args):
        yield f".args[{i}]", part
    for name, part in value.keywords.items():
        yield f".keywords[{name!r}]", part


@_parts.register(MethodType)
def _(value: MethodType) -> Iterator[Part]:
    yield ".__self__", value.__self__
    yield ".__func__", value.__func__


@_parts.register(type)
def _(value: type) -> Iterator[Part]:
    for name, part in vars(value).items():
        if name not in ("__dict__", "__weakref__"):
            yield f".{name}", part


@_parts.register(BaseException)
def _(value: BaseException) -> Iterator[Part]:
    for i, part in enumerate(value.args):
        yield f".args[{i}]", part
    yield from _own_attributes(value)


@_parts.register(FunctionType)
def _(value: FunctionType) -> Iterator[Part]:
    for name, cell in zip(value.__code__.co_freevars, value.__closure__ or (), strict=True):
        yield f".<closure>.{name}", _content(cell)
    for name in dict.fromkeys(_names(value.__code__)):
        if name in value.__globals__:
            yield f".<global>.{name}", value.__globals__[name]
    for i, part in enumerate(value.__defaults__ or ()):
        yield f".__defaults__[{i}]", part
    for name, part in (value.__kwdefaults__ or {}).items():
        yield f".__kwdefaults__[{name!r}]", part
    yield from _own_attributes(value)


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # empty so far
        return None


def _names(code: CodeType) -> Iterator[str]:
    """Return the names of globals that a function, or one defined in it, may use."""
    inner = (const for const in code.co_consts if isinstance(const, CodeType))
    return chain(code.co_names, chain.from_iterable(map(_names, inner)))


def _own_attributes(value: Any) -> Iterator[Part]:
    for name, part in getattr(value, "__dict__", {}).items():
        yield f".{name}", part


class _Marker:
    """Stands for a leaf; callable, as the function in a partial must be."""

    def __init__(self, leaf: Any) -> None:
        self._text = short_repr(leaf)

    def __call__(self) -> None:
        """Do nothing."""

    def __repr__(self) -> str:
        return self._text  # dicts' keys are leaves too, and shown


def argument_path(call: Call, leaf_index: int) -> str:
    """Return where a leaf of a call stands among its nested arguments.

    Parameters
    ----------
    call : Call
    leaf_index : int
        Its position among the call's flat leaves.

    Returns
    -------
    str
        Such as ``args[0]['k'][2]`` or ``kwargs['by']``.

    Examples
    --------
    >>> from lazygraph.tasks.task import Ref, Task
    >>> argument_path(Task(print, (1, {"k": [2, Ref("x")]}), {"end": ""}), 3)
    "args[1]['k'][1]"
    """
    markers = tuple(map(_Marker, call._leaves))
    try:
        return _path_to(markers[leaf_index], *call._arguments(markers))
    except Exception:  # a class that answers as it likes
        return f"argument {leaf_index}"


def _path_to(wanted: _Marker, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    left: list[Part] = [("kwargs", kwargs), ("args", args)]
    while left:
        path, value = left.pop()
        if value is wanted:
            return path
        if type(value) is not _Marker:
            left.extend((path + label, part) for label, part in _built_parts(value))
    raise LookupError("no container shows the leaf")


def _built_parts(value: Any) -> Iterator[Part]:
    """Return the parts of what a template has built."""
    names = getattr(type(value), "__dataclass_fields__", None)
    if names is None:
        return _parts(value)
    every = dict.fromkeys([*names, *getattr(value, "__dict__", ())])
    return ((f".{name}", getattr(value, name)) for name in every if hasattr(value, name))

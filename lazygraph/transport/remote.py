"""Turns exceptions into bytes and back, with their types, tracebacks, notes, causes and groups.

Pickle alone would call an exception's `__init__` with its `args`, which few custom ones take,
and leaves out the traceback and what caused it. Here each exception of a chain is a record
of its own, proven in the process that made it. Where a part of it cannot be pickled, its repr
stands for that part; where its class cannot, a `RemoteError` stands for the exception, which is
one of the nearest base class that can.
"""

from __future__ import annotations

import pickle
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from types import GetSetDescriptorType, MemberDescriptorType, SimpleNamespace, TracebackType
from typing import Any, NamedTuple, TypeAlias

from lazygraph.errors import RemoteError
from lazygraph.transport.pickling import dumps, loads, names_main

__all__ = ["RemoteError", "from_wire", "to_wire"]

_MOST_LINKS = 100
_MOST_FRAMES = 1_000
_MOST_CHARACTERS = 10_000

# By way of the base class: an exception's own may forbid or redefine getting and setting.
_OF: dict[str, Any] = dict(BaseException.__dict__)


#: file, line, name, module
Frame: TypeAlias = tuple[str, int, str, str]


class _Record(NamedTuple):
    """One exception, all of it plain data; the others are meant by their records' numbers."""

    blob: bytes | None  # None if it cannot be made again
    base: bytes  # the nearest of its classes that any process knows
    type_name: str
    text: str
    notes: list[str]
    frames: list[Frame]
    cause: int | None
    context: int | None
    is_context_suppressed: bool
    members: list[int]  # of a group


def to_wire(error: BaseException) -> bytes:
    """Return an exception as bytes, proven to come back with its type or as a `RemoteError`.

    Parameters
    ----------
    error : BaseException
        Of any class, whatever its own code does.

    Returns
    -------
    bytes
        For `from_wire`. Chains of causes and contexts are cut after 100 links, or where they
        come back to themselves.
    """
    records: list[_Record] = []
    _Writer(records).add(error, 0)
    return pickle.dumps([tuple(record) for record in records], 5)


def from_wire(data: bytes) -> BaseException:
    """Return the exception that `to_wire` was given, or a `RemoteError` that tells of it."""
    built: list[BaseException] = []
    try:
        for fields in loads(data):
            built.append(_rebuilt(_Record(*fields), built))
        return built[-1]
    finally:
        built.clear()  # the tracebacks made here lead back to this frame


class _Writer:
    """Lists exceptions, each after those it refers to: so none can refer to itself."""

    def __init__(self, records: list[_Record]) -> None:
        self.records = records
        self._numbers: dict[int, int | None] = {}  # by id; None while it is being written

    def add(self, error: BaseException | None, depth: int) -> int | None:
        """Return the number of an exception's record; None for none, or where a chain is cut."""
        if error is None or depth > _MOST_LINKS:
            return None
        if id(error) not in self._numbers:
            self._numbers[id(error)] = None
            record = self._record(error, depth + 1)
            self._numbers[id(error)] = len(self.records)
            self.records.append(record)
        return self._numbers[id(error)]

    def _record(self, error: BaseException, depth: int) -> _Record:
        cause = self.add(_get(error, "__cause__"), depth)
        context = self.add(_get(error, "__context__"), depth)
        members = [self.add(member, depth) for member in _members(error)]
        known = [number for number in members if number is not None]
        return _Record(
            _blob(error) if len(known) == len(members) else None,
            _base(type(error)),
            _type_name(type(error)),
            _text(error),
            _notes(error),
            _frames(_get(error, "__traceback__")),
            cause,
            context,
            bool(_get(error, "__suppress_context__")),
            known,
        )


def _get(error: BaseException, name: str) -> Any:
    return _OF[name].__get__(error)


def _put(error: BaseException, name: str, value: Any) -> None:
    _OF[name].__set__(error, value)


def _members(error: BaseException) -> tuple[BaseException, ...]:
    if not issubclass(type(error), BaseExceptionGroup):  # isinstance would ask the instance
        return ()
    members: tuple[BaseException, ...] = BaseExceptionGroup.exceptions.__get__(error)
    return members


def _type_name(kind: type) -> str:
    # By way of `type`: a metaclass may do anything.
    module, name = (type.__dict__[what].__get__(kind) for what in ("__module__", "__qualname__"))
    return str(name) if module == "builtins" else f"{module}.{name}"


def _text(error: BaseException) -> str:
    return _text_of(error, str, repr)


def _text_of(value: Any, *ways: Callable[[Any], str]) -> str:
    for show in ways or (repr,):
        try:
            # By way of the base class: it may be a subclass of str, known here only.
            return str.__getitem__(show(value), slice(_MOST_CHARACTERS))
        except BaseException:  # noqa: S112  # its own code may do anything
            continue
    return "<its text cannot be shown>"


def _notes(error: BaseException) -> list[str]:
    notes = _get(error, "__dict__").get("__notes__", ())
    return [note for note in notes if type(note) is str] if isinstance(notes, list) else []


def _frames(trace: TracebackType | None) -> list[Frame]:
    """Return the frames of a traceback; of a very long one the first and the last."""
    frames: list[Frame] = []
    while trace is not None:
        code = trace.tb_frame.f_code
        module = trace.tb_frame.f_globals.get("__name__")
        name = module if type(module) is str else "?"
        frames.append((code.co_filename, trace.tb_lineno or 0, code.co_name, name))
        trace = trace.tb_next
    half = _MOST_FRAMES // 2
    return frames if len(frames) <= _MOST_FRAMES else frames[:half] + frames[-half:]


def _blob(error: BaseException) -> bytes | None:
    """Return the pickle from which an exception is made again; None if none is found to work."""
    for take_apart in (_by_itself, _without_init, _with_texts):
        try:
            blob = dumps(take_apart(error))
            if type(_made(blob, _members(error))) is type(error):
                return blob
        except BaseException:  # noqa: S112  # whatever its own code raises: the next way
            continue
    return None


def _by_itself(error: BaseException) -> BaseException:
    """Return the exception, if its class says how it is to be pickled; raise TypeError if not."""
    kind = type(error)
    if _members(error) or not (_has_own(kind, "__reduce__") or _has_own(kind, "__reduce_ex__")):
        raise TypeError("a group's members travel apart, and BaseException's way loses too much")
    return error


def _has_own(kind: type, name: str) -> bool:
    """Tell whether a class, or one that it inherits from, defines a method in Python."""
    return any(name in vars(base) for base in kind.__mro__ if not _is_built_in(base))


def _is_built_in(kind: type) -> bool:
    return not kind.__flags__ & 1 << 9  # Py_TPFLAGS_HEAPTYPE


#: class, args (of a group: its message), what is in slots, what is in its `__dict__`
Parts: TypeAlias = tuple[type[BaseException], tuple[Any, ...], dict[str, Any], dict[str, Any]]


def _without_init(error: BaseException) -> Parts:
    args = _get(error, "args")
    if issubclass(type(error), BaseExceptionGroup):
        args = (error.message,)  # type: ignore[attr-defined]  # isinstance asks the instance
    return type(error), args, dict(_slots(error)), _get(error, "__dict__")


def _with_texts(error: BaseException) -> Parts:
    """Return the parts of an exception, with the repr of each that cannot be pickled."""
    kind, args, slots, state = _without_init(error)
    texts = ({name: _plain(value) for name, value in part.items()} for part in (slots, state))
    return kind, tuple(map(_plain, args)), *texts  # type: ignore[return-value]


def _plain(value: Any) -> Any:
    try:
        loads(dumps(value))
    except BaseException:  # whatever its own code raises
        return _text_of(value)
    return value


def _base(kind: type[BaseException]) -> bytes:
    """Return the pickle of the nearest base class that goes by name."""
    for base in type.__dict__["__mro__"].__get__(kind):
        with suppress(BaseException):  # whatever its metaclass raises
            stream = pickle.dumps(base, 5)
            if not names_main(stream) and issubclass(base, Exception):
                return stream
    return pickle.dumps(Exception, 5)


def _slots(error: BaseException) -> Iterator[tuple[str, Any]]:
    """Yield what a built-in class, such as OSError, or `__slots__` keep outside of `__dict__`."""
    for base in type(error).__mro__:
        if base in (BaseException, BaseExceptionGroup, object):
            continue
        for name, slot in vars(base).items():
            if not isinstance(slot, (MemberDescriptorType, GetSetDescriptorType)):
                continue
            if name.startswith("__") or (base is AttributeError and name == "obj"):
                continue  # obj: anything at all, which pickle leaves out as well
            value = _slot_value(slot, error)
            if value is not None:  # an OSError with None for its filename would show it
                yield name, value


def _slot_value(slot: Any, error: BaseException) -> Any:
    try:
        return slot.__get__(error)
    except AttributeError:  # empty
        return None


def _made(blob: bytes, members: Sequence[BaseException]) -> BaseException:
    thing = loads(blob)
    if isinstance(thing, BaseException):
        return thing
    kind, args, slots, state = thing
    made = _new(kind, args, members)
    for name, value in slots.items():
        object.__setattr__(made, name, value)
    if _has_own(kind, "__setstate__"):
        made.__setstate__(state)
    else:
        _get(made, "__dict__").update(state)
    return made


def _new(
    kind: type[BaseException], args: tuple[Any, ...], members: Sequence[BaseException]
) -> BaseException:
    """Return an exception whose `__init__` was not called, nor a `__new__` in Python."""
    base: Any = next(base for base in kind.__mro__ if _is_built_in(base))
    made: BaseException
    if issubclass(kind, BaseExceptionGroup):
        made = base.__new__(kind, *args, list(members))
    else:
        made = base.__new__(kind)
        _put(made, "args", args)
    return made


def _rebuilt(record: _Record, built: list[BaseException]) -> BaseException:
    """Return an exception from its record, with what is not part of its own pickle."""
    trace = _traceback(record.frames)
    error = _own_part(record, [built[n] for n in record.members])
    try:
        if record.notes:
            _get(error, "__dict__").setdefault("__notes__", record.notes)
        _put(error, "__traceback__", trace)
        _put(error, "__cause__", None if record.cause is None else built[record.cause])
        _put(error, "__context__", None if record.context is None else built[record.context])
        _put(error, "__suppress_context__", record.is_context_suppressed)
        return error
    finally:
        del error, trace  # the one leads to this frame, and this frame must not lead to the other


def _own_part(record: _Record, members: list[BaseException]) -> BaseException:
    if record.blob is not None:
        # Its class may be known in the worker only, or read what is there only.
        try:
            return _made(record.blob, members)
        except KeyboardInterrupt:  # the user's, of this process
            raise
        except BaseException:  # noqa: S110  # what the class's own code raises
            pass
    with suppress(Exception):  # a class of a module that is not to be had here
        base: type[Exception] = loads(record.base)
        return _remote_error(base, record.type_name, record.text, _shown(record))
    return RemoteError(record.type_name, record.text, _shown(record))


def _remote_error(base: type[Exception], *told: str) -> RemoteError:
    """Return a `RemoteError` that is a `base` too, if the two can be one."""
    kind: Any = RemoteError
    if not issubclass(RemoteError, base):
        own = {
            "__module__": RemoteError.__module__,
            "__setstate__": BaseException.__setstate__,
            "__reduce__": lambda self: (_remote_error, (base, *told), vars(self)),
        }
        with suppress(TypeError):  # it has a layout of its own, or wants no subclass
            kind = type("RemoteError", (RemoteError, base), own)
    made: RemoteError = BaseException.__new__(kind)
    _put(made, "args", told)
    names = ("type_name", "text", "traceback_text")
    _get(made, "__dict__").update(zip(names, told, strict=True))
    return made


def _shown(record: _Record) -> str:
    """Return what Python would have printed."""
    lines = traceback.format_list([(*frame[:3], None) for frame in record.frames])
    head = "Traceback (most recent call last):\n" if lines else ""
    return f"{head}{''.join(lines)}{record.type_name}: {record.text}\n"


def _traceback(frames: list[Frame]) -> TracebackType | None:
    """Return a traceback that shows the frames; their locals stayed behind."""
    from tblib import Traceback  # late: only errors need it

    trace = None
    for file, line, name, module in reversed(frames):
        frame = SimpleNamespace(
            f_code=SimpleNamespace(co_filename=file, co_name=name),
            f_globals={"__name__": module, "__file__": file},
            f_locals={},
            f_lineno=line,
        )
        trace = SimpleNamespace(tb_frame=frame, tb_lineno=line, tb_next=trace)
    return None if trace is None else Traceback(trace).as_traceback()

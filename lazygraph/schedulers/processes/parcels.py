"""Turns values into parcels: a pickle stream, and big buffers apart, in shared memory.

The stream goes through a pipe, and the blocks stay where they are while their handles
travel. ::

    value --pack--> Parcel --pipe--> Parcel --unpack--> value
                      |                        ^
                      +--- Arena: big buffers -+
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pickle import PickleBuffer
from typing import Any, TypeAlias

from lazygraph.schedulers.processes.arena import BIG, Arena, Handle
from lazygraph.schedulers.processes.ledger import Block
from lazygraph.transport.pickling import dumps, loads

__all__ = ["Parcel", "adopt", "pack", "unpack"]

#: A buffer in shared memory: where it is, or an object that keeps it there.
Place: TypeAlias = Handle | Block

_FIXED = frozenset({type(None), bool, float, complex})
_SIZED = frozenset({str, bytes})
_LONG_INT_BITS = 8 * BIG


class Parcel:
    """A value under way.

    Parameters
    ----------
    stream : bytes, Handle or Block
        The value's pickle, or where it is.
    blocks : tuple of Handle or Block
        Its out-of-band buffers, in order.
    """

    __slots__ = ("blocks", "stream")

    def __init__(self, stream: bytes | Place, blocks: tuple[Place, ...] = ()) -> None:
        self.stream, self.blocks = stream, blocks

    def __reduce__(self) -> tuple[Any, ...]:
        # Numbers only: a block by itself would take its class's name along.
        where = [number for handle in self.handles() for number in handle]
        return _parcel, (self.stream if type(self.stream) is bytes else None, *where)

    def __repr__(self) -> str:
        return f"Parcel({self.nbytes} bytes, {len(self.blocks)} blocks)"

    @property
    def nbytes(self) -> int:
        """The size of the stream and of all buffers, in bytes."""
        size = len(self.stream) if type(self.stream) is bytes else 0
        return size + sum(handle.nbytes for handle in self.handles())

    def handles(self) -> list[Handle]:
        """Where its parts are in shared memory: the stream first, if it is there."""
        places = self.blocks if type(self.stream) is bytes else (self.stream, *self.blocks)
        return [_handle(place) for place in places]


def _handle(place: Any) -> Handle:
    return place.handle if type(place) is Block else place


def _parcel(stream: bytes | None, *where: int) -> Parcel:
    handles = tuple(map(Handle, where[::2], where[1::2]))
    return Parcel(handles[0], handles[1:]) if stream is None else Parcel(stream, handles)


def _is_atom(value: Any) -> bool:
    """Whether a value is so plain and small that it travels as it is."""
    kind = type(value)
    if kind is int:
        return bool(value.bit_length() < _LONG_INT_BITS)
    return kind in _FIXED or (kind in _SIZED and len(value) < BIG)


def pack(value: Any, arena: Arena | None) -> Any:
    """Return a value ready for a pipe: itself if it is a plain small one, else a `Parcel`.

    Parameters
    ----------
    value
        Anything.
    arena : Arena or None
        Where buffers from `BIG` bytes on are put. Without one, or when it is full, they
        travel in the stream.

    Raises
    ------
    Exception
        Whatever pickling raises.
    """
    if _is_atom(value):
        return value
    apart: list[memoryview] = []
    stream = dumps(value, lambda: None if arena is None else _collector(apart))
    if arena is None or not (apart or len(stream) >= BIG):
        return Parcel(stream)
    try:
        return _stored(stream, apart, arena)
    except OSError:  # it is full
        return Parcel(dumps(value) if apart else stream)


def _collector(apart: list[memoryview]) -> Callable[[PickleBuffer], bool]:
    apart.clear()  # of what an attempt before has put there
    return lambda buffer: _stays(buffer, apart)


def _stored(stream: bytes, apart: list[memoryview], arena: Arena) -> Parcel:
    written: list[Handle] = []
    try:
        for buffer in apart:
            written.append(arena.write(buffer))  # noqa: PERF401  # those before a failure count
        blocks = tuple(written)
        if len(stream) < BIG:
            return Parcel(stream, blocks)
        written.append(arena.write(stream))
        return Parcel(written[-1], blocks)
    except BaseException:
        arena.free(written)
        raise


def _stays(buffer: PickleBuffer, apart: list[memoryview]) -> bool:
    """Whether a buffer stays in the stream; if not, `apart` has it."""
    try:
        raw = buffer.raw()
    except BufferError:  # its bytes are not in one piece
        return True
    if raw.nbytes < BIG:
        return True
    apart.append(raw)
    return False


def unpack(thing: Any, view: Callable[[Any], memoryview]) -> Any:
    """Return the value of what `pack` gave.

    Parameters
    ----------
    thing
        A parcel, or a plain value.
    view : callable
        From each place in the parcel, a `Handle` or a `Block`, to the bytes there. Arrays
        are made on top of these bytes, and can be written to if they can.
    """
    if type(thing) is not Parcel:
        return thing
    stream = thing.stream if type(thing.stream) is bytes else view(thing.stream)
    return loads(stream, buffers=map(view, thing.blocks)) if thing.blocks else loads(stream)


def adopt(parcel: Parcel, blocks: Mapping[Handle, Block]) -> None:
    """Let a parcel keep its blocks in use."""
    if type(parcel.stream) is not bytes:
        parcel.stream = blocks[_handle(parcel.stream)]
    parcel.blocks = tuple(blocks[_handle(place)] for place in parcel.blocks)

"""Annotations of a class -> a frozen, slotted record: as a NamedTuple, but no tuple.

What stands for a failure or an event must not be unpacked as data, nor equal a record of
another kind. Not dataclasses: those take a third of the whole library's time to import.
"""

from __future__ import annotations

from typing import Any, dataclass_transform

__all__ = ["Record"]

_INIT = "def __init__(self, {parameters}):\n    {body}\n"


class _Recording(type):
    """Gives a class slots and an ``__init__`` for its annotations, in order."""

    _fields: tuple[str, ...]

    def __new__(mcls, name: str, bases: tuple[type, ...], space: dict[str, Any]) -> Any:
        fields = tuple(space.get("__annotations__", ()))
        defaults = {f"_{field}": space.pop(field) for field in fields if field in space}
        made = super().__new__(
            mcls, name, bases, {"__slots__": fields, "__match_args__": fields, **space}
        )
        made._fields = fields
        if fields:
            setters = {f"_set_{field}": getattr(made, field).__set__ for field in fields}
            own: dict[str, Any] = {}
            exec(_source(fields, defaults), {**setters, **defaults}, own)  # noqa: S102  # as namedtuple
            own["__init__"].__qualname__ = f"{name}.__init__"
            type.__setattr__(made, "__init__", own["__init__"])
        return made


def _source(fields: tuple[str, ...], defaults: dict[str, Any]) -> str:
    parameters = [f"{f}=_{f}" if f"_{f}" in defaults else f for f in fields]
    body = "; ".join(f"_set_{field}(self, {field})" for field in fields)
    return _INIT.format(parameters=", ".join(parameters), body=body)


@dataclass_transform(frozen_default=True)
class Record(metaclass=_Recording):
    """A frozen record; equal to records of its own class with equal fields, and to nothing else.

    Examples
    --------
    >>> class Point(Record):
    ...     x: int
    ...     y: int = 0
    >>> Point(1), Point(1) == Point(1, 0)
    (Point(x=1, y=0), True)
    """

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"a {type(self).__name__} is frozen: {name!r} cannot be set")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"a {type(self).__name__} is frozen: {name!r} cannot be deleted")

    def _values(self) -> tuple[Any, ...]:
        return tuple([getattr(self, field) for field in type(self)._fields])

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self._values() == other._values()

    def __hash__(self) -> int:
        return hash((type(self), self._values()))

    def __repr__(self) -> str:
        shown = zip(type(self)._fields, self._values(), strict=True)
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in shown)})"

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), self._values()

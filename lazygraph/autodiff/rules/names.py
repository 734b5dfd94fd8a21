"""What holds of methods and attributes by their names: rules of arrays are for arrays alone."""

from __future__ import annotations

from operator import getitem
from typing import Any

from lazygraph.autodiff.cotangents import Like, placed, zeros
from lazygraph.autodiff.primitive import primitive
from lazygraph.autodiff.table import define
from lazygraph.errors import NotDifferentiable


@primitive
def of_name(x: Any, form: Any, field: Any, name: str) -> Any:
    """Return the cotangent of what a name was looked up on: of an array, `x` from its rule.

    A dataclass has `field`, the cotangent of the field, in its place.

    Raises
    ------
    NotDifferentiable
        If it was something else, with a method or a property of its own.
    """
    if type(form) is Like:
        return zeros(form) if x is None else x
    if isinstance(form, dict) and name in form:
        return placed(field, ((getitem, name),), form)
    raise NotDifferentiable(
        f"{name!r} of an object that is no array",
        "the rule by this name is that of arrays: call it inside a delayed function",
    )


@primitive
def field_of(x: Any, form: Any, name: str) -> Any:
    """Return a field's part of a dataclass's cotangent; zeros where there is none."""
    found = x.get(name) if isinstance(x, dict) else None
    return zeros(form) if found is None else found


define(
    [of_name],
    "x form field name",
    takes_lists=True,
    x=lambda ct: ct,
    field=lambda ct, like_field, name: field_of(ct, like_field, name),
)

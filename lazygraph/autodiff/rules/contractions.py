"""Rules of sums of products over common indices: einsum, tensordot, inner, outer."""

from __future__ import annotations

import string
from typing import Any

import numpy as np

from lazygraph.autodiff.cotangents import Like, unbroadcast
from lazygraph.autodiff.table import Rule, define

_MOST_OPERANDS = 12


def _letters(subscripts: Any, operands: list[Any]) -> tuple[list[str], str]:
    """Return the indices of each operand and of the result, with ``...`` and ``->`` written out."""
    terms, _, result = subscripts.replace(" ", "").partition("->")
    unused = [c for c in string.ascii_letters if c not in subscripts]
    wide, inputs = "", []
    for term, operand in zip(terms.split(","), operands, strict=True):
        if "." in term:
            n = np.ndim(operand) - len(term.replace("...", ""))
            term = term.replace("...", "".join(unused[len(unused) - n :] if n else []))  # noqa: PLW2901
            wide = max(wide, "".join(unused[len(unused) - n :] if n else []), key=len)
        inputs.append(term)
    if "->" not in subscripts:
        all_of = "".join(inputs)
        once = sorted(c for c in set(all_of) - set(wide) if all_of.count(c) == 1)
        return inputs, wide + "".join(once)
    return inputs, result.replace("...", wide)


def contracted(ct: Any, n: int, form: Like, inputs: list[str], result: str, operands: Any) -> Any:
    """Return the n-th operand's cotangent: the result's, contracted with all other operands.

    An index that stands twice in the operand has its diagonal filled; one that nothing else has
    was summed over, and is stretched.
    """
    term = inputs[n]
    distinct = "".join(dict.fromkeys(term))
    others = [x for k, x in enumerate(operands) if k != n]
    terms = [result, *(each for k, each in enumerate(inputs) if k != n)]
    known = "".join(c for c in distinct if any(c in each for each in terms))
    made = np.einsum(f"{','.join(terms)}->{known}", ct, *others)
    sizes = dict(zip(term, form.shape, strict=True))
    shape = [sizes[c] for c in distinct]
    made = np.reshape(made, [np.shape(made)[known.index(c)] if c in known else 1 for c in distinct])
    made = np.broadcast_to(made, np.broadcast_shapes(np.shape(made), shape))
    made = unbroadcast(made, Like(tuple(shape), form.dtype))
    for place, c in enumerate(term):
        if c in term[:place]:
            made = _with_diagonal(made, term[:place].index(c), place)
    return made


def _with_diagonal(x: Any, axis: int, place: int) -> Any:
    """Return an array with a new axis, its numbers on the diagonal of that and another."""
    size = np.shape(x)[axis]
    shape = [1] * (np.ndim(x) + 1)
    shape[axis] = shape[place] = size
    return np.expand_dims(x, place) * np.reshape(np.eye(size), shape)


def _read(given: list[Any]) -> tuple[str, list[Any], list[int]]:
    """Return the subscripts as text, the operands, and their places among the arguments."""
    if isinstance(given[0], str):
        return given[0], given[1:], list(range(1, len(given)))
    places = list(range(0, len(given) - 1, 2))
    texts = [
        "".join("..." if i is Ellipsis else string.ascii_letters[i] for i in s) for s in given[1::2]
    ]
    result = (
        ""
        if len(given) % 2 == 0
        else "->" + "".join("..." if i is Ellipsis else string.ascii_letters[i] for i in given[-1])
    )
    return ",".join(texts) + result, [given[n] for n in places], places


def _einsum(place: int, ct: Any, form: Like, given: dict[str, Any]) -> Any:
    subscripts, operands, places = _read(list(given.values()))
    inputs, result = _letters(subscripts, operands)
    return contracted(ct, places.index(place), form, inputs, result, operands)


def _einsum_rule(place: int) -> Rule:
    names = tuple(f"a{n}" for n in range(_MOST_OPERANDS))

    def rule(ct: Any, form: Any, **given: Any) -> Any:
        given.pop("optimize", None)
        return _einsum(place, ct, form, given)

    return Rule(rule, ("ct", f"like_a{place}"), names)


_RULES: dict[str, Any] = {f"a{n}": _einsum_rule(n) for n in range(_MOST_OPERANDS)}
define([np.einsum], f"{' '.join(_RULES)} optimize", takes_lists=True, **_RULES)


def _tensordot(ct: Any, n: int, form: Like, a: Any, b: Any, axes: Any = 2) -> Any:
    rank_a, rank_b = np.ndim(a), np.ndim(b)
    if isinstance(axes, int):
        axes = (list(range(rank_a - axes, rank_a)), list(range(axes)))
    by_a, by_b = [[each] if isinstance(each, (int, np.integer)) else list(each) for each in axes]
    a_letters = list(string.ascii_lowercase[:rank_a])
    b_letters = list(string.ascii_uppercase[:rank_b])
    for i, j in zip(by_a, by_b, strict=True):
        b_letters[j] = a_letters[i]
    both = {a_letters[i] for i in by_a}
    result = "".join(c for c in [*a_letters, *b_letters] if c not in both)
    inputs = ["".join(a_letters), "".join(b_letters)]
    return contracted(ct, n, form, inputs, result, (a, b))


define(
    [np.tensordot],
    "a b axes",
    a=lambda ct, like_a, a, b, axes=2: _tensordot(ct, 0, like_a, a, b, axes),
    b=lambda ct, like_b, a, b, axes=2: _tensordot(ct, 1, like_b, a, b, axes),
)


def _inner(ct: Any, n: int, form: Like, a: Any, b: Any) -> Any:
    if not np.ndim(a) or not np.ndim(b):
        return unbroadcast(ct * (a, b)[1 - n], form)
    return _tensordot(ct, n, form, a, b, (-1, -1))


define(
    [np.inner],
    "a b",
    a=lambda ct, like_a, a, b: _inner(ct, 0, like_a, a, b),
    b=lambda ct, like_b, a, b: _inner(ct, 1, like_b, a, b),
)


def _flat_outer(ct: Any, other: Any, form: Like, axis: int) -> Any:
    along = np.ravel(other)
    made = np.sum(ct * (along if axis == 0 else along[:, None]), axis=1 - axis)
    return unbroadcast(np.reshape(made, form.shape), form)


define(
    [np.outer],
    "a b",
    a=lambda ct, like_a, b: _flat_outer(ct, b, like_a, 0),
    b=lambda ct, like_b, a: _flat_outer(ct, a, like_b, 1),
)

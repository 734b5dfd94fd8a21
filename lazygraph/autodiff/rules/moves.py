"""Rules of what only moves numbers: to other places, several times, or away; one for all of it."""

from __future__ import annotations

from typing import Any

import numpy as np

from lazygraph.autodiff.cotangents import Like, filled, unbroadcast
from lazygraph.autodiff.primitive import primitive
from lazygraph.autodiff.rules.items import nothing, untaken_along
from lazygraph.autodiff.table import Rule, constant, define


@primitive
def moved_back(ct: Any, form: Like, move: Any, options: dict[str, Any]) -> Any:
    """Return the cotangent of an array whose numbers `move` has put elsewhere.

    `move` is told the places themselves, counted from one: where it gives 0, it has put something
    of its own.
    """
    n = int(np.prod(form.shape, dtype=int))
    places = move(np.arange(1, n + 1).reshape(form.shape), **options)
    if isinstance(places, (list, tuple)):
        places = np.concatenate([np.ravel(each) for each in places])
        ct = np.concatenate([np.ravel(each) for each in ct])
    made = nothing(Like((n + 1,), form.dtype), ct)
    np.add.at(made, np.ravel(places), np.ravel(ct))
    return unbroadcast(made[1:].reshape(form.shape), form)


@primitive
def moved(ct: Any, move: Any, options: dict[str, Any]) -> Any:
    """Move numbers as `move` does, which puts nothing where it would put something of its own."""
    return move(ct, **options)


define([moved_back], "x form move options", x=lambda ct, move, options: moved(ct, move, options))
define(
    [moved],
    "x move options",
    x=lambda ct, like_x, move, options, like_out: moved_back(
        filled(ct, like_out), like_x, move, options
    ),
)


def _moves(move: Any, params: str, **also: str) -> None:
    first, *others = params.split()

    def rule(ct: Any, form: Any, like_out: Any, **options: Any) -> Any:
        return moved_back(filled(ct, like_out), form, move, options)

    read: dict[str, Any] = {first: Rule(rule, ("ct", f"like_{first}", "like_out"), tuple(others))}
    define([move], params, also=also, **read)


_moves(np.tile, "A reps")
_moves(np.repeat, "a repeats axis")
_moves(np.rot90, "m k axes")
_moves(np.delete, "arr obj axis")
_moves(np.diagonal, "a offset axis1 axis2")
_moves(np.diag, "v k")
_moves(np.diagflat, "v k")
_moves(np.resize, "a new_shape")
_moves(np.rollaxis, "a axis start")
_moves(np.fliplr, "m")
_moves(np.flipud, "m")
_moves(np.atleast_3d, "arys")
_moves(np.split, "ary indices_or_sections axis")
_moves(np.array_split, "ary indices_or_sections axis")
_moves(np.hsplit, "ary indices_or_sections")
_moves(np.vsplit, "ary indices_or_sections")
_moves(np.dsplit, "ary indices_or_sections")
_moves(np.fft.fftshift, "x axes")
_moves(np.fft.ifftshift, "x axes")


@primitive
def padding(array: Any, pad_width: Any, mode: Any = "constant") -> Any:
    """Pad as ``np.pad``, with nothing or with what is there already."""
    return np.pad(array, pad_width, mode)


def _pad(ct: Any, like_array: Any, pad_width: Any, mode: Any = "constant") -> Any:
    if mode not in ("constant", "edge", "reflect", "symmetric", "wrap", "empty"):
        raise NotImplementedError(f"np.pad with mode={mode!r}")
    return moved_back(ct, like_array, padding, {"pad_width": pad_width, "mode": mode})


define([np.pad], "array pad_width mode constant_values", array=_pad)


@primitive
def origins(out: Any, a: Any, axis: Any) -> Any:
    """Return where each number comes from, of an array that has been sorted or partitioned."""
    rising, ranks = np.argsort(a, axis, kind="stable"), np.argsort(out, axis, kind="stable")
    made = np.empty_like(rising)
    if axis is None:
        made[ranks] = rising
        return made.reshape(np.shape(out))
    np.put_along_axis(made, ranks, rising, axis)
    return made


constant(origins)
define(
    [np.sort],
    "a axis kind order stable",
    a=lambda ct, out, like_a, a, axis=-1: untaken_along(ct, like_a, origins(out, a, axis), axis),
)
define(
    [np.partition],
    "a kth axis",
    a=lambda ct, out, like_a, a, axis=-1: untaken_along(ct, like_a, origins(out, a, axis), axis),
)

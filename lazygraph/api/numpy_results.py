"""A call of one of numpy's functions -> how many results it gives, without importing numpy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["nout_of"]

#: How many results functions of numpy's give, where that is always so.
_NOUT = {"eig": 2, "eigh": 2, "slogdet": 2, "qr": 2, "svd": 3, "lstsq": 4}


def nout_of(name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> int | None:
    """Return how many results a call of a function of numpy's gives; None for one, or unknown."""
    if name in ("meshgrid", "broadcast_arrays"):
        return len(args)
    mode = kwargs.get("mode", args[1] if len(args) > 1 else "reduced")
    has_vectors = kwargs.get("compute_uv", args[2] if len(args) > 2 else True)
    if (name == "qr" and mode not in ("reduced", "complete")) or (
        name == "svd" and not has_vectors
    ):
        return None
    return _NOUT.get(name)

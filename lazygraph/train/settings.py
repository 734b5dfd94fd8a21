"""What a training run is made with -> texts by name, and in what two runs differ."""

from __future__ import annotations

import re
from collections.abc import Mapping
from numbers import Number
from typing import Any

import numpy as np

from lazygraph.tasks.tokens import Tokens
from lazygraph.tasks.tree_paths import leaves_with_path, path_text
from lazygraph.tasks.treedef import tree_flatten
from lazygraph.train.batches import Minibatches

__all__ = ["differences", "settings_of"]

_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")


def settings_of(params: Any, update: Any, batches: Any, min_delta: float) -> dict[str, str]:
    """Return what a resumed run must share with the first part of it. O(bytes of the batches)."""
    found = {
        f"params{path_text(path)}": f"{np.asarray(leaf).dtype} {np.shape(leaf)}"
        for leaf, path in leaves_with_path(params)
    }
    found |= {"update": _shown(update), "min_delta": repr(float(min_delta))}
    return {**found, "batches": _shape(batches), "content of the batches": _content(batches)}


def differences(was: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Return a line for each setting in which two runs differ."""
    names = dict.fromkeys([*was, *now])
    pairs = [(name, was.get(name, "not there"), now.get(name, "not there")) for name in names]
    return [f"{name}: was {old}, is {new}" for name, old, new in pairs if old != new]


def _shown(value: Any) -> str:
    """Return a repr without addresses: of functions the name, of dataclasses all that they hold."""
    return _ADDRESS.sub("", repr(value))


def _shape(batches: Any) -> str:
    is_listed = isinstance(batches, (list, tuple))
    return f"{type(batches).__name__} of {len(batches)}" if is_listed else _shown(batches)


def _content(batches: Any) -> str:
    """Return a digest of the data, where all of it is at hand and made of arrays and numbers."""
    arrays = batches.arrays if isinstance(batches, Minibatches) else batches
    if not isinstance(arrays, (list, tuple)):
        return "not known"
    leaves, _ = tree_flatten(arrays)
    if not all(isinstance(leaf, (np.ndarray, np.generic, Number)) for leaf in leaves):
        return "not known"
    return Tokens().token(leaves).hex()[:16]

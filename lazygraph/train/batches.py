"""Arrays -> the same rows in small batches, in an order that follows from a seed."""

from __future__ import annotations

from collections.abc import Iterator
from numbers import Integral
from typing import Any

import numpy as np

from lazygraph.errors import OptionError

__all__ = ["Minibatches"]


class Minibatches:
    """Deals out rows of arrays, epoch by epoch.

    Parameters
    ----------
    *arrays : array
        Of one length; each batch has rows of all of them.
    size : int
        Rows of a batch; the last of an epoch may have fewer.
    seed : int, optional
        Shuffle, in each epoch anew: the order follows from the seed and the epoch's number
        alone, so that a resumed run sees what it would have seen. Without it, rows come in order.

    Examples
    --------
    >>> batches = Minibatches(np.arange(5), np.arange(5) * 10, size=2)
    >>> [x.tolist() for x, y in batches(0)]
    [[0, 1], [2, 3], [4]]
    """

    def __init__(self, *arrays: Any, size: int, seed: int | None = None) -> None:
        self.arrays = tuple([np.asarray(array) for array in arrays])
        shapes = [array.shape for array in self.arrays]
        if () in shapes or len({shape[0] for shape in shapes}) != 1:
            raise OptionError(f"batches are rows of arrays of one length, not of shapes {shapes}")
        if not _is_whole(size, 1):
            raise OptionError(f"a batch has 1 or more rows, not {size!r}")
        if seed is not None and not _is_whole(seed, 0):
            raise OptionError(f"a seed is a whole number, 0 or more, not {seed!r}")
        self._n, self._size, self._seed = len(self.arrays[0]), size, seed

    def __repr__(self) -> str:
        return f"Minibatches({self._n} rows, size={self._size}, seed={self._seed})"

    def __len__(self) -> int:
        return (self._n + self._size - 1) // self._size

    def __call__(self, epoch: int) -> Iterator[tuple[Any, ...]]:
        """Yield the batches of an epoch, the first of which is 0."""
        order = np.arange(self._n)
        if self._seed is not None:
            order = np.random.default_rng([self._seed, epoch]).permutation(self._n)
        for start in range(0, self._n, self._size):
            rows = order[start : start + self._size]
            yield tuple(array[rows] for array in self.arrays)


def _is_whole(value: Any, least: int) -> bool:
    """Tell whether a value is a whole number, of Python or numpy, and at least `least`."""
    return isinstance(value, Integral) and int(value) >= least

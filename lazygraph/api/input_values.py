"""Names -> lazy values whose values are given when a graph runs: `inputs`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from lazygraph.api.lazy import caller
from lazygraph.errors import CaptureError
from lazygraph.graphs.inputs import NO_DEFAULT, Input, make_input, read_dtype, read_shape

__all__ = ["inputs"]


def inputs(
    names: str | Iterable[str],
    *,
    default: Any = NO_DEFAULT,
    shape: int | tuple[int | None, ...] | None = None,
    dtype: Any = None,
) -> Any:
    """Make lazy values whose values are given when a graph runs.

    Parameters
    ----------
    names : str or iterable of str
        One or more names, with spaces or commas between.
    default : object, optional
        The value of each, where none is given.
    shape : int or tuple of int, optional
        Of each value, None for a length that is not known. ``x.shape``, ``x.ndim``, ``x.size``,
        ``len(x)`` and iteration are then known while the graph is written, rather than tasks. A
        value of another shape is an InputError, before anything runs.
    dtype : numpy.dtype or its name, optional
        Likewise; ``x.dtype`` is known.

    Returns
    -------
    Delayed or tuple of Delayed
        One for a text with one name, else a tuple. An input is known by its name, which is its
        key: two of one name in one graph are one input.

    Raises
    ------
    CaptureError
        If `names` is empty, has duplicates, or holds a non-string; if `shape` or `dtype` is none.
    InputError
        If `default` is lazy, or not of the shape or dtype declared.

    Examples
    --------
    >>> x, y, z = inputs("x y z")
    >>> f = (x + y) * z
    >>> f.compute(inputs={x: 1, y: 2, "z": 3})
    9
    >>> image = inputs("image", shape=(None, 3), dtype="float64")
    >>> image.ndim, image.shape[1], image.dtype
    (2, 3, dtype('float64'))
    """
    is_text = isinstance(names, str)
    read = names.replace(",", " ").split() if isinstance(names, str) else list(names)
    if not read or len(set(read)) < len(read) or not all(isinstance(n, str) and n for n in read):
        raise CaptureError(f"inputs takes different names, as in inputs('x y z'), not {names!r}")
    frame = caller(1)
    known, site = (read_shape(shape), read_dtype(dtype)), (frame.f_code, frame.f_lasti)
    made = tuple([make_input(Input(name, *known), default, site) for name in read])
    return made[0] if is_text and len(made) == 1 else made

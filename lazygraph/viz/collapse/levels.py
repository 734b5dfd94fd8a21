"""Tasks to their levels, and levels to bands of like height."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

__all__ = ["band_text", "bands_of", "levels_of"]

_N_BANDS = 28


def levels_of(dependencies: Sequence[Sequence[int]]) -> list[int]:
    """Per task, the length of the longest way to it. O(tasks + dependencies).

    Examples
    --------
    >>> levels_of([[], [0], [0, 1]])
    [0, 1, 2]
    """
    made: list[int] = []
    for needed in dependencies:
        made.append(max([made[dep] for dep in needed]) + 1 if needed else 0)
    return made


def bands_of(n_levels: int, n_bands: int = _N_BANDS) -> list[range]:
    """All levels in bands of like height, at most `n_bands`.

    Examples
    --------
    >>> bands_of(5, 2)
    [range(0, 2), range(2, 5)]
    """
    n_bands = min(n_levels, n_bands)
    cuts = [n_levels * n // n_bands for n in range(n_bands + 1)] if n_bands else []
    return [range(low, high) for low, high in pairwise(cuts)]


def band_text(band: range) -> str:
    """Return the levels of a band.

    Examples
    --------
    >>> band_text(range(1000, 2000)), band_text(range(3, 4))
    ('levels 1,000-1,999', 'level 3')
    """
    if len(band) == 1:
        return f"level {band.start:,}"
    return f"levels {band.start:,}-{band.stop - 1:,}"

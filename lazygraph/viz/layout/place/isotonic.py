"""Wishes to positions that keep their order and distances: isotonic regression."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["spread"]


def spread(
    wanted: Sequence[float], weights: Sequence[float], steps: Sequence[float]
) -> list[float]:
    """Positions nearest to `wanted` (weighted squares) that keep order and distances.

    Positions less `steps` must not decrease: solved by pooling adjacent violators. Source: Ayer,
    Brunk, Ewing, Reid & Silverman (1955). O(items).

    Examples
    --------
    >>> spread([5.0, 5.0, 40.0], [1.0, 1.0, 1.0], [0.0, 10.0, 20.0])
    [0.0, 10.0, 40.0]
    """
    means: list[float] = []
    totals: list[float] = []
    counts: list[int] = []
    for value, weight, step in zip(wanted, weights, steps, strict=True):
        mean, total, n = value - step, weight, 1
        while means and means[-1] >= mean:
            its_total = totals.pop()
            mean = (means.pop() * its_total + mean * total) / (its_total + total)
            total += its_total
            n += counts.pop()
        means.append(mean)
        totals.append(total)
        counts.append(n)
    bases = [mean for mean, n in zip(means, counts, strict=True) for _ in range(n)]
    return [base + step for base, step in zip(bases, steps, strict=True)]

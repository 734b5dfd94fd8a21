"""Who needs whom: dependence patterns, as tuples of points of the step before.

Our own implementation of the patterns that Slaughter et al. describe in "Task Bench: A
Parameterized Benchmark for Evaluating Parallel Runtime Performance", SC20 (arXiv 1908.05790).
"""

from __future__ import annotations

import random
from collections.abc import Callable

__all__ = ["PATTERNS", "Level", "levels_of"]

#: For each point of a step, the points of the step before that it needs.
Level = list[tuple[int, ...]]

_RADIUS = 2
_CHANCE = 0.5
_SPREAD = 3


def _trivial(_step: int, width: int) -> Level:
    return [()] * width


def _stencil_1d(_step: int, width: int) -> Level:
    return [tuple(range(max(0, i - 1), min(width, i + 2))) for i in range(width)]


def _fft(step: int, width: int) -> Level:
    stages = max(1, (width - 1).bit_length())
    far = 1 << (step - 1) % stages
    return [tuple(j for j in (i - far, i, i + far) if 0 <= j < width) for i in range(width)]


def _tree(step: int, width: int) -> Level:
    """Doubles until it is `width` wide, then stays."""
    before, now = (min(1 << s, width) for s in (step - 1, step))
    return [(i // 2,) if before < now else (i,) for i in range(now)]


def _random_nearest(step: int, width: int) -> Level:
    """Each neighbour within a radius with a chance of one half: the same ones in every run."""
    chance = random.Random(step).random
    near = [range(max(0, i - _RADIUS), min(width, i + _RADIUS + 1)) for i in range(width)]
    return [tuple(j for j in points if chance() < _CHANCE) for points in near]


def _spread(step: int, width: int) -> Level:
    """Points far from each other, other ones in each step."""
    jumps = [k * width // _SPREAD + (step if k else 0) for k in range(_SPREAD)]
    return [tuple(sorted({(i + jump) % width for jump in jumps})) for i in range(width)]


def _all_to_all(_step: int, width: int) -> Level:
    return [tuple(range(width))] * width


#: name -> the row of a step > 0 of a given width
PATTERNS: dict[str, Callable[[int, int], Level]] = {
    "trivial": _trivial,
    "stencil_1d": _stencil_1d,
    "fft": _fft,
    "task_bench_tree": _tree,
    "random_nearest": _random_nearest,
    "spread": _spread,
    "all_to_all": _all_to_all,
}


def levels_of(pattern: str, width: int, steps: int) -> list[Level]:
    """The whole pattern, step by step; the points of step 0 need nothing.

    Parameters
    ----------
    pattern : str
        A name in `PATTERNS`.
    width : int
        How many points a step has at most.
    steps : int
        How many steps.

    Returns
    -------
    list[Level]
        `steps` rows.

    Examples
    --------
    >>> levels_of("stencil_1d", 3, 2)
    [[(), (), ()], [(0, 1), (0, 1, 2), (1, 2)]]
    """
    first_width = 1 if pattern == "task_bench_tree" else width
    later = [PATTERNS[pattern](step, width) for step in range(1, steps)]
    return [[()] * first_width, *later]

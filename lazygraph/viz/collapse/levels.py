"""Tasks to their levels, and to the level profile: how many of which function run when.

The picture for a graph of which no grouping says anything: bars, inputs at the bottom.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from lazygraph.viz.model import Box, Layout, Legend, Point, Scene
from lazygraph.viz.paint.colours import hues_by_name
from lazygraph.viz.paint.text import LABEL_PX, text_width_px

__all__ = ["Profile", "band_text", "bands_of", "level_profile", "levels_of", "profile_picture"]

_N_BANDS = 28
_MOST_FUNCTIONS = 11
_OTHERS = "other functions"
_BAR_PX, _GAP_PX, _PADDING_PX = 18.0, 4.0, 8.0
_WIDTH_PX = 480.0  # of the longest bar
_LEAST_BAR_PX = 0.5


@dataclass(frozen=True, slots=True)
class Profile:
    """How many tasks of each function are in each band of levels.

    Attributes
    ----------
    bands : list of range
        The levels of each band, from the inputs up; together all levels.
    functions : list of str
        The most frequent first; what is beyond eleven stands as "other functions".
    counts : list of list of int
        By band, then by function.
    """

    bands: list[range]
    functions: list[str]
    counts: list[list[int]]


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
    """The levels of a band.

    Examples
    --------
    >>> band_text(range(1000, 2000)), band_text(range(3, 4))
    ('levels 1,000-1,999', 'level 3')
    """
    if len(band) == 1:
        return f"level {band.start:,}"
    return f"levels {band.start:,}-{band.stop - 1:,}"


def level_profile(
    names: Sequence[str], dependencies: Sequence[Sequence[int]], n_bands: int = _N_BANDS
) -> Profile:
    """The tasks of each function by bands of levels; see `collapse` for the parameters.

    Notes
    -----
    O(tasks + dependencies).

    Examples
    --------
    >>> level_profile(["load", "load", "sum"], [[], [], [0, 1]]).counts
    [[2, 0], [0, 1]]
    """
    levels = levels_of(dependencies)
    bands = bands_of(max(levels, default=-1) + 1, n_bands)
    band_of = [n for n, band in enumerate(bands) for _ in band]
    functions = _ranked(Counter(names))
    column = {name: n for n, name in enumerate(functions)}
    counts = [[0] * len(functions) for _ in bands]
    for (level, name), n in Counter(zip(levels, names, strict=True)).items():
        counts[band_of[level]][column.get(name, -1)] += n
    return Profile(bands, functions, counts)


def _ranked(counts: Counter[str]) -> list[str]:
    """The most frequent first, equals by name; the rest under one name, which comes last."""
    ranked = sorted(counts, key=lambda name: (-counts[name], name))
    rest = [_OTHERS] if len(ranked) > _MOST_FUNCTIONS else []
    return ranked[:_MOST_FUNCTIONS] + rest


def profile_picture(profile: Profile) -> tuple[Scene, Layout]:
    """The profile as bars, inputs at the bottom: what `collapse` calls a profile is best so.

    A scene without edges and the layout that goes with it, to be drawn like any other: on the
    left a grey box per band, to its right a box per function, as wide as it has tasks. Hues and
    legend are set; title, caption and `n_tasks` are left to the caller.

    Examples
    --------
    >>> scene, layout = profile_picture(level_profile(["load", "load", "sum"], [[], [], [0, 1]]))
    >>> [box.tooltip for box in scene.boxes]
    ['level 0: 2 tasks', 'load: 2 tasks', 'level 1: 1 task', 'sum: 1 task']
    """
    heads = [_head(profile, n) for n in range(len(profile.bands))]
    left = max([head.width_px for head in heads], default=0.0)
    most = max([sum(counts) for counts in profile.counts], default=0)
    boxes: list[Box] = []
    centres: list[Point] = []
    for n, head in enumerate(heads):
        y = (len(heads) - n - 0.5) * (_BAR_PX + _GAP_PX)
        x = left + _GAP_PX
        boxes.append(replace(head, width_px=left))
        centres.append((left / 2, y))
        for bar in _bars(profile, n, _WIDTH_PX / most):
            boxes.append(bar)
            centres.append((x + bar.width_px / 2, y))
            x += bar.width_px
    named = [name for name in profile.functions if name != _OTHERS]
    scene = Scene(tuple(boxes), (), legend=Legend(tuple(named)), hues=hues_by_name(named))
    height = len(heads) * (_BAR_PX + _GAP_PX)
    return scene, Layout(left + _GAP_PX + _WIDTH_PX, height, tuple(centres), ())


def _head(profile: Profile, band: int) -> Box:
    text, count = band_text(profile.bands[band]), sum(profile.counts[band])
    label = f"{text}: {count:,}"
    return Box(
        label,
        tooltip=f"{text}: {_tasks(count)}",
        name=text,
        shape="data",
        count=count,
        width_px=round(text_width_px(label, LABEL_PX)) + 2 * _PADDING_PX,
        height_px=_BAR_PX,
    )


def _bars(profile: Profile, band: int, px_per_task: float) -> list[Box]:
    return [
        Box(
            "",
            tooltip=f"{name}: {_tasks(count)}",
            name=name,
            function="" if name == _OTHERS else name,
            shape="data" if name == _OTHERS else "call",
            count=count,
            width_px=count * px_per_task,
            height_px=_BAR_PX,
        )
        for name, count in zip(profile.functions, profile.counts[band], strict=True)
        if count * px_per_task >= _LEAST_BAR_PX
    ]


def _tasks(n: int) -> str:
    return f"{n:,} task{'' if n == 1 else 's'}"

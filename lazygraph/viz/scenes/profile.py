"""Tasks to the level profile: how many of which function run when, as bars.

The picture for a graph of which no grouping says anything; inputs stand at the bottom.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from lazygraph.tasks.reprs import counted
from lazygraph.viz.collapse.levels import band_text, bands_of, levels_of
from lazygraph.viz.model import Box, Hue, Layout, Point, Scene
from lazygraph.viz.paint.colours import hues_by_name
from lazygraph.viz.paint.themes import N_HUES
from lazygraph.viz.text import LABEL_PX, text_width_px

__all__ = ["Profile", "level_profile", "profile_picture"]

_MOST_FUNCTIONS = N_HUES  # no two of one colour
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
        The most frequent first; what is beyond eight stands as "other functions".
    counts : list of list of int
        By band, then by function.
    """

    bands: list[range]
    functions: list[str]
    counts: list[list[int]]


def level_profile(
    names: Sequence[str], dependencies: Sequence[Sequence[int]], n_bands: int = 28
) -> Profile:
    """Return the tasks of each function by bands of levels; see `collapse` for the parameters.

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
    """Return the most frequent first, equals by name; the rest under one name, which comes last."""
    ranked = sorted(counts, key=lambda name: (-counts[name], name))
    rest = [_OTHERS] if len(ranked) > _MOST_FUNCTIONS else []
    return ranked[:_MOST_FUNCTIONS] + rest


def profile_picture(profile: Profile) -> tuple[Scene, Layout]:
    """Return the profile as bars, inputs at the bottom: what `collapse` calls a profile is best so.

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
    scene = Scene(tuple(boxes), (), legend=tuple(map(Hue, named)), hues=hues_by_name(named))
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
        count=0,
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
    return counted(n, "task")

"""Names to hues, the same in every picture where they do not collide; numbers to colours."""

from __future__ import annotations

from collections.abc import Iterable
from zlib import crc32

from lazygraph.viz.model import Box, Colours
from lazygraph.viz.paint.themes import N_HUES, Theme

__all__ = ["colours_of", "contrast", "hues_by_name", "scale_colours"]

# Source: van der Walt & Smith (2015), matplotlib's viridis, every 32nd of 256.
_VIRIDIS = (
    (68, 1, 84),
    (71, 44, 122),
    (59, 81, 139),
    (44, 113, 142),
    (33, 144, 141),
    (39, 173, 129),
    (92, 200, 99),
    (170, 220, 50),
    (253, 231, 37),
)
_INKS = ("#111111", "#fefefe")


def hues_by_name(names: Iterable[str]) -> dict[str, int]:
    """Return a hue for each name: by a hash of it, or the next one if another name has that.

    As many names as there are hues get different ones. Beyond, some share: the label, not
    the colour, says which function it is.
    """
    made: dict[str, int] = {}
    used: set[int] = set()
    for name in sorted(set(names)):
        first = crc32(name.encode("utf-8", "replace"))
        tries = [(first + n) % N_HUES for n in range(N_HUES)]
        made[name] = next((hue for hue in tries if hue not in used), tries[0])
        used.add(made[name])
    return made


def colours_of(box: Box, hue: int | None, theme: Theme) -> Colours:
    """Of a box with that hue, or with none: by its marks, its value, its hue, or as data."""
    if box.marks & {"skipped", "pending"}:
        return theme.faint
    if box.value is not None:
        return scale_colours(box.value)._replace(stroke=theme.data.stroke)
    return theme.data if hue is None else theme.of_hue(hue)


def scale_colours(share: float) -> Colours:
    """For a number from 0 to 1; the text is what has the better contrast, 4.4:1 at least."""
    place = min(max(share, 0.0), 1.0) * (len(_VIRIDIS) - 1)
    n = min(int(place), len(_VIRIDIS) - 2)
    pairs = zip(_VIRIDIS[n], _VIRIDIS[n + 1], strict=True)
    parts = [round(low + (high - low) * (place - n)) for low, high in pairs]
    fill = "#" + "".join([f"{part:02x}" for part in parts])
    return Colours(fill, fill, max(_INKS, key=lambda ink: contrast(ink, fill)))


def contrast(one: str, other: str) -> float:
    """Return the ratio of two colours' luminances, from 1 to 21, as WCAG 2 defines it.

    Examples
    --------
    >>> round(contrast("#000000", "#ffffff"), 6)
    21.0
    """
    low, high = sorted([_luminance(one), _luminance(other)])
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    red, green, blue = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue

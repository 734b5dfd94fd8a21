"""Functions' names to colours, the same in every picture where they do not collide."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple
from zlib import crc32

__all__ = ["DATA", "DETAIL_TEXT", "EDGE", "TEXT", "Colours", "colours_by_name"]

TEXT = "#1f2933"
DETAIL_TEXT = "#52606d"
EDGE = "#7b8794"


class Colours(NamedTuple):
    """Of one box: light inside, so that dark text is read easily."""

    fill: str
    stroke: str


#: What holds data rather than calls a function.
DATA = Colours("#f1f3f5", "#868e96")
# Hues that the colour-blind tell apart, from Okabe & Ito (2008), "Color universal design", and
# one from Tol (2021), "Colour schemes": lightened for the fill, and darkened where the outline
# would have less than 3:1 contrast on white.
_PALETTE = (
    Colours("#fdeecf", "#b37a00"),
    Colours("#e0f1fc", "#2b8cc4"),
    Colours("#d2efe5", "#007a59"),
    Colours("#fcf9c4", "#8f8700"),
    Colours("#c8dcf0", "#005b8f"),
    Colours("#fad6bf", "#b04e00"),
    Colours("#f8e1ee", "#a85585"),
    Colours("#dad5f2", "#332288"),
)


def colours_by_name(names: Iterable[str]) -> dict[str, Colours]:
    """Colours for each name: by a hash of it, or the next ones if another name has those.

    Up to eight names get different colours. Beyond, some share: the label, not the colour,
    says which function it is.
    """
    made: dict[str, Colours] = {}
    used: set[int] = set()
    for name in sorted(set(names)):
        first = crc32(name.encode("utf-8", "replace"))
        tries = [(first + n) % len(_PALETTE) for n in range(len(_PALETTE))]
        slot = next((slot for slot in tries if slot not in used), tries[0])
        used.add(slot)
        made[name] = _PALETTE[slot]
    return made

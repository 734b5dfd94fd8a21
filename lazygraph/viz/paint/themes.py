"""Light and dark: every colour that a picture can have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Literal

from lazygraph.viz.model import Colours

__all__ = ["DARK", "LIGHT", "N_HUES", "ROLES", "THEMES", "Role", "Theme"]

#: Of tasks of the way back: those that carry derivatives, and those beside them.
Role = Literal["back", "aside"]

# Hues from Okabe & Ito (2008), "Color universal design". Fills and outlines were then moved in
# lightness and a little in hue, by search, so that the two least different of the eight (and the
# grey of data) differ most to normal eyes and to the three kinds of colour-blind ones; see
# `test_the_colour_blind_tell_functions_apart`.
_LIGHT_HUES = (
    Colours("#fae6d8", "#e0711c", "#3f2512"),
    Colours("#d3e9fc", "#1c85e3", "#122a3f"),
    Colours("#d3fcfb", "#245655", "#123f3e"),
    Colours("#fcf9d3", "#71690e", "#3f3c12"),
    Colours("#d3e2fc", "#123068", "#12223f"),
    Colours("#f7ded9", "#652316", "#3f1912"),
    Colours("#fad5e9", "#a54a7a", "#3f122a"),
    Colours("#ebdbfa", "#6a17bb", "#29123f"),
)
_DARK_HUES = (
    Colours("#5b442a", "#b0824f", "#f4e9dd"),
    Colours("#1e4a67", "#2d90d2", "#ddeaf4"),
    Colours("#192e24", "#82f0b9", "#ddf4e9"),
    Colours("#52471b", "#edd46f", "#f4efdd"),
    Colours("#1e4d67", "#a4d8f4", "#ddebf4"),
    Colours("#311c12", "#e16f34", "#f4e4dd"),
    Colours("#641d36", "#f08aae", "#f4dde5"),
    Colours("#1d133a", "#ab97ea", "#e2ddf4"),
)
N_HUES = len(_LIGHT_HUES)
#: By role, what stands in the place of a hue.
ROLES: Mapping[Role, int] = {"back": N_HUES, "aside": N_HUES + 1}


@dataclass(frozen=True, slots=True)
class Theme:
    """Colours by what they are for, as ``#rrggbb``.

    Two that are the same in one theme are the same in the other, so that a picture can be
    turned from light to dark colour by colour.
    """

    background: str
    text: str  # of titles and legends
    muted: str  # of captions and second lines
    edge: str
    back: str  # of derivatives, that flow back
    data: Colours
    faint: Colours  # of what did not run
    hues: tuple[Colours, ...]
    marks: Mapping[str, str]  # by `Mark`

    def of_hue(self, hue: int) -> Colours:
        """Of a function's hue, or of a role: then only an outline, on no fill."""
        if hue < N_HUES:
            return self.hues[hue]
        is_back = hue == ROLES["back"]
        text = self.back if is_back else self.muted
        return Colours(self.background, self.back if is_back else self.edge, text)

    def colours(self) -> Iterator[str]:
        """All of them, in the same order in each theme."""
        yield from (self.background, self.text, self.muted, self.edge, self.back)
        yield from chain(self.data, self.faint, *self.hues)
        yield from self.marks.values()


LIGHT = Theme(
    background="#ffffff",
    text="#1f2933",
    muted="#56626f",
    edge="#8a96a3",
    back="#a3104f",
    data=Colours("#f3f5f7", "#7f8a96", "#202a34"),
    faint=Colours("#fbfcfd", "#808b97", "#5f6b78"),
    hues=_LIGHT_HUES,
    marks={
        "failed": "#c8281d",
        "skipped": "#697683",
        "pending": "#6a7784",
        "running": "#1a5fd0",
        "cached": "#4b5a9b",
        "slow": "#b54708",
        "focus": "#1f2a33",
    },
)
DARK = Theme(
    background="#15191e",
    text="#e6eaee",
    muted="#a5b1bd",
    edge="#74818f",
    back="#ffb3d1",
    data=Colours("#222930", "#6b7784", "#e5e9ed"),
    faint=Colours("#191e23", "#6a7683", "#9ba7b3"),
    hues=_DARK_HUES,
    marks={
        "failed": "#ff6b5e",
        "skipped": "#8f9ba8",
        "pending": "#8e9aa7",
        "running": "#6ea8fe",
        "cached": "#a3aff2",
        "slow": "#ffb02e",
        "focus": "#e6ebee",
    },
)
THEMES = {"auto": LIGHT, "light": LIGHT, "dark": DARK}

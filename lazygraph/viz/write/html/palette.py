"""Boxes to rows of one table of colours, light and dark side by side."""

from __future__ import annotations

from collections.abc import Mapping

from lazygraph.viz.model import Box, Mark
from lazygraph.viz.paint.colours import colours_of
from lazygraph.viz.paint.themes import DARK, LIGHT

__all__ = ["Palette"]

_STEPS = 32  # a scale has no more shades than the eye tells apart
_QUIET: frozenset[Mark] = frozenset({"skipped", "pending"})


class Palette:
    """A table that grows as boxes ask for their colours: first come, first row.

    Parameters
    ----------
    hues : mapping of str to int
        By `Box.hue_name`, as in `Scene.hues`.
    """

    def __init__(self, hues: Mapping[str, int]) -> None:
        self._hues = hues
        self._rows: dict[tuple[str, ...], int] = {}
        self._known: dict[tuple[bool, float | None, str], int] = {}

    def of_box(self, box: Box) -> int:
        """Return the row with the colours of `box`."""
        value = None if box.value is None else round(box.value * (_STEPS - 1)) / (_STEPS - 1)
        asked = bool(box.marks & _QUIET), value, box.hue_name
        if asked not in self._known:
            marks = box.marks & _QUIET
            self._known[asked] = self._row(Box("", marks=marks, value=value), asked[2])
        return self._known[asked]

    def of_name(self, name: str) -> int:
        """Return the row of a function or a worker."""
        return self._row(Box(""), name)

    def scale(self) -> list[int]:
        """Rows of a scale from low to high."""
        return [self.of_box(Box("", value=step / (_STEPS - 1))) for step in range(_STEPS)]

    def rows(self) -> list[list[str]]:
        """Fill, outline and text in light, then in dark."""
        return [list(row) for row in self._rows]

    def _row(self, box: Box, name: str) -> int:
        hue = self._hues.get(name)
        row = (*colours_of(box, hue, LIGHT), *colours_of(box, hue, DARK))
        return self._rows.setdefault(row, len(self._rows))

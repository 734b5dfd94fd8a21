"""Graph to picture."""

from __future__ import annotations
from typing import Any


class Drawing:
    svg = ""

    def save(self, path: Any) -> None: ...


def draw(graph: Any, outputs: Any) -> Drawing:
    return Drawing()

"""How to look at a page in a browser."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from browser import Page, find_chromium

__all__ = [
    "HEIGHT",
    "WIDTH",
    "Show",
    "find",
    "needs_chromium",
    "pixels",
    "text_of",
    "where",
    "world",
]

WIDTH, HEIGHT = 1200, 800
Show = Callable[..., Page]
needs_chromium = pytest.mark.skipif(
    find_chromium() is None, reason="Chromium is not installed: the page is not tried in a browser"
)


def where(page: Page, item: int) -> tuple[float, float]:
    at = page.evaluate(f"lazygraph.locate({item})")
    return at["x"], at["y"]


def world(page: Page, x: float, y: float) -> tuple[float, float]:
    """What point of the picture is at that point of the screen."""
    camera = page.state()["camera"]
    return (x - camera["x"]) / camera["s"], (y - camera["y"]) / camera["s"]


def text_of(page: Page, selector: str) -> str:
    return page.evaluate(f"document.querySelector({json.dumps(selector)}).textContent")


def pixels(page: Page, points: list[tuple[float, float]]) -> list[str]:
    """Colours of the canvas, as ``#rrggbb``."""
    return page.evaluate(
        "(() => { const c = document.getElementById('canvas');"
        "const copy = new OffscreenCanvas(c.width, c.height);"
        "const g = copy.getContext('2d', { willReadFrequently: true });"
        "lazygraph.redraw(); g.drawImage(c, 0, 0); const all = g.getImageData(0, 0, c.width, c.height).data;"
        f"return {json.dumps(points)}.map(([x, y]) => {{"
        "const at = 4 * (Math.round(y) * c.width + Math.round(x));"
        "return '#' + [...all.slice(at, at + 3)].map((n) => n.toString(16).padStart(2, '0')).join('');"
        "}); })()"
    )


def find(page: Page, text: str) -> None:
    page.press("/")
    page.type(text)

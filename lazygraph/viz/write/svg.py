"""A picture to SVG text: presentation attributes only, so any viewer shows it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from html import escape
from typing import Any
from zlib import crc32

from lazygraph.viz.paint.items import Curves, Group, Item, Paint, Path, Picture, Rect, Step, Words
from lazygraph.viz.paint.themes import DARK, LIGHT
from lazygraph.viz.text import LABEL_PX

__all__ = ["FONTS", "following_svg_text", "svg_text"]

#: Of one width: Liberation Sans and Arial have the widths of Helvetica.
FONTS = "Helvetica, Arial, Liberation Sans, sans-serif"
_STROKE_PX = Paint().width_px
#: How notebooks and documentation say that they are dark.
_IS_DARK = (
    ":is([data-jp-theme-light=false],.vscode-dark,html[theme=dark],"
    "[data-theme=dark],[data-bs-theme=dark])"
)


def svg_text(picture: Picture) -> str:
    """Return the picture as a whole file; the same text for the same input. O(items)."""
    return f"{_start(picture)}>\n{_inside(picture)}</svg>\n"


def following_svg_text(picture: Picture) -> str:
    """Return a light picture that turns dark where the page around it is, as text inside HTML.

    Each light colour is exchanged for its dark counterpart, wherever it is used.
    """
    inside = _inside(picture)
    name = f"lg-{crc32(inside.encode('utf-8', 'replace')):08x}"
    rules = "".join(
        f'{_IS_DARK} #{name} [{what}="{light}"]{{{what}:{dark}}}'
        for what in ("fill", "stroke")
        for light, dark in dict(zip(LIGHT.colours(), DARK.colours(), strict=True)).items()
        if f'{what}="{light}"' in inside
    )
    return f'{_start(picture)} id="{name}">\n<style>{rules}</style>\n{inside}</svg>\n'


def _start(picture: Picture) -> str:
    width, height = _number(picture.width_px), _number(picture.height_px)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" role="img" text-anchor="middle" '
        f'font-family="{FONTS}" font-size="{LABEL_PX}" stroke-width="{_number(_STROKE_PX)}"'
    )


def _inside(picture: Picture) -> str:
    width, height = picture.width_px, picture.height_px
    background = Rect(0, 0, width, height, 0, 0, Paint(picture.theme.background))
    lines = [
        f"<title>{_escaped(picture.title)}</title>",
        f"<desc>{_escaped(picture.description)}</desc>",
        *map(_item, (background, *picture.items)),
    ]
    return "\n".join(lines) + "\n"


def _item(item: Item) -> str:
    return _WRITERS[type(item)](item)


def _rect(rect: Rect) -> str:
    corners = f' rx="{_number(rect.rx)}"' if rect.rx else ""
    if rect.ry != rect.rx:
        corners += f' ry="{_number(rect.ry)}"'
    place = f'<rect x="{_number(rect.left)}" y="{_number(rect.top)}" '
    size = f'width="{_number(rect.width)}" height="{_number(rect.height)}"'
    return f"{place}{size}{corners}{_paint(rect.paint)}/>"


def _path(path: Path) -> str:
    return f'<path d="{_steps(path.steps)}"{_paint(path.paint)}/>' if path.steps else ""


def _curves(curves: Curves) -> str:
    paths = [f'<path d="{_steps(steps)}"/>' for steps in curves.paths]
    return "\n".join([f"<g{_paint(curves.paint)}>", *paths, "</g>"])


def _words(words: Words) -> str:
    place = f'x="{_number(words.x)}" y="{_number(words.y)}"'
    size = "" if words.size_px == LABEL_PX else f' font-size="{_number(words.size_px)}"'
    anchor = "" if words.anchor == "middle" else f' text-anchor="{words.anchor}"'
    bold = ' font-weight="bold"' if words.is_bold else ""
    text = _escaped(words.text)
    return f'<text {place}{size}{anchor}{bold} fill="{words.colour}">{text}</text>'


def _group(group: Group) -> str:
    inside = "".join(map(_item, group.items))
    if not group.tooltip:
        return inside
    return f"<g><title>{_escaped(group.tooltip)}</title>{inside}</g>"


_WRITERS: dict[type[Any], Callable[[Any], str]] = {
    Rect: _rect,
    Path: _path,
    Curves: _curves,
    Words: _words,
    Group: _group,
}


def _paint(paint: Paint) -> str:
    text = f' fill="{paint.fill or "none"}"'
    if paint.stroke:
        text += f' stroke="{paint.stroke}"'
        if paint.width_px != _STROKE_PX:
            text += f' stroke-width="{_number(paint.width_px)}"'
        if paint.dash:
            text += f' stroke-dasharray="{" ".join(map(_number, paint.dash))}"'
    return text


def _steps(steps: Iterable[Step]) -> str:
    """In whole tenths of a px, each point relative to the one before: half as long."""
    parts: list[str] = []
    x = y = 0
    for letter, points in steps:
        tenths = [(round(10 * px), round(10 * py)) for px, py in points]
        if letter == "M":
            x, y = tenths[0]
            parts.append(f"M{_decimal(x)} {_decimal(y)}")
            continue
        numbers = [_decimal(n) for px, py in tenths for n in (px - x, py - y)]
        parts.append(letter.lower() + " ".join(numbers).replace(" -", "-"))
        x, y = tenths[-1] if tenths else (x, y)
    return "".join(parts)


def _decimal(tenths: int) -> str:
    whole, tenth = divmod(abs(tenths), 10)
    text = f"{whole or ''}.{tenth}" if tenth else str(whole)
    return f"-{text}" if tenths < 0 else text


def _number(value: float) -> str:
    return f"{round(value, 1) + 0.0:.1f}".removesuffix(".0")


def _escaped(text: str) -> str:
    return escape(text, quote=False)  # the user's text stands between tags, never in an attribute

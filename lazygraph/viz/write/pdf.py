"""A picture to a PDF file of one page: vectors and text that can be found and copied.

Source: ISO 32000-1 (2008), "PDF 1.7". Helvetica is one of the fonts that every viewer has, so
none is put into the file; what it has no signs for (other scripts) is shown as question marks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any
from zlib import compress

from lazygraph.viz.model import Point
from lazygraph.viz.paint.items import Curves, Group, Item, Paint, Path, Picture, Rect, Step, Words
from lazygraph.viz.text import text_width_px

__all__ = ["pdf_bytes"]

_POINTS_PER_PX = 0.75
_MOST_POINTS = 14_400.0  # what viewers open
_ROUND = 0.5523  # the control points of a quarter of a circle
_OPERATORS = {"M": "m", "L": "l", "C": "c", "Z": "h"}


#: What a base font has not, and what comes close.
_ALIKE = str.maketrans({"\u2202": "d", "\u2212": "-"})


def pdf_bytes(picture: Picture) -> bytes:
    """Return the picture as a whole file; the same bytes for the same input. O(items)."""
    longest = max(picture.width_px, picture.height_px)
    scale = min(_POINTS_PER_PX, _MOST_POINTS / longest)
    width, height = picture.width_px * scale, picture.height_px * scale
    return _file(
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        (
            f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 {_number(width)} {_number(height)}]"
            "/Contents 4 0 R/Resources<</Font<</F1 5 0 R/F2 6 0 R>>>>>>"
        ).encode(),
        _stream("\n".join(_operations(picture, scale))),
        _font("Helvetica"),
        _font("Helvetica-Bold"),
        b"<</Title<" + ("\ufeff" + picture.title).encode("utf-16-be").hex().encode() + b">>>",
    )


def _file(*objects: bytes) -> bytes:
    """Objects, numbered from 1, the first of which is the catalogue and the last the title."""
    made = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
    places = []
    for number, body in enumerate(objects, start=1):
        places.append(len(made))
        made += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    start, n = len(made), len(objects) + 1
    made += b"xref\n0 %d\n0000000000 65535 f \n" % n
    made += b"".join([b"%010d 00000 n \n" % place for place in places])
    made += b"trailer\n<</Size %d/Root 1 0 R/Info %d 0 R>>\n" % (n, n - 1)
    return bytes(made + b"startxref\n%d\n%%%%EOF\n" % start)


def _stream(text: str) -> bytes:
    data = compress(text.encode("ascii"), 9)
    return b"<</Length %d/Filter/FlateDecode>>stream\n%b\nendstream" % (len(data), data)


def _font(name: str) -> bytes:
    font = f"<</Type/Font/Subtype/Type1/BaseFont/{name}/Encoding/WinAnsiEncoding>>"
    return font.encode()


def _operations(picture: Picture, scale: float) -> Iterator[str]:
    up = picture.height_px * scale  # y goes upward here
    yield f"{_number(scale)} 0 0 {_number(-scale)} 0 {_number(up)} cm"
    width, height = picture.width_px, picture.height_px
    yield from _rect(Rect(0, 0, width, height, 0, 0, Paint(picture.theme.background)))
    for item in picture.items:
        yield from _item(item)


def _item(item: Item) -> Iterator[str]:
    return _WRITERS[type(item)](item)


def _rect(rect: Rect) -> Iterator[str]:
    yield from _painted(_outline(rect), rect.paint)


def _path(path: Path) -> Iterator[str]:
    yield from _painted(path.steps, path.paint)


def _curves(curves: Curves) -> Iterator[str]:
    for steps in curves.paths:
        yield from _painted(steps, curves.paint)


def _group(group: Group) -> Iterator[str]:
    for item in group.items:
        yield from _item(item)


def _words(words: Words) -> Iterator[str]:
    text = words.text.translate(_ALIKE).encode("cp1252", "replace")
    shown = text_width_px(text.decode("cp1252"), words.size_px) * (1.07 if words.is_bold else 1)
    x = words.x - shown * {"start": 0.0, "middle": 0.5, "end": 1.0}[words.anchor]
    font = f"/F{2 if words.is_bold else 1} {_number(words.size_px)} Tf"
    place = f"1 0 0 -1 {_number(x)} {_number(words.y)} Tm"
    yield f"BT {font} {_rgb(words.colour)} rg {place} <{text.hex()}> Tj ET"


_WRITERS: dict[type[Any], Callable[[Any], Iterator[str]]] = {
    Rect: _rect,
    Path: _path,
    Curves: _curves,
    Words: _words,
    Group: _group,
}


def _painted(steps: Iterable[Step], paint: Paint) -> Iterator[str]:
    if paint.fill:
        yield f"{_rgb(paint.fill)} rg"
    if paint.stroke:
        dash = " ".join(map(_number, paint.dash))
        yield f"{_rgb(paint.stroke)} RG {_number(paint.width_px)} w [{dash}] 0 d"
    for letter, points in steps:
        numbers = [_number(part) for point in points for part in point]
        yield " ".join([*numbers, _OPERATORS[letter]])
    yield "B" if paint.fill and paint.stroke else "f" if paint.fill else "S"


def _outline(rect: Rect) -> tuple[Step, ...]:
    """Return a rectangle as lines and quarters of ellipses."""
    left, top, rx, ry = rect.left, rect.top, rect.rx, rect.ry
    right, bottom = left + rect.width, top + rect.height
    if not rx:
        corners = [(left, top), (right, top), (right, bottom), (left, bottom)]
        return (("M", (corners[0],)), *[("L", (corner,)) for corner in corners[1:]], ("Z", ()))
    return (
        ("M", ((left + rx, top),)),
        *_quarter((right - rx, top), (right, top), (right, top + ry)),
        *_quarter((right, bottom - ry), (right, bottom), (right - rx, bottom)),
        *_quarter((left + rx, bottom), (left, bottom), (left, bottom - ry)),
        *_quarter((left, top + ry), (left, top), (left + rx, top)),
        ("Z", ()),
    )


def _quarter(start: Point, corner: Point, end: Point) -> tuple[Step, ...]:
    """Return a line to where a corner begins, and the way round it."""
    near = [(x + _ROUND * (corner[0] - x), y + _ROUND * (corner[1] - y)) for x, y in (start, end)]
    return ("L", (start,)), ("C", (near[0], near[1], end))


def _rgb(colour: str) -> str:
    return " ".join([f"{int(colour[n : n + 2], 16) / 255:.3g}" for n in (1, 3, 5)])


def _number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if abs(value) > 0.004 else "0"

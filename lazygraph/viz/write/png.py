"""SVG text to PNG bytes, by the package resvg-py; with a font even where the system has none."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from lazygraph.errors import DrawingError

__all__ = ["png_bytes"]

_ZOOM = 2.0
_MOST_PX, _MOST_PIXELS = 30_000.0, 2e8
_HINT = 'pip install "lazygraph[png]"'
_INSTEAD = ".svg and .pdf need nothing installed"
_FAMILY = "Aileron"  # that Pillow brings
_PROBE = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="20"><text x="2" y="16" '
    'font-family="{}" font-size="16" fill="#000000">{}</text></svg>'
)


def png_bytes(svg: str, width_px: float, height_px: float, fonts: str) -> bytes:
    """Return the picture at twice its size, for screens with fine dots; a huge one at less.

    Parameters
    ----------
    fonts : str
        What `svg` asks for, as in CSS.

    Raises
    ------
    DrawingError
        If the package is not installed, or there is no font to be found.
    """
    try:
        import resvg_py  # noqa: F401  # whether it is there
    except ImportError:
        raise DrawingError(
            f"a PNG picture needs the package resvg-py: {_HINT}; {_INSTEAD}"
        ) from None
    fit = _MOST_PX / max(width_px, height_px), (_MOST_PIXELS / (width_px * height_px)) ** 0.5
    zoom = min(_ZOOM, *fit)
    try:
        if _draw(_PROBE.format(fonts, "W"), 1.0) != _draw(_PROBE.format(fonts, ""), 1.0):
            return _draw(svg, zoom)
        return _draw_with_own_font(svg, zoom)
    except ValueError as error:
        raise DrawingError(f"resvg-py cannot draw the picture: {error}") from error


def _draw(svg: str, zoom: float, font: str | None = None) -> bytes:
    """As PNG; text for which there is no font is left out, without a word."""
    import resvg_py

    fonts = [] if font is None else [font]
    family = None if font is None else _FAMILY
    return bytes(
        resvg_py.svg_to_bytes(
            svg_string=svg,
            zoom=zoom,
            font_files=fonts,
            font_family=family,
            sans_serif_family=family,
        )
    )


def _draw_with_own_font(svg: str, zoom: float) -> bytes:
    with TemporaryDirectory(prefix="lazygraph-") as folder:
        path = Path(folder, "font.ttf")
        path.write_bytes(_font())
        return _draw(svg, zoom, str(path))


def _font() -> bytes:
    try:
        from PIL import ImageFont

        font: Any = ImageFont.load_default(size=10)
        return bytes(font.font_bytes)
    except (ImportError, AttributeError, OSError, TypeError):
        raise DrawingError(
            "a PNG picture needs a font, and the system has none: install one (Debian's package "
            f"fonts-liberation), or Pillow, which brings one: {_HINT}; {_INSTEAD}"
        ) from None

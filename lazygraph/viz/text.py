"""Any text to text that a picture can hold, and how wide it will be."""

from __future__ import annotations

import re
from unicodedata import combining, east_asian_width

__all__ = ["DETAIL_PX", "LABEL_PX", "TIMES", "one_line", "printable", "text_width_px", "truncated"]

LABEL_PX, DETAIL_PX = 12, 10
TIMES = "\N{MULTIPLICATION SIGN}"
_MOST_CHARACTERS = 28
#: Advance widths of Helvetica in 1/1000 em; Arial and Liberation Sans have the same.
#: Source: Adobe's font metrics of the PDF base fonts.
_WIDTHS = {
    191: "'",
    222: "ijl",
    260: "|",
    278: " !,./:;I[\\]ft",
    333: "()-`r",
    334: "{}",
    355: '"',
    389: "*",
    469: "^",
    500: "Jcksvxyz",
    556: "#$0123456789?L_abdeghnopqu",
    584: "+<=>~" + TIMES,
    611: "FTZ",
    667: "&ABEKPSVXY",
    722: "CDHNRUw",
    778: "GOQ",
    833: "Mm",
    889: "%",
    944: "W",
    1000: "…",
    1015: "@",
}
_WIDTH_OF = {character: width for width, group in _WIDTHS.items() for character in group}
_OTHER, _WIDE = 600, 1000

# What XML 1.0 permits, less the control characters beyond ASCII and those that turn the
# direction of what follows.
_NOT_SHOWN = re.compile(
    "[^\t\n\r\x20-\x7e\xa0-\u2029\u202f-\u2065\u206a-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
)


def one_line(text: str) -> str:
    r"""`text` with each run of white space as one space, and a mark for what no file can hold.

    Examples
    --------
    >>> one_line("load\n  all\0")
    'load all�'
    """
    return printable(" ".join(text.split()))


def printable(text: str) -> str:
    r"""Return `text` with a mark for each character that no file can hold; lines stay.

    Examples
    --------
    >>> printable("half a pair \ud83d") == "half a pair \ufffd"
    True
    """
    return _NOT_SHOWN.sub("\ufffd", text) if _NOT_SHOWN.search(text) else text


def truncated(text: str, less: int = 0) -> str:
    """`text` cut to what a box shows, less some; the whole stands in its tooltip."""
    most = _MOST_CHARACTERS - less
    return text if len(text) <= most else text[: most - 1] + "…"


def text_width_px(text: str, size_px: float) -> float:
    """How wide `text` is in Helvetica or Arial; an estimate beyond ASCII.

    Examples
    --------
    >>> text_width_px("Wil", 10)
    13.88
    """
    return sum(map(_width, text)) * size_px / 1000


def _width(character: str) -> int:
    if character in _WIDTH_OF:
        return _WIDTH_OF[character]
    if combining(character):
        return 0
    return _WIDE if east_asian_width(character) in "WF" else _OTHER

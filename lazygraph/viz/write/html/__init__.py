"""Scenes and their layouts to one HTML page that needs nothing else: no network, no library.

`page` puts the text together, `payload` says what it holds, by way of `items` (boxes), `routes`
(edges), `palette` (colours) and `rules` (shapes). The viewer, which runs in the browser, stands
in ``page.html``, ``viewer.css`` and the scripts, whose first lines say what each turns into what.
"""

from __future__ import annotations

from lazygraph.viz.write.html.page import html_page

__all__ = ["html_page"]

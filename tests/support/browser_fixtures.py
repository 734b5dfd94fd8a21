"""Scenes opened in a browser: a plugin of the tests that need one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import Browser, Page, open_browser
from browsing import HEIGHT, WIDTH, Show
from pages import fan, plain_layout

from lazygraph.viz.model import Layout, Scene
from lazygraph.viz.write.html import html_page


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with open_browser() as made:
        yield made


@pytest.fixture
def show(browser: Browser, tmp_path: Path) -> Iterator[Show]:
    """Opens scenes; afterwards, none may have complained or asked for anything."""
    pages: list[Page] = []

    def opened(
        scene: Scene,
        layout: Layout | None = None,
        *,
        scheme: str = "light",
        motion: str = "reduce",
        **more: Any,
    ) -> Page:
        path = tmp_path / f"{len(pages)}.html"
        text = html_page(scene, layout or plain_layout(scene), **more)
        path.write_text(text, encoding="utf-8")
        page = Page(browser, (WIDTH, HEIGHT))
        pages.append(page)
        page.prefer(scheme, motion)
        page.load(path)
        return page

    yield opened
    assert [page.complaints for page in pages] == [[]] * len(pages)
    assert [page.requests for page in pages] == [[]] * len(pages)
    for page in pages:
        page.close()


@pytest.fixture
def show_fan(show: Show) -> Callable[[int], Page]:
    def opened(n: int) -> Page:
        scene, groups, folded = fan(n)
        return show(scene, groups=groups, group_scene=folded, group_layout=plain_layout(folded))

    return opened

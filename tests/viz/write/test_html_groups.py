"""The page in a real Chromium: groups, keys, readers who do not see it, paper, large graphs."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from browser import Browser, Page
from browsing import HEIGHT, WIDTH, Show, find, needs_chromium, pixels, text_of, where
from pages import (
    box,
    diamond,
    plain_layout,
    random_scene,
    scene_of,
    stencil,
)
from pictures import NASTY

from lazygraph.viz.model import Box, Hue, Scene
from lazygraph.viz.paint.themes import DARK, LIGHT
from lazygraph.viz.text import printable
from lazygraph.viz.write.html import html_page

pytestmark = needs_chromium


# ----------------------------------------------------------------- groups
def test_a_page_with_groups_opens_on_them(show: Show, show_fan: Callable[[int], Page]) -> None:
    assert show_fan(100).state()["view"] == "groups"
    assert show(diamond()).state()["view"] == "tasks"


def test_a_group_expands_in_its_place_and_collapses(show_fan: Callable[[int], Page]) -> None:
    page = show_fan(100)
    cleaners = 201 + 1
    assert (page.state()["boxes"], page.state()["edges"]) == (3, 2)

    page.click(*where(page, cleaners))
    page.press("e")

    state = page.state()
    assert state["open"] == [1]
    assert state["boxes"] == 3 + 100
    assert state["edges"] == 100 + 100  # from the loads' box to each, and from each to the join
    below, frame, above = (where(page, 201 + n)[1] for n in range(3))
    cells = [where(page, n)[1] for n in range(100, 200)]
    assert above < min(cells) <= max(cells) < below
    assert above < frame < below
    page.press("e")
    assert (page.state()["boxes"], page.state()["edges"], page.state()["open"]) == (3, 2, [])


def test_between_two_open_groups_edges_join_members(show_fan: Callable[[int], Page]) -> None:
    page = show_fan(100)

    for group in (0, 1):
        page.press("0")
        page.click(*where(page, 201 + group))
        page.press("e")

    state = page.state()
    assert sorted(state["open"]) == [0, 1]
    assert (state["boxes"], state["edges"]) == (3 + 200, 200)


def test_boxes_do_not_overlap_when_groups_are_open(show_fan: Callable[[int], Page]) -> None:
    page = show_fan(100)
    for group in (0, 1):
        page.press("0")
        page.click(*where(page, 201 + group))
        page.press("e")

    tops = {}
    for group in range(3):
        at = page.evaluate(f"lazygraph.locate({201 + group})")
        tops[group] = (at["y"] - at["h"] / 2, at["y"] + at["h"] / 2)

    assert tops[2][1] <= tops[1][0]
    assert tops[1][1] <= tops[0][0]
    inside = page.evaluate("lazygraph.locate(0)")
    frame = page.evaluate("lazygraph.locate(201)")
    assert abs(inside["x"] - frame["x"]) + inside["w"] / 2 <= frame["w"] / 2


def test_expand_all_shows_all_tasks(show_fan: Callable[[int], Page]) -> None:
    page = show_fan(100)

    page.press_button("all")

    state = page.state()
    assert (state["view"], state["boxes"], state["edges"]) == ("tasks", 201, 200)
    assert text_of(page, "#all") == "Collapse all"
    page.press("a")
    assert page.state()["boxes"] == 3


def test_a_search_opens_the_group_that_hides_the_task(show_fan: Callable[[int], Page]) -> None:
    page = show_fan(100)

    find(page, "clean-150-")
    page.press("Enter")

    state = page.state()
    assert (state["selected"], state["open"]) == (150, [1])
    x, y = where(page, 150)
    assert 0 < x < WIDTH
    assert 0 < y < HEIGHT


def test_a_group_s_cone_is_that_of_its_members(show_fan: Callable[[int], Page]) -> None:
    page = show_fan(100)

    page.click(*where(page, 202))

    state = page.state()
    assert set(state["needed"]) == set(range(200))
    assert set(state["needing"]) == set(range(100, 201))


@pytest.mark.slow
def test_of_a_huge_group_the_first_two_thousand_are_shown(show_fan: Callable[[int], Page]) -> None:
    page = show_fan(2_500)
    loads = 5_001

    page.click(*where(page, loads))
    page.press("e")

    state = page.state()
    assert state["boxes"] == 3 + 2_000
    assert page.evaluate("lazygraph.locate(1999)") is not None
    assert page.evaluate("lazygraph.locate(2000)") is None
    find(page, "load-2400-")
    page.press("Enter")  # one that is not shown: all tasks are
    state = page.state()
    assert (state["selected"], state["view"]) == (2_400, "tasks")


# ----------------------------------------------------------------- keys and readers
def test_arrows_walk_along_edges_and_to_neighbours(show: Show) -> None:
    page = show(diamond())
    page.click(*where(page, 1))
    canvas = "document.activeElement.id"
    assert page.evaluate(canvas) == "canvas"

    walked = []
    for key in ("ArrowRight", "ArrowUp", "ArrowDown", "ArrowLeft", "ArrowDown", "ArrowDown"):
        page.press(key)
        walked.append(page.state()["selected"])

    assert walked[0] == 2  # beside it
    assert walked[1] == 3  # what needs it
    assert walked[2] in {1, 2}  # what it needs
    assert walked[3] == 1
    assert walked[4:] == [0, 0]  # nothing below


def test_the_first_arrow_selects_what_is_in_the_middle(show: Show) -> None:
    page = show(scene_of(["load"] * 3, []))
    page.evaluate("document.getElementById('canvas').focus()")

    page.press("ArrowLeft")

    assert page.state()["selected"] == 1


def test_a_selected_task_is_read_out(show: Show) -> None:
    boxes = (box(0, "load"), box(1, "join", ["failed"]))
    page = show(Scene(boxes, (), hues={"load": 1, "join": 2}))

    page.click(*where(page, 1))

    assert text_of(page, "#status") == "join, failed, 0 dependencies, 0 dependents"
    role, label = page.evaluate(
        "['role', 'aria-label'].map((name) => document.getElementById('canvas').getAttribute(name))"
    )
    assert role == "application"
    assert label == "Task graph, 2 tasks in 2 boxes"


def test_the_list_says_in_text_what_the_picture_shows(show: Show) -> None:
    scene = random_scene(130)
    page = show(scene)

    page.press("l")

    read = "[...document.querySelectorAll('#panel li')].map((line) => line.textContent)"
    assert len(page.evaluate(read)) == 101
    page.evaluate("document.querySelector('#panel li:last-child button').click()")
    listed = page.evaluate(read)
    assert [text.split()[0] for text in listed] == [box.label for box in scene.boxes]
    page.evaluate("document.querySelectorAll('#panel li button')[77].click()")
    assert page.state()["selected"] == 77


def test_help_lists_the_keys_and_closes(show: Show) -> None:
    page = show(diamond())

    page.press("?")

    assert page.evaluate("document.getElementById('keys').open")
    assert "expand or collapse" in text_of(page, "#keys")
    page.evaluate("document.querySelector('#keys button').click()")
    assert not page.evaluate("document.getElementById('keys').open")


def test_every_button_can_be_reached_by_tab_and_has_a_name(show: Show) -> None:
    page = show(diamond())

    names = page.evaluate(
        "[...document.querySelectorAll('header button:not([hidden])')]"
        ".map((b) => b.getAttribute('aria-label') || b.textContent.trim())"
    )

    assert all(names)
    assert (
        page.evaluate(
            'document.querySelectorAll(\'[tabindex]:not([tabindex="0"],[tabindex="-1"])\').length'
        )
        == 0
    )


# ----------------------------------------------------------------- text, network, paper
@pytest.mark.parametrize("nasty", NASTY)
def test_names_are_shown_as_text(show: Show, nasty: str) -> None:
    boxes = (Box(nasty, nasty, f"key\n{nasty}", "key", nasty, width_px=300, height_px=40),)
    legend = (Hue(nasty),)
    page = show(
        Scene(boxes, (), title=nasty, caption=nasty, legend=legend, hues={boxes[0].function: 0})
    )

    page.click(*where(page, 0))

    assert page.state()["selected"] == 0
    assert (
        page.evaluate("document.querySelectorAll('b b, #panel script, #legend script').length") == 0
    )
    shown = page.evaluate("JSON.stringify(document.querySelector('#panel p').textContent)")
    assert json.loads(shown) == printable(nasty)


def test_the_network_is_out_of_reach(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text(html_page(diamond(), plain_layout(diamond())), encoding="utf-8")
    page = Page(browser)
    page.load(path)

    refused = page.evaluate(
        "new Promise((done) => { document.addEventListener('securitypolicyviolation',"
        " (event) => done(event.effectiveDirective));"
        " fetch('https://example.invalid/').catch(() => 0); })"
    )

    assert refused == "connect-src"
    page.close()


def test_on_paper_the_whole_picture_is_dark_on_light(show: Show) -> None:
    page = show(random_scene(60), theme="dark")
    page.press("+")
    page.press("+")
    before = page.state()["camera"]

    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")

    assert pixels(page, [(3, 3)]) == [LIGHT.background]
    corners = [where(page, n) for n in range(60)]
    assert all(0 < x < WIDTH and 0 < y < HEIGHT for x, y in corners)
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    assert page.state()["camera"] == before
    assert pixels(page, [(3, HEIGHT - 3)]) == [DARK.background]
    assert len(page.send("Page.printToPDF", printBackground=True)["data"]) > 5_000


# ----------------------------------------------------------------- large
@pytest.mark.slow
def test_a_hundred_thousand_tasks_are_shown_and_found(show: Show) -> None:
    scene = stencil(316, 316)
    page = show(scene)
    assert page.state()["boxes"] == 316 * 316

    find(page, scene.boxes[50_000].name)
    page.press("Enter")

    state = page.state()
    assert state["selected"] == 50_000
    row, column = divmod(50_000, 316)
    # A triangle of rows below, each a column wider on both sides, as far as there are any.
    expected = sum(min(315, column + down) - max(0, column - down) + 1 for down in range(row + 1))
    assert len(state["needed"]) == expected

"""The page in a real Chromium: it renders, zooms, finds and highlights."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from browsing import HEIGHT, WIDTH, Show, find, needs_chromium, pixels, text_of, where, world
from pages import (
    box,
    diamond,
    fan,
    random_scene,
    reached,
)

from lazygraph.viz.model import Box, Edge, Layout, Scene
from lazygraph.viz.paint.themes import DARK, LIGHT

pytestmark = needs_chromium


# ----------------------------------------------------------------- renders
@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_every_box_is_painted_in_its_function_s_colour(show: Show, theme: Any) -> None:
    scene = random_scene(60)

    page = show(scene, scheme="dark" if theme is DARK else "light")

    state = page.state()
    assert (state["view"], state["boxes"]) == ("tasks", 60)
    assert state["edges"] == len(scene.edges)
    scale = state["camera"]["s"]
    inside = [where(page, n) for n in range(60)]
    # Left of the label, right of the outline.
    painted = pixels(page, [(x - 26 * scale, y) for x, y in inside])
    assert painted == [theme.hues[scene.hues[box.function]].fill for box in scene.boxes]
    assert pixels(page, [(3, HEIGHT - 3)]) == [theme.background]


@pytest.mark.parametrize(
    ("theme", "scheme", "expected"),
    [
        ("auto", "light", LIGHT),
        ("auto", "dark", DARK),
        ("light", "dark", LIGHT),
        ("dark", "light", DARK),
    ],
)
def test_a_theme_can_be_forced(show: Show, theme: str, scheme: str, expected: Any) -> None:
    page = show(diamond(), scheme=scheme, theme=theme)

    assert pixels(page, [(3, HEIGHT - 3)]) == [expected.background]


def test_the_theme_follows_the_system_while_the_page_is_open(show: Show) -> None:
    page = show(diamond(), scheme="light")

    page.prefer("dark")

    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert pixels(page, [(3, HEIGHT - 3)]) == [DARK.background]


def test_light_and_dark_differ_on_the_screen(show: Show) -> None:
    shots = [show(diamond(), theme=theme).screenshot() for theme in ("light", "dark")]

    assert shots[0] != shots[1]


def test_a_failed_task_has_a_red_badge(show: Show) -> None:
    boxes = (box(0, "load"), box(1, "load", ["failed"]))
    page = show(Scene(boxes, (), hues={"load": 1}))

    scale = page.state()["camera"]["s"]
    corners = [where(page, n) for n in range(2)]
    badges = pixels(page, [(x + 23.5 * scale, y - 13 * scale) for x, y in corners])
    assert badges[1] == LIGHT.marks["failed"]
    assert badges[0] != badges[1]


@pytest.mark.parametrize("n_others", [0, 2_100], ids=["fine", "coarse"])
def test_an_edge_goes_where_the_layout_has_it(show: Show, n_others: int) -> None:
    """Up, over to the right, and up again, past two joints."""
    boxes = tuple(box(n, "load") for n in range(2 + n_others))
    joints = [(100.0, 485.0), (100.0, 300.0), (300.0, 200.0), (300.0, 115.0)]
    route = [joints[0]]
    for low, high in pairwise(joints):
        middle = (low[1] + high[1]) / 2
        route += [(low[0], middle), (high[0], middle), high]
    others = [(40.0 + n % 50 * 70, 700.0 + n // 50 * 40) for n in range(n_others)]
    places = Layout(3_600, 2_500, ((100.0, 500.0), (300.0, 100.0), *others), (tuple(route),))
    page = show(Scene(boxes, (Edge(0, 1),), hues={"load": 0}), places)
    find(page, boxes[1].name)
    page.press("Enter")

    camera = page.state()["camera"]
    on_edge = [(100, 400), (100, 300), (300, 200), (300, 150), (200, 250), (131, 270)]
    beside = [(x + 12, y) for x, y in on_edge]
    seen = [
        pixels(
            page, [(camera["s"] * x + camera["x"], camera["s"] * y + camera["y"]) for x, y in at]
        )
        for at in (on_edge, beside)
    ]

    assert set(seen[1][:4]) == {LIGHT.background}
    assert LIGHT.background not in seen[0]


def test_a_very_wide_picture_has_its_rows_further_apart(show: Show) -> None:
    page = show(fan(200)[0])

    scale = page.state()["camera"]["s"]
    rows = [where(page, n)[1] for n in (0, 200, 400)]
    assert rows[0] - rows[1] == pytest.approx(4 * 90 * scale)
    assert rows[1] - rows[2] == pytest.approx(4 * 90 * scale)


# ----------------------------------------------------------------- zooms, pans
@pytest.mark.parametrize("turn", [-120, 120, -3])
def test_the_wheel_zooms_and_the_point_under_the_cursor_stays(show: Show, turn: int) -> None:
    page = show(random_scene(60))
    before, point = page.state()["camera"]["s"], (700, 300)
    held = world(page, *point)

    page.mouse("mouseWheel", *point, deltaX=0, deltaY=turn)

    page.wait(f"lazygraph.state().camera.s !== {before!r}")
    after = page.state()["camera"]["s"]
    assert (after > before) == (turn < 0)
    assert world(page, *point) == pytest.approx(held, abs=1e-6)


def test_keys_zoom_and_fit(show: Show) -> None:
    page = show(random_scene(60))
    fitted = page.state()["camera"]

    page.press("+")
    assert page.state()["camera"]["s"] == pytest.approx(1.4 * fitted["s"])
    page.press("-")
    page.press("-")
    assert page.state()["camera"]["s"] == pytest.approx(fitted["s"] / 1.4)
    page.press("0")
    assert page.state()["camera"] == pytest.approx(fitted)


def test_dragging_moves_the_picture_and_selects_nothing(show: Show) -> None:
    page = show(diamond())
    x, y = where(page, 1)

    page.mouse("mousePressed", x, y, button="left", clickCount=1)
    page.mouse("mouseMoved", x + 30, y + 10, button="left", buttons=1)
    page.mouse("mouseMoved", x + 60, y + 40, button="left", buttons=1)
    page.mouse("mouseReleased", x + 60, y + 40, button="left", clickCount=1)

    assert where(page, 1) == pytest.approx((x + 60, y + 40))
    assert page.state()["selected"] == -1


def test_two_fingers_zoom(show: Show) -> None:
    page = show(random_scene(60))
    before = page.state()["camera"]["s"]

    def touch(kind: str, *xs: float) -> None:
        points = [{"x": x, "y": 400, "id": n} for n, x in enumerate(xs)]
        page.send("Input.dispatchTouchEvent", type=kind, touchPoints=points)

    touch("touchStart", 550)
    touch("touchStart", 550, 650)
    touch("touchMove", 500, 650)
    touch("touchMove", 500, 700)
    touch("touchEnd")

    assert page.state()["camera"]["s"] == pytest.approx(2 * before, rel=0.01)


def test_who_wants_little_motion_gets_none(show: Show) -> None:
    zoom = "(document.getElementById('in').click(), lazygraph.state().isGliding)"

    assert show(diamond(), motion="no-preference").evaluate(zoom)
    assert not show(diamond(), motion="reduce").evaluate(zoom)


# ----------------------------------------------------------------- finds
def test_a_key_is_found_selected_and_shown(show: Show) -> None:
    scene = random_scene(300)
    page = show(scene)
    for _ in range(6):
        page.press("+")

    find(page, scene.boxes[123].name)
    page.press("Enter")

    state = page.state()
    assert (state["selected"], state["name"]) == (123, scene.boxes[123].name)
    x, y = where(page, 123)
    assert 0 < x < WIDTH - 300  # beside the panel
    assert 0 < y < HEIGHT
    assert scene.boxes[123].name in text_of(page, "#panel")


def test_a_function_s_name_finds_all_its_tasks_one_after_the_other(show: Show) -> None:
    scene = random_scene(40)
    page = show(scene)
    expected = [n for n, box in enumerate(scene.boxes) if box.function == "join"]

    find(page, "JOIN")

    assert page.state()["hits"] == expected
    assert text_of(page, "#hits") == f"{len(expected)} found"
    seen = []
    for _ in range(len(expected) + 1):
        page.press_button("next")
        seen.append(page.state()["selected"])
    assert seen == [*expected, expected[0]]
    page.press_button("previous")
    assert page.state()["selected"] == expected[-1]
    assert text_of(page, "#hits") == f"{len(expected)} of {len(expected)}"


def test_an_exact_key_comes_before_longer_ones(show: Show) -> None:
    boxes = tuple(Box("f", name=name, function="f") for name in ("f-11", "f-1", "f-12"))
    page = show(Scene(boxes, (), hues={"f": 0}))

    find(page, "f-1")

    assert page.state()["hits"] == [1, 0, 2]


def test_nothing_found_is_said(show: Show) -> None:
    page = show(diamond())

    find(page, "no such task")
    page.press("Enter")

    assert text_of(page, "#hits") == "0 found"
    assert page.state()["selected"] == -1


# ----------------------------------------------------------------- highlights
@pytest.mark.parametrize("task", [0, 17, 60, 119])
def test_a_click_highlights_exactly_what_a_task_needs_and_what_needs_it(
    show: Show, task: int
) -> None:
    scene = random_scene(120, seed=7)
    page = show(scene)

    page.click(*where(page, task))

    state = page.state()
    assert state["selected"] == task
    assert set(state["needed"]) == reached(scene, task, forward=False)
    assert set(state["needing"]) == reached(scene, task, forward=True)
    counts = (
        len(reached(scene, task, forward=False)) - 1,
        len(reached(scene, task, forward=True)) - 1,
    )
    told = [f"{n} task" if n == 1 else f"{n} tasks" for n in counts]
    verb = "needs" if counts[1] == 1 else "need"
    assert f"Needs {told[0]}; {told[1]} {verb} it." in text_of(page, "#panel")


def test_what_is_not_in_the_cone_fades(show: Show) -> None:
    page = show(diamond())
    scale = page.state()["camera"]["s"]
    x, y = where(page, 2)
    beside = [(x - 26 * scale, y)]
    before = pixels(page, beside)

    page.click(*where(page, 1))

    assert pixels(page, beside) != before


def test_details_list_dependencies_and_dependents_to_go_to(show: Show) -> None:
    scene = diamond()
    page = show(scene)

    page.click(*where(page, 0))

    listed = page.evaluate("[...document.querySelectorAll('#panel li')].map((l) => l.textContent)")
    assert [text.split()[0] for text in listed] == ["clean", "clean"]
    assert "load(0)\npipeline.py:14" in text_of(page, "#panel")
    page.evaluate("document.querySelectorAll('#panel li button')[1].click()")
    assert page.state()["selected"] == 2


def test_a_click_on_nothing_and_escape_clear(show: Show) -> None:
    page = show(diamond())
    page.click(*where(page, 0))

    page.click(40, HEIGHT - 40)

    assert page.state()["selected"] == -1
    find(page, "clean")
    page.press("Enter")
    page.press("Escape")
    state = page.state()
    assert (state["selected"], state["hits"], state["needed"]) == (-1, [], [])
    assert page.evaluate("document.getElementById('query').value") == ""

"""What the page holds, read back in Python; `test_html_browser` tries it in a browser."""

from __future__ import annotations

import re
import subprocess
import sys
from base64 import b64encode
from hashlib import sha256
from html import unescape
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pages import (
    Groups,
    centres_of,
    data_of,
    diamond,
    edges_of,
    fan,
    names_of,
    plain_layout,
    random_scene,
    routes_of,
    spread,
    stencil,
    tips_of,
)
from pictures import NASTY

from lazygraph.viz.model import Box, Edge, Heading, Hue, Layout, Mark, Scale, Scene
from lazygraph.viz.write.html import html_page

TEXTS = st.text(max_size=12) | st.sampled_from(NASTY)


def page_of(scene: Scene, **more: str) -> str:
    return html_page(scene, plain_layout(scene), **more)


class Tags(HTMLParser):
    """Elements in order, and what stands in the scripts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.texts: dict[str, list[str]] = {}
        self.policy = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if ("http-equiv", "Content-Security-Policy") in attrs:
            self.policy = dict(attrs)["content"] or ""

    def handle_data(self, data: str) -> None:
        if self.tags:
            self.texts.setdefault(self.tags[-1], []).append(data)


# ----------------------------------------------------------------- what goes in comes out
@given(st.lists(st.tuples(TEXTS, TEXTS, TEXTS), min_size=1, max_size=6))
def test_texts_come_out_as_they_went_in(texts: list[tuple[str, str, str]]) -> None:
    boxes = tuple(
        Box(label, detail, f"{name}\n{label} called", name) for label, detail, name in texts
    )
    scene = Scene(boxes, ())

    part = data_of(page_of(scene))["tasks"]

    assert spread(part["boxes"]["label"], len(boxes)) == [box.label for box in boxes]
    assert spread(part["boxes"]["detail"], len(boxes)) == [box.detail for box in boxes]
    assert names_of(part) == [box.name for box in boxes]
    shown = zip(names_of(part), tips_of(part), strict=True)
    told = [f"{name}\n{tip}" if name else tip for name, tip in shown]
    assert told == [tooltip.tooltip for tooltip in boxes]


@pytest.mark.parametrize(
    "name",
    ["load-017-x", "load-1234567890123", "load-3f9a7c", "7", "-0-", "a-1b-22-c", "9 9", "٣-٤"],
)
def test_numbers_in_names_come_out_as_they_went_in(name: str) -> None:
    scene = Scene((Box("load", name=name), Box("load", name="load-5-z")), ())

    assert names_of(data_of(page_of(scene))["tasks"]) == [name, "load-5-z"]


@pytest.mark.parametrize("scene", [diamond(), random_scene(80)], ids=["diamond", "random"])
def test_places_and_routes_come_out_to_a_tenth_of_a_px(scene: Scene) -> None:
    layout = plain_layout(scene)

    part = data_of(html_page(scene, layout))["tasks"]

    assert edges_of(part) == [(edge.start, edge.end) for edge in scene.edges]
    for centre, expected in zip(centres_of(part), layout.centres, strict=True):
        assert centre == pytest.approx(expected, abs=0.06)
    for route, expected in zip(routes_of(part), layout.routes, strict=True):
        assert len(route) == len(expected)
        for point, wanted in zip(route, expected, strict=True):
            assert point == pytest.approx(wanted, abs=0.5)  # inner points: a hundredth of the way


def test_straight_runs_become_one_curve_and_stay_where_they_are() -> None:
    """A route up 60, up 40 more, then over to the right."""
    route = (
        *((0.0, 200.0), (0.0, 180.0), (0.0, 160.0), (0.0, 140.0)),
        *((0.0, 140.0), (0.0, 100.0), (0.0, 100.0)),
        *((0.0, 60.0), (50.0, 60.0), (50.0, 20.0)),
    )
    scene = Scene((Box("a"), Box("b")), (Edge(0, 1),))
    layout = Layout(100, 240, ((0.0, 215.0), (50.0, 5.0)), (route,))

    (found,) = routes_of(data_of(html_page(scene, layout))["tasks"])

    assert found[0] == (0.0, 200.0)
    assert found[3] == (0.0, 100.0)
    assert [*found[4:]] == [(0.0, 60.0), (50.0, 60.0), (50.0, 20.0)]


def test_marks_shapes_and_what_fused_tasks_run_are_there() -> None:
    marks: frozenset[Mark] = frozenset({"failed", "slow"})
    fused = Box("f", members=("f", "g"), shape="fused", marks=marks)

    data = data_of(page_of(Scene((Box("x", shape="data"), fused), ())))

    boxes = data["tasks"]["boxes"]
    assert [data["shapes"][n] for n in boxes["shape"]] == ["data", "fused"]
    marked = [mark for n, mark in enumerate(data["marks"]) if boxes["marks"][1] >> n & 1]
    assert sorted(marked) == ["failed", "slow"]
    assert boxes["rows"] == {"1": ["g", "f"]}  # the first at the bottom, where data comes from
    downward = data_of(page_of(Scene((fused,), (), rankdir="TB")))
    assert downward["tasks"]["boxes"]["rows"] == {"0": ["f", "g"]}


def test_groups_have_their_members() -> None:
    scene, groups, folded = fan(30)

    data = data_of(
        html_page(
            scene,
            plain_layout(scene),
            groups,
            group_scene=folded,
            group_layout=plain_layout(folded),
        )
    )

    members = [
        [sum(steps[: n + 1]) for n in range(len(steps))] for steps in data["groups"]["members"]
    ]
    assert members == groups.members
    assert edges_of(data["groups"]) == [(0, 1), (1, 2)]
    assert data["groups"]["edges"]["label"] == ["", "30 : 1"]


def test_a_scale_is_there_from_low_to_high() -> None:
    boxes = (Box("a", value=0.0), Box("b", value=1.0))
    legend = (Heading("seconds"), Scale("1 ms", "2 s"))

    data = data_of(page_of(Scene(boxes, (), legend=legend)))

    title, scale = data["legend"]
    rows = [data["palette"][row] for row in scale["scale"]]
    assert title == {"text": "seconds"}
    assert scale["ends"] == ["1 ms", "2 s"]
    assert data["tasks"]["boxes"]["colour"] == [scale["scale"][n] for n in (0, -1)]
    assert rows[0][0] == "#440154"  # viridis begins so
    assert rows[-1][0] == "#fde725"  # and ends so


# ----------------------------------------------------------------- text stays text
@pytest.mark.parametrize("nasty", [*NASTY, "\u2028</script>\u2029", "{{script}}{{data}}"])
def test_no_name_becomes_markup(nasty: str) -> None:
    legend = (Hue(nasty),)
    boxes = (Box(nasty, nasty, nasty, nasty, nasty),)
    scene = Scene(boxes, (), title=nasty, caption=nasty, legend=legend, hues={boxes[0].function: 1})
    plain = Scene((Box("x"),), (), title="x")

    page = page_of(scene)

    assert Tags(page).tags == Tags(page_of(plain)).tags
    title = re.search("<title>(.*?)</title>", page, re.DOTALL)
    assert title is not None
    no_file_holds = "[\x00-\x08\x0e-\x1f\ud800-\udfff\uffff]"
    assert unescape(title[1]).split() == re.sub(no_file_holds, "\ufffd", nasty).split()


def test_the_policy_lets_nothing_in_but_the_page_s_own_script_and_style() -> None:
    tags = Tags(page_of(diamond()))

    rules = dict(rule.strip().split(" ", 1) for rule in tags.policy.split(";"))
    assert rules["default-src"] == "'none'"
    script = max(tags.texts["script"], key=lambda text: "use strict" in text)
    for rule, text in [("script-src", script), ("style-src", "".join(tags.texts["style"]))]:
        digest = b64encode(sha256(text.strip("\n").encode()).digest()).decode()
        assert digest in rules[rule]
    assert set(rules) == {"default-src", "script-src", "style-src"}


def test_nothing_in_the_page_points_elsewhere() -> None:
    page = page_of(diamond())

    assert not re.findall(r"https?:|\bsrc=|\bhref=|url\(|@import|\bfetch\(|XMLHttp|WebSocket", page)
    assert "innerHTML" not in page


# ----------------------------------------------------------------- sizes, bytes, mistakes
def test_ten_thousand_tasks_take_less_than_300_kb() -> None:
    scene = random_scene(10_000)

    assert len(page_of(scene)) <= 300_000


@pytest.mark.slow
def test_a_hundred_thousand_tasks_take_less_than_2_mb() -> None:
    scene = stencil(316, 316)

    assert len(page_of(scene)) <= 2_000_000


def test_the_same_scene_gives_the_same_bytes_in_every_process() -> None:
    code = (
        "import sys; sys.path[:0] = ['tests/support']; import pages; from hashlib import sha256;"
        "from lazygraph.viz.write.html import html_page; s, g, f = pages.fan(20);"
        "page = html_page(s, pages.plain_layout(s), g, group_scene=f,"
        " group_layout=pages.plain_layout(f)); print(sha256(page.encode()).hexdigest())"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": "."},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in "123"
    }

    assert len(digests) == 1


def test_a_theme_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="'auto', 'light' or 'dark', not 'drak'"):
        page_of(diamond(), theme="drak")


def test_groups_without_a_picture_of_them_are_refused() -> None:
    scene = diamond()
    with pytest.raises(ValueError, match="groups need group_scene and group_layout"):
        html_page(scene, plain_layout(scene), Groups([[0], [1, 2], [3]]))


def test_lazygraph_is_imported_without_the_page() -> None:
    code = "import sys, lazygraph; sys.exit('lazygraph.viz.write.html' in sys.modules)"

    subprocess.run([sys.executable, "-c", code], check=True)

"""Light and dark: contrast, what the colour-blind see, and the way from one to the other."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pictures import SVG, Picture, contrast, map_reduce, named, own_svg, tutorial

from lazygraph import Graph, Task
from lazygraph.viz import draw
from lazygraph.viz.paint.colours import hues_by_name, scale_colours
from lazygraph.viz.paint.themes import DARK, LIGHT, Theme

THEMES = {"light": LIGHT, "dark": DARK}

# Machado, Oliveira & Fernandes (2009), "A physiologically-based model for simulation of color
# vision deficiency", severity 1; on linear RGB.
EYES = {
    "normal": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protan": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deutan": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "tritan": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}


def applied(matrix: Any, vector: Any) -> list[float]:
    return [sum(a * b for a, b in zip(row, vector, strict=True)) for row in matrix]


def oklab(rgb: list[float]) -> list[float]:
    """Ottosson (2020), "A perceptual color space for image processing"."""
    cones = applied(
        (
            (0.4122214708, 0.5363325363, 0.0514459929),
            (0.2119034982, 0.6806995451, 0.1073969566),
            (0.0883024619, 0.2817188376, 0.6299787005),
        ),
        rgb,
    )
    return applied(
        (
            (0.2104542553, 0.7936177850, -0.0040720468),
            (1.9779984951, -2.4285922050, 0.4505937099),
            (0.0259040371, 0.7827717662, -0.8086757660),
        ),
        [max(0.0, cone) ** (1 / 3) for cone in cones],
    )


def seen(colour: str, eyes: str) -> list[float]:
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return oklab([min(max(part, 0.0), 1.0) for part in applied(EYES[eyes], linear)])


def difference(one: Any, other: Any, eyes: str) -> float:
    """Of fill and outline together, in hundredths: 2 is what one sees side by side."""
    pairs = [(one.fill, other.fill), (one.stroke, other.stroke)]
    squares = [
        (a - b) ** 2
        for left, right in pairs
        for a, b in zip(seen(left, eyes), seen(right, eyes), strict=True)
    ]
    return 100 * sum(squares) ** 0.5


@pytest.mark.parametrize("theme", THEMES.values(), ids=THEMES)
@pytest.mark.parametrize("eyes", EYES)
def test_the_colour_blind_tell_functions_apart(theme: Theme, eyes: str) -> None:
    for one, other in combinations((*theme.hues, theme.data), 2):
        assert difference(one, other, eyes) >= 7, (one, other)


@pytest.mark.parametrize("theme", THEMES.values(), ids=THEMES)
def test_text_and_outlines_have_the_contrast_that_wcag_asks_for(theme: Theme) -> None:
    """7:1 on hues (AAA), 4.5:1 for what is faint on purpose, 3:1 for what is no text."""
    for colours in (*theme.hues, theme.data):
        assert contrast(colours.text, colours.fill) >= 7
        assert contrast(colours.stroke, theme.background) >= 3
    assert contrast(theme.faint.text, theme.faint.fill) >= 4.5
    assert contrast(theme.faint.stroke, theme.background) >= 3
    assert contrast(theme.text, theme.background) >= 7
    assert contrast(theme.muted, theme.background) >= 4.5
    assert contrast(theme.edge, theme.background) >= 3
    for colour in theme.marks.values():  # a badge's sign is of the background's colour
        assert contrast(colour, theme.background) >= 4.5


@given(st.floats(0, 1))
def test_numbers_can_be_read_on_the_whole_scale(share: float) -> None:
    colours = scale_colours(share)

    assert contrast(colours.text, colours.fill) >= 4.3


def test_the_scale_goes_from_dark_to_light() -> None:
    steps = [contrast(scale_colours(n / 50).fill, "#000000") for n in range(51)]

    assert steps == sorted(steps)
    assert (scale_colours(0).fill, scale_colours(1).fill) == ("#440154", "#fde725")


@pytest.mark.parametrize("theme", THEMES)
def test_what_is_drawn_has_that_contrast(theme: str) -> None:
    names = ["add", "clean", "join", "merge", "mul", "plot", "score", "square"]
    graph = Graph({name: Task(named(name), ("x",)) for name in names})
    picture = Picture(own_svg(graph, ["add"], theme=theme))

    for group in picture.root.iter(f"{SVG}g"):
        if group.find(f"{SVG}title") is not None:
            rect = group.find(f"{SVG}rect").attrib
            for text in group.iter(f"{SVG}text"):
                assert contrast(text.attrib["fill"], rect["fill"]) >= 7


def colours_in(svg: str) -> set[str]:
    return set(re.findall(r"#[0-9a-f]{6}", svg))


def test_dark_shares_no_colour_with_light() -> None:
    graph = tutorial()
    light, dark = (own_svg(graph, theme=theme) for theme in THEMES)

    assert colours_in(light)
    assert not colours_in(light) & colours_in(dark)
    assert own_svg(graph) == light
    assert Picture(light).labels() == Picture(dark).labels()


def test_a_notebook_turns_a_picture_dark_colour_by_colour() -> None:
    """The rules, applied to the light picture, give the dark one."""
    graph = map_reduce()
    inline = draw(graph, (), detail="collapsed")._repr_mimebundle_()["text/html"]
    dark = draw(graph, (), detail="collapsed", theme="dark").svg
    rules = re.findall(r'#(lg-\w+) \[(fill|stroke)="(#\w+)"\]\{\2:(#\w+)\}', inline)

    body = inline[inline.index("</style>") : inline.index("</svg>")]
    for name, what, light, other in rules:
        assert f'id="{name}"' in inline
        body = body.replace(f'{what}="{light}"', f'{what}="{other}"')
    assert rules
    assert body.removeprefix("</style>") in dark
    for sign in ("[data-jp-theme-light=false]", ".vscode-dark", "[data-theme=dark]"):
        assert sign in inline


@pytest.mark.parametrize("theme", THEMES)
def test_a_theme_that_is_asked_for_holds_in_notebooks_too(theme: str) -> None:
    drawing = draw(tutorial(), (), theme=theme)

    inline = drawing._repr_mimebundle_()["text/html"]
    assert drawing.svg in inline
    assert "<style" not in inline


def test_two_colours_of_one_theme_are_never_one_of_the_other() -> None:
    pairs = set(zip(LIGHT.colours(), DARK.colours(), strict=True))

    assert len({light for light, _ in pairs}) == len(pairs)


def test_inline_pictures_are_whole_elements() -> None:
    inline = draw(tutorial(), ())._repr_mimebundle_()["text/html"]

    root = ET.fromstring(inline)
    assert root.tag == "div"
    assert [child.tag for child in root] == [f"{SVG}svg"]


def test_hues_are_kept_as_far_as_they_do_not_collide() -> None:
    alone = hues_by_name(["load"])
    names = [f"function_{n}" for n in range(20)]
    hues = hues_by_name(names)

    assert len({hues[name] for name in names}) == len(LIGHT.hues)
    assert hues_by_name(reversed(names)) == hues
    assert hues_by_name(["load"]) == alone
